"""kafka-python."""

import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import kafka
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.coordinator.assignors.cooperative_sticky import CooperativeStickyAssignor
from kafka.coordinator.assignors.range import RangePartitionAssignor
from kafka.coordinator.assignors.sticky.sticky_assignor import StickyPartitionAssignor
from kafka.errors import KafkaError
from kafka.structs import OffsetAndMetadata, TopicPartition

from tests.compatibility.clients.verbs import BEAT_MS, WAIT_S, Client, Member, Seen, Sent, until

STRATEGIES = {
    "range": RangePartitionAssignor,
    "sticky": StickyPartitionAssignor,
    "cooperative-sticky": CooperativeStickyAssignor,
}


class KafkaPythonMember(Member):
    """A consumer on a thread of its own."""

    def __init__(self, begin: Callable[[], Any]) -> None:
        self._begin = begin
        self._seen: list[bytes | None] = []
        self._parts: set[int] = set()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._poll, daemon=True)
        self._thread.start()

    def _poll(self) -> None:
        consumer = self._begin()
        while not self._ended.is_set():
            for records in consumer.poll(timeout_ms=100).values():
                self._seen += [record.value for record in records]
            self._parts = {part.partition for part in consumer.assignment()}
        consumer.close()

    def assigned(self) -> set[int]:
        return self._parts

    def seen(self) -> list[bytes | None]:
        return list(self._seen)

    def close(self) -> None:
        self._ended.set()
        self._thread.join(WAIT_S)


class KafkaPython(Client):
    """Every verb."""

    name, library = "kafka-python", f"kafka-python {kafka.__version__}"

    def settings(self, **more: Any) -> dict[str, Any]:
        """How to reach the server, in kafka-python's words."""
        given: dict[str, Any] = {
            "bootstrap_servers": self.place.address,
            "security_protocol": self.place.protocol,
        }
        if self.place.mechanism:
            given |= {"sasl_mechanism": self.place.mechanism, "sasl_plain_username": self.place.user}
            given |= {"sasl_plain_password": self.place.password}
        if self.place.authority:
            given["ssl_cafile"] = self.place.authority
        return given | more

    def produce(
        self, topic: str, records: Sequence[Sent], codec: str = "none", idempotent: bool = False
    ) -> list[int]:
        compression = None if codec == "none" else codec
        more = {
            "compression_type": compression,
            "enable_idempotence": idempotent,
            "acks": "all",
            "max_request_size": 4 << 20,
        }
        producer = kafka.KafkaProducer(**self.settings(**more))
        try:
            answers = [send(producer, topic, record) for record in records]
            return [answer.get(timeout=WAIT_S).offset for answer in answers]
        finally:
            producer.close()

    def read(self, topic: str, count: int, *, committed: bool = False, start: int = 0) -> list[Seen]:
        level = "read_committed" if committed else "read_uncommitted"
        consumer = kafka.KafkaConsumer(
            **self.settings(isolation_level=level, max_partition_fetch_bytes=4 << 20)
        )
        consumer.assign([TopicPartition(topic, 0)])
        consumer.seek(TopicPartition(topic, 0), start)
        found: list[Seen] = []
        try:
            until(lambda: self._more(consumer, found) >= count, f"{count} records of {topic}")
        finally:
            consumer.close()
        return found

    @staticmethod
    def _more(consumer: Any, found: list[Seen]) -> int:
        for records in consumer.poll(timeout_ms=200).values():
            found += [
                Seen(r.partition, r.offset, r.key, r.value, r.timestamp, tuple(r.headers)) for r in records
            ]
        return len(found)

    def member(self, topic: str, group: str, strategy: str = "range", instance: str = "") -> Member:
        more = {"group_id": group, "auto_offset_reset": "earliest", "group_instance_id": instance or None}
        more |= {"heartbeat_interval_ms": BEAT_MS}
        settings = self.settings(**more, partition_assignment_strategy=[STRATEGIES[strategy]])
        return KafkaPythonMember(lambda: kafka.KafkaConsumer(topic, **settings))

    def transact(
        self, name: str, topic: str, records: Sequence[Sent], commit: bool, offsets: tuple[str, str, int] | None = None,
    ) -> None:  # fmt: skip
        producer = kafka.KafkaProducer(**self.settings(transactional_id=name))
        try:
            producer.init_transactions()
            producer.begin_transaction()
            for answer in [send(producer, topic, record) for record in records]:
                answer.get(timeout=WAIT_S)
            if offsets is not None:
                where = {TopicPartition(offsets[1], 0): OffsetAndMetadata(offsets[2], "", -1)}
                producer.send_offsets_to_transaction(where, offsets[0])
            (producer.commit_transaction if commit else producer.abort_transaction)()
        finally:
            producer.close()

    def fenced(self, name: str, topic: str) -> bool:
        first, second = (kafka.KafkaProducer(**self.settings(transactional_id=name)) for _ in range(2))
        try:
            first.init_transactions()
            first.begin_transaction()
            second.init_transactions()
            first.send(topic, b"late").get(timeout=WAIT_S)
            first.commit_transaction()
        except KafkaError:
            return True
        finally:
            first.close(timeout=1)
            second.close()
        return False

    @contextmanager
    def _admin(self) -> Any:
        admin = kafka.KafkaAdminClient(**self.settings())
        try:
            yield admin
        finally:
            admin.close()

    def create(self, topic: str, partitions: int = 1, configs: Mapping[str, str] | None = None) -> None:
        new = {topic: {"num_partitions": partitions, "replication_factor": 1, "configs": dict(configs or {})}}
        with self._admin() as admin:
            admin.create_topics(new, wait_for_metadata=True)

    def delete(self, topic: str) -> None:
        with self._admin() as admin:
            admin.delete_topics([topic])

    def partitions(self, topic: str) -> int:
        with self._admin() as admin:
            (found,) = [t for t in admin.describe_topics() if t["name"] == topic] or [{"partitions": ()}]
            return len(found["partitions"])

    def configs(self, topic: str) -> dict[str, str]:
        with self._admin() as admin:
            asked = [ConfigResource(ConfigResourceType.TOPIC, topic)]
            found = admin.describe_configs(asked, config_filter="all")["topic"][topic]
            return {name: entry["value"] for name, entry in found.items()}

    def configure(self, topic: str, configs: Mapping[str, str]) -> None:
        with self._admin() as admin:
            admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, dict(configs))])

    def grow(self, topic: str, partitions: int) -> None:
        with self._admin() as admin:
            admin.create_partitions({topic: partitions})

    def delete_records(self, topic: str, before: int) -> int:
        with self._admin() as admin:
            (found,) = admin.delete_records({TopicPartition(topic, 0): before}).values()
            return int(found["low_watermark"])

    def group_state(self, group: str) -> str:
        with self._admin() as admin:
            if group not in [each["group_id"] for each in admin.list_groups()]:
                return ""
            return str(admin.describe_groups([group])[group]["group_state"]).lower()

    def delete_group(self, group: str) -> None:
        with self._admin() as admin:
            admin.delete_groups([group])

    def group_offset(self, group: str, topic: str) -> int:
        with self._admin() as admin:
            found = admin.list_group_offsets({group: [TopicPartition(topic, 0)]})[group]
            return next((told.offset for told in found.values()), -1)

    def set_group_offset(self, group: str, topic: str, offset: int) -> None:
        with self._admin() as admin:
            admin.alter_group_offsets(group, {TopicPartition(topic, 0): OffsetAndMetadata(offset, "", -1)})

    def offset_at(self, topic: str, at_ms: int) -> int:
        asked = {-1: -2, -2: -1}.get(at_ms, at_ms)
        with self._admin() as admin:
            (found,) = admin.list_partition_offsets({TopicPartition(topic, 0): asked}).values()
            return int(found.offset)


def send(producer: Any, topic: str, record: Sent) -> Any:
    """Hand one record to a producer."""
    return producer.send(
        topic, record.value, record.key, list(record.headers), record.partition, record.at_ms
    )
