"""Arrays and maps in Avro and Protobuf as Flink writes and reads them, frozen by `python -m bench.oracle.binary`."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from bench.oracle.binary import COLUMNS, PROTO, READ, WRITTEN

from penstock.engine.formats.choose import reader_of, writer_of
from penstock.engine.functions import kinds
from penstock.engine.types import element, is_array, is_map, is_row, map_fields, row_fields
from tests.engine.test_avro import frame_of
from tests.engine.test_json import chunk_of

FROZEN = json.loads(Path(__file__).with_name("flink_binary.json").read_text())
OPTIONS = {"protobuf.schema": PROTO, "protobuf.message": "frozen.Lists"}


def pair(key: object, value: object) -> list[dict[str, object]]:
    return [{"key": key, "value": value}]


# The rows that WRITTEN has in SQL.
ROWS: dict[str, tuple[dict[str, object], ...]] = {
    "avro": (
        {"a": [1, None, -300], "t": [["x", ""], None], "p": [{"x": 7, "m": pair("k", 1)}, None], "m": pair("key", None),
         "d": [Decimal("1.50"), Decimal("-0.01")], "z": 1},
        {"z": 2},
    ),
    "protobuf": (
        {"a": [1, None, 300], "t": ["a", None, ""], "p": [{"x": 1, "y": [2, 3], "s": "x"}, None], "m": pair("k", None),
         "n": pair(0, {"x": 4, "y": None, "s": None}), "r": {"x": 5, "y": [0], "s": ""}, "z": 1},
        {"z": 2},
        {"t": [None], "m": pair(None, 1), "n": pair(7, None), "r": {"x": 0, "y": None, "s": None}, "z": 3},
    ),
}  # fmt: skip


def shown(kind: str, value: Any) -> Any:
    """A value as the frozen JSON has it: maps with texts for keys as objects, others as entries, here by key."""
    if value is None:
        return None
    if is_row(kind):
        return {field.name: shown(field.kind, value[field.name]) for field in row_fields(kind)}
    if is_array(kind):
        return [shown(element(kind).kind, one) for one in value]
    if not is_map(kind):
        return value
    key, held = map_fields(kind)
    entries = {one["key"]: shown(held.kind, one["value"]) for one in value}
    if kinds.is_text(key.kind):
        return entries
    return [{"key": one, "value": entries[one]} for one in sorted(entries)]


@pytest.mark.parametrize("form", COLUMNS)
def test_values_are_written_byte_for_byte_as_flink_writes_them(form: str) -> None:
    fields = row_fields(f"ROW<{COLUMNS[form]}>")
    assert len(ROWS[form]) == len(WRITTEN[form])
    rows = [dict.fromkeys(field.name for field in fields) | row for row in ROWS[form]]
    payload = writer_of(form, fields, OPTIONS).payload(frame_of(rows, fields))
    values = [payload.data[at : at + size].tobytes() for at, size in zip(payload.at, payload.size, strict=True)]  # fmt: skip
    assert [value.hex() for value in values] == FROZEN[form]["written"]


@pytest.mark.parametrize("form", COLUMNS)
def test_values_are_read_as_flink_reads_them(form: str) -> None:
    kind = f"ROW<{COLUMNS[form]}>"
    fields = row_fields(kind)
    values: list[bytes | None] = [bytes.fromhex(value) for value in READ[form]]
    made = reader_of(form, fields, fields, OPTIONS).read(chunk_of(values))
    assert not made.bad
    assert [shown(kind, row) for row in made.frame.to_dicts()] == FROZEN[form]["read"]
