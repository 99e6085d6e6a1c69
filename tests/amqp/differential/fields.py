"""Field tables and properties of messages as plain values that show each field's type: the differential tests' own decoder.

A signed 32-bit number is a number, a long string a text, T and F true and false; every other type is `{letter: value}`,
so that a `long` is told from an `int`. Times are `{"T": "now"}`: no two servers agree on them.
"""

import struct
from typing import Any, Final

NUMBERS: Final = {
    "b": ">b", "B": ">B", "s": ">h", "u": ">H", "I": ">i", "i": ">I", "l": ">q", "L": ">Q", "f": ">f", "d": ">d", "T": ">Q",
}  # fmt: skip
PROPERTIES: Final = (
    ("content_type", "short"), ("content_encoding", "short"), ("headers", "table"), ("delivery_mode", "octet"), ("priority", "octet"),
    ("correlation_id", "short"), ("reply_to", "short"), ("expiration", "short"), ("message_id", "short"), ("timestamp", "time"),
    ("type", "short"), ("user_id", "short"), ("app_id", "short"), ("cluster_id", "short"),
)  # fmt: skip


def text(data: bytes) -> str:
    return data.decode("utf-8", "backslashreplace")


def short(data: bytes, at: int) -> tuple[str, int]:
    end = at + 1 + data[at]
    return text(data[at + 1 : end]), end


def field(data: bytes, at: int) -> tuple[Any, int]:
    """One field and where it ends."""
    kind, at = chr(data[at]), at + 1
    if kind in "Sx":
        end = at + 4 + struct.unpack_from(">I", data, at)[0]
        return text(data[at + 4 : end]) if kind == "S" else {"x": data[at + 4 : end].hex()}, end
    if kind == "t":
        return bool(data[at]), at + 1
    if kind == "V":
        return None, at
    if kind == "F":
        return table(data, at)
    if kind == "A":
        return array(data, at)
    if kind == "D":
        return {"D": list(struct.unpack_from(">Bi", data, at))}, at + 5
    value, end = struct.unpack_from(NUMBERS[kind], data, at)[0], at + struct.calcsize(NUMBERS[kind])
    return value if kind == "I" else {kind: "now" if kind == "T" else value}, end


def table(data: bytes, at: int = 0) -> tuple[dict[str, Any], int]:
    """A table and where it ends."""
    end, at, found = at + 4 + struct.unpack_from(">I", data, at)[0], at + 4, {}
    while at < end:
        name, at = short(data, at)
        found[name], at = field(data, at)
    return found, end


def array(data: bytes, at: int) -> tuple[list[Any], int]:
    end, at, found = at + 4 + struct.unpack_from(">I", data, at)[0], at + 4, []
    while at < end:
        one, at = field(data, at)
        found.append(one)
    return found, end


def properties(data: bytes) -> dict[str, Any]:
    """Those of a content header: its bytes from the flags on."""
    flags, at, found = struct.unpack_from(">H", data)[0], 2, {}
    for bit, (name, kind) in enumerate(PROPERTIES):
        if not flags & 1 << (15 - bit):
            continue
        if kind == "short":
            found[name], at = short(data, at)
        elif kind == "table":
            found[name], at = table(data, at)
        elif kind == "octet":
            found[name], at = data[at], at + 1
        else:
            found[name], at = struct.unpack_from(">Q", data, at)[0], at + 8
    return found
