"""JSON documents inside texts: what stands at a simple path.

Knows nothing of the JSON format of topics.
"""

import json
import re
from collections.abc import Callable, Sequence
from typing import Any

import polars as pl

from penstock.engine.functions import kinds
from penstock.engine.functions.table import Value, function, known, refuse
from penstock.engine.types import polars_type
from penstock.errors import PenstockError

_PATH = re.compile(r"^(?:lax|strict)?\s*\$(?:\.[A-Za-z_][\w-]*|\['[^']*'\]|\[\d+\])*$")


@function("JSON_VALUE", arguments=(2, 2))
def json_value(value: Value, path: Value) -> Value:
    """The scalar at a path such as ``$.a.b[0]``, as a text; NULL where there is none or it is an object or array."""
    return _asked("JSON_VALUE", value, path, "STRING", _scalar)


@function("JSON_QUERY", arguments=(2, 2))
def json_query(value: Value, path: Value) -> Value:
    """The object or array at a path, as JSON; NULL where there is none or it is a scalar."""
    return _asked("JSON_QUERY", value, path, "STRING", _nested)


@function("JSON_EXISTS", arguments=(2, 2))
def json_exists(value: Value, path: Value) -> Value:
    """Whether there is anything but null at a path; NULL of NULL."""
    return _asked(
        "JSON_EXISTS", value, path, "BOOLEAN", lambda node: node is not MISSING and node is not None
    )


MISSING = object()
"""What stands at a path that leads nowhere, or in a text that is no JSON."""


def _asked(name: str, value: Value, path: Value, kind: str, told: Callable[[Any], Any]) -> Value:
    if not kinds.is_text(value.kind):
        raise refuse(name, value, remedy="CAST it to STRING first")
    written = str(known(name, path, "path"))
    if not _PATH.match(written):
        raise PenstockError(
            f"the JSON path {written!r} is not offered", remedy="write names and indexes only: $.a.b[0]"
        )
    plain = re.sub(r"^(lax|strict)\s*", "", written)
    steps = [
        name or quoted or int(index)
        for name, quoted, index in re.findall(r"\.([\w-]+)|\['([^']*)'\]|\[(\d+)\]", plain)
    ]
    made = polars_type(kind)

    def found(texts: pl.Series) -> pl.Series:
        out = [None if text is None else told(_at(text, steps)) for text in texts.to_list()]
        return pl.Series(texts.name, out, dtype=made)

    return Value(kind, value.expr.map_batches(found, return_dtype=made))


def _at(text: str, steps: Sequence[Any]) -> Any:
    try:
        node: Any = json.loads(text, parse_float=Number)  # a number's text stays: 1.50
        for step in steps:
            wanted: Any = list if isinstance(step, int) else dict
            if type(node) is not wanted:
                return MISSING
            node = node[step]
    except (ValueError, KeyError, IndexError, RecursionError):
        return MISSING
    return node


class Number(float):
    """A number that is written as it was read."""

    def __new__(cls, text: str) -> "Number":
        """From its text."""
        made = super().__new__(cls, text)
        made.text = text
        return made

    text: str

    def __repr__(self) -> str:
        return self.text


def _scalar(node: Any) -> str | None:
    if node is None or node is MISSING or isinstance(node, dict | list):
        return None
    return node if isinstance(node, str) else node.text if isinstance(node, Number) else json.dumps(node)


def _nested(node: Any) -> str | None:
    return _written(node) if isinstance(node, dict | list) else None


def _written(node: Any) -> str:
    """JSON without blanks, numbers as they were read."""
    if isinstance(node, dict):
        return "{" + ",".join(f"{_written(key)}:{_written(value)}" for key, value in node.items()) + "}"
    if isinstance(node, list):
        return "[" + ",".join(map(_written, node)) + "]"
    return node.text if isinstance(node, Number) else json.dumps(node, ensure_ascii=False)
