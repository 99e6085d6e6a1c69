"""The WITH options of a table that say how its records are written.

Knows the keys; knows nothing of any format.
"""

from penstock.engine.plan import Table
from penstock.errors import PenstockError

FORMATS = ("json", "avro", "protobuf", "csv", "raw", "debezium-json")
_REMEDY = f"one of: {', '.join(FORMATS)}"


def key_format(table: Table) -> str:
    """The format of the records' keys."""
    return table.options.get("key.format", "json")


def value_format(table: Table) -> str:
    """One of `FORMATS`; raises `PenstockError` for another, and for options not offered."""
    options = table.options
    name = options.get("value.format", options.get("format", "json"))
    if name not in FORMATS:
        raise PenstockError(f"the format {name} of {table.name} is not offered", remedy=_REMEDY)
    key = key_format(table)
    if key not in FORMATS:
        raise PenstockError(f"the key format {key} of {table.name} is not offered", remedy=_REMEDY)
    if options.get("value.fields-include", "ALL").upper() != "ALL":
        raise PenstockError(
            f"value.fields-include of {table.name} is not offered",
            remedy="leave it out: the value has all columns",
        )
    return name
