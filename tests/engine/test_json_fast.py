"""The fast JSON reader gives what the careful one gives, record for record: rows, nulls, dead letters, and their words."""

import json
import math
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal

import numpy as np
import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from penstock.engine.formats.json.fast import FastJsonReader
from penstock.engine.formats.json.reader import Decoded, JsonOptions
from penstock.engine.kernels import compiled
from penstock.engine.kernels.arrow import own
from penstock.engine.kernels.decode import json as walk
from penstock.engine.kernels.decode import numbers
from penstock.engine.kernels.decode.columns import NONE
from penstock.engine.plan.tests import Clock
from penstock.engine.plan.tests import Test as Wanted
from penstock.engine.types import Column
from tests.engine.streams import NO_SHRINKING
from tests.engine.test_json import HOSTILE, chunk_of

KINDS = (
    "BIGINT", "INT", "SMALLINT", "TINYINT", "STRING", "VARCHAR(10)", "DOUBLE", "FLOAT", "BOOLEAN", "TIMESTAMP(3)", "TIMESTAMP_LTZ(3)",
    "DATE", "TIME", "DECIMAL(6, 2)", "DECIMAL(18, 0)", "DECIMAL(38, 10)", "BYTES",
    "ROW<a BIGINT, b STRING>", "ARRAY<INT>", "ARRAY<ARRAY<STRING>>", "ROW<a ARRAY<ROW<b ARRAY<DOUBLE>, a STRING>>>", "MAP<STRING, DOUBLE>", "ARRAY<ROW<a BIGINT, b TIMESTAMP(3)>>", "ROW<a INT, ab ROW<price DOUBLE, `dateTime` TIMESTAMP(3), b STRING>, b DECIMAL(6, 2)>",
)  # fmt: skip
NAMES = (
    "a",
    "b",
    "ab",
    "price",
    "dateTime",
    "twelve_bytes",
    "a_name_of_more_than_sixteen_bytes",
    "a_name_of_more_than_sixteen_bytez",
    "ü",
)


@pytest.fixture(scope="module", autouse=True)
def _checked() -> Iterator[None]:
    """With PENSTOCK_BOUNDS the walk looks at every index: it takes seconds to compile, so once, in a process of its own."""
    before = walk.read_json._run
    if "PENSTOCK_BOUNDS" in os.environ:
        walk.read_json._run = walk.read_json.checked()
    yield
    walk.read_json._run = before


def same(
    values: list[bytes | None],
    fields: tuple[Column, ...],
    options: JsonOptions,
    tests: tuple[Wanted, ...] = (),
) -> Decoded:
    """Both readers' answer."""
    reader = FastJsonReader(fields, options, tests)
    expected = reader._carefully(chunk_of(values))
    for _ in range(2):  # the second time the order of keys is known
        made = reader.read(chunk_of(values))
        assert made.frame.schema == expected.frame.schema
        assert made.frame.equals(expected.frame)  # as polars has them: Python has no year before 1
        assert made.rows.tolist() == expected.rows.tolist() and made.bad == expected.bad
        assert made.tombstones.tolist() == expected.tombstones.tolist()
        reader._rest = 0
    return made


def walked(values: list[bytes | None], fields: tuple[Column, ...], iso: bool = False) -> int:
    """How many rows the walk makes by itself."""
    reader = FastJsonReader(fields, JsonOptions(iso=iso))
    return len(reader._walk(chunk_of(values))[0].rows)


scalars = (
    st.none() | st.booleans() | st.integers(-(2**65), 2**65) | st.integers(-200, 200) | st.floats() | st.text(max_size=20)
    | st.sampled_from(["1", "true", "2026-11-22 11:00:00.5", "2026-11-22T11:00:00", "2026-11-22 11:00:00.123Z", "2026-02-29", "2026-12-31",
                       "11:05:00", "11:05:00.25", "AQI=", "12.345", "é" * 40, 'q"\\/\n', -0.0, 1e300, 1e18, 127.9, 5e-324, 1.5, 12.345, 2**63 - 1])
)  # fmt: skip
values_ = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=4,
)
schemas = st.lists(
    st.tuples(st.sampled_from(NAMES), st.sampled_from(KINDS)),
    min_size=1,
    max_size=6,
    unique_by=lambda c: c[0],
)
documents = st.lists(st.tuples(st.sampled_from((*NAMES, "other", "x")), values_), max_size=8)


def written(pairs: list[tuple[str, object]], seed: int) -> bytes:
    """A document as JSON, some keys perhaps twice, in one of the ways that writers write."""
    dice = random.Random(seed)
    comma, colon = dice.choice([(",", ":"), (", ", ": "), (" ,\n", "\t: ")])
    ascii_ = dice.random() < 0.5
    inner = comma.join(
        json.dumps(key, ensure_ascii=ascii_)
        + colon
        + json.dumps(value, ensure_ascii=ascii_, separators=(comma, colon))
        for key, value in pairs
    )
    made = bytearray(("{" + inner + "}").encode("utf-8", "surrogatepass"))
    if dice.random() < 0.25 and len(made) > 2:
        for _ in range(dice.choice([1, 1, 3])):
            place = dice.randrange(len(made))
            what = dice.random()
            if what < 0.4:
                made[place] = dice.choice(b'"{}[],:\\ 0123456789.eE+-tfnu\x00\n\x1f\x80\xc3\xff')
            elif what < 0.7:
                del made[place]
            else:
                made.insert(place, dice.choice(b'"{}[],:\\ 0019.e-n\x80'))
    return bytes(made)


@settings(max_examples=int(os.environ.get("PENSTOCK_EXAMPLES", "150")), deadline=None, phases=NO_SHRINKING)
@given(
    schemas,
    st.lists(documents | st.none(), min_size=1, max_size=12),
    st.integers(0, 2**32),
    st.booleans(),
    st.booleans(),
)
def test_both_readers_give_the_same(
    columns: list[tuple[str, str]],
    docs: list[list[tuple[str, object]] | None],
    seed: int,
    iso: bool,
    strict: bool,
) -> None:
    fields = tuple(Column(name, kind) for name, kind in columns)
    values = [None if doc is None else written(doc, seed + n) for n, doc in enumerate(docs)]
    same(
        values,
        fields,
        JsonOptions(iso=iso, fail_on_missing=strict and seed % 3 == 0, ignore_errors=not strict),
    )


fitting = {
    "BIGINT": st.integers(-(2**63), 2**63 - 1), "INT": st.integers(-(2**31), 2**31 - 1), "TINYINT": st.integers(-128, 127),
    "DOUBLE": st.floats(allow_nan=False, allow_infinity=False), "FLOAT": st.floats(width=32, allow_nan=False, allow_infinity=False),
    "STRING": st.text(), "BOOLEAN": st.booleans(), "DECIMAL(6, 2)": st.integers(-99999, 99999).map(lambda n: n / 100),
    "TIMESTAMP(3)": st.datetimes().map(lambda t: str(t)[:26]), "DATE": st.dates().map(str), "TIME": st.times().map(str),
}  # fmt: skip


@settings(max_examples=100, deadline=None, phases=NO_SHRINKING)
@given(
    st.lists(
        st.tuples(*(st.none() | one for one in fitting.values()), st.integers(0, 99)), min_size=1, max_size=20
    ),
    st.booleans(),
)
def test_values_of_their_kind_are_read_by_both_alike(rows: list[tuple[object, ...]], escaped: bool) -> None:
    fields = tuple(Column(f"c{n}", kind) for n, kind in enumerate(fitting))
    values: list[bytes | None] = []
    for row in rows:
        pairs = [(f"c{n}", value) for n, value in enumerate(row[:-1])]
        random.Random(row[-1]).shuffle(pairs)
        values.append(json.dumps(dict(pairs), ensure_ascii=escaped).encode("utf-8", "surrogatepass"))
    same(values, fields, JsonOptions())


@pytest.mark.parametrize("kind", KINDS)
def test_every_hostile_record_becomes_the_same(kind: str) -> None:
    same(list(HOSTILE), (Column("n", kind), Column("s", "STRING"), Column("z", kind)), JsonOptions())


@pytest.mark.parametrize(
    "value",
    [b'{"a":1}', b' {"a" : 1 , "z":{"y":[1,{"x":"}"}],"a":"x"}}\n', b'{"z":"\\"","a":-1}', b'{"z":[],"y":{},"a":0}', b'{"\\u007a":1}',
     '{"z":"ü😀","a":1}'.encode(), b'{"a":null}', b"{}", b'{"z":1e5,"y":-0.5E-3,"a":9223372036854775807}', b'{"z":"\\ud83d\\ude00","a":5}'],
)  # fmt: skip
def test_what_is_plain_is_read_without_help(value: bytes) -> None:
    expected = 0 if value == b'{"\\u007a":1}' else 1
    assert walked([value], (Column("a", "BIGINT"),)) == expected
    same([value], (Column("a", "BIGINT"),), JsonOptions())


@pytest.mark.parametrize(
    "value",
    [b'{"a":01}', b'{"a":1,}', b'{,"a":1}', b'{"a":1}}', b'{"a":1}{}', b'{"a":1 "b":2}', b'{"a":+1}', b'{"a":1.}', b'{"a":.5}', b'{"a":1e}', b'{"a":-}',
     b'{"z":[1,]}', b'{"z":[1}', b'{"z":{"y":1]}', b'{"z":nul}', b'{"z":truex}', b'{"z":"\\x"}', b'{"z":"\\u12g4"}', b'{"z":"\\ud800"}', b'{"z":"\\u0000"}',
     b'{"z":"\x1f"}', b'{"z":"\xed\xa0\x80"}', b'{"z":"\xc0\xaf"}', b'{"z":"\xf4\x90\x80\x80"}', b'{"z":"\xc3"}', b'{"a":1,"a":2}', b'{"a":1.0}', b'{"a":"1"}',
     b'{"a":9223372036854775808}', b'{"a":-9223372036854775809}', b'{"a":true}', b'{"a":{}}', b'{"a":[1]}', b'{"\\u0061":1}', b'{"a"}', b'{"a":}', b'{a:1}',
     b'{"z":' + b"[" * 70 + b"]" * 70 + b"}", b'{"a":1}\x00', b"\xef\xbb\xbf{}", b'{"z":"abc}', b'{"z', b'{"z"', b'{"z":',
     b'\x0b{"a":1}', b'{"a":1}\x0c', b'\x1f{"a":1}\x01', b'{\x0b"a":1}'],
)  # fmt: skip
def test_what_is_odd_is_left_to_the_careful_reader(value: bytes) -> None:
    assert walked([value], (Column("a", "BIGINT"),)) == 0
    same([b'{"a":1}', value, b'{"a":2}'], (Column("a", "BIGINT"),), JsonOptions())


# --- nested rows -----------------------------------------------------------------------------------------------

NESTED = (
    Column("t", "INT"),
    Column("bid", "ROW<a BIGINT, s STRING, `at` TIMESTAMP(3), x ROW<y DOUBLE, d DATE>>"),
    Column("s", "STRING"),
)
NESTED_ROWS: list[bytes | None] = [
    b'{"t":1,"bid":{"a":1,"s":"x","at":"2026-11-22 11:00:00.5","x":{"y":1.5,"d":"2026-01-02"}},"s":"out"}', b'{"t":2,"bid":null}',
    b'{"bid":{"x":null,"a":7,"s":null,"z":{"a":3,"x":[{"s":1}]}}}', b'{"bid":{}}', b'{"bid":{"x":{}},"s":"y"}', None,
]  # fmt: skip


def test_nested_rows_are_read_at_any_depth_and_null_is_not_empty() -> None:
    made = same(NESTED_ROWS, NESTED, JsonOptions())
    whole = {
        "a": 1,
        "s": "x",
        "at": datetime(2026, 11, 22, 11, 0, 0, 500000),
        "x": {"y": 1.5, "d": date(2026, 1, 2)},
    }
    empty = dict.fromkeys(whole)
    assert made.frame["bid"].to_list() == [
        whole,
        None,
        empty | {"a": 7},
        empty,
        empty | {"x": {"y": None, "d": None}},
    ]
    assert made.frame["s"].to_list() == ["out", None, None, None, "y"]
    assert walked(NESTED_ROWS, NESTED) == 5, "without help"


@pytest.mark.parametrize(
    "options", [JsonOptions(), JsonOptions(ignore_errors=True), JsonOptions(fail_on_missing=True)]
)
def test_nested_misfits_are_the_same_for_both(options: JsonOptions) -> None:
    odd = [b'{"bid":3}', b'{"bid":[]}', b'{"bid":"x"}', b'{"bid":{"at":"x"}}', b'{"bid":{"a":"5"}}', b'{"bid":{"a":"q"}}', b'{"bid":{"x":{"d":1}}}',
           b'{"t":1,"s":"","bid":null}', b'{"t":1,"s":"","bid":{"a":1,"s":"","at":null,"x":null}}', b'{"t":1,"s":"","bid":{"a":1,"s":"","at":null}}']  # fmt: skip
    same([*NESTED_ROWS, *odd], NESTED, options)


# --- numbers ---------------------------------------------------------------------------------------------------


@settings(max_examples=400, deadline=None, phases=NO_SHRINKING)
@given(st.floats(allow_nan=False, allow_infinity=False, allow_subnormal=False))
@example(9007199254740993.0)
@example(2.2250738585072014e-308)
@example(1.7976931348623157e308)
def test_doubles_come_back_to_the_last_bit(number: float) -> None:
    value = f'{{"v":{number!r}}}'.encode()
    fields = (Column("v", "DOUBLE"),)
    assert walked([value], fields) == 1
    (made,) = FastJsonReader(fields, JsonOptions()).read(chunk_of([value])).frame["v"].to_list()
    assert math.copysign(1, made) == math.copysign(1, number) and made == number


@settings(max_examples=400, deadline=None, phases=NO_SHRINKING)
@given(st.integers(0, 10**19 - 1), st.integers(-345, 310))
@example(2**53 + 1, 0)
@example(9223372036854775809, 0)
@example(1090544144181609348835077142190 // 10**11, 11)
def test_any_digits_and_power_give_the_nearest_double_or_none(mantissa: int, power: int) -> None:
    settled, made = numbers.double(np.uint64(mantissa).astype(np.int64), power)
    nearest = float(f"{mantissa}e{power}")
    assert made == nearest if settled else (nearest < 2.3e-308 or nearest > 1e308 or power < -300)


@settings(max_examples=200, deadline=None, phases=NO_SHRINKING)
@given(st.floats(1e-30, 1e30))
def test_floats_are_the_nearest_to_what_was_written(number: float) -> None:
    same([f'{{"v":{number!r}}}'.encode()], (Column("v", "FLOAT"),), JsonOptions())


@pytest.mark.parametrize(
    "text",
    [
        "12.345",
        "-12.345",
        "12.344999",
        "0.005",
        "-0.004",
        "9999.994",
        "9999.995",
        "1e2",
        "1.25e1",
        "125E-3",
        "0",
        "1" * 20,
    ],
)
def test_decimals_are_rounded_half_up(text: str) -> None:
    made = same([f'{{"v":{text}}}'.encode()], (Column("v", "DECIMAL(6, 2)"),), JsonOptions())
    if text == "12.345":
        assert made.frame["v"].item() == Decimal("12.35")


# --- tests pushed down -----------------------------------------------------------------------------------------

ROWS: list[bytes | None] = [
    b'{"n":1,"s":"abc"}', b'{"n":2,"s":"a long text that lies elsewhere"}', b'{"n":null,"s":null}', b"{}", None, b"{bad", b'{"n":"2","s":"x"}',
    b'{"n":2,"s":"x\\ty"}', b'{"n":2,"s":5}', b'{"n":1,"s":"a long text that lies elsewhere, \\"too\\""}', b'{"n":9,"s":"\xff"}', b'{"n":"x"}', b'{"n":-3,"s":""}',
]  # fmt: skip


@pytest.mark.parametrize("sign", ["=", "<>", "<", "<=", ">", ">="])
@pytest.mark.parametrize(
    "value",
    [
        2,
        0,
        "abc",
        "a long text that lies elsewhere",
        "x\ty",
        "",
        'a long text that lies elsewhere, "too"',
        "b",
    ],
)
def test_rows_that_fail_a_test_are_gone_and_dead_letters_stay(sign: str, value: int | str) -> None:
    fields = (Column("s", "STRING"), Column("n", "INT"))
    test = Wanted(fields[isinstance(value, int)].name, sign, (value,))
    made = same(ROWS, fields, JsonOptions(), (test,))
    everything = FastJsonReader(fields, JsonOptions()).read(chunk_of(ROWS))
    assert made.bad == everything.bad and made.tombstones.tolist() == [4]
    assert made.frame.rows() == everything.frame.filter(test.expression).rows()


def test_the_times_of_rows_that_fail_a_test_are_told() -> None:
    fields = (Column("r", "ROW<a INT>"), Column("n", "INT"), Column("at", "TIMESTAMP(3)"))
    values: list[bytes | None] = [
        b'{"n":1,"at":"1970-01-01 00:00:01"}', b'{"n":2,"at":"1970-01-01 00:00:02"}', b'{"n":"1","at":"1970-01-01 00:00:03"}', None,
        b'{"n":"2","at":"1970-01-01 00:00:04"}', b"{bad", b'{"n":1}', b'{"n":1,"at":"1970-01-01 00:00:05"}',
    ]  # fmt: skip
    reader = FastJsonReader(fields, JsonOptions(), (Wanted("n", "=", (2,)),), Clock(((None, ("at",)),)))
    expected = reader._carefully(chunk_of(values))
    for made in (reader.read(chunk_of(values)), expected):
        assert made.rows.tolist() == [1, 4] and made.seen is not None and made.seen.times is not None
        assert made.seen.rows.tolist() == [0, 1, 2, 4, 6, 7]
        assert made.seen.times.tolist() == [10**6, 2 * 10**6, 3 * 10**6, 4 * 10**6, NONE, 5 * 10**6]


@pytest.mark.parametrize(
    "test",
    [
        Wanted("n", "=", (2, -3)), Wanted("s", "=", ("", "abc", "x\ty")), Wanted("n", "IS NULL"), Wanted("s", "IS NOT NULL"), Wanted("n", "=", (0,), 2),
        Wanted("n", "<", (0,), 2), Wanted("n", "<>", (1, -1), 4),
    ],
)  # fmt: skip
def test_one_of_several_values_nulls_and_what_a_division_leaves_are_tests_too(test: Wanted) -> None:
    fields = (Column("s", "STRING"), Column("n", "INT"))
    made = same(
        ROWS, fields, JsonOptions(), (Wanted("n", "<=", (9,)), test) if test.sign != "IS NULL" else (test,)
    )
    everything = FastJsonReader(fields, JsonOptions()).read(chunk_of(ROWS))
    wanted = test.expression if test.sign == "IS NULL" else test.expression & (pl.col("n") <= 9)
    assert made.frame.rows() == everything.frame.filter(wanted).rows() and made.frame.height


# --- memory ----------------------------------------------------------------------------------------------------


def test_frames_keep_their_values_while_later_chunks_are_read() -> None:
    fields = (Column("n", "BIGINT"), Column("s", "STRING"), Column("b", "BOOLEAN"))
    reader, held = FastJsonReader(fields, JsonOptions()), []
    for start in range(0, 3000, 100):
        values: list[bytes | None] = [
            json.dumps({"n": n, "s": f"text number {n}\n", "b": n % 3 == 0}).encode()
            for n in range(start, start + 100)
        ]
        made = reader.read(chunk_of(values)).frame
        if start % 200 == 0:
            held.append((start, made.select("s"), made["n"].slice(50), made.filter("b")))
        del made
    for start, texts, late, third in held:
        assert texts["s"].to_list() == [f"text number {n}\n" for n in range(start, start + 100)]
        assert late.to_list() == list(range(start + 50, start + 100))
        assert third["n"].to_list() == [n for n in range(start, start + 100) if n % 3 == 0]
    assert len(reader._blocks._blocks) <= 8


def test_rows_that_are_owned_let_go_of_all_that_was_read_with_them() -> None:
    fields = (
        Column("n", "BIGINT"),
        Column("s", "STRING"),
        Column("r", "ROW<s STRING, n INT>"),
        Column("a", "ARRAY<STRING>"),
    )
    reader = FastJsonReader(fields, JsonOptions())
    values: list[bytes | None] = [
        json.dumps(
            {
                "n": n,
                "s": f"text number {n}" if n % 2 else None,
                "r": {"s": "ä" * 20, "n": n} if n % 3 else None,
                "a": [f"text {n} of an array", None][: n % 3] if n % 4 else None,
            }
        ).encode()
        for n in range(100)
    ]
    frame = reader.read(chunk_of(values)).frame.filter(pl.col("n") > 90)
    kept, rows = own(frame), frame.rows()
    (block,) = reader._blocks._blocks
    assert block.lent
    del frame
    assert not block.lent
    block.bytes[:] = 0
    assert kept.rows() == rows and own(kept.clear()).schema == kept.schema


def test_a_block_is_written_again_when_its_frame_is_gone() -> None:
    reader = FastJsonReader((Column("s", "STRING"),), JsonOptions())
    for _ in range(20):
        reader.read(chunk_of([b'{"s":"x"}'] * 50))
    assert len(reader._blocks._blocks) == 1


def test_a_frame_that_lives_to_the_end_of_the_process_does_no_harm() -> None:
    code = (
        "from penstock.engine.formats.json.fast import *; from tests.engine.test_json import chunk_of; from penstock.engine.types import Column;"
        "import sys; sys.held = FastJsonReader((Column('s', 'STRING'),), JsonOptions()).read(chunk_of([b'{\"s\":\"long enough to lie elsewhere\"}'])).frame"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)


def test_a_topic_that_the_walk_cannot_read_is_left_to_the_careful_reader_for_a_while() -> None:
    reader = FastJsonReader((Column("n", "INT"),), JsonOptions())
    odd, plain = chunk_of([b'{"n":"1"}'] * 10), chunk_of([b'{"n":1}'] * 10)
    for _ in range(20):
        assert reader.read(odd).frame["n"].to_list() == [1] * 10
    assert reader._rest > 0 and reader.read(plain).frame["n"].to_list() == [1] * 10


def test_until_the_walk_is_compiled_the_careful_reader_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled, "_mode", {"interpret": True})
    monkeypatch.setattr(walk, "read_json", compiled.Kernel(walk.read_json.python, walk.read_json.signature))
    made = FastJsonReader((Column("n", "INT"),), JsonOptions()).read(chunk_of([b'{"n":1}']))
    assert made.frame.equals(pl.DataFrame({"n": pl.Series([1], dtype=pl.Int32)}))


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.skipif("PENSTOCK_BOUNDS" in os.environ, reason="this is that process")
def test_the_walk_never_leaves_its_arrays() -> None:
    run = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-k",
        "both or odd or hostile",
        __file__,
        __file__.replace("fast", "arrays"),
    ]
    done = subprocess.run(
        run,
        env={**os.environ, "PENSTOCK_BOUNDS": "1", "PENSTOCK_EXAMPLES": "60"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:]
