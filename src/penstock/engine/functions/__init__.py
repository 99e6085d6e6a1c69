"""SQL's scalar functions with Flink's semantics: a table of them, filled by one file a family."""

from penstock.engine.functions import conditions, documents, mathematics, times
from penstock.engine.functions.table import FUNCTIONS, Value, kind_of_type
from penstock.engine.functions.texts import edits, encodings, strings

FAMILIES = (conditions, documents, edits, encodings, mathematics, strings, times)

__all__ = ["FAMILIES", "FUNCTIONS", "Value", "kind_of_type"]
