"""Pipelines in Python: the same plan nodes as Flink SQL's, over the same catalog."""

from penstock.dsl.app import App
from penstock.dsl.expressions import Expression, col, left, now, right
from penstock.dsl.functions import fn
from penstock.dsl.streams import Stream

__all__ = ["App", "Expression", "Stream", "col", "fn", "left", "now", "right"]
