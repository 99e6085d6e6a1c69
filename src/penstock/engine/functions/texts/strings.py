"""Texts: positions count characters from 1, as SQL's do.

Regular expressions are Rust's: no look-around and no back-references (those are refused when the plan is made).
Knows nothing of SQL text.
"""

import functools
import re

import numpy as np
import polars as pl

from penstock.engine.functions import kinds
from penstock.engine.functions.casts import cast
from penstock.engine.functions.patterns import java_regex, like_pattern, similar_pattern
from penstock.engine.functions.table import VARIADIC, Value, function, known, refuse
from penstock.engine.kernels import texts as kernels
from penstock.engine.kernels.arrow import text_buffers, text_series
from penstock.engine.types import is_nested
from penstock.errors import PenstockError

TIMES_MAX = 10_000
"""How long a text may be made by a number in the query: each row of a batch is, at once."""


def text_of(name: str, value: Value) -> pl.Expr:
    """A text argument's expression; raises for other kinds."""
    if kinds.is_text(value.kind):
        return value.expr
    if value.kind == kinds.NULL:
        return value.expr.cast(pl.String)
    raise refuse(name, value, remedy="CAST it to STRING first")


def whole_of(name: str, value: Value) -> pl.Expr:
    """A whole number's expression; raises for other kinds."""
    if not kinds.is_integer(value.kind) and value.kind != kinds.NULL:
        raise refuse(name, value, remedy="positions and lengths are whole numbers")
    return value.expr.cast(pl.Int64)


def checked(java: str) -> str:
    """A pattern of Java's as polars takes it; raises where it does not."""
    pattern = java_regex(java)
    try:
        pl.Series([""]).str.contains(pattern)
    except pl.exceptions.PolarsError:
        raise PenstockError(
            f"the regular expression {java!r} is not understood",
            remedy="look-around and back-references are not offered",
        ) from None
    return pattern


def _simple(name: str, compute: object, value: Value) -> Value:
    return Value("STRING", compute(text_of(name, value)))  # type: ignore[operator]  # from the table below


def _titled(texts: pl.Series) -> pl.Series:
    """Words are runs of ASCII letters and digits, as Calcite's are: what is between them stays."""
    made = [None if t is None else _WORD.sub(lambda word: word[0].capitalize(), t) for t in texts.to_list()]
    return pl.Series(texts.name, made, dtype=pl.String)


_WORD = re.compile("[A-Za-z0-9]+")
_SIMPLE = {
    "UPPER": lambda t: t.str.to_uppercase(), "LOWER": lambda t: t.str.to_lowercase(),
    "UCASE": lambda t: t.str.to_uppercase(), "LCASE": lambda t: t.str.to_lowercase(),
    "INITCAP": lambda t: t.map_batches(_titled, return_dtype=pl.String), "REVERSE": lambda t: t.str.reverse(),
}  # fmt: skip
for _name, _compute in _SIMPLE.items():
    function(_name, arguments=(1, 1))(functools.partial(_simple, _name, _compute))


def _trimmed(name: str, cut: object, value: Value, characters: Value | None = None) -> Value:
    what = " " if characters is None else str(known(name, characters, "characters to cut"))
    return Value("STRING", cut(text_of(name, value).str, what))  # type: ignore[operator]  # from the table below


_TRIMS = {
    "TRIM": lambda t, c: t.strip_chars(c), "BTRIM": lambda t, c: t.strip_chars(c),
    "LTRIM": lambda t, c: t.strip_chars_start(c), "RTRIM": lambda t, c: t.strip_chars_end(c),
}  # fmt: skip
for _name, _cut in _TRIMS.items():
    function(_name, arguments=(1, 2))(functools.partial(_trimmed, _name, _cut))


@function("CHAR_LENGTH", "CHARACTER_LENGTH", "LENGTH", arguments=(1, 1))
def char_length(value: Value) -> Value:
    """Characters: INT."""
    return Value("INT", text_of("CHAR_LENGTH", value).str.len_chars().cast(pl.Int32))


@function("OCTET_LENGTH", arguments=(1, 1))
def octet_length(value: Value) -> Value:
    """Bytes in UTF-8: INT."""
    return Value("INT", text_of("OCTET_LENGTH", value).str.len_bytes().cast(pl.Int32))


@function("SUBSTRING", "SUBSTR", arguments=(2, 3))
def substring(value: Value, start: Value, length: Value | None = None) -> Value:
    """From position `start` (1 is the first, negative counts from the end), `length` characters."""
    text, first = text_of("SUBSTRING", value), whole_of("SUBSTRING", start)
    begin = (
        pl.when(first > 0)
        .then(first - 1)
        .when(first == 0)
        .then(pl.lit(0, dtype=pl.Int64))
        .otherwise(text.str.len_chars().cast(pl.Int64) + first)
    )
    before = pl.when(begin.is_not_null()).then(
        pl.lit("")
    )  # counted from the end, and further than the text is long
    if length is None:
        return Value("STRING", pl.when(begin >= 0).then(text.str.slice(begin)).otherwise(before))
    size = whole_of("SUBSTRING", length)
    taken = text.str.slice(begin, pl.max_horizontal(size, pl.lit(0, dtype=pl.Int64)))
    return Value("STRING", pl.when(size >= 0).then(pl.when(begin >= 0).then(taken).otherwise(before)))


@function("LEFT", arguments=(2, 2))
def left(value: Value, length: Value) -> Value:
    """The first characters."""
    size = pl.max_horizontal(whole_of("LEFT", length), pl.lit(0, dtype=pl.Int64))
    return Value("STRING", text_of("LEFT", value).str.head(size))


@function("RIGHT", arguments=(2, 2))
def right(value: Value, length: Value) -> Value:
    """The last characters."""
    size = pl.max_horizontal(whole_of("RIGHT", length), pl.lit(0, dtype=pl.Int64))
    return Value("STRING", text_of("RIGHT", value).str.tail(size))


@function("CONCAT", "||", arguments=(1, VARIADIC))
def concat(*values: Value) -> Value:
    """Joined; NULL if any is NULL. Numbers and moments are cast to text."""
    if any(is_nested(value.kind) for value in values):
        raise refuse("CONCAT", *values, remedy="CAST it to STRING first")
    return Value("STRING", pl.concat_str([cast(v, "STRING").expr for v in values]))


@function("CONCAT_WS", arguments=(1, VARIADIC))
def concat_ws(separator: Value, *values: Value) -> Value:
    """Joined by `separator`, NULLs left out."""
    texts = [text_of("CONCAT_WS", v) for v in values]
    joint = str(known("CONCAT_WS", separator, "separator"))
    return Value("STRING", pl.concat_str(texts, separator=joint, ignore_nulls=True))


@function("REPLACE", arguments=(3, 3))
def replace(value: Value, old: Value, new: Value) -> Value:
    """Every occurrence of `old`."""
    return Value("STRING", text_of("REPLACE", value).str.replace_all(
        str(known("REPLACE", old, "text to replace")), str(known("REPLACE", new, "replacement")), literal=True
    ))  # fmt: skip


@function("POSITION", arguments=(2, 2))
def position(part: Value, value: Value) -> Value:
    """Where `part` first stands, from 1; 0 where it does not: INT."""
    text = text_of("POSITION", value)
    found = text.str.find(text_of("POSITION", part), literal=True).cast(pl.Int64)
    before = text.cast(pl.Binary).bin.slice(0, found).cast(pl.String, strict=False).str.len_chars()
    place = pl.when(found.is_not_null()).then(before.cast(pl.Int32) + 1).otherwise(0)
    return Value("INT", pl.when(text.is_not_null()).then(place).cast(pl.Int32))


@function("INSTR", arguments=(2, 2))
def instr(value: Value, part: Value) -> Value:
    """POSITION with its arguments turned round."""
    return position(part, value)


def _padded(name: str, value: Value, length: Value, fill: Value | None = None) -> Value:
    size = int(known(name, length, "length"))
    pad = " " if fill is None else str(known(name, fill, "filling"))
    text = text_of(name, value)
    if size > TIMES_MAX:
        raise PenstockError(f"{name} fills up to {TIMES_MAX} characters", remedy="a smaller length")
    if size < 0 or not pad:
        return Value("STRING", pl.lit(None, dtype=pl.String))
    missing = pl.max_horizontal(
        pl.lit(size, dtype=pl.Int64) - text.str.len_chars().cast(pl.Int64), pl.lit(0, dtype=pl.Int64)
    )
    filling = pl.lit(pad * size).str.slice(0, missing)
    joined = pl.concat_str([filling, text] if name == "LPAD" else [text, filling])
    return Value(
        "STRING", pl.when(text.str.len_chars() > size).then(text.str.slice(0, size)).otherwise(joined)
    )


for _name in ("LPAD", "RPAD"):
    function(_name, arguments=(2, 3))(functools.partial(_padded, _name))


@function("REPEAT", arguments=(2, 2))
def repeat(value: Value, times: Value) -> Value:
    """The text, `times` over."""
    count = int(known("REPEAT", times, "count"))
    if count > TIMES_MAX:
        raise PenstockError(f"REPEAT takes at most {TIMES_MAX} times", remedy="a smaller count")
    text = text_of("REPEAT", value)
    return Value(
        "STRING", pl.concat_str([text] * count) if count > 0 else pl.when(text.is_not_null()).then(pl.lit(""))
    )


def _part(texts: pl.Series, separator: str, index: int) -> pl.Series:
    data, at, there = text_buffers(texts)
    there = there & (at[1:] > at[:-1]) & (index >= 0)
    out, places = np.empty(len(data), np.uint8), np.empty(len(at), np.int64)
    kernels.part(data, at, there, np.frombuffer(separator.encode(), np.uint8), max(index, 0), out, places)
    return text_series(texts.name, out, places, there)


@function("SPLIT_INDEX", arguments=(3, 3))
def split_index(value: Value, separator: Value, index: Value) -> Value:
    """The part at `index` (from 0) of the text cut at `separator`; NULL beyond the last."""
    if separator.constant == "":
        raise PenstockError("SPLIT_INDEX needs a separator that is not empty")
    text, at = text_of("SPLIT_INDEX", value), whole_of("SPLIT_INDEX", index)
    cut_at = text_of("SPLIT_INDEX", separator)
    if separator.constant is not None and index.constant is not None:
        cut = functools.partial(_part, separator=str(separator.constant), index=int(index.constant))
        return Value("STRING", text.map_batches(cut, return_dtype=pl.String))
    parts = text.str.split(cut_at)
    return Value("STRING", pl.when((at >= 0) & (text != "")).then(parts.list.get(at, null_on_oob=True)))


@function("REGEXP_EXTRACT", arguments=(2, 3))
def regexp_extract(value: Value, pattern: Value, group: Value | None = None) -> Value:
    """The match's group (0: all of it); NULL where there is no match."""
    regex = checked(str(known("REGEXP_EXTRACT", pattern, "pattern")))
    number = 0 if group is None else int(known("REGEXP_EXTRACT", group, "group"))
    return Value("STRING", text_of("REGEXP_EXTRACT", value).str.extract(regex, number))


@function("REGEXP_REPLACE", arguments=(3, 3))
def regexp_replace(value: Value, pattern: Value, new: Value) -> Value:
    """Every match replaced; ``$1`` stands for itself, as in Flink, which quotes the replacement."""
    regex = checked(str(known("REGEXP_REPLACE", pattern, "pattern")))
    replacement = str(known("REGEXP_REPLACE", new, "replacement")).replace("$", "$$")
    return Value("STRING", text_of("REGEXP_REPLACE", value).str.replace_all(regex, replacement))


@function("REGEXP", arguments=(2, 2))
def regexp(value: Value, pattern: Value) -> Value:
    """Whether the pattern is found anywhere in the text; an empty one never is."""
    regex, text = checked(str(known("REGEXP", pattern, "pattern"))), text_of("REGEXP", value)
    return Value("BOOLEAN", text.str.contains(regex) if regex else pl.when(text.is_not_null()).then(False))


@function("LIKE", arguments=(2, 3))
def like(value: Value, pattern: Value, escape: Value | None = None) -> Value:
    """``%`` any text, ``_`` any character."""
    sign = None if escape is None else str(known("LIKE", escape, "escape"))
    if sign is not None and len(sign) != 1:
        raise PenstockError(
            f"LIKE escapes with one character, not {sign!r}", remedy=r"LIKE '10\%' ESCAPE '\'"
        )
    text, form = text_of("LIKE", value), str(known("LIKE", pattern, "pattern"))
    inner = form.strip("%")
    if sign is None and not set(inner) & set("%_"):
        if form == inner:
            return Value("BOOLEAN", text == form)
        if form == inner + "%":
            return Value("BOOLEAN", text.str.starts_with(inner))
        if form == "%" + inner:
            return Value("BOOLEAN", text.str.ends_with(inner))
        if form == f"%{inner}%":
            return Value("BOOLEAN", text.str.contains(inner, literal=True))
    return Value("BOOLEAN", text.str.contains(like_pattern(form, sign)))


@function("SIMILAR", arguments=(2, 3))
def similar(value: Value, pattern: Value, escape: Value | None = None) -> Value:
    """Whether the whole text is as SQL's regular expression says."""
    sign = None if escape is None else str(known("SIMILAR TO", escape, "escape"))
    form = str(known("SIMILAR TO", pattern, "pattern"))
    regex = similar_pattern(form, sign)
    try:
        pl.Series([""]).str.contains(regex)
    except pl.exceptions.ComputeError:
        raise PenstockError(
            f"{form!r} is no SIMILAR TO pattern", remedy="REGEXP(text, pattern), or LIKE"
        ) from None
    return Value("BOOLEAN", text_of("SIMILAR TO", value).str.contains(regex))


@function("STARTSWITH", "STARTS_WITH", arguments=(2, 2))
def starts_with(value: Value, start: Value) -> Value:
    """Whether the text begins with `start`."""
    return Value("BOOLEAN", text_of("STARTSWITH", value).str.starts_with(text_of("STARTSWITH", start)))


@function("ENDSWITH", "ENDS_WITH", arguments=(2, 2))
def ends_with(value: Value, end: Value) -> Value:
    """Whether the text ends with `end`."""
    return Value("BOOLEAN", text_of("ENDSWITH", value).str.ends_with(text_of("ENDSWITH", end)))
