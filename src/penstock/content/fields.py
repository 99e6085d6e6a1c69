"""AMQP 0-9-1's field tables: bytes to Python's values and back, without losing a value's type on the way.

The types are RabbitMQ's and Qpid's, from RabbitMQ's page "AMQP 0-9-1 errata", section 3; the specification's own
differ and nobody speaks them. A value whose Python type would be written as another field type (a 16 bit integer, a
time) is a subclass of that Python type, so that who adds to a table writes the rest as it came.

    table: length 4 · (name's length 1 · name · type 1 · value)*        array: length 4 · (type 1 · value)*
"""

import struct
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias, Union

Bytes: TypeAlias = bytes | bytearray | memoryview
Field: TypeAlias = Union[bool, int, float, str, bytes, "Sequence[Field]", "Mapping[str, Field]", None]
"""A value in a field table."""

TABLE_BYTES_MAX = 4 * 1024 * 1024
DEPTH_MAX = 64

_LENGTH = struct.Struct(">I")
_INT32, _INT64, _DOUBLE = struct.Struct(">i"), struct.Struct(">q"), struct.Struct(">d")
_DECIMAL = struct.Struct(">Bi")


class Signed8(int):
    """Type b."""


class Unsigned8(int):
    """Type B."""


class Signed16(int):
    """Type s."""


class Unsigned16(int):
    """Type u."""


class Unsigned32(int):
    """Type i."""


class Signed64(int):
    """Type l: also where 32 bits would do."""


class Timestamp(int):
    """Type T: seconds since 1970."""


class Single(float):
    """Type f."""


class Scaled(float):
    """Type D: `digits` with the decimal point `places` from the right."""

    digits: int
    places: int

    @classmethod
    def of(cls, digits: int, places: int) -> "Scaled":
        """`digits` / 10^`places`."""
        made = cls(digits / 10**places)
        made.digits, made.places = digits, places
        return made


class LongText(bytes):
    """Type S that is not UTF-8."""


_NUMBERS: dict[int, tuple[struct.Struct, type[int] | type[float]]] = {
    ord("b"): (struct.Struct(">b"), Signed8),
    ord("B"): (struct.Struct(">B"), Unsigned8),
    ord("s"): (struct.Struct(">h"), Signed16),
    ord("u"): (struct.Struct(">H"), Unsigned16),
    ord("I"): (_INT32, int),
    ord("i"): (struct.Struct(">I"), Unsigned32),
    ord("l"): (_INT64, Signed64),
    ord("L"): (_INT64, Signed64),
    ord("T"): (struct.Struct(">Q"), Timestamp),
    ord("f"): (struct.Struct(">f"), Single),
    ord("d"): (_DOUBLE, float),
}
_SIZES = {code: form.size for code, (form, _) in _NUMBERS.items()} | {ord("t"): 1, ord("V"): 0, ord("D"): 5}
_CODES = {kind: (bytes((code,)), form) for code, (form, kind) in _NUMBERS.items() if code != ord("L")}
_TEXT, _OCTETS, _TABLE, _ARRAY, _BOOL, _VOID, _SCALED = b"SxFAtVD"


# --- bytes to values ------------------------------------------------------------------------------------------------------


def decode_table(data: Bytes) -> dict[str, Field]:
    """The table that `data` is, its length included. Raises ValueError, with the place, for bytes that are none."""
    whole = bytes(data)
    table, end = table_at(whole, 0)
    if end != len(whole):
        raise ValueError(f"{len(whole) - end} bytes after the table's end at byte {end}")
    return table


def table_at(data: bytes, at: int) -> tuple[dict[str, Field], int]:
    """The table whose length stands at `at`, and where it ends. Raises ValueError, with the place."""
    end = check_table(data, at)
    return _table(data, at + 4, end), end


def check_table(data: bytes, at: int, end: int | None = None) -> int:
    """Where the table at `at` ends, all in it being well formed. Raises ValueError, with the place."""
    limit = len(data) if end is None else end
    inner = _room(data, at, limit)
    if inner - at > TABLE_BYTES_MAX:
        raise ValueError(f"a table of {inner - at} bytes at byte {at}; allowed are {TABLE_BYTES_MAX}")
    _check(data, at + 4, inner, named=True, depth=1)
    return inner


def _room(data: bytes, at: int, limit: int) -> int:
    """Where what has its length at `at` ends."""
    if at + 4 > limit:
        raise ValueError(f"a length is cut short at byte {at}")
    end: int = at + 4 + _LENGTH.unpack_from(data, at)[0]
    if end > limit:
        raise ValueError(f"a length of {end - at - 4} at byte {at}, where {limit - at - 4} bytes are left")
    return end


def _check(data: bytes, at: int, end: int, named: bool, depth: int) -> None:
    """Walk over a table's or an array's values without making any: publishers send tables that nobody reads."""
    if depth > DEPTH_MAX:
        raise ValueError(f"tables in tables over {DEPTH_MAX} deep at byte {at}")
    sizes = _SIZES
    while at < end:
        if named:
            at += 1 + data[at]
            if at >= end:
                raise ValueError(f"a name without a value, cut off at byte {end}")
        code = data[at]
        size = sizes.get(code)
        if size is not None:
            at += 1 + size
            continue
        if code not in _LONG:
            raise ValueError(f"no field type has the code {code} at byte {at}")
        inner = _room(data, at + 1, end)
        if code in (_TABLE, _ARRAY):
            _check(data, at + 5, inner, code == _TABLE, depth + 1)
        at = inner
    if at != end:
        raise ValueError(f"a value reaches past the end at byte {end}")


def _table(data: bytes, at: int, end: int) -> dict[str, Field]:
    found: dict[str, Field] = {}
    while at < end:
        name_end = at + 1 + data[at]
        name = data[at + 1 : name_end].decode("utf-8", "surrogateescape")
        value, at = _value(data, name_end)
        found.setdefault(name, value)  # the first of a name counts, as in RabbitMQ
    return found


def _value(data: bytes, at: int) -> tuple[Field, int]:
    """What stands at `at` in bytes that were checked, and where it ends."""
    code, at = data[at], at + 1
    if code == _BOOL:
        return data[at] != 0, at + 1
    if code == _VOID:
        return None, at
    if code == _SCALED:
        places, digits = _DECIMAL.unpack_from(data, at)
        return Scaled.of(digits, places), at + 5
    number = _NUMBERS.get(code)
    if number is not None:
        form, kind = number
        read = form.unpack_from(data, at)[0]
        return (read if kind is int or kind is float else kind(read)), at + form.size
    end = at + 4 + _LENGTH.unpack_from(data, at)[0]
    return _LONG[code](data, at + 4, end), end


def _text(data: bytes, at: int, end: int) -> str | bytes:
    try:
        return data[at:end].decode()
    except UnicodeDecodeError:
        return LongText(data[at:end])


def _octets(data: bytes, at: int, end: int) -> bytes:
    return data[at:end]


def _array(data: bytes, at: int, end: int) -> list[Field]:
    found = []
    while at < end:
        value, at = _value(data, at)
        found.append(value)
    return found


_LONG: dict[int, Callable[[bytes, int, int], Field]] = {
    _TEXT: _text,
    _OCTETS: _octets,
    _TABLE: _table,
    _ARRAY: _array,
}


# --- values to bytes ------------------------------------------------------------------------------------------------------


def encode_table(table: Mapping[str, Field]) -> bytes:
    """The table, its length included. Raises ValueError for a value or a name that no table can hold."""
    out = bytearray(4)
    _put_table(out, table, 1)
    _LENGTH.pack_into(out, 0, len(out) - 4)
    if len(out) > TABLE_BYTES_MAX:
        raise ValueError(f"a table of {len(out)} bytes; allowed are {TABLE_BYTES_MAX}")
    return bytes(out)


def short(text: str) -> bytes:
    """A short string with its length. Raises ValueError above 255 bytes."""
    data = text.encode("utf-8", "surrogateescape")
    if len(data) > 255:
        raise ValueError(f"a short string has up to 255 bytes, not {len(data)}: {text[:40]!r}…")
    return bytes((len(data),)) + data


def _put_table(out: bytearray, table: Mapping[str, Field], depth: int) -> None:
    if depth > DEPTH_MAX:
        raise ValueError(f"tables in tables over {DEPTH_MAX} deep")
    for name, value in table.items():
        out += short(name)
        try:
            _put(out, value, depth)
        except struct.error as error:
            raise ValueError(f"{name}: {value!r} has no field type: {error}") from None


def _put(out: bytearray, value: Field, depth: int) -> None:
    kind = type(value)
    if kind is int:
        small = -(1 << 31) <= value < 1 << 31  # type: ignore[operator]  # an int
        out += b"I" + _INT32.pack(value) if small else b"l" + _INT64.pack(value)
    elif kind in _CODES:
        code, form = _CODES[kind]
        out += code + form.pack(value)
    elif value is None:
        out += b"V"
    elif isinstance(value, bool):
        out += b"t\x01" if value else b"t\x00"
    elif isinstance(value, Scaled):
        out += b"D" + _DECIMAL.pack(value.places, value.digits)
    elif isinstance(value, str):
        _put_long(out, b"S", value.encode("utf-8", "surrogateescape"))
    elif isinstance(value, bytes):
        _put_long(out, b"S" if isinstance(value, LongText) else b"x", value)
    else:
        _put_nested(out, value, depth)


def _put_long(out: bytearray, code: bytes, data: bytes) -> None:
    out += code + _LENGTH.pack(len(data)) + data


def _put_nested(out: bytearray, value: Field, depth: int) -> None:
    if not isinstance(value, Mapping | list | tuple):
        raise ValueError(f"a {type(value).__name__} has no field type: {value!r}")
    inner = bytearray()
    if isinstance(value, Mapping):
        _put_table(inner, value, depth + 1)
        _put_long(out, b"F", bytes(inner))
        return
    if depth >= DEPTH_MAX:
        raise ValueError(f"arrays in arrays over {DEPTH_MAX} deep")
    for one in value:
        _put(inner, one, depth + 1)
    _put_long(out, b"A", bytes(inner))
