"""JSON made of values: JSON_OBJECT, JSON_ARRAY, JSON_STRING; and whether a text is JSON.

Source: Flink documentation, "JSON Functions". Knows nothing of the JSON format of topics.
"""

import json
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any

import polars as pl

from penstock.engine.functions import kinds
from penstock.engine.functions.casts import cast
from penstock.engine.functions.collections.batches import rows
from penstock.engine.functions.table import VARIADIC, Value, function, refuse
from penstock.engine.types import element, is_array, is_map, is_row, map_fields, row_fields

Writer = Callable[[Any], str]
JSON = "$json"
"""Marks a value that is JSON already: it goes in as it is."""


@function("JSON_OBJECT", arguments=(1, VARIADIC))
def json_object(on_null: Value, *pairs: Value) -> Value:
    """Keys and values in turn; the first says what becomes of a NULL: it is written, or left out (ABSENT)."""
    if any(not kinds.is_text(key.kind) for key in pairs[::2]):
        raise refuse("JSON_OBJECT", *pairs[::2], remedy="keys are texts")
    writers, absent = [_writer(value) for value in pairs[1::2]], on_null.constant == "ABSENT"

    def made(*row: Any) -> str:
        held = {
            str(key): "null" if value is None else write(value)
            for key, value, write in zip(row[1::2], row[2::2], writers, strict=True)
            if not (absent and value is None)
        }
        return _object(held)

    exprs = [value.expr for value in pairs]
    return Value("STRING", rows("STRING", made, pl.lit(0), *exprs, nulls=True).expr.alias(JSON))


@function("JSON_ARRAY", arguments=(1, VARIADIC))
def json_array(on_null: Value, *values: Value) -> Value:
    """The values in order; the first says what becomes of a NULL."""
    writers, absent = [_writer(value) for value in values], on_null.constant == "ABSENT"

    def made(*row: Any) -> str:
        texts = [
            "null" if value is None else write(value)
            for value, write in zip(row[1:], writers, strict=True)
            if not (absent and value is None)
        ]
        return f"[{','.join(texts)}]"

    return Value(
        "STRING", rows("STRING", made, pl.lit(0), *(v.expr for v in values), nulls=True).expr.alias(JSON)
    )


@function("JSON_STRING", arguments=(1, 1))
def json_string(value: Value) -> Value:
    """Any value as JSON."""
    return Value("STRING", rows("STRING", _writer(value), value.expr).expr)


@function("JSON_QUOTE", arguments=(1, 1))
def json_quote(value: Value) -> Value:
    """A text as JSON writes it, in quotes."""
    return rows("STRING", lambda text: json.dumps(text).replace("/", "\\/"), _text("JSON_QUOTE", value).expr)


@function("JSON_UNQUOTE", arguments=(1, 1))
def json_unquote(value: Value) -> Value:
    """The opposite of JSON_QUOTE; what is no text in quotes stays as it is."""

    def opened(text: str) -> str:
        if len(text) < 2 or not (text.startswith('"') and text.endswith('"')):
            return text
        try:
            found = json.loads(text)
        except ValueError:
            return text
        return found if isinstance(found, str) else text

    return rows("STRING", opened, _text("JSON_UNQUOTE", value).expr)


@function("IS JSON", arguments=(2, 2))
def is_json(value: Value, what: Value) -> Value:
    """Whether a text is JSON: any (VALUE), or an OBJECT, an ARRAY, a SCALAR. NULL is none."""
    wanted: Any = {"OBJECT": dict, "ARRAY": list}.get(what.constant)

    def told(text: str | None) -> bool:
        if text is None:
            return False
        try:
            found = json.loads(text)
        except (ValueError, RecursionError):
            return False
        if what.constant == "SCALAR":
            return not isinstance(found, dict | list)
        return wanted is None or isinstance(found, wanted)

    return rows("BOOLEAN", told, _text("IS JSON", value).expr, nulls=True)


def _text(name: str, value: Value) -> Value:
    if not kinds.is_text(value.kind):
        raise refuse(name, value, remedy="CAST it to STRING first")
    return value


def _writer(value: Value) -> Writer:
    """How a value is written that is not NULL."""
    if value.expr.meta.output_name(raise_if_undetermined=False) == JSON:
        return str
    return _of(value.kind)


def _of(kind: str) -> Writer:
    name = kinds.name_of(kind)
    if is_row(kind):
        fields = [(field.name, _or_null(_of(field.kind))) for field in row_fields(kind)]
        return lambda row: _object({name: write(row[name]) for name, write in fields})
    if is_map(kind):
        key, held = map_fields(kind)
        if not kinds.is_text(key.kind):
            raise refuse("JSON", Value(kind, pl.lit(None)), remedy="a map's keys are texts in JSON")
        one = _or_null(_of(held.kind))
        return lambda pairs: _object({pair["key"]: one(pair["value"]) for pair in pairs})
    if is_array(kind):
        inner = _or_null(_of(element(kind).kind))
        return lambda values: f"[{','.join(map(inner, values))}]"
    if name in _WRITERS:
        return _WRITERS[name]
    raise refuse("JSON", Value(kind, pl.lit(None)), remedy="CAST it to STRING first")


def _object(held: dict[str, str]) -> str:
    """Keys in order, as Flink has them."""
    return "{" + ",".join(f"{_quoted(key)}:{held[key]}" for key in sorted(held)) + "}"


def _or_null(write: Writer) -> Writer:
    return lambda value: "null" if value is None else write(value)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _double(number: float) -> str:
    shown = pl.select(cast(Value("DOUBLE", pl.lit(number)), "STRING").expr).item()
    return str(Decimal(shown)) if number - number == 0 else _quoted(str(shown))  # as BigDecimal is written


def _moment(moment: datetime, zone: str = "") -> str:
    text = moment.isoformat(timespec="microseconds")
    return _quoted(text.rstrip("0").rstrip(".") + zone)


def _bytes(data: bytes) -> str:
    import base64

    return _quoted(base64.b64encode(data).decode())


def _decimal(number: Decimal) -> str:
    return format(number, "f")


_WRITERS: dict[str, Writer] = {
    **dict.fromkeys(kinds.INTEGERS, str), **dict.fromkeys(kinds.TEXTS, _quoted), **dict.fromkeys(kinds.FLOATS, _double),
    **dict.fromkeys(kinds.BINARIES, _bytes), "BOOLEAN": lambda one: "true" if one else "false", "DECIMAL": _decimal,
    "TIMESTAMP": _moment, "TIMESTAMP_LTZ": lambda moment: _moment(moment, "Z"),
}  # fmt: skip
