"""The formats csv, raw and debezium-json: what Flink reads and writes, frozen in flink_formats.json, and what is refused.

`python -m bench.oracle.formats` freezes it.
"""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from bench.oracle.formats import BROKEN, CHANGES, CSV, KINDS, LINES
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.clock import Now
from penstock.engine.job import EngineOptions, Job
from penstock.engine.operators.operator import KIND
from penstock.errors import PenstockError
from penstock.record import Record, decode, encode
from penstock.sql import parse
from tests.engine.streams import NO_SHRINKING, folded
from tests.engine.test_flink_nested import plain, same

FROZEN = json.loads(Path(__file__).with_name("flink_formats.json").read_text())
NOW = Now(0.0, 1_795_345_507_000)
SIGNS = ("+I", "-U", "+U", "-D")


def told(options: dict[str, str]) -> str:
    return ", ".join("'{}' = '{}'".format(key, value.replace("'", "''")) for key, value in options.items())


def job_of(columns: str, options: dict[str, str], sink: str = "'connector' = 'print'") -> Job:
    kafka = {"connector": "kafka", "topic": "t", **options}
    return Job(
        parse(
            f"CREATE TABLE t ({columns}) WITH ({told(kafka)}); CREATE TABLE o ({columns}) WITH ({sink});"
            "INSERT INTO o SELECT * FROM t"
        ),
        EngineOptions(rows_max=3),
    )


def read(columns: str, options: dict[str, str], lines: list[str | None]) -> tuple[list[list[Any]], int]:
    """The rows, each with its kind in front, and how many dead letters there were."""
    job = job_of(columns, options)
    values = [Record(None, None if line is None else line.encode(), 0) for line in lines]
    made, dead = list[list[Any]](), 0
    schema = job.plan.sinks[0].table.schema
    for output in job.on_records(0, 0, encode(values), NOW):
        dead += len(output.dead_letters)
        for *row, kind in output.rows.rows():
            made.append([SIGNS[kind], *(shown(c.kind, v) for c, v in zip(schema, row, strict=True))])
    return made, dead


def shown(kind: str, value: Any) -> Any:
    """As Flink's values are frozen."""
    if hasattr(value, "isoformat") and not hasattr(value, "date"):
        return value.strftime("%H:%M:%S.%f") if hasattr(value, "hour") else value.isoformat()
    return plain(kind, value)


def written(columns: str, options: dict[str, str], rows: pl.DataFrame) -> list[str]:
    """The values that rows become."""
    kafka = {"connector": "kafka", "topic": "o", **options}
    job = job_of(columns, {"format": "json"}, told(kafka))
    found = [batch for output in job.on_rows(0, 0, rows, NOW) for _, batch in output.batches]
    return [(record.value or b"").decode() for batch in found for record in decode(batch)]


# --- the plain case ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CSV)
def test_csv_is_read_and_written_as_flink_does(name: str) -> None:
    options = {"format": "csv", **CSV[name]}
    lines = [line.replace(",", options.get("csv.field-delimiter", ",")) for line in LINES]
    expected = FROZEN[f"{name}, read"]
    found, dead = read(KINDS, options, list(lines))
    if expected is None:  # one of the lines is none, and Flink's job ends there
        assert dead > 0
    else:
        assert len(found) == len(expected) and all(map(same, found, expected)) and not dead
    job, back = job_of(KINDS, options), 0
    for line in FROZEN[f"{name}, written"]:
        outputs = job.on_records(0, 0, encode([Record(None, line.encode(), 0)]), NOW)
        for output in outputs:
            if output.rows.height and ",," not in line:  # an empty text and NULL are told apart by nobody
                assert written(KINDS, options, output.rows.drop(KIND)) == [line]
                back += 1
    assert back >= 3


@pytest.mark.parametrize("name", ["csv", "csv, lenient"])
def test_a_broken_line_is_a_dead_letter_or_left_out(name: str) -> None:
    for line, expected in zip(BROKEN, FROZEN[f"{name}, broken"], strict=True):
        found, dead = read(KINDS, {"format": "csv", **CSV[name]}, [line])
        if expected is None:
            assert not found and dead == 1, line
        else:
            assert all(map(same, found, expected)) and len(found) == len(expected) and not dead, line


def test_json_is_written_as_flink_does() -> None:
    lines = FROZEN["json, written"]
    job = job_of(KINDS, {"format": "json"})
    outputs = job.on_records(0, 0, encode([Record(None, line.encode(), 0) for line in lines]), NOW)
    rows = pl.concat([output.rows for output in outputs if output.sink == 0]).drop(KIND)
    assert list(map(json.loads, written(KINDS, {"format": "json"}, rows))) == list(map(json.loads, lines))


def test_changes_are_read_as_flink_does() -> None:
    options = {"format": "debezium-json"}
    found, dead = read("id INT, v STRING", options, [*map(json.dumps, CHANGES), None, ""])
    assert found == FROZEN["debezium, read"] and not dead
    wrapped = [json.dumps({"schema": {}, "payload": one}) for one in CHANGES]
    found, dead = read("id INT, v STRING", {**options, "debezium-json.schema-include": "true"}, list(wrapped))
    assert found == FROZEN["debezium, wrapped"] and not dead


def test_a_change_that_is_none_is_a_dead_letter() -> None:
    from bench.oracle.formats import _ODD

    lines = [*map(json.dumps, CHANGES), *_ODD]
    for line, expected in zip(lines, FROZEN["debezium, bare"], strict=True):
        found, dead = read("id INT, v STRING", {"format": "debezium-json"}, [line])
        assert (found, dead) == ((expected, 0) if expected is not None else ([], 1)), line
        lenient = {"format": "debezium-json", "debezium-json.ignore-parse-errors": "true"}
        assert read("id INT, v STRING", lenient, [line])[1] == 0


def test_changes_are_written_as_flink_does() -> None:
    script = """CREATE TABLE t (k INT) WITH ('connector'='kafka','topic'='t','format'='json');
    CREATE TABLE o (k INT, c BIGINT) WITH ('connector'='kafka','topic'='o','format'='debezium-json');
    INSERT INTO o SELECT k, COUNT(*) FROM t GROUP BY k"""
    job = Job(parse(script))
    found = [
        record.value.decode()
        for k in (1, 2, 1)
        for output in job.on_rows(0, 0, pl.DataFrame({"k": [k]}), NOW)
        for _, batch in output.batches
        for record in decode(batch)
        if record.value is not None
    ]
    assert found == FROZEN["debezium, written"]


# --- the edges ---------------------------------------------------------------------------------------------------


@settings(max_examples=25, deadline=None, phases=NO_SHRINKING)
@given(
    st.lists(st.tuples(st.integers(0, 5), st.none() | st.text(max_size=4), st.booleans()), max_size=40),
    st.data(),
)
def test_a_changelog_topic_means_the_same_however_it_is_cut(
    steps: list[tuple[int, str | None, bool]], data: st.DataObject
) -> None:
    held: dict[int, str | None] = {}
    changes: list[dict[str, Any]] = []
    for ident, text, gone in steps:
        before = {"id": ident, "v": held[ident]} if ident in held else None
        if gone and before:
            changes.append({"before": before, "after": None, "op": "d"})
            del held[ident]
        elif not gone:
            changes.append(
                {"before": before, "after": {"id": ident, "v": text}, "op": "u" if before else "c"}
            )
            held[ident] = text
    script = """CREATE TABLE t (id INT, v STRING, PRIMARY KEY (id) NOT ENFORCED)
    WITH ('connector'='kafka','topic'='t','format'='debezium-json');
    CREATE TABLE o (v STRING, n BIGINT) WITH ('connector'='print');
    INSERT INTO o SELECT v, COUNT(*) FROM t GROUP BY v"""
    plan = parse(script)
    job, frames, at = Job(plan), list[pl.DataFrame](), 0
    while at < len(changes):
        size = data.draw(st.integers(1, 9))
        part = [Record(None, json.dumps(one).encode(), 0) for one in changes[at : at + size]]
        frames += [output.rows for output in job.on_records(0, 0, encode(part), NOW)]
        at += size
        if data.draw(st.booleans()):
            kept, job = job.snapshot(), Job(plan)
            job.restore(kept)
    counts: dict[Any, int] = {}
    for text in held.values():
        counts[text] = counts.get(text, 0) + 1
    assert (folded(pl.concat(frames)) if frames else []) == sorted(counts.items(), key=repr)


@pytest.mark.parametrize(
    ("kind", "options", "value", "data"),
    [
        ("STRING", {}, "é", "é".encode()), ("STRING", {"raw.charset": "UTF-16BE"}, "é", b"\x00\xe9"), ("BYTES", {}, b"\x00\xff", b"\x00\xff"),
        ("INT", {}, -2, b"\xff\xff\xff\xfe"), ("BIGINT", {"raw.endianness": "little-endian"}, 1, b"\x01" + bytes(7)),
        ("DOUBLE", {}, 1.5, b"\x3f\xf8" + bytes(6)), ("BOOLEAN", {}, True, b"\x01"),
    ],
)  # fmt: skip
def test_raw_bytes_are_one_value(kind: str, options: dict[str, str], value: Any, data: bytes) -> None:
    told_ = {"format": "raw", **options}
    job = job_of(f"v {kind}", told_)
    outputs = job.on_records(0, 0, encode([Record(None, data, 0), Record(None, None, 0)]), NOW)
    assert [row[0] for output in outputs for row in output.rows.rows()] == [value, None]
    kafka = {"connector": "kafka", "topic": "o", **told_}
    back = job_of(f"v {kind}", {"format": "json"}, told(kafka))
    rows = pl.concat([output.rows for output in outputs]).drop(KIND)
    made = [r.value for o in back.on_rows(0, 0, rows, NOW) for _, batch in o.batches for r in decode(batch)]
    assert made == [data, None]


def test_raw_bytes_that_are_no_value_are_a_dead_letter() -> None:
    job = job_of("v INT", {"format": "raw"})
    (letters,) = job.on_records(0, 0, encode([Record(None, b"abc", 0)]), NOW)
    assert len(letters.dead_letters) == 1


def test_options_that_change_no_result_may_stand() -> None:
    upsert = {"connector": "upsert-kafka", "topic": "t", "key.format": "json", "value.format": "json"}
    told_ = {
        **upsert,
        "sink.buffer-flush.max-rows": "10",
        "sink.buffer-flush.interval": "1s",
        "sink.parallelism": "2",
    }
    script = f"CREATE TABLE t (k INT, PRIMARY KEY (k) NOT ENFORCED) WITH ({told(told_)});"
    assert parse(
        script + "CREATE TABLE o (k INT) WITH ('connector'='print'); INSERT INTO o SELECT k FROM t"
    ).sinks


# --- the refusals ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("columns", "options", "said"),
    [
        ("a INT", {"format": "maxwell-json"}, "the format 'maxwell-json' is not offered"),
        ("a INT", {"format": "canal-json"}, "the format 'canal-json' is not offered"),
        ("a INT", {"format": "avro-confluent"}, "the format 'avro-confluent' is not offered"),
        ("a INT", {"format": "yaml"}, "'format' = 'yaml' is not offered"),
        ("a INT", {"format": "csv", "json.ignore-parse-errors": "true"}, "has no option 'json.ignore-parse-errors'"),
        ("a INT", {"format": "raw", "raw.endianness": "middle"}, "'raw.endianness' = 'middle' is not offered"),
        ("a INT", {"format": "json", "key.format": "debezium-json"}, "'key.format' = 'debezium-json' is not offered"),
        ("a INT, b INT", {"format": "raw"}, "the format raw is of one column"),
        ("a MAP<STRING, INT>", {"format": "csv"}, "has no form in CSV"),
        ("a INT", {"format": "csv", "csv.quote-character": "ab"}, "one character"),
    ],
)  # fmt: skip
def test_what_a_format_does_not_know_is_refused(columns: str, options: dict[str, str], said: str) -> None:
    with pytest.raises(PenstockError) as caught:
        job_of(columns, options)
    assert said in caught.value.message
