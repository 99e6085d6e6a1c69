"""The scenarios: each asks a server something and gives back all that a client could see.

`topic` is a name of the scenario's own. A scenario may not depend on what another one did.
"""

import struct
from typing import Any

from tests.beside.running import Scenario
from tests.differential.asking import Connection, batch, create, fetch, produce


def a_topic_is_made_once_and_with_valid_settings(c: Connection, topic: str) -> Any:
    made = create(c, topic, 2)
    made["configs"] = sorted(config["name"] for config in made["configs"])
    return [
        made,
        create(c, topic, 2)["error_code"],
        create(c, "no spaces")["error_code"],
        create(c, "x" * 250)["error_code"],
        create(c, "..")["error_code"],
        create(c, f"{topic}-0", partitions=0)["error_code"],
        create(c, f"{topic}-3", replicas=3)["error_code"],
        create(c, f"{topic}-c", retention_ms="soon")["error_code"],
        create(c, f"{topic}-u", no_such_setting="1")["error_code"],
    ]


def deleting_answers_for_each_topic(c: Connection, topic: str) -> Any:
    create(c, topic)
    delete = [c.ask(20, 4, topic_names=[topic, f"{topic}-unknown"], timeout=5000) for _ in range(2)]
    return [sorted((r["name"], r["error_code"]) for r in answer["responses"]) for answer in delete]


def records_come_back_with_their_offsets(c: Connection, topic: str) -> Any:
    create(c, topic)
    written = [produce(c, topic, batch(b"a", b"b")), produce(c, topic, batch(b"c"))]
    return [written, fetch(c, topic, 0), fetch(c, topic, 1), fetch(c, topic, 3)]


def an_offset_outside_of_the_log_is_refused(c: Connection, topic: str) -> Any:
    create(c, topic)
    produce(c, topic, batch(b"a"))
    return [
        fetch(c, topic, 2),
        fetch(c, topic, -5),
        fetch(c, f"{topic}-unknown", 0),
        fetch(c, topic, 0, partition=7),
    ]


def offsets_are_found_by_time(c: Connection, topic: str) -> Any:
    create(c, topic)
    for at_ms in (1_700_000_000_000, 1_700_000_010_000, 1_700_000_005_000):
        produce(c, topic, batch(b"a", b"b", at_ms=at_ms))
    times = (-1, -2, -3, 0, 1_700_000_000_001, 1_700_000_006_000, 1_700_000_010_001, 1_700_000_010_002)
    found = []
    for at_ms in times:
        parts = [{"partition_index": 0, "current_leader_epoch": -1, "timestamp": at_ms}]
        answer = c.ask(2, 7, replica_id=-1, isolation_level=0, topics=[{"name": topic, "partitions": parts}])
        found.append(answer["topics"][0]["partitions"][0])
    return found


def a_damaged_batch_is_refused(c: Connection, topic: str) -> Any:
    create(c, topic)
    good = batch(b"a")
    flipped = bytearray(good)
    flipped[-1] ^= 1
    old_magic = bytearray(good)
    old_magic[16] = 1
    short = good[:-3]
    return [
        produce(c, topic, bytes(flipped)),
        produce(c, topic, bytes(old_magic)),
        produce(c, topic, bytes(short)),
        fetch(c, topic, 0),
    ]


def limits_of_a_produce_request_are_kept(c: Connection, topic: str) -> Any:
    create(c, topic, max_message_bytes="1000")
    return [
        produce(c, topic, batch(b"x" * 2000)),
        produce(c, topic, batch(b"x" * 500)),
        produce(c, topic, batch(b"x"), acks=2),
        produce(c, f"{topic}-unknown", batch(b"x")),
        produce(c, topic, batch(b"x"), partition=9),
    ]


def an_idempotent_producer_is_held_to_its_sequence(c: Connection, topic: str) -> Any:
    create(c, topic)
    identity = c.ask(
        22, 4, transactional_id=None, transaction_timeout=60_000, producer_id=-1, producer_epoch=-1
    )
    number = identity["producer_id"]

    def send(value: bytes, sequence: int, epoch: int = 0) -> Any:
        return produce(c, topic, batch(value, producer_id=number, epoch=epoch, sequence=sequence))

    return [
        identity["error_code"], identity["producer_epoch"],
        send(b"a", 0), send(b"b", 1), send(b"a", 0), send(b"b", 1), send(b"gap", 5), send(b"c", 2),
        fetch(c, topic, 0),
    ]  # fmt: skip


def join(c: Connection, group: str, member: str = "", **more: Any) -> Any:
    protocols = more.pop("protocols", [{"name": "range", "metadata": b"m"}])
    return c.ask(
        11, 5, group_id=group, session_timeout=more.pop("session_timeout", 10_000), rebalance_timeout=10_000, member_id=member,
        group_instance_id=more.pop("instance", None), protocol_type=more.pop("kind", "consumer"), protocols=protocols,
    )  # fmt: skip


def a_member_joins_syncs_beats_and_leaves(c: Connection, group: str) -> Any:
    first = join(c, group)
    member = first.pop("member_id")
    second = join(c, group, member)
    for answer in (first, second):
        answer.pop("leader", None)
    assert second.pop("member_id") == member
    for each in second["members"]:
        assert each.pop("member_id") == member
    generation = second["generation_id"]
    given = [{"member_id": member, "assignment": b"all of it"}]
    who = {"group_id": group, "member_id": member}
    synced = c.ask(14, 3, generation_id=generation, group_instance_id=None, assignments=given, **who)
    beats = [
        c.ask(12, 3, generation_id=g, group_instance_id=None, group_id=group, member_id=m)
        for g, m in ((generation, member), (generation + 1, member), (generation, "nobody"))
    ]
    left = c.ask(13, 2, **who)
    after = c.ask(12, 3, generation_id=generation, group_instance_id=None, **who)
    return [first, second, synced, beats, left, after]


def joining_wrongly_is_refused(c: Connection, group: str) -> Any:
    refused = [
        join(c, ""),
        join(c, group, "unknown-member"),
        join(c, group, session_timeout=1),
        join(c, group, session_timeout=100_000_000),
        join(c, group, protocols=[]),
    ]
    return [answer["error_code"] for answer in refused]


def offsets_are_committed_and_found(c: Connection, group: str) -> Any:
    create(c, group, 2)

    def commit(member: str, generation: int, topic: str = group, partition: int = 0) -> Any:
        part = {
            "partition_index": partition,
            "committed_offset": 42,
            "committed_leader_epoch": -1,
            "committed_metadata": "note",
        }
        return c.ask(
            8, 7, group_id=group, generation_id_or_member_epoch=generation, member_id=member, group_instance_id=None,
            topics=[{"name": topic, "partitions": [part]}],
        )  # fmt: skip

    def find(of: str, topics: Any) -> Any:
        return c.ask(9, 7, group_id=of, topics=topics, require_stable=False)

    both = [{"name": group, "partition_indexes": [0, 1]}]
    return [
        find(group, both), commit("", -1), commit("nobody", 3), commit("", 5), commit("", -1, partition=9),
        find(group, both), find(f"{group}-unknown", both), find(group, None),
    ]  # fmt: skip


def groups_are_described_and_deleted(c: Connection, group: str) -> Any:
    create(c, group)
    part = {
        "partition_index": 0,
        "committed_offset": 1,
        "committed_leader_epoch": -1,
        "committed_metadata": "",
    }
    c.ask(
        8, 7, group_id=group, generation_id_or_member_epoch=-1, member_id="", group_instance_id=None,
        topics=[{"name": group, "partitions": [part]}],
    )  # fmt: skip
    described = c.ask(15, 5, groups=[group, f"{group}-unknown"], include_authorized_operations=False)
    deleted = [c.ask(42, 2, groups_names=[group, f"{group}-unknown"]) for _ in range(2)]
    return [
        described,
        [sorted((r["group_id"], r["error_code"]) for r in answer["results"]) for answer in deleted],
    ]


def an_unknown_version_of_api_versions_is_answered_in_version_0(c: Connection, topic: str) -> Any:
    # A flexible header ends with its tags, and the body of version 3 names the client's software.
    body = struct.pack(">hhih4s", 18, 99, 7, 4, b"test") + b"\0" + b"\x02a\x02b\0"
    frame = c.send(struct.pack(">i", len(body)) + body)
    assert frame is not None
    correlation, error, count = struct.unpack_from(">ihi", frame)
    return [correlation, error, count > 0]


def what_is_not_understood_closes_the_connection(c: Connection, topic: str) -> Any:
    unknown_key = struct.pack(">ihhih4s", 14, 9999, 0, 7, 4, b"test")
    unknown_version = struct.pack(">ihhih4s", 14, 3, 99, 7, 4, b"test")
    too_large = struct.pack(">i", 2_000_000_000)
    negative = struct.pack(">i", -5)
    cut_body = struct.pack(">ihhih4s", 14, 19, 2, 7, 4, b"test")
    return [c.other().send(data) for data in (unknown_key, unknown_version, too_large, negative, cut_body)]


def metadata_tells_what_is_there(c: Connection, topic: str) -> Any:
    create(c, topic, 3)

    def ask(version: int, names: list[str] | None, **more: Any) -> Any:
        found = c.ask(
            3, version, topics=None if names is None else [{"name": name} for name in names], **more
        )
        return found["topics"]

    quiet = {"allow_auto_topic_creation": False}
    return [
        ask(8, [topic], **quiet),
        ask(8, [f"{topic}-unknown"], **quiet),
        ask(8, ["bad name!"], **quiet),
        ask(8, [], **quiet),
    ]


def settings_of_a_topic_are_described(c: Connection, topic: str) -> Any:
    create(c, topic, retention_ms="1234", cleanup_policy="compact")
    keys = [
        "retention.ms",
        "cleanup.policy",
        "max.message.bytes",
        "segment.bytes",
        "compression.type",
    ]
    resources = [
        {"resource_type": 2, "resource_name": name, "configuration_keys": keys}
        for name in (topic, f"{topic}-unknown")
    ]
    answer = c.ask(32, 3, resources=resources, include_synonyms=False, include_documentation=False)
    for result in answer["results"]:
        result["configs"].sort(key=lambda config: config["name"])
    return answer


SCENARIOS: tuple[Scenario, ...] = (
    a_topic_is_made_once_and_with_valid_settings,
    deleting_answers_for_each_topic,
    records_come_back_with_their_offsets,
    an_offset_outside_of_the_log_is_refused,
    offsets_are_found_by_time,
    a_damaged_batch_is_refused,
    limits_of_a_produce_request_are_kept,
    an_idempotent_producer_is_held_to_its_sequence,
    a_member_joins_syncs_beats_and_leaves,
    joining_wrongly_is_refused,
    offsets_are_committed_and_found,
    groups_are_described_and_deleted,
    an_unknown_version_of_api_versions_is_answered_in_version_0,
    what_is_not_understood_closes_the_connection,
    metadata_tells_what_is_there,
    settings_of_a_topic_are_described,
)
