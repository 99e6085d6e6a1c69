"""Committed offsets: kept by group, in Kafka's own records, over any crash."""

import random

import pytest

from penstock.broker.broker import BrokerOptions
from penstock.broker.groups.offsets import store as store_module
from penstock.broker.groups.offsets.format import Key, Stored, decode_key, decode_value, encode
from penstock.broker.groups.offsets.store import partition_of
from penstock.calls import (
    CommitOffsets,
    DeleteGroups,
    DeleteTopics,
    FetchOffsets,
    ListGroups,
    OffsetCommit,
)
from penstock.errors import Refusal
from penstock.later import Later

from .bench import ME, Table, answer_of
from .on_disk import DiskTable
from .people import Person, stable


def commit(offset: int, topic: str = "t", partition: int = 0, **more: object) -> OffsetCommit:
    return OffsetCommit(topic, partition, offset, **more)  # type: ignore[arg-type]


def simple(*commits: OffsetCommit, group: str = "g") -> CommitOffsets:
    """A commit by somebody who is no member."""
    return CommitOffsets(ME, group, "", None, -1, commits)


def by(person: Person, *commits: OffsetCommit) -> CommitOffsets:
    return CommitOffsets(ME, person.group, person.member_id, person.instance, person.generation, commits)


def position(table: Table, topic: str = "t", partition: int = 0, group: str = "g") -> int:
    return int(table.ask(FetchOffsets(ME, group, ((topic, partition),)))[0].offset)


def test_a_commit_is_answered_and_seen_once_it_is_on_disk() -> None:
    table = DiskTable()
    table.topic("t", 2)
    answer = table.ask(simple(commit(5, leader_epoch=3, metadata="m"), commit(9, partition=1)))
    assert isinstance(answer, Later) and position(table) == -1
    table.sync()
    assert answer_of(answer) == [None, None]
    assert table.ask(FetchOffsets(ME, "g", (("t", 0), ("t", 7)))) == [
        OffsetCommit("t", 0, 5, 3, "m"), OffsetCommit("t", 7, -1)
    ]  # fmt: skip
    assert len(table.ask(FetchOffsets(ME, "g", None))) == 2
    assert table.ask(FetchOffsets(ME, "unknown", None)) == []


def test_positions_are_there_after_a_restart_and_their_group_is_listed() -> None:
    table = DiskTable()
    table.topic("t")
    table.settled(simple(commit(5)))
    table.settled(simple(commit(6)))
    table.ask(simple(commit(99)))  # never on disk
    table.restart()
    assert position(table) in (6, 99), "what was acknowledged, or what came after it"
    assert [(g.group, g.state) for g in table.ask(ListGroups(ME))] == [("g", "Empty")]


def test_members_commit_in_their_generation_and_nobody_else_does() -> None:
    table = Table()
    table.topic("t")
    one = Person(table)
    stable(table, one)
    assert table.settled(by(one, commit(1))) == [None]
    assert table.ask(simple(commit(2)))[0].reason is Refusal.UNKNOWN_MEMBER
    one.generation = 9
    assert table.ask(by(one, commit(2)))[0].reason is Refusal.STALE_GENERATION
    one.generation, one.member_id = 1, "stranger"
    assert table.ask(by(one, commit(2)))[0].reason is Refusal.UNKNOWN_MEMBER
    nowhere = Person(table, group="nowhere")
    nowhere.generation = 1
    assert table.ask(by(nowhere, commit(2)))[0].reason is Refusal.STALE_GENERATION
    assert position(table) == 1


def test_members_may_commit_while_others_gather_but_not_before_their_assignment() -> None:
    table = Table()
    table.topic("t")
    one, two = Person(table), Person(table)
    stable(table, one)
    joining = two.join()
    assert table.settled(by(one, commit(1))) == [None]
    one.join()
    assert joining.done
    assert table.ask(by(one, commit(2)))[0].reason is Refusal.REBALANCING


def test_a_commit_keeps_the_session_alive() -> None:
    table = Table()
    table.topic("t")
    one = Person(table)
    stable(table, one)
    for offset in range(4):
        table.later(6)
        assert table.settled(by(one, commit(offset))) == [None]


def test_each_commit_is_judged_for_itself() -> None:
    table = Table(options=BrokerOptions(offset_metadata_bytes_max=3))
    table.topic("t")
    results = table.settled(simple(commit(1, metadata="long"), commit(2, topic="no"), commit(3)))
    assert [getattr(one, "reason", None) for one in results] == [
        Refusal.METADATA_TOO_LARGE, Refusal.NO_TOPIC, None
    ]  # fmt: skip
    assert position(table) == 3


def test_deleted_groups_and_deleted_topics_take_their_positions_along() -> None:
    table = DiskTable()
    for topic in ("t", "u"):
        table.topic(topic)
        table.settled(simple(commit(1, topic=topic)))
    table.settled(simple(commit(7), group="h"))
    table.ask(DeleteTopics(ME, ("u",)))
    table.sync()
    assert (position(table), position(table, "u")) == (1, -1)
    assert table.settled(DeleteGroups(ME, ("g",))) == [None]
    table.restart()
    assert (position(table), position(table, "u"), position(table, group="h")) == (-1, -1, 7)
    assert [g.group for g in table.ask(ListGroups(ME))] == ["h"]


def test_positions_of_groups_long_without_members_expire() -> None:
    table = Table(options=BrokerOptions(offsets_retention_s=7200))
    table.topic("t")
    busy, idle = Person(table, group="busy", session_timeout_ms=1_800_000), Person(table, group="idle")
    stable(table, busy)
    stable(table, idle)
    for person in (busy, idle):
        table.settled(by(person, commit(1)))
    table.settled(simple(commit(1), group="simple"))
    idle.leave()
    for _ in range(14):
        table.later(600)
        busy.beat()
        table.sync()
    assert position(table, group="busy") == 1
    assert position(table, group="idle") == position(table, group="simple") == -1
    assert [g.group for g in table.ask(ListGroups(ME))] == ["busy"]


def test_the_topic_stays_short_and_loses_nothing_that_is_under_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "REWRITE_FROM", 50)
    table = DiskTable()
    table.topic("t", 3)
    for offset in range(200):
        for partition in range(3):
            table.ask(simple(commit(offset, partition=partition), group=f"g{offset % 2}"))
        if offset % 3 == 0:
            table.sync()
    table.sync()
    kept = table.log.topics["__consumer_offsets"].partitions[0]
    assert kept.end_offset > 600 and kept.end_offset - kept.start_offset < 100
    expected = [(198, 198, 198), (199, 199, 199)]
    assert [tuple(position(table, "t", p, f"g{n}") for p in range(3)) for n in range(2)] == expected
    table.restart()
    assert [tuple(position(table, "t", p, f"g{n}") for p in range(3)) for n in range(2)] == expected


@pytest.mark.parametrize("seed", range(40))
def test_an_acknowledged_commit_survives_a_crash_at_any_step(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "REWRITE_FROM", 10)
    chance = random.Random(seed)
    table = DiskTable(seed)
    table.topic("t")
    offset = 0
    for _ in range(5):
        acknowledged = position(table)
        table.crash_after(chance.randrange(1, 40))
        for _ in range(20):
            offset += 1
            call = simple(commit(offset))
            if table.survive(call) == [None]:
                acknowledged = offset
        table.restart()
        assert acknowledged <= position(table) <= offset, "never older, and never from nowhere"


def test_many_partitions_keep_groups_apart_as_kafka_does() -> None:
    table = DiskTable(options=BrokerOptions(offsets_partitions=8))
    table.topic("t")
    for name in ("a", "b", "c"):
        table.settled(simple(commit(ord(name)), group=name))
    used = [p.end_offset for p in table.log.topics["__consumer_offsets"].partitions]
    assert sum(used) == 3 and len([1 for end in used if end]) > 1
    table.restart()
    assert [position(table, group=name) for name in "abc"] == [97, 98, 99]
    # Java: Math.abs("console-consumer-1".hashCode()) % 50, and a name whose hash is negative.
    assert partition_of("hello", 50) == 99162322 % 50
    assert partition_of("polygenelubricants", 50) == 0, "its hash is Integer.MIN_VALUE"


def test_the_records_are_kafkas() -> None:
    key, stored = Key("g", "t", 2), Stored(5, 1, "m", 1_700_000_000_000)
    record = encode(key, stored, 0)
    assert record.key == bytes.fromhex("0001 0001 67 0001 74 00000002")
    assert record.value == bytes.fromhex("0003 0000000000000005 00000001 0001 6d 0000018bcfe56800")
    assert decode_key(record.key) == key and decode_value(record.value) == stored
    assert encode(key, None, 0).value is None
    version_1 = bytes.fromhex("0001 0000000000000005 0001 6d 0000018bcfe56800 0000018bcfe56801")
    assert decode_value(version_1) == Stored(5, -1, "m", 1_700_000_000_000)
    assert decode_key(bytes.fromhex("0002 0001 67")) is None, "a group's membership is not ours"
    for cut in range(1, len(record.key)):
        with pytest.raises(ValueError, match="cut short"):
            decode_key(record.key[:cut])
    with pytest.raises(ValueError, match="newer"):
        decode_value(bytes.fromhex("0009"))


def test_a_commit_for_which_there_is_no_room_is_refused_and_not_seen() -> None:
    table = DiskTable()
    table.topic("t")
    table.settled(simple(commit(1)))
    table.disk.room = 10
    assert table.ask(simple(commit(2)))[0].reason is Refusal.DISK_FULL
    assert position(table) == 1
