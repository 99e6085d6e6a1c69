"""Topics as an administrator sees them: list, create, delete, add partitions, ask for sizes.

Knows the requests for it; knows nothing of records.
"""

from collections.abc import Mapping, Sequence
from functools import partial

from penstock.client.admin.asking import Asking
from penstock.client.cluster import TopicMeta
from penstock.client.errors import KafkaError, failure


class Topics(Asking):
    """The part of a client that looks after topics."""

    async def reach(self) -> None:
        """Open a connection, or raise ConnectionLostError at once: for who would rather know than wait."""
        await self._cluster.any_connection()

    async def metadata(self, topics: Sequence[str] | None = None) -> dict[str, TopicMeta]:
        """The named topics, unknown ones with their error; or all there are. Asked anew each time."""
        for name in topics or ():
            self._cluster.forget(name)
        return await self._cluster.persist(lambda: self._cluster.topics(topics))

    async def cluster_id(self) -> str:
        """The cluster's id; proves that a server answers."""
        await self._cluster.persist(lambda: self._cluster.topics(["__none__"]))
        return self._cluster.cluster_id

    async def partitions(self, topic: str) -> int:
        """How many partitions a topic has; raises UNKNOWN_TOPIC_OR_PARTITION where it has none."""

        async def attempt() -> int:
            meta = (await self._cluster.topics([topic]))[topic]
            if meta.error:
                raise KafkaError(meta.error, f"use the topic {topic}", code=3, retriable=True)
            return meta.partitions

        return await self._cluster.persist(attempt)

    async def create_topic(
        self,
        name: str,
        partitions: int = 1,
        configs: Mapping[str, str] | None = None,
        *,
        exist_ok: bool = False,
        replicas: int = -1,
        check_only: bool = False,
    ) -> bool:
        """Create a topic; False where it was there already and `exist_ok` allows that.

        With `check_only` nothing is created: only asked whether it may be.
        """
        topic = {
            "name": name,
            "num_partitions": partitions,
            "replication_factor": replicas,
            "assignments": [],
            "configs": [{"name": key, "value": value} for key, value in (configs or {}).items()],
        }
        row = {"topics": [topic], "timeout": 30_000, "validate_only": check_only}

        async def attempt() -> bool:
            answer = await self._cluster.ask_controller("CreateTopics", row)
            result = answer.topics[0]
            if result.error_code == 36 and exist_ok:
                return False
            if result.error_code:
                raise failure(result.error_code, f"create the topic {name}", result.error_message)
            return True

        created = await self._cluster.persist(attempt)
        self._cluster.forget(name)
        return created

    async def delete_topic(self, name: str) -> None:
        """Delete a topic and all its records."""
        row = {"topic_names": [name], "timeout": 30_000}

        async def attempt() -> None:
            answer = await self._cluster.ask_controller("DeleteTopics", row)
            if answer.responses[0].error_code:
                message = getattr(answer.responses[0], "error_message", None)
                raise failure(answer.responses[0].error_code, f"delete the topic {name}", message)

        await self._cluster.persist(attempt)
        self._cluster.forget(name)

    async def add_partitions(self, name: str, total: int, *, check_only: bool = False) -> None:
        """Give a topic more partitions, `total` in all; keys go to other partitions from then on."""
        row = {
            "topics": [{"name": name, "count": total, "assignments": None}],
            "timeout": 30_000,
            "validate_only": check_only,
        }

        async def attempt() -> None:
            answer = await self._cluster.ask_controller("CreatePartitions", row)
            result = answer.results[0]
            if result.error_code:
                raise failure(
                    result.error_code, f"give {total} partitions to the topic {name}", result.error_message
                )

        await self._cluster.persist(attempt)
        self._cluster.forget(name)

    async def delete_records(self, topic: str, befores: Mapping[int, int]) -> None:
        """Delete a topic's records before an offset, by partition (KIP-107)."""

        async def attempt(partition: int, before: int) -> None:
            connection = await self._cluster.leader(topic, partition)
            parts = [{"partition_index": partition, "offset": before}]
            row = {"topics": [{"name": topic, "partitions": parts}], "timeout": 30_000}
            answer = await connection.ask("DeleteRecords", row, self._cluster.options.request_timeout_s)
            code = answer.topics[0].partitions[0].error_code
            if code:
                raise failure(code, f"delete records of {topic}-{partition} before offset {before}")

        for partition, before in befores.items():
            await self._cluster.persist(partial(attempt, partition, before))

    async def sizes(self) -> dict[tuple[str, int], int]:
        """Bytes on disk of every partition that a server tells of; of several replicas the largest."""

        async def attempt() -> dict[tuple[str, int], int]:
            found: dict[tuple[str, int], int] = {}
            for answer in await self._cluster.ask_all("DescribeLogDirs", {"topics": None}):
                for place in answer.results:
                    if place.error_code:
                        raise failure(place.error_code, f"ask for the sizes in {place.log_dir}")
                    for topic in place.topics:
                        for part in topic.partitions:
                            key = (topic.name, part.partition_index)
                            found[key] = max(found.get(key, 0), part.partition_size)
            return found

        return await self._cluster.persist(attempt)
