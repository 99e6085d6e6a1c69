"""The WITH options of a table that say how its records are written.

Knows the keys; knows nothing of any format.
"""

from penstock.engine.plan import Table
from penstock.errors import PenstockError


def value_format(table: Table) -> str:
    """``json`` (or what else is offered); raises `PenstockError` for another, and for options not offered."""
    options = table.options
    name = options.get("value.format", options.get("format", "json"))
    if name != "json":
        raise PenstockError(f"the format {name} of {table.name} is not offered", remedy="'format' = 'json'")
    key = options.get("key.format", "json")
    if key != "json":
        raise PenstockError(
            f"the key format {key} of {table.name} is not offered", remedy="'key.format' = 'json'"
        )
    if options.get("value.fields-include", "ALL").upper() != "ALL":
        raise PenstockError(
            f"value.fields-include of {table.name} is not offered",
            remedy="leave it out: the value has all columns",
        )
    return name
