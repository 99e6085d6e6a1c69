"""Partitions added, settings changed, records and offsets deleted: each API in each offered version."""

import pytest

from penstock import calls as c
from penstock.errors import Refusal, Refused
from tests.wire.driving import ask, versions
from tests.wire.fake_broker import FakeBroker


@versions(37)
def test_create_partitions(broker: FakeBroker, version: int) -> None:
    here, far = [{"broker_ids": [1]}] * 3, [{"broker_ids": [2]}]
    topics = [
        {"name": "t", "count": 5, "assignments": here},
        {"name": "absent", "count": 2, "assignments": None},
        {"name": "far", "count": 3, "assignments": far},
        *[{"name": "twice", "count": 2, "assignments": None}] * 2,
    ]
    found = ask(broker, 37, version, topics=topics, validate_only=True).results
    assert [(r.name, r.error_code) for r in found] == [("t", 0), ("absent", 3), ("far", 39), ("twice", 42)]
    (call,) = broker.asked
    assert isinstance(call, c.CreatePartitions) and call.check_only
    assert call.topics == (c.MorePartitions("t", 5, 3), c.MorePartitions("absent", 2))


RESOURCES = [(2, "t"), (2, "absent"), (4, "1"), (8, "1"), (2, "twice"), (2, "twice")]


@versions(44)
def test_incremental_alter_configs(broker: FakeBroker, version: int) -> None:
    changes = [
        {"name": "retention.ms", "config_operation": 0, "value": "5"},
        {"name": "cleanup.policy", "config_operation": 3, "value": "delete"},
        {"name": "segment.ms", "config_operation": 9, "value": "1"},
    ]
    resources = [
        {"resource_type": kind, "resource_name": name, "configs": changes} for kind, name in RESOURCES
    ]
    broker.refusing = {}
    found = ask(broker, 44, version, resources=resources).responses
    assert [(r.resource_type, r.resource_name, r.error_code) for r in found] == [
        (2, "t", 0), (2, "absent", 3), (4, "1", 3), (8, "1", 42), (2, "twice", 42), (2, "twice", 42),
    ]  # fmt: skip
    (call,) = broker.asked
    assert isinstance(call, c.AlterConfigs) and not call.check_only
    assert call.resources[0] == c.AlteredResource(
        "topic",
        "t",
        (
            c.ConfigChange("retention.ms", "5"),
            c.ConfigChange("cleanup.policy", "delete", "subtract"),
            c.ConfigChange("segment.ms", "1", "?"),
        ),
    )


@versions(33)
def test_alter_configs_replaces_all(broker: FakeBroker, version: int) -> None:
    configs = [{"name": "retention.ms", "value": "5"}]
    resources = [{"resource_type": 2, "resource_name": "t", "configs": configs}]
    (found,) = ask(broker, 33, version, resources=resources, validate_only=True).responses
    assert (found.error_code, found.error_message) == (0, None)
    (call,) = broker.asked
    assert isinstance(call, c.AlterConfigs) and call.check_only
    assert call.resources == (c.AlteredResource("topic", "t", (c.ConfigChange("retention.ms", "5"),), True),)


def test_read_only_settings_are_refused_with_words(broker: FakeBroker) -> None:
    broker.refusing = {c.AlterConfigs: [Refused(Refusal.READ_ONLY, "log.dirs")]}
    resources = [{"resource_type": 4, "resource_name": "1", "configs": []}]
    (found,) = ask(broker, 44, 1, resources=resources).responses
    assert found.error_code == 42 and "log.dirs" in found.error_message


@versions(21)
def test_delete_records(broker: FakeBroker, version: int) -> None:
    topics = [
        {"name": name, "partitions": [{"partition_index": i, "offset": 7} for i in (0, 9)]}
        for name in ("t", "x")
    ]
    found = ask(broker, 21, version, topics=topics).topics
    assert [
        (t.name, [(p.partition_index, p.low_watermark, p.error_code) for p in t.partitions]) for t in found
    ] == [
        ("t", [(0, 7, 0), (9, -1, 3)]),
        ("x", [(0, -1, 3), (9, -1, 3)]),
    ]


@versions(23)
def test_offset_for_leader_epoch(broker: FakeBroker, version: int) -> None:
    parts = [{"partition": i, "leader_epoch": 0, "current_leader_epoch": 0} for i in (0, 9)]
    (topic,) = ask(broker, 23, version, topics=[{"topic": "t", "partitions": parts}]).topics
    assert [(p.partition, p.error_code, p.leader_epoch, p.end_offset) for p in topic.partitions] == [
        (0, 0, 0, 0),
        (9, 3, -1, -1),
    ]


@versions(35)
def test_describe_log_dirs(broker: FakeBroker, version: int) -> None:
    (found,) = ask(broker, 35, version, topics=None).results
    (topic,) = found.topics
    assert (found.log_dir, topic.name) == ("/data", "t")
    assert [(p.partition_index, p.partition_size, p.offset_lag) for p in topic.partitions] == [
        (0, 10, 0),
        (1, 20, 0),
    ]
    if version >= 4:
        assert (found.total_bytes, found.usable_bytes) == (1000, 400)
    ask(broker, 35, version, topics=[{"topic": "t", "partitions": [1]}])
    assert [call.parts for call in broker.asked] == [None, (("t", 1),)]  # type: ignore[attr-defined]


def test_offset_delete(broker: FakeBroker) -> None:
    parts = [{"partition_index": i} for i in (0, 9)]
    found = ask(broker, 47, 0, group_id="g", topics=[{"name": "t", "partitions": parts}])
    assert found.error_code == 0
    assert [(p.partition_index, p.error_code) for p in found.topics[0].partitions] == [(0, 0), (9, 3)]
    broker.refusing = {c.DeleteOffsets: Refused(Refusal.GROUP_NOT_EMPTY)}
    found = ask(broker, 47, 0, group_id="g", topics=[{"name": "t", "partitions": parts}])
    assert (found.error_code, found.topics) == (68, ())


@versions(43)
def test_elect_leaders_has_nothing_to_do(broker: FakeBroker, version: int) -> None:
    asked = [{"topic": "t", "partitions": [0, 9]}, {"topic": "x", "partitions": [0]}]
    found = ask(broker, 43, version, topic_partitions=asked).replica_election_results
    assert [(t.topic, [(p.partition_id, p.error_code) for p in t.partition_result]) for t in found] == [
        ("t", [(0, 84), (9, 3)]),
        ("x", [(0, 3)]),
    ]
    assert ask(broker, 43, version, topic_partitions=None).replica_election_results == ()


@pytest.mark.parametrize("key", [21, 23, 33, 35, 37, 43, 44, 47])
def test_an_empty_request_names_nothing(broker: FakeBroker, key: int) -> None:
    assert ask(broker, key, {47: 0, 44: 1, 33: 2}.get(key, 2)) is not None
