"""A job's state in its topic: journal and snapshots, found again whole; torn, newer, older and damaged ones."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest

from penstock import record
from penstock.client import Client, KafkaError
from penstock.clock import Now
from penstock.errors import PenstockError
from penstock.record import Record
from penstock.work.state import Call, Entry, Kept, Positions, StateTopic
from penstock.work.state.records import Mark
from tests.client.fake import FakeKafka
from tests.client.test_client import QUICK

NOW = Now(1.0, 1_000)
BYTES_MAX = 8_000_000
TOPIC = "_penstock.state.j"
Links = Sequence[tuple[str, list[int]]]


def run(test: Callable[[FakeKafka, Client], Awaitable[None]]) -> None:
    async def go() -> None:
        async with FakeKafka() as server, Client(server.address, options=QUICK) as client:
            await asyncio.wait_for(test(server, client), 20)

    asyncio.run(go())


async def opened(client: Client) -> StateTopic:
    topic = StateTopic(client, "j", BYTES_MAX)
    await topic.open()
    await topic.claim("w0", NOW)
    return topic


async def found(client: Client) -> Kept | None:
    return await (await opened(client)).read()


def calls(number: int) -> list[Call]:
    return [Call("records", 0, 1, 10 * number, 10 * number + 10, 1_000 + number)]


async def journal(topic: StateTopic, number: int, positions: Positions, fresh: str = "") -> int:
    entry = Entry(number, calls(number), positions, fresh)
    return await topic.append(iter([topic.entry(entry, NOW)]))


async def snapshot(
    topic: StateTopic, number: int, positions: Positions, blocks: list[bytes], behind: Links = ()
) -> tuple[int, Links]:
    """Pieces and mark; the first piece's offset, and what a snapshot that goes on from this one is behind."""
    name, counts, batches = topic.pieces(blocks, NOW)
    first = await topic.append(batches)
    await topic.append(iter([topic.mark(Mark(number, "plan", positions, name, counts, [*behind]), NOW)]))
    return first, [*behind, (name, counts)]


def noise(seed: int, size: int) -> bytes:
    import random

    return random.Random(seed).randbytes(size)


def test_the_journal_is_found_by_another_process_with_the_positions_it_comes_to() -> None:
    async def test(server: FakeKafka, client: Client) -> None:
        one = await opened(client)
        assert await one.read() is None
        await journal(one, 1, {0: {0: 5, 1: 7}, 1: {0: 1}}, fresh="plan")
        await journal(one, 2, {0: {1: 9}})
        kept = await found(client)
        assert kept is not None and kept.blocks is None and kept.fingerprint == "plan"
        assert kept.calls == [*calls(1), *calls(2)] and kept.number == 2
        assert kept.positions == {0: {0: 5, 1: 9}, 1: {0: 1}}

    run(test)


def test_a_snapshot_takes_the_place_of_the_journal_up_to_its_number_wherever_it_stands() -> None:
    async def test(server: FakeKafka, client: Client) -> None:
        one = await opened(client)
        await journal(one, 1, {0: {0: 1}}, fresh="plan")
        await journal(one, 2, {0: {0: 2}})
        await journal(one, 3, {0: {0: 3}})
        await snapshot(one, 2, {0: {0: 2}}, [b"a", b"", b"bb"])
        await journal(one, 4, {0: {0: 4}})
        kept = await found(client)
        assert kept is not None and kept.blocks == [b"a", b"", b"bb"] and kept.number == 4
        assert kept.calls == [*calls(3), *calls(4)] and kept.positions == {0: {0: 4}}
        assert [number for number, _ in kept.needed] == [3, 4]

    run(test)


@pytest.mark.parametrize("sizes", [[0], [], [2_000_000], [699_999, 700_001, 1], [1_500_000, 0, 3_000_000]])
def test_large_states_are_cut_into_batches_and_come_back_whole(sizes: list[int]) -> None:
    async def test(server: FakeKafka, client: Client) -> None:
        one = await opened(client)
        blocks = [noise(i, size) for i, size in enumerate(sizes)]
        await snapshot(one, 1, {}, [b"before"])
        await snapshot(one, 1, {0: {0: 1}}, blocks)
        assert all(len(batch) < 1_000_000 for batch in server.logs[(TOPIC, 0)])
        kept = await found(client)
        assert kept is not None and kept.blocks == blocks

    run(test)


def test_pieces_without_their_mark_do_not_count_nor_do_those_of_another_run_among_them() -> None:
    async def test(server: FakeKafka, client: Client) -> None:
        one, other = await opened(client), await opened(client)
        await snapshot(one, 1, {0: {0: 1}}, [b"good"])
        mine = one.pieces([noise(1, 900_000), b"x"], NOW)
        theirs = other.pieces([noise(2, 900_000), b"y"], NOW)
        for one_batch, other_batch in zip(mine[2], theirs[2], strict=True):
            await one.append(iter([one_batch]))
            await other.append(iter([other_batch]))
        kept = await found(client)
        assert kept is not None and kept.blocks == [b"good"]
        await one.append(iter([one.mark(Mark(1, "plan", {}, mine[0], mine[1]), NOW)]))
        kept = await found(client)
        assert kept is not None and kept.blocks == [noise(1, 900_000), b"x"]

    run(test)


def test_a_snapshot_that_goes_on_from_others_is_found_behind_them() -> None:
    async def test(server: FakeKafka, client: Client) -> None:
        one = await opened(client)
        await snapshot(one, 1, {}, [b"older"])
        base, links = await snapshot(one, 1, {0: {0: 1}}, [b"a", noise(1, 900_000)])
        await one.append(one.pieces([b"never marked"], NOW)[2])
        _, links = await snapshot(one, 2, {0: {0: 2}}, [b"b", b""], links)
        await snapshot(one, 3, {0: {0: 3}}, [noise(2, 800_000)], links)
        await one.trim(base)
        kept = await found(client)
        assert kept is not None and kept.positions == {0: {0: 3}}
        assert kept.blocks == [b"a", noise(1, 900_000), b"b", b"", noise(2, 800_000)]
        await snapshot(one, 4, {0: {0: 4}}, [b"whole"])
        kept = await found(client)
        assert kept is not None and kept.blocks == [b"whole"]
        await snapshot(one, 5, {0: {0: 5}}, [b"c"], links)
        with pytest.raises(PenstockError, match="4 pieces of a snapshot are gone"):
            await found(client)

    run(test)


def test_what_only_an_older_mark_of_a_chain_needed_may_be_gone() -> None:
    async def test(server: FakeKafka, client: Client) -> None:
        one = await opened(client)
        await journal(one, 1, {0: {0: 1}}, fresh="plan")
        await journal(one, 2, {0: {0: 2}})
        name, counts, batches = one.pieces([b"a"], NOW)  # of the state after 1, written behind 2
        base = await one.append(batches)
        await journal(one, 3, {0: {0: 3}})
        await one.append(iter([one.mark(Mark(1, "plan", {0: {0: 1}}, name, counts), NOW)]))
        kept = await found(client)
        assert kept is not None and kept.calls == [*calls(2), *calls(3)]
        await snapshot(one, 3, {0: {0: 3}}, [b"b"], [(name, counts)])
        await journal(one, 4, {0: {0: 4}})
        await one.trim(base)
        kept = await found(client)
        assert kept is not None and kept.blocks == [b"a", b"b"] and kept.calls == calls(4)
        assert kept.positions == {0: {0: 4}} and [number for number, _ in kept.needed] == [4]

    run(test)


def test_what_begins_anew_voids_all_before_it() -> None:
    async def test(server: FakeKafka, client: Client) -> None:
        one = await opened(client)
        await snapshot(one, 7, {0: {0: 1}}, [b"old"])
        await journal(one, 8, {0: {0: 2}})
        await journal(one, 9, {0: {0: 0}}, fresh="other plan")
        kept = await found(client)
        assert kept is not None and kept.blocks is None and kept.fingerprint == "other plan"
        assert kept.calls == calls(9) and kept.positions == {0: {0: 0}}

    run(test)


def test_a_trimmed_topic_may_begin_with_records_that_its_snapshot_holds_already() -> None:
    async def test(server: FakeKafka, client: Client) -> None:
        one = await opened(client)
        await journal(one, 1, {0: {0: 1}}, fresh="plan")
        name, counts, batches = one.pieces([b"state"], NOW)
        first = await one.append(batches)  # begun while commit 2 was on its way
        for number in (2, 3):
            await journal(one, number, {0: {0: number}})
        await one.append(iter([one.mark(Mark(2, "plan", {0: {0: 2}}, name, counts), NOW)]))
        assert await one.trim(first) == ""
        assert next(record.scan(server.logs[(TOPIC, 0)][0])).base_offset == first
        kept = await found(client)
        assert kept is not None and kept.blocks == [b"state"] and kept.calls == calls(3)

    run(test)


def test_a_topic_that_may_not_be_trimmed_is_told_of_and_goes_on() -> None:
    async def test(server: FakeKafka, client: Client) -> None:
        one = await opened(client)
        server.trouble = lambda api, request: 29 if api == "DeleteRecords" else None
        assert "not trimmed" in await one.trim(1)

    run(test)


def test_a_state_above_its_bound_is_refused_with_a_remedy() -> None:
    async def test(server: FakeKafka, client: Client) -> None:
        with pytest.raises(PenstockError, match="9 MiB, 7 MiB") as caught:
            (await opened(client)).pieces([bytes(10_000_000)], NOW)
        assert "state_bytes_max" in caught.value.remedy

    run(test)


@pytest.mark.parametrize("key", [b"mark", b"journal"])
def test_a_state_of_a_newer_version_is_refused(key: bytes) -> None:
    async def test(server: FakeKafka, client: Client) -> None:
        await opened(client)
        await client.append(TOPIC, 0, record.encode([Record(key, b'{"format": 4}', 0)]))
        with pytest.raises(PenstockError, match="newer penstock"):
            await found(client)

    run(test)


@pytest.mark.parametrize("what", ["gap", "piece", "start", "noise", "json"])
def test_damage_is_refused_and_never_half_read(what: str) -> None:
    async def test(server: FakeKafka, client: Client) -> None:
        one = await opened(client)
        if what == "gap":
            await journal(one, 1, {}, fresh="plan")
            await journal(one, 3, {})
        elif what == "piece":
            name, counts, batches = one.pieces([noise(1, 2_000_000)], NOW)
            await one.append(iter(list(batches)[:-1]))
            await one.append(iter([one.mark(Mark(1, "plan", {}, name, counts), NOW)]))
        elif what == "start":
            await journal(one, 2, {})
        else:
            key = b"other" if what == "noise" else b"mark"
            await client.append(TOPIC, 0, record.encode([Record(key, b"\x00", 0)]))
        with pytest.raises(PenstockError, match="damaged") as caught:
            await found(client)
        assert "delete the topic" in caught.value.remedy

    run(test)


def old_commit(positions: Any, blocks: list[bytes], first: int) -> bytes:
    """A commit as format 1 wrote it: pieces and their mark in one batch."""
    previous = (("previous", b"-1"),)
    held = [Record(b"piece", block, 0, previous) for block in blocks]
    mark = {
        "format": 1,
        "fingerprint": "plan",
        "positions": positions,
        "blocks": [1] * len(blocks),
        "first": first,
    }
    return record.encode([*held, Record(b"mark", json.dumps(mark).encode(), 0, previous)])


def test_state_of_the_format_before_the_journal_is_taken_up_and_written_anew() -> None:
    async def test(server: FakeKafka, client: Client) -> None:
        await client.create_topic(TOPIC)
        await client.append(TOPIC, 0, old_commit({"0": {"0": 4}}, [b"older"], -1))
        await client.append(TOPIC, 0, old_commit({"0": {"0": 5, "1": 6}}, [b"a", b"b"], -1))
        kept = await found(client)
        assert kept is not None and kept.blocks == [b"a", b"b"] and kept.old and kept.number == 0
        assert kept.positions == {0: {0: 5, 1: 6}} and kept.calls == []
        assert "IncrementalAlterConfigs" in server.seen  # retention by size would take the journal
        one = await opened(client)
        await journal(one, 1, {0: {0: 9}})
        kept = await one.read()
        assert kept is not None and kept.calls == calls(1) and kept.positions == {0: {0: 9, 1: 6}}
        await snapshot(one, 1, {0: {0: 9}}, [b"new"])
        kept = await one.read()
        assert kept is not None and not kept.old and kept.blocks == [b"new"]

    run(test)


def test_an_append_that_is_refused_fails_and_what_stood_before_stands() -> None:
    async def test(server: FakeKafka, client: Client) -> None:
        one = await opened(client)
        await snapshot(one, 1, {}, [b"good"])
        server.trouble = lambda api, request: 10 if api == "Produce" else None
        with pytest.raises(KafkaError):
            await journal(one, 2, {})
        server.trouble = lambda api, request: None
        kept = await found(client)
        assert kept is not None and kept.blocks == [b"good"] and kept.calls == []

    run(test)


def test_who_claims_the_job_after_us_is_named() -> None:
    async def test(server: FakeKafka, client: Client) -> None:
        one = await opened(client)
        assert await one.claimed_by() == ""
        other = StateTopic(client, "j", BYTES_MAX)
        await other.claim("w7", NOW)
        assert (await one.claimed_by()).startswith("worker w7 (process ")
        assert await other.claimed_by() == ""

    run(test)
