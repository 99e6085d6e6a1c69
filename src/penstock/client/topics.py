"""Topics and groups as an administrator sees them: list, create, delete, describe.

Knows the requests for it; knows nothing of records. `Client` is built on this class.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from penstock.calls import GroupInfo, GroupMember
from penstock.client.cluster import Cluster, TopicMeta
from penstock.client.errors import KafkaError, failure

_TOPIC = 2  # Kafka's ConfigResource.Type


class Topics:
    """The part of a client that looks after topics and groups."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

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
    ) -> bool:
        """Create a topic; False where it was there already and `exist_ok` allows that."""
        topic = {
            "name": name,
            "num_partitions": partitions,
            "replication_factor": replicas,
            "assignments": [],
            "configs": [{"name": key, "value": value} for key, value in (configs or {}).items()],
        }
        row = {"topics": [topic], "timeout": 30_000, "validate_only": False}

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

    async def topic_configs(self, name: str) -> dict[str, str | None]:
        """A topic's settings, defaults included."""
        resource = {"resource_type": _TOPIC, "resource_name": name, "configuration_keys": None}
        row = {"resources": [resource], "include_synonyms": False, "include_documentation": False}

        async def attempt() -> dict[str, str | None]:
            answer = await self._cluster.ask_any("DescribeConfigs", row)
            result = answer.results[0]
            if result.error_code:
                raise failure(result.error_code, f"describe the topic {name}", result.error_message)
            return {entry.name: entry.value for entry in result.configs}

        return await self._cluster.persist(attempt)

    async def groups(self) -> list[GroupInfo]:
        """The groups this cluster keeps, without their members, by name."""

        async def attempt() -> list[GroupInfo]:
            found: dict[str, GroupInfo] = {}
            for answer in await self._cluster.ask_all("ListGroups", {"states_filter": []}):
                if answer.error_code:
                    raise failure(answer.error_code, "list the groups")
                for g in answer.groups:
                    found[g.group_id] = GroupInfo(g.group_id, getattr(g, "group_state", ""), g.protocol_type)
            return [found[name] for name in sorted(found)]

        return await self._cluster.persist(attempt)

    async def describe_groups(self, groups: Sequence[str]) -> dict[str, GroupInfo]:
        """Groups with their members; an unknown group has the state ``Dead``."""

        return {group: await self._cluster.persist(partial(self._describe, group)) for group in groups}

    async def _describe(self, group: str) -> GroupInfo:
        row = {"groups": [group], "include_authorized_operations": False}
        answer = await self._cluster.ask_coordinator(group, "DescribeGroups", row)
        return _group(answer.groups[0])


def _group(found: Any) -> GroupInfo:
    if found.error_code and found.error_code != 69:  # GROUP_ID_NOT_FOUND, since v6; before, the state is Dead
        raise failure(found.error_code, f"describe the group {found.group_id}")
    members = tuple(
        GroupMember(
            m.member_id,
            getattr(m, "group_instance_id", None),
            m.member_metadata,
            m.member_assignment,
            m.client_id,
            m.client_host,
        )
        for m in found.members
    )
    state = "Dead" if found.error_code else found.group_state
    return GroupInfo(found.group_id, state, found.protocol_type, found.protocol_data, members)
