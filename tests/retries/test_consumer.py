"""Consumers against real servers, penstock and Apache Kafka: retries, dead letters, groups, stops, stalls, kills."""

import asyncio
import functools
import signal
import subprocess
import sys
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from penstock import Retry, consume
from penstock.client import KafkaError
from penstock.consumer.consumer import Consumer
from penstock.consumer.delivery import Delivery
from penstock.consumer.partition.order import RECORD_BYTES
from penstock.consumer.watchdog import StalledError
from penstock.errors import PenstockError
from tests.differential.asking import Connection
from tests.retries.place import QUICK, Place, run, until

# --- the plain case --------------------------------------------------------------------------------------------------


def test_every_record_is_done_or_dead_with_its_attempts_and_in_its_key_s_order(address: str) -> None:
    async def test(place: Place) -> None:
        values = [f"k{i % 40}:{i}" for i in range(600)]
        await place.produce(*values)
        done: dict[bytes | None, list[int]] = defaultdict(list)
        tried: Counter[int] = Counter()

        async def handle(delivery: Delivery) -> None:
            number = int((delivery.value or b"").partition(b":")[2])
            tried[number] += 1
            assert delivery.attempt == tried[number]
            if number % 10 == 0 and (number % 50 == 0 or delivery.attempt == 1):
                raise ValueError(f"no {number}")
            done[delivery.key].append(number)

        consumer = place.consumer()
        working = asyncio.create_task(consumer.work(handle, concurrency=8))
        await until(lambda: consumer.counts["done"] + consumer.counts["dead"] == 600 or working.done())
        consumer.stop()
        await working
        assert sorted(n for numbers in done.values() for n in numbers) == [n for n in range(600) if n % 50]
        assert all(numbers == sorted(numbers) for numbers in done.values())
        letters = await place.dead()
        assert sorted(int((letter.value or b"").partition(b":")[2]) for letter in letters) == list(
            range(0, 600, 50)
        )
        for letter in letters:
            assert (letter.attempts, letter.reason, letter.failing.kind) == (3, "failed", "ValueError")
            assert letter.failing.message.startswith("no ")
            assert "in handle" in letter.failing.trace
            assert (letter.origin.topic, letter.owner) == (place.topic, f"{place.topic}.g")
            assert letter.last_ms - letter.first_ms >= 350
        committed = await place.client.committed(f"{place.topic}.g")
        assert sum(at for (topic, _), at in committed.items() if topic == place.topic) == 600

    run(address, test)


def test_a_loop_takes_failures_said_in_either_way_and_goes_on(broker_address: str) -> None:
    async def test(place: Place) -> None:
        await place.produce("a:0", "b:1", "c:2", "d:3")
        seen: list[tuple[bytes | None, int]] = []
        async with place.consumer(Retry("50ms", fatal=(KeyError,))) as records:
            async for record in records:
                with record:
                    seen.append((record.value, record.attempt))
                    if record.value == b"b:1" and record.attempt == 1:
                        raise ValueError("once")
                    if record.value == b"d:3":
                        raise KeyError("never")
                    if record.value == b"c:2" and record.attempt == 1:
                        record.fail(RuntimeError("said"))
                if len(seen) == 6:
                    break
        assert sorted(seen) == [
            (b"a:0", 1), (b"b:1", 1), (b"b:1", 2), (b"c:2", 1), (b"c:2", 2), (b"d:3", 1)
        ]  # fmt: skip
        (letter,) = await place.dead()
        assert (letter.value, letter.reason, letter.failing.kind) == (b"d:3", "refused", "KeyError")

    run(broker_address, test)


def test_a_plain_function_runs_on_threads_side_by_side(broker_address: str) -> None:
    async def test(place: Place) -> None:
        await place.produce(*[f"k{i}:{i}" for i in range(40)])
        consumer = place.consumer()

        def handle(delivery: Delivery) -> None:
            time.sleep(0.05)
            if delivery.value == b"k7:7" and delivery.attempt == 1:
                raise ValueError("once")

        began_s = time.monotonic()
        working = asyncio.create_task(consumer.work(functools.partial(handle), concurrency=20))
        await until(lambda: consumer.counts["done"] == 40 or working.done())
        assert time.monotonic() - began_s < 40 * 0.05 + 5
        consumer.stop()
        await working
        assert consumer.counts == {"done": 40, "retried": 1}
        await until(lambda: not any(each.name == "penstock-handler" for each in threading.enumerate()))

    run(broker_address, test)


def test_healthy_keys_are_not_held_up_by_a_key_that_waits(broker_address: str) -> None:
    async def test(place: Place) -> None:
        await place.produce("bad:0", *[f"good{i % 5}:{i}" for i in range(300)], "bad:1")
        consumer = place.consumer(Retry("3s", max_attempts=2))
        done: list[tuple[bytes | None, float]] = []

        async def handle(delivery: Delivery) -> None:
            if delivery.value == b"bad:0" and delivery.attempt == 1:
                raise ValueError("later")
            done.append((delivery.value, time.monotonic()))

        working = asyncio.create_task(consumer.work(handle, concurrency=4))
        await until(lambda: len(done) == 302 or working.done())
        consumer.stop()
        await working
        assert [value for value, _ in done][-2:] == [b"bad:0", b"bad:1"]
        assert done[-2][1] - done[-3][1] > 1.5, "all others were done long before"

    run(broker_address, test, partitions=1)


def test_with_too_many_waiting_nothing_new_is_taken_and_nothing_is_lost_or_left(
    broker_address: str, caplog: pytest.LogCaptureFixture
) -> None:
    window, each_bytes = 10, RECORD_BYTES + len("bad")
    bound = 20 * each_bytes

    async def test(place: Place) -> None:
        await place.produce(*[f"bad:{i}" for i in range(60)], *[f"good:{i}" for i in range(200)])
        options = replace(QUICK, blocked_bytes=bound, window=window)
        consumer = place.consumer(Retry("200ms", max_attempts=3), options=options)
        done: list[bytes] = []
        most = 0

        async def handle(delivery: Delivery) -> None:
            nonlocal most
            most = max(most, delivery.share.order.bytes)
            if delivery.value == b"bad:0" and delivery.attempt < 3:
                assert b"good:0" not in done
                raise ValueError("later")
            done.append(delivery.value or b"")

        working = asyncio.create_task(consumer.work(handle, concurrency=4))
        await until(lambda: len(done) == 260 or working.done())
        consumer.stop()
        await working
        for key, count in ((b"bad", 60), (b"good", 200)):
            assert [each for each in done if each.startswith(key)] == [
                b"%s:%d" % (key, i) for i in range(count)
            ]
        assert bound <= most <= bound + window * each_bytes
        assert len([each for each in caplog.messages if f"{place.topic}-0: so many" in each]) == 1

    run(broker_address, test, partitions=1)


# --- groups ----------------------------------------------------------------------------------------------------------


def test_members_share_the_partitions_and_hand_them_over_in_good_order(address: str) -> None:
    async def test(place: Place) -> None:
        done: Counter[bytes | None] = Counter()
        by: dict[str, set[int]] = defaultdict(set)

        def handler(name: str) -> Callable[[Delivery], Awaitable[None]]:
            async def handle(delivery: Delivery) -> None:
                await asyncio.sleep(0.001)
                if hash(delivery.value) % 10 == 0 and delivery.attempt == 1:
                    raise ValueError("once")
                done[delivery.value] += 1
                by[name].add(delivery.partition)

            return handle

        first, second = place.consumer(), place.consumer()
        working = [asyncio.create_task(first.work(handler("first"), concurrency=4))]
        total = 0
        for begin in range(0, 900, 100):
            await place.produce(*[f"k{i % 30}:{i}" for i in range(begin, begin + 100)])
            total += 100
            if begin == 200:
                await until(lambda: by["first"] == set(range(4)))
                working.append(asyncio.create_task(second.work(handler("second"), concurrency=4)))
            if begin == 600:
                await until(lambda: bool(by["second"]))
                first.stop()
                await working[0]
            await asyncio.sleep(0.1)
        await until(lambda: len(done) == total)
        second.stop()
        await asyncio.gather(*working)
        assert by["first"] == by["second"] == set(range(4))
        assert set(done.values()) == {1}, "handed over in good order, nothing is handled twice"

    run(address, test, partitions=4)


def test_two_groups_share_the_retry_topics_and_not_their_retries(address: str) -> None:
    async def test(place: Place) -> None:
        await place.produce("a:0", "b:1")
        tried: Counter[tuple[str, bytes | None]] = Counter()
        consumers = {}
        working = []
        for group in ("one", "two"):

            async def handle(delivery: Delivery, group: str = group) -> None:
                tried[group, delivery.value] += 1
                if group == "one" and delivery.value == b"a:0" and delivery.attempt < 3:
                    raise ValueError("no")

            consumers[group] = place.consumer(group=group)
            working.append(asyncio.create_task(consumers[group].work(handle)))
        await until(lambda: sum(each.counts["done"] for each in consumers.values()) == 4)
        await asyncio.sleep(0.5)
        for each in consumers.values():
            each.stop()
        await asyncio.gather(*working)
        assert tried == {("one", b"a:0"): 3, ("one", b"b:1"): 1, ("two", b"a:0"): 1, ("two", b"b:1"): 1}

    run(address, test)


# --- the refusals ----------------------------------------------------------------------------------------------------


def test_without_retry_a_failure_ends_the_consumer_and_is_met_again(broker_address: str) -> None:
    async def test(place: Place) -> None:
        await place.produce("a:0", "a:1")

        async def handle(delivery: Delivery) -> None:
            if delivery.value == b"a:1":
                raise ValueError("broken")

        with pytest.raises(ValueError, match="broken") as raised:
            await place.consumer(None).work(handle)
        assert place.topic in raised.value.__notes__[0]
        seen = []
        async with place.consumer(None) as records:
            async for record in records:
                seen.append(record.value)
                if record.value == b"a:1":
                    break
        assert seen[-1] == b"a:1"

    run(broker_address, test)


def test_a_topic_that_is_not_there_is_named(broker_address: str) -> None:
    async def test(place: Place) -> None:
        with pytest.raises(KafkaError, match="UNKNOWN_TOPIC"):
            await consume("nowhere", group="g", bootstrap=place.address, options=QUICK).work(print)

    run(broker_address, test)


@pytest.mark.parametrize(
    "made",
    [
        lambda: consume([], group="g"),
        lambda: consume("t", group=""),
        lambda: consume("t", group="g", start="middle"),
    ],
)
def test_what_cannot_be_meant_is_refused(made: Callable[[], Consumer]) -> None:
    with pytest.raises(PenstockError):
        made()


def test_a_handler_that_takes_too_long_fails_the_consumer_loudly(
    broker_address: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def test(place: Place) -> None:
        await place.produce("a:0")
        let_go = threading.Event()

        def handle(delivery: Delivery) -> None:
            let_go.wait(30)

        with pytest.raises(StalledError, match="has been handled for"):
            await place.consumer().work(handle, stall="1s")
        let_go.set()
        assert "stalled" in caplog.text
        assert await place.client.committed(f"{place.topic}.g", [(place.topic, 0)]) in (
            {},
            {(place.topic, 0): 0},
        )

    run(broker_address, test)


def test_a_blocked_event_loop_is_seen_from_outside_of_it(
    broker_address: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def test(place: Place) -> None:
        await place.produce("a:0")

        async def handle(delivery: Delivery) -> None:
            time.sleep(2)  # what nobody should do in a coroutine

        with pytest.raises(StalledError, match="blocks the event loop"):
            await place.consumer().work(handle, stall="1s")
        assert "time.sleep(2)" in caplog.text

    run(broker_address, test)


def test_an_async_handler_over_its_time_limit_is_cancelled_and_retried(broker_address: str) -> None:
    async def test(place: Place) -> None:
        await place.produce("a:0")
        consumer = place.consumer(options=replace(QUICK, time_limit_s=0.2))

        async def handle(delivery: Delivery) -> None:
            if delivery.attempt == 1:
                await asyncio.sleep(30)

        working = asyncio.create_task(consumer.work(handle))
        await until(lambda: consumer.counts["done"] == 1 or working.done())
        consumer.stop()
        await working
        assert consumer.counts == {"retried": 1, "done": 1}

    run(broker_address, test)


def test_a_handler_that_is_cancelled_from_within_has_failed_and_its_worker_goes_on(
    broker_address: str,
) -> None:
    async def test(place: Place) -> None:
        await place.produce("a:0", "b:1")
        consumer = place.consumer()

        async def handle(delivery: Delivery) -> None:
            if delivery.attempt == 1:
                asking = asyncio.get_running_loop().create_future()
                asking.cancel()  # as a client does whose connection goes away
                await asking

        working = asyncio.create_task(consumer.work(handle))
        await until(lambda: consumer.counts["done"] == 2 or working.done(), 10)
        consumer.stop()
        await working
        assert consumer.counts == {"retried": 2, "done": 2}
        await place.produce("a:2")
        with pytest.raises(RuntimeError, match="CancelledError"):
            await place.consumer(None).work(handle)

    run(broker_address, test)


# --- the crash -------------------------------------------------------------------------------------------------------

PROGRAM = """
import os, sys, time
from penstock import Retry, consume
from tests.retries.place import QUICK

def handle(delivery):
    time.sleep(0.01)
    os.write(1, b"%s %d\\n" % (delivery.value, delivery.attempt))  # whole, or not at all
    number = int(delivery.value.partition(b":")[2])
    if number % 10 == 0:
        raise ValueError("no")

consume(sys.argv[1], group=sys.argv[1] + ".g", bootstrap=sys.argv[2], options=QUICK,
        retry=Retry("50ms", "100ms", max_attempts=3)).run(handle, concurrency=4)
"""


def test_killed_over_and_over_nothing_is_lost_and_no_dead_letter_stands_twice(address: str) -> None:
    killed(address, 2)


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_killed_twenty_times_nothing_is_lost_either(address: str) -> None:
    killed(address, 20)


def end_sessions(address: str, group: str) -> None:
    """Who was killed is out of its group now, not when its session is over: nobody waits for that here."""
    asking = Connection(address)
    (told,) = asking.ask(15, 5, groups=[group], include_authorized_operations=False)["groups"]
    gone = [{"member_id": one["member_id"], "group_instance_id": None} for one in told["members"]]
    asking.ask(13, 3, group_id=group, members=gone)
    asking.close()


def killed(address: str, kills: int) -> None:
    """Each life is killed while it works, the last one ends in good order; then all is counted."""

    count = max(300, 100 * kills)  # more than all lives can do, or the last ones would wait for work

    async def test(place: Place) -> None:
        values = [f"k{i % 20}:{i}" for i in range(count)]
        await place.produce(*values)
        done: list[str] = []
        for life in range(kills + 1):
            begun = await asyncio.create_subprocess_exec(
                sys.executable, "-c", PROGRAM, place.topic, place.address, stdout=subprocess.PIPE
            )
            assert begun.stdout
            mine = len(done)
            while life < kills and len(done) - mine < 30 + 20 * (life % 4):
                done.append((await asyncio.wait_for(begun.stdout.readline(), 30)).decode())
            if life < kills:
                begun.kill()
                await begun.wait()
                end_sessions(place.address, f"{place.topic}.g")
            else:
                rest = asyncio.create_task(begun.stdout.read())
                while len(await place.dead()) < count // 10 or not await all_passed(place):
                    await asyncio.sleep(0.1)
                begun.send_signal(signal.SIGTERM)
                done += (await rest).decode().splitlines()
            done += (await begun.stdout.read()).decode().splitlines()
            assert await begun.wait() == (-9 if life < kills else 0)
        assert {line.split()[0] for line in done} == set(values)
        letters = await place.dead()
        assert sorted(int((each.value or b"").partition(b":")[2]) for each in letters) == list(
            range(0, count, 10)
        )
        assert {each.attempts for each in letters} == {3}
        assert len(done) > count + 2 * (count // 10), "each life was killed while it worked"

    async def all_passed(place: Place) -> bool:
        committed = await place.client.committed(f"{place.topic}.g")
        return sum(at for (topic, _), at in committed.items() if topic == place.topic) == count

    run(address, test, seconds=60 + 20 * kills)
