"""Joins: what two inputs' rows give side by side."""
