"""A consumer that fails on a tenth of many records, beside the same without a failure: what comes of all, how fast.

    python -m tests.retries.failing              # 100,000 records, on penstock and on Apache Kafka
    python -m tests.retries.failing 100000 5     # until the healthy keys are done, with and without failures, 5 times in turn

Of each hundred keyed records nine fail once or twice and one always, so that every attempt and the last end are met.
Knows consumers; which server it runs on is the caller's.
"""

import asyncio
import json
import statistics
import sys
import tempfile
import time
import uuid
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path

from bench.oracle import kafka as oracle

from penstock import Client, Retry, consume
from penstock.calls import EARLIEST
from penstock.client import ReaderOptions
from penstock.consumer.delivery import Delivery
from penstock.dead_letters import of_record
from penstock.record import Record, decode
from penstock.testing.processes import BrokerProcess

RETRY = Retry("500ms", "1s", max_attempts=3)
KEYS, PARTITIONS, CONCURRENCY = 5000, 4, 16


@dataclass
class Came:
    """What came of a run. Times in seconds: until the last healthy key was done, and until all were; `healthy_cpu_s` is
    what the consumer's process used of a processor until then."""

    records: int
    healthy_s: float
    healthy_cpu_s: float
    all_s: float
    done: int
    dead: int
    wrong_attempts: int
    out_of_order: int
    twice: int


def failures(number: int, failing: bool) -> int:
    """How often a record fails: one in a hundred always (3), nine once or twice."""
    if not failing or number % 10:
        return 0
    return 3 if number % 100 == 0 else 1 + number // 10 % 2


def healthy(number: int) -> bool:
    """Whether no record of its key ever fails: keys go round in tens, and so do failures."""
    return number % 10 != 0


async def run(address: str, records: int, failing: bool, whole: bool = True) -> Came:
    """One run on a topic of its own; unless `whole`, it ends when the healthy keys are done."""
    topic = f"f-{uuid.uuid4().hex[:8]}"
    async with Client(address) as client:
        await client.create_topic(topic, PARTITIONS)
        now_ms = int(time.time() * 1000)
        for at in range(0, records, 20_000):
            numbers = range(at, min(records, at + 20_000))
            await client.produce(topic, [Record(b"%d" % (i % KEYS), b"%d" % i, now_ms) for i in numbers])
        tried: Counter[int] = Counter()
        last: dict[bytes | None, int] = {}
        came = Came(records, 0.0, 0.0, 0.0, 0, 0, 0, 0, 0)
        left = sum(map(healthy, range(records)))
        consumer = consume(topic, group=f"{topic}.g", retry=RETRY, bootstrap=address)
        began_s, began_cpu_s = time.monotonic(), time.process_time()

        async def handle(delivery: Delivery) -> None:
            nonlocal left
            number = int(delivery.value or b"")
            tried[number] += 1
            came.wrong_attempts += delivery.attempt != tried[number]
            if delivery.attempt <= failures(number, failing):
                raise ValueError(f"no {number}")
            came.out_of_order += last.get(delivery.key, -1) > number
            last[delivery.key] = number
            left -= healthy(number)
            if not left and not came.healthy_s:
                came.healthy_s = time.monotonic() - began_s
                came.healthy_cpu_s = time.process_time() - began_cpu_s

        working = asyncio.create_task(consumer.work(handle, concurrency=CONCURRENCY))
        while consumer.counts["done"] + consumer.counts["dead"] < records and not working.done():
            if came.healthy_s and not whole:
                break
            await asyncio.sleep(0.05)
        came.all_s = time.monotonic() - began_s
        consumer.stop()
        await working
        if not whole:
            return came
        came.done, came.dead = consumer.counts["done"], consumer.counts["dead"]
        expected = {i: min(3, failures(i, failing) + 1) for i in range(records)}
        came.wrong_attempts += sum(tried[i] != times for i, times in expected.items())
        came.twice = await _dead_twice(client, f"{topic}.dlq", records if failing else 0)
    return came


async def _dead_twice(client: Client, topic: str, records: int) -> int:
    """How many dead letters are not those that are expected, each once, with three attempts."""
    ends = await client.offsets(topic, committed=True)
    starts = await client.offsets(topic, EARLIEST)
    found: Counter[int] = Counter()
    options = ReaderOptions(committed=True, wait_ms=50)
    async with client.reader({(topic, p): at for p, at in starts.items()}, options=options) as reader:
        over = False
        while not over:
            over = all(reader.positions[topic, p] >= end for p, end in ends.items())
            for chunk in reader.take() if over else await reader.read(1):
                for each in map(of_record, decode(chunk.batches)):
                    found[int(each.value or b"") if each.attempts == 3 else -1] += 1
    return (found - Counter(range(0, records, 100))).total() + (
        Counter(range(0, records, 100)) - found
    ).total()


def beside(address: str, records: int) -> tuple[Came, Came]:
    """Without a failure, then with; after a first run that nobody counts, for what is slow only once."""
    asyncio.run(run(address, 1000, True))
    return asyncio.run(run(address, records, False)), asyncio.run(run(address, records, True))


def in_turn(address: str, records: int, times: int) -> None:
    """How much longer healthy keys take beside failing ones, and how much more of a processor."""
    asyncio.run(run(address, 1000, True))
    pairs = []
    for _ in range(times):
        pairs.append([asyncio.run(run(address, records, failing, whole=False)) for failing in (False, True)])
        print(json.dumps([[round(each.healthy_s, 3), round(each.healthy_cpu_s, 3)] for each in pairs[-1]]))
    for name in ("healthy_s", "healthy_cpu_s"):
        without, beside = (statistics.median(getattr(pair[at], name) for pair in pairs) for at in (0, 1))
        print(f"{name}: {without:.2f}, beside failing ones {beside:.2f}: {beside / without:.2f} times")


def main(records: int, times: int) -> None:
    """Both servers, one JSON line a run."""
    with tempfile.TemporaryDirectory() as folder, BrokerProcess(Path(folder)) as broker:
        if times:
            in_turn(broker.address, records, times)
            return
        for came in beside(broker.address, records):
            print(json.dumps({"server": "penstock", **asdict(came)}), flush=True)
    if reason := oracle.missing():
        print(f"no Kafka: {reason}", file=sys.stderr)
        return
    with oracle.kafka() as address:
        for came in beside(address, records):
            print(json.dumps({"server": "kafka", **asdict(came)}), flush=True)


if __name__ == "__main__":
    main(*map(int, [*sys.argv[1:], *(100_000, 0)[len(sys.argv) - 1 :]]))
