"""Four clients in transactions, each as the same functions: produce (every third transaction is aborted), consume what is
committed, transform one topic into another with the offsets in the transaction.

A record's value is ``kept-<number>`` or ``aborted-<number>``; a transformed one is in upper case.
"""

import asyncio
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.oracle import kafka as oracle

CONSUME_S = 30.0


@dataclass(frozen=True)
class TransactionDriver:
    """`missing` says why it cannot run here, or nothing; `transform` gives the offset that it committed."""

    name: str
    produce: Callable[[str, str, int], None]
    consume: Callable[[str, str, int], list[str]]
    transform: Callable[[str, str, str, int], int]
    missing: Callable[[], str] = lambda: ""


def value_of(number: int) -> str:
    return f"{'aborted' if number % 3 == 2 else 'kept'}-{number}"


# --- librdkafka ---------------------------------------------------------------------------------------------------


def confluent_producer(address: str, name: str) -> Any:
    from confluent_kafka import Producer

    producer = Producer({"bootstrap.servers": address, "transactional.id": name})
    producer.init_transactions(30)
    return producer


def confluent_consumer(address: str, group: str, topic: str) -> Any:
    from confluent_kafka import Consumer

    settings = {"bootstrap.servers": address, "group.id": group, "auto.offset.reset": "earliest"}
    consumer = Consumer({**settings, "isolation.level": "read_committed", "enable.auto.commit": False})
    consumer.subscribe([topic])
    return consumer


def confluent_produce(address: str, topic: str, count: int) -> None:
    producer = confluent_producer(address, f"confluent-{topic}")
    for number in range(count):
        producer.begin_transaction()
        producer.produce(topic, value_of(number), f"key-{number}")
        producer.flush()
        if number % 3 == 2:
            producer.abort_transaction(30)
        else:
            producer.commit_transaction(30)


def confluent_consume(address: str, topic: str, count: int) -> list[str]:
    consumer = confluent_consumer(address, f"confluent-reads-{topic}", topic)
    found: list[str] = []
    until_s = time.monotonic() + CONSUME_S
    while len(found) < count and time.monotonic() < until_s:
        for message in consumer.consume(100, 0.2):
            assert message.error() is None, message.error()
            found.append(message.value().decode())
    consumer.close()
    return found


def confluent_transform(address: str, source: str, target: str, count: int) -> int:
    producer = confluent_producer(address, f"confluent-{target}")
    consumer = confluent_consumer(address, f"confluent-{target}", source)
    done, until_s = 0, time.monotonic() + CONSUME_S
    while done < count and time.monotonic() < until_s:
        messages = consumer.consume(100, 0.2)
        if not messages:
            continue
        producer.begin_transaction()
        for message in messages:
            producer.produce(target, message.value().upper())
        producer.send_offsets_to_transaction(
            consumer.position(consumer.assignment()), consumer.consumer_group_metadata(), 30
        )
        producer.commit_transaction(30)
        done += len(messages)
    (committed,) = consumer.committed(consumer.assignment(), 10)
    consumer.close()
    return int(committed.offset)


# --- aiokafka -----------------------------------------------------------------------------------------------------


def aiokafka_produce(address: str, topic: str, count: int) -> None:
    from aiokafka import AIOKafkaProducer

    async def produce() -> None:
        async with AIOKafkaProducer(
            bootstrap_servers=address, transactional_id=f"aiokafka-{topic}"
        ) as producer:
            for number in range(count):
                await producer.begin_transaction()
                await producer.send_and_wait(topic, value_of(number).encode())
                if number % 3 == 2:
                    await producer.abort_transaction()
                else:
                    await producer.commit_transaction()

    asyncio.run(produce())


def aiokafka_consume(address: str, topic: str, count: int) -> list[str]:
    from aiokafka import AIOKafkaConsumer

    async def consume() -> list[str]:
        consumer = AIOKafkaConsumer(
            topic, bootstrap_servers=address, group_id=f"aiokafka-reads-{topic}", auto_offset_reset="earliest",
            isolation_level="read_committed",
        )  # fmt: skip
        found: list[str] = []
        async with consumer:
            until_s = time.monotonic() + CONSUME_S
            while len(found) < count and time.monotonic() < until_s:
                for records in (await consumer.getmany(timeout_ms=200)).values():
                    found += [record.value.decode() for record in records]
        return found

    return asyncio.run(consume())


def aiokafka_transform(address: str, source: str, target: str, count: int) -> int:
    from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

    async def transform() -> int:
        group, done = f"aiokafka-{target}", 0
        producer = AIOKafkaProducer(bootstrap_servers=address, transactional_id=group)
        consumer = AIOKafkaConsumer(
            source, bootstrap_servers=address, group_id=group, auto_offset_reset="earliest",
            isolation_level="read_committed", enable_auto_commit=False,
        )  # fmt: skip
        async with producer, consumer:
            until_s = time.monotonic() + CONSUME_S
            while done < count and time.monotonic() < until_s:
                for part, records in (await consumer.getmany(timeout_ms=200)).items():
                    async with producer.transaction():
                        for record in records:
                            await producer.send(target, record.value.upper())
                        await producer.send_offsets_to_transaction({part: records[-1].offset + 1}, group)
                    done += len(records)
            (part,) = consumer.assignment()
            return int(await consumer.committed(part) or -1)

    return asyncio.run(transform())


# --- kafka-python -------------------------------------------------------------------------------------------------


def kafka_python_produce(address: str, topic: str, count: int) -> None:
    from kafka import KafkaProducer

    producer = KafkaProducer(bootstrap_servers=address, transactional_id=f"kafka-python-{topic}")
    producer.init_transactions()
    for number in range(count):
        producer.begin_transaction()
        producer.send(topic, value_of(number).encode()).get(timeout=30)
        if number % 3 == 2:
            producer.abort_transaction()
        else:
            producer.commit_transaction()
    producer.close()


def kafka_python_consumer(address: str, topic: str, group: str) -> Any:
    from kafka import KafkaConsumer

    return KafkaConsumer(
        topic, bootstrap_servers=address, group_id=group, auto_offset_reset="earliest", isolation_level="read_committed",
        enable_auto_commit=False,
    )  # fmt: skip


def kafka_python_consume(address: str, topic: str, count: int) -> list[str]:
    consumer = kafka_python_consumer(address, topic, f"kafka-python-reads-{topic}")
    found: list[str] = []
    until_s = time.monotonic() + CONSUME_S
    while len(found) < count and time.monotonic() < until_s:
        for records in consumer.poll(timeout_ms=200).values():
            found += [record.value.decode() for record in records]
    consumer.close()
    return found


def kafka_python_transform(address: str, source: str, target: str, count: int) -> int:
    from kafka import KafkaProducer
    from kafka.structs import OffsetAndMetadata

    group, done = f"kafka-python-{target}", 0
    producer = KafkaProducer(bootstrap_servers=address, transactional_id=group)
    producer.init_transactions()
    consumer = kafka_python_consumer(address, source, group)
    until_s = time.monotonic() + CONSUME_S
    while done < count and time.monotonic() < until_s:
        for part, records in consumer.poll(timeout_ms=200).items():
            producer.begin_transaction()
            for record in records:
                producer.send(target, record.value.upper())
            producer.send_offsets_to_transaction(
                {part: OffsetAndMetadata(records[-1].offset + 1, "", -1)}, group
            )
            producer.commit_transaction()
            done += len(records)
    (part,) = consumer.assignment()
    committed = consumer.committed(part)
    consumer.close()
    producer.close()
    return int(committed)


# --- Java ---------------------------------------------------------------------------------------------------------


def java(*words: str) -> str:
    program = str(Path(__file__).with_name("JavaTransactions.java"))
    ran = subprocess.run(
        oracle.java(program, *words, heap="256m"), check=False, capture_output=True, text=True, timeout=120
    )
    assert ran.returncode == 0, ran.stderr[-3000:]
    return ran.stdout


DRIVERS = (
    TransactionDriver("confluent", confluent_produce, confluent_consume, confluent_transform),
    TransactionDriver("aiokafka", aiokafka_produce, aiokafka_consume, aiokafka_transform),
    TransactionDriver("kafka-python", kafka_python_produce, kafka_python_consume, kafka_python_transform),
    TransactionDriver(
        "java",
        lambda address, topic, count: void(java("produce", address, topic, str(count))),
        lambda address, topic, count: java("consume", address, topic, str(count)).split(),
        lambda address, source, target, count: int(java("transform", address, source, target, str(count))),
        oracle.missing,
    ),
)


def void(said: str) -> None:
    """What a program said is of no interest."""
