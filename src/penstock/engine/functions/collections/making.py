"""ARRAY[…], MAP[…], ROW(…), and what stands at a place in them.

Source: Flink documentation, "Value Construction Functions", "Value Access Functions". Knows nothing of SQL text.
"""

import numpy as np
import polars as pl

from penstock.engine.functions import kinds
from penstock.engine.functions.casts import convert
from penstock.engine.functions.collections.batches import columns, rows
from penstock.engine.functions.conditions import together
from penstock.engine.functions.table import VARIADIC, Value, function, refuse
from penstock.engine.kernels.arrow import nest
from penstock.engine.types import (
    Column,
    array_kind,
    element,
    is_array,
    is_map,
    map_fields,
    map_kind,
    polars_type,
    row_kind,
)
from penstock.errors import PenstockError


@function("ARRAY", arguments=(1, VARIADIC))
def array(*values: Value) -> Value:
    """The values in their common kind."""
    kind, exprs = together("ARRAY", *values)
    if kind == kinds.NULL:
        raise refuse("ARRAY", *values, remedy="CAST(NULL AS type) says which type is meant")
    return columns(array_kind(kind), _interleaved, *exprs)


def _interleaved(*parts: pl.Series) -> pl.Series:
    size, height = len(parts), len(parts[0])
    order = np.arange(size * height).reshape(size, height).T.ravel()
    elements = pl.concat([part.alias("element") for part in parts])[order]
    return nest("made", elements, np.arange(height + 1, dtype=np.int64) * size)


@function("MAP", arguments=(2, VARIADIC))
def make_map(*values: Value) -> Value:
    """Key, value, key, value, …; of equal keys the last one counts."""
    if len(values) % 2:
        raise PenstockError("MAP takes keys and values in turn", remedy="MAP['a', 1, 'b', 2]")
    key, keys = together("MAP", *values[::2])
    held, exprs = together("MAP", *values[1::2])
    if kinds.NULL in (key, held):
        raise refuse("MAP", *values, remedy="CAST(NULL AS type) says which type is meant")
    count = len(keys)
    return rows(map_kind(key, held), lambda *row: pairs(row[:count], row[count:]), *keys, *exprs, nulls=True)


def pairs(
    keys: "list[object] | tuple[object, ...]", values: "list[object] | tuple[object, ...]"
) -> list[dict[str, object]]:
    """A map of keys and values, as a column has it: the last of equal keys counts, in the first one's place."""
    held = dict(zip(keys, values, strict=True))
    return [{"key": key, "value": value} for key, value in held.items()]


@function("ROW", arguments=(1, VARIADIC))
def row(*values: Value) -> Value:
    """The values as fields EXPR$0, EXPR$1, …"""
    if any(value.kind == kinds.NULL or kinds.is_interval(value.kind) for value in values):
        raise refuse("ROW", *values, remedy="CAST(NULL AS type) says which type is meant")
    fields = [Column(f"EXPR${place}", value.kind) for place, value in enumerate(values)]
    parts = [value.expr.alias(field.name) for value, field in zip(values, fields, strict=True)]
    return Value(row_kind(fields), pl.struct(parts))


@function("ITEM", arguments=(2, 2))
def item(value: Value, place: Value) -> Value:
    """``a[i]``, counted from 1, and ``m[key]``; NULL where there is none."""
    if is_map(value.kind):
        return _at_key(value, place)
    if not is_array(value.kind) or not kinds.is_integer(place.kind):
        raise refuse("a[i]", value, place, remedy="an ARRAY takes a whole number, a MAP one of its keys")
    if place.constant is not None and place.constant < 1:
        raise PenstockError(
            f"an array's elements are counted from 1, not {place.constant}", remedy="a[1] is the first"
        )
    at = place.expr.cast(pl.Int64)
    found = value.expr.list.get(pl.when(at >= 1).then(at - 1), null_on_oob=True)
    return Value(element(value.kind).kind, found)


def _at_key(value: Value, place: Value) -> Value:
    key, held = map_fields(value.kind)
    if kinds.wider(key.kind, place.kind) is None:
        raise refuse("m[key]", value, place, remedy=f"its keys are {key.kind}")
    wanted = convert(place, key.kind).expr
    if place.constant is not None:
        pair = pl.element()
        same = pair.filter(pair.struct.field("key") == pl.lit(place.constant, dtype=polars_type(key.kind)))
        return Value(
            held.kind, value.expr.list.eval(same.struct.field("value")).list.get(0, null_on_oob=True)
        )

    def found(pairs_: list[dict[str, object]] | None, key_: object) -> object:
        return next((pair["value"] for pair in pairs_ or () if pair["key"] == key_), None)

    return rows(held.kind, found, value.expr, wanted, nulls=True)
