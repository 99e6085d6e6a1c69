"""A job's state in its topic: written whole, found again, torn commits passed over."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from penstock import record
from penstock.client import Client, KafkaError
from penstock.clock import Now
from penstock.errors import PenstockError
from penstock.work import state
from penstock.work.state import StateTopic
from tests.client.fake import FakeKafka
from tests.client.test_client import QUICK

NOW = Now(1.0, 1_000)
BYTES_MAX = 8_000_000


def run(test: Callable[[FakeKafka, Client], Awaitable[None]]) -> None:
    async def go() -> None:
        async with FakeKafka() as server, Client(server.address, options=QUICK) as client:
            await asyncio.wait_for(test(server, client), 20)

    asyncio.run(go())


async def opened(client: Client) -> StateTopic:
    topic = StateTopic(client, "j", BYTES_MAX)
    await topic.open()
    return topic


def noise(seed: int, size: int) -> bytes:
    import random

    return random.Random(seed).randbytes(size)


def test_the_last_commit_is_found_by_another_process() -> None:
    async def test(server: FakeKafka, client: Client) -> None:
        one = await opened(client)
        assert await one.read() is None
        await one.write("f", {"0": {0: 5, 1: 7}}, [b"a", b"bb"], NOW)
        await one.write("f", {"0": {0: 9, 1: 8}}, [b"c", b"", b"dd"], NOW)
        found = await (await opened(client)).read()
        assert found == state.Commit("f", {"0": {0: 9, 1: 8}}, [b"c", b"", b"dd"], 1_000)
        assert len(server.logs[("_penstock.state.j", 0)]) == 2  # one batch a commit

    run(test)


@pytest.mark.parametrize("sizes", [[0], [], [2_000_000], [699_999, 700_001, 1], [1_500_000, 0, 3_000_000]])
def test_large_states_are_cut_into_batches_and_come_back_whole(sizes: list[int]) -> None:
    async def test(server: FakeKafka, client: Client) -> None:
        one = await opened(client)
        blocks = [noise(i, size) for i, size in enumerate(sizes)]
        await one.write("f", {}, [b"before"], NOW)
        await one.write("f", {"0": {0: 1}}, blocks, NOW)
        batches = server.logs[("_penstock.state.j", 0)]
        assert all(len(batch) < 1_000_000 for batch in batches)
        found = await (await opened(client)).read()
        assert found is not None and found.blocks == blocks

    run(test)


def test_a_torn_commit_does_not_count_and_the_one_before_it_does() -> None:
    async def test(server: FakeKafka, client: Client) -> None:
        one = await opened(client)
        await one.write("f", {"0": {0: 1}}, [b"good"], NOW)
        batches = server.logs[("_penstock.state.j", 0)]
        for cut in (1, 2, 3):
            await one.write("f", {"0": {0: 2}}, [noise(1, 2_000_000)], NOW)
            whole = batches[-3:]
            # Only the mark's batch is missing, then one more, then all.
            del batches[len(batches) - cut :]
            other = await opened(client)
            found = await other.read()
            assert found is not None and found.blocks == [b"good"]
            await other.write("f", {"0": {0: 3}}, [b"after"], NOW)
            found = await (await opened(client)).read()
            assert found is not None and found.blocks == [b"after"]
            del batches[1:]
            one._last_mark = found and 1
            assert len(whole) == 3

    run(test)


def test_a_state_above_its_bound_is_refused_with_a_remedy() -> None:
    async def test(server: FakeKafka, client: Client) -> None:
        one = await opened(client)
        with pytest.raises(PenstockError, match="9 MiB, 7 MiB") as caught:
            await one.write("f", {}, [bytes(10_000_000)], NOW)
        assert "state_bytes_max" in caught.value.remedy

    run(test)


def test_a_state_of_a_newer_version_is_refused() -> None:
    async def test(server: FakeKafka, client: Client) -> None:
        one = await opened(client)
        mark = record.Record(b"mark", b'{"format": 2}', 0)
        await client.append("_penstock.state.j", 0, record.encode([mark]))
        with pytest.raises(PenstockError, match="newer penstock"):
            await one.read()

    run(test)


def test_a_commit_that_is_not_acknowledged_fails_and_the_last_one_stands() -> None:
    async def test(server: FakeKafka, client: Client) -> None:
        one = await opened(client)
        await one.write("f", {"0": {0: 1}}, [b"good"], NOW)

        def refuse(api: str, request: Any) -> Any:
            return 10 if api == "Produce" else None

        server.trouble = refuse
        with pytest.raises(KafkaError):
            await one.write("f", {"0": {0: 2}}, [b"bad"], NOW)
        server.trouble = lambda api, request: None
        found = await (await opened(client)).read()
        assert found is not None and found.blocks == [b"good"]

    run(test)
