"""Three admin clients change a topic that lives: partitions, settings, records; each sees what it did."""

import subprocess
import time
from pathlib import Path

import pytest
from bench.oracle import kafka as oracle
from confluent_kafka import Producer, TopicPartition

from tests.differential.asking import Connection, batch, create, produce

EXPECTED = (3, "12345", "delete,compact", 2)


def new_topic(address: str, topic: str) -> None:
    c = Connection(address)
    create(c, topic)
    produce(c, topic, batch(b"a", b"b", b"c", at_ms=int(time.time() * 1000)))
    c.close()


def test_confluents_admin(broker_address: str) -> None:
    from confluent_kafka.admin import (
        AdminClient,
        AlterConfigOpType,
        ConfigEntry,
        ConfigResource,
        NewPartitions,
        OffsetSpec,
    )

    new_topic(broker_address, "by-confluent-admin")
    topic = "by-confluent-admin"
    admin = AdminClient({"bootstrap.servers": broker_address})
    admin.create_partitions([NewPartitions(topic, 3)])[topic].result()
    changes = [
        ConfigEntry("segment.ms", "12345", incremental_operation=AlterConfigOpType.SET),
        ConfigEntry("cleanup.policy", "compact", incremental_operation=AlterConfigOpType.APPEND),
    ]
    resource = ConfigResource(ConfigResource.Type.TOPIC, topic, incremental_configs=changes)
    admin.incremental_alter_configs([resource])[resource].result()
    asked = ConfigResource(ConfigResource.Type.TOPIC, topic)
    settings = admin.describe_configs([asked])[asked].result()
    (deleted,) = admin.delete_records([TopicPartition(topic, 0, 2)]).values()
    low = deleted.result().low_watermark
    partitions = len(admin.list_topics(topic, timeout=5).topics[topic].partitions)
    assert (partitions, settings["segment.ms"].value, settings["cleanup.policy"].value, low) == EXPECTED
    earliest = admin.list_offsets({TopicPartition(topic, 0): OffsetSpec.earliest()})
    assert [future.result().offset for future in earliest.values()] == [2]
    lost: list[object] = []
    producer = Producer({"bootstrap.servers": broker_address})
    producer.produce(topic, b"x", b"key", partition=2, on_delivery=lambda error, _: lost.append(error))
    producer.flush(10)
    assert lost == [None]


def test_kafka_pythons_admin(broker_address: str) -> None:
    from kafka import TopicPartition as Part
    from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient, NewPartitions

    topic = "by-kafka-python-admin"
    new_topic(broker_address, topic)
    admin = KafkaAdminClient(bootstrap_servers=broker_address)
    try:
        admin.create_partitions({topic: NewPartitions(3)})
        changes = {"segment.ms": "12345", "cleanup.policy": "delete,compact"}
        admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, configs=changes)])
        low = admin.delete_records({Part(topic, 0): 2})
        partitions = len(admin.describe_topics([topic])[0]["partitions"])
        assert (partitions, "12345", "delete,compact", next(iter(low.values()))["low_watermark"]) == EXPECTED
        assert topic in str(admin.describe_log_dirs())
        shown = str(admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)]))
        assert "12345" in shown and "delete,compact" in shown
    finally:
        admin.close()


def test_javas_admin(broker_address: str) -> None:
    if oracle.missing():
        pytest.skip(oracle.missing())
    topic = "by-java-admin"
    new_topic(broker_address, topic)
    program = str(Path(__file__).with_name("JavaAdmin.java"))
    ran = subprocess.run(
        oracle.java(program, broker_address, topic, heap="256m"),
        check=False,
        capture_output=True,
        text=True,
        timeout=90,
    )
    assert ran.returncode == 0, ran.stderr[-3000:]
    assert ran.stdout.split() == [*map(str, EXPECTED), "ElectionNotNeededException"]
