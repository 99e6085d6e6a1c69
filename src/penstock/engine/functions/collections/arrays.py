"""Functions over arrays: what is in them, parts of them, several put together.

Source: Flink documentation, "Collection Functions". Knows nothing of SQL text.
"""

from typing import Any

import polars as pl

from penstock.engine.functions import kinds
from penstock.engine.functions.collections.batches import array_of, beside, joined, key_of, rows
from penstock.engine.functions.table import VARIADIC, Value, function, refuse
from penstock.engine.types import array_kind, is_array, is_nested


@function("CARDINALITY", arguments=(1, 1))
def cardinality(value: Value) -> Value:
    """How many elements, or pairs."""
    if not is_array(value.kind) and not value.kind.startswith("MAP<"):
        raise refuse("CARDINALITY", value, remedy="it takes an ARRAY or a MAP")
    return Value("INT", value.expr.list.len().cast(pl.Int32))


@function("ELEMENT", arguments=(1, 1))
def element(value: Value) -> Value:
    """The only element; NULL of an empty array, and of one with more (Flink's fails the job then)."""
    inner = array_of("ELEMENT", value)
    return Value(inner, pl.when(value.expr.list.len() == 1).then(value.expr.list.get(0, null_on_oob=True)))


@function("ARRAY_CONTAINS", arguments=(2, 2))
def array_contains(value: Value, one: Value) -> Value:
    """Whether an element is equal to the value; NULL is in an array that has one."""
    inner, held, wanted = beside("ARRAY_CONTAINS", value, one)
    if is_nested(inner):
        return _asked("BOOLEAN", lambda a, x: x in a, held, wanted)
    return Value("BOOLEAN", held.list.contains(wanted, nulls_equal=True))


def _asked(kind: str, body: Any, held: pl.Expr, wanted: pl.Expr) -> Value:
    return rows(kind, lambda a, x: None if a is None else body(a, x), held, wanted, nulls=True)


@function("ARRAY_POSITION", arguments=(2, 2))
def array_position(value: Value, one: Value) -> Value:
    """Where the first equal element stands, counted from 1; 0 for nowhere."""
    _, held, wanted = beside("ARRAY_POSITION", value, one)
    return rows("INT", lambda a, x: a.index(x) + 1 if x in a else 0, held, wanted)


@function("ARRAY_APPEND", arguments=(2, 2))
def array_append(value: Value, one: Value) -> Value:
    """The array and the value behind it."""
    inner, held, wanted = beside("ARRAY_APPEND", value, one)
    return _asked(array_kind(inner), lambda a, x: [*a, x], held, wanted)


@function("ARRAY_PREPEND", arguments=(2, 2))
def array_prepend(value: Value, one: Value) -> Value:
    """The array and the value in front of it."""
    inner, held, wanted = beside("ARRAY_PREPEND", value, one)
    return _asked(array_kind(inner), lambda a, x: [x, *a], held, wanted)


@function("ARRAY_REMOVE", arguments=(2, 2))
def array_remove(value: Value, one: Value) -> Value:
    """Without the elements that are equal to the value."""
    inner, held, wanted = beside("ARRAY_REMOVE", value, one)
    return _asked(array_kind(inner), lambda a, x: [held for held in a if held != x], held, wanted)


@function("ARRAY_REVERSE", arguments=(1, 1))
def array_reverse(value: Value) -> Value:
    """From the last to the first."""
    array_of("ARRAY_REVERSE", value)
    return Value(value.kind, value.expr.list.reverse())


@function("ARRAY_DISTINCT", arguments=(1, 1))
def array_distinct(value: Value) -> Value:
    """Each element once, in the order of their first places."""
    array_of("ARRAY_DISTINCT", value)
    return rows(value.kind, _distinct, value.expr)


def _distinct(values: list[Any]) -> list[Any]:
    seen: dict[Any, Any] = {}
    for value in values:
        seen.setdefault(key_of(value), value)
    return list(seen.values())


@function("ARRAY_UNION", arguments=(2, 2))
def array_union(left: Value, right: Value) -> Value:
    """The different elements of both."""
    inner, exprs = joined("ARRAY_UNION", left, right)
    return rows(array_kind(inner), lambda a, b: _distinct([*a, *b]), *exprs)


@function("ARRAY_EXCEPT", arguments=(2, 2))
def array_except(left: Value, right: Value) -> Value:
    """The first array without as many of each element as the second has."""
    inner, exprs = joined("ARRAY_EXCEPT", left, right)
    return rows(array_kind(inner), _without, *exprs, nulls=True)


def _without(left: list[Any] | None, right: list[Any] | None) -> list[Any] | None:
    if left is None:
        return None
    gone = {key_of(value) for value in right or ()}
    return [value for value in _distinct(left) if key_of(value) not in gone]


@function("ARRAY_INTERSECT", arguments=(2, 2))
def array_intersect(left: Value, right: Value) -> Value:
    """The different elements that both have."""
    inner, exprs = joined("ARRAY_INTERSECT", left, right)

    def both(one: list[Any], other: list[Any]) -> list[Any]:
        there = {key_of(value) for value in other}
        return [value for value in _distinct(one) if key_of(value) in there]

    return rows(array_kind(inner), both, *exprs)


@function("ARRAY_CONCAT", arguments=(1, VARIADIC))
def array_concat(*values: Value) -> Value:
    """One after the other; NULL where one is."""
    inner, exprs = joined("ARRAY_CONCAT", *values)
    return rows(array_kind(inner), lambda *parts: [one for part in parts for one in part], *exprs)


@function("ARRAY_MAX", arguments=(1, 1))
def array_max(value: Value) -> Value:
    """The largest element that is not null."""
    return _extreme("ARRAY_MAX", value, max)


@function("ARRAY_MIN", arguments=(1, 1))
def array_min(value: Value) -> Value:
    """The smallest element that is not null."""
    return _extreme("ARRAY_MIN", value, min)


def _extreme(name: str, value: Value, best: Any) -> Value:
    inner = array_of(name, value)
    if is_nested(inner):
        raise refuse(name, value, remedy="its elements have no order")
    return rows(inner, lambda a: best((one for one in a if one is not None), default=None), value.expr)


@function("ARRAY_SORT", arguments=(1, 3))
def array_sort(value: Value, *how: Value) -> Value:
    """Upwards, nulls first; with FALSE downwards, nulls last; a second flag says where nulls stand."""
    inner = array_of("ARRAY_SORT", value)
    if is_nested(inner) or any(one.kind != "BOOLEAN" for one in how):
        raise refuse("ARRAY_SORT", value, *how, remedy="ARRAY_SORT(array, ascending, nulls first)")

    def sorted_(
        values: list[Any] | None, up: bool | None = True, nulls_first: bool | None = None
    ) -> list[Any] | None:
        if values is None or up is None or (len(how) == 2 and nulls_first is None):
            return None
        first = up if nulls_first is None else nulls_first
        there = sorted((one for one in values if one is not None), reverse=not up)
        nothing = [None] * (len(values) - len(there))
        return [*nothing, *there] if first else [*there, *nothing]

    return rows(value.kind, sorted_, value.expr, *(one.expr for one in how), nulls=True)


@function("ARRAY_SLICE", arguments=(2, 3))
def array_slice(value: Value, *bounds: Value) -> Value:
    """From one place to another, both in it, counted from 1, or from the end where they are negative."""
    array_of("ARRAY_SLICE", value, *bounds)
    if any(not kinds.is_integer(one.kind) for one in bounds):
        raise refuse("ARRAY_SLICE", value, *bounds, remedy="ARRAY_SLICE(array, from, to)")

    def sliced(values: list[Any], first: int, last: int | None = None) -> list[Any]:
        size = len(values)
        last = size if last is None else last
        low = max(first + size if first < 0 else first - 1 if first > 0 else 0, 0)
        high = last + size if last < 0 else last - 1 if last > 0 else 0
        return values[low : min(high, size - 1) + 1] if low <= high and size else []

    return rows(value.kind, sliced, value.expr, *(one.expr for one in bounds))


@function("ARRAY_JOIN", arguments=(2, 3))
def array_join(value: Value, between: Value, *null: Value) -> Value:
    """The elements as one text; nulls are left out, or written as the third text."""
    inner = array_of("ARRAY_JOIN", value, between)
    if not kinds.is_text(inner) or not all(kinds.is_text(one.kind) for one in (between, *null)):
        raise refuse("ARRAY_JOIN", value, between, *null, remedy="it takes an ARRAY<STRING> and texts")

    def written(values: list[Any], separator: str, nothing: str | None = None) -> str:
        texts = (nothing if one is None else one for one in values)
        return separator.join(one for one in texts if one is not None)

    return rows("STRING", written, value.expr, between.expr, *(one.expr for one in null))


@function("SPLIT", arguments=(2, 2))
def split(text: Value, delimiter: Value) -> Value:
    """A text's parts between delimiters; its characters where the delimiter is empty."""
    if not (kinds.is_text(text.kind) and kinds.is_text(delimiter.kind)):
        raise refuse("SPLIT", text, delimiter, remedy="it takes texts")
    return rows(
        "ARRAY<STRING>", lambda t, d: list(t) if not (t and d) else t.split(d), text.expr, delimiter.expr
    )
