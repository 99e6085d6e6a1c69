"""Topics that deliver records later, by the clients that people use: nothing is asked of them but a header.

What is left of a batch has gaps, or no record at all: every client must go on behind it.
"""

import time
from collections import Counter
from typing import Any

import pytest
from confluent_kafka import Consumer, Message, Producer
from confluent_kafka.admin import AdminClient, ConfigResource, NewTopic

from penstock.testing.processes import BrokerProcess
from tests.clients.drivers import DRIVERS, ClientDriver

IDS = [driver.name for driver in DRIVERS]


def make(address: str, topic: str) -> None:
    admin = AdminClient({"bootstrap.servers": address})
    new = NewTopic(topic, 1, 1, config={"penstock.delay.enable": "true"})
    admin.create_topics([new])[topic].result()
    resource = ConfigResource("topic", topic)
    assert admin.describe_configs([resource])[resource].result()["penstock.delay.enable"].value == "true"


def producing(address: str, **settings: Any) -> Producer:
    return Producer({
        "bootstrap.servers": address, "enable.idempotence": True, "linger.ms": 20, "reconnect.backoff.max.ms": 200,
        "log_level": 0, **settings,
    })  # fmt: skip


def now_ms() -> int:
    return time.time_ns() // 1_000_000


class Ledger:
    """What was asked for: when each value is due; all were acknowledged."""

    def __init__(self, topic: str) -> None:
        self.topic, self.due_ms = topic, dict[bytes, int]()
        self.failed: list[object] = []

    def send(self, producer: Producer, value: bytes, after_ms: int | None) -> None:
        headers: list[tuple[str, bytes]] = [("trace", value)]
        if after_ms is not None:
            self.due_ms[value] = now_ms() + after_ms
            headers.append(("deliver-at", str(self.due_ms[value]).encode()))
        producer.produce(
            self.topic, value, b"key " + value, partition=0, headers=headers, on_delivery=self._told
        )

    def _told(self, error: object, message: Message) -> None:
        if error is not None:
            self.failed.append(error)


def read(address: str, topic: str, count: int) -> list[tuple[Message, int]]:
    """The first `count` messages, and when each came."""
    consumer = Consumer({
        "bootstrap.servers": address, "group.id": topic, "auto.offset.reset": "earliest", "fetch.wait.max.ms": 50,
    })  # fmt: skip
    consumer.subscribe([topic])
    found: list[tuple[Message, int]] = []
    end_s = time.monotonic() + 30
    while len(found) < count and time.monotonic() < end_s:
        message = consumer.poll(0.1)
        if message is not None and message.error() is None:
            found.append((message, now_ms()))
    consumer.close()
    return found


def test_an_idempotent_producer_s_records_come_when_they_are_due_over_a_kill(broker: BrokerProcess) -> None:
    make(broker.address, "later")
    producer, told = producing(broker.address), Ledger("later")
    for number in range(30):
        told.send(producer, b"a%d" % number, 3000 - 50 * number)
    producer.flush(10)
    for number in range(30):
        told.send(producer, b"b%d" % number, 4000 - 50 * number if number % 2 else None)
    producer.flush(10)
    broker.kill()
    broker.start()
    for number in range(10):
        told.send(producer, b"c%d" % number, 1000 if number % 2 else None)
    producer.flush(20)
    assert told.failed == []
    found = read(broker.address, "later", 70)
    assert Counter(message.value() for message, _ in found) == Counter(
        [b"a%d" % n for n in range(30)] + [b"b%d" % n for n in range(30)] + [b"c%d" % n for n in range(10)]
    )
    for message, at_ms in found:
        assert message.key() == b"key " + message.value()
        assert message.headers()[0] == ("trace", message.value())
        due_ms = told.due_ms.get(message.value(), 0)
        assert at_ms >= due_ms and message.headers()[1:] == (
            [("deliver-at", str(due_ms).encode())] if due_ms else []
        )
    offsets = [message.offset() for message, _ in found]
    assert offsets == sorted(offsets)
    came = [told.due_ms[value] for message, _ in found if (value := message.value())[:1] == b"a"]
    assert came == sorted(came)


def test_a_header_that_is_no_time_is_told_to_the_producer(broker_address: str) -> None:
    make(broker_address, "told")
    errors: list[Any] = []
    producer = producing(broker_address, **{"enable.idempotence": False})
    producer.produce(
        "told", b"x", headers=[("deliver-at", b"soon")], on_delivery=lambda error, _: errors.append(error)
    )
    producer.flush(10)
    assert [error.name() for error in errors] == ["INVALID_RECORD"]


@pytest.fixture(scope="module")
def gaps(broker_address: str) -> str:
    """A topic that begins with batches of which little or nothing is left."""
    make(broker_address, "gaps")
    producer, told = producing(broker_address), Ledger("gaps")
    for number in range(30):
        told.send(producer, b"%d" % number, None if 10 <= number < 20 and number % 2 else 500)
        if number % 10 == 9:
            producer.flush(10)
    time.sleep(0.6)
    told.send(producer, b"30", 100_000_000)
    producer.flush(10)
    told.send(producer, b"31", None)
    producer.flush(10)
    assert told.failed == []
    return "gaps"


@pytest.mark.parametrize("driver", DRIVERS, ids=IDS)
def test_every_client_reads_over_what_was_taken_out(
    driver: ClientDriver, broker_address: str, gaps: str
) -> None:
    if driver.missing():
        pytest.skip(driver.missing())
    found = driver.consume(broker_address, gaps, f"{driver.name}-over-gaps", 31)
    assert Counter(found) == Counter([*map(str, range(30)), "31"])
