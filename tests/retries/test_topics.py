"""What becomes of consumers when their topics change: more partitions, emptied or made anew, deleted, of small records."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace

from penstock import Retry
from penstock.consumer.delivery import Delivery
from penstock.record import Record
from tests.retries.place import QUICK, Place, run, until

Meanwhile = Callable[[], Awaitable[None]]


async def fails_once(place: Place, count: int, meanwhile: Meanwhile | None = None, more: int = 0) -> None:
    """Consume so many records, each of which fails once, then what comes `meanwhile`."""
    hasty = replace(QUICK, client=replace(QUICK.client, unknown_topic_s=0.2))
    consumer = place.consumer(Retry("50ms"), options=hasty)
    seen: set[bytes | None] = set()

    async def handle(delivery: Delivery) -> None:
        if delivery.attempt == 1:
            raise ValueError("once")
        seen.add(delivery.value)

    working = asyncio.create_task(consumer.work(handle))
    await until(lambda: len(seen) == count or working.done(), 20)
    if meanwhile is not None:
        await meanwhile()
        await until(lambda: len(seen) == count + more or working.done(), 20)
    consumer.stop()
    await working
    assert len(seen) == count + more


def test_new_partitions_are_taken_up(address: str) -> None:
    async def test(place: Place) -> None:
        consumer = place.consumer(options=replace(QUICK, look_s=0.2))
        seen: set[int] = set()

        async def handle(delivery: Delivery) -> None:
            if delivery.attempt == 1:
                raise ValueError("once")
            seen.add(delivery.partition)

        working = asyncio.create_task(consumer.work(handle))
        await place.produce("a:0")
        await until(lambda: len(seen) == 1 or working.done())
        await place.client.add_partitions(place.topic, 3)
        now_ms = int(time.time() * 1000)
        await place.client.produce(place.topic, [Record(b"z", b"z", now_ms)], 2)
        await until(lambda: 2 in seen or working.done())
        consumer.stop()
        await working

    run(address, test, partitions=1)


def test_positions_beyond_a_topic_s_end_are_of_another_one_and_it_is_read_from_its_start(
    broker_address: str,
) -> None:
    async def test(place: Place) -> None:
        retry = f"{place.topic}.retry.50ms"
        await place.client.create_topic(retry, 1)
        await place.client.commit(f"{place.topic}.g", {(place.topic, 0): 50, (retry, 0): 50})
        await place.produce("a:0", "a:1")
        await fails_once(place, 2)

    run(broker_address, test, partitions=1)


def test_topics_that_are_made_anew_meanwhile_are_read_from_their_start(broker_address: str) -> None:
    async def test(place: Place) -> None:
        async def anew(name: str) -> None:
            await place.client.delete_topic(name)
            await place.client.create_topic(name, 1)

        async def meanwhile() -> None:
            await anew(f"{place.topic}.retry.50ms")
            await anew(place.topic)
            await place.produce("a:3", "a:4")

        await place.produce("a:0", "a:1", "a:2")
        await fails_once(place, 3, meanwhile, 2)

    run(broker_address, test, partitions=1)


def test_a_retry_topic_that_is_deleted_meanwhile_is_made_again_and_used(broker_address: str) -> None:
    async def test(place: Place) -> None:
        async def meanwhile() -> None:
            await place.client.delete_topic(f"{place.topic}.retry.50ms")
            await place.produce("a:1")

        await place.produce("a:0")
        await fails_once(place, 1, meanwhile, 1)

    run(broker_address, test, partitions=1)


def test_what_is_written_is_cut_to_what_its_topics_take(broker_address: str) -> None:
    async def test(place: Place) -> None:
        await place.client.create_topic(f"{place.topic}.small", 1, {"max.message.bytes": "2000"})
        place.topic += ".small"
        await asyncio.gather(*(place.produce(f"a:{i}:" + "." * 1000) for i in range(200)))  # a batch each
        consumer = place.consumer(Retry("300ms"), options=replace(QUICK, moves_s=0.2))

        async def handle(delivery: Delivery) -> None:
            if delivery.offset == 0 and delivery.attempt == 1:
                raise ValueError("once")

        working = asyncio.create_task(consumer.work(handle))
        await until(lambda: consumer.counts["done"] == 200 or working.done(), 20)
        consumer.stop()
        await working
        assert consumer.counts == {"retried": 1, "done": 200}

    run(broker_address, test, partitions=1)
