"""A server that is killed and comes back while records fail: its consumer goes on, and nothing is lost or stands twice."""

import asyncio
from collections import Counter

from penstock import Retry
from penstock.consumer.delivery import Delivery
from penstock.testing.processes import BrokerProcess
from tests.retries.place import Place, run, until

COUNT, KEYS = 300, 20


def test_a_server_killed_while_records_fail_is_waited_for_and_nothing_is_lost(broker: BrokerProcess) -> None:
    async def test(place: Place) -> None:
        await place.produce(*[f"k{i % KEYS}:{i}" for i in range(COUNT)], *[str(i) for i in range(20)])
        consumer = place.consumer(Retry("50ms", max_attempts=2))
        finished: list[tuple[bytes | None, int]] = []

        async def handle(delivery: Delivery) -> None:
            await asyncio.sleep(0.005)
            number = int((delivery.value or b"").rpartition(b":")[2])
            if number % 5 == 0 and (delivery.attempt == 1 or number % 25 == 0):
                if delivery.attempt == 2:
                    finished.append((delivery.key, number))
                raise ValueError("no")
            finished.append((delivery.key, number))

        working = asyncio.create_task(consumer.work(handle, concurrency=4))
        for done in (20, 100):
            await until(lambda: len(finished) >= done or working.done())  # noqa: B023
            await asyncio.to_thread(broker.kill)
            await asyncio.sleep(0.1)
            await asyncio.to_thread(broker.start)
        await until(lambda: len(set(finished)) == COUNT + 20 or working.done())
        consumer.stop()
        await working
        letters = Counter((each.key, each.value) for each in await place.dead())
        expected = [(b"k%d" % (i % KEYS), b"k%d:%d" % (i % KEYS, i)) for i in range(0, COUNT, 25)]
        assert letters == Counter([*expected, (None, b"0")])
        reached: dict[bytes, int] = {}
        for key, number in finished:
            if key is not None:
                assert number <= reached.get(key, number % KEYS - KEYS) + KEYS, (
                    "no record overtakes one of its key"
                )
                reached[key] = max(reached.get(key, -1), number)

    run(broker.address, test)
