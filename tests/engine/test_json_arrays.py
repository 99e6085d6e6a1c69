"""Arrays and maps in JSON: the fast reader gives what the careful one gives, however they nest, and whatever is wrong within."""

import json
import os
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.engine.formats.json.fast import FastJsonReader
from penstock.engine.formats.json.reader import JsonOptions
from penstock.engine.plan.tests import Test as Wanted
from penstock.engine.types import Column, element, is_array, is_map, is_row, map_fields, row_fields
from tests.engine.streams import NO_SHRINKING
from tests.engine.test_json import chunk_of
from tests.engine.test_json_fast import _checked, same, walked, written  # noqa: F401  the fixture: checked by PENSTOCK_BOUNDS

leaves = st.sampled_from(
    ["INT", "STRING", "BOOLEAN", "DOUBLE", "TIMESTAMP(3)", "DATE", "DECIMAL(6, 2)", "TINYINT"]
)
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


TEXTS = [
    "",
    "x",
    "f0",
    "a text that is longer than twelve",
    "a text that is longer than eleven",
    'with "escapes"\n',
    "ü",
]


def value_of(kind: str, dice: random.Random, odd: float, present: float = 0.9) -> object:
    """A value that fits a kind, sometimes null, and with a chance of `odd` one that may not; fields of rows are there with one
    of `present`."""
    if dice.random() < 0.1:
        return None
    if dice.random() < odd:
        return dice.choice([[], {}, "x", 1e300, True, [1], {"f0": []}, "5", [None]])
    if is_array(kind):
        return [
            value_of(element(kind).kind, dice, odd, present) for _ in range(dice.choice([0, 1, 2, 2, 5, 40]))
        ]
    if is_map(kind):
        names = dice.sample(TEXTS, dice.choice([0, 1, 2, 5]))
        return {name: value_of(map_fields(kind)[1].kind, dice, odd, present) for name in names}
    if is_row(kind):
        fields = row_fields(kind)
        made = {
            f.name: value_of(f.kind, dice, odd, present)
            for f in dice.sample(fields, len(fields))
            if dice.random() < present
        }
        return {**made, "other": [1, {"f0": [2]}]} if dice.random() < 0.2 else made
    return {
        "INT": dice.choice([0, -7, 2**31 - 1]), "TINYINT": dice.choice([0, -128, 127]), "BOOLEAN": dice.random() < 0.5, "DOUBLE": dice.uniform(-9, 9),
        "STRING": dice.choice(TEXTS), "DATE": "2026-11-22",
        "TIMESTAMP(3)": "2026-11-22 11:00:00.5", "DECIMAL(6, 2)": dice.choice([0, 1.5, -12.345]),
    }[kind]  # fmt: skip


@settings(max_examples=int(os.environ.get("PENSTOCK_EXAMPLES", "100")), deadline=None, phases=NO_SHRINKING)
@given(st.lists(kinds_of_parts, min_size=1, max_size=3), st.integers(0, 2**32), st.booleans(), st.booleans())
def test_arrays_and_maps_of_anything_are_read_by_both_alike(
    kinds: list[str], seed: int, strict: bool, fitting: bool
) -> None:
    dice = random.Random(seed)
    fields = (*(Column(f"c{n}", kind) for n, kind in enumerate(kinds)), Column("a", "ARRAY<INT>"))
    values: list[bytes | None] = []
    for _ in range(dice.choice([1, 8, 30])):
        pairs = [
            (c.name, value_of(c.kind, dice, 0.0 if fitting else 0.03)) for c in fields if dice.random() < 0.9
        ]
        values.append(
            json.dumps(dict(pairs)).encode()
            if fitting or dice.random() < 0.7
            else written(pairs, dice.randrange(2**32))
        )
    same(values, fields, JsonOptions(ignore_errors=not strict))
    if fitting:
        assert walked(values, fields) == len(values), "without help"


def test_arrays_that_are_longer_than_there_is_room_for_are_read_again_with_more() -> None:
    fields = (Column("a", "ARRAY<ROW<n INT, s ARRAY<STRING>>>"), Column("k", "INT"))
    rows = [{"k": k, "a": [{"n": n, "s": [str(n)] * k} for n in range(k * 37)]} for k in range(10)]
    reader = FastJsonReader(fields, JsonOptions())
    made = reader.read(chunk_of([json.dumps(row).encode() for row in rows])).frame
    assert [{"k": row["k"], "a": row["a"]} for row in made.to_dicts()] == rows
    assert reader._blocks.elements > 20 and len(reader._blocks._blocks) <= 8


def test_rows_that_fail_a_test_leave_nothing_in_arrays() -> None:
    fields = (Column("a", "ARRAY<STRING>"), Column("n", "INT"))
    values: list[bytes | None] = [
        json.dumps({"n": n % 3, "a": [None, f"text number {n}"][n % 2 :]}).encode() for n in range(30)
    ]
    made = same(values, fields, JsonOptions(), (Wanted("n", "=", (1,)),))
    assert made.frame["a"].to_list() == [[None, f"text number {n}"][n % 2 :] for n in range(1, 30, 3)]


@settings(max_examples=60, deadline=None, phases=NO_SHRINKING)
@given(st.lists(kinds_of_parts, min_size=1, max_size=3), st.integers(0, 2**32))
def test_a_field_that_is_missing_is_missed_at_any_depth(kinds: list[str], seed: int) -> None:
    dice = random.Random(seed)
    present = dice.choice([1.0, 0.97])
    fields = (*(Column(f"c{n}", kind) for n, kind in enumerate(kinds)), Column("a", "MAP<STRING, INT>"))
    values: list[bytes | None] = [
        json.dumps({c.name: value_of(c.kind, dice, 0.0, present) for c in fields}).encode() for _ in range(8)
    ]
    same(values, fields, JsonOptions(fail_on_missing=True))
    if present == 1.0:
        reader = FastJsonReader(fields, JsonOptions(fail_on_missing=True))
        assert len(reader._walk(chunk_of(values))[0].rows) == len(values), "without help"


LONG = "a text that is longer than twelve"


@pytest.mark.parametrize(
    ("value", "whole"),
    [
        ('{"m":{"a":1,"b":2,"a":3}}', False), ('{"m":{"$":1,"$x":2}}', True), ('{"m":{"$":1,"x":0,"$":2}}', False),
        ('{"m":{"$":1,"@":2}}', False), ('{"m":{"\\u0061":1,"a":2}}', False), ('{"m":{"":1,"\\u00fc":2,"ü":3}}', False),
        ('{"m":{}}', True), ('{"m":null}', True), ('{"m":{"a":null}}', True), ('{"m":[1]}', False), ('{"m":{"a":[1]}}', False), ('{"m":{"a":1,}}', False),
        ('{"m":{1:2}}', False), ('{"m":{"a" : 1 , "b":2 } }', True), ('{"m":{"a":1}', False), ('{"m":{"a":1]}', False), ('{"m":{"a"}}', False), ('{"m":{"a":1},"m":{}}', False),
        ('{"m":{"a\\ud800":1}}', False),
    ],
)  # fmt: skip
def test_maps_are_read_as_the_careful_reader_reads_them(value: str, whole: bool) -> None:
    fields = (Column("m", "MAP<STRING, INT>"), Column("k", "INT"))
    value = value.replace("$", LONG).replace("@", LONG.replace("l", "\\u006c"))
    values: list[bytes | None] = [b'{"m":{"z":26},"k":1}', value.encode(), b'{"m":{"y":25},"k":2}']
    same(values, fields, JsonOptions())
    same(values, fields, JsonOptions(ignore_errors=True))
    assert walked(values, fields) == 2 + whole


def test_a_map_of_very_many_keys_is_left_to_the_careful_reader() -> None:
    fields = (Column("m", "MAP<STRING, INT>"),)
    values: list[bytes | None] = [
        json.dumps({"m": {f"key {n}": n for n in range(count)}}).encode() for count in (4096, 4097)
    ]
    same(values, fields, JsonOptions())
    assert walked(values, fields) == 1
