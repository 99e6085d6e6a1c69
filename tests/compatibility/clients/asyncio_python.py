"""aiokafka, on an event loop of its own thread."""

import asyncio
import threading
from collections.abc import Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import aiokafka
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic, RecordsToDelete
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from aiokafka.coordinator.assignors.sticky.sticky_assignor import StickyPartitionAssignor
from aiokafka.errors import KafkaError
from aiokafka.helpers import create_ssl_context
from aiokafka.structs import OffsetAndMetadata, TopicPartition

from tests.compatibility.clients.verbs import (
    BEAT_MS,
    WAIT_S,
    Client,
    Member,
    NotOffered,
    Place,
    Seen,
    Sent,
    until,
)

STRATEGIES = {"range": RangePartitionAssignor, "sticky": StickyPartitionAssignor}


class AiokafkaMember(Member):
    """A consumer as a task of the client's loop."""

    def __init__(self, client: "Aiokafka", topic: str, settings: dict[str, Any]) -> None:
        self._client, self._topic, self._settings = client, topic, settings
        self._seen: list[bytes | None] = []
        self._parts: set[int] = set()
        self._ended = False
        self._task = asyncio.run_coroutine_threadsafe(self._poll(), client.loop)

    async def _poll(self) -> None:
        consumer = aiokafka.AIOKafkaConsumer(self._topic, **self._settings)
        async with consumer:
            while not self._ended:
                for records in (await consumer.getmany(timeout_ms=100)).values():
                    self._seen += [record.value for record in records]
                self._parts = {part.partition for part in consumer.assignment()}

    def assigned(self) -> set[int]:
        return self._parts

    def seen(self) -> list[bytes | None]:
        return list(self._seen)

    def close(self) -> None:
        self._ended = True
        self._task.result(WAIT_S)


class Aiokafka(Client):
    """Every verb but those its admin client lacks."""

    name, library = "aiokafka", f"aiokafka {aiokafka.__version__}"

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        self.loop = asyncio.new_event_loop()
        threading.Thread(target=self.loop.run_forever, daemon=True).start()

    def close(self) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)

    def _await(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(2 * WAIT_S)

    def settings(self, **more: Any) -> dict[str, Any]:
        """How to reach the server, in aiokafka's words."""
        given: dict[str, Any] = {
            "bootstrap_servers": self.place.address,
            "security_protocol": self.place.protocol,
        }
        if self.place.mechanism:
            given |= {"sasl_mechanism": self.place.mechanism, "sasl_plain_username": self.place.user}
            given |= {"sasl_plain_password": self.place.password}
        if self.place.authority:
            given["ssl_context"] = create_ssl_context(cafile=self.place.authority)
        return given | more

    def produce(
        self, topic: str, records: Sequence[Sent], codec: str = "none", idempotent: bool = False
    ) -> list[int]:
        compression = None if codec == "none" else codec

        async def work() -> list[int]:
            more = {
                "compression_type": compression,
                "enable_idempotence": idempotent,
                "max_request_size": 4 << 20,
            }
            async with aiokafka.AIOKafkaProducer(**self.settings(acks="all", **more)) as producer:
                answers = [await send(producer, topic, record) for record in records]
                return [(await answer).offset for answer in answers]

        return self._await(work())

    def read(self, topic: str, count: int, *, committed: bool = False, start: int = 0) -> list[Seen]:
        level = "read_committed" if committed else "read_uncommitted"

        async def work() -> list[Seen]:
            found: list[Seen] = []
            settings = self.settings(isolation_level=level, max_partition_fetch_bytes=4 << 20)
            consumer = aiokafka.AIOKafkaConsumer(**settings)
            async with consumer, asyncio.timeout(WAIT_S):
                consumer.assign([TopicPartition(topic, 0)])
                consumer.seek(TopicPartition(topic, 0), start)
                while len(found) < count:
                    for records in (await consumer.getmany(timeout_ms=200)).values():
                        found += [
                            Seen(r.partition, r.offset, r.key, r.value, r.timestamp, tuple(r.headers))
                            for r in records
                        ]
            return found

        return self._await(work())

    def member(self, topic: str, group: str, strategy: str = "range", instance: str = "") -> Member:
        if strategy not in STRATEGIES:
            raise NotOffered("it knows the eager protocol only")
        more = {"group_id": group, "auto_offset_reset": "earliest", "group_instance_id": instance or None}
        more |= {"heartbeat_interval_ms": BEAT_MS}
        return AiokafkaMember(
            self, topic, self.settings(**more, partition_assignment_strategy=(STRATEGIES[strategy],))
        )

    def transact(
        self, name: str, topic: str, records: Sequence[Sent], commit: bool, offsets: tuple[str, str, int] | None = None,
    ) -> None:  # fmt: skip
        async def work() -> None:
            async with aiokafka.AIOKafkaProducer(**self.settings(transactional_id=name)) as producer:
                await producer.begin_transaction()
                for answer in [await send(producer, topic, record) for record in records]:
                    await answer
                if offsets is not None:
                    where = {TopicPartition(offsets[1], 0): OffsetAndMetadata(offsets[2], "")}
                    await producer.send_offsets_to_transaction(where, offsets[0])
                await (producer.commit_transaction() if commit else producer.abort_transaction())

        self._await(work())

    def fenced(self, name: str, topic: str) -> bool:
        async def work() -> bool:
            first, second = (
                aiokafka.AIOKafkaProducer(**self.settings(transactional_id=name)) for _ in range(2)
            )
            async with first:
                await first.begin_transaction()
                async with second:
                    try:
                        await (await first.send(topic, b"late"))
                        await first.commit_transaction()
                    except KafkaError:
                        return True
            return False

        return self._await(work())

    @asynccontextmanager
    async def _admin(self) -> Any:
        admin = AIOKafkaAdminClient(**self.settings())
        await admin.start()
        try:
            yield admin
        finally:
            await admin.close()

    def _administer(self, verb: str, *given: Any) -> Any:
        async def work() -> Any:
            async with self._admin() as admin:
                return await getattr(admin, verb)(*given)

        return self._await(work())

    def create(self, topic: str, partitions: int = 1, configs: Mapping[str, str] | None = None) -> None:
        new = NewTopic(topic, partitions, 1, topic_configs=dict(configs or {}))
        good(self._administer("create_topics", [new]).topic_errors)
        until(lambda: self.partitions(topic) == partitions, f"topic {topic}")

    def delete(self, topic: str) -> None:
        good(self._administer("delete_topics", [topic]).topic_error_codes)

    def partitions(self, topic: str) -> int:
        if topic not in self._administer("list_topics"):  # describing it would make it
            return 0
        (found,) = self._administer("describe_topics", [topic])
        return len(found["partitions"])

    def configs(self, topic: str) -> dict[str, str]:
        (answer,) = self._administer("describe_configs", [ConfigResource(ConfigResourceType.TOPIC, topic)])
        return {entry[0]: entry[1] for entry in answer.resources[0][4]}

    def configure(self, topic: str, configs: Mapping[str, str]) -> None:
        (answer,) = self._administer(
            "alter_configs", [ConfigResource(ConfigResourceType.TOPIC, topic, dict(configs))]
        )
        assert answer.resources[0][0] == 0, str(answer)

    def grow(self, topic: str, partitions: int) -> None:
        good(self._administer("create_partitions", {topic: NewPartitions(partitions)}).topic_errors)

    def delete_records(self, topic: str, before: int) -> int:
        (found,) = self._administer(
            "delete_records", {TopicPartition(topic, 0): RecordsToDelete(before)}
        ).values()
        return int(found)

    def group_state(self, group: str) -> str:
        if group not in [each[0] for each in self._administer("list_consumer_groups")]:
            return ""
        (answer,) = self._administer("describe_consumer_groups", [group])
        return str(answer.groups[0][2]).lower()

    def delete_group(self, group: str) -> None:
        raise NotOffered("its admin client cannot delete groups")

    def group_offset(self, group: str, topic: str) -> int:
        found = self._administer("list_consumer_group_offsets", group)
        told = found.get(TopicPartition(topic, 0))
        return told.offset if told else -1

    def set_group_offset(self, group: str, topic: str, offset: int) -> None:
        async def work() -> None:
            consumer = aiokafka.AIOKafkaConsumer(**self.settings(group_id=group, enable_auto_commit=False))
            async with consumer:
                consumer.assign([TopicPartition(topic, 0)])
                await consumer.commit({TopicPartition(topic, 0): offset})

        self._await(work())

    def offset_at(self, topic: str, at_ms: int) -> int:
        part = TopicPartition(topic, 0)

        async def work() -> int:
            async with aiokafka.AIOKafkaConsumer(**self.settings()) as consumer:
                if at_ms < 0:
                    asked = consumer.beginning_offsets if at_ms == -1 else consumer.end_offsets
                    return int((await asked([part]))[part])
                return int((await consumer.offsets_for_times({part: at_ms}))[part].offset)

        return self._await(work())


async def send(producer: Any, topic: str, record: Sent) -> Any:
    """Hand one record to a producer."""
    return await producer.send(
        topic, record.value, record.key, record.partition, record.at_ms, list(record.headers)
    )


def good(answers: Any) -> None:
    """Raises AssertionError for an answer with an error code."""
    bad = [answer for answer in answers if answer[1]]
    assert not bad, str(bad)
