"""Changes as events: snapshot, changes, resuming after cuts, resets, slow and leaving clients. Under the real server."""

import asyncio
import json
import random
from collections.abc import AsyncIterator

import httpx
import pytest

from penstock import record
from penstock.record import Record
from penstock.tables.live import TableOptions
from penstock.web.http.events import EventOptions
from tests.web.site import World, row, serving, until, world
from tests.web.sse import Folded, events

pytestmark = pytest.mark.anyio
URL = "/api/tables/cores/changes"


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(timeout=10) as client:
        yield client


def state(found: World) -> dict[str, dict[str, object]]:
    table = found.site.watch.feeds.feeds["cores"].table
    assert table is not None
    return {(parsed := json.loads(value))["core"]: parsed for value in table.rows.values()}


async def caught_up(found: World, offset: int) -> str:
    feed = found.site.watch.feeds.feeds["cores"]
    await until(lambda: feed.table is not None and sum(feed.table.offsets) >= offset, 60)
    assert feed.table is not None
    return feed.table.token


async def test_a_new_client_gets_a_snapshot_then_each_change(http: httpx.AsyncClient) -> None:
    async with world() as found, serving(found) as base:
        await found.table()
        found.client.put("cores", 0, [row("a", 1), row("b", 2)])
        await caught_up(found, 2)
        async with http.stream("GET", base + URL) as answer:
            assert answer.headers["content-type"].startswith("text/event-stream")
            assert answer.headers["cache-control"] == "no-store"
            seen = events(answer)
            name, token, data = await anext(seen)
            assert (name, json.loads(data)) == (
                "snapshot",
                {"rows": [{"core": "a", "load": 1}, {"core": "b", "load": 2}], "first": True, "done": True},
            )
            assert token and token.endswith(".2")
            found.client.put("cores", 0, [row("a", 5, 99), row("b", None, 100)])
            name, token, data = await anext(seen)
            assert (name, json.loads(data)) == (
                "change",
                {"kind": "upsert", "key": {"core": "a"}, "row": {"core": "a", "load": 5}, "at_ms": 99},
            )
            assert token and token.endswith(".3")
            name, token, data = await anext(seen)
            assert json.loads(data) == {"kind": "delete", "key": {"core": "b"}, "row": None, "at_ms": 100}


async def test_a_client_cut_a_hundred_times_during_a_hundred_thousand_updates_folds_the_table(
    anywhere: World, http: httpx.AsyncClient
) -> None:
    chance, total, partitions, cuts = random.Random(7), 100_000, 3, 0
    async with serving(anywhere) as base:
        await anywhere.table(partitions=partitions)

        async def update() -> None:
            for start in range(0, total, 500):
                partition = (start // 500) % partitions
                rows = [
                    row(f"{partition}/{chance.randint(0, 40)}", None if chance.random() < 0.1 else start + i)
                    for i in range(500)
                ]
                await anywhere.client.produce("cores", rows, partition)
                while cuts < 100 * start / total:
                    await asyncio.sleep(0.001)

        writing = asyncio.create_task(update())
        client = Folded(http, base + URL)
        while cuts < 100:
            await client.listen(chance.randint(1, 1500), quiet_s=0.05)
            cuts += 1
        await writing
        last = await caught_up(anywhere, total)
        while client.token != last:
            await client.listen(50_000, until_token=last)
        assert client.rows == state(anywhere)
        assert client.snapshots == 1 + client.resets
        assert client.seen > 10_000


async def test_a_client_that_comes_back_gets_only_what_it_missed(http: httpx.AsyncClient) -> None:
    async with world() as found, serving(found) as base:
        await found.table()
        found.client.put("cores", 0, [row(i, i) for i in range(50)])
        await caught_up(found, 50)
        client = Folded(http, base + URL)
        await client.listen(1)
        found.client.put("cores", 0, [row(i, i + 1) for i in range(10)])
        last = await caught_up(found, 60)
        await client.listen(100, until_token=last)
        assert (client.seen, client.resets, client.snapshots) == (11, 0, 1)
        async with http.stream("GET", f"{base}{URL}?since={last}") as answer:
            found.client.put("cores", 0, [row("x", 1)])
            name, _, data = await anext(events(answer))
            assert (name, json.loads(data)["key"]) == ("change", {"core": "x"})


@pytest.mark.parametrize("token", ["nonsense", "AAAAAAAAAAAAAAAAAAAAAA.1", "9" * 1000])
async def test_a_token_that_does_not_fit_is_answered_by_reset_and_a_snapshot(
    http: httpx.AsyncClient, token: str
) -> None:
    async with world() as found, serving(found) as base:
        await found.table()
        found.client.put("cores", 0, [row("a", 1)])
        await caught_up(found, 1)
        async with http.stream("GET", f"{base}{URL}?since={token}") as answer:
            seen = events(answer)
            assert (await anext(seen))[:2] == ("reset", "")
            name, fresh, data = await anext(seen)
            assert (name, json.loads(data)["rows"]) == ("snapshot", [{"core": "a", "load": 1}])
            assert fresh and fresh.endswith(".1")


async def test_a_client_away_for_longer_than_the_ring_is_long_begins_anew(http: httpx.AsyncClient) -> None:
    async with world(tables=TableOptions(ring_changes_max=300)) as found, serving(found) as base:
        await found.table()
        found.client.put("cores", 0, [row("a", 1)])
        await caught_up(found, 1)
        client = Folded(http, base + URL)
        await client.listen(1)
        found.client.put("cores", 0, [row(i % 20, i) for i in range(2000)])
        last = await caught_up(found, 2001)
        await client.listen(10, until_token=last)
        assert (client.resets, client.rows) == (1, state(found))


async def test_a_snapshot_cut_in_the_middle_is_begun_anew(http: httpx.AsyncClient) -> None:
    async with world() as found, serving(found) as base:
        await found.table()
        found.client.put("cores", 0, [row(i, i) for i in range(1700)])
        last = await caught_up(found, 1700)
        client = Folded(http, base + URL)
        await client.listen(2)
        assert client.token == "", "a part of a snapshot is no position"
        assert 0 < len(client.rows) < 1700
        await client.listen(100, until_token=last)
        assert (client.snapshots, client.resets) == (2, 0)
        assert client.rows == state(found)


async def test_a_table_begun_anew_resets_those_who_listen(http: httpx.AsyncClient) -> None:
    async with world() as found, serving(found) as base:
        await found.table()
        found.client.put("cores", 0, [row("old", 1)])
        await caught_up(found, 1)
        async with http.stream("GET", base + URL) as answer:
            seen = events(answer)
            await anext(seen)
            await found.client.delete_topic("cores")
            feed = found.site.watch.feeds.feeds["cores"]
            await until(lambda: feed.table is None)
            await found.client.create_topic("cores", 1)
            found.client.put("cores", 0, [row("new", 1)])
            assert (await anext(seen))[0] == "reset"
            name, _, data = await anext(seen)
            assert (name, json.loads(data)["rows"]) == ("snapshot", [{"core": "new", "load": 1}])


async def test_a_client_that_comes_while_the_table_is_away_is_held_not_refused(
    http: httpx.AsyncClient,
) -> None:
    async with world(events=EventOptions(heartbeat_s=0.1)) as found, serving(found) as base:
        await found.table()
        await caught_up(found, 0)
        await found.client.delete_topic("cores")
        feed = found.site.watch.feeds.feeds["cores"]
        await until(lambda: feed.table is None)
        async with http.stream("GET", base + URL) as answer:
            await asyncio.sleep(0.3)
            await found.client.create_topic("cores", 1)
            assert (answer.status_code, (await anext(events(answer)))[0]) == (200, "snapshot")


async def test_a_stream_ends_with_its_table(http: httpx.AsyncClient) -> None:
    async with world() as found, serving(found) as base:
        await found.table()
        await caught_up(found, 0)
        async with http.stream("GET", base + URL) as answer:
            seen = events(answer)
            await anext(seen)
            await found.client.produce("_penstock.workers", [Record(b"job/writes_cores", None, 0)], 0)
            with pytest.raises(StopAsyncIteration):
                await anext(seen)
        assert (await http.head(f"{base}/api/flow/events")).status_code == 200


async def test_a_slow_client_holds_up_nobody_and_takes_no_memory() -> None:
    async with world(tables=TableOptions(ring_changes_max=500)) as found, serving(found) as base:
        await found.table()
        found.client.put("cores", 0, [row("a", 1)])
        await caught_up(found, 1)
        port = int(base.rpartition(":")[2])
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024)
        writer.write(f"GET {URL} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\n\r\n".encode())
        await until(lambda: found.site.streams.open)
        wide = "x" * 2000
        for start in range(0, 20_000, 500):
            found.client.put(
                "cores",
                0,
                [
                    Record(
                        b'{"core":"a"}', b'{"core":"a","load":%d,"t":"%s"}' % (start + i, wide.encode()), 0
                    )
                    for i in range(500)
                ],
            )
            await caught_up(found, start + 501)
        table = found.site.watch.feeds.feeds["cores"].table
        assert table is not None and len(table.ring) <= 500
        got = b""
        async with asyncio.timeout(20):
            while b'"load":19999' not in got[-4000:]:
                got += await reader.read(65536)
        assert b"event: reset" in got, "what it missed was not kept for it"
        assert len(got) < 30_000_000
        writer.close()


async def test_a_client_that_leaves_is_noticed_at_once(http: httpx.AsyncClient) -> None:
    async with world() as found, serving(found) as base:
        await found.table()
        await caught_up(found, 0)
        async with http.stream("GET", base + URL) as answer:
            await anext(events(answer))
            assert found.site.streams.counts() == {"flow": 0, "table": 1}
        await until(lambda: found.site.streams.counts() == {"flow": 0, "table": 0}, 2)


async def test_a_quiet_stream_says_that_it_is_still_there(http: httpx.AsyncClient) -> None:
    async with world(events=EventOptions(heartbeat_s=0.1)) as found, serving(found) as base:
        await found.table()
        await caught_up(found, 0)
        async with http.stream("GET", base + URL) as answer:
            beats = 0
            async for line in answer.aiter_lines():
                beats += line.startswith(":")
                if beats == 3:
                    break


async def test_there_is_room_for_so_many_clients_and_no_more(http: httpx.AsyncClient) -> None:
    async with world(events=EventOptions(clients_max=2)) as found, serving(found) as base:
        await found.table()
        await caught_up(found, 0)
        async with (
            http.stream("GET", base + URL) as one,
            http.stream("GET", base + "/api/flow/events") as two,
        ):
            assert (one.status_code, two.status_code) == (200, 200)
            third = await http.get(base + URL)
            assert third.status_code == 503
            assert third.headers["retry-after"] == "5"
            assert "2 clients listen" in third.json()["error"]
        await until(lambda: not found.site.streams.open)
        async with http.stream("GET", base + URL) as again:
            assert again.status_code == 200


async def test_the_flow_is_sent_as_it_is_drawn(http: httpx.AsyncClient) -> None:
    async with world() as found, serving(found) as base:
        found.site.ticker.tick()
        async with http.stream("GET", base + "/api/flow/events") as answer:
            seen = events(answer)
            name, token, data = await anext(seen)
            assert name == "flow" and token == str(json.loads(data)["at_ms"])
            await asyncio.sleep(0.01)
            found.site.ticker.tick()
            assert (await anext(seen))[1] != token


async def test_many_listeners_share_one_encoding_of_each_change(http: httpx.AsyncClient) -> None:
    async with world() as found, serving(found) as base:
        await found.table()
        found.client.put("cores", 0, [row("a", 1)])
        last = await caught_up(found, 1)
        clients = [Folded(http, f"{base}{URL}") for _ in range(20)]
        for client in clients:
            client.token = last
        listening = [asyncio.create_task(client.listen(300)) for client in clients]
        await until(lambda: len(found.site.streams.open) == 20)
        found.client.put("cores", 0, [row(i % 7, i) for i in range(300)])
        await asyncio.gather(*listening)
        expected = {str(k): v for k, v in state(found).items() if k != "a"}
        assert all({str(k): v for k, v in client.rows.items()} == expected for client in clients)


async def test_a_batch_that_is_damaged_is_left_out_and_the_rest_is_served(http: httpx.AsyncClient) -> None:
    async with world() as found:
        await found.table()
        await caught_up(found, 0)
        feed = found.site.watch.feeds.feeds["cores"]
        assert feed.table is not None
        batch = bytearray(record.encode([row("a", 1)]))
        batch[-1] ^= 0xFF
        from penstock.client.reader import Chunk

        await feed._fold(feed.table, Chunk("cores", 0, 0, bytes(batch), 1, 1))
        found.client.topics["cores"].ends[0] = 1
        found.client.put("cores", 0, [row("b", 2)])
        await until(lambda: feed.table is not None and b'{"core":"b"}' in feed.table.rows)
