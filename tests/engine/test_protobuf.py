"""Protobuf in and out: bytes as Google's own library has them, rows as they were, dead letters for what is none."""

import importlib
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.engine.formats.protobuf.schema import parse
from penstock.engine.formats.protobuf.values import ProtobufReader, ProtobufWriter
from penstock.engine.job import Job
from penstock.engine.plan import Project, Scan
from penstock.engine.types import Column
from penstock.errors import PenstockError
from penstock.record import Record, encode
from tests.engine.streams import NO_SHRINKING, NOW, collect, events_table, printed, sql
from tests.engine.test_avro import chunk, frame_of
from tests.engine.test_json import chunk_of

PROTO = """
// A message with all there is. option syntax = "x";
syntax = "proto3";
package test.all;
option java_package = "com.example";
message All {
  int32 a = 1; int64 b = 2; uint32 c = 3; uint64 d = 4; sint32 e = 5; sint64 f = 6;
  fixed32 g = 7; fixed64 h = 8; sfixed32 i = 9; sfixed64 j = 10; /* { */
  bool k = 11 [deprecated = true]; string l = 12; bytes m = 13; float n = 14; double o = 15;
  Color p = 16; enum Color { RED = 0; BLUE = 5; reserved 7, 8; }
  optional int32 q = 17;
  message Inner { string s = 1; Deep deep = 300; message Deep { double x = 2; } int32 z = 3; }
  Inner r = 18;
  oneof either { int64 t = 19; string u = 20; }
  repeated int32 many = 21; map<string, Inner> named = 22; reserved 30 to 40; reserved "old";
  .google.protobuf.Timestamp w = 23;
}
message Two { int32 a = 1; string s = 2; }
service Passed { rpc Over (Two) returns (Two) { option deprecated = true; } }
"""
FIELDS = (
    Column("l", "STRING"), Column("a", "INT"), Column("b", "BIGINT"), Column("c", "INT"), Column("d", "BIGINT"), Column("e", "INT"), Column("f", "BIGINT"),
    Column("g", "INT"), Column("h", "BIGINT"), Column("i", "INT"), Column("j", "BIGINT"), Column("k", "BOOLEAN"), Column("m", "BYTES"), Column("n", "FLOAT"),
    Column("o", "DOUBLE"), Column("p", "INT"), Column("q", "INT"), Column("r", "ROW<z INT, deep ROW<x DOUBLE>, s STRING>"), Column("t", "BIGINT"),
    Column("u", "STRING"), Column("w", "ROW<seconds BIGINT, nanos INT>"),
)  # fmt: skip
OPTIONS = {"protobuf.schema": PROTO, "protobuf.message": "test.all.All"}
INT, LONG = st.integers(-(2**31), 2**31 - 1), st.integers(-(2**63), 2**63 - 1)
VALUES = {
    "a": INT, "b": LONG, "c": INT, "d": LONG, "e": INT, "f": LONG, "g": INT, "h": LONG, "i": INT, "j": LONG, "k": st.booleans(), "l": st.text(),
    "m": st.binary(), "n": st.floats(width=32), "o": st.floats(), "p": st.integers(-3, 9),
}  # fmt: skip
PRESENT = {
    "q": st.none() | INT, "t": st.none() | LONG, "u": st.none(),
    "r": st.none() | st.fixed_dictionaries({"z": INT, "deep": st.none() | st.fixed_dictionaries({"x": st.floats(allow_nan=False)}), "s": st.text()}),
    "w": st.none() | st.fixed_dictionaries({"seconds": LONG, "nanos": INT}),
}  # fmt: skip
ROWS = st.lists(st.fixed_dictionaries({**VALUES, **PRESENT}), min_size=1, max_size=6)


def values_of(
    rows: list[dict[str, object]], fields: tuple[Column, ...] = FIELDS, options: dict[str, str] | None = None
) -> list[bytes]:
    payload = ProtobufWriter(fields, options or OPTIONS).payload(frame_of(rows, fields))
    return [payload.data[at : at + size].tobytes() for at, size in zip(payload.at, payload.size, strict=True)]


# --- the plain case --------------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None, phases=NO_SHRINKING)
@given(ROWS)
def test_what_is_written_is_read_back(rows: list[dict[str, object]]) -> None:
    frame = frame_of(rows, FIELDS)
    made = ProtobufReader(FIELDS, OPTIONS).read(chunk(ProtobufWriter(FIELDS, OPTIONS).payload(frame)))
    assert made.frame.schema == frame.schema and not made.bad
    assert list(map(repr, made.frame.rows())) == list(map(repr, frame.rows()))


@pytest.fixture(scope="module")
def google(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Google's own classes for the messages."""
    protoc = pytest.importorskip("grpc_tools.protoc")
    folder = tmp_path_factory.mktemp("proto")
    (folder / "penstock_all.proto").write_text(
        PROTO.replace("package test.all;", 'package test.all; import "google/protobuf/timestamp.proto";')
    )
    include = Path(protoc.__file__).parent / "_proto"
    assert (
        protoc.main(
            ["", f"-I{folder}", f"-I{include}", f"--python_out={folder}", str(folder / "penstock_all.proto")]
        )
        == 0
    )
    sys.path.insert(0, str(folder))
    yield importlib.import_module("penstock_all_pb2")
    sys.path.remove(str(folder))


@settings(max_examples=60, deadline=None, phases=NO_SHRINKING)
@given(rows=ROWS)
def test_bytes_mean_the_same_to_googles_library_both_ways(google: Any, rows: list[dict[str, Any]]) -> None:
    theirs = []
    for row in rows:
        message = google.All(
            **{name: value for name, value in row.items() if name in VALUES and name not in "cdgh"}
        )
        for name, bits in (("c", 32), ("d", 64), ("g", 32), ("h", 64)):
            setattr(message, name, row[name] % (1 << bits))
        for name in ("q", "t"):
            if row[name] is not None:
                setattr(message, name, row[name])
        if row["w"] is not None:
            message.w.SetInParent()
            message.w.seconds, message.w.nanos = row["w"]["seconds"], row["w"]["nanos"]
        if row["r"] is not None:
            message.r.SetInParent()
            message.r.z, message.r.s = row["r"]["z"], row["r"]["s"]
            if row["r"]["deep"] is not None:
                message.r.deep.SetInParent()
                message.r.deep.x = row["r"]["deep"]["x"]
        message.many.extend([1, 2, 300])
        message.named["x"].s = "passed over"
        theirs.append(message)
    made = ProtobufReader(FIELDS, OPTIONS).read(chunk_of([message.SerializeToString() for message in theirs]))
    assert list(map(repr, made.frame.rows())) == list(map(repr, frame_of(rows, FIELDS).rows()))
    for message, value in zip(theirs, values_of(rows), strict=True):
        message.ClearField("many")
        message.ClearField("named")
        assert google.All.FromString(value).SerializeToString(
            deterministic=True
        ) == message.SerializeToString(deterministic=True)


def test_what_is_not_there_is_its_default_or_null() -> None:
    made = ProtobufReader(FIELDS, OPTIONS).read(chunk_of([b"", b"\x92\x01\x00"])).frame
    first = made.row(0, named=True)
    assert (first["a"], first["k"], first["l"], first["m"], first["o"]) == (0, False, "", b"", 0.0)
    assert [first[name] for name in "qrtuw"] == [None] * 5
    assert made["r"].to_list()[1] == {"z": 0, "deep": None, "s": ""}


def test_proto2_has_no_defaults() -> None:
    options = {
        "protobuf.schema": 'syntax = "proto2"; message M { required int32 a = 1; optional string s = 2 [default = "x"]; }',
        "protobuf.message": "M",
    }
    fields = (Column("a", "INT"), Column("s", "STRING"))
    made = ProtobufReader(fields, options).read(chunk_of([b"", b"\x08\x00\x12\x00"]))
    assert made.frame.rows() == [(None, None), (0, "")]
    assert values_of([{"a": 0, "s": None}], fields, options) == [b"\x08\x00"]


def test_fields_in_any_order_twice_unknown_or_of_another_wire_type() -> None:
    fields = (Column("a", "INT"), Column("s", "STRING"))
    options = {**OPTIONS, "protobuf.message": "Two"}
    made = ProtobufReader(fields, options).read(
        chunk_of(
            [b"\x12\x01x\x08\x01", b"\x08\x01\x08\x02", b"\x0a\x01\xff\x48\x05\x55abcd\x59abcdefgh\x12\x01y"]
        )
    )
    assert made.frame.rows() == [(1, "x"), (2, ""), (0, "y")]


# --- bad records -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (b"\x08", "too early"), (b"\x08\xff", "too early"), (b"\x12\x05ab", "too early"), (b"\x00\x00", "wire type"), (b"\x0b", "wire type"), (b"\x0f", "wire type"),
        (b"\x12\x01\xff", "not UTF-8"), (b"\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "too early"), (b"\x0d\x00", "too early"), (b"\xff" * 12, "too early"),
    ],
)  # fmt: skip
def test_what_is_no_message_is_a_dead_letter_that_says_why(value: bytes, why: str) -> None:
    fields = (Column("a", "INT"), Column("s", "STRING"))
    options = {**OPTIONS, "protobuf.message": "Two"}
    made = ProtobufReader(fields, options).read(chunk_of([b"\x08\x01", value, None]))
    assert made.frame.rows() == [(1, "")] and made.tombstones.tolist() == [2]
    ((row, kind, text),) = made.bad
    assert (row, kind) == (1, "InvalidProtocolBufferException") and why in text
    ignored = ProtobufReader(fields, {**options, "protobuf.ignore-parse-errors": "true"}).read(
        chunk_of([value])
    )
    assert not ignored.bad and not ignored.frame.height


@settings(max_examples=150, deadline=None, phases=NO_SHRINKING)
@given(
    st.lists(
        st.binary(max_size=40) | st.binary(max_size=20).map(lambda b: b"\x92\x01" + bytes([len(b)]) + b),
        min_size=1,
        max_size=5,
    )
)
def test_any_bytes_are_a_row_or_a_dead_letter(values: list[bytes]) -> None:
    made = ProtobufReader(FIELDS, OPTIONS).read(chunk_of(list(values)))
    assert made.frame.height + len(made.bad) == len(values)


# --- refusals --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("column", "options", "said"),
    [
        (Column("a", "BIGINT"), {}, "declare it INT"), (Column("nope", "INT"), {}, "no field nope"), (Column("many", "INT"), {}, "repeated"),
        (Column("named", "STRING"), {}, "declare it MAP"), (Column("r", "STRING"), {}, "ROW"), (Column("l", "TIMESTAMP(3)"), {}, "declare it STRING"),
        (Column("a", "INT"), {"protobuf.message": "Nope"}, "no message Nope"), (Column("a", "INT"), {"protobuf.message-class-name": "x"}, "Java"),
        (Column("a", "INT"), {"protobuf.schema": "message {"}, "cannot be read"), (Column("a", "INT"), {"protobuf.schema": "message M { Other o = 1; }"}, "Other"),
        (Column("a", "INT"), {"protobuf.schema-file": "x"}, "schema"), (Column("a", "INT"), {"protobuf.schema": "message M { int32 a = 0; }"}, "number"),
        (Column("a", "INT"), {"protobuf.schema": "message M { int32 a"}, "too early"), (Column("a", "INT"), {"protobuf.schema": "message M € {}"}, "cannot be read at"),
        (Column("a", "INT"), {"protobuf.read-default-values": "true"}, "read-default-values"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_when_the_job_is_made(
    column: Column, options: dict[str, str], said: str
) -> None:
    with pytest.raises(PenstockError) as refused:
        ProtobufReader((column,), {**OPTIONS, **options})
    assert said in f"{refused.value} {refused.value.remedy}"


def test_a_schema_is_read_from_a_file_and_a_missing_one_is_told(tmp_path: Path) -> None:
    file = tmp_path / "two.proto"
    options = {"protobuf.schema-file": str(file), "protobuf.message": "test.all.Two"}
    with pytest.raises(PenstockError, match=r"two\.proto"):
        ProtobufReader((Column("a", "INT"),), options)
    file.write_text(PROTO)
    assert ProtobufReader((Column("a", "INT"),), options).read(chunk_of([b"\x08\x07"])).frame.rows() == [(7,)]


def test_names_are_looked_for_from_the_inside_out() -> None:
    schema = parse(
        'syntax = "proto3"; message A { message B { int32 x = 1; } B b = 1; .B c = 2; } message B { int32 y = 1; }'
    )
    assert schema.messages["A"]["b"].type == "A.B" and schema.messages["A"]["c"].type == "B"


def test_a_job_reads_and_writes_protobuf() -> None:
    options = {
        "format": "protobuf",
        "protobuf.message": "E",
        "protobuf.schema": 'syntax = "proto3"; message E { string k = 1; int64 i = 2; int64 n = 3; }',
    }
    table = events_table(**options)
    plan = printed(
        Project(Scan(replace(table, schema=(Column("k", "STRING"), Column("i", "BIGINT")), watermark=None)),
                ((Column("k", "STRING"), sql("k")), (Column("n", "BIGINT"), sql("i + 1"))))
    )  # fmt: skip
    job = Job(plan)
    outputs = job.on_records(
        0, 0, encode([Record(None, b"\x0a\x01a\x10\x05", 0), Record(None, b"\x0a\x09", 1)]), NOW
    )
    assert collect(job, outputs).row(0)[:2] == ("a", 6)
    assert outputs[-1].dead_letters[0][1].value == b"\x0a\x09"
