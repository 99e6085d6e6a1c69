"""Topics that live are changed: partitions added, settings altered, records and offsets deleted. And it lasts."""

import pytest

from penstock.broker.groups.offsets.subscription import subscribed
from penstock.calls import (
    AlterConfigs,
    AlteredResource,
    CommitOffsets,
    ConfigChange,
    CreatePartitions,
    DeleteOffsets,
    DeletePart,
    DeleteRecords,
    DescribeConfigs,
    DescribeStorage,
    DescribeTopics,
    EpochEnd,
    EpochPart,
    FetchOffsets,
    FindEpochs,
    JoinGroup,
    MorePartitions,
    OffsetCommit,
)
from penstock.errors import Refusal, Refused

from .bench import ME, Table, answer_of, values_of
from .on_disk import DiskTable
from .people import Person, stable


def alter(
    table: Table, name: str, *changes: ConfigChange, kind: str = "topic", **how: bool
) -> Refused | None:
    check_only = how.pop("check_only", False)
    found: list[Refused | None] = table.ask(
        AlterConfigs(ME, (AlteredResource(kind, name, changes, **how),), check_only)
    )
    return found[0]


def value(table: Table, topic: str, key: str) -> str | None:
    entries = table.ask(DescribeConfigs(ME, (("topic", topic, (key,)),)))[0]
    shown: str | None = entries[0].value
    return shown


def test_partitions_are_added_and_readers_hear_of_it() -> None:
    table = Table()
    table.topic("t", 2)
    (info,) = table.ask(CreatePartitions(ME, (MorePartitions("t", 4),)))
    assert info.partitions == 4
    assert table.ask(DescribeTopics(ME, ("t",)))[0].partitions == 4
    table.append("t", b"x", partition=3)
    table.sync()
    assert values_of(table.fetch("t", 0, partition=3)[0]) == [b"x"]


@pytest.mark.parametrize(
    ("more", "why"),
    [
        (MorePartitions("t", 2), Refusal.BAD_PARTITION_COUNT),
        (MorePartitions("t", 1), Refusal.BAD_PARTITION_COUNT),
        (MorePartitions("t", 10**9), Refusal.BAD_PARTITION_COUNT),
        (MorePartitions("absent", 2), Refusal.NO_TOPIC),
        (MorePartitions("__consumer_offsets", 9), Refusal.BAD_REQUEST),
        (MorePartitions("t", 5, 2), Refusal.BAD_ASSIGNMENT),
    ],
)
def test_partitions_that_are_not_added(more: MorePartitions, why: Refusal) -> None:
    table = Table()
    table.topic("t", 2)
    table.topic("__consumer_offsets")
    assert table.ask(CreatePartitions(ME, (more,)))[0].reason is why
    checked = table.ask(CreatePartitions(ME, (MorePartitions("t", 3),), check_only=True))
    assert checked[0].partitions == 3
    assert table.ask(DescribeTopics(ME, ("t",)))[0].partitions == 2


def test_settings_are_set_deleted_appended_to_and_subtracted_from() -> None:
    table = Table()
    table.topic("t", retention_ms="1")
    assert (
        alter(
            table, "t", ConfigChange("retention.ms", "2"), ConfigChange("cleanup.policy", "compact", "append")
        )
        is None
    )
    assert (value(table, "t", "retention.ms"), value(table, "t", "cleanup.policy")) == ("2", "delete,compact")
    assert alter(table, "t", ConfigChange("cleanup.policy", "delete", "subtract")) is None
    assert value(table, "t", "cleanup.policy") == "compact"
    assert alter(table, "t", ConfigChange("retention.ms", None, "delete")) is None
    assert value(table, "t", "retention.ms") == "604800000"
    assert alter(table, "t", ConfigChange("retention.ms", "9"), replace=True) is None
    assert (value(table, "t", "retention.ms"), value(table, "t", "cleanup.policy")) == ("9", "delete")
    assert alter(table, "t", ConfigChange("retention.ms", "10"), check_only=True) is None
    assert value(table, "t", "retention.ms") == "9"


@pytest.mark.parametrize(
    ("name", "changes", "kind", "why"),
    [
        ("t", [ConfigChange("retention.ms", "soon")], "topic", Refusal.BAD_CONFIG),
        ("t", [ConfigChange("nonsense", "1")], "topic", Refusal.BAD_CONFIG),
        ("t", [ConfigChange("retention.ms", "1", "append")], "topic", Refusal.BAD_CONFIG),
        ("t", [ConfigChange("retention.ms", None)], "topic", Refusal.BAD_REQUEST),
        ("t", [ConfigChange("retention.ms", "2", "?")], "topic", Refusal.BAD_REQUEST),
        (
            "t",
            [ConfigChange("retention.ms", "1"), ConfigChange("retention.ms", "2")],
            "topic",
            Refusal.BAD_REQUEST,
        ),
        ("absent", [ConfigChange("retention.ms", "1")], "topic", Refusal.NO_TOPIC),
        ("no/slash", [ConfigChange("retention.ms", "1")], "topic", Refusal.BAD_TOPIC_NAME),
        ("__consumer_offsets", [ConfigChange("retention.ms", "1")], "topic", Refusal.BAD_REQUEST),
        ("1", [ConfigChange("log.retention.ms", "1")], "broker", Refusal.READ_ONLY),
        ("7", [ConfigChange("log.retention.ms", "1")], "broker", Refusal.BAD_REQUEST),
        ("g", [ConfigChange("x", "1")], "group", Refusal.BAD_REQUEST),
    ],
)
def test_changes_that_are_refused_change_nothing(
    name: str, changes: list[ConfigChange], kind: str, why: Refusal
) -> None:
    table = Table()
    table.topic("t", retention_ms="1")
    table.topic("__consumer_offsets")
    refused = alter(table, name, *changes, kind=kind)
    assert refused is not None and refused.reason is why
    assert value(table, "t", "retention.ms") == "1"


@pytest.mark.parametrize("name", ["", "1"])
def test_no_change_of_the_brokers_settings_is_no_error(name: str) -> None:
    table = Table()
    assert alter(table, name, kind="broker") is None
    assert alter(table, name, kind="broker", replace=True) is None


def test_settings_hold_from_the_next_append_on() -> None:
    table = Table()
    table.topic("t")
    alter(table, "t", ConfigChange("max.message.bytes", "100"))
    assert table.append("t", b"x" * 200)[0].reason is Refusal.TOO_LARGE
    alter(
        table,
        "t",
        ConfigChange("max.message.bytes", None, "delete"),
        ConfigChange("cleanup.policy", "compact"),
    )
    assert table.append("t", b"x" * 200)[0].reason is Refusal.BAD_RECORD
    assert not isinstance(table.append("t", b"x", key=b"k"), list)


def test_what_was_altered_survives_a_crash() -> None:
    world = DiskTable()
    world.topic("t")
    world.settled(CreatePartitions(ME, (MorePartitions("t", 3),)))
    world.settled(AlterConfigs(ME, (AlteredResource("topic", "t", (ConfigChange("retention.ms", "77"),)),)))
    world.restart()
    assert world.settled(DescribeTopics(ME, ("t",)))[0].partitions == 3
    (entries,) = world.settled(DescribeConfigs(ME, (("topic", "t", ("retention.ms",)),)))
    assert entries[0].value == "77"
    assert world.log.topics["t"].settings.retention_ms == 77


def delete(table: Table, offset: int, topic: str = "t", partition: int = 0) -> object:
    return table.ask(DeleteRecords(ME, (DeletePart(topic, partition, offset),)))[0]


def test_records_are_deleted_up_to_an_offset_or_the_high_watermark() -> None:
    table = Table()
    table.topic("t")
    for number in range(4):
        table.append("t", b"%d" % number)
    table.sync()
    assert delete(table, 2) == 2
    assert table.fetch("t", 1)[0].reason is Refusal.OFFSET_OUT_OF_RANGE
    assert values_of(table.fetch("t", 2)[0]) == [b"2", b"3"]
    assert delete(table, 1) == 2
    assert delete(table, -1) == 4


@pytest.mark.parametrize(
    ("offset", "topic", "why"),
    [
        (2, "t", Refusal.OFFSET_OUT_OF_RANGE),
        (-2, "t", Refusal.OFFSET_OUT_OF_RANGE),
        (0, "absent", Refusal.NO_TOPIC),
        (0, "k", Refusal.POLICY),
        (0, "__consumer_offsets", Refusal.BAD_TOPIC_NAME),
    ],
)
def test_records_that_are_not_deleted(offset: int, topic: str, why: Refusal) -> None:
    table = Table()
    for name, policy in (("t", "delete"), ("k", "compact"), ("__consumer_offsets", "delete")):
        table.topic(name, cleanup_policy=policy)
    table.append("t", b"x")
    table.sync()
    assert delete(table, offset, topic).reason is why  # type: ignore[attr-defined]


def test_a_fetch_that_waits_below_the_new_start_hears_so() -> None:
    table = Table()
    table.topic("t")
    table.append("t", b"0")
    table.sync()
    waiting = table.fetch("t", 1, wait_ms=10_000, bytes_min=10_000)
    table.append("t", b"1")
    table.sync()
    assert not waiting.done
    assert delete(table, 2) == 2
    assert answer_of(waiting)[0].reason is Refusal.OFFSET_OUT_OF_RANGE


def test_the_leader_epoch_is_zero_for_ever() -> None:
    table = Table()
    table.topic("t")
    table.append("t", b"a", b"b")
    table.sync()
    asked = [("t", 0, -1), ("t", 1, -1), ("t", 0, 0), ("t", 0, 1), ("x", 0, -1)]
    found = table.ask(FindEpochs(ME, tuple(EpochPart(t, 0, epoch, known) for t, epoch, known in asked)))
    assert found[:3] == [EpochEnd(0, 2), EpochEnd(-1, -1), EpochEnd(0, 2)]
    assert [one.reason for one in found[3:]] == [Refusal.UNKNOWN_EPOCH, Refusal.NO_TOPIC]


def test_the_data_directory_tells_the_sizes_of_what_is_asked_for() -> None:
    table = Table()
    table.topic("t", 2)
    table.append("t", b"a" * 100)
    storage = table.ask(DescribeStorage(ME, (("t", 0), ("t", 1), ("t", 9), ("x", 0))))
    assert [(name, index, size > 100) for name, index, size in storage.parts] == [
        ("t", 0, True),
        ("t", 1, False),
    ]
    assert (storage.bytes_total, storage.bytes_free) == (1000, 400)
    assert len(table.ask(DescribeStorage(ME)).parts) == 2


SUBSCRIPTION = b"\0\1\0\0\0\1\0\1t\xff\xff\xff\xff"


def committed(table: Table, group: str) -> list[tuple[str, int]]:
    return [(one.topic, one.partition) for one in table.ask(FetchOffsets(ME, group, None))]


def test_offsets_of_topics_that_nobody_reads_any_more_are_deleted() -> None:
    table = Table()
    table.topic("t", 2)
    table.topic("u")
    commits = tuple(OffsetCommit(t, p, 5) for t, p in (("t", 0), ("t", 1), ("u", 0)))
    table.settled(CommitOffsets(ME, "g", "", None, -1, commits))
    assert table.settled(DeleteOffsets(ME, "g", (("t", 0), ("t", 9), ("t", 0))))[0] is None
    assert committed(table, "g") == [("t", 1), ("u", 0)]
    person = Person(table)
    person.join((("range", SUBSCRIPTION),))
    table.later(0.3)
    refused, done = table.settled(DeleteOffsets(ME, "g", (("t", 1), ("u", 0))))
    assert refused.reason is Refusal.SUBSCRIBED and done is None
    assert committed(table, "g") == [("t", 1)]


def test_offsets_of_unknown_groups_and_of_other_protocols_groups_stay() -> None:
    table = Table()
    assert table.ask(DeleteOffsets(ME, "g", ())).reason is Refusal.NO_GROUP
    table.ask(JoinGroup(ME, "c", "", None, "connect", (("x", b""),), 10_000, 10_000))
    assert table.ask(DeleteOffsets(ME, "c", ())).reason is Refusal.GROUP_NOT_EMPTY
    stable(table, Person(table))


@pytest.mark.parametrize(
    "metadata",
    [b"", b"\0", SUBSCRIPTION[:7], b"\0\0\x7f\xff\xff\xff", b"\0\0\0\0\0\1\xff\xfe", b"\0\0\0\0\0\1\0\1\xff"],
)
def test_a_subscription_that_cannot_be_read_names_no_topic(metadata: bytes) -> None:
    assert subscribed(metadata) == []
    assert subscribed(SUBSCRIPTION) == ["t"]
