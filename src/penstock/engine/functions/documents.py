"""JSON documents inside texts: JSON_VALUE over simple paths.

Knows nothing of the JSON format of topics.
"""

import re

import polars as pl

from penstock.engine.functions import kinds
from penstock.engine.functions.table import Value, function, known, refuse
from penstock.errors import PenstockError

_PATH = re.compile(r"^(?:lax|strict)?\s*\$(?:\.[A-Za-z_][\w-]*|\['[^']*'\]|\[\d+\])*$")


@function("JSON_VALUE", arguments=(2, 2))
def json_value(value: Value, path: Value) -> Value:
    """The scalar at a path such as ``$.a.b[0]``, as a text; NULL where there is none or it is an object or array."""
    if not kinds.is_text(value.kind):
        raise refuse("JSON_VALUE", value)
    steps = str(known("JSON_VALUE", path, "path"))
    if not _PATH.match(steps):
        raise PenstockError(
            f"the JSON path {steps!r} is not offered", remedy="write names and indexes only: $.a.b[0]"
        )
    plain = re.sub(r"^(lax|strict)\s*", "", steps)
    found = value.expr.map_batches(lambda texts: _found(texts, plain), return_dtype=pl.String)
    return Value("STRING", found)


def _found(texts: pl.Series, path: str) -> pl.Series:
    import json

    steps = [
        name or quoted or int(index)
        for name, quoted, index in re.findall(r"\.([\w-]+)|\['([^']*)'\]|\[(\d+)\]", path)
    ]
    out: list[str | None] = []
    for text in texts.to_list():
        try:
            node = None if text is None else json.loads(text, parse_float=str)  # a number's text stays: 1.50
            for step in steps:
                node = node[step] if isinstance(node, list if isinstance(step, int) else dict) else None
        except (ValueError, KeyError, IndexError, RecursionError):
            node = None
        scalar = node is not None and not isinstance(node, (dict, list))
        out.append((node if isinstance(node, str) else json.dumps(node)) if scalar else None)
    return pl.Series(texts.name, out, dtype=pl.String)
