"""JSON in and out: what Flink would read is read, what cannot be is a dead letter, and no record touches another."""

import json
from datetime import date, datetime, time
from decimal import Decimal

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.compression import GZIP, LZ4, NONE, SNAPPY, ZSTD
from penstock.engine.formats.chunks import Chunk, read_chunks
from penstock.engine.formats.json.reader import Decoded, JsonOptions, JsonReader
from penstock.engine.formats.json.style import JsonStyle
from penstock.engine.formats.json.writer import JsonWriter
from penstock.engine.job import Job
from penstock.engine.plan import Project, Scan, Table
from penstock.engine.types import Column, polars_type
from penstock.errors import PenstockError
from penstock.record import HEADER_SIZE, Record, encode
from tests.engine.streams import NO_SHRINKING, NOW, collect, events_table, printed, sql

FIELDS = (
    Column("n", "BIGINT"), Column("s", "STRING"), Column("d", "DOUBLE"), Column("b", "BOOLEAN"),
    Column("at", "TIMESTAMP(3)"), Column("m", "DECIMAL(6, 2)"), Column("t", "TINYINT"),
)  # fmt: skip


def chunk_of(values: list[bytes | None]) -> Chunk:
    (chunk,) = read_chunks(encode([Record(None, value, 7) for value in values]), 1 << 20, 1 << 20)
    assert isinstance(chunk, Chunk)
    return chunk


def read(values: list[bytes | None], fields: tuple[Column, ...] = FIELDS, **options: bool) -> Decoded:
    return JsonReader(fields, JsonOptions(**options)).read(chunk_of(values))


def one(value: bytes, kind: str, **options: bool) -> object:
    """What ``{"v": value}`` gives for a column of `kind`; the error class where it is a dead letter."""
    made = read([b'{"v":' + value + b"}"], (Column("v", kind),), **options)
    return made.frame["v"].item() if made.frame.height else (made.bad[0][1] if made.bad else "dropped")


# --- the plain case --------------------------------------------------------------------------------------------


def test_objects_become_rows_with_missing_fields_null_and_others_passed_over() -> None:
    made = read(
        [b'{"n":1,"s":"x","d":1.5,"b":true,"at":"2026-11-22 11:00:00.123","m":1.25,"t":7,"z":[{}]}', b"{}"]
    )
    first = (1, "x", 1.5, True, datetime(2026, 11, 22, 11, 0, 0, 123000), Decimal("1.25"), 7)
    assert made.frame.rows() == [first, (None,) * 7] and not made.bad


@pytest.mark.parametrize(
    ("value", "kind", "expected"),
    [
        (b"1", "INT", 1), (b'" 12 "', "INT", 12), (b'"1_0"', "INT", "JsonParseException"), (b"1.9", "INT", 1), (b"-1.9", "BIGINT", -1), (b"1e3", "INT", 1000),
        (b"2147483648", "INT", "JsonParseException"), (b"true", "INT", "JsonParseException"), (b"128", "TINYINT", "JsonParseException"),
        (b'"x"', "BIGINT", "JsonParseException"), (b"{}", "BIGINT", "JsonParseException"), (b"[1]", "INT", "JsonParseException"),
        (b"9223372036854775807", "BIGINT", 2**63 - 1), (b"9223372036854775808", "BIGINT", "JsonParseException"),
        (b"1e999999999", "BIGINT", "JsonParseException"), (b"1" * 5000, "BIGINT", "JsonParseException"), (b"1" * 5000, "STRING", "JsonParseException"), (b"null", "BIGINT", None),
        (b"1.5", "DOUBLE", 1.5), (b'"1.5"', "DOUBLE", 1.5), (b"1e400", "DOUBLE", float("inf")), (b"true", "DOUBLE", "JsonParseException"),
        (b"NaN", "DOUBLE", "JsonParseException"), (b"1", "STRING", "1"), (b"1.50", "STRING", "1.50"), (b"true", "STRING", "true"),
        (b'{"a":[1,2.5]}', "STRING", '{"a":[1,2.5]}'), (b'"\\u00e9\\n"', "STRING", "é\n"), (b'"\\ud83d\\ude00"', "STRING", "😀"),
        (b'"\\ud800"', "STRING", "JsonParseException"), (b'"a\nb"', "STRING", "a\nb"), (b"true", "BOOLEAN", True), (b'"TRUE"', "BOOLEAN", True),
        (b'"no"', "BOOLEAN", False), (b"12.345", "DECIMAL(6, 2)", Decimal("12.35")), (b'"12.345"', "DECIMAL(6, 2)", Decimal("12.35")),
        (b'"2026-11-22 11:00:00"', "TIMESTAMP(3)", datetime(2026, 11, 22, 11)), (b'"2026-11-22 11:00"', "TIMESTAMP(3)", datetime(2026, 11, 22, 11)),
        (b'"2026-11-22T11:00:00"', "TIMESTAMP(3)", "DateTimeParseException"), (b'"2026-11-22"', "TIMESTAMP(3)", "DateTimeParseException"),
        (b'"2026-02-30 11:00:00"', "TIMESTAMP(3)", "DateTimeParseException"), (b'"2026-11-22 11:00:00Z"', "TIMESTAMP(3)", "DateTimeParseException"),
        (b'"2026-11-22 11:00:00.5Z"', "TIMESTAMP_LTZ(3)", datetime(2026, 11, 22, 11, 0, 0, 500000)),
        (b'"2026-11-22 11:00:00"', "TIMESTAMP_LTZ(3)", "DateTimeParseException"), (b"17", "TIMESTAMP(3)", "JsonParseException"),
        (b'"2026-11-22"', "DATE", date(2026, 11, 22)), (b'"x"', "DATE", "DateTimeParseException"), (b'"11:05:00"', "TIME", time(11, 5)),
        (b'"AQI="', "BYTES", b"\x01\x02"), (b'"?"', "BYTES", "DateTimeParseException"),
    ],
)  # fmt: skip
def test_a_value_is_read_as_flink_reads_it(value: bytes, kind: str, expected: object) -> None:
    assert one(value, kind) == expected


def test_iso_timestamps_are_read_where_the_table_says_so() -> None:
    assert one(b'"2026-11-22T11:00:00.25"', "TIMESTAMP(3)", iso=True) == datetime(
        2026, 11, 22, 11, 0, 0, 250000
    )
    assert one(b'"2026-11-22 11:00:00"', "TIMESTAMP(3)", iso=True) == "DateTimeParseException"


# --- bad records -----------------------------------------------------------------------------------------------

HOSTILE: list[bytes] = [
    b'{"s":{"\\u0000":1}}', b'{"n":{"a":"\x00"}}', b'{"at":"\\udc00"}', b'{"m":-1e+3099999999999999999999}', b'{"n":1e999999999}',
    b"", b" ", b"\n", b"null", b"1", b'"x"', b"[]", b"[{}]", b"{", b"}", b"{}{}", b"{} {}", b'{"n":1}{"n":2}', b'{"n":1}\n{"n":2}',
    b'{"s":"}', b'{"}', b'{","b":"}', b'{"a":{}', b'{"a":[{}', b'{"s":"\\"}', b'{"s":"\\\\"}}', b'{"n":1', b'{"n":}', b'{"n":01x}',
    b'{"s":"\xff"}', b"\xff\xfe", b'{"z":"\xc3\x28"}', b"\xef\xbb\xbf{}", b"{bad}", b'{"n":nul}', b"{'n':1}", b"\x00", b'{"n":"x"}',
    b'{"z":' + b"[" * 50_000 + b"]" * 50_000 + b"}", b'{"z":' * 5000 + b"1" + b"}" * 5000, b'{"n":' + b"9" * 400 + b"}", b"{" * 1000,
    b'\x0b{"n":1}', b'{"n":1}\x0c', b'{"at":"yesterday"}', b'{"t":1000}', b'{"s":{"a":"}', b'{}\x00', b'{"a":1}}', b'{{}}', b'{"s":"a"}"', b'{"s" "a"}',
]  # fmt: skip


@settings(max_examples=60, deadline=None, phases=NO_SHRINKING)
@given(
    places=st.lists(st.tuples(st.integers(0, 200), st.sampled_from(HOSTILE)), max_size=6),
    seed=st.integers(0, 99),
)
def test_a_bad_record_never_touches_its_neighbours(places: list[tuple[int, bytes]], seed: int) -> None:
    values: list[bytes | None] = [json.dumps({"n": n, "s": f"row {n}"}).encode() for n in range(80)]
    marks = list(range(80))
    for place, hostile in places:
        values.insert(place % len(values), hostile)
        marks.insert(place % len(marks), -1)
    made = read(values)
    rows = dict(zip(made.rows.tolist(), made.frame["n"].to_list(), strict=True))
    assert list(rows) == sorted(rows), "in the records' order"
    assert {row: n for row, n in rows.items() if marks[row] >= 0} == {
        row: n for row, n in enumerate(marks) if n >= 0
    }
    alone = {value: read([value]) for _, value in places}
    for row, n in enumerate(marks):
        if n < 0:
            single = alone[values[row] or b""]
            assert (row in rows) == (single.frame.height == 1), (
                "what becomes of a record does not depend on others"
            )
            assert [b[1:] for b in made.bad if b[0] == row] == [b[1:] for b in single.bad]


def test_every_hostile_record_is_a_row_of_its_own_or_a_dead_letter() -> None:
    for value in HOSTILE:
        made = read([value])
        assert made.frame.height + len(made.bad) == 1, value


def test_where_every_record_is_bad_each_is_a_dead_letter() -> None:
    made = read([b'{"n":"x"}'] * 300)
    assert made.frame.height == 0 and [row for row, _, _ in made.bad] == list(range(300))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**65), 2**65) | st.floats() | st.text(max_size=5)
    | st.sampled_from(["1", " 2 ", "1.5", "true", "2026-11-22 11:00:00.5", "AQI=", "12.345", -0.0, 1e300, 1e18, 127.9]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2), max_leaves=3,
)  # fmt: skip


@settings(max_examples=300, deadline=None, phases=NO_SHRINKING)
@given(st.dictionaries(st.sampled_from([c.name for c in FIELDS]), json_values))
def test_a_record_read_alone_is_the_record_read_among_others(document: dict[str, object]) -> None:
    """The lenient rules and the fast reader agree: the first only comes in where a neighbour is bad."""
    value = json.dumps(document).encode()
    fast, slow = read([value]), read([b'{"n":"x"}', value, b'{"n":"x"}'])
    assert repr(fast.frame.rows()) == repr(slow.frame.rows())
    assert [bad[1:] for bad in fast.bad] == [bad[1:] for bad in slow.bad if bad[0] == 1]


def test_ignored_errors_give_nulls_or_nothing() -> None:
    made = read([b'{"n":"x","s":"a"}', b"{bad", b'{"at":"never","s":"b"}'], ignore_errors=True)
    assert (
        made.frame["s"].to_list() == ["a", "b"] and made.frame["n"].to_list() == [None, None] and not made.bad
    )


def test_a_missing_field_is_an_error_where_the_table_says_so_and_null_is_not_missing() -> None:
    made = read([b'{"v":null}', b"{}", b'{"v":1}'], (Column("v", "INT"),), fail_on_missing=True)
    assert made.frame["v"].to_list() == [None, 1] and made.bad == [
        (1, "JsonParseException", "the field v is missing")
    ]


def test_tombstones_are_neither_rows_nor_errors() -> None:
    made = read([b'{"n":1}', None, b'{"n":2}', None])
    assert (
        made.frame["n"].to_list() == [1, 2]
        and made.tombstones.tolist() == [1, 3]
        and made.rows.tolist() == [0, 2]
    )


@pytest.mark.parametrize(
    "options",
    [
        {"json.timestamp-format.standard": "RFC"},
        {"json.ignore-parse-errors": "true", "json.fail-on-missing-field": "true"},
    ],
)
def test_options_that_make_no_sense_are_refused(options: dict[str, str]) -> None:
    with pytest.raises(PenstockError, match=r"json\."):
        JsonOptions.of(options)


def test_formats_that_are_not_offered_are_refused() -> None:
    with pytest.raises(PenstockError, match="orc"):
        Job(printed(Scan(events_table(format="orc"))))


# --- dead letters ----------------------------------------------------------------------------------------------


def test_a_dead_letter_says_where_it_came_from_and_why() -> None:
    records = [Record(b"k", b'{"k":"fine"}', 5), Record(b"k2", b"{bad", 6, (("trace", b"x"), ("none", None)))]
    job = Job(printed(Project(Scan(events_table()), ((Column("k", "STRING"), sql("k")),))))
    outputs = job.on_records(0, 3, encode(records, base_offset=40), NOW)
    assert collect(job, outputs)["k"].to_list() == ["fine"]
    ((topic, letter),) = outputs[-1].dead_letters
    assert (topic, letter.key, letter.value, letter.timestamp_ms) == (
        "events.dlq",
        b"k2",
        b"{bad",
        NOW.wall_ms,
    )
    assert letter.headers[:2] == (("trace", b"x"), ("none", None))
    headers = {name.removeprefix("__connect.errors."): value for name, value in letter.headers[2:]}
    assert {k: v for k, v in headers.items() if not k.startswith(("exception.m", "exception.s", "class"))} == {
        "topic": b"events", "partition": b"3", "offset": b"41", "timestamp": b"6", "connector.name": b"events", "task.id": b"0",
        "stage": b"VALUE_CONVERTER", "exception.class.name": b"JsonParseException",
        "penstock.letter.reason": b"undecodable", "penstock.letter.attempts": b"1",
        "penstock.letter.first": str(NOW.wall_ms).encode(), "penstock.letter.last": str(NOW.wall_ms).encode(),
    }  # fmt: skip
    assert (
        b"not JSON" in headers["exception.message"]
        and b"JsonParseException" in headers["exception.stacktrace"]
    )
    assert job.measures().sources[0].dead_letters == 1


def test_a_redriven_dead_letter_does_not_gather_old_reasons() -> None:
    job = Job(printed(Scan(events_table())))
    old = (("__connect.errors.topic", b"elsewhere"),)
    outputs = job.on_records(0, 0, encode([Record(None, b"{", 0, old)]), NOW)
    ((_, letter),) = outputs[-1].dead_letters
    assert [value for name, value in letter.headers if name == "__connect.errors.topic"] == [b"events"]


@pytest.mark.parametrize("codec", [NONE, GZIP, SNAPPY, LZ4, ZSTD])
def test_a_damaged_batch_is_a_dead_letter_and_the_next_one_is_read(codec: int) -> None:
    good = encode([Record(None, b'{"k":"a"}', 0)] * 20, codec=codec, base_offset=20)
    broken = bytearray(encode([Record(None, b'{"k":"a"}', 0)] * 20, codec=codec))
    broken[HEADER_SIZE + 3] ^= 0xFF
    job = Job(printed(Scan(events_table())))
    outputs = job.on_records(0, 0, bytes(broken) + good, NOW)
    assert collect(job, outputs).height == 20
    ((_, letter),) = outputs[-1].dead_letters
    assert dict(letter.headers)["__connect.errors.exception.class.name"] == b"CorruptRecordException"


def test_a_batch_that_blows_up_when_decompressed_is_a_dead_letter() -> None:
    from penstock.engine.job import EngineOptions

    bomb = encode([Record(None, b'{"k":"' + b"a" * 3_000_000 + b'"}', 0)], codec=ZSTD)
    assert len(bomb) < 10_000
    job = Job(printed(Scan(events_table())), EngineOptions(batch_bytes_max=1_000_000))
    (output,) = job.on_records(0, 0, bomb, NOW)
    assert len(output.dead_letters) == 1


def test_metadata_columns_hold_what_the_record_bears() -> None:
    schema = (
        Column("k", "STRING"),
        Column("ts", "TIMESTAMP_LTZ(3)"),
        Column("p", "INT"),
        Column("o", "BIGINT"),
        Column("tp", "STRING"),
    )
    keys = (("ts", "timestamp"), ("p", "partition"), ("o", "offset"), ("tp", "topic"))
    table = Table(
        "t",
        schema,
        {"connector": "kafka", "topic": "here", "format": "json"},
        metadata=keys,
        virtual=("p", "o", "tp"),
    )
    job = Job(printed(Scan(table)))
    made = collect(
        job, job.on_records(0, 2, encode([Record(None, b'{"k":"a","o":9}', 1500)], base_offset=4), NOW)
    )
    assert made.row(0)[:5] == ("a", datetime(1970, 1, 1, 0, 0, 1, 500000), 2, 4, "here")


def test_computed_columns_are_computed_and_only_read_columns_are_decoded() -> None:
    schema = (Column("raw", "STRING"), Column("other", "BIGINT"), Column("at", "TIMESTAMP(3)"))
    table = Table(
        "t",
        schema,
        {"connector": "kafka", "topic": "t", "format": "json"},
        computed=(("at", sql("TO_TIMESTAMP(raw)")),),
    )
    job = Job(printed(Project(Scan(table), ((Column("at", "TIMESTAMP(3)"), sql("at")),))))
    made = collect(
        job,
        job.on_records(0, 0, encode([Record(None, b'{"raw":"2026-01-02 03:04:05","other":"junk"}', 0)]), NOW),
    )
    assert made.row(0) == (datetime(2026, 1, 2, 3, 4, 5), 0), "the field that is no number is not read at all"


# --- writing ---------------------------------------------------------------------------------------------------


def written(frame: pl.DataFrame, fields: tuple[Column, ...], iso: bool = False) -> list[str]:
    data, offsets = JsonWriter(fields, JsonStyle(iso)).write(frame)
    return [data[offsets[i] : offsets[i + 1]].tobytes().decode() for i in range(frame.height)]


def test_rows_are_written_as_flink_writes_them() -> None:
    fields = (Column("s", "STRING"), Column("d", "DOUBLE"), Column("at", "TIMESTAMP(3)"), Column("z", "TIMESTAMP_LTZ(3)"),
              Column("m", "DECIMAL(6, 2)"), Column("day", "DATE"), Column("x", "BYTES"), Column("b", "BOOLEAN"))  # fmt: skip
    at = datetime(2026, 11, 22, 11, 0, 0, 120000)
    frame = pl.DataFrame(
        [['q"\n\\é', 1.5, at, at, Decimal("1.50"), date(2026, 1, 2), b"\x01\x02", True], [None] * 8],
        schema={"s": pl.String, "d": pl.Float64, "at": pl.Datetime("us"), "z": pl.Datetime("us"), "m": pl.Decimal(6, 2),
                "day": pl.Date, "x": pl.Binary, "b": pl.Boolean}, orient="row",
    )  # fmt: skip
    first, second = written(frame, fields)
    assert json.loads(first) == {
        "s": 'q"\n\\é', "d": 1.5, "at": "2026-11-22 11:00:00.12", "z": "2026-11-22 11:00:00.12Z", "m": 1.5, "day": "2026-01-02",
        "x": "AQI=", "b": True,
    }  # fmt: skip
    assert '"m":1.50' in first
    assert json.loads(second) == {column.name: None for column in fields}
    assert json.loads(written(frame, fields, iso=True)[0])["at"] == "2026-11-22T11:00:00.12"


@settings(max_examples=40, deadline=None, phases=NO_SHRINKING)
@given(st.lists(st.tuples(
    st.none() | st.integers(-(2**63), 2**63 - 1), st.none() | st.text(), st.none() | st.floats(allow_nan=False, allow_infinity=False),
    st.none() | st.booleans(), st.none() | st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31)),
), min_size=1, max_size=30))  # fmt: skip
def test_what_is_written_is_read_back(rows: list[tuple[object, ...]]) -> None:
    fields = FIELDS[:5]
    schema = {"n": pl.Int64, "s": pl.String, "d": pl.Float64, "b": pl.Boolean, "at": pl.Datetime("us")}
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    made = read([text.encode() for text in written(frame, fields)], fields)
    assert made.frame.rows() == frame.rows()
    assert np.array_equal(made.rows, np.arange(len(rows)))


def test_nested_rows_are_written_as_objects() -> None:
    fields = (Column("r", "ROW<a INT, `at` TIMESTAMP(3), x ROW<d DATE>>"),)
    at = datetime(2026, 11, 22, 11, 0, 0, 120000)
    rows = [{"a": 1, "at": at, "x": {"d": date(2026, 1, 2)}}, {"a": None, "at": None, "x": None}, None]
    frame = pl.DataFrame({"r": rows}, schema={"r": polars_type(fields[0].kind)})
    assert [json.loads(text)["r"] for text in written(frame, fields)] == [
        {"a": 1, "at": "2026-11-22 11:00:00.12", "x": {"d": "2026-01-02"}}, {"a": None, "at": None, "x": None}, None,
    ]  # fmt: skip
    assert read([text.encode() for text in written(frame, fields)], fields).frame.equals(frame)
