"""The client against real servers: penstock's own, killed and brought back, and librdkafka's mock cluster."""

import asyncio
import time
import uuid

import pytest
from confluent_kafka import Producer

from penstock.calls import EARLIEST
from penstock.client import Client, ClientOptions, KafkaError
from penstock.compression import GZIP, LZ4, SNAPPY, ZSTD
from penstock.record import Record, decode, encode
from penstock.testing.processes import BrokerProcess

NOW_MS = int(time.time() * 1000)  # retention takes what is long past
QUICK = ClientOptions(backoff_first_s=0.02, backoff_max_s=0.2, deadline_s=15.0, delivery_timeout_s=30.0)


def new() -> str:
    return f"c-{uuid.uuid4().hex[:8]}"


async def read_all(client: Client, topic: str) -> dict[int, list[Record]]:
    ends = await client.offsets(topic)
    start = await client.offsets(topic, EARLIEST)
    found: dict[int, list[Record]] = {p: [] for p in ends}
    async with client.reader({(topic, p): o for p, o in start.items()}) as reader:
        while any(reader.positions[topic, p] < end for p, end in ends.items()):
            for chunk in await reader.read(5):
                found[chunk.partition] += decode(chunk.batches)
        for chunk in reader.take():
            found[chunk.partition] += decode(chunk.batches)
    return found


def test_topics_records_offsets_groups_and_settings_on_penstock(broker_address: str) -> None:
    async def test() -> None:
        topic = new()
        async with Client(broker_address, options=QUICK) as client:
            assert await client.create_topic(topic, 3, {"retention.ms": "1000000"}) is True
            assert await client.create_topic(topic, 3, exist_ok=True) is False
            assert (await client.metadata([topic]))[topic].partitions == 3
            assert (await client.topic_configs(topic))["retention.ms"] == "1000000"
            records = [Record(str(i).encode(), b"v" * i, NOW_MS + i, (("h", b"x"),)) for i in range(100)]
            offsets = await client.produce(topic, records)
            found = await read_all(client, topic)
            placed = {(p, r.offset): r for p, rs in found.items() for r in rs}
            assert sum(map(len, found.values())) == 100
            for rec, offset in zip(records, offsets, strict=True):
                assert any(
                    (r := placed.get((p, offset)))
                    and (r.key, r.value, r.headers) == (rec.key, rec.value, rec.headers)
                    for p in range(3)
                )
            assert sum((await client.offsets(topic)).values()) == 100
            later = await client.offsets(topic, NOW_MS + 2000)
            assert set(later.values()) == {-1}
            await client.commit(topic, {(topic, 1): 5})
            assert await client.committed(topic) == {(topic, 1): 5}
            assert topic in [g.group for g in await client.groups()]
            assert (await client.describe_groups([topic]))[topic].state == "Empty"
            await client.delete_topic(topic)
            with pytest.raises(KafkaError, match="UNKNOWN_TOPIC"):
                await client.produce(topic, records)

    asyncio.run(asyncio.wait_for(test(), 30))


@pytest.mark.parametrize("codec", [GZIP, SNAPPY, LZ4, ZSTD])
def test_compressed_batches_go_through_as_they_are(broker_address: str, codec: int) -> None:
    async def test() -> None:
        topic = new()
        async with Client(broker_address, options=QUICK) as client:
            await client.create_topic(topic)
            await client.produce(topic, [Record(None, b"a" * 1000, NOW_MS)] * 20, codec=codec)
            (found,) = (await read_all(client, topic)).values()
            assert [r.value for r in found] == [b"a" * 1000] * 20

    asyncio.run(asyncio.wait_for(test(), 30))


def test_appends_over_three_kills_of_the_broker_are_all_there_once_and_in_order(
    broker: BrokerProcess,
) -> None:
    async def test() -> None:
        async with Client(broker.address, options=QUICK) as client:
            await client.create_topic("t", 2)
            acknowledged: dict[int, list[int]] = {0: [], 1: []}
            stop = asyncio.Event()

            async def append(partition: int) -> int:
                count = 0
                while not stop.is_set():
                    pushed = []
                    for _ in range(8):
                        batch = encode([Record(None, str(count).encode(), NOW_MS)])
                        pushed.append(client.push("t", partition, batch))
                        count += 1
                    acknowledged[partition] += await asyncio.gather(*pushed)
                return count

            writers = [asyncio.create_task(append(p)) for p in (0, 1)]
            for _ in range(3):
                await asyncio.sleep(0.4)
                await asyncio.to_thread(broker.kill)
                await asyncio.to_thread(broker.start)
            await asyncio.sleep(0.4)
            stop.set()
            counts = await asyncio.gather(*writers)
            found = await read_all(client, "t")
            for partition, count in enumerate(counts):
                assert [int(r.value or b"") for r in found[partition]] == list(range(count))
                assert acknowledged[partition] == list(range(count))

    asyncio.run(asyncio.wait_for(test(), 60))


def test_librdkafkas_mock_cluster_of_three_nodes() -> None:
    async def test() -> None:
        cluster = Producer({"test.mock.num.brokers": 3, "bootstrap.servers": "ignored", "log_level": 0})
        told = cluster.list_topics(timeout=5)
        cluster.produce("t", b"hello", partition=0)
        assert cluster.flush(5) == 0
        addresses = ",".join(f"{b.host}:{b.port}" for b in told.brokers.values())
        async with Client(addresses, options=QUICK) as client:
            await client.produce("t", [Record(str(i).encode(), str(i).encode(), NOW_MS) for i in range(40)])
            found = await read_all(client, "t")
            values = sorted(r.value or b"" for rs in found.values() for r in rs)
            assert values == sorted([b"hello", *(str(i).encode() for i in range(40))])
            await client.commit("g", {("t", 0): 1})
            assert await client.committed("g", [("t", 0), ("t", 1)]) == {("t", 0): 1}
            with pytest.raises(KafkaError, match=r"CreateTopics.*UNSUPPORTED_VERSION"):
                await client.create_topic("x")

    asyncio.run(asyncio.wait_for(test(), 30))
