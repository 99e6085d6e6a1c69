"""The five clients, each as the same two functions: produce some records, consume a topic in a group.

A record's value is ``<client>-<codec>-<number>``, its key ``key-<number>``.
"""

import asyncio
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bench.oracle import kafka as oracle

CODECS = ("none", "gzip", "snappy", "lz4", "zstd")
CONSUME_S = 30.0


@dataclass(frozen=True)
class ClientDriver:
    """`missing` says why it cannot run here, or nothing."""

    name: str
    produce: Callable[[str, str, str, int], None]
    consume: Callable[[str, str, str, int], list[str]]
    missing: Callable[[], str] = lambda: ""


# --- librdkafka ---------------------------------------------------------------------------------------------------


def confluent_produce(address: str, topic: str, codec: str, count: int) -> None:
    from confluent_kafka import Producer

    errors: list[object] = []
    producer = Producer({"bootstrap.servers": address, "compression.type": codec, "enable.idempotence": True})
    for number in range(count):
        value = f"confluent-{codec}-{number}"
        headers = [("from", b"confluent")]
        producer.produce(
            topic, value, f"key-{number}", headers=headers, on_delivery=lambda e, m: e and errors.append(e)
        )
    assert producer.flush(30) == 0
    assert errors == []


def confluent_consume(address: str, topic: str, group: str, count: int) -> list[str]:
    from confluent_kafka import Consumer

    consumer = Consumer({"bootstrap.servers": address, "group.id": group, "auto.offset.reset": "earliest"})
    consumer.subscribe([topic])
    found: list[str] = []
    until_s = time.monotonic() + CONSUME_S
    while len(found) < count and time.monotonic() < until_s:
        for message in consumer.consume(1000, 0.2):
            assert message.error() is None, message.error()
            found.append(message.value().decode())
    consumer.commit(asynchronous=False)
    consumer.close()
    return found


# --- kcat ---------------------------------------------------------------------------------------------------------


def kcat_produce(address: str, topic: str, codec: str, count: int) -> None:
    lines = "".join(f"key-{number}:kcat-{codec}-{number}\n" for number in range(count))
    words = ["kcat", "-P", "-b", address, "-t", topic, "-K", ":", "-z", codec, "-H", "from=kcat"]
    subprocess.run(words, input=lines, text=True, check=True, timeout=60)


def kcat_consume(address: str, topic: str, group: str, count: int) -> list[str]:
    words = [
        "kcat",
        "-b",
        address,
        "-X",
        "auto.offset.reset=earliest",
        "-c",
        str(count),
        "-u",
        "-q",
        "-G",
        group,
        topic,
    ]
    return subprocess.run(words, capture_output=True, text=True, check=True, timeout=60).stdout.splitlines()


# --- kafka-python -------------------------------------------------------------------------------------------------


def kafka_python_produce(address: str, topic: str, codec: str, count: int) -> None:
    from kafka import KafkaProducer

    producer = KafkaProducer(bootstrap_servers=address, compression_type=None if codec == "none" else codec)
    answers = [
        producer.send(
            topic,
            f"kafka-python-{codec}-{n}".encode(),
            f"key-{n}".encode(),
            headers=[("from", b"kafka-python")],
        )
        for n in range(count)
    ]
    for answer in answers:
        answer.get(timeout=30)
    producer.close()


def kafka_python_consume(address: str, topic: str, group: str, count: int) -> list[str]:
    from kafka import KafkaConsumer

    consumer = KafkaConsumer(topic, bootstrap_servers=address, group_id=group, auto_offset_reset="earliest")
    found: list[str] = []
    until_s = time.monotonic() + CONSUME_S
    while len(found) < count and time.monotonic() < until_s:
        for records in consumer.poll(timeout_ms=200).values():
            found += [record.value.decode() for record in records]
    consumer.commit()
    consumer.close()
    return found


# --- aiokafka -----------------------------------------------------------------------------------------------------


def aiokafka_produce(address: str, topic: str, codec: str, count: int) -> None:
    from aiokafka import AIOKafkaProducer

    async def produce() -> None:
        compression = None if codec == "none" else codec
        producer = AIOKafkaProducer(bootstrap_servers=address, compression_type=compression, linger_ms=5)
        async with producer:
            values = [(f"aiokafka-{codec}-{n}".encode(), f"key-{n}".encode()) for n in range(count)]
            headers = [("from", b"aiokafka")]
            sent = [await producer.send(topic, value, key, headers=headers) for value, key in values]
            await asyncio.gather(*sent)

    asyncio.run(produce())


def aiokafka_consume(address: str, topic: str, group: str, count: int) -> list[str]:
    from aiokafka import AIOKafkaConsumer

    async def consume() -> list[str]:
        consumer = AIOKafkaConsumer(
            topic, bootstrap_servers=address, group_id=group, auto_offset_reset="earliest"
        )
        found: list[str] = []
        async with consumer:
            until_s = time.monotonic() + CONSUME_S
            while len(found) < count and time.monotonic() < until_s:
                for records in (await consumer.getmany(timeout_ms=200)).values():
                    found += [record.value.decode() for record in records]
            await consumer.commit()
        return found

    return asyncio.run(consume())


# --- Java ---------------------------------------------------------------------------------------------------------


def java(*words: str) -> str:
    program = str(Path(__file__).with_name("JavaClient.java"))
    ran = subprocess.run(
        oracle.java(program, *words, heap="256m"), check=False, capture_output=True, text=True, timeout=90
    )
    assert ran.returncode == 0, ran.stderr[-3000:]
    sys.stderr.write(ran.stderr[-1000:])
    return ran.stdout


def java_produce(address: str, topic: str, codec: str, count: int) -> None:
    java("produce", address, topic, codec, str(count), "java")


def java_consume(address: str, topic: str, group: str, count: int) -> list[str]:
    return [line.split("\t")[1] for line in java("consume", address, topic, group, str(count)).splitlines()]


DRIVERS = (
    ClientDriver("confluent", confluent_produce, confluent_consume),
    ClientDriver(
        "kcat", kcat_produce, kcat_consume, lambda: "" if shutil.which("kcat") else "kcat is not installed"
    ),
    ClientDriver("kafka-python", kafka_python_produce, kafka_python_consume),
    ClientDriver("aiokafka", aiokafka_produce, aiokafka_consume),
    ClientDriver("java", java_produce, java_consume, oracle.missing),
)
