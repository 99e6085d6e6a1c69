"""The broker is killed with SIGKILL under consume-transform-produce in transactions, again and again: exactly once.

A source topic is filled by a transactional producer that aborts every fourth transaction; workers read it read_committed,
write each value to a target with the source's offset in the same transaction. Workers are killed and started anew too,
as threads that drop their clients. Invariants: the target, read_committed, holds each kept value once, in its partition's
order; no aborted value; every transaction that was told committed is there.
"""

import contextlib
import random
import threading
import time
from collections import defaultdict
from typing import Any

import pytest
from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from penstock.testing.processes import BrokerProcess

PARTITIONS = 2
QUICK = {
    "reconnect.backoff.max.ms": 100, "reconnect.backoff.ms": 20, "log_level": 0, "retry.backoff.ms": 20,
    "topic.metadata.refresh.fast.interval.ms": 20,
    # librdkafka 2.16 looks no more for its transaction coordinator when it lost all brokers and began anew (KIP-899).
    "metadata.recovery.strategy": "none",
}  # fmt: skip


def producer(address: str, name: str) -> Producer:
    made = Producer({"bootstrap.servers": address, "transactional.id": name, "linger.ms": 1, **QUICK})
    made.init_transactions(60)
    return made


class Actor(threading.Thread):
    """Goes on with a new producer whenever its own is of no use any more; `work` is one transaction."""

    def __init__(self, address: str, name: str) -> None:
        super().__init__(daemon=True, name=name)
        self.address, self.stopping, self.failure = address, threading.Event(), ""
        self.transactions = self.restarts = 0

    def run(self) -> None:
        while not self.done():
            try:
                with contextlib.closing(self.begin()):
                    while not self.done():
                        self.work()
                        self.transactions += 1
            except KafkaException as error:
                # Its outcome may be unknown: a new producer fences the old one, and what is committed tells.
                self.restarts += 1
                if self.restarts > 5000:
                    self.failure = str(error)
                    return
                time.sleep(0.02)

    def done(self) -> bool:
        return self.stopping.is_set()

    def begin(self) -> Any:
        """Its clients, to be closed."""
        raise NotImplementedError

    def work(self) -> None:
        """One transaction."""
        raise NotImplementedError


class Source(Actor):
    """Fills the source: numbered transactions of three values; remembers which were told committed."""

    def __init__(self, address: str) -> None:
        super().__init__(address, "source")
        self.number = -1
        self.committed, self.aborted, self.unknown = set[int](), set[int](), set[int]()

    def begin(self) -> Any:
        self.producer = producer(self.address, "source")
        return contextlib.ExitStack()

    def work(self) -> None:
        self.number += 1
        self.unknown.add(self.number)
        self.producer.begin_transaction()
        for part in range(3):
            self.producer.produce("source", f"{self.number} {part}", partition=self.number % PARTITIONS)
        abort = self.number % 4 == 3
        if abort:
            self.producer.flush(30)
            self.aborted.add(self.number)
            self.unknown.discard(self.number)
            self.producer.abort_transaction(30)
        else:
            self.producer.commit_transaction(30)
            self.committed.add(self.number)
        self.unknown.discard(self.number)
        time.sleep(0.005)


class Worker(Actor):
    """Reads one partition of the source from its group's offset on, writes to the same partition of the target."""

    def __init__(self, address: str, partition: int) -> None:
        super().__init__(address, f"worker-{partition}")
        self.partition, self.ended, self.idle = partition, threading.Event(), 0

    def done(self) -> bool:
        return self.stopping.is_set() and self.ended.is_set()

    def begin(self) -> Any:
        self.producer = producer(self.address, self.name)
        self.consumer = Consumer({
            "bootstrap.servers": self.address, "group.id": self.name, "isolation.level": "read_committed",
            "enable.auto.commit": False, **QUICK,
        })  # fmt: skip
        # The producer comes first: what the one before it left open is decided by then.
        (found,) = self.consumer.committed([TopicPartition("source", self.partition)], 30)
        self.consumer.assign([TopicPartition("source", self.partition, max(found.offset, 0))])
        return self.consumer

    def work(self) -> None:
        messages = self.consumer.consume(50, 0.1)
        if not messages:
            self.idle += 1
            if self.stopping.is_set() and self.idle > 20:
                self.ended.set()
            return
        self.idle = 0
        self.producer.begin_transaction()
        for message in messages:
            if message.error() is not None:
                raise KafkaException(message.error())
            self.producer.produce("target", message.value(), partition=self.partition)
        position = self.consumer.position([TopicPartition("source", self.partition)])
        self.producer.send_offsets_to_transaction(position, self.consumer.consumer_group_metadata(), 30)
        self.producer.commit_transaction(30)


def read_all(address: str, topic: str) -> dict[int, list[str]]:
    """Every committed value by partition, in the order of the offsets, up to the last stable offset."""
    consumer = Consumer({
        "bootstrap.servers": address, "group.id": "check", "isolation.level": "read_committed",
        "enable.partition.eof": True, **QUICK,
    })  # fmt: skip
    consumer.assign([TopicPartition(topic, p, 0) for p in range(PARTITIONS)])
    found: dict[int, list[str]] = defaultdict(list)
    ended, until_s = set[int](), time.monotonic() + 60
    while len(ended) < PARTITIONS and time.monotonic() < until_s:
        for message in consumer.consume(1000, 0.2):
            if message.error() is not None:
                ended.add(message.partition())
            else:
                found[message.partition()].append(message.value().decode())
    consumer.close()
    assert len(ended) == PARTITIONS
    return found


def check(address: str, source: Source) -> None:
    filled, written = read_all(address, "source"), read_all(address, "target")
    for partition in range(PARTITIONS):
        assert written[partition] == filled[partition], "each value once, in order"
        numbers = [int(value.split()[0]) for value in filled[partition]]
        assert sorted(set(filled[partition])) == sorted(filled[partition]), "nothing twice"
        assert [filled[partition].count(f"{n} {p}") for n in set(numbers) for p in range(3)] == [1] * 3 * len(
            set(numbers)
        )
        assert not set(numbers) & source.aborted, "aborted and seen"
        lost = {n for n in source.committed if n % PARTITIONS == partition} - set(numbers)
        assert lost == set(), f"committed and lost: {sorted(lost)[:10]}"
        assert set(numbers) <= source.committed | source.unknown


def progress(actors: list[Actor]) -> None:
    """Wait until each has ended a transaction more."""
    before = [actor.transactions for actor in actors]
    until_s = time.monotonic() + 15
    while time.monotonic() < until_s:
        if all(actor.transactions > count for actor, count in zip(actors, before, strict=True)):
            return
        time.sleep(0.01)


def survive(broker: BrokerProcess, kills: int, seed: int) -> None:
    chance = random.Random(seed)
    admin = AdminClient({"bootstrap.servers": broker.address, "log_level": 0})
    for made in admin.create_topics(
        [NewTopic(name, PARTITIONS, 1) for name in ("source", "target")]
    ).values():
        made.result()
    source = Source(broker.address)
    workers = [Worker(broker.address, partition) for partition in range(PARTITIONS)]
    actors = [source, *workers]
    for actor in actors:
        actor.start()
    for kill in range(kills):
        if kill % 2 == 0:  # librdkafka takes a second or two to find a restarted broker again: let it get on
            progress(actors)
        time.sleep(chance.uniform(0, 0.3))
        broker.kill()
        broker.start()
    time.sleep(0.3)
    source.stopping.set()
    source.join(60)
    for worker in workers:
        worker.stopping.set()
    for worker in workers:
        worker.join(90)
    assert [(actor.name, actor.is_alive(), actor.failure) for actor in actors] == [
        (actor.name, False, "") for actor in actors
    ]
    assert len(source.committed) > kills, "the load made progress between the kills"
    check(broker.address, source)


def test_each_value_goes_through_exactly_once_when_the_broker_is_killed_20_times(
    broker: BrokerProcess,
) -> None:
    survive(broker, 20, seed=1)


@pytest.mark.slow
@pytest.mark.timeout(2400)
def test_each_value_goes_through_exactly_once_when_the_broker_is_killed_500_times(
    broker: BrokerProcess,
) -> None:
    survive(broker, 500, seed=2)
