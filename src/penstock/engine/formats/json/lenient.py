"""One JSON object by Flink's own conversions, value by value: for records that the fast reader refuses.

Source: Flink, JsonToRowDataConverters: numbers and texts turn into each other, any scalar or object is a STRING.
Knows nothing of columns.
"""

import json
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any

from penstock.engine.functions import kinds
from penstock.engine.types import Schema, element, is_array, is_map, is_row, map_fields, row_fields

_WIDE = Context(prec=80, rounding=ROUND_HALF_UP)
_BITS = {"TINYINT": 8, "SMALLINT": 16, "INT": 32, "BIGINT": 64}


class MisfitError(ValueError):
    """A record that is no row: `kind` is the error's name in the dead letter, `syntax` says that it is not JSON."""

    def __init__(self, kind: str, message: str, syntax: bool = False) -> None:
        super().__init__(message)
        self.kind, self.syntax = kind, syntax


def read_object(value: bytes, fields: Schema, ignore: bool, must_have: bool) -> dict[str, Any]:
    """The fields of one object; raises `MisfitError`. With `ignore` a field that does not fit is None instead."""
    try:
        document = json.loads(value.decode(), parse_constant=_no_constant, parse_float=_Number)
    except UnicodeDecodeError as error:
        raise MisfitError(
            "CharacterCodingException", f"the value is not UTF-8: {error.reason} at byte {error.start}"
        ) from None
    except RecursionError:
        raise MisfitError("JsonParseException", "the JSON is nested too deeply", syntax=True) from None
    except ValueError as error:
        raise MisfitError("JsonParseException", f"the value is not JSON: {error}", syntax=True) from None
    if not isinstance(document, dict):
        raise MisfitError("JsonParseException", f"the value is not a JSON object but {_named(document)}")
    return {field.name: _field(document, field.name, field.kind, ignore, must_have) for field in fields}


def convert_text(text: str, kind: str) -> Any:
    """A text as a JSON text's value of a kind without parts; raises `ValueError`."""
    return _CONVERT[kinds.name_of(kind)](text, kind)


def _field(document: dict[str, Any], name: str, kind: str, ignore: bool, must_have: bool) -> Any:
    if name not in document and must_have:
        raise MisfitError("JsonParseException", f"the field {name} is missing")
    found = document.get(name)
    if found is None:
        return None
    try:
        return _value(found, kind, ignore, must_have)
    except MisfitError:
        raise
    except (ValueError, ArithmeticError, KeyError, RecursionError):
        if ignore:
            return None
        shown = _shown(found)
        raise MisfitError("JsonParseException", f"{name} is {kind}, and the record has {shown}") from None


def _value(value: Any, kind: str, ignore: bool, must_have: bool) -> Any:
    if is_row(kind):
        return _row(value, kind, ignore, must_have)
    if is_array(kind):
        return _array(value, kind, ignore, must_have)
    if is_map(kind):
        return _map(value, kind, ignore, must_have)
    return _CONVERT[kinds.name_of(kind)](value, kind)


def _part(value: Any, kind: str, ignore: bool, must_have: bool) -> Any:
    """A value within another: with `ignore` one that does not fit is None by itself."""
    if value is None:
        return None
    try:
        return _value(value, kind, ignore, must_have)
    except (MisfitError, ValueError, ArithmeticError, KeyError, RecursionError):
        if not ignore:
            raise
        return None


def _array(value: Any, kind: str, ignore: bool, must_have: bool) -> list[Any]:
    if not isinstance(value, list):
        raise ValueError("not an array")
    inner = element(kind).kind
    return [_part(one, inner, ignore, must_have) for one in value]


def _map(value: Any, kind: str, ignore: bool, must_have: bool) -> list[dict[str, Any]]:
    if not isinstance(value, dict):
        raise ValueError("not an object")
    key, held = map_fields(kind)
    if not kinds.is_text(key.kind):
        raise ValueError("the keys of JSON are texts")
    return [
        {"key": _text(name, key.kind), "value": _part(one, held.kind, ignore, must_have)}
        for name, one in value.items()
    ]


def _row(value: Any, kind: str, ignore: bool, must_have: bool) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError("not an object")
    return {
        field.name: _field(value, field.name, field.kind, ignore, must_have) for field in row_fields(kind)
    }


class _Number(str):
    """A number with a fraction or exponent, as it was written."""

    __slots__ = ()


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _named(value: Any) -> str:
    return {list: "an array", str: "a text", bool: "a boolean", type(None): "null"}.get(
        type(value), "a number"
    )


def _shown(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else text[:57] + "…"


def _scalar(value: Any) -> Any:
    if isinstance(value, (dict, list)) or (isinstance(value, str) and "_" in value):  # Python reads 1_0 as 10
        raise ValueError("not a number")
    return value


def _integer(value: Any, kind: str) -> int:
    value = _scalar(value)
    if isinstance(value, bool):
        raise ValueError("not a number")
    if isinstance(value, _Number):
        number = int(
            float(value)
        )  # through a double, as Jackson's getIntValue; OverflowError where it is infinite
    else:
        number = value if isinstance(value, int) else int(value.strip())
    if not -(2 ** (_BITS[kind] - 1)) <= number < 2 ** (_BITS[kind] - 1):
        raise ValueError("out of range")
    return number


def _double(value: Any, kind: str) -> float:
    value = _scalar(value)
    if isinstance(value, bool):
        raise ValueError("not a number")
    return float(value)


def _decimal(value: Any, kind: str) -> Decimal | None:
    value = _scalar(value)
    if isinstance(value, bool):
        raise ValueError("not a number")
    precision, scale = kinds.digits(kind)
    number = Decimal(value.strip() if isinstance(value, str) else value)
    if not number.is_finite() or number.copy_abs() >= Decimal(10) ** (precision - scale):
        return None
    rounded = number.quantize(Decimal(1).scaleb(-scale), context=_WIDE)
    return rounded if rounded.copy_abs() < Decimal(10) ** (precision - scale) else None


def _boolean(value: Any, kind: str) -> bool:
    if isinstance(value, (dict, list)):
        raise ValueError("not a scalar")
    return value if isinstance(value, bool) else str(value).strip().lower() == "true"


def _text(value: Any, kind: str) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    text = (
        str(value)
        if isinstance(value, (str, int))
        else json.dumps(_plain(value), separators=(",", ":"), ensure_ascii=False)
    )
    text.encode()  # a lone surrogate is no text
    return text


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return float(value) if isinstance(value, _Number) else value


def _moment(value: Any, kind: str) -> str:
    if not isinstance(value, str) or isinstance(value, _Number):
        raise ValueError("not a text")
    value.encode()  # a lone surrogate is no text
    return value


_CONVERT: dict[str, Callable[[Any, str], Any]] = {
    **dict.fromkeys(_BITS, _integer),
    **dict.fromkeys(kinds.FLOATS, _double),
    **dict.fromkeys(kinds.TEXTS, _text),
    **dict.fromkeys(("TIMESTAMP", "TIMESTAMP_LTZ", "DATE", "TIME", *kinds.BINARIES), _moment),
    "DECIMAL": _decimal,
    "BOOLEAN": _boolean,
}
