"""Functions over maps: keys, values, and maps made of arrays and texts.

Source: Flink documentation, "Collection Functions". Knows nothing of SQL text.
"""

import re
from typing import Any

import polars as pl

from penstock.engine.functions import kinds
from penstock.engine.functions.collections.batches import array_of, rows
from penstock.engine.functions.collections.making import pairs
from penstock.engine.functions.conditions import together
from penstock.engine.functions.table import VARIADIC, Value, constant, function, known, refuse
from penstock.engine.types import array_kind, element, map_fields, map_kind
from penstock.errors import PenstockError


def _part(name: str, value: Value, place: int) -> Value:
    if not value.kind.startswith("MAP<"):
        raise refuse(name, value, remedy="it takes a MAP")
    field = map_fields(value.kind)[place]
    return Value(array_kind(field.kind), value.expr.list.eval(pl.element().struct.field(field.name)))


@function("MAP_KEYS", arguments=(1, 1))
def map_keys(value: Value) -> Value:
    """The keys, as an array."""
    return _part("MAP_KEYS", value, 0)


@function("MAP_VALUES", arguments=(1, 1))
def map_values(value: Value) -> Value:
    """The values, as an array."""
    return _part("MAP_VALUES", value, 1)


@function("MAP_ENTRIES", arguments=(1, 1))
def map_entries(value: Value) -> Value:
    """The pairs, as an array of rows."""
    if not value.kind.startswith("MAP<"):
        raise refuse("MAP_ENTRIES", value, remedy="it takes a MAP")
    return Value(array_kind(element(value.kind).kind), value.expr)


@function("MAP_FROM_ARRAYS", arguments=(2, 2))
def map_from_arrays(keys: Value, values: Value) -> Value:
    """Keys and values that stand at equal places; NULL where there are not as many (Flink's fails the job then)."""
    key, held = array_of("MAP_FROM_ARRAYS", keys, values), array_of("MAP_FROM_ARRAYS", values)

    def made(left: list[Any], right: list[Any]) -> list[dict[str, Any]] | None:
        return pairs(left, right) if len(left) == len(right) else None

    return rows(map_kind(key, held), made, keys.expr, values.expr)


@function("MAP_UNION", arguments=(1, VARIADIC))
def map_union(*values: Value) -> Value:
    """All pairs of all maps; of equal keys the last one counts. NULL where one map is."""
    if not all(value.kind.startswith("MAP<") or value.kind == kinds.NULL for value in values):
        raise refuse("MAP_UNION", *values, remedy="it takes MAPs")
    kind, exprs = together("MAP_UNION", *values)

    def made(*maps: list[dict[str, Any]]) -> list[dict[str, Any]]:
        every = [pair for one in maps for pair in one]
        return pairs([pair["key"] for pair in every], [pair["value"] for pair in every])

    return rows(kind, made, *exprs)


@function("STR_TO_MAP", arguments=(1, 3))
def str_to_map(text: Value, *signs: Value) -> Value:
    """``a=1,b=2`` as a map; the second and third texts are other patterns for the comma and the equals sign."""
    if not all(kinds.is_text(one.kind) for one in (text, *signs)):
        raise refuse("STR_TO_MAP", text, *signs, remedy="it takes texts")
    try:
        between, equals = (
            re.compile(known("STR_TO_MAP", one, "pattern")) for one in [*signs, *_SIGNS[len(signs) :]]
        )
    except re.error as error:
        raise PenstockError(f"STR_TO_MAP: a pattern cannot be read: {error}") from None

    def made(words: str) -> list[dict[str, Any]]:
        split = [equals.split(part, maxsplit=1) for part in _java_split(between, words)]
        return pairs([part[0] for part in split], [part[1] if len(part) == 2 else None for part in split])

    return rows("MAP<STRING, STRING>", made, text.expr)


_SIGNS = (constant("STRING", ","), constant("STRING", "="))


def _java_split(pattern: re.Pattern[str], text: str) -> list[str]:
    """String.split: empty parts at the end are left out, unless the text is empty."""
    parts = pattern.split(text) if text else []
    while len(parts) > 1 and not parts[-1]:
        parts.pop()
    return parts
