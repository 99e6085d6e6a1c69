"""Topics described, created, deleted, and their settings."""

import pytest

from penstock.broker.broker import Broker, BrokerOptions
from penstock.broker.topics.config_table import SETTINGS, wrong
from penstock.broker.topics.configs import facts_of
from penstock.calls import (
    ClusterInfo,
    ConfigEntry,
    CreateTopics,
    DeleteTopics,
    DescribeCluster,
    DescribeConfigs,
    DescribeTopics,
    NewTopic,
    TopicInfo,
)
from penstock.errors import Refusal
from penstock.log import LogOptions

from .bench import ME, START, Table, numbered


def create(table: Table, name: str, check_only: bool = False, **how: object) -> object:
    return table.ask(CreateTopics(ME, (NewTopic(name, **how),), check_only))[0]  # type: ignore[arg-type]


def configs(
    table: Table, kind: str, name: str, keys: tuple[str, ...] | None = None
) -> dict[str, ConfigEntry]:
    return {entry.name: entry for entry in table.ask(DescribeConfigs(ME, ((kind, name, keys),)))[0]}


def test_a_topic_is_made_described_by_name_and_id_and_deleted() -> None:
    table = Table()
    made = create(table, "t", partitions=3)
    assert isinstance(made, TopicInfo) and (made.partitions, made.internal) == (3, False)
    assert table.ask(DescribeTopics(ME, ("t",))) == [made]
    assert table.ask(DescribeTopics(ME, (), (made.topic_id,))) == [made]
    assert table.ask(DescribeTopics(ME)) == [made]
    assert table.ask(DeleteTopics(ME, topic_ids=(made.topic_id,))) == [made]
    assert table.ask(DescribeTopics(ME)) == []
    gone = table.ask(DeleteTopics(ME, ("t",), (made.topic_id,)))
    assert [one.reason for one in gone] == [Refusal.NO_TOPIC, Refusal.NO_TOPIC]


def test_an_unknown_topic_comes_into_being_where_that_is_wanted_and_allowed() -> None:
    table = Table(options=BrokerOptions(default_partitions=4))
    assert table.ask(DescribeTopics(ME, ("t",)))[0].reason is Refusal.NO_TOPIC
    assert table.ask(DescribeTopics(ME, ("t",), create=True))[0].partitions == 4
    assert table.ask(DescribeTopics(ME, ("no/slash",), create=True))[0].reason is Refusal.BAD_TOPIC_NAME
    strict = Table(options=BrokerOptions(auto_create_topics=False))
    assert strict.ask(DescribeTopics(ME, ("t",), create=True))[0].reason is Refusal.NO_TOPIC


def test_checking_alone_makes_nothing() -> None:
    table = Table()
    checked = create(table, "t", check_only=True, partitions=2)
    assert isinstance(checked, TopicInfo) and checked.partitions == 2
    assert table.ask(DescribeTopics(ME)) == []


@pytest.mark.parametrize(
    ("how", "why"),
    [
        ({"name": ""}, Refusal.BAD_TOPIC_NAME),
        ({"name": ".."}, Refusal.BAD_TOPIC_NAME),
        ({"name": "x" * 250}, Refusal.BAD_TOPIC_NAME),
        ({"name": "ü"}, Refusal.BAD_TOPIC_NAME),
        ({"name": "line\n"}, Refusal.BAD_TOPIC_NAME),
        ({"name": "a.b"}, Refusal.TOPIC_EXISTS),
        ({"name": "a_b"}, Refusal.BAD_TOPIC_NAME),
        ({"name": "t", "partitions": 0}, Refusal.BAD_PARTITION_COUNT),
        ({"name": "t", "partitions": -2}, Refusal.BAD_PARTITION_COUNT),
        ({"name": "t", "partitions": 10**9}, Refusal.BAD_PARTITION_COUNT),
        ({"name": "t", "replicas": 3}, Refusal.BAD_REPLICATION),
        ({"name": "t", "configs": {"nonsense": "1"}}, Refusal.BAD_CONFIG),
        ({"name": "t", "configs": {"retention.ms": None}}, Refusal.BAD_CONFIG),
    ],
)
def test_topics_that_are_refused(how: dict[str, object], why: Refusal) -> None:
    table = Table()
    create(table, "a.b")
    refused = create(table, **how)  # type: ignore[arg-type]
    assert refused.reason is why  # type: ignore[attr-defined]
    assert [topic.name for topic in table.ask(DescribeTopics(ME))] == ["a.b"]


def test_a_name_twice_in_one_request_is_refused_each_time() -> None:
    table = Table()
    results = table.ask(CreateTopics(ME, (NewTopic("t"), NewTopic("u"), NewTopic("t"))))
    assert [getattr(one, "reason", None) for one in results] == [
        Refusal.BAD_REQUEST,
        None,
        Refusal.BAD_REQUEST,
    ]


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("retention.ms", "-1", "-2"),
        ("retention.ms", "9223372036854775807", "9223372036854775808"),
        ("segment.bytes", "1048576", "lots"),
        ("max.message.bytes", "0", "2147483648"),
        ("cleanup.policy", "compact, delete", "shred"),
        ("compression.type", "zstd", "brotli"),
        ("message.timestamp.type", "LogAppendTime", "MyTime"),
        ("min.cleanable.dirty.ratio", "0.3", "1.5"),
        ("preallocate", "TRUE", "yes"),
        ("min.insync.replicas", "1", "2"),
        ("remote.storage.enable", "false", "true"),
        ("compression.zstd.level", "-5", "23"),
    ],
)
def test_settings_are_checked_by_type_and_range(name: str, good: str, bad: str) -> None:
    assert not wrong(name, good)
    assert name in wrong(name, bad)


def test_every_default_passes_its_own_check() -> None:
    assert [name for name, setting in SETTINGS.items() if wrong(name, setting.default)] == []


def test_a_topics_settings_show_where_each_value_comes_from() -> None:
    table = Table(options=BrokerOptions(message_bytes_max=5000))
    create(table, "t", configs={"retention.ms": "1000"})
    shown = configs(table, "topic", "t")
    assert set(shown) == set(SETTINGS)
    assert (shown["retention.ms"].value, shown["retention.ms"].source) == ("1000", 1)
    assert (shown["max.message.bytes"].value, shown["max.message.bytes"].source) == ("5000", 4)
    assert (shown["cleanup.policy"].value, shown["cleanup.policy"].source, shown["cleanup.policy"].type) == (
        "delete",
        5,
        7,
    )
    assert all(entry.doc for entry in shown.values())
    assert set(configs(table, "topic", "t", ("retention.ms", "unknown"))) == {"retention.ms"}


def test_the_brokers_settings_name_what_tools_read() -> None:
    table = Table(options=BrokerOptions(default_partitions=3))
    shown = configs(table, "broker", "1")
    expected = {"num.partitions": "3", "auto.create.topics.enable": "true", "log.retention.ms": "604800000",
                "message.max.bytes": "1048588", "broker.id": "1", "default.replication.factor": "1"}  # fmt: skip
    assert {name: shown[name].value for name in expected} == expected


def test_settings_of_what_is_not_there_are_refused() -> None:
    resources = (("topic", "t", None), ("broker", "2", None), ("group", "g", None))
    refused = Table().ask(DescribeConfigs(ME, resources))
    assert [one.reason for one in refused] == [Refusal.NO_TOPIC, Refusal.BAD_REQUEST, Refusal.BAD_REQUEST]


def test_the_cluster_has_a_name() -> None:
    assert Table().ask(DescribeCluster(ME)) == ClusterInfo("cluster", 1)


def test_the_brokers_own_topics_cannot_be_deleted_and_one_alone_is_internal() -> None:
    table = Table()
    assert create(table, "__consumer_offsets").internal  # type: ignore[attr-defined]
    assert not create(table, "_penstock.workers").internal  # type: ignore[attr-defined]
    assert table.ask(DeleteTopics(ME, ("__consumer_offsets",)))[0].reason is Refusal.BAD_REQUEST


def test_the_logs_own_options_are_shown_as_what_holds() -> None:
    facts = facts_of(LogOptions(retention_ms=5000)) | {"advertised.listeners": "PLAINTEXT://127.0.0.1:9092"}
    table = Table()
    table.broker = Broker(table.log, BrokerOptions(), START, numbered(), facts)
    create(table, "t")
    shown = configs(table, "topic", "t")
    assert (shown["retention.ms"].value, shown["retention.ms"].source) == ("5000", 4)
    assert shown["segment.bytes"].source == 5
    shown = configs(table, "broker", "")
    assert shown["log.retention.ms"].value == "5000"
    assert shown["advertised.listeners"].value == "PLAINTEXT://127.0.0.1:9092"


def test_the_offsets_topic_is_as_the_broker_needs_it_whoever_asks_for_it() -> None:
    table = Table(options=BrokerOptions(offsets_partitions=5, default_partitions=2))
    made = table.ask(DescribeTopics(ME, ("__consumer_offsets",), create=True))[0]
    assert (made.partitions, made.internal) == (5, True)
    assert table.log.topics["__consumer_offsets"].configs["cleanup.policy"] == "compact"


def test_many_topics_of_one_request_are_checked_against_each_other_and_written_together(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    table = Table(options=BrokerOptions(partitions_max=5))
    writes: list[int] = []
    made_by = table.log.create_topics
    monkeypatch.setattr(
        table.log, "create_topics", lambda new, now: writes.append(len(new)) or made_by(new, now)
    )
    wanted = (NewTopic("a.b", 2), NewTopic("a_b", 1), NewTopic("c", 2), NewTopic("d", 2), NewTopic("e", 1))
    answers = table.ask(CreateTopics(ME, wanted))
    assert [one.name if isinstance(one, TopicInfo) else one.reason for one in answers] == [
        "a.b", Refusal.BAD_TOPIC_NAME, "c", Refusal.BAD_PARTITION_COUNT, "e",
    ]  # fmt: skip
    assert writes == [3]
    again = table.ask(DeleteTopics(ME, ("c", "c", "e"), (answers[0].topic_id, answers[2].topic_id)))
    assert [one.name if isinstance(one, TopicInfo) else one.reason for one in again] == [
        "c", Refusal.NO_TOPIC, "e", "a.b", Refusal.NO_TOPIC,
    ]  # fmt: skip
    named = table.ask(DescribeTopics(ME, ("x", "y", "x"), create=True))
    assert [one.name for one in named] == ["x", "y", "x"]
    assert writes == [3, 2]
