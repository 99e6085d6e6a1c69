"""The contract that every connector keeps, and what is each one's own."""

import asyncio
import importlib
import json
import re
from collections.abc import Callable
from typing import Any

import polars as pl
import pytest

from penstock.client import Client
from penstock.clock import Now
from penstock.engine.job import Output
from penstock.engine.plan import Table
from penstock.engine.types import Column
from penstock.errors import PenstockError
from penstock.record import Record, encode
from penstock.sql import parse
from penstock.work.connectors import CONNECTORS, connector_of
from penstock.work.connectors.print_ import lines
from penstock.work.connectors.shape import Arrival, Site
from penstock.work.connectors.tables import duration_s
from penstock.work.connectors.upsert_kafka import COMPACTED
from tests.client.fake import FakeKafka
from tests.client.test_client import QUICK

NOW = Now(100.0, 1_700_000_000_000)
MODULES = {name: importlib.import_module(type(c).__module__) for name, c in CONNECTORS.items()}
REQUIRED = {
    "kafka": {"topic": "t", "format": "json"},
    "upsert-kafka": {"topic": "t", "key.format": "json", "value.format": "json"},
    "datagen": {"number-of-rows": "40", "rows-per-second": "10"},
}
READ, WRITTEN = ("kafka", "upsert-kafka", "datagen"), ("kafka", "upsert-kafka", "print", "blackhole")


def table(connector: str, **options: str) -> Table:
    more = {key.replace("__", "-").replace("_", "."): value for key, value in options.items()}
    given = {"connector": connector, **REQUIRED.get(connector, {}), **more}
    key = ("id",) if connector == "upsert-kafka" else ()
    return Table("things", (Column("id", "BIGINT"), Column("name", "STRING")), given, key)


def site(client: Callable[[str], Client] = lambda address: Client("127.0.0.1:1")) -> Site:
    return Site("job", client, lambda: None, lambda note: None, asyncio.sleep)


def run(test: Callable[[FakeKafka, Site], Any], **fake: Any) -> None:
    async def go() -> None:
        async with FakeKafka(**fake) as server, Client(server.address, options=QUICK) as client:
            await asyncio.wait_for(test(server, site(lambda address: client)), 20)

    asyncio.run(go())


def batch(*values: object, first: int = 0) -> bytes:
    records = [
        Record(json.dumps({"id": v}).encode(), json.dumps({"id": v}).encode(), 1000 + i)
        for i, v in enumerate(values)
    ]
    return encode(records, base_offset=first)


# --- the contract ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CONNECTORS)
def test_its_file_shows_an_example_that_parses_and_tells_its_options(name: str) -> None:
    words = MODULES[name].__doc__ or ""
    example = re.search(r"CREATE TABLE .*?\)(?=\n\n)", words, re.DOTALL)
    assert "Options" in words and "Source: Flink documentation" in words and example
    rest = """;
        CREATE TABLE gen_ (x BIGINT) WITH ('connector' = 'datagen');
        CREATE TABLE sink_ (x BIGINT) WITH ('connector' = 'blackhole');
        INSERT INTO sink_ SELECT x FROM gen_"""
    assert name in [t.connector for t in parse(example[0] + rest).tables if not t.name.endswith("_")]


@pytest.mark.parametrize("name", CONNECTORS)
def test_an_unknown_option_is_refused_with_the_known_ones(name: str) -> None:
    with pytest.raises(PenstockError, match=r"things.*no.such.thing"):
        connector_of(table(name, no_such_thing="1"))


@pytest.mark.parametrize("name", [name for name in CONNECTORS if name not in READ])
def test_what_cannot_be_read_says_so_with_a_remedy(name: str) -> None:
    with pytest.raises(PenstockError, match="can only be written") as caught:
        CONNECTORS[name].source(table(name), site())
    assert caught.value.remedy


@pytest.mark.parametrize("name", [name for name in CONNECTORS if name not in WRITTEN])
def test_what_cannot_be_written_says_so_with_a_remedy(name: str) -> None:
    with pytest.raises(PenstockError, match="can only be read") as caught:
        CONNECTORS[name].sink(table(name), site())
    assert caught.value.remedy


@pytest.mark.parametrize("name", WRITTEN)
def test_a_sink_takes_rows_and_batches_and_nothing_and_says_when_they_are_safe(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    async def test(server: FakeKafka, where: Site) -> None:
        sink = CONNECTORS[name].sink(table(name), where)
        await sink.open()
        rows = pl.DataFrame({"$kind": pl.Series([0], dtype=pl.Int8), "id": [7], "name": ["x"]})
        await sink.write(Output(sink=0, rows=rows, batches=[(None, batch(7))], dead_letters=[]))
        await sink.write(Output(sink=0, rows=rows.clear(), batches=[], dead_letters=[]))
        await sink.flush()
        if "kafka" in name:
            assert [r.value for r in server.records()] == [b'{"id": 7}']

    run(test)
    assert capsys.readouterr().out == ("+I[7, x]\n" if name == "print" else "")


def gathered(arrivals: list[Arrival]) -> list[Any]:
    from penstock.record import decode

    found: list[Any] = []
    for arrival in arrivals:
        found += (
            arrival.rows.rows() if arrival.rows is not None else [r.value for r in decode(arrival.batches)]
        )
    return found


@pytest.mark.parametrize("name", READ)
def test_a_source_opened_again_at_its_positions_misses_nothing_and_repeats_nothing(name: str) -> None:
    async def test(server: FakeKafka, where: Site) -> None:
        server.logs[("t", 0)] = [batch(*range(i, i + 10), first=i) for i in range(0, 40, 10)]

        async def read(positions: dict[int, int] | None, count: int) -> tuple[list[Any], dict[int, int]]:
            source = CONNECTORS[name].source(table(name), where)
            await source.open(positions, NOW)
            found: list[Any] = []
            now = NOW
            while len(found) < count:
                await asyncio.sleep(0.01)
                now = now.after(0.5)
                found += gathered(source.read(now))
            positions = dict(source.positions)
            assert source.caught_up(0) == (positions[0] == 40)
            await source.close()
            return found, positions

        whole, _ = await read(None, 40)
        assert len(whole) == 40
        if name == "datagen":
            first, positions = await read(None, 15)
        else:
            first, positions = whole[:20], {0: 20}
        rest, _ = await read(positions, 40 - len(first))
        assert first + rest == whole

    run(test)


# --- kafka -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, list(range(6))),
        ({"scan_startup_mode": "earliest-offset"}, list(range(6))),
        ({"scan_startup_mode": "latest-offset"}, []),
        ({"scan_startup_mode": "timestamp", "scan_startup_timestamp__millis": "1004"}, [4, 5]),
        ({"scan_startup_mode": "timestamp", "scan_startup_timestamp__millis": "9999"}, []),
        ({"properties_group_id": "g"}, [3, 4, 5]),
        ({"properties_group_id": "new"}, list(range(6))),
        ({"properties_group_id": "new", "properties_auto_offset_reset": "latest"}, []),
        ({"properties_group_id": "g", "scan_startup_mode": "earliest-offset"}, list(range(6))),
    ],
)
def test_reading_begins_where_the_startup_mode_says_even_inside_a_batch(
    options: dict[str, str], expected: list[int]
) -> None:
    async def test(server: FakeKafka, where: Site) -> None:
        server.logs[("t", 0)] = [batch(*range(6))]
        server.commits[("g", "t", 0)] = 3
        source = CONNECTORS["kafka"].source(table("kafka", **options), where)
        await source.open(None, NOW)
        await asyncio.sleep(0.1)
        assert gathered(source.read(NOW)) == [json.dumps({"id": i}).encode() for i in expected]
        assert source.positions == {0: 6}
        home = source.offsets
        if group := options.get("properties_group_id"):
            assert home == (group, {("t", 0): 6})  # the job's commit takes them
        await source.close()

    run(test)


def test_records_that_retention_took_are_passed_over_and_counted() -> None:
    async def test(server: FakeKafka, where: Site) -> None:
        server.logs[("t", 0)] = [batch(7, 8, first=7)]
        notes: list[str] = []
        source = CONNECTORS["kafka"].source(
            table("kafka"), Site("job", where.client, lambda: None, notes.append, asyncio.sleep)
        )
        await source.open({0: 2}, NOW)
        await asyncio.sleep(0.1)
        assert len(gathered(source.read(NOW))) == 2 and source.positions == {0: 9}
        assert notes == ["5 records of t-0 were deleted by retention before they were read"]
        await source.close()

    run(test)


def test_a_mode_that_lacks_its_companion_is_refused_with_a_remedy() -> None:
    async def test(server: FakeKafka, where: Site) -> None:
        for mode, remedy in (("timestamp", "timestamp-millis"), ("group-offsets", "group.id")):
            with pytest.raises(PenstockError) as caught:
                await (
                    CONNECTORS["kafka"].source(table("kafka", scan_startup_mode=mode), where).open(None, NOW)
                )
            assert remedy in caught.value.remedy

    run(test)


def test_a_source_waits_for_its_topic_and_says_so() -> None:
    async def test(server: FakeKafka, where: Site) -> None:
        notes: list[str] = []
        waiting = Site("job", where.client, lambda: None, notes.append, lambda s: asyncio.sleep(s / 20))
        source = CONNECTORS["kafka"].source(table("kafka", topic="later"), waiting)
        opening = asyncio.create_task(source.open(None, NOW))
        await asyncio.sleep(0.1)
        assert not opening.done() and notes == ["waiting for the topic later, which does not exist yet"]
        server.topics["later"] = 1
        await opening
        await source.close()

    run(test)


def test_batches_go_to_their_partition_and_those_for_any_take_turns() -> None:
    async def test(server: FakeKafka, where: Site) -> None:
        sink = CONNECTORS["kafka"].sink(table("kafka"), where)
        await sink.open()
        assert sink.partitions == 3
        for meant, value in ((1, "x"), (1, "y"), (None, 0), (None, 1), (None, 2)):
            await sink.write(Output(sink=0, batches=[(meant, batch(value))]))
        await sink.flush()
        held = [[json.loads(r.value or b"")["id"] for r in server.records("t", p)] for p in range(3)]
        assert held == [[2], ["x", "y", 0], [1]]

    run(test, partitions=3)


def test_a_missing_topic_is_created_compacted_for_an_upsert_table() -> None:
    async def test(server: FakeKafka, where: Site) -> None:
        asked: list[Any] = []
        server.trouble = lambda api, request: asked.append(request) if api == "CreateTopics" else None
        await CONNECTORS["upsert-kafka"].sink(table("upsert-kafka", topic="u"), where).open()
        await CONNECTORS["kafka"].sink(table("kafka", topic="k"), where).open()
        configs = [{c.name: c.value for c in request.topics[0].configs} for request in asked]
        assert configs == [COMPACTED, {}]

    run(test)


def test_a_table_may_name_another_kafka() -> None:
    asked: list[str] = []

    def client(address: str) -> Client:
        asked.append(address)
        return Client("127.0.0.1:1")

    CONNECTORS["kafka"].source(table("kafka", properties_bootstrap_servers="far:9092"), site(client))
    CONNECTORS["kafka"].sink(table("kafka"), site(client))
    assert asked == ["far:9092", ""]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("500 ms", 0.5), ("5s", 5), ("1 min", 60), ("2 minutes", 120), ("7", 0.007), ("1h", 3600)],
)
def test_durations_are_read_as_flink_reads_them(text: str, seconds: float) -> None:
    assert duration_s(text) == pytest.approx(seconds)


# --- print -----------------------------------------------------------------------------------------------------------


def test_rows_are_printed_as_flink_prints_them() -> None:
    from datetime import UTC, datetime

    rows = pl.DataFrame(
        {
            "$kind": pl.Series([0, 1, 2, 3], dtype=pl.Int8),
            "text": ["a", None, "b", "c"],
            "number": [1.5, 2.0, None, -0.25],
            "flag": [True, False, None, True],
            "at": [
                datetime(2026, 1, 2, 3, 4, tzinfo=UTC).replace(tzinfo=None),
                datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC).replace(tzinfo=None),
                datetime(2026, 1, 2, 3, 4, 5, 600000, tzinfo=UTC).replace(tzinfo=None),
                None,
            ],
        }
    )
    assert lines(Output(sink=0, rows=rows, batches=[], dead_letters=[])) == [
        "+I[a, 1.5, true, 2026-01-02T03:04]",
        "-U[null, 2.0, false, 2026-01-02T03:04:05]",
        "+U[b, null, null, 2026-01-02T03:04:05.600]",
        "-D[c, -0.25, true, null]",
    ]


def test_lines_begin_with_the_identifier(capsys: pytest.CaptureFixture[str]) -> None:
    sink = CONNECTORS["print"].sink(table("print", print__identifier="me", standard__error="true"), site())
    rows = pl.DataFrame({"$kind": pl.Series([0], dtype=pl.Int8), "id": [1]})
    asyncio.run(sink.write(Output(sink=0, rows=rows, batches=[], dead_letters=[])))  # type: ignore[arg-type]
    assert capsys.readouterr().err == "me> +I[1]\n"
