"""Texts looked through and changed character by character: LOCATE, OVERLAY, TRANSLATE, ELT, counts of matches.

Knows nothing of SQL text.
"""

import functools
import re

import polars as pl

from penstock.engine.functions import kinds
from penstock.engine.functions.table import VARIADIC, Value, function, known
from penstock.engine.functions.texts.strings import checked, text_of, whole_of


@function("LOCATE", arguments=(2, 3))
def locate(part: Value, value: Value, start: Value | None = None) -> Value:
    """Where `part` first stands, from 1, at or after `start`; 0 where it does not: INT."""
    first = 1 if start is None else int(known("LOCATE", start, "start"))
    held = pl.struct(text_of("LOCATE", part).alias("part"), text_of("LOCATE", value).alias("text"))

    def found(rows: pl.Series) -> pl.Series:
        both = zip(rows.struct.field("part").to_list(), rows.struct.field("text").to_list(), strict=True)
        places = [None if p is None or t is None else _place(p, t, first) for p, t in both]
        return pl.Series(rows.name, places, dtype=pl.Int32)

    return Value("INT", held.map_batches(found, return_dtype=pl.Int32))


def _place(part: str, text: str, first: int) -> int:
    if not part:
        return 1
    return text.find(part, max(first - 1, 0)) + 1


@function("OVERLAY", arguments=(3, 4))
def overlay(value: Value, new: Value, start: Value, length: Value | None = None) -> Value:
    """The text with `length` characters (as many as `new` has) from `start` replaced by `new`."""
    text, put = text_of("OVERLAY", value), text_of("OVERLAY", new)
    begin = whole_of("OVERLAY", start)
    size = put.str.len_chars().cast(pl.Int64) if length is None else whole_of("OVERLAY", length)
    count = text.str.len_chars().cast(pl.Int64)
    made = pl.concat_str(text.str.slice(0, begin - 1), put, text.str.slice(begin - 1 + size))
    cut = pl.concat_str(text.str.slice(0, begin - 1), put)
    outside = (begin <= 0) | (begin > count)
    past = (size <= 0) | (begin - 1 + size > count)
    given = text.is_not_null() & put.is_not_null() & begin.is_not_null() & size.is_not_null()
    return Value(
        "STRING", pl.when(given).then(pl.when(outside).then(text).when(past).then(cut).otherwise(made))
    )


@function("TRANSLATE", arguments=(3, 3))
def translate(value: Value, old: Value, new: Value) -> Value:
    """Each character of `old` as the one of `new` in its place; without one it goes."""
    olds = str(known("TRANSLATE", old, "characters"))
    news = str(known("TRANSLATE", new, "characters"))
    table: dict[int, str | None] = {}
    for place, letter in enumerate(olds):
        table.setdefault(ord(letter), news[place] if place < len(news) else None)

    def changed(texts: pl.Series) -> pl.Series:
        made = [None if text is None else text.translate(table) for text in texts.to_list()]
        return pl.Series(texts.name, made, dtype=pl.String)

    return Value("STRING", text_of("TRANSLATE", value).map_batches(changed, return_dtype=pl.String))


@function("ELT", arguments=(2, VARIADIC))
def element(index: Value, *values: Value) -> Value:
    """The text in that place, from 1; NULL where there is none."""
    place = whole_of("ELT", index)
    made = pl.lit(None, dtype=pl.String)
    for number, value in enumerate(values, 1):
        made = pl.when(place == number).then(text_of("ELT", value)).otherwise(made)
    return Value("STRING", made)


@function("REGEXP_COUNT", arguments=(2, 2))
def regexp_count(value: Value, pattern: Value) -> Value:
    """How often the pattern is found: INT."""
    regex = checked(str(known("REGEXP_COUNT", pattern, "pattern")))
    return Value("INT", text_of("REGEXP_COUNT", value).str.count_matches(regex).cast(pl.Int32))


@function("REGEXP_SUBSTR", arguments=(2, 2))
def regexp_substr(value: Value, pattern: Value) -> Value:
    """The first match; NULL where there is none."""
    regex = checked(str(known("REGEXP_SUBSTR", pattern, "pattern")))
    return Value("STRING", text_of("REGEXP_SUBSTR", value).str.extract(regex, 0))


@function("REGEXP_INSTR", arguments=(2, 2))
def regexp_instr(value: Value, pattern: Value) -> Value:
    """Where the first match begins, from 1; 0 where there is none: INT."""
    regex = checked(str(known("REGEXP_INSTR", pattern, "pattern")))
    text = text_of("REGEXP_INSTR", value)
    found = text.str.find(regex).cast(pl.Int64)
    before = text.cast(pl.Binary).bin.slice(0, found).cast(pl.String, strict=False).str.len_chars()
    place = pl.when(found.is_not_null()).then(before.cast(pl.Int32) + 1).otherwise(0)
    return Value("INT", pl.when(text.is_not_null()).then(place).cast(pl.Int32))


def _every(name: str, pattern: str, value: Value) -> Value:
    text = text_of(name, value)
    return Value("BOOLEAN", text.str.contains(pattern).fill_null(False))


_LETTERS = {"IS_ALPHA": r"^\p{L}+$", "IS_DIGIT": r"^\p{Nd}+$"}
for _name, _pattern in _LETTERS.items():
    function(_name, arguments=(1, 1))(functools.partial(_every, _name, _pattern))

_DECIMAL = re.compile(r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$").pattern


@function("IS_DECIMAL", arguments=(1, 1))
def is_decimal(value: Value) -> Value:
    """Whether the text is a number."""
    if kinds.is_number(value.kind):
        return Value("BOOLEAN", value.expr.is_not_null())
    return _every("IS_DECIMAL", _DECIMAL, value)
