"""librdkafka in a group whose positions an open transaction may move: it waits for them, whatever the group goes through.

librdkafka (1.6.1 to 2.16) gives up such a position when the group rebalances meanwhile: it asks again and again, and an
answer that belongs to an assignment before the present one makes it begin where `auto.offset.reset` says (`apply_offsets`
in `rdkafka_assignment.c`), on Apache Kafka too. What is told instead of a position makes it ask once more.
"""

import contextlib
import time
from collections.abc import Callable, Sequence
from typing import Any

from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from tests.clients.transactions import confluent_producer

PARTITIONS, RECORDS, COMMITTED, PENDING = 2, 10, 5, 7
REBALANCES = 4


class Member:
    """One of the group; `read` are the (partition, offset) that it read."""

    def __init__(self, address: str, topic: str) -> None:
        self.read: list[tuple[int, int]] = []
        self.assigned = 0
        self.consumer = Consumer({
            "bootstrap.servers": address, "group.id": topic, "isolation.level": "read_committed",
            "enable.auto.commit": False, "auto.offset.reset": "earliest", "session.timeout.ms": 6000,
            "heartbeat.interval.ms": 100, "retry.backoff.ms": 20,
        })  # fmt: skip
        self.consumer.subscribe([topic], on_assign=self.on_assign)

    def on_assign(self, consumer: Consumer, parts: Sequence[TopicPartition]) -> None:
        self.assigned = len(parts)

    def poll(self) -> None:
        message = self.consumer.poll(0.01)
        if message is not None:
            assert message.error() is None, message.error()
            self.read.append((message.partition(), message.offset()))


def fill(address: str, topic: str) -> None:
    admin = AdminClient({"bootstrap.servers": address})
    admin.create_topics([NewTopic(topic, PARTITIONS, 1)])[topic].result()
    producer = Producer({"bootstrap.servers": address})
    for number in range(PARTITIONS * RECORDS):
        producer.produce(topic, str(number), partition=number % PARTITIONS)
    assert producer.flush(30) == 0


def move(writer: Any, address: str, topic: str, offset: int) -> None:
    """In a transaction that is left open."""
    group = Consumer({"bootstrap.servers": address, "group.id": topic})
    writer.begin_transaction()
    parts = [TopicPartition(topic, index, offset) for index in range(PARTITIONS)]
    writer.send_offsets_to_transaction(parts, group.consumer_group_metadata(), 30)
    group.close()


def poll_until(true: Callable[[], bool], *members: Member, most_s: float = 30.0) -> None:
    until_s = time.monotonic() + most_s
    while not true():
        assert time.monotonic() < until_s, [(one.assigned, one.read) for one in members]
        for one in members:
            one.poll()


def poll_for(seconds: float, *members: Member) -> None:
    until_s = time.monotonic() + seconds
    with contextlib.suppress(AssertionError):
        poll_until(lambda: time.monotonic() >= until_s, *members)


def test_a_member_waits_for_an_undecided_position_through_rebalances(broker_address: str) -> None:
    topic = "undecided"
    fill(broker_address, topic)
    writer = confluent_producer(broker_address, "undecided")
    move(writer, broker_address, topic, COMMITTED)
    writer.commit_transaction(30)
    move(writer, broker_address, topic, PENDING)
    first = Member(broker_address, topic)
    poll_until(lambda: first.assigned == PARTITIONS, first)
    for _ in range(REBALANCES):
        second = Member(broker_address, topic)
        poll_until(lambda: first.assigned == second.assigned == 1, first, second)  # noqa: B023  # called at once
        poll_for(0.3, first, second)
        second.consumer.close()
        poll_until(lambda: first.assigned == PARTITIONS, first)
        assert (first.read, second.read) == ([], []), "read before it was decided where to begin"
    writer.commit_transaction(30)
    left = PARTITIONS * (RECORDS - PENDING)
    poll_until(lambda: len(first.read) >= left, first)
    first.consumer.close()
    assert sorted(first.read) == [(p, o) for p in range(PARTITIONS) for o in range(PENDING, RECORDS)]
