"""Scenarios of committed offsets: who may commit what, and how they are found, deleted and forgotten."""

import time
from typing import Any

from tests.beside.running import Scenario
from tests.differential.asking import Connection, create
from tests.differential.grouping import Member, alone, pair
from tests.differential.transacting import Producer


def commit(c: Connection, group: str, topic: str, offset: int, version: int = 7, **other: Any) -> Any:
    """OffsetCommit by nobody in particular; the error."""
    part = {"partition_index": 0, "committed_offset": offset, "committed_metadata": other.pop("metadata", "")}
    if version > 5:
        part["committed_leader_epoch"] = -1
    who = {"generation_id_or_member_epoch": -1, "member_id": ""} | (
        {"group_instance_id": None} if version > 6 else {}
    )
    answer = c.ask(
        8, version, group_id=group, topics=[{"name": topic, "partitions": [part]}], **(who | other)
    )
    return answer["topics"][0]["partitions"][0]["error_code"]


def found(c: Connection, *groups: str, topic: str = "", version: int = 8, **other: Any) -> Any:
    """OffsetFetch of several groups; by group its error and offsets."""
    topics = [{"name": topic, "partition_indexes": [0, 1]}] if topic else None
    answer = c.ask(9, version, groups=[{"group_id": group, "topics": topics} for group in groups], **other)
    return [
        (g["group_id"], g["error_code"], [(t["name"], p["partition_index"], p["committed_offset"], p["error_code"])
                                          for t in g["topics"] for p in t["partitions"]])
        for g in answer["groups"]
    ]  # fmt: skip


def a_note_that_is_too_long_is_refused(c: Connection, group: str) -> Any:
    create(c, group)
    return [commit(c, group, group, 1, metadata="x" * size) for size in (4096, 4097)] + [
        found(c, group, topic=group)
    ]


def a_group_with_members_takes_no_commit_of_strangers(c: Connection, group: str) -> Any:
    create(c, group)
    one = alone(c, group)
    seen = [commit(c, group, group, 5), one.commit(group, 6), one.leave(), commit(c, group, group, 7)]
    return [*seen, found(c, group, topic=group)]


def offsets_of_several_groups_are_found_at_once(c: Connection, group: str) -> Any:
    create(c, group, 2)
    commit(c, group, group, 5)
    commit(c, f"{group}-2", group, 6)
    names = (group, f"{group}-2", f"{group}-unknown")
    return [
        found(c, *names, topic=group),
        found(c, *names),
        found(c, group, topic=f"{group}-unknown"),
        found(c),
    ]


def negative_offsets_are_taken(c: Connection, group: str) -> Any:
    create(c, group)
    return [
        commit(c, group, group, -1),
        found(c, group, topic=group),
        commit(c, group, group, -7),
        found(c, group),
    ]


def offsets_last_as_long_as_their_client_says(c: Connection, group: str) -> Any:
    create(c, group)
    seen = [commit(c, group, group, 3, version=2, retention_time=60_000), found(c, group, topic=group)]
    return [*seen, commit(c, group, group, 4, version=4, retention_time=-1), found(c, group)]


def offsets_go_with_their_topic(c: Connection, group: str) -> Any:
    create(c, group)
    create(c, f"{group}-stays")
    commit(c, group, group, 3)
    commit(c, group, f"{group}-stays", 4)
    gone = c.ask(20, 4, topic_names=[group], timeout=5000)
    for _ in range(200):
        with c.quiet():
            left = found(c, group)
        if len(left[0][2]) == 1:
            break
        time.sleep(0.05)
    return [[r["error_code"] for r in gone["responses"]], found(c, group)]


def a_static_member_commits_under_its_instance(c: Connection, group: str) -> Any:
    create(c, group)
    one = alone(c, group, instance="i")
    return [one.commit(group, 1), one.commit(group, 2, group_instance_id="other"), one.commit(group, 3, member_id="nobody"),
            one.commit(group, 4, group_instance_id=None), found(c, group, topic=group)]  # fmt: skip


def offsets_in_a_transaction_are_held_to_the_generation(c: Connection, group: str) -> Any:
    create(c, group)
    one, _ = pair(c, group)
    producer = Producer(c, group)
    seen: list[Any] = [producer.init(), producer.add_group(group)]
    who = {"generation_id": one.generation, "member_id": one.name}
    wrong: list[dict[str, Any]] = [
        {}, {"generation_id": 1}, {"member_id": "nobody"}, {"generation_id": -1}, {"generation_id": -1, "member_id": ""},
        {"group_instance_id": "i"},
    ]  # fmt: skip
    seen += [producer.commit_offset(group, at, **(who | each)) for at, each in enumerate(wrong)]
    return [*seen, producer.end(True)]


def a_fenced_static_member_commits_nothing_in_a_transaction(c: Connection, group: str) -> Any:
    create(c, group)
    old = alone(c, group, instance="i")
    new = Member(c, group, instance="i")
    new.join(version=5)
    producer = Producer(c, group)
    seen: list[Any] = [producer.init(), producer.add_group(group)]
    for one in (old, new):
        who = {"generation_id": one.generation, "member_id": one.name, "group_instance_id": "i"}
        seen.append(producer.commit_offset(group, 1, **who))
    return [*seen, producer.end(False)]


def a_transaction_takes_offsets_with_a_short_note_only(c: Connection, group: str) -> Any:
    create(c, group)
    one = Producer(c, group)
    seen: list[Any] = [one.init(), one.add_group(group)]
    part = {
        "partition_index": 0,
        "committed_offset": 1,
        "committed_leader_epoch": -1,
        "committed_metadata": "x" * 5000,
    }
    who = one.who() | {"generation_id": -1, "member_id": "", "group_instance_id": None, "group_id": group}
    answer = c.ask(28, 3, topics=[{"name": group, "partitions": [part]}], **who)
    return [*seen, answer, one.end(True)]


def a_group_of_another_kind_keeps_its_offsets_while_it_lives(c: Connection, group: str) -> Any:
    create(c, group)
    one = alone(c, group, kind="connect", protocols=[("compatible", b"c")])
    seen = [one.commit(group, 1)]
    parts = [{"name": group, "partitions": [{"partition_index": 0}]}]
    return [
        *seen,
        c.ask(47, 0, group_id=group, topics=parts),
        one.leave(),
        c.ask(47, 0, group_id=group, topics=parts),
    ]


def a_transaction_cannot_take_offsets_of_a_nameless_group(c: Connection, group: str) -> Any:
    one = Producer(c, group)
    return [one.init(), one.add_group(""), one.state()]


COMMITTING: tuple[Scenario, ...] = (
    a_note_that_is_too_long_is_refused,
    a_group_with_members_takes_no_commit_of_strangers,
    offsets_of_several_groups_are_found_at_once,
    negative_offsets_are_taken,
    offsets_last_as_long_as_their_client_says,
    offsets_go_with_their_topic,
    a_static_member_commits_under_its_instance,
    offsets_in_a_transaction_are_held_to_the_generation,
    a_fenced_static_member_commits_nothing_in_a_transaction,
    a_transaction_takes_offsets_with_a_short_note_only,
    a_group_of_another_kind_keeps_its_offsets_while_it_lives,
    a_transaction_cannot_take_offsets_of_a_nameless_group,
)
