"""`repeated` fields and maps in Protobuf: what Google's own library writes is read, and the other way round."""

import importlib
import sys
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.engine.formats.json.reader import Decoded
from penstock.engine.formats.protobuf.values import ProtobufReader, ProtobufWriter
from penstock.engine.types import Column, Schema
from penstock.errors import PenstockError
from tests.engine.streams import NO_SHRINKING
from tests.engine.test_avro import chunk, frame_of
from tests.engine.test_json import chunk_of
from tests.engine.test_protobuf import INT, LONG

PROTO = """
syntax = "proto3";
package test.lists;
message Lists {
  repeated int32 ints = 1; repeated sint64 longs = 2 [packed = false]; repeated fixed32 fixed = 3; repeated double doubles = 4;
  repeated bool bools = 5; repeated string texts = 6; repeated bytes blobs = 7;
  message Part { string s = 1; repeated Part parts = 2; repeated int32 n = 3; optional int32 maybe = 4; }
  repeated Part parts = 8; Part part = 9;
  map<string, int64> counts = 10; map<int32, Part> by_number = 11; map<bool, double> by_truth = 12; map<string, bytes> blob_of = 13;
  int32 last = 14; repeated Color colors = 15; enum Color { RED = 0; BLUE = 5; }
}
"""
OPTIONS = {"protobuf.schema": PROTO, "protobuf.message": "test.lists.Lists"}
PART = "ROW<s STRING, parts ARRAY<ROW<n ARRAY<INT>, s STRING>>, n ARRAY<INT>, maybe INT>"
FIELDS = (
    Column("ints", "ARRAY<INT>"), Column("longs", "ARRAY<BIGINT>"), Column("fixed", "ARRAY<INT>"), Column("doubles", "ARRAY<DOUBLE>"),
    Column("bools", "ARRAY<BOOLEAN>"), Column("texts", "ARRAY<STRING>"), Column("blobs", "ARRAY<BYTES>"), Column("parts", f"ARRAY<{PART}>"),
    Column("part", PART), Column("counts", "MAP<STRING, BIGINT>"), Column("by_number", f"MAP<INT, {PART}>"),
    Column("by_truth", "MAP<BOOLEAN, DOUBLE>"), Column("blob_of", "MAP<STRING, BYTES>"), Column("last", "INT"), Column("colors", "ARRAY<INT>"),
)  # fmt: skip


def many(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """An array as it is read: one without elements is NULL."""
    return st.none() | st.lists(inner, min_size=1, max_size=4)


def pairs(keys: st.SearchStrategy[Any], values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | st.dictionaries(keys, values, min_size=1, max_size=3).map(
        lambda made: [{"key": key, "value": value} for key, value in made.items()]
    )


TEXT, DOUBLE = st.text(max_size=16), st.floats(allow_nan=False)
PARTS = st.fixed_dictionaries({
    "s": TEXT, "parts": many(st.fixed_dictionaries({"n": many(INT), "s": TEXT})), "n": many(INT), "maybe": st.none() | INT,
})  # fmt: skip
ROWS = st.lists(
    st.fixed_dictionaries({
        "ints": many(INT), "longs": many(LONG), "fixed": many(INT), "doubles": many(DOUBLE), "bools": many(st.booleans()), "texts": many(TEXT),
        "blobs": many(st.binary(max_size=16)), "parts": many(PARTS), "part": st.none() | PARTS, "counts": pairs(TEXT, LONG),
        "by_number": pairs(INT, PARTS), "by_truth": pairs(st.booleans(), DOUBLE), "blob_of": pairs(TEXT, st.binary(max_size=16)), "last": INT,
        "colors": many(st.sampled_from([0, 5, 7])),
    }),
    min_size=1, max_size=5,
)  # fmt: skip


def read(values: list[bytes], fields: Schema = FIELDS, options: dict[str, str] | None = None) -> Decoded:
    return ProtobufReader(fields, options or OPTIONS).read(chunk_of(list(values)))


def values_of(rows: list[dict[str, Any]], fields: Schema = FIELDS, options: dict[str, str] | None = None) -> list[bytes]:  # fmt: skip
    payload = ProtobufWriter(fields, options or OPTIONS).payload(frame_of(rows, fields))
    return [payload.data[at : at + size].tobytes() for at, size in zip(payload.at, payload.size, strict=True)]


def shown(made: Decoded) -> list[str]:
    """Rows as texts, each map's pairs in one order: what a library writes is in its own."""
    assert not made.bad
    return [repr(ordered(row)) for row in made.frame.to_dicts()]


def ordered(value: Any) -> Any:
    if isinstance(value, list):
        parts = [ordered(part) for part in value]
        return (
            sorted(parts, key=repr) if parts and isinstance(parts[0], dict) and "key" in parts[0] else parts
        )
    return {name: ordered(part) for name, part in value.items()} if isinstance(value, dict) else value


# --- the plain case --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def google(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Google's own classes for the message."""
    protoc = pytest.importorskip("grpc_tools.protoc")
    folder = tmp_path_factory.mktemp("proto")
    (folder / "penstock_lists.proto").write_text(PROTO)
    assert (
        protoc.main(["", f"-I{folder}", f"--python_out={folder}", str(folder / "penstock_lists.proto")]) == 0
    )
    sys.path.insert(0, str(folder))
    yield importlib.import_module("penstock_lists_pb2")
    sys.path.remove(str(folder))


def fill(message: Any, row: dict[str, Any]) -> Any:
    """Put a row's values into a message of Google's."""
    for name, value in row.items():
        if value is None:
            continue
        if name == "part":
            message.part.SetInParent()
            fill(message.part, value)
        elif name == "parts":
            for part in value:
                fill(message.parts.add(), part)
        elif name == "by_number":
            for pair in value:
                message.by_number[pair["key"]].SetInParent()
                fill(message.by_number[pair["key"]], pair["value"])
        elif name == "fixed":
            message.fixed.extend(number % (1 << 32) for number in value)
        elif isinstance(value, list) and isinstance(value[0], dict):
            for pair in value:
                getattr(message, name)[pair["key"]] = pair["value"]
        elif isinstance(value, list):
            getattr(message, name).extend(value)
        else:
            setattr(message, name, value)
    return message


@settings(max_examples=30, deadline=None, phases=NO_SHRINKING)
@given(rows=ROWS)
def test_bytes_mean_the_same_to_googles_library_both_ways(google: Any, rows: list[dict[str, Any]]) -> None:
    theirs = [fill(google.Lists(), row) for row in rows]
    wanted = [repr(ordered(row)) for row in frame_of(rows, FIELDS).to_dicts()]
    assert shown(read([message.SerializeToString() for message in theirs])) == wanted
    ours = values_of(rows)
    for message, value in zip(theirs, ours, strict=True):
        found = google.Lists.FromString(value)
        assert found == message or repr(found) == repr(message)
    assert shown(read(ours)) == wanted
    assert read(ours, (FIELDS[13], FIELDS[0])).frame.rows() == [(row["last"], row["ints"]) for row in rows]


def test_arrays_that_are_longer_than_there_is_room_for_are_read_again_with_more() -> None:
    rows = [{"ints": [*range(k * 37)] or None, "texts": [str(k)] * k or None} for k in range(10)]
    fields = (FIELDS[0], FIELDS[5])
    reader = ProtobufReader(fields, OPTIONS)
    made = reader.read(chunk(ProtobufWriter(fields, OPTIONS).payload(frame_of(rows, fields))))
    assert made.frame.to_dicts() == rows and reader._blocks.elements > 20


# --- the edges -------------------------------------------------------------------------------------------------


def test_numbers_are_read_packed_and_not_and_between_others() -> None:
    fields = (FIELDS[0], FIELDS[1], FIELDS[2], FIELDS[13])
    packed = b"\x0a\x02\x01\x02" + b"\x12\x02\x01\x02" + b"\x1a\x08" + b"\1\0\0\0\2\0\0\0"
    single = b"\x08\x01\x10\x01\x1d\1\0\0\0\x70\x09\x10\x02\x1d\2\0\0\0\x08\x02"
    mixed = (
        b"\x08\x01"
        + b"\x12\x01\x01"
        + b"\x0a\x00"
        + b"\x1a\x04\1\0\0\0"
        + b"\x0a\x01\x02"
        + b"\x10\x02"
        + b"\x1d\2\0\0\0"
    )
    wanted = ([1, 2], [-1, 1], [1, 2])
    made = read([packed, single, mixed, b"\x0a\x00", b"\x09" + b"x" * 8], fields).frame.rows()
    assert made == [(*wanted, 0), (*wanted, 9), (*wanted, 0), *[(None, None, None, 0)] * 2]


def test_numbers_are_written_packed_as_the_schema_says() -> None:
    rows = [{"ints": [1, 300], "longs": [-1, 1], "texts": ["a", ""]}]
    fields = (FIELDS[0], FIELDS[1], FIELDS[5])
    assert values_of(rows, fields) == [b"\x0a\x03\x01\xac\x02" + b"\x10\x01\x10\x02" + b"\x32\x01a\x32\x00"]
    options = {
        "protobuf.schema": "message M { repeated int32 a = 1; repeated int32 b = 2 [deprecated = true, packed = true]; }",
        "protobuf.message": "M",
    }
    two = (Column("a", "ARRAY<INT>"), Column("b", "ARRAY<INT>"))
    for syntax, made in (
        ("proto2", b"\x08\x01\x08\x02\x12\x02\x03\x04"),
        ("proto3", b"\x0a\x02\x01\x02\x12\x02\x03\x04"),
    ):
        told = {**options, "protobuf.schema": f'syntax = "{syntax}"; ' + options["protobuf.schema"]}
        assert values_of([{"a": [1, 2], "b": [3, 4]}], two, told) == [made]


def test_a_message_in_pieces_is_one_and_its_arrays_are_joined() -> None:
    fields = (Column("part", "ROW<n ARRAY<INT>, s STRING>"), FIELDS[0])
    value = b"\x4a\x04\x1a\x02\x01\x02" + b"\x08\x05" + b"\x4a\x05\x0a\x01x\x18\x03"
    assert read([value, b"", value], fields).frame.rows() == [
        ({"n": [1, 2, 3], "s": "x"}, [5]), (None, None), ({"n": [1, 2, 3], "s": "x"}, [5]),
    ]  # fmt: skip


def test_what_a_pair_lacks_is_its_default_and_a_key_that_comes_twice_counts_as_it_came_last() -> None:
    fields = (FIELDS[9], Column("by_number", "MAP<INT, ROW<s STRING, n ARRAY<INT>, maybe INT>>"))
    made = read([b"\x52\x03\x0a\x01a" + b"\x52\x02\x10\x07" + b"\x5a\x02\x08\x05" + b"\x5a\x00", b""], fields)
    nothing = {"s": "", "n": None, "maybe": None}
    assert made.frame.rows() == [
        ([{"key": "a", "value": 0}, {"key": "", "value": 7}], [{"key": 5, "value": nothing}, {"key": 0, "value": nothing}]),
        (None, None),
    ]  # fmt: skip
    twice = b"\x52\x05\x0a\x01a\x10\x01" + b"\x52\x05\x0a\x01b\x10\x02" + b"\x52\x05\x0a\x01a\x10\x03"
    made = read([twice], fields[:1])
    assert made.frame.rows() == [([{"key": "b", "value": 2}, {"key": "a", "value": 3}],)]


def test_proto2_maps_have_defaults_too() -> None:
    options = {
        "protobuf.schema": 'syntax = "proto2"; message M { map<int32, string> m = 1; }',
        "protobuf.message": "M",
    }
    assert read([b"\x0a\x00"], (Column("m", "MAP<INT, STRING>"),), options).frame.rows() == [([{"key": 0, "value": ""}],)]  # fmt: skip


def test_nulls_within_are_written_as_defaults_and_texts_as_the_option_says() -> None:
    fields = (
        FIELDS[0],
        FIELDS[5],
        FIELDS[6],
        Column("parts", "ARRAY<ROW<s STRING, maybe INT>>"),
        FIELDS[9],
        FIELDS[10],
    )
    row = {
        "ints": [None, 3, 0], "texts": [None, "x"], "blobs": [None], "parts": [None, {"s": None, "maybe": None}],
        "counts": [{"key": None, "value": None}], "by_number": [{"key": None, "value": None}],
    }  # fmt: skip
    back = {
        "ints": [0, 3, 0], "texts": ["", "x"], "blobs": [b""], "parts": [{"s": "", "maybe": None}] * 2, "counts": [{"key": "", "value": 0}],
        "by_number": [{"key": 0, "value": {"s": "", "parts": None, "n": None, "maybe": None}}],
    }  # fmt: skip
    assert read(values_of([row], fields), fields).frame.to_dicts() == [back]
    told = {**OPTIONS, "protobuf.write-null-string-literal": "none of them"}
    made = read(values_of([row, {**row, "parts": None}], fields, told), fields).frame.to_dicts()
    back |= {"texts": ["none of them", "x"], "counts": [{"key": "none of them", "value": 0}]}
    assert made == [back, {**back, "parts": None}]
    nothing = dict.fromkeys(row)
    assert values_of([nothing, {**nothing, "ints": [], "counts": []}], fields) == [b"", b""]


# --- bad records and refusals ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (b"\x0a\x03\x01\x02", "too early"), (b"\x0a\x02\x01\x80", "too early"), (b"\x1a\x05\1\0\0\0\2", "too early"), (b"\x32\x01x\x32\x01\xff", "not UTF-8"),
        (b"\x42\x04\x0a\x01x\x08", "too early"), (b"\x42\x05\x1a\x03\x01\x02\xff\x08", "too early"), (b"\x52\x05\x0a\x01a\x10\xff", "too early"),
        (b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\x7f\x01", "too early"),
    ],
)  # fmt: skip
def test_what_is_no_message_is_a_dead_letter_and_leaves_nothing_behind(value: bytes, why: str) -> None:
    good = dict.fromkeys(c.name for c in FIELDS) | {
        "ints": [1], "texts": ["a", "b"], "last": 4, "counts": [{"key": "k", "value": 2}],
        "parts": [{"s": "x", "parts": None, "n": [4], "maybe": None}],
    }  # fmt: skip
    (known,) = values_of([good])
    made = read([known, known + value, b"", value, known])
    assert (
        made.rows.tolist() == [0, 2, 4]
        and [row for row, _, _ in made.bad] == [1, 3]
        and why in made.bad[0][2]
    )
    empty = dict.fromkeys(good) | {"last": 0}
    assert made.frame.to_dicts() == [good, empty, good]
    assert made.frame["ints"].null_count() == 1


@settings(max_examples=150, deadline=None, phases=NO_SHRINKING)
@given(
    st.lists(
        st.binary(max_size=40)
        | st.tuples(st.sampled_from([b"\x42", b"\x0a", b"\x5a", b"\x52"]), st.binary(max_size=20)).map(
            lambda t: t[0] + bytes([len(t[1])]) + t[1]
        ),
        min_size=1,
        max_size=5,
    )
)
def test_any_bytes_are_a_row_or_a_dead_letter(values: list[bytes]) -> None:
    made = read(list(values))
    assert made.frame.height + len(made.bad) == len(values)
    assert len(made.frame.rows()) == made.frame.height


@pytest.mark.parametrize(
    ("column", "said"),
    [
        (Column("ints", "INT"), "declare it ARRAY<INT>"), (Column("ints", "ARRAY<BIGINT>"), "declare it INT"),
        (Column("ints", "MAP<INT, INT>"), "declare it ARRAY<INT>"), (Column("counts", "ARRAY<ROW<key STRING, value BIGINT>>"), "declare it MAP"),
        (Column("counts", "MAP<STRING, INT>"), "declare it BIGINT"), (Column("counts", "MULTISET<STRING>"), "declare it MAP"),
        (Column("last", "ARRAY<INT>"), "declare it INT"), (Column("parts", PART), "declare it ARRAY<ROW"),
        (Column("parts", "ARRAY<ROW<nope INT>>"), "no field nope"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_when_the_job_is_made(column: Column, said: str) -> None:
    for make in (ProtobufReader, ProtobufWriter):
        with pytest.raises(PenstockError) as refused:
            make((column,), OPTIONS)
        assert said in f"{refused.value} {refused.value.remedy}"
