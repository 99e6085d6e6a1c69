"""Scenarios of a client that looks around: versions, brokers, coordinators, topics by name and by id, and their making."""

import uuid
from typing import Any

from tests.beside.running import Scenario
from tests.differential.asking import Connection, batch, create, produce
from tests.differential.fetching import NOBODY, id_of


def software_is_named_properly_or_refused(c: Connection, topic: str) -> Any:
    names = (("a.b-c", "1"), ("", "1"), ("a b", "1"), ("-a", "1"), ("a", ""), ("a", "1 2"), ("a" * 300, "1"))
    told = []
    for version in (3, 4):
        for name, number in names:
            answer = c.other().ask(18, version, client_software_name=name, client_software_version=number)
            told.append(answer and (answer["error_code"], len(answer["api_keys"]) > 0))
    return told


def versions_are_told_in_every_form(c: Connection, topic: str) -> Any:
    answers = [c.other().ask(18, version) for version in (0, 1, 2)]
    return [(a["error_code"], {k["api_key"] for k in a["api_keys"]} >= {0, 1, 2, 3, 18}) for a in answers]


def nobody_logs_in_where_nobody_has_to(c: Connection, topic: str) -> Any:
    first = c.other().ask(17, 1, mechanism="PLAIN")
    second = c.other().ask(36, 1, auth_bytes=b"\0ada\0secret")
    return [first, second and second["error_code"]]


def the_cluster_is_described(c: Connection, topic: str) -> Any:
    plain = c.ask(60, 0, include_cluster_authorized_operations=False)
    return [
        plain["error_code"], plain["cluster_authorized_operations"],
        [c.ask(60, 1, include_cluster_authorized_operations=False, endpoint_type=kind)["error_code"] for kind in (1, 2, 9)],
    ]  # fmt: skip


def the_coordinator_of_a_group_is_found(c: Connection, group: str) -> Any:
    seen = [c.ask(10, 0, key=group), c.ask(10, 1, key=group, key_type=0), c.ask(10, 3, key="", key_type=0)]
    several = c.ask(10, 4, key_type=0, coordinator_keys=[group, f"{group}-2", ""])
    for each in [*seen, *several["coordinators"]]:
        each.pop("node_id")
    return [seen, several]


def topics_are_told_by_their_id(c: Connection, topic: str) -> Any:
    create(c, topic, 2)
    known = id_of(c, topic)

    def told(version: int, *topics: dict[str, Any]) -> Any:
        answer = c.ask_whole(3, version, topics=topics, allow_auto_topic_creation=False)
        return [(t.name, int(t.error_code), t.topic_id == known, len(t.partitions)) for t in answer.topics]

    return [
        told(12, {"name": None, "topic_id": known}), told(12, {"name": None, "topic_id": NOBODY}),
        told(10, {"name": topic, "topic_id": known}), told(12, {"name": topic, "topic_id": None}),
    ]  # fmt: skip


def a_topic_comes_into_being_when_it_is_asked_for(c: Connection, topic: str) -> Any:
    names = [{"name": topic}]
    first = c.ask(3, 4, topics=names, allow_auto_topic_creation=True)["topics"][0]["error_code"]
    again = c.ask_until(
        lambda answer: not any(t["error_code"] for t in answer["topics"]),
        3, 8, topics=names, allow_auto_topic_creation=True,
    )  # fmt: skip
    return [first in (0, 3, 5), again["topics"]]


def every_form_of_metadata_tells_of_a_topic(c: Connection, topic: str) -> Any:
    create(c, topic)

    def told(version: int, **more: Any) -> Any:
        answer = c.ask(3, version, topics=[{"name": topic}], **more)
        return answer["topics"]

    quiet: dict[str, Any] = {"allow_auto_topic_creation": False}
    every = c.ask(3, 0, topics=[])
    return [
        [told(version) for version in (0, 1, 3)], [told(version, **quiet) for version in (4, 5, 7, 9, 11)],
        topic in [each["name"] for each in every["topics"]],
        told(8, **quiet, include_topic_authorized_operations=True, include_cluster_authorized_operations=True),
    ]  # fmt: skip


# --- topics ---------------------------------------------------------------------------------------------------------


def made(c: Connection, *topics: dict[str, Any], check: bool = False, version: int = 7) -> Any:
    """CreateTopics; (name, error, partitions, replicas) each."""
    answer = c.ask(19, version, topics=topics, timeout=5000, validate_only=check)
    return sorted(
        (t["name"], t["error_code"], t["num_partitions"], t["replication_factor"]) for t in answer["topics"]
    )


def new(
    name: str, partitions: int = 1, replicas: int = 1, nodes: list[list[int]] | None = None
) -> dict[str, Any]:
    """One topic of a CreateTopics request; `nodes` by partition."""
    given = [{"partition_index": index, "broker_ids": ids} for index, ids in enumerate(nodes or [])]
    return {
        "name": name,
        "num_partitions": partitions,
        "replication_factor": replicas,
        "assignments": given,
        "configs": [],
    }


def topics_are_made_by_assignment(c: Connection, topic: str) -> Any:
    return [
        made(c, new(f"{topic}-{at}", -1, -1, nodes))
        for at, nodes in enumerate(([[1], [1]], [[7]], [[1, 1]], [[]], [[1], [1, 1]]))
    ] + [made(c, new(f"{topic}-both", 2, 1, [[1], [1]]))]


def a_topic_asked_for_twice_is_refused(c: Connection, topic: str) -> Any:
    return [made(c, new(topic), new(f"{topic}-2"), new(topic, 2)), made(c, new(topic))]


def making_a_topic_may_only_be_tried(c: Connection, topic: str) -> Any:
    seen = [
        made(c, new(topic, 3), check=True),
        made(c, new(topic, 0), check=True),
        made(c, new("bad name!"), check=True),
    ]
    return [*seen, made(c, new(topic, -1, -1)), made(c, new(topic), check=True)]


def names_that_differ_by_dot_and_underscore_collide(c: Connection, topic: str) -> Any:
    return [made(c, new(f"{topic}.a_b")), made(c, new(f"{topic}.a.b")), made(c, new(f"{topic}_a_b"))]


def topics_are_deleted_by_their_id(c: Connection, topic: str) -> Any:
    create(c, topic)
    create(c, f"{topic}-2")
    known = id_of(c, topic)

    def gone(*topics: tuple[str | None, uuid.UUID | None]) -> Any:
        wanted = [{"name": name, "topic_id": number} for name, number in topics]
        answer = c.ask(20, 6, topics=wanted, timeout=5000)
        return sorted((str(r["name"]), r["error_code"]) for r in answer["responses"])

    return [gone((None, NOBODY)), gone((topic, known)), gone((f"{topic}-2", None), (f"{topic}-2", None)), gone((None, known)),
            gone((None, known))]  # fmt: skip


def internal_topics_are_not_to_be_touched(c: Connection, topic: str) -> Any:
    create(c, topic)
    part = {
        "partition_index": 0,
        "committed_offset": 1,
        "committed_leader_epoch": -1,
        "committed_metadata": "",
    }
    c.ask(8, 7, group_id=topic, generation_id_or_member_epoch=-1, member_id="", group_instance_id=None,
          topics=[{"name": topic, "partitions": [part]}])  # fmt: skip
    name = "__consumer_offsets"
    told = c.ask(3, 8, topics=[{"name": name}], allow_auto_topic_creation=False)["topics"][0]
    cut = [{"name": name, "partitions": [{"partition_index": 0, "offset": 0}]}]
    return [told, made(c, new(name)), c.ask(21, 2, topics=cut, timeout=5000)]


# --- settings -------------------------------------------------------------------------------------------------------


def described(
    c: Connection, kind: int, name: str, *keys: str, version: int = 3, synonyms: bool = False
) -> Any:
    """DescribeConfigs of one resource; the error, and what is told of each setting."""
    resource = {"resource_type": kind, "resource_name": name, "configuration_keys": list(keys) or None}
    more = {"include_documentation": False} if version > 2 else {}
    result = c.ask(32, version, resources=[resource], include_synonyms=synonyms, **more)["results"][0]
    return [result["error_code"], sorted(result["configs"], key=lambda config: config["name"])]


def settings_are_described_with_where_they_come_from(c: Connection, topic: str) -> Any:
    create(c, topic, retention_ms="1234")
    keys = ("retention.ms", "cleanup.policy", "no.such.setting")
    return [described(c, 2, topic, *keys, version=version, synonyms=synonyms)
            for version in (1, 3) for synonyms in (False, True)]  # fmt: skip


def a_broker_s_settings_are_described(c: Connection, topic: str) -> Any:
    names = [config["name"] for config in described(c, 4, "1")[1]]
    return [
        described(c, 4, "1", "log.retention.ms", "message.max.bytes")[0], described(c, 4, "9")[0], described(c, 4, "one")[0],
        described(c, 4, "")[0], "log.retention.ms" in names, "num.partitions" in names,
    ]  # fmt: skip


def settings_of_nothing_are_refused(c: Connection, topic: str) -> Any:
    return [described(c, kind, name)[0] for kind, name in ((0, "x"), (77, "x"), (2, "bad name!"), (2, ""))]


def no_leader_is_elected_uncleanly(c: Connection, topic: str) -> Any:
    create(c, topic)
    wanted = [{"topic": topic, "partitions": [0]}]
    answers = [c.ask(43, 1, election_type=kind, topic_partitions=wanted, timeout=5000) for kind in (1, 0)]
    return [
        sorted((t["topic"], p["partition_id"], p["error_code"])
               for t in answer["replica_election_results"] for p in t["partition_result"])
        for answer in answers
    ]  # fmt: skip


def producers_are_described_where_there_are_none(c: Connection, topic: str) -> Any:
    create(c, topic)
    produce(c, topic, batch(b"a"))
    answer = c.ask(
        61,
        0,
        topics=[{"name": topic, "partition_indexes": [0]}, {"name": "bad name!", "partition_indexes": [0]}],
    )
    return sorted(
        (t["name"], p["error_code"], p["active_producers"]) for t in answer["topics"] for p in t["partitions"]
    )


AROUND: tuple[Scenario, ...] = (
    software_is_named_properly_or_refused,
    versions_are_told_in_every_form,
    nobody_logs_in_where_nobody_has_to,
    the_cluster_is_described,
    the_coordinator_of_a_group_is_found,
    topics_are_told_by_their_id,
    a_topic_comes_into_being_when_it_is_asked_for,
    every_form_of_metadata_tells_of_a_topic,
    topics_are_made_by_assignment,
    a_topic_asked_for_twice_is_refused,
    making_a_topic_may_only_be_tried,
    names_that_differ_by_dot_and_underscore_collide,
    topics_are_deleted_by_their_id,
    internal_topics_are_not_to_be_touched,
    settings_are_described_with_where_they_come_from,
    a_broker_s_settings_are_described,
    settings_of_nothing_are_refused,
    no_leader_is_elected_uncleanly,
    producers_are_described_where_there_are_none,
)
