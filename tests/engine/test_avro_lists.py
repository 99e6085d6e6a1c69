"""Arrays and maps in Avro: read from whatever blocks they stand in, written as Flink writes them, and bounded where they are none."""

import io
import json
import os
import random
import struct

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.engine.formats.avro import AvroReader, AvroWriter
from penstock.engine.formats.json.reader import Decoded
from penstock.engine.types import Column, Schema, element, is_array, is_map, is_row, map_fields, row_fields
from penstock.errors import PenstockError
from tests.engine.streams import NO_SHRINKING
from tests.engine.test_avro import chunk, frame_of
from tests.engine.test_json import chunk_of

EXAMPLES = int(os.environ.get("PENSTOCK_EXAMPLES", "40"))
leaves = st.sampled_from(["BIGINT", "STRING", "BOOLEAN", "DOUBLE", "STRING NOT NULL", "INT NOT NULL"])
kinds_of_parts = st.recursive(
    leaves,
    lambda inner: st.one_of(
        inner.map(lambda kind: f"ARRAY<{kind}>"),
        inner.map(lambda kind: f"MAP<STRING, {kind}>"),
        st.lists(inner, min_size=1, max_size=3).map(
            lambda parts: "ROW<" + ", ".join(f"f{n} {kind}" for n, kind in enumerate(parts)) + ">"
        ),
    ),
    max_leaves=6,
)


def value_of(column: Column, dice: random.Random) -> object:
    """A value that fits; a map is a list of pairs."""
    kind = column.kind
    if column.nullable and dice.random() < 0.15:
        return None
    if is_array(kind):
        return [value_of(element(kind), dice) for _ in range(dice.choice([0, 1, 2, 2, 5, 30]))]
    if is_map(kind):
        keys = dice.sample(["", "a", "b", "ü", "a key of more than twelve"], dice.randrange(6))
        return [{"key": key, "value": value_of(map_fields(kind)[1], dice)} for key in keys]
    if is_row(kind):
        return {field.name: value_of(field, dice) for field in row_fields(kind)}
    return {
        "BIGINT": dice.choice([0, -1, 63, 64, 2**63 - 1, -(2**63)]), "INT": dice.choice([0, -65, 2**31 - 1]), "BOOLEAN": dice.random() < 0.5,
        "DOUBLE": dice.uniform(-9, 9), "STRING": dice.choice(["", "x", "a text that is longer than twelve", "ü"]),
    }[kind]  # fmt: skip


def number(value: int) -> bytes:
    """A zigzag varint, as Avro's specification has it."""
    folded, made = (value << 1) ^ (value >> 63), bytearray()
    while folded > 127:
        made.append(folded & 127 | 128)
        folded >>= 7
    return bytes([*made, folded])


def blocks(items: list[bytes], dice: random.Random) -> bytes:
    """Items in blocks, some of which say how many bytes they have."""
    made = b""
    while items:
        count = dice.randint(1, len(items))
        part, items = b"".join(items[:count]), items[count:]
        made += number(-count) + number(len(part)) + part if dice.random() < 0.5 else number(count) + part
    return made + b"\0"


def written(column: Column, value: object, dice: random.Random) -> bytes:
    """A value by the specification, without a line of the writer's."""
    kind = column.kind
    before = b"\2" if column.nullable else b""
    if value is None:
        return b"\0"
    if is_row(kind):
        assert isinstance(value, dict)
        return before + b"".join(written(field, value[field.name], dice) for field in row_fields(kind))
    if isinstance(value, list):
        inner = element(kind)
        parts = (Column("key", "STRING", False), map_fields(kind)[1]) if is_map(kind) else ()
        items = [b"".join(written(p, one[p.name], dice) for p in parts) if parts else written(inner, one, dice) for one in value]  # fmt: skip
        return before + blocks(items, dice)
    if isinstance(value, str):
        return before + number(len(value.encode())) + value.encode()
    if isinstance(value, float):
        return before + struct.pack("<d", value)
    return before + (bytes([value]) if isinstance(value, bool) else number(int(value)))  # type: ignore[call-overload]


def columns(kinds: list[str]) -> Schema:
    return tuple(
        Column(f"c{n}", kind.removesuffix(" NOT NULL"), not kind.endswith("NOT NULL"))
        for n, kind in enumerate(kinds)
    )


def read(values: list[bytes], fields: Schema, wanted: Schema | None = None) -> Decoded:
    return AvroReader(wanted or fields, fields).read(chunk_of(list(values)))


def same(made: pl.DataFrame, wanted: pl.DataFrame) -> None:
    assert made.schema == wanted.schema
    assert list(map(repr, made.rows())) == list(map(repr, wanted.rows()))


# --- the plain case --------------------------------------------------------------------------------------------


@settings(max_examples=EXAMPLES, deadline=None, phases=NO_SHRINKING)
@given(st.lists(kinds_of_parts, min_size=1, max_size=3), st.integers(0, 2**32))
def test_whatever_nests_is_read_from_any_blocks_and_written_and_read_back(
    kinds: list[str], seed: int
) -> None:
    dice = random.Random(seed)
    fields = (*columns(kinds), Column("a", "ARRAY<BIGINT>"), Column("last", "BIGINT"))
    rows = [{c.name: value_of(c, dice) for c in fields} for _ in range(dice.choice([1, 8, 30]))]
    frame = frame_of(rows, fields)
    values = [b"".join(written(c, row[c.name], dice) for c in fields) for row in rows]
    made = read(values, fields)
    assert not made.bad
    same(made.frame, frame)
    same(AvroReader(fields, fields).read(chunk(AvroWriter(fields).payload(frame))).frame, frame)
    same(read(values, fields, fields[-1:]).frame, frame.select("last"))
    same(read(values, fields, fields[1:]).frame, frame.drop("c0"))


def container(fields: str, values: list[bytes]) -> bytes:
    """An Avro file of records, which others can read."""
    schema = json.dumps({"type": "record", "name": "r", "fields": json.loads(fields)}).encode()
    head = b"Obj\1\2" + number(11) + b"avro.schema" + number(len(schema)) + schema + b"\0" + b"s" * 16
    body = b"".join(values)
    return head + number(len(values)) + number(len(body)) + body + b"s" * 16


@settings(max_examples=20, deadline=None, phases=NO_SHRINKING)
@given(st.integers(0, 2**32))
def test_polars_reads_the_arrays_that_are_written(seed: int) -> None:
    dice = random.Random(seed)
    fields = (
        Column("a", "ARRAY<BIGINT>"),
        Column("s", "ARRAY<ARRAY<STRING>>"),
        Column("d", "ARRAY<DOUBLE NOT NULL>"),
    )
    frame = frame_of([{c.name: value_of(c, dice) for c in fields} for _ in range(9)], fields)
    payload = AvroWriter(fields).payload(frame)
    values = [
        payload.data[at : at + size].tobytes() for at, size in zip(payload.at, payload.size, strict=True)
    ]

    def union(inner: str) -> str:
        return f'["null", {inner}]'

    def array(inner: str) -> str:
        return union(f'{{"type": "array", "items": {inner}}}')

    schema = {"a": array(union('"long"')), "s": array(array(union('"string"'))), "d": array('"double"')}
    told = "[" + ", ".join(f'{{"name": "{name}", "type": {kind}}}' for name, kind in schema.items()) + "]"
    assert pl.read_avro(io.BytesIO(container(told, values))).to_dicts() == frame.to_dicts()


def test_arrays_that_are_longer_than_there_is_room_for_are_read_again_with_more() -> None:
    fields = (Column("a", "ARRAY<ROW<n INT, s ARRAY<STRING>>>"), Column("k", "INT"))
    rows = [{"k": k, "a": [{"n": n, "s": [str(n)] * k} for n in range(k * 37)]} for k in range(10)]
    payload = AvroWriter(fields).payload(frame_of(rows, fields))  # type: ignore[arg-type]
    reader = AvroReader(fields, fields)
    assert reader.read(chunk(payload)).frame.select("k", "a").to_dicts() == rows
    assert reader._blocks.elements > 20


# --- the edges -------------------------------------------------------------------------------------------------


def test_bytes_are_those_that_flink_writes() -> None:
    fields = (
        Column("a", "ARRAY<INT>"),
        Column("m", "MAP<STRING, INT NOT NULL>"),
        Column("c", "MULTISET<STRING>"),
    )
    rows = [
        {"a": [1, None], "m": [{"key": "k", "value": 3}], "c": [{"key": "x", "value": 2}]},
        {"a": [], "m": [], "c": None},
    ]
    payload = AvroWriter(fields).payload(frame_of(rows, fields))  # type: ignore[arg-type]
    first, second = (
        payload.data[at : at + size].tobytes() for at, size in zip(payload.at, payload.size, strict=True)
    )
    # A MULTISET's counts may be NULL to Avro: AvroSchemaConverter takes a new IntType for them.
    assert first == b"\2\4\2\2\0\0" + b"\2\2\2k\6\0" + b"\2\2\2x\2\4\0"
    assert second == b"\2\0" + b"\2\0" + b"\0"


def test_a_key_that_comes_twice_counts_as_it_came_last() -> None:
    fields = (
        Column("m", "MAP<STRING, INT>"),
        Column("r", "ROW<a ARRAY<MAP<STRING, MAP<STRING, INT>>>, b INT>"),
    )
    pair = number(1) + b"a\2" + number(1)
    inner = b"\2" + number(2) + number(1) + b"k\2\2" + number(1) + b"k\0" + b"\0"
    value = b"\2" + number(3) + pair + number(1) + b"b\0" + number(1) + b"a\2" + number(7) + b"\0"
    deep = b"\2" + b"\2" + number(1) + b"\2" + number(1) + number(1) + b"x" + inner + b"\0" + b"\0" + b"\2\4"
    made = read([value + deep, b"\0\0", value + b"\0"], fields).frame.to_dicts()
    once = [{"key": "b", "value": None}, {"key": "a", "value": 7}]
    assert [row["m"] for row in made] == [once, None, once]
    assert [row["r"] for row in made] == [
        {"a": [[{"key": "x", "value": [{"key": "k", "value": None}]}]], "b": 2}, None, None,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "value", "said"),
    [
        ("MAP<STRING, INT>", [{"key": None, "value": 1}], r"m\.element\.key is NOT NULL"),
        ("ARRAY<INT NOT NULL>", [1, None], r"m\.element is NOT NULL"), ("ROW<a INT NOT NULL>", {"a": None}, r"m\.a is NOT NULL"),
    ],
)  # fmt: skip
def test_a_null_that_has_no_form_is_refused(kind: str, value: object, said: str) -> None:
    fields = (Column("m", kind),)
    with pytest.raises(PenstockError, match=said):
        AvroWriter(fields).payload(frame_of([{"m": None}, {"m": value}], fields))


# --- bad records -----------------------------------------------------------------------------------------------

LISTS = (Column("a", "ARRAY<ARRAY<STRING>>"), Column("n", "INT"))
GOOD = b"\2\2\2\4\2\2x\0\0\0\2\2"  # [["x", NULL]], 1


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (b"\2", "too early"), (b"\2\2", "too early"), (b"\2" + number(2**40), "too early"), (b"\2" + number(-(2**63)) + b"\0\0", "too early"),
        (b"\2" + number(-(2**40)) + b"\2\0", "too early"), (GOOD[:-3], "too early"), (b"\2\2\2\4\2\2\xff\0\0\0\2\2", "not UTF-8"),
        (b"\2\4\2\2\2\2x\0\4", "two branches"), (b"\2\1", "too early"), (b"\2\2\2\2\2\2y\0\2\2\2\2\2", "too early"),
    ],
)  # fmt: skip
def test_what_is_no_list_is_a_dead_letter_and_leaves_nothing_behind(value: bytes, why: str) -> None:
    made = read([GOOD, value, b"\0\0", value, GOOD], LISTS)
    assert made.frame.rows() == [([["x", None]], 1), (None, None), ([["x", None]], 1)]
    assert made.rows.tolist() == [0, 2, 4] and made.frame["a"].null_count() == 1
    assert [row for row, _, _ in made.bad] == [1, 3] and why in made.bad[0][2]


def test_a_count_that_cannot_be_takes_no_memory() -> None:
    reader = AvroReader(LISTS, LISTS)
    made = reader.read(chunk_of([b"\2" + number(2**62) + b"\2" * 50, b"\2" + number(-(2**62)) + b"\2" * 50]))
    assert len(made.bad) == 2 and reader._blocks.elements < 100


@settings(max_examples=150, deadline=None, phases=NO_SHRINKING)
@given(st.lists(st.binary(max_size=40) | st.binary(max_size=20).map(lambda b: b"\2\2\2" + b), min_size=1, max_size=5))  # fmt: skip
def test_any_bytes_are_a_row_or_a_dead_letter(values: list[bytes]) -> None:
    fields = (Column("a", "ARRAY<ARRAY<STRING>>"), Column("m", "MAP<STRING, ROW<a ARRAY<INT>, z BOOLEAN>>"))
    made = read(values, fields)
    assert made.frame.height + len(made.bad) == len(values)
    assert len(made.frame.rows()) == made.frame.height
