"""Avro in and out: bytes as Avro's specification has them, rows as they were, dead letters for what is none."""

import math
import struct
from datetime import date, datetime, time
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.engine.formats.avro import AvroReader, AvroWriter
from penstock.engine.formats.batches import Payload, encode
from penstock.engine.formats.chunks import Chunk, read_chunks
from penstock.engine.formats.json.reader import Decoded
from penstock.engine.job import Job
from penstock.engine.plan import Project, Scan
from penstock.engine.types import Column, Schema, polars_type
from penstock.errors import PenstockError
from penstock.record import Record, decode
from penstock.record import encode as encode_slowly
from tests.engine.streams import NO_SHRINKING, NOW, collect, events_table, printed, sql
from tests.engine.test_json import chunk_of

FIELDS = (
    Column("n", "BIGINT"), Column("i", "INT"), Column("t", "TINYINT"), Column("s", "STRING"), Column("b", "BYTES"), Column("d", "DOUBLE"),
    Column("f", "FLOAT"), Column("z", "BOOLEAN"), Column("at", "TIMESTAMP(3)"), Column("fine", "TIMESTAMP(6)"), Column("day", "DATE"),
    Column("hour", "TIME(3)"), Column("m", "DECIMAL(6, 2)"), Column("wide", "DECIMAL(38, 10)"),
    Column("r", "ROW<a INT, s STRING, x ROW<y DOUBLE, m DECIMAL(4, 1)>>"), Column("must", "BIGINT", False),
)  # fmt: skip
VALUES = {
    "n": st.integers(-(2**63), 2**63 - 1), "i": st.integers(-(2**31), 2**31 - 1), "t": st.integers(-128, 127), "s": st.text(), "b": st.binary(),
    "d": st.floats(), "f": st.floats(width=32), "z": st.booleans(),
    "at": st.datetimes(datetime(1, 1, 1)).map(lambda t: t.replace(microsecond=t.microsecond // 1000 * 1000)), "fine": st.datetimes(datetime(1, 1, 1)),
    "day": st.dates(), "hour": st.times().map(lambda t: t.replace(microsecond=t.microsecond // 1000 * 1000)),
    "m": st.integers(-999999, 999999).map(lambda n: Decimal(n).scaleb(-2)),
    "wide": st.integers(-(10**38) + 1, 10**38 - 1).map(lambda n: Decimal((n < 0, tuple(map(int, str(abs(n)))), -10))),
    "r": st.fixed_dictionaries({
        "a": st.none() | st.integers(-5, 5), "s": st.none() | st.text(max_size=20),
        "x": st.none() | st.fixed_dictionaries({"y": st.none() | st.floats(allow_nan=False), "m": st.none() | st.just(Decimal("-1.5"))}),
    }),
}  # fmt: skip


def frame_of(rows: list[dict[str, object]], fields: Schema) -> pl.DataFrame:
    return pl.DataFrame(rows, schema={c.name: polars_type(c.kind) for c in fields}, orient="row")


def chunk(payload: Payload) -> Chunk:
    (batch,) = encode(Payload.nothing(len(payload)), payload, payload.at)
    (made,) = read_chunks(batch, 1 << 20, 1 << 24)
    assert isinstance(made, Chunk)
    return made


def read(values: list[bytes | None], fields: Schema) -> Decoded:
    return AvroReader(fields, fields).read(chunk_of(values))


# --- the plain case --------------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None, phases=NO_SHRINKING)
@given(
    st.lists(
        st.fixed_dictionaries({**{k: st.none() | v for k, v in VALUES.items()}, "must": VALUES["n"]}),
        min_size=1,
        max_size=8,
    )
)
def test_what_is_written_is_read_back(rows: list[dict[str, object]]) -> None:
    frame = frame_of(rows, FIELDS)
    made = AvroReader(FIELDS, FIELDS).read(chunk(AvroWriter(FIELDS).payload(frame)))
    assert made.frame.schema == frame.schema and not made.bad
    assert list(map(repr, made.frame.rows())) == list(map(repr, frame.rows()))


@pytest.mark.parametrize(
    ("kind", "value", "written"),
    [
        ("BIGINT", -65, b"\x02\x81\x01"), ("INT", 64, b"\x02\x80\x01"), ("BIGINT", None, b"\x00"), ("STRING", "foo", b"\x02\x06foo"),
        ("BYTES", b"\xff", b"\x02\x02\xff"), ("BOOLEAN", True, b"\x02\x01"), ("DOUBLE", -1.5, b"\x02" + struct.pack("<d", -1.5)),
        ("FLOAT", 2.5, b"\x02" + struct.pack("<f", 2.5)), ("TIMESTAMP(3)", datetime(1970, 1, 1, 0, 0, 1), b"\x02\xd0\x0f"),
        ("TIMESTAMP(6)", datetime(1970, 1, 1, 0, 0, 0, 1), b"\x02\x02"), ("DATE", date(1970, 1, 2), b"\x02\x02"), ("TIME(3)", time(0, 0, 1), b"\x02\xd0\x0f"),
        ("DECIMAL(6, 2)", Decimal("1.00"), b"\x02\x02\x64"), ("DECIMAL(6, 2)", Decimal("1.28"), b"\x02\x04\x00\x80"),
        ("DECIMAL(6, 2)", Decimal("-1.28"), b"\x02\x02\x80"), ("DECIMAL(6, 2)", Decimal("0.00"), b"\x02\x02\x00"),
    ],
)  # fmt: skip
def test_bytes_are_those_of_the_specification(kind: str, value: object, written: bytes) -> None:
    fields = (Column("v", kind),)
    payload = AvroWriter(fields).payload(frame_of([{"v": value}], fields))
    assert payload.data[: payload.size[0]].tobytes() == written
    assert AvroReader(fields, fields).read(chunk_of([written])).frame["v"].to_list() == [value]


def test_a_column_that_must_be_there_is_no_union() -> None:
    fields = (Column("v", "INT", False),)
    payload = AvroWriter(fields).payload(frame_of([{"v": 1}], fields))
    assert payload.data[: payload.size[0]].tobytes() == b"\x02"
    with pytest.raises(PenstockError, match="NOT NULL"):
        AvroWriter(fields).payload(frame_of([{"v": None}], fields))


def test_columns_that_are_not_wanted_are_read_over_also_within_a_row() -> None:
    rows = [
        {
            **dict.fromkeys(VALUES),
            "n": 7,
            "r": {"a": 5, "s": "x" * 30, "x": {"y": 1.5, "m": None}},
            "must": 9,
        },
        {**dict.fromkeys(VALUES), "must": 8},
    ]
    made = chunk(AvroWriter(FIELDS).payload(frame_of(rows, FIELDS)))
    wanted = (Column("must", "BIGINT", False), Column("r", "ROW<x ROW<y DOUBLE>>"))
    assert AvroReader(wanted, FIELDS).read(made).frame.rows() == [(9, {"x": {"y": 1.5}}), (8, None)]


# --- bad records -----------------------------------------------------------------------------------------------

TWO = (Column("n", "INT"), Column("s", "STRING"))


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (b"", "ends too early"), (b"\x02", "ends too early"), (b"\x02\x02\x02\x10ab", "ends too early"), (b"\x04", "two branches"),
        (b"\x02\x80\x80\x80\x80\x10", "out of range"), (b"\x00\x02\x02\xff", "not UTF-8"), (b"\x00\x02\x01", "ends too early"),
        (b"\x02" + b"\xff" * 11, "ends too early"), (b"\x00\x02\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01", "ends too early"),
    ],
)  # fmt: skip
def test_what_is_no_record_is_a_dead_letter_that_says_why(value: bytes, why: str) -> None:
    made = read([b"\x02\x02\x00", value, None, b"\x00\x02\x02a"], TWO)
    assert (
        made.frame.rows() == [(1, None), (None, "a")]
        and made.rows.tolist() == [0, 3]
        and made.tombstones.tolist() == [2]
    )
    ((row, kind, text),) = made.bad
    assert (row, kind) == (1, "AvroRuntimeException") and why in text


@settings(max_examples=150, deadline=None, phases=NO_SHRINKING)
@given(st.lists(st.binary(max_size=40), min_size=1, max_size=5))
def test_any_bytes_are_a_row_or_a_dead_letter(values: list[bytes]) -> None:
    made = read(list(values), FIELDS)
    assert made.frame.height + len(made.bad) == len(values)


@pytest.mark.parametrize(
    ("kind", "said"),
    [("DECIMAL(38, 20)", "cannot be read from Avro"), ("MAP<INT, STRING>", "keys are texts"), ("ROW<a MULTISET<INT>>", "keys are texts")],
)  # fmt: skip
def test_kinds_that_are_not_read_from_avro_are_refused(kind: str, said: str) -> None:
    with pytest.raises(PenstockError, match=said):
        AvroReader((Column("m", kind),), (Column("m", kind),))


# --- whole jobs ------------------------------------------------------------------------------------------------


def test_a_job_reads_and_writes_avro() -> None:
    table = events_table(format="avro")
    value = AvroWriter(table.schema).payload(
        frame_of(
            [{"k": "a", "i": 1, "d": 2.5, "s": "t", "m": Decimal("1.25"), "at": datetime(2026, 11, 22, 11)}],
            table.schema,
        )
    )
    source = encode_slowly([Record(None, value.data[: value.size[0]].tobytes(), 0), Record(None, b"\x09", 1)])
    plan = printed(
        Project(Scan(table), ((Column("k", "STRING"), sql("k")), (Column("i", "BIGINT"), sql("i + 1"))))
    )
    job = Job(plan)
    outputs = job.on_records(0, 0, source, NOW)
    assert collect(job, outputs).row(0)[:2] == ("a", 2)
    assert outputs[-1].dead_letters[0][1].value == b"\x09"
    sink = printed(plan.sinks[0].source, connector="kafka")
    sink.sinks[0].table.options["format"] = "avro"  # type: ignore[index]
    (output, _) = Job(sink).on_records(0, 0, source, NOW)
    assert [record.value for _, batch in output.batches for record in decode(batch)] == [b"\x02\x02a\x02\x04"]
    assert math.isfinite(2.5)
