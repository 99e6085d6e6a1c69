"""librdkafka 2.16 by confluent-kafka."""

import threading
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import confluent_kafka as ck
from confluent_kafka import admin as ck_admin

from tests.compatibility.clients.verbs import BEAT_MS, WAIT_S, Client, Member, NotOffered, Seen, Sent, until

ROOM = 4 << 20


class ConfluentMember(Member):
    """A consumer on a thread of its own."""

    def __init__(self, settings: dict[str, Any], topic: str) -> None:
        self._consumer = ck.Consumer(settings)
        self._consumer.subscribe([topic])
        self._seen: list[bytes | None] = []
        self._parts: set[int] = set()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._poll, daemon=True)
        self._thread.start()

    def _poll(self) -> None:
        while not self._ended.is_set():
            for message in self._consumer.consume(500, 0.1):
                if message.error() is None:
                    self._seen.append(message.value())
            self._parts = {part.partition for part in self._consumer.assignment()}
        self._consumer.close()

    def assigned(self) -> set[int]:
        return self._parts

    def seen(self) -> list[bytes | None]:
        return list(self._seen)

    def close(self) -> None:
        self._ended.set()
        self._thread.join(WAIT_S)


class Confluent(Client):
    """Every verb."""

    name, library = "confluent-kafka", f"librdkafka {ck.libversion()[0]}"

    def settings(self, **more: Any) -> dict[str, Any]:
        """How to reach the server, in librdkafka's words."""
        given: dict[str, Any] = {
            "bootstrap.servers": self.place.address,
            "security.protocol": self.place.protocol.lower(),
            "log_level": 0,
        }
        if self.place.mechanism:
            given |= {
                "sasl.mechanism": self.place.mechanism,
                "sasl.username": self.place.user,
                "sasl.password": self.place.password,
            }
        if self.place.authority:
            given["ssl.ca.location"] = self.place.authority
        return given | {key.replace("_", "."): value for key, value in more.items()}

    def produce(
        self, topic: str, records: Sequence[Sent], codec: str = "none", idempotent: bool = False
    ) -> list[int]:
        more = {"compression_type": codec, "enable_idempotence": idempotent, "message_max_bytes": ROOM}
        producer = ck.Producer(self.settings(**more))
        offsets: list[Any] = [None] * len(records)
        for number, record in enumerate(records):
            send(producer, topic, record, lambda e, m, n=number: offsets.__setitem__(n, e or m.offset()))
        assert producer.flush(WAIT_S) == 0, "not all were acknowledged"
        bad = [each for each in offsets if not isinstance(each, int)]
        assert not bad, str(bad[0])
        return offsets

    def read(self, topic: str, count: int, *, committed: bool = False, start: int = 0) -> list[Seen]:
        level = "read_committed" if committed else "read_uncommitted"
        consumer = ck.Consumer(
            self.settings(group_id="reader", isolation_level=level, enable_auto_commit=False)
        )
        consumer.assign([ck.TopicPartition(topic, 0, start)])
        found: list[Seen] = []
        try:
            until(lambda: self._more(consumer, found) >= count, f"{count} records of {topic}")
        finally:
            consumer.close()
        return found

    @staticmethod
    def _more(consumer: Any, found: list[Seen]) -> int:
        for m in consumer.consume(500, 0.2):
            assert m.error() is None, str(m.error())
            headers = tuple((key, value) for key, value in m.headers() or ())
            found.append(Seen(m.partition(), m.offset(), m.key(), m.value(), m.timestamp()[1], headers))
        return len(found)

    def member(self, topic: str, group: str, strategy: str = "range", instance: str = "") -> Member:
        if strategy == "sticky":
            raise NotOffered("librdkafka is sticky in the cooperative protocol only")
        more = {"auto_offset_reset": "earliest", "heartbeat_interval_ms": BEAT_MS}
        settings = self.settings(group_id=group, partition_assignment_strategy=strategy, **more)
        return ConfluentMember(settings | ({"group.instance.id": instance} if instance else {}), topic)

    def transact(
        self, name: str, topic: str, records: Sequence[Sent], commit: bool, offsets: tuple[str, str, int] | None = None,
    ) -> None:  # fmt: skip
        producer = ck.Producer(self.settings(transactional_id=name))
        producer.init_transactions(WAIT_S)
        producer.begin_transaction()
        for record in records:
            send(producer, topic, record, None)
        producer.flush(WAIT_S)
        if offsets is not None:
            consumer = ck.Consumer(self.settings(group_id=offsets[0]))
            where = [ck.TopicPartition(offsets[1], 0, offsets[2])]
            producer.send_offsets_to_transaction(where, consumer.consumer_group_metadata(), WAIT_S)
            consumer.close()
        (producer.commit_transaction if commit else producer.abort_transaction)(WAIT_S)

    def fenced(self, name: str, topic: str) -> bool:
        first, second = (ck.Producer(self.settings(transactional_id=name)) for _ in range(2))
        first.init_transactions(WAIT_S)
        first.begin_transaction()
        second.init_transactions(WAIT_S)
        first.produce(topic, b"late")
        try:
            first.commit_transaction(WAIT_S)
        except ck.KafkaException as error:
            return bool(error.args[0].fatal())
        return False

    @cached_property
    def _admin(self) -> Any:
        return ck_admin.AdminClient(self.settings())

    def create(self, topic: str, partitions: int = 1, configs: Mapping[str, str] | None = None) -> None:
        new = ck_admin.NewTopic(topic, partitions, 1, config=dict(configs or {}))
        done(self._admin.create_topics([new]))
        until(lambda: self.partitions(topic) == partitions, f"topic {topic}")

    def delete(self, topic: str) -> None:
        done(self._admin.delete_topics([topic]))

    def partitions(self, topic: str) -> int:
        found = self._admin.list_topics(timeout=WAIT_S).topics.get(topic)
        return len(found.partitions) if found else 0

    def configs(self, topic: str) -> dict[str, str]:
        resource = ck_admin.ConfigResource("topic", topic)
        return {entry.name: entry.value for entry in done(self._admin.describe_configs([resource])).values()}

    def configure(self, topic: str, configs: Mapping[str, str]) -> None:
        change = ck_admin.AlterConfigOpType.SET
        entries = [ck_admin.ConfigEntry(k, v, incremental_operation=change) for k, v in configs.items()]
        resource = ck_admin.ConfigResource("topic", topic, incremental_configs=entries)
        done(self._admin.incremental_alter_configs([resource]))

    def grow(self, topic: str, partitions: int) -> None:
        done(self._admin.create_partitions([ck_admin.NewPartitions(topic, partitions)]))

    def delete_records(self, topic: str, before: int) -> int:
        return done(self._admin.delete_records([ck.TopicPartition(topic, 0, before)])).low_watermark

    def group_state(self, group: str) -> str:
        listed = self._admin.list_consumer_groups().result().valid
        if group not in [each.group_id for each in listed]:
            return ""
        return str(done(self._admin.describe_consumer_groups([group])).state.name.lower())

    def delete_group(self, group: str) -> None:
        done(self._admin.delete_consumer_groups([group]))

    def group_offset(self, group: str, topic: str) -> int:
        asked = ck.ConsumerGroupTopicPartitions(group, [ck.TopicPartition(topic, 0)])
        found = done(self._admin.list_consumer_group_offsets([asked])).topic_partitions[0].offset
        return max(found, -1)

    def set_group_offset(self, group: str, topic: str, offset: int) -> None:
        asked = ck.ConsumerGroupTopicPartitions(group, [ck.TopicPartition(topic, 0, offset)])
        done(self._admin.alter_consumer_group_offsets([asked]))

    def offset_at(self, topic: str, at_ms: int) -> int:
        special = {-1: ck_admin.OffsetSpec.earliest(), -2: ck_admin.OffsetSpec.latest()}
        asked = special.get(at_ms) or ck_admin.OffsetSpec.for_timestamp(at_ms)
        return done(self._admin.list_offsets({ck.TopicPartition(topic, 0): asked})).offset


def send(producer: Any, topic: str, record: Sent, told: Any) -> None:
    """Hand one record to a producer."""
    at = {} if record.at_ms is None else {"timestamp": record.at_ms}
    headers = list(record.headers) or None
    producer.produce(
        topic, record.value, record.key, record.partition, headers=headers, on_delivery=told, **at
    )


def done(futures: Mapping[Any, Any]) -> Any:
    """The result of the only future."""
    (future,) = futures.values()
    return future.result(WAIT_S)
