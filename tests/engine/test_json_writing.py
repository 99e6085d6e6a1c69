"""JSON is written so that it reads back as what it was, by the compiled loop as by arro3, whatever nests in what."""

import json
import math
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.engine.formats.json.reader import JsonOptions, JsonReader
from penstock.engine.formats.json.style import JsonStyle
from penstock.engine.formats.json.writer import JsonWriter
from penstock.engine.kernels.encode import json as loop
from penstock.engine.kernels.moments import show_moments
from penstock.engine.types import (
    Column,
    element,
    is_array,
    is_map,
    is_row,
    map_fields,
    polars_type,
    row_fields,
)
from penstock.errors import PenstockError
from tests.engine.streams import NO_SHRINKING
from tests.engine.test_json import chunk_of

SIMPLE = {
    "BIGINT": st.integers(-(2**63), 2**63 - 1) | st.integers(-1000, 1000),
    "TINYINT": st.integers(-128, 127),
    "STRING": st.text(max_size=12)
    | st.sampled_from(['"', "\\", "\x00\x1f\x7f", "é" * 40, "a" * 31 + '"', "日本😀"]),
    "DOUBLE": st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from([0.0, -0.0, 1.5, 0.1, 100.0, 1e14, 1e15, 123456.789, 2.0**53, 5e-324]),
    "FLOAT": st.floats(width=32, allow_nan=False, allow_infinity=False),
    "BOOLEAN": st.booleans(),
    "TIMESTAMP(6)": st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31)),
    "TIMESTAMP_LTZ(3)": st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31)),
    "DATE": st.dates(date(1, 1, 1), date(9999, 12, 31)),
    "TIME": st.times(),
    "BYTES": st.binary(max_size=9),
    "DECIMAL(6, 2)": st.decimals(-9999, 9999, places=2),
    "DECIMAL(38, 0)": st.integers(-(10**38) + 1, 10**38 - 1).map(Decimal),
    "DECIMAL(38, 20)": st.integers(-(10**38) + 1, 10**38 - 1).map(lambda n: Decimal(n).scaleb(-20)),
}
KINDS = st.recursive(
    st.sampled_from(sorted(SIMPLE)),
    lambda inner: (
        inner.map("ARRAY<{}>".format)
        | inner.map("MAP<STRING, {}>".format)
        | st.tuples(inner, inner).map(lambda two: 'ROW<a {}, `q"` {}>'.format(*two))
    ),
    max_leaves=4,
)


def values(kind: str) -> st.SearchStrategy[Any]:
    """Values of a kind as polars takes them."""
    if is_row(kind):
        return st.none() | st.fixed_dictionaries({f.name: values(f.kind) for f in row_fields(kind)})
    if is_array(kind):
        return st.none() | st.lists(values(element(kind).kind), max_size=4)
    if is_map(kind):
        held = values(map_fields(kind)[1].kind)
        pairs = st.dictionaries(st.text(max_size=5), held, max_size=4)
        return st.none() | pairs.map(lambda p: [{"key": k, "value": v} for k, v in p.items()])
    return st.none() | SIMPLE[kind]


def written(frame: pl.DataFrame, fields: tuple[Column, ...], **style: Any) -> list[str]:
    data, offsets = JsonWriter(fields, JsonStyle(**style)).write(frame)
    return [data[offsets[i] : offsets[i + 1]].tobytes().decode() for i in range(frame.height)]


def framed(fields: tuple[Column, ...], rows: list[tuple[Any, ...]]) -> pl.DataFrame:
    columns = [
        pl.Series(c.name, [row[place] for row in rows], dtype=polars_type(c.kind), strict=False)
        for place, c in enumerate(fields)
    ]
    return pl.DataFrame(columns)


@settings(max_examples=120, deadline=None, phases=NO_SHRINKING)
@given(st.data(), st.booleans())
def test_what_is_written_reads_back_as_it_was(data: st.DataObject, iso: bool) -> None:
    kinds = data.draw(st.lists(KINDS, min_size=1, max_size=4))
    fields = tuple(Column(name, kind) for name, kind in zip("abcd", kinds, strict=False))
    rows = data.draw(st.lists(st.tuples(*(values(kind) for kind in kinds)), min_size=1, max_size=6))
    frame = framed(fields, rows)
    texts = written(frame, fields, iso=iso)
    for text in texts:
        assert list(json.loads(text)) == [c.name for c in fields]
    made = JsonReader(fields, JsonOptions(iso=iso)).read(chunk_of([text.encode() for text in texts]))
    assert not made.bad
    assert list(map(repr, made.frame.rows())) == list(map(repr, frame.rows()))


@settings(max_examples=60, deadline=None, phases=NO_SHRINKING)
@given(st.data())
def test_the_loop_and_arro3_say_the_same(data: st.DataObject) -> None:
    kinds = data.draw(st.lists(st.sampled_from(sorted(SIMPLE)), min_size=1, max_size=4))
    fields = tuple(Column(name, kind) for name, kind in zip("abcd", kinds, strict=False))
    rows = data.draw(st.lists(st.tuples(*(values(kind) for kind in kinds)), min_size=1, max_size=6))
    frame = framed(fields, rows)
    lines, ends = JsonWriter(fields, JsonStyle())._by_arrow(frame)
    others = [lines[ends[i] : ends[i + 1] - 1].tobytes().decode() for i in range(frame.height)]

    def numbers(text: str) -> Any:
        return json.loads(text, parse_float=float)

    assert list(map(numbers, written(frame, fields))) == list(map(numbers, others))


# --- the edges ---------------------------------------------------------------------------------------------------


def test_a_double_is_written_as_briefly_as_reads_back() -> None:
    fields, numbers = (Column("d", "DOUBLE"),), [1.5, 0.1, 2.0, -3.25, 100.0, 123456.789, 0.000001, None]
    found = written(framed(fields, [(n,) for n in numbers]), fields)
    assert found == [
        '{"d":1.5}', '{"d":0.1}', '{"d":2.0}', '{"d":-3.25}', '{"d":100.0}', '{"d":123456.789}', '{"d":0.000001}', '{"d":null}',
    ]  # fmt: skip
    odd = [math.nan, math.inf, -math.inf, -0.0]
    assert written(framed(fields, [(n,) for n in odd]), fields) == [
        '{"d":"NaN"}', '{"d":"Infinity"}', '{"d":"-Infinity"}', '{"d":-0.0}',
    ]  # fmt: skip


def test_nulls_may_be_left_out() -> None:
    fields = (
        Column("a", "INT"),
        Column("r", "ROW<x INT, y STRING>"),
        Column("m", "MAP<STRING, INT>"),
        Column("b", "ARRAY<INT>"),
    )
    rows = [
        (None, {"x": None, "y": "q"}, [{"key": "k", "value": None}], [None]),
        (1, None, None, None),
        (None,) * 4,
    ]
    assert written(framed(fields, rows), fields, sparse=True) == [
        '{"r":{"y":"q"},"m":{"k":null},"b":[null]}', '{"a":1}', "{}",
    ]  # fmt: skip


def test_a_null_key_is_refused_dropped_or_named() -> None:
    fields = (Column("m", "MAP<STRING, INT>"),)
    frame = framed(fields, [([{"key": None, "value": 1}, {"key": "k", "value": 2}],), ([],)])
    with pytest.raises(PenstockError, match="NULL for a key"):
        written(frame, fields)
    assert written(frame, fields, null_key=None) == ['{"m":{"k":2}}', '{"m":{}}']
    assert written(frame, fields, null_key="nil") == ['{"m":{"nil":1,"k":2}}', '{"m":{}}']


def test_the_buffer_is_used_again_and_grows() -> None:
    fields = (Column("s", "STRING"),)
    writer = JsonWriter(fields, JsonStyle())
    for size in (1, 5000, 3, 20_000):
        frame = framed(fields, [("x" * (n % 50),) for n in range(size)])
        payload = writer.payload(frame)
        last = payload.data[payload.at[-1] : payload.at[-1] + payload.size[-1]].tobytes()
        assert json.loads(last) == {"s": "x" * ((size - 1) % 50)}
    assert writer.payload(framed(fields, [])).data.size == 0


def test_the_loop_is_the_same_interpreted(monkeypatch: pytest.MonkeyPatch) -> None:
    fields = (
        Column("s", "STRING"),
        Column("d", "DOUBLE"),
        Column("m", "DECIMAL(38, 3)"),
        Column("t", "TIME"),
    )
    frame = framed(
        fields, [('a"\né', 1.25, Decimal("-12345678901234567890.125"), time(1, 2, 3, 40)), (None,) * 4]
    )
    expected = written(frame, fields)
    for name in ("write_json", "shorten"):
        monkeypatch.setattr(loop, name, getattr(loop, name).python)
    assert written(frame, fields) == expected
    assert json.loads(expected[0])["s"] == 'a"\né'


@pytest.mark.parametrize(
    ("day", "text"),
    [(2932896, "9999-12-31"), (2932897, "+10000-01-01"), (2932897 + 32873218, "+100003-10-25"), (-719528, "0000-01-01"), (-719529, "-0001-12-31")],
)  # fmt: skip
def test_years_without_four_digits_have_a_sign_as_in_java(day: int, text: str) -> None:
    """A window that is in the year 9999 may end in the year 10000."""
    fields = (Column("d", "DATE"), Column("t", "TIMESTAMP(3)"), Column("z", "TIMESTAMP_LTZ(3)"))
    moments = pl.Series([day * 86_400_000_000 + 500_000]).cast(pl.Datetime("us"))
    frame = pl.DataFrame({"d": pl.Series([day], dtype=pl.Int32).cast(pl.Date), "t": moments, "z": moments})
    made = JsonWriter(fields, JsonStyle()).payload(frame)
    written = json.loads(bytes(made.data[made.at[0] : made.at[0] + made.size[0]]))
    assert written == {"d": text, "t": f"{text} 00:00:00.5", "z": f"{text} 00:00:00.5Z"}
    assert show_moments(moments).to_list() == [f"{text} 00:00:00.5"]
