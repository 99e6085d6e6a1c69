"""The client against a small server that fails on purpose."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from penstock.calls import EARLIEST
from penstock.client import Client, ClientOptions, KafkaError, ReaderOptions
from penstock.record import Record, decode, encode
from tests.client.fake import FakeKafka

QUICK = ClientOptions(
    backoff_first_s=0.01,
    backoff_max_s=0.05,
    connect_timeout_s=1.0,
    request_timeout_s=2.0,
    deadline_s=3.0,
    delivery_timeout_s=3.0,
    unknown_topic_s=0.2,
    jitter=lambda: 0.5,
)


def run(
    test: Callable[[FakeKafka, Client], Awaitable[None]], options: ClientOptions = QUICK, **fake: Any
) -> None:
    async def go() -> None:
        async with FakeKafka(**fake) as server, Client(server.address, options=options) as client:
            await asyncio.wait_for(test(server, client), 20)

    asyncio.run(go())


def rec(text: str, key: bytes | None = None) -> Record:
    return Record(key, text.encode(), 1000)


def once(api: str, what: Any) -> Callable[[str, Any], Any]:
    left = [what]
    return lambda seen, request: left.pop() if seen == api and left else None


# --- the plain case --------------------------------------------------------------------------------------------------


def test_what_is_produced_is_read_back() -> None:
    async def test(server: FakeKafka, client: Client) -> None:
        assert await client.produce("t", [rec("a"), rec("b")]) == [0, 1]
        assert await client.append("t", 0, encode([rec("c")])) == 2
        async with client.reader({("t", 0): 0}) as reader:
            chunks = await reader.read(2)
            values = [r.value for c in chunks for r in decode(c.batches)]
            assert values == [b"a", b"b", b"c"]
            assert (chunks[-1].next_offset, reader.positions, chunks[-1].high_watermark) == (
                3,
                {("t", 0): 3},
                3,
            )

    run(test)


def test_keys_choose_the_partition_as_java_does_and_offsets_come_in_the_records_order() -> None:
    async def test(server: FakeKafka, client: Client) -> None:
        records = [rec(str(i), str(i).encode()) for i in range(50)]
        offsets = await client.produce("t", records)
        from kafka.partitioner.default import murmur2

        for r, offset in zip(records, offsets, strict=True):
            partition = (murmur2(r.key) & 0x7FFFFFFF) % 3
            assert server.records("t", partition)[offset].value == r.value

    run(test, partitions=3)


def test_a_reader_waits_for_records_to_come() -> None:
    async def test(server: FakeKafka, client: Client) -> None:
        async with client.reader({("t", 0): 0}) as reader:
            assert await reader.read(0.05) == []
            waiting = asyncio.create_task(reader.read(5))
            await asyncio.sleep(0.05)
            await client.produce("t", [rec("late")])
            assert [r.value for c in await waiting for r in decode(c.batches)] == [b"late"]

    run(test)


def test_offsets_by_time_topics_and_commits() -> None:
    async def test(server: FakeKafka, client: Client) -> None:
        await client.produce("t", [Record(None, b"x", 10), Record(None, b"y", 20)])
        assert await client.offsets("t", 15) == {0: 1}
        assert await client.offsets("t") == {0: 2}
        assert await client.offsets("t", EARLIEST) == {0: 0}
        assert await client.create_topic("new", 2) is True
        assert await client.create_topic("new", 2, exist_ok=True) is False
        with pytest.raises(KafkaError, match="TOPIC_ALREADY_EXISTS"):
            await client.create_topic("new")
        assert sorted(await client.metadata()) == ["new", "t"]
        await client.delete_topic("new")
        assert (await client.metadata(["new"]))["new"].error == "UNKNOWN_TOPIC_OR_PARTITION"
        await client.commit("g", {("t", 0): 7})
        assert await client.committed("g") == {("t", 0): 7}

    run(test)


# --- the edges -------------------------------------------------------------------------------------------------------


def test_a_large_produce_becomes_several_batches() -> None:
    async def test(server: FakeKafka, client: Client) -> None:
        offsets = await client.produce("t", [rec("x" * 400) for _ in range(10)])
        assert offsets == list(range(10))
        assert len(server.logs[("t", 0)]) == 5

    run(test, replace(QUICK, batch_bytes_max=1000))


def test_a_cut_last_batch_is_asked_for_again() -> None:
    async def test(server: FakeKafka, client: Client) -> None:
        for text in "abc":
            await client.produce("t", [rec(text * 100)])
        size = len(server.logs[("t", 0)][0])
        async with client.reader({("t", 0): 0}, options=ReaderOptions(part_bytes_max=size + 50)) as reader:
            values: list[bytes | None] = []
            while len(values) < 3:
                values += [r.value for c in await reader.read(2) for r in decode(c.batches)]
            assert values == [b"a" * 100, b"b" * 100, b"c" * 100]

    run(test)


def test_transaction_markers_are_taken_out_but_counted() -> None:
    async def test(server: FakeKafka, client: Client) -> None:
        server.logs[("t", 0)] = [
            encode([rec("a")]),
            encode([Record(b"\0\0\0\1", b"", 0)], base_offset=1, control=True),
            encode([rec("b")], base_offset=2),
        ]
        async with client.reader({("t", 0): 0}) as reader:
            (chunk,) = await reader.read(2)
            assert [r.value for r in decode(chunk.batches)] == [b"a", b"b"]
            assert chunk.next_offset == 3

    run(test)


def test_leaders_on_several_nodes_are_each_asked_and_a_moved_one_is_followed() -> None:
    async def go() -> None:
        peers: list[FakeKafka] = []
        async with FakeKafka(1, 2, peers) as one, FakeKafka(2, 2, peers) as two:
            one.leaders.update({0: 1, 1: 2})
            async with Client(one.address, options=QUICK) as client:
                await client.append("t", 0, encode([rec("a")]))
                await client.append("t", 1, encode([rec("b")]))
                assert ("Produce" in one.seen, "Produce" in two.seen) == (True, True)
                one.leaders[0] = 2
                assert await client.append("t", 0, encode([rec("c")])) == 1
                async with client.reader({("t", 0): 0, ("t", 1): 0}) as reader:
                    got: list[bytes | None] = []
                    while len(got) < 3:
                        got += [r.value for c in await reader.read(2) for r in decode(c.batches)]
                    one.leaders[0] = 1
                    await client.append("t", 0, encode([rec("d")]))
                    while len(got) < 4:
                        got += [r.value for c in await reader.read(2) for r in decode(c.batches)]
                assert sorted(got) == [b"a", b"b", b"c", b"d"]

    asyncio.run(asyncio.wait_for(go(), 20))


def test_an_offset_that_retention_took_is_an_error_or_reset_as_asked() -> None:
    async def test(server: FakeKafka, client: Client) -> None:
        server.logs[("t", 0)] = [encode([rec("z")], base_offset=100)]
        async with client.reader({("t", 0): 5}) as strict:
            with pytest.raises(KafkaError, match="OFFSET_OUT_OF_RANGE"):
                await strict.read(5)
        async with client.reader({("t", 0): 5}, options=ReaderOptions(reset=EARLIEST)) as lax:
            assert [c.offset for c in await lax.read(5)] == [100]

    run(test)


def test_a_server_without_producer_ids_is_written_to_without_them() -> None:
    async def test(server: FakeKafka, client: Client) -> None:
        del server.versions["InitProducerId"]
        assert await client.produce("t", [rec("a")]) == [0]
        assert next(iter(server.logs[("t", 0)]))[43:51] == b"\xff" * 8

    run(test)


def test_acks_of_zero_are_not_waited_for() -> None:
    async def test(server: FakeKafka, client: Client) -> None:
        assert await client.append("t", 0, encode([rec("a")]), acks=0) == -1
        await client.metadata()  # behind it on the same connection
        assert [r.value for r in server.records()] == [b"a"]

    run(test)


# --- the refusals ----------------------------------------------------------------------------------------------------


def test_an_unknown_topic_is_refused_soon_and_by_name() -> None:
    async def test(server: FakeKafka, client: Client) -> None:
        for call in (
            client.produce("nope", [rec("a")]),
            client.append("nope", 0, encode([rec("a")])),
            client.offsets("nope"),
            client.reader({("nope", 0): 0}).read(5),
        ):
            with pytest.raises(KafkaError, match=r"nope.*UNKNOWN_TOPIC_OR_PARTITION"):
                await call

    run(test)


def test_an_error_that_does_not_pass_is_raised_at_once_and_later_appends_go_on() -> None:
    async def test(server: FakeKafka, client: Client) -> None:
        server.trouble = once("Produce", 10)
        first = client.push("t", 0, encode([rec("large")]))
        others = [client.push("t", 0, encode([rec(f"{i}")])) for i in range(4)]
        with pytest.raises(KafkaError, match="MESSAGE_TOO_LARGE"):
            await first
        assert await asyncio.gather(*others) == [0, 1, 2, 3]
        assert [r.value for r in server.records()] == [b"0", b"1", b"2", b"3"]

    run(test)


def test_nobody_listening_is_said_within_the_deadline() -> None:
    async def go() -> None:
        async with Client("127.0.0.1:1", options=replace(QUICK, deadline_s=0.2)) as client:
            with pytest.raises(KafkaError, match=r"127\.0\.0\.1:1.*NETWORK_EXCEPTION"):
                await client.metadata()

    asyncio.run(asyncio.wait_for(go(), 10))


@pytest.mark.parametrize(
    "nonsense",
    [
        b"\x7f\xff\xff\xff",
        b"\xff\xff\xff\xff",
        b"\0\0\0\2ab",
        b"\0\0\0\x08\0\0\0\x63abcd",
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
    ],
)
def test_nonsense_from_the_server_ends_the_connection_and_is_retried(nonsense: bytes) -> None:
    async def test(server: FakeKafka, client: Client) -> None:
        server.trouble = once("Metadata", nonsense)
        assert "t" in await client.metadata()
        assert server.connections == 2

    run(test)


def test_a_damaged_answer_ends_the_connection_and_is_retried() -> None:
    async def test(server: FakeKafka, client: Client) -> None:
        server.trouble = once("Metadata", b"\0\0\0\x0e\0\0\0\2\0\0\0\0\0\xff\xff\xff\xff\xff")
        assert "t" in await client.metadata()
        assert server.connections == 2

    run(test)


def test_a_server_that_never_answers_is_left_in_time() -> None:
    async def test(server: FakeKafka, client: Client) -> None:
        server.trouble = once("ListOffsets", "mute")
        assert await client.offsets("t") == {0: 0}
        assert server.connections == 2

    run(test, replace(QUICK, request_timeout_s=0.3))


# --- the crash -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("when", ["drop", "drop after", "mute"])
def test_an_append_whose_connection_breaks_is_written_exactly_once_and_in_order(when: str) -> None:
    async def test(server: FakeKafka, client: Client) -> None:
        seen = [0]

        def trouble(api: str, request: Any) -> Any:
            seen[0] += api == "Produce"
            return when if api == "Produce" and seen[0] % 4 == 2 else None

        server.trouble = trouble
        answers = [client.push("t", 0, encode([rec(str(i))])) for i in range(12)]
        assert await asyncio.gather(*answers) == list(range(12))
        assert [r.value for r in server.records()] == [str(i).encode() for i in range(12)]

    run(test, replace(QUICK, request_timeout_s=0.2, delivery_timeout_s=15.0) if when == "mute" else QUICK)


def test_a_retriable_refusal_in_a_pipeline_keeps_the_order() -> None:
    async def test(server: FakeKafka, client: Client) -> None:
        server.trouble = once("Produce", 19)
        answers = [client.push("t", 0, encode([rec(str(i))])) for i in range(10)]
        assert await asyncio.gather(*answers) == list(range(10))

    run(test)


def test_a_server_that_forgot_the_producer_is_written_to_under_a_new_id() -> None:
    async def test(server: FakeKafka, client: Client) -> None:
        await client.produce("t", [rec("a")])
        server.written.clear()
        assert await client.produce("t", [rec("b")]) == [1]
        assert server.seen.count("InitProducerId") == 2

    run(test)


def test_a_reader_survives_lost_connections_and_says_so_meanwhile() -> None:
    async def test(server: FakeKafka, client: Client) -> None:
        await client.produce("t", [rec(str(i)) for i in range(3)])
        server.trouble = once("Fetch", "drop")
        async with client.reader({("t", 0): 0}) as reader:
            assert [r.value for c in await reader.read(5) for r in decode(c.batches)] == [b"0", b"1", b"2"]
            await server.__aexit__()
            while not reader.trouble:
                assert await reader.read(0.05) == []
            assert reader.trouble.name == "NETWORK_EXCEPTION"
            await server.__aenter__()
            await client.produce("t", [rec("back")])
            assert [r.value for c in await reader.read(5) for r in decode(c.batches)] == [b"back"]
            assert reader.trouble is None

    run(test)


def test_closing_waits_for_appends_under_way_but_not_for_ever() -> None:
    async def go() -> None:
        async with FakeKafka() as server:
            client = Client(server.address, options=QUICK)
            answer = client.push("t", 0, encode([rec("a")]))
            await client.close(2.0)
            assert answer.result() == 0
            server.trouble = lambda api, request: "mute" if api == "Produce" else None
            client = Client(server.address, options=QUICK)
            stuck = client.push("t", 0, encode([rec("b")]))
            began = asyncio.get_running_loop().time()
            await client.close(0.2)
            assert asyncio.get_running_loop().time() - began < 1.5
            with pytest.raises(KafkaError, match="closed"):
                stuck.result()

    asyncio.run(asyncio.wait_for(go(), 10))


def test_a_long_poll_holds_up_nobody_else() -> None:
    async def test(server: FakeKafka, client: Client) -> None:
        async with client.reader({("t", 0): 0}, wait_ms=5000), client.reader({("t", 0): 0}, wait_ms=5000):
            await asyncio.sleep(0.1)
            began = asyncio.get_running_loop().time()
            await client.produce("t", [rec("a")])
            await client.offsets("t")
            assert asyncio.get_running_loop().time() - began < 1

    run(test)
