"""Clients that live through a broker's deaths and write a history: each a thread with librdkafka clients of its own.

`Load` is idempotent, `Source` transactional, three `Copier`s are one group that copies from the source's topic to the
target's with offsets in the transactions, `Follower`s read on and on. Knows no broker process.
"""

import contextlib
import random
import threading
import time
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition

from tests.crash.history import History, Poll, Records

PARTITIONS = 3
LOAD, SOURCE, TARGET = "load", "source", "target"
QUICK = {
    "reconnect.backoff.max.ms": 100, "reconnect.backoff.ms": 20, "log_level": 0, "retry.backoff.ms": 20,
    "topic.metadata.refresh.fast.interval.ms": 20, "socket.timeout.ms": 10_000,
    # librdkafka 2.16 looks no more for its transaction coordinator when it lost all brokers and began anew (KIP-899).
    "metadata.recovery.strategy": "none",
}  # fmt: skip


def transactional(address: str, name: str) -> Producer:
    made = Producer({"bootstrap.servers": address, "transactional.id": name, "linger.ms": 1, **QUICK})
    made.init_transactions(60)
    return made


def reading(address: str, group: str, committed: bool, **more: Any) -> Consumer:
    isolation = "read_committed" if committed else "read_uncommitted"
    return Consumer({
        "bootstrap.servers": address, "group.id": group, "isolation.level": isolation, "enable.auto.commit": False,
        "auto.offset.reset": "earliest", "fetch.wait.max.ms": 100, **QUICK, **more,
    })  # fmt: skip


class Client(threading.Thread, ABC):
    """Goes on with new clients whenever its own are of no use any more; `work` is one step, `steps` counts them."""

    def __init__(self, address: str, name: str, history: History, seed: int) -> None:
        super().__init__(daemon=True, name=name)
        self.address, self.history, self.chance = address, history, random.Random(f"{seed} {name}")
        self.stopping, self.failure = threading.Event(), ""
        self.steps = self.restarts = 0

    def run(self) -> None:
        try:
            while not self.stopping.is_set():
                self.live()
        except BaseException as error:
            self.failure = repr(error)
            raise

    def live(self) -> None:
        try:
            with self.begin():
                while not self.stopping.is_set():
                    self.work()
        except KafkaException:
            # Its outcome may be unknown: a new producer fences the old one, and what is committed tells.
            self.restarts += 1
            time.sleep(0.02)

    @abstractmethod
    def begin(self) -> contextlib.AbstractContextManager[Any]:
        """Its clients, for as long as they are of use."""

    @abstractmethod
    def work(self) -> None:
        """One step."""


class Load(Client):
    """An idempotent producer that must never give up: whatever it sent is acknowledged in the end."""

    number = 0

    @contextlib.contextmanager
    def begin(self) -> Iterator[None]:
        settings = {"bootstrap.servers": self.address, "enable.idempotence": True, "linger.ms": 2}
        # A message that times out voids idempotence: librdkafka then sends what is under way under a new epoch.
        self.producer = Producer({**settings, **QUICK, "message.timeout.ms": 900_000})
        yield
        assert self.producer.flush(90) == 0, "everything is acknowledged in the end"

    def work(self) -> None:
        for _ in range(5):
            value = f"{self.name} {self.number}"
            self.history.sent.add(value)
            self.producer.produce(LOAD, value, partition=self.number % PARTITIONS, on_delivery=self.delivered)
            self.number += 1
        self.producer.poll(0)
        time.sleep(0.04)

    def delivered(self, error: object, message: Message) -> None:
        if error is not None:
            self.failure = str(error)
        else:
            self.steps += 1
            self.history.told(
                message.value().decode(), message.topic(), message.partition(), message.offset()
            )


class Source(Client):
    """Transactions over all partitions; every fourth is aborted, some are left behind by a new self."""

    number = 0

    @contextlib.contextmanager
    def begin(self) -> Iterator[None]:
        self.producer = transactional(self.address, self.name)
        yield

    def work(self) -> None:
        values = [f"{self.name} {self.number + each}" for each in range(2 * PARTITIONS)]
        self.number += len(values)
        self.history.sent.update(values)
        fate = "aborted"
        try:
            self.producer.begin_transaction()
            for each, value in enumerate(values):
                self.producer.produce(SOURCE, value, partition=each % PARTITIONS)
            way = self.chance.random()
            if way < 0.25:
                self.producer.flush(30)
                self.producer.abort_transaction(30)
            elif way > 0.99:
                self.producer.flush(30)
                self.producer = transactional(self.address, self.name)
            else:
                fate = "unknown"
                self.producer.commit_transaction(30)
                fate = "committed"
        finally:
            self.history.ended(SOURCE, values, fate)
        self.steps += 1
        time.sleep(0.02)


class Copier(Client):
    """One of the group that copies the source, each partition to its like, with offsets in the transaction."""

    @contextlib.contextmanager
    def begin(self) -> Iterator[None]:
        self.batch: list[Message] = []
        self.producer = transactional(self.address, self.name)
        self.consumer = self.enter()
        try:
            yield
        finally:
            with contextlib.suppress(KafkaException, RuntimeError):
                self.consumer.close()

    def enter(self) -> Consumer:
        # The group has committed before it begins: to find no position, or none in the log, is an anomaly of its own.
        timeouts = {"session.timeout.ms": 6000, "heartbeat.interval.ms": 200, "auto.offset.reset": "error"}
        joined = reading(self.address, "copiers", True, **timeouts)
        joined.subscribe([SOURCE], on_assign=self.forget, on_revoke=self.forget, on_lost=self.forget)
        return joined

    def forget(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        """What was read before a rebalance is not ours to copy any more."""
        self.batch.clear()

    def work(self) -> None:
        until_s = time.monotonic() + 0.05
        while len(self.batch) < 60 and time.monotonic() < until_s:
            self.poll(self.consumer)
        if not self.batch:
            return
        batch, self.batch = self.batch, []
        keep(self.history, batch, committed=True)
        self.producer.begin_transaction()
        for message in batch:
            self.producer.produce(TARGET, message.value(), partition=message.partition())
        if self.chance.random() < 0.005:
            self.producer.flush(30)
            raise KafkaException("it dies in the middle of a transaction")
        ends = {message.partition(): message.offset() + 1 for message in batch}
        offsets = [TopicPartition(SOURCE, partition, end) for partition, end in ends.items()]
        self.producer.send_offsets_to_transaction(offsets, self.consumer.consumer_group_metadata(), 30)
        if self.chance.random() < 0.1:
            self.die_undecided()
        self.producer.commit_transaction(30)
        self.steps += 1

    def poll(self, consumer: Consumer) -> None:
        message = consumer.poll(0.02)
        if message is None:
            return
        if message.error() is not None:
            if message.error().code() == KafkaError._AUTO_OFFSET_RESET:
                self.failure = f"position lost: {message.error()}"
            raise KafkaException(message.error())
        self.batch.append(message)

    def die_undecided(self) -> None:
        """Nobody knows where its partitions go on until its next self fences it; meanwhile somebody comes and goes, so
        that the others hear again and again that they have them."""
        self.consumer.close()
        time.sleep(0.5)
        with contextlib.closing(self.enter()) as passing:
            until_s = time.monotonic() + 1
            while time.monotonic() < until_s:
                self.poll(passing)
        time.sleep(0.5)
        raise KafkaException("it dies before its transaction is decided")


class Follower(Client):
    """Reads all topics on from their beginning, through all deaths, by itself."""

    def __init__(self, address: str, name: str, history: History, committed: bool) -> None:
        super().__init__(address, name, history, 0)
        self.committed = committed
        self.position: dict[tuple[str, int], int] = {
            (t, p): 0 for t in (LOAD, SOURCE, TARGET) for p in range(PARTITIONS)
        }

    @contextlib.contextmanager
    def begin(self) -> Iterator[None]:
        self.consumer = reading(self.address, self.name, self.committed)
        self.consumer.assign([TopicPartition(t, p, at) for (t, p), at in self.position.items()])
        yield
        self.consumer.close()

    def work(self) -> None:
        messages = [one for one in self.consumer.consume(200, 0.1) if one.error() is None]
        for one in messages:
            self.position[one.topic(), one.partition()] = one.offset() + 1
        keep(self.history, messages, self.committed, self.name)
        self.steps += bool(messages)


def keep(history: History, messages: list[Message], committed: bool, reader: str = "") -> None:
    """Write one poll down, partition by partition."""
    polled: dict[tuple[str, int], Records] = defaultdict(list)
    for one in messages:
        polled[one.topic(), one.partition()].append((one.offset(), one.value().decode()))
    for part, records in polled.items():
        history.polls.append(Poll(committed, part, records, reader))


def read_all(address: str, committed: bool) -> dict[tuple[str, int], Records]:
    """Every record by topic and partition, up to the end or the last stable offset."""
    consumer = reading(address, "check", committed, **{"enable.partition.eof": True})
    parts = [(t, p) for t in (LOAD, SOURCE, TARGET) for p in range(PARTITIONS)]
    consumer.assign([TopicPartition(topic, index, 0) for topic, index in parts])
    found: dict[tuple[str, int], Records] = {part: [] for part in parts}
    ended, until_s = set[tuple[str, int]](), time.monotonic() + 120
    while len(ended) < len(parts) and time.monotonic() < until_s:
        for message in consumer.consume(5000, 0.2):
            part = message.topic(), message.partition()
            if message.error() is not None:
                ended.add(part)
            else:
                found[part].append((message.offset(), message.value().decode()))
    consumer.close()
    assert len(ended) == len(parts)
    return found
