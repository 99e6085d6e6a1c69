"""Every kernel: compiled, compiled with bounds checked, and as plain Python, all the same; and what each is for."""

import os
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.engine import kernels
from penstock.engine.formats.avro import steps_of
from penstock.engine.formats.batches import Payload, encode, encode_partitioned
from penstock.engine.formats.cells import Cells
from penstock.engine.formats.chunks import Chunk, Damaged, read_chunks
from penstock.engine.formats.json.style import JsonStyle
from penstock.engine.formats.json.writer import _Cells, _Steps
from penstock.engine.formats.layout import Layout
from penstock.engine.formats.protobuf.values import ProtobufReader, ProtobufWriter
from penstock.engine.kernels import compiled, frames, moments, records, scatter
from penstock.engine.kernels.decode import lines
from penstock.engine.types import Column, polars_type
from penstock.record import HEADER_SIZE, Record, decode, scan
from penstock.record import encode as encode_slowly
from tests.engine.streams import NO_SHRINKING
from tests.engine.test_avro import frame_of

RANDOM = np.random.default_rng(3)


def ints(high: int, size: int = 60, low: int = 0) -> np.ndarray:
    return RANDOM.integers(low, high, size)


def text(*parts: str) -> tuple[np.ndarray, np.ndarray]:
    whole = [part.encode() for part in parts]
    return np.frombuffer(b"".join(whole), np.uint8).copy(), np.cumsum([0, *map(len, whole)])


def section() -> tuple[np.ndarray, int]:
    rows = [Record(b"k" * (n % 3), b"v" * (n * 50), 1000 + n * n) for n in range(9)] + [Record(None, None, 5)]
    batch = encode_slowly(rows)
    return np.frombuffer(batch, np.uint8)[HEADER_SIZE:].copy(), len(batch) - HEADER_SIZE


VALID, SIGNS = RANDOM.random(60) < 0.8, np.where(RANDOM.random(60) < 0.7, 1, -1)
MOMENTS = text(
    "2026-11-22 11:00:00.123",
    "2024-02-29 23:59",
    "1969-12-31 00:00:00.1",
    "x",
    "2026-13-01 00:00:00",
    "0001-01-01 00:00:00",
    "",
)
JSON = text('{"a":"}"}', " {} ", "{", '{"a":"\\"}', "[]", '{"a":"\\\\"}')


def walk_of(*values: str) -> list[Any]:
    """A walk's arguments: two columns, as the reader lays them out."""
    layout = Layout.of((Column("a", "BIGINT"), Column("b", "STRING")), (), False)
    assert layout is not None
    data, offsets = text(*values)
    block, count = frames.Block(layout.columns, 8), len(values)
    block.bytes[:] = 0
    return [
        data, offsets[:-1].copy(), np.diff(offsets), False, layout.placed(block), layout.words, layout.names, layout.buckets,
        np.full((1, 64), -1), np.zeros(2, np.int64), np.zeros((4, 64), np.int64), layout.tests, layout.asked, layout.clocks,
        layout.literals, block.bytes,
        block.words(np.int16), block.words(np.int32), block.words(np.int64), np.zeros(60, np.uint8), np.zeros(count, np.int64),
        np.zeros(count, np.int64), np.zeros(2, np.int64), np.zeros((3, 2), np.int64), np.zeros(7, np.int64), np.zeros(count, np.int64),
    ]  # fmt: skip


AVRO = (Column("n", "INT"), Column("s", "STRING"), Column("a", "ARRAY<INT>"), Column("m", "DECIMAL(30, 2)", False))  # fmt: skip


def avro_in() -> list[Any]:
    layout = Layout.of(AVRO, (), False, binary=True)
    assert layout is not None
    values = [
        b"\x02\x05\x02\x06abc\x00\x04\xff\x00", b"\x00\x00\x02\x04\x00\x02\x06\x01\x02\x00\x00\x02\x01", b"\x02", b"\x00\x02\x02\xff\x02\x01",
        b"\x00\x00\x02\x02\x02\x08\x00",
    ]  # fmt: skip
    data, sizes = np.frombuffer(b"".join(values), np.uint8).copy(), np.array([len(v) for v in values])
    block = frames.Block(layout.columns, 8, 8)
    block.bytes[:] = 0
    return [
        data, np.cumsum(sizes) - sizes, sizes, steps_of(AVRO, AVRO)[0], layout.placed(block), np.zeros(5, np.int64),
        np.zeros((6, 2), np.int64), layout.tests, layout.asked, layout.clocks, layout.literals, block.bytes, block.words(np.int16),
        block.words(np.int32), block.words(np.int64), np.zeros(5, np.int64), np.zeros(5, np.int64), np.zeros(5, np.int64),
        np.zeros(5, np.int64), np.zeros((3, 5), np.int64), np.zeros(4, np.int64), np.zeros(0, np.int64),
    ]  # fmt: skip


def avro_out() -> list[Any]:
    rows = [
        {"n": 5, "s": "", "a": [None, 9], "m": Decimal("-1.29")}, {"n": -7, "s": "abc", "a": [], "m": Decimal("125e24")},
        {"m": Decimal("1.27")},
    ]  # fmt: skip
    cells = Cells.of(frame_of(rows, AVRO), AVRO)
    return [
        steps_of(AVRO, AVRO)[0], cells.starts, cells.valid, cells.first, cells.second, cells.texts, np.zeros((6, 2), np.int64),
        np.zeros(200, np.uint8), np.zeros(4, np.int64),
    ]  # fmt: skip


JSON_OUT = tuple(
    Column(name, kind)
    for name, kind in zip(
        "abcdefgh",
        ("INT", "STRING", "DECIMAL(30, 2)", "TIMESTAMP_LTZ(3)", "DATE", "TIME", "BOOLEAN", "ROW<x DOUBLE>"),
        strict=True,
    )
)


def json_out(sparse: bool = False) -> list[Any]:
    steps, cells = _Steps(JsonStyle()), _Cells(3, JsonStyle())
    steps.rows(JSON_OUT)
    columns: list[list[Any]] = [
        [-7, 0, None], ['a"\n\x01é', "x" * 70, None], [Decimal("-1234567890123456789012.25"), Decimal("0.05"), None],
        [datetime(2026, 1, 2, 3, 4, 5, 600), datetime(1, 1, 1), None], [date(2026, 12, 31), date(1, 1, 1), None],
        [time(1, 2, 3, 400), time(0), None], [True, False, None], [{"x": 0.1}, {"x": -2.0}, None],
    ]  # fmt: skip
    for column, held in zip(JSON_OUT, columns, strict=True):
        cells.put(column.kind, pl.Series(held, dtype=polars_type(column.kind)))
    literals = np.frombuffer(bytes(steps.literals) + bytes(32), np.uint8).copy()
    out = np.zeros(2000, np.uint8)
    return [np.array(steps.table, np.int64), literals, *cells.arrays(), sparse, out, np.zeros(4, np.int64)]


PROTO = {
    "protobuf.schema": 'syntax = "proto3"; message M { int32 n = 1; string s = 2; M m = 3; double d = 4; sint64 z = 5; '
    "repeated int32 a = 6; map<int32, M> e = 7; }",
    "protobuf.message": "M",
}
MESSAGE = (
    Column("n", "INT"), Column("m", "ROW<s STRING, d DOUBLE>"), Column("z", "BIGINT"), Column("a", "ARRAY<INT>"),
    Column("e", "MAP<INT, ROW<n INT>>"),
)  # fmt: skip


def protobuf_in() -> list[Any]:
    made = ProtobufReader(MESSAGE, PROTO)
    values = [
        b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x1a\x04\x12\x02ab\x28\x03",
        b"\x4a\x01x",
        b"\x08",
        b"\x1a\x09\x21" + b"\x01" * 8,
        b"\x30\x07\x32\x02\x08\x09\x3a\x02\x08\x02\x3a\x04\x12\x02\x08\x05",
        b"\x32\x02\x08\xff",
    ]
    data, sizes = np.frombuffer(b"".join(values), np.uint8).copy(), np.array([len(v) for v in values])
    block = frames.Block(made.layout.columns, 8, 8)
    block.bytes[:] = 0
    return [
        data, np.cumsum(sizes) - sizes, sizes, made._steps, made._groups, made._implicit, made.layout.placed(block), np.zeros(12, np.int64),
        np.zeros((5, 64), np.int64), made.layout.tests, made.layout.literals, block.bytes, block.words(np.int16), block.words(np.int32),
        block.words(np.int64), np.zeros(6, np.int64), np.zeros(6, np.int64), np.zeros(6, np.int64), np.zeros(12, np.int64),
        np.zeros((3, 12), np.int64), np.zeros(4, np.int64),
    ]  # fmt: skip


def protobuf_out() -> list[Any]:
    pairs = [{"key": 6, "value": {"n": 3}}, {"key": -1, "value": {"n": 0}}]
    rows = [
        {"n": 5, "m": {"s": "abc", "d": 0.5}, "z": -5, "a": [9, -9], "e": pairs}, {"n": -7, "m": None, "z": 0, "a": [], "e": []},
        {"n": 0, "m": {"s": "", "d": None}, "z": 1 << 62, "a": [4], "e": None},
    ]  # fmt: skip
    cells = Cells.of(frame_of(rows, MESSAGE), MESSAGE)
    return [
        ProtobufWriter(MESSAGE, PROTO)._steps, cells.starts, cells.valid, cells.first, cells.second, cells.texts,
        np.zeros((5, 13), np.int64), np.zeros(400, np.uint8), np.zeros(4, np.int64),
    ]  # fmt: skip


# Each kernel's arguments, made anew for every run, in the signature's order.
CASES: dict[str, Callable[[], list[Any]]] = {
    "link": lambda: [np.arange(60) % 5, 4, np.full(5, -1), np.full(5, -1), np.zeros(64, np.int64)],
    "count_listed": lambda: [np.array([0, -1, 1, 0]), np.array([2, -1]), np.array([-1, 0, 1]), np.array([1, 0, 2])],
    "listed": lambda: [
        np.array([0, -1, 1, 0]), np.array([2, -1]), np.array([-1, 0, 1]), np.array([1, 0, 2]),
        np.zeros(4, np.int64), np.zeros(4, np.int64),
    ],
    "frames": lambda: [
        np.arange(60) // 20, np.arange(60) // 3 * 5, -1, 10, False, np.zeros(60, np.int64), np.zeros(60, np.int64),
    ],
    "beats": lambda: [
        SLOTS, np.stack([NUMBERS % 5, NUMBERS % 3], axis=1), np.array([1, -1]), True, np.full((9, 2), 1), np.arange(9) % 2,
        np.zeros(60, np.bool_),
    ],
    "first_rows": lambda: [
        SLOTS, np.stack([NUMBERS % 5, NUMBERS % 3], axis=1), np.array([1, -1]), False, np.zeros((9, 2), np.int64),
        np.zeros(9, np.int64), np.full(9, -1),
    ],
    "touching": lambda: [np.arange(60) // 20, np.arange(60) * 3, np.arange(60) * 3 + NUMBERS % 5, np.zeros(60, np.int64)],
    "tally": lambda: [np.arange(60) % 5, SIGNS, np.full(5, 1), np.zeros(60, np.int8)],
    "number_pairs": lambda: [
        np.arange(60) % 7, np.arange(60) % 3, 0, np.zeros(64, np.int64), np.zeros(64, np.int64), np.full(32, 2**32 - 1, np.uint32), 0,
        np.zeros(60, np.int64), np.zeros(60, np.int64),
    ],
    "rehash": lambda: [np.arange(8) * 1000, np.arange(8), 7, np.full(16, 2**32 - 1, np.uint32)],
    "number_places": lambda: [
        np.arange(60) * 3 % 7, 5 + np.arange(60) % 2, 5, 7, np.zeros(14, np.uint32), 0, np.zeros(60, np.int64), np.zeros(60, np.int64),
    ],
    "remaining": lambda: [NUMBERS, 5],
    "count_slices": lambda: [SLOTS, 3, np.zeros(4, np.int64)],
    "place_slices": lambda: [SLOTS, 3, np.arange(4) * 15, np.full(80, -1)],
    "share": lambda: [
        np.arange(59, -1, -1), 2, 1, np.arange(60) % 7, SLOTS, 2, 9, 3, False, np.zeros(50, np.int64), np.zeros(50, np.int64),
        np.zeros(50, np.int64),
    ],
    "join": lambda: [JSON[0], JSON[1][:-1].copy(), np.diff(JSON[1]), True, np.zeros(60, np.uint8), np.zeros(6, np.uint8)],
    "read_json": lambda: walk_of('{"a":1,"b":"x"}', '{"b":"more than twelve\\n","a":null}', "{", '{"z":[1e5,{}],"a":-7}'),
    "read_avro": avro_in,
    "write_avro": avro_out,
    "write_json": json_out,
    "join_lists": lambda: [
        text('1"a"null' + " " * 32)[0], np.array([0, 1, 4, 4, 8]), np.array([0, 3, 3, 4, 4]), np.array([True, True, False, True]), 91, 93,
        np.zeros(90, np.uint8), np.zeros(5, np.int64),
    ],
    "shorten": lambda: [np.array([1.5, -0.25, 3.0, 0.1, 1e300, 2.0]), np.ones(6, np.bool_), np.zeros(6, np.int64), np.zeros(6, np.int64)],
    "read_protobuf": protobuf_in,
    "write_protobuf": protobuf_out,
    "split": lambda: [text("a\nbb\n\nc\n")[0], np.zeros(5, np.int64)],
    "parse": lambda: [*MOMENTS, np.ones(7, np.bool_), 32, False, np.zeros(7, np.int64), np.zeros(7, np.bool_)],
    "show": lambda: [
        np.array([0, -1, 10**15 + 120000, -(10**15)]), np.array([True, True, True, False]), 32, True, -1, np.zeros(120, np.uint8),
        np.zeros(5, np.int64),
    ],
    "locate": lambda: [*(section()[0],), 0, section()[1], 10, 40, 1000, False, np.zeros((7, 12), np.int64), 1],
    "write": lambda: [
        text("aabbb")[0], np.array([0, 2, 0]), np.array([2, 3, -1]), text("x" * 300)[0], np.array([0, 5, 0]), np.array([200, -1, 0]),
        np.array([0, 5, -70]), 0, 3, np.zeros(400, np.uint8),
    ],
    "partition_keys": lambda: [text("abcdefgh")[0], np.arange(5), np.arange(5) - 1, 7, np.zeros(5, np.int64)],
    "count": lambda: [SLOTS, VALID, SIGNS, np.zeros(9, np.int64)],
    "add_cells": lambda: [SLOTS, SLOTS[::-1].copy(), NUMBERS, np.zeros(9, np.int64)],
    "sum_int": lambda: [SLOTS, VALID, SIGNS, NUMBERS, np.zeros(9, np.int64)],
    "sum_float": lambda: [SLOTS, VALID, SIGNS, FLOATS, np.zeros(9)],
    "extreme_int": lambda: [SLOTS, VALID, NUMBERS, -1, np.zeros(9, np.int64)],
    "extreme_float": lambda: [SLOTS, VALID, np.where(NUMBERS % 9 == 0, np.nan, FLOATS), 1, np.zeros(9)],
    "spread": lambda: [SLOTS, VALID, np.ones(60, np.int64), FLOATS, np.zeros(9), np.zeros(9), np.zeros(9)],
    "merge_spread": lambda: [
        np.array([0, 0, 1]), np.array([0, 1, 2]), np.array([3.0, 2.0, 0.0]), np.array([1.0, 4.0, 0.0]), np.array([2.0, 1.0, 0.0]),
        np.zeros(2), np.zeros(2), np.zeros(2),
    ],
    "watermarks": lambda: [NUMBERS, VALID, -5, np.zeros(60, np.int64)],
    "versions": lambda: [SLOTS, VALID, np.full(9, -1), np.full(60, 100)],
    "sum_wide": lambda: [SLOTS, VALID, SIGNS, NUMBERS, NUMBERS.astype(np.uint64) * np.uint64(2**60), np.zeros(9, np.int64), np.zeros(9, np.uint64)],
    "number_texts": lambda: [
        *text("ab", "abcdefghi", "", "ab", "x", "abcdefghi"), np.array([True, True, True, True, False, True]), 0, np.full(16, -1), 0,
        np.zeros(40, np.uint8), np.zeros(8, np.int64), np.zeros(6, np.int64),
    ],
    "rehash_texts": lambda: [*text("ab", "abcdefghi", "", "x"), 4, np.full(16, -1)],
    "measure": lambda: [text("ab", "abcdefghi", "")[1], np.array([2, 1, -1, 0, 1]), np.zeros(6, np.int64)],
    "gather": lambda: [
        *text("ab", "abcdefghi", ""), np.array([1, -1, 2, 0]), np.array([0, 9, 9, 9, 11]), np.zeros(12, np.uint8),
    ],
    "part": lambda: [
        *text("a/b/c", "", "/", "a//", "b"), np.array([True, False, True, True, True]), np.frombuffer(b"/", np.uint8), 1,
        np.zeros(9, np.uint8), np.zeros(6, np.int64),
    ],
    "extreme_text": lambda: [
        np.array([0, 0, 1, 1, 0]), np.array([True, True, True, True, False]), np.array([0, 2, 1, 3, 1]), *text("ab", "é", "abc", ""), 1,
        np.zeros(2, np.int64), np.zeros(2, np.int64),
    ],
    "number_rows": lambda: [
        np.stack([np.arange(60) % 7, np.arange(60) % 3], axis=1), 0, np.full(32, 2**32 - 1, np.uint32), 0, np.zeros((60, 2), np.int64), np.zeros(60, np.int64),
        np.zeros(60, np.int64),
    ],
    "rehash_rows": lambda: [np.stack([np.arange(8) * 1000, np.arange(8)], axis=1), 8, np.full(32, 2**32 - 1, np.uint32)],
    "count_bits": lambda: [SLOTS, np.arange(60) % 20, np.arange(60) % 8, np.zeros(20, np.int64), np.zeros((9, 3), np.int64)],
    "touched": lambda: [SLOTS, np.zeros(9, np.bool_), np.zeros(60, np.int64)],
    "place_best": lambda: [
        SLOTS, np.stack([NUMBERS % 5, NUMBERS % 3], axis=1), np.array([1, -1]), False, 100, np.arange(9) % 4,
        np.tile(np.arange(3), (9, 1)), np.full((9, 3, 2), 1), np.full(9, -1), np.zeros(60, np.int64), np.zeros((60, 3), np.int64),
    ],
    "settle": lambda: [np.array([0, 1, 0, 0, 2]), np.array([-1, 1, 1, -1, -1]), np.array([0, 1, 3])],
    "settle_best": lambda: [
        np.array([2, 0]), np.array([2, 0, 3]), np.array([[5, 103, 0], [0, 0, 0], [101, 7, 100]]), 100, np.full(4, -1),
    ],
    "compare_best": lambda: [
        np.array([2, 0]), np.array([[7, 8, 9], [5, -1, -1]]), np.array([2, 0, 3]), np.array([[5, 101, 0], [0, 0, 0], [100, 7, 8]]), 100,
        False, True, np.zeros(12, np.int64), np.zeros(12, np.int64), np.zeros(12, np.int8),
    ],
    "extreme_wide": lambda: [
        SLOTS, VALID, NUMBERS % 3, NUMBERS.astype(np.uint64), 1, np.zeros(9, np.int64), np.zeros(9, np.int64), np.zeros(9, np.uint64),
    ],
}  # fmt: skip
SLOTS, NUMBERS = ints(9), ints(1000, low=-1000)
FLOATS = NUMBERS / 8


LOOPS = [one for one in kernels.KERNELS if not isinstance(one, compiled.Callback)]


def test_every_kernel_has_a_case() -> None:
    assert {one.name for one in LOOPS} == set(CASES)


@pytest.mark.parametrize("one", LOOPS, ids=lambda one: one.name)
def test_compiled_checked_and_plain_python_agree(one: compiled.Kernel) -> None:
    ways = [one, one.python]
    if "PENSTOCK_BOUNDS" in os.environ:  # compiling all of them a second time takes half a minute
        ways.append(one.checked())
    answers = []
    for way in ways:
        arguments = CASES[one.name]()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # plain numpy says so where integers wrap
            result = way(*arguments)
        answers.append([np.asarray(result), *(np.asarray(a) for a in arguments)])
    for other in answers[1:]:
        for mine, theirs in zip(answers[0], other, strict=True):
            np.testing.assert_array_equal(mine, theirs)


@pytest.mark.slow
def test_no_kernel_leaves_its_arrays() -> None:
    run = [sys.executable, "-m", "pytest", "-q", "-k", "agree", __file__]
    subprocess.run(run, env={**os.environ, "PENSTOCK_BOUNDS": "1"}, check=True)


@pytest.mark.parametrize("name", ["number_pairs", "locate", "join", "count"])
def test_the_kernels_that_meet_the_network_stay_within_their_arrays(name: str) -> None:
    one = next(k for k in kernels.KERNELS if k.name == name)
    one.checked()(*CASES[name]())


# --- record batches --------------------------------------------------------------------------------------------

byte_texts = st.none() | st.binary(max_size=300)
record_lists = st.lists(st.tuples(byte_texts, byte_texts, st.integers(0, 2**42)), min_size=1, max_size=30)


def chunks_of(batches: bytes, rows_max: int = 1000) -> Iterator[Chunk | Damaged]:
    return read_chunks(batches, rows_max, 1 << 24)


@settings(max_examples=60, deadline=None, phases=NO_SHRINKING)
@given(record_lists, st.sampled_from([0, 1, 2, 3, 4]), st.integers(1, 40))
def test_chunks_hold_what_the_records_held(
    rows: list[tuple[bytes | None, bytes | None, int]], codec: int, rows_max: int
) -> None:
    held = [Record(key, value, stamp, (("h", b"x"),)) for key, value, stamp in rows]
    batches = encode_slowly(held, codec=codec, base_offset=7) + encode_slowly(
        held[:1], base_offset=7 + len(held)
    )
    seen = []
    for chunk in chunks_of(batches, rows_max):
        assert isinstance(chunk, Chunk) and len(chunk) <= rows_max
        seen += [(chunk.key(i), chunk.value(i), *chunk.places[4:6, i].tolist()) for i in range(len(chunk))]
    assert seen == [(r.key, r.value, r.timestamp_ms, 7 + n) for n, r in enumerate([*held, held[0]])]


@settings(max_examples=300, deadline=None, phases=NO_SHRINKING)
@given(st.integers(0, 10**6), st.integers(1, 255), st.integers(0, 40))
def test_a_damaged_section_is_told_and_never_read_beyond(place: int, flip: int, cut: int) -> None:
    data, size = section()
    data[place % size] ^= flip
    out = np.zeros((7, 12), np.int64)
    fault = records.locate(data[: size - cut].copy(), 0, size - cut, 10, 0, 0, False, out, 0)
    assert fault >= 0
    if not fault:
        ends = out[0] + np.maximum(out[1], 0), out[2] + np.maximum(out[3], 0)
        assert max(int(end.max()) for end in ends) <= size


@settings(max_examples=60, deadline=None, phases=NO_SHRINKING)
@given(record_lists)
def test_written_batches_are_what_the_record_codec_writes(
    rows: list[tuple[bytes | None, bytes | None, int]],
) -> None:
    def payload(texts: list[bytes | None]) -> Payload:
        sizes = np.array([-1 if t is None else len(t) for t in texts])
        starts = np.cumsum(np.maximum(sizes, 0)) - np.maximum(sizes, 0)
        return Payload(np.frombuffer(b"".join(t or b"" for t in texts) + b"\0", np.uint8), starts, sizes)

    made = encode(
        payload([k for k, _, _ in rows]), payload([v for _, v, _ in rows]), np.array([s for _, _, s in rows])
    )
    assert made == [encode_slowly([Record(*row) for row in rows])]


def test_large_outputs_are_cut_into_batches_a_broker_takes() -> None:
    data, sizes = np.full(400_000, 120, np.uint8), np.full(10, 400_000)
    values = Payload(data, np.zeros(10, np.int64), sizes)
    made = encode_partitioned(Payload.nothing(10), values, np.arange(10), 3)
    assert sum(len(list(decode(batch))) for _, batch in made) == 10
    assert all(place is None and len(batch) < 950_000 for place, batch in made)
    assert [info.max_timestamp_ms for _, batch in made for info in scan(batch)][-1] == 9


# --- the others ------------------------------------------------------------------------------------------------


@settings(max_examples=100, deadline=None, phases=NO_SHRINKING)
@given(st.lists(st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31)), min_size=1), st.integers(0, 6))
def test_moments_are_shown_and_read_back(times: list[datetime], places: int) -> None:
    series = pl.Series(times, dtype=pl.Datetime("us"))
    assert moments.parse_moments(moments.show_moments(series)).to_list() == times
    cut = [t - timedelta(microseconds=t.microsecond % 10 ** (6 - places)) for t in times]
    shown = moments.show_moments(series, places)
    assert moments.parse_moments(shown).to_list() == cut
    width = 19 + (places + 1 if places else 0)
    assert shown.str.len_bytes().unique().to_list() == [width]


@settings(max_examples=200, deadline=None)
@given(st.text("0123456789- :.TZ", max_size=30))
def test_what_is_no_moment_is_null(text_: str) -> None:
    (made,) = moments.parse_moments(pl.Series([text_])).to_list()
    try:
        plain = text_.removesuffix("Z")
        head, _, fraction = plain.partition(".")
        form = (
            "%Y-%m-%d"
            if len(head) == 10
            else f"%Y-%m-%d{head[10:11]}%H:%M" + (":%S" if len(head) > 16 else "")
        )
        expected = datetime.strptime(head, form) + timedelta(microseconds=int((fraction + "000000")[:6]))
        fits = (
            len(head) in (10, 16, 19)
            and head[10:11] in ("", " ", "T")
            and (not fraction or fraction.isdigit())
        )
        fits = fits and len(fraction) <= 9 and plain[-1:] != "." and (len(head) == 19 or "." not in plain)
    except ValueError:
        fits = False
    if made is not None:
        assert fits and made == expected


def test_a_running_spread_agrees_with_the_definition_after_values_are_taken_back() -> None:
    cells = np.zeros(1), np.zeros(1), np.zeros(1)
    values = np.array([3.0, 100.0, 5.0, 100.0, 4.0])
    signs = np.array([1, 1, 1, -1, 1])
    scatter.spread(np.zeros(5, np.int64), np.ones(5, np.bool_), signs, values, *cells)
    assert cells[0][0] == 3 and cells[1][0] == pytest.approx(4) and cells[2][0] == pytest.approx(2)


def test_a_kernel_that_is_not_warm_runs_as_python_until_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled, "_mode", {"interpret": True})
    one = compiled.Kernel(lines.split.python, "int64(const uint8[::1], int64[::1])")
    monkeypatch.setattr(compiled, "KERNELS", [one])
    data, offsets = text("a\nb\n")[0], np.zeros(3, np.int64)
    assert one(data, offsets) == 2 and not one.ready
    said: list[str] = []
    assert compiled.warm(said.append) == 1 and one.ready and said == ["preparing split (1 of 1)"]
    assert one(data, offsets) == 2


def test_kernels_compile_where_no_cache_can_be_written(tmp_path: Path) -> None:
    code = "from penstock.engine.kernels.decode import lines; lines.split.compile(); assert lines.split.ready"
    blocked = tmp_path / "file"
    blocked.write_text("")
    env = {**os.environ, "NUMBA_CACHE_DIR": str(blocked / "below a file")}
    subprocess.run([sys.executable, "-c", code], env=env, check=True, timeout=60)
