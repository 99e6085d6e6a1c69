"""JSON documents inside texts: what stands at a simple path.

Knows nothing of the JSON format of topics.
"""

import json
import re
from collections.abc import Callable, Sequence
from typing import Any

import polars as pl

from penstock.engine.functions import kinds
from penstock.engine.functions.casts import cast
from penstock.engine.functions.table import Value, function, known, refuse
from penstock.engine.types import polars_type
from penstock.errors import PenstockError

_PATH = re.compile(r"^(?:lax|strict)?\s*\$(?:\.[A-Za-z_][\w-]*|\['[^']*'\]|\[\d+\])*$")


@function("JSON_VALUE", arguments=(2, 7))
def json_value(value: Value, path: Value, *clauses: Value) -> Value:
    """The scalar at a path such as ``$.a.b[0]``; where there is none, and where it is an object or array, what the clauses
    say, else NULL.

    The clauses are a kind, ON EMPTY's word and value, ON ERROR's word and value.
    """
    kind, (empty, nothing), (error, wrong) = _clauses("JSON_VALUE", clauses, "STRING")
    if kind not in RETURNED:
        raise PenstockError(f"JSON_VALUE cannot return {kind}", remedy=f"one of {', '.join(RETURNED)}")
    parsed = cast(Value("STRING", pl.col("text")), kind).expr

    def told(node: Any, strict: bool) -> Any:
        if node is BROKEN:
            return error
        if node is MISSING or node is None or isinstance(node, dict | list):
            return error if strict else empty
        return _scalar(node)

    found = _asked("JSON_VALUE", value, path, "STRING", told)
    text = pl.when(~found.expr.is_in([EMPTY, ERROR])).then(found.expr)
    made = text.alias("text").map_batches(
        lambda texts: texts.alias("text").to_frame().select(parsed.alias("text")).to_series(),
        return_dtype=polars_type(kind),
    )
    for mark, given in ((EMPTY, nothing), (ERROR, wrong)):
        if given is not None:
            made = pl.when(found.expr == mark).then(cast(given, kind).expr).otherwise(made)
    return Value(kind, made)


RETURNED = ("STRING", "BOOLEAN", "INT", "DOUBLE")
EMPTY, ERROR = "\0empty", "\0error"
"""Stand for a value that a clause gives; no JSON text can be read as them."""


def _clauses(
    name: str, clauses: tuple[Value, ...], kind: str
) -> tuple[str, tuple[str | None, Value | None], tuple[str | None, Value | None]]:
    """The kind, and for nothing and for an error the mark and the value that the clause has."""
    if not clauses:
        return kind, (None, None), (None, None)
    returning, *words = clauses
    made = []
    for word, given, mark in ((words[0], words[1], EMPTY), (words[2], words[3], ERROR)):
        if word.constant == "ERROR":
            raise PenstockError(
                f"{name}: a record cannot end a pipeline, so ERROR is not offered",
                remedy="DEFAULT a value, or NULL",
            )
        made.append((mark, given) if word.constant == "DEFAULT" else (None, None))
    return _returned(returning, kind), made[0], made[1]


def _returned(clause: Value, kind: str) -> str:
    """The kind that RETURNING says, if there is one."""
    return kind if clause.constant is not None else clause.kind


_WRAPPERS = ("WITHOUT", "CONDITIONAL", "UNCONDITIONAL")


@function("JSON_QUERY", arguments=(2, 6))
def json_query(value: Value, path: Value, *clauses: Value) -> Value:
    """The object or array at a path, as JSON; NULL, or what the clauses say, where there is none or it is a scalar.

    The clauses are the wrapper and the words of ON EMPTY and ON ERROR.
    """
    kind = _returned(clauses[0], "STRING") if clauses else "STRING"
    wrapper, empty, error = [clause.constant for clause in clauses[1:]] or ["WITHOUT", "NULL", "NULL"]
    if kind not in ("STRING", "ARRAY<STRING>"):
        raise PenstockError(f"JSON_QUERY cannot return {kind}", remedy="STRING or ARRAY<STRING>")
    if "ERROR" in (empty, error):
        raise PenstockError(
            "JSON_QUERY: a record cannot end a pipeline, so ERROR is not offered",
            remedy="EMPTY ARRAY, EMPTY OBJECT or NULL",
        )
    answers: dict[str, Any] = {"NULL": None, "EMPTY ARRAY": [], "EMPTY OBJECT": {}}

    def told(node: Any, strict: bool) -> Any:
        if node is BROKEN:
            return _shaped(answers[error], kind)
        if node is MISSING or node is None:
            return _shaped(answers[error if strict else empty], kind)
        nested = isinstance(node, dict | list)
        if wrapper == "UNCONDITIONAL" or (wrapper == "CONDITIONAL" and not nested):
            node = [node]
        elif not nested:
            return _shaped(answers[error if strict else empty], kind)
        return _shaped(node, kind)

    return _asked("JSON_QUERY", value, path, kind, told)


def _shaped(node: Any, kind: str) -> Any:
    if kind == "STRING":
        return _nested(node)
    if not isinstance(node, list):
        return None
    return [
        None if one is None else _nested(one) if isinstance(one, dict | list) else _scalar(one)
        for one in node
    ]


@function("JSON_EXISTS", arguments=(2, 3))
def json_exists(value: Value, path: Value, *on_error: Value) -> Value:
    """Whether there is anything but null at a path; NULL of NULL. The third is what a text that is no JSON gives."""
    word = on_error[0].constant if on_error else "FALSE"
    if word == "ERROR":
        raise PenstockError(
            "JSON_EXISTS: a record cannot end a pipeline, so ERROR is not offered",
            remedy="TRUE, FALSE or UNKNOWN",
        )
    wrong = {"TRUE": True, "FALSE": False, "UNKNOWN": None}[word]

    def told(node: Any, strict: bool) -> Any:
        if node is BROKEN or (node is MISSING and strict):
            return wrong
        return node is not MISSING and node is not None

    return _asked("JSON_EXISTS", value, path, "BOOLEAN", told)


MISSING = object()
"""What stands at a path that leads nowhere."""
BROKEN = object()
"""What stands in a text that is no JSON: with a lax path that is nothing, and else an error; in null it is one with either."""


def _asked(name: str, value: Value, path: Value, kind: str, told: Callable[[Any, bool], Any]) -> Value:
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
    made, strict = polars_type(kind), not written.startswith("lax")

    def found(texts: pl.Series) -> pl.Series:
        out = [None if text is None else told(_at(text, steps, strict), strict) for text in texts.to_list()]
        return pl.Series(texts.name, out, dtype=made)

    return Value(kind, value.expr.map_batches(found, return_dtype=made))


def _at(text: str, steps: Sequence[Any], strict: bool) -> Any:
    try:
        node: Any = json.loads(text, parse_float=Number)  # a number's text stays: 1.50
    except (ValueError, RecursionError):
        return BROKEN if strict else MISSING
    if node is None:
        return BROKEN
    try:
        for step in steps:
            wanted: Any = list if isinstance(step, int) else dict
            if type(node) is not wanted:
                return MISSING
            node = node[step]
    except (KeyError, IndexError):
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
    """JSON without blanks, keys in order as Flink has them, numbers as they were read."""
    if isinstance(node, dict):
        return "{" + ",".join(f"{_written(key)}:{_written(node[key])}" for key in sorted(node)) + "}"
    if isinstance(node, list):
        return "[" + ",".join(map(_written, node)) + "]"
    return node.text if isinstance(node, Number) else json.dumps(node, ensure_ascii=False)
