"""The broker is killed with SIGKILL under acknowledged load, again and again.

Invariants: every acknowledged record is there; each idempotent producer's records stand in order, once.
"""

import random
import threading
import time
from collections import defaultdict

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from penstock.testing.processes import BrokerProcess

PARTITIONS = 3


class Load(threading.Thread):
    """An idempotent producer that numbers its records and remembers which were acknowledged."""

    def __init__(self, address: str, name: str) -> None:
        super().__init__(daemon=True)
        settings = {"bootstrap.servers": address, "enable.idempotence": True, "linger.ms": 2, "log_level": 0}
        self.producer = Producer({**settings, "reconnect.backoff.max.ms": 300, "message.timeout.ms": 60_000})
        self.name, self.acknowledged, self.errors = name, set[tuple[int, int]](), list[str]()
        self.stopping = threading.Event()

    def run(self) -> None:
        number = 0
        while not self.stopping.is_set():
            for _ in range(20):
                self.producer.produce(
                    "load", f"{self.name} {number}", partition=number % PARTITIONS, on_delivery=self.delivered
                )
                number += 1
            self.producer.poll(0.005)
        self.producer.flush(30)

    def delivered(self, error: object, message: object) -> None:
        if error is not None:
            self.errors.append(str(error))
        else:
            self.acknowledged.add((message.partition(), int(message.value().split()[1])))  # type: ignore[attr-defined]


def read_all(address: str) -> dict[int, list[tuple[str, int]]]:
    """Every record by partition, in offset order: (producer, number)."""
    consumer = Consumer({"bootstrap.servers": address, "group.id": "check", "auto.offset.reset": "earliest"})
    ends = {
        p: consumer.get_watermark_offsets(TopicPartition("load", p), timeout=10)[1] for p in range(PARTITIONS)
    }
    consumer.assign([TopicPartition("load", p, 0) for p in range(PARTITIONS)])
    found: dict[int, list[tuple[str, int]]] = defaultdict(list)
    until_s = time.monotonic() + 60
    while any(len(found[p]) < ends[p] for p in ends) and time.monotonic() < until_s:
        for message in consumer.consume(5000, 0.2):
            assert message.error() is None
            assert message.offset() == len(found[message.partition()]), "no gap, no offset twice"
            name, number = message.value().decode().split()
            found[message.partition()].append((name, int(number)))
    consumer.close()
    return found


def survive(broker: BrokerProcess, kills: int, seed: int) -> None:
    chance = random.Random(seed)
    admin = AdminClient({"bootstrap.servers": broker.address})
    admin.create_topics([NewTopic("load", PARTITIONS, 1)])["load"].result()
    loads = [Load(broker.address, name) for name in ("ada", "bob")]
    for load in loads:
        load.start()
    until_s = time.monotonic() + 30
    while not all(load.acknowledged for load in loads) and time.monotonic() < until_s:
        time.sleep(0.05)  # a producer first needs its id, which takes longer than the pause between two kills
    for _ in range(kills):
        time.sleep(chance.uniform(0.1, 0.5))
        broker.kill()
        broker.start()
    time.sleep(0.5)
    for load in loads:
        load.stopping.set()
    for load in loads:
        load.join(60)
        assert load.errors == []
        assert len(load.acknowledged) > kills, "the load made progress between the kills"
    found = read_all(broker.address)
    for load in loads:
        for partition in range(PARTITIONS):
            numbers = [number for name, number in found[partition] if name == load.name]
            assert numbers == sorted(set(numbers)), "in order, once"
            lost = {number for p, number in load.acknowledged if p == partition} - set(numbers)
            assert lost == set(), f"acknowledged and lost: {sorted(lost)[:10]}"


def test_nothing_acknowledged_is_lost_or_doubled_when_the_broker_is_killed_30_times(
    broker: BrokerProcess,
) -> None:
    survive(broker, 30, seed=1)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_nothing_acknowledged_is_lost_or_doubled_when_the_broker_is_killed_500_times(
    broker: BrokerProcess,
) -> None:
    survive(broker, 500, seed=2)
