"""A row's bytes: checked once when they arrive, so that they can be passed on as they are.

Knows nothing of tables or queries.
"""

from typing import Any

import msgspec

from penstock.tables.keys import Keys, one_line

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode


def whole_row(value: bytes, keys: Keys, key: bytes) -> bytes | None:
    """The record's value as one line of JSON with the key's columns in it; None where it is not a JSON object.

    The key's columns are missing from values written with ``value.fields-include = EXCEPT_KEY``.
    """
    try:
        row: Any = _decode(value)
    except (ValueError, RecursionError):
        return None
    if not isinstance(row, dict):
        return None
    line = one_line(value)
    missing = [name for name in keys.names if name not in row]
    if not missing:
        return line
    fields = keys.fields(key) or {}
    front = _encode({name: fields[name] for name in missing if name in fields})
    if front == b"{}":
        return line
    return front if not row else front[:-1] + b"," + line.lstrip()[1:]
