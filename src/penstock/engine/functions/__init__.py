"""SQL's scalar functions with Flink's semantics: a table of them, filled by one file a family."""

from penstock.engine.functions import conditions, documents, mathematics, strings, times
from penstock.engine.functions.table import FUNCTIONS, Value, kind_of_type

FAMILIES = (conditions, documents, mathematics, strings, times)

__all__ = ["FAMILIES", "FUNCTIONS", "Value", "kind_of_type"]
