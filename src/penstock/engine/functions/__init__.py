"""SQL's scalar functions with Flink's semantics: a table of them, filled by one file a family."""

from penstock.engine.functions import conditions, mathematics, times
from penstock.engine.functions.collections import arrays, making, maps
from penstock.engine.functions.documents import making as json_making
from penstock.engine.functions.documents import paths
from penstock.engine.functions.table import FUNCTIONS, Value, kind_of_type
from penstock.engine.functions.texts import edits, encodings, strings

FAMILIES = (
    arrays,
    conditions,
    edits,
    encodings,
    json_making,
    making,
    maps,
    mathematics,
    paths,
    strings,
    times,
)

__all__ = ["FAMILIES", "FUNCTIONS", "Value", "kind_of_type"]
