"""Arrays in JSON: the fast reader gives what the careful one gives, however they nest, and whatever is wrong within."""

import json
import os
import random

from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.engine.formats.json.fast import FastJsonReader
from penstock.engine.formats.json.reader import JsonOptions
from penstock.engine.plan.tests import Test as Wanted
from penstock.engine.types import Column, element, is_array, is_row, row_fields
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
        st.lists(inner, min_size=1, max_size=3).map(
            lambda parts: "ROW<" + ", ".join(f"f{n} {kind}" for n, kind in enumerate(parts)) + ">"
        ),
    ),
    max_leaves=6,
)


def value_of(kind: str, dice: random.Random, odd: float) -> object:
    """A value that fits a kind, sometimes null, and with a chance of `odd` one that may not."""
    if dice.random() < 0.1:
        return None
    if dice.random() < odd:
        return dice.choice([[], {}, "x", 1e300, True, [1], {"f0": []}, "5", [None]])
    if is_array(kind):
        return [value_of(element(kind).kind, dice, odd) for _ in range(dice.choice([0, 1, 2, 2, 5, 40]))]
    if is_row(kind):
        fields = row_fields(kind)
        made = {
            f.name: value_of(f.kind, dice, odd)
            for f in dice.sample(fields, len(fields))
            if dice.random() < 0.9
        }
        return {**made, "other": [1, {"f0": [2]}]} if dice.random() < 0.2 else made
    return {
        "INT": dice.choice([0, -7, 2**31 - 1]), "TINYINT": dice.choice([0, -128, 127]), "BOOLEAN": dice.random() < 0.5, "DOUBLE": dice.uniform(-9, 9),
        "STRING": dice.choice(["", "x", "a text that is longer than twelve", 'with "escapes"\n', "ü"]), "DATE": "2026-11-22",
        "TIMESTAMP(3)": "2026-11-22 11:00:00.5", "DECIMAL(6, 2)": dice.choice([0, 1.5, -12.345]),
    }[kind]  # fmt: skip


@settings(max_examples=int(os.environ.get("PENSTOCK_EXAMPLES", "100")), deadline=None, phases=NO_SHRINKING)
@given(st.lists(kinds_of_parts, min_size=1, max_size=3), st.integers(0, 2**32), st.booleans(), st.booleans())
def test_arrays_of_anything_are_read_by_both_alike(
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
