"""Metadata and the topic APIs in each offered version, read by kio's response types."""

from typing import Any

import pytest

from penstock import calls as c
from penstock.record import Record, encode
from tests.wire.driving import ask, versions
from tests.wire.fake_broker import FakeBroker

BATCH = encode([Record(b"k", b"v", 1)])


@versions(3)
def test_metadata_of_all_topics(broker: FakeBroker, version: int) -> None:
    response = ask(broker, 3, version, topics=None if version else ())
    assert [(b.node_id, b.host, b.port) for b in response.brokers] == [(1, "penstock.test", 9092)]
    assert getattr(response, "controller_id", 1) == 1
    assert getattr(response, "cluster_id", "a-cluster") == "a-cluster"
    (topic,) = response.topics
    assert (topic.name, [p.partition_index for p in topic.partitions]) == ("t", [0, 1])
    assert {(p.leader_id, p.replica_nodes, p.isr_nodes) for p in topic.partitions} == {(1, (1,), (1,))}
    if version >= 7:
        assert {p.leader_epoch for p in topic.partitions} == {0}
    if version >= 8:
        assert topic.topic_authorized_operations == -(2**31)
    if version >= 10:
        assert topic.topic_id.bytes == broker.topics["t"].topic_id


@versions(3, since=1)
def test_an_empty_list_of_topics_asks_for_none(broker: FakeBroker, version: int) -> None:
    assert ask(broker, 3, version, topics=()).topics == ()
    assert [type(call) for call in broker.asked] == [c.DescribeCluster]


@versions(3)
def test_a_missing_topic_is_created_where_the_client_wants_it(broker: FakeBroker, version: int) -> None:
    asked = [{"name": "new"}, {"name": "new"}]
    (wanted,) = ask(broker, 3, version, topics=asked[:1], allow_auto_topic_creation=True).topics
    assert (wanted.error_code, wanted.name) == (0, "new")
    del broker.topics["new"]
    (unwanted,) = ask(broker, 3, version, topics=asked, allow_auto_topic_creation=False).topics
    # Before version 4 a client cannot say that it does not want it.
    assert (unwanted.error_code, unwanted.name) == (3 if version >= 4 else 0, "new")


def test_metadata_by_id(broker: FakeBroker) -> None:
    ids = [broker.topics["t"].topic_id, b"?" * 16]
    found = ask(broker, 3, 12, topics=[{"topic_id": i, "name": None} for i in ids]).topics
    assert [(t.name, t.topic_id.bytes, t.error_code) for t in found] == [
        ("t", ids[0], 0),
        (None, ids[1], 100),
    ]


@pytest.mark.parametrize("version", [10, 11])
def test_metadata_by_id_is_not_for_versions_that_only_tell_ids(broker: FakeBroker, version: int) -> None:
    response = ask(broker, 3, version, topics=[{"topic_id": broker.topics["t"].topic_id, "name": "t"}])
    assert [t.error_code for t in response.topics] == [42]
    no_name = ask(broker, 3, version, topics=[{"name": None}])
    assert [(t.error_code, t.name) for t in no_name.topics] == [(42, "")]


@versions(60)
def test_describe_cluster(broker: FakeBroker, version: int) -> None:
    response = ask(broker, 60, version)
    assert (response.cluster_id, response.controller_id) == ("a-cluster", 1)
    assert [(b.broker_id, b.host, b.port) for b in response.brokers] == [(1, "penstock.test", 9092)]


@pytest.mark.parametrize(("endpoints", "error"), [(2, 114), (7, 115)])
def test_describe_cluster_of_controllers_is_refused_by_a_broker(
    broker: FakeBroker, endpoints: int, error: int
) -> None:
    assert ask(broker, 60, 1, endpoint_type=endpoints).error_code == error


def new_topic(name: str, partitions: int = 3, replicas: int = 1, **fields: Any) -> dict[str, Any]:
    return {"name": name, "num_partitions": partitions, "replication_factor": replicas, **fields}


@versions(19)
def test_create_topics(broker: FakeBroker, version: int) -> None:
    configs = [{"name": "cleanup.policy", "value": "compact"}]
    response = ask(broker, 19, version, topics=[new_topic("a", configs=configs), new_topic("t")])
    assert [(t.name, t.error_code) for t in response.topics] == [("a", 0), ("t", 36)]
    assert response.topics[1].error_message.endswith(": t")
    assert c.NewTopic("a", 3, 1, {"cleanup.policy": "compact"}) in broker.asked[0].topics  # type: ignore[attr-defined]
    if version >= 5:
        made = response.topics[0]
        assert (made.num_partitions, made.replication_factor) == (3, 1)
        assert {entry.name: entry.value for entry in made.configs} == {
            "cleanup.policy": "delete",
            "pass": None,
        }
    if version >= 7:
        assert response.topics[0].topic_id.bytes == broker.topics["a"].topic_id


@versions(19)
def test_create_topics_only_checks_when_asked_to(broker: FakeBroker, version: int) -> None:
    (made,) = ask(broker, 19, version, topics=[new_topic("a")], validate_only=True).topics
    assert made.error_code == 0
    assert "a" not in broker.topics


@versions(19)
def test_create_topics_with_an_assignment(broker: FakeBroker, version: int) -> None:
    def assigned(name: str, *brokers: int, **fields: Any) -> dict[str, Any]:
        shares = [{"partition_index": n, "broker_ids": [b]} for n, b in enumerate(brokers)]
        return new_topic(name, **{"partitions": -1, "replicas": -1, "assignments": shares, **fields})

    topics = [assigned("good", 1, 1), assigned("far", 1, 2), assigned("both", 1, partitions=1)]
    response = ask(broker, 19, version, topics=topics)
    assert [(t.name, t.error_code) for t in response.topics] == [("good", 0), ("far", 39), ("both", 42)]
    assert broker.topics["good"].partitions == 2


@versions(19)
def test_a_topic_named_twice_is_created_not_at_all(broker: FakeBroker, version: int) -> None:
    response = ask(broker, 19, version, topics=[new_topic("a"), new_topic("b"), new_topic("a")])
    assert sorted((t.name, t.error_code) for t in response.topics) == [("a", 42), ("b", 0)]


@versions(20)
def test_delete_topics_by_name(broker: FakeBroker, version: int) -> None:
    names = ["t", "absent"]
    response = ask(broker, 20, version, topic_names=names, topics=[{"name": name} for name in names])
    assert [(t.name, t.error_code) for t in response.responses] == [("t", 0), ("absent", 3)]
    assert broker.topics == {}


def test_delete_topics_by_id(broker: FakeBroker) -> None:
    topic_id = broker.topics["t"].topic_id
    topics = [{"name": None, "topic_id": topic_id}, {"name": None, "topic_id": b"?" * 16}]
    found = ask(broker, 20, 6, topics=topics).responses
    assert [(t.name, t.topic_id.bytes, t.error_code) for t in found] == [
        ("t", topic_id, 0),
        (None, b"?" * 16, 100),
    ]


def test_delete_topics_by_both_or_neither_is_a_contradiction(broker: FakeBroker) -> None:
    topics = [{"name": "t", "topic_id": b"?" * 16}, {"name": None}]
    assert [t.error_code for t in ask(broker, 20, 6, topics=topics).responses] == [42, 42]
    assert "t" in broker.topics


@versions(32)
def test_describe_configs(broker: FakeBroker, version: int) -> None:
    resources: list[dict[str, Any]] = [
        {"resource_type": 2, "resource_name": "t", "configuration_keys": None},
        {"resource_type": 32, "resource_name": "g"},
        {"resource_type": 2, "resource_name": "absent"},
        {"resource_type": 4, "resource_name": "1", "configuration_keys": ["cleanup.policy"]},
    ]
    asked = {"resources": resources, "include_synonyms": True, "include_documentation": True}
    found = ask(broker, 32, version, **asked).results
    assert [(r.resource_type, r.resource_name, r.error_code) for r in found] == [
        (2, "t", 0),
        (32, "g", 42),
        (2, "absent", 3),
        (4, "1", 0),
    ]
    policy, password = found[0].configs
    assert (policy.value, policy.config_source, password.value, password.is_sensitive) == (
        "delete",
        5,
        None,
        True,
    )
    assert [(s.name, s.value, s.source) for s in policy.synonyms] == [("log.cleanup.policy", "delete", 5)]
    assert [entry.name for entry in found[3].configs] == ["cleanup.policy"]
    if version >= 3:
        assert (policy.config_type, policy.documentation) == (7, "how")
