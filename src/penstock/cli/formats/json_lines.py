"""Records as JSON lines. Bytes that are UTF-8 are a string, others ``{"base64": "…"}``, nothing is null.

    {"topic": "t", "partition": 0, "offset": 7, "timestamp_ms": 1, "key": null, "value": "v", "headers": [["h", "x"]]}

Reading takes the same, ignores topic and offset, and takes headers as an object too. Knows no command.
"""

import base64
import binascii
import json
from typing import Any

from penstock.cli.formats import Draft
from penstock.cli.moments import time_ms
from penstock.cli.output import json_of
from penstock.errors import PenstockError
from penstock.record import Record

_KNOWN = ("key", "value", "headers", "partition", "timestamp_ms", "timestamp", "topic", "offset")


def write(topic: str, partition: int, found: Record) -> bytes:
    """One record as a line."""
    row = {
        "topic": topic,
        "partition": partition,
        "offset": found.offset,
        "timestamp_ms": found.timestamp_ms,
        "key": of_bytes(found.key),
        "value": of_bytes(found.value),
        "headers": headers_of(found),
    }
    return json_of(row).encode() + b"\n"


def headers_of(found: Record) -> list[list[Any]]:
    """A record's headers as JSON has them: in order, names may repeat."""
    return [[name, of_bytes(value)] for name, value in found.headers]


def of_bytes(data: bytes | None) -> str | dict[str, str] | None:
    """Bytes as JSON has them."""
    if data is None:
        return None
    try:
        return data.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(data).decode()}


def read(line: bytes) -> Draft:
    """One line as a record; raises PenstockError with what is wrong with it."""
    try:
        row = json.loads(line)
    except ValueError as error:
        raise PenstockError(
            f"no JSON: {error}", remedy="one object a line, as consume --json prints them"
        ) from None
    if not isinstance(row, dict):
        raise PenstockError("a line is a JSON object", remedy='for example {"key": "k", "value": "v"}')
    if strange := [name for name in row if name not in _KNOWN]:
        raise PenstockError(f"a record has no {strange[0]!r}", remedy=f"it may have {', '.join(_KNOWN)}")
    return Draft(
        to_bytes(row.get("key"), "key"),
        to_bytes(row.get("value"), "value"),
        to_headers(row.get("headers")),
        _number(row.get("partition"), "partition"),
        _time(row.get("timestamp_ms", row.get("timestamp"))),
    )


def to_bytes(value: Any, what: str) -> bytes | None:
    """A string, ``{"base64": "…"}`` or null as bytes; other JSON as its text, for values that are JSON themselves."""
    if value is None:
        return None
    try:
        if isinstance(value, dict) and value.keys() == {"base64"} and isinstance(value["base64"], str):
            return base64.b64decode(value["base64"], validate=True)
        return (value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)).encode()
    except (binascii.Error, UnicodeEncodeError) as error:
        raise PenstockError(f"the {what} is damaged: {error}", remedy='bytes are {"base64": "…"}') from None


def to_headers(value: Any) -> tuple[tuple[str, bytes | None], ...]:
    """``[["name", "value"], …]`` or ``{"name": "value"}`` as headers."""
    pairs = list(value.items()) if isinstance(value, dict) else value or []
    if not isinstance(pairs, list) or not all(
        isinstance(pair, list | tuple) and len(pair) == 2 and isinstance(pair[0], str) for pair in pairs
    ):
        raise PenstockError("headers are pairs", remedy='write {"name": "value"} or [["name", "value"]]')
    return tuple((name, to_bytes(given, f"header {name}")) for name, given in pairs)


def _number(value: Any, what: str) -> int | None:
    if value is None or (isinstance(value, int) and not isinstance(value, bool) and value >= 0):
        return value
    raise PenstockError(f"the {what} is {value!r}", remedy="it is a whole number")


def _time(value: Any) -> int | None:
    if not isinstance(value, str):
        return _number(value, "timestamp")
    at_ms = time_ms(value)
    if at_ms is None:
        raise PenstockError(f"the timestamp is {value!r}", remedy="write Unix time in ms, or ISO 8601")
    return at_ms
