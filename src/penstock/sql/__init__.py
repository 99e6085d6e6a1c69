"""Flink SQL: a script becomes a `Plan`, or an error with its place and remedy."""

from penstock.sql.script import parse

__all__ = ["parse"]
