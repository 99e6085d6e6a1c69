"""The client's transactions, on penstock and on Apache Kafka: whole or not at all, fenced, retried, refused."""

import asyncio
import time
import uuid
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from penstock.calls import EARLIEST, ProducerIdentity
from penstock.client import Client, ClientOptions, FencedError, KafkaError
from penstock.client.reader import ReaderOptions
from penstock.client.writing.stamp import stamp
from penstock.record import Record, check, decode, encode, intact, scan
from penstock.testing.processes import BrokerProcess
from tests.client.fake import FakeKafka

NOW_MS = int(time.time() * 1000)
QUICK = ClientOptions(backoff_first_s=0.02, backoff_max_s=0.2, deadline_s=15.0, delivery_timeout_s=30.0)


def batch(*values: str) -> bytes:
    return encode([Record(None, value.encode(), NOW_MS) for value in values])


async def committed(client: Client, topic: str) -> list[str]:
    """Every value that a reader of committed records sees, now."""
    ends = await client.offsets(topic, committed=True)
    starts = await client.offsets(topic, EARLIEST)
    found: list[str] = []
    options = ReaderOptions(committed=True)
    async with client.reader({(topic, p): o for p, o in starts.items()}, options=options) as reader:
        while any(reader.positions[topic, p] < end for p, end in ends.items()):
            for chunk in await reader.read(5):
                found += [(r.value or b"").decode() for r in decode(chunk.batches)]
        for chunk in reader.take():
            found += [(r.value or b"").decode() for r in decode(chunk.batches)]
    return sorted(found)


async def comes_to(client: Client, topic: str, expected: list[str]) -> None:
    """Kafka answers EndTxn before its markers are written."""
    for _ in range(100):
        if (found := await committed(client, topic)) == expected:
            return
        await asyncio.sleep(0.05)
    raise AssertionError(found)


def run(address: str, test: Callable[[Client, str], Awaitable[None]]) -> None:
    async def go() -> None:
        async with Client(address, options=QUICK) as client:
            name = f"tx-{uuid.uuid4().hex[:8]}"
            await client.create_topic(name, 2)
            await asyncio.wait_for(test(client, name), 60)

    asyncio.run(go())


# --- the plain case --------------------------------------------------------------------------------------------------


def test_what_is_committed_is_seen_whole_with_its_offsets_and_what_is_aborted_is_not(address: str) -> None:
    async def test(client: Client, name: str) -> None:
        writer = client.transactions(name)
        await writer.open()
        for number in range(6):
            await writer.enlist([(name, 0), (name, 1)])
            for part in (0, 1):
                for i in range(8):  # more than may be in flight at once
                    writer.push(name, part, batch(f"{number}.{part}.{i}.a", f"{number}.{part}.{i}.b"))
            await writer.send_offsets(f"{name}-group", {(name, 0): number + 1, (name, 1): 7})
            await writer.end(commit=number % 2 == 0)
        expected = [
            f"{n}.{p}.{i}.{x}" for n in (0, 2, 4) for p in (0, 1) for i in range(8) for x in ("a", "b")
        ]
        await comes_to(client, name, sorted(expected))
        assert await client.committed(f"{name}-group") == {(name, 0): 5, (name, 1): 7}

    run(address, test)


def test_nothing_is_seen_before_the_end(address: str) -> None:
    async def test(client: Client, name: str) -> None:
        writer = client.transactions(name)
        await writer.open()
        await writer.enlist([(name, 0)])
        assert await writer.push(name, 0, batch("early")) >= 0
        assert await committed(client, name) == []
        await writer.end()
        await comes_to(client, name, ["early"])
        await writer.end()  # nothing is open: nothing to decide

    run(address, test)


# --- fencing ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("step", ["enlist", "push", "offsets", "end"])
def test_who_opens_the_id_fences_whoever_had_it_at_every_step(address: str, step: str) -> None:
    async def test(client: Client, name: str) -> None:
        first, second = client.transactions(name), client.transactions(name)
        await first.open()
        if step != "enlist":
            await first.enlist([(name, 0)])
            await first.push(name, 0, batch("of the first"))
        await second.open()
        with pytest.raises(FencedError):
            if step == "enlist":
                await first.enlist([(name, 0)])
            elif step == "push":
                first.push(name, 0, batch("too late"))
                await first.end()
            elif step == "offsets":
                await first.send_offsets(f"{name}-group", {(name, 0): 1})
            else:
                await first.end()
        with pytest.raises(FencedError):  # and it stays fenced
            await first.enlist([(name, 1)])
        await second.enlist([(name, 0)])
        second.push(name, 0, batch("of the second"))
        await second.end()
        await comes_to(client, name, ["of the second"])
        await first.open()  # until it takes the id back
        await first.enlist([(name, 0)])
        first.push(name, 0, batch("again of the first"))
        await first.end()
        await comes_to(client, name, ["again of the first", "of the second"])

    run(address, test)


def test_a_transaction_that_takes_too_long_is_aborted_and_its_producer_fenced(broker_address: str) -> None:
    async def test(client: Client, name: str) -> None:
        writer = client.transactions(name, timeout_ms=300)
        await writer.open()
        await writer.enlist([(name, 0)])
        await writer.push(name, 0, batch("slow"))
        await asyncio.sleep(1.0)
        with pytest.raises(FencedError, match="took too long"):
            await writer.end()
        assert await committed(client, name) == []

    run(broker_address, test)


# --- refusals --------------------------------------------------------------------------------------------------------


def test_a_topic_that_is_not_there_and_a_timeout_that_is_too_long_are_refused(address: str) -> None:
    async def test(client: Client, name: str) -> None:
        with pytest.raises(KafkaError) as caught:
            await client.transactions(name, timeout_ms=2**31 - 1).open()
        assert caught.value.name == "INVALID_TRANSACTION_TIMEOUT" and caught.value.remedy
        writer = client.transactions(name)
        await writer.open()
        with pytest.raises(KafkaError) as caught:
            await writer.enlist([("no-such-topic", 0)])
        assert caught.value.name == "UNKNOWN_TOPIC_OR_PARTITION"
        with pytest.raises(ValueError, match="not enlisted"):
            await writer.open()
            writer.push(name, 0, batch("x"))

    run(address, test)


def test_a_batch_that_is_refused_fails_the_transaction_and_an_open_begins_anew(address: str) -> None:
    async def test(client: Client, name: str) -> None:
        writer = client.transactions(name)
        await writer.open()
        await writer.enlist([(name, 0)])
        writer.push(name, 0, batch("good"))
        writer.push(name, 0, encode([Record(None, bytes(2_000_000), NOW_MS)]))
        writer.push(name, 0, batch("behind it"))
        with pytest.raises(KafkaError) as caught:
            await writer.end()
        assert caught.value.name == "MESSAGE_TOO_LARGE"
        await writer.end(commit=False)
        await writer.open()
        await writer.enlist([(name, 0)])
        writer.push(name, 0, batch("anew"))
        await writer.end()
        await comes_to(client, name, ["anew"])

    run(address, test)


def test_records_are_deleted_before_an_offset(address: str) -> None:
    async def test(client: Client, name: str) -> None:
        await client.produce(name, [Record(None, str(i).encode(), NOW_MS) for i in range(10)], 1)
        await client.delete_records(name, {1: 4})
        assert (await client.offsets(name, EARLIEST))[1] == 4
        with pytest.raises(KafkaError) as caught:
            await client.delete_records(name, {1: 40})
        assert caught.value.name == "OFFSET_OUT_OF_RANGE"

    run(address, test)


# --- servers that move, hesitate and die -----------------------------------------------------------------------------


def test_a_broker_that_is_killed_at_every_step_loses_and_repeats_nothing(tmp_path: Path) -> None:
    async def test(broker: BrokerProcess) -> None:
        async with Client(broker.address, options=QUICK) as client:
            await client.create_topic("t", 1)
            writer = client.transactions("x")
            await writer.open()
            for step in range(5):
                await _again(broker, step == 0)
                await writer.enlist([("t", 0)])
                await _again(broker, step == 1)
                pushed = writer.push("t", 0, batch(f"{step}"))
                if step == 2:
                    await asyncio.sleep(0.002)
                    await _again(broker, True)
                await pushed
                ending = asyncio.create_task(writer.end())
                if step >= 3:
                    await asyncio.sleep(0.001 * (step - 3))
                    await _again(broker, True)
                await ending
            assert await committed(client, "t") == ["0", "1", "2", "3", "4"]

    with BrokerProcess(tmp_path / "data") as broker:
        asyncio.run(asyncio.wait_for(test(broker), 60))


async def _again(broker: BrokerProcess, kill: bool) -> None:
    if kill:
        await asyncio.to_thread(broker.kill)
        await asyncio.to_thread(broker.start)


@pytest.mark.parametrize(
    "api", ["InitProducerId", "AddPartitionsToTxn", "AddOffsetsToTxn", "TxnOffsetCommit", "EndTxn"]
)
@pytest.mark.parametrize("trouble", ["drop", "drop after", 14, 15, 16, 51])
def test_hesitation_of_the_coordinator_is_waited_for(api: str, trouble: Any) -> None:
    async def test() -> None:
        left = [1, 1]

        def once(asked: str, request: Any) -> Any:
            return trouble if asked == api and left and left.pop() else None

        async with FakeKafka() as server, Client(server.address, options=QUICK) as client:
            server.trouble = once
            writer = client.transactions("x")
            await writer.open()
            await writer.enlist([("t", 0)])
            await writer.push("t", 0, batch("a"))
            await writer.send_offsets("g", {("t", 0): 3})
            await writer.end()
            assert not left and server.ends == [True] and server.seen.count(api) == 3
            assert server.commits[("g", "t", 0)] == 3

    asyncio.run(asyncio.wait_for(test(), 20))


@pytest.mark.parametrize("code", [47, 48, 49, 53, 90, 120])
@pytest.mark.parametrize(
    "api", ["AddPartitionsToTxn", "AddOffsetsToTxn", "TxnOffsetCommit", "EndTxn", "Produce"]
)
def test_any_other_no_ends_the_epoch_and_is_told_with_its_name(api: str, code: int) -> None:
    async def test() -> None:
        async with FakeKafka() as server, Client(server.address, options=QUICK) as client:
            writer = client.transactions("x")
            await writer.open()
            server.trouble = lambda asked, request: code if asked == api else None
            with pytest.raises(KafkaError) as caught:
                await writer.enlist([("t", 0)])
                writer.push("t", 0, batch("a"))
                await writer.send_offsets("g", {("t", 0): 3})
                await writer.end()
            assert isinstance(caught.value, FencedError) is (code in (47, 90)) and caught.value.remedy
            server.trouble = lambda asked, request: None
            with pytest.raises(KafkaError):
                await writer.enlist([("t", 0)])
            await writer.open()
            await writer.enlist([("t", 0)])

    asyncio.run(asyncio.wait_for(test(), 20))


def test_a_coordinator_that_never_answers_ends_with_the_deadline() -> None:
    async def test() -> None:
        hasty = ClientOptions(request_timeout_s=0.2, deadline_s=0.8, backoff_first_s=0.02)
        async with FakeKafka() as server, Client(server.address, options=hasty) as client:
            writer = client.transactions("x")
            await writer.open()
            await writer.enlist([("t", 0)])
            server.trouble = lambda asked, request: "mute" if asked == "EndTxn" else None
            with pytest.raises(KafkaError) as caught:
                await writer.end()
            assert caught.value.name == "REQUEST_TIMED_OUT"
            assert server.seen.count("EndTxn") >= 2

    asyncio.run(asyncio.wait_for(test(), 20))


# --- stamps ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 1, 1000, 900_000])
@pytest.mark.parametrize("transactional", [False, True])
def test_a_stamped_batch_is_whole_and_says_whose_it_is(size: int, transactional: bool) -> None:
    plain = encode([Record(b"k", bytes(size), NOW_MS), Record(None, b"", NOW_MS)])
    stamped = stamp(plain, ProducerIdentity(77, 3), 2**31 - 1, transactional=transactional)
    (info,) = scan(stamped)
    assert intact(stamped) and isinstance(check(stamped, bytes_max=2**20), list)
    assert (info.producer_id, info.producer_epoch, info.base_sequence) == (77, 3, 2**31 - 1)
    assert info.transactional is transactional and stamped[61:] == plain[61:]
