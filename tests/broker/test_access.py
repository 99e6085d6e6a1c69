"""Every call passes the access table; calls about many things are answered for each of them."""

import dataclasses
from typing import Any

import pytest

from penstock import calls
from penstock.broker.access.needs import Each, Found, Whole
from penstock.broker.access.table import ACCESS
from penstock.broker.answers import ANSWERS, answers
from penstock.calls import (
    Append,
    AppendPart,
    Call,
    CommitOffsets,
    CreateTopics,
    DeleteTopics,
    DescribeCluster,
    DescribeConfigs,
    DescribeGroups,
    DescribeTopics,
    Fetch,
    FetchOffsets,
    FetchPart,
    InitProducer,
    ListGroups,
    NewTopic,
    OffsetCommit,
    Principal,
    TopicInfo,
)
from penstock.errors import Refusal, Refused
from penstock.later import Later
from penstock.users.directory import Directory, User
from penstock.users.rules import KINDS, OPERATIONS, parse_rule

from .bench import ME, START, Table, answer_of, batch_of
from .on_disk import DiskTable

CALLS = [
    kind
    for kind in vars(calls).values()
    if isinstance(kind, type) and issubclass(kind, Call) and kind is not Call
]
QUEUE_CALLS = [
    kind
    for kind in vars(calls.queues).values()
    if isinstance(kind, type) and issubclass(kind, Call) and kind not in (Call, calls.queues.ChannelCall)
]
"""About what their channel's virtual host holds: tests/queues/test_access.py asks them."""
OPEN_TO_ALL = {
    calls.CheckPassword, calls.FindScram, calls.EndLogin, calls.AskAccess, calls.DescribeCluster
}  # fmt: skip
ADA, BOB = Principal("ada"), Principal("bob")


def directory(**rules: list[str]) -> Directory:
    users = {name: User(name, (), tuple(map(parse_rule, texts))) for name, texts in rules.items()}
    return Directory({"root": User("root", ("admin",)), **users})


def with_rules(**rules: list[str]) -> Table:
    table = DiskTable()
    for name in ("a", "b"):
        table.topic(name)
    table.broker.use_users(directory(**rules))
    return table


def reasons(results: Any) -> list[Refusal | None]:
    return [one.reason if isinstance(one, Refused) else None for one in results]


# --- the table --------------------------------------------------------------------------------------------------------


def test_the_access_table_has_an_entry_for_every_call() -> None:
    assert len(CALLS) > 20
    assert set(ACCESS) == {*CALLS, *QUEUE_CALLS}


def test_every_call_has_an_answering_function() -> None:
    assert set(ANSWERS) == {*CALLS, *QUEUE_CALLS}


def test_every_need_is_one_that_rules_can_speak_of() -> None:
    for kind, needs in ACCESS.items():
        assert needs or kind in OPEN_TO_ALL or kind in QUEUE_CALLS, kind
        for need in needs:
            assert need.operation in OPERATIONS
            fields = {field.name for field in dataclasses.fields(kind)}
            assert isinstance(need, Whole) or need.field in fields | {""}, kind


def test_a_call_without_an_entry_is_refused() -> None:
    @dataclasses.dataclass(frozen=True, slots=True)
    class Strange(Call):
        """In no table."""

    ANSWERS[Strange] = lambda state, call, now: pytest.fail("answered past the table")
    try:
        refused = Table().ask(Strange(ME))
    finally:
        del ANSWERS[Strange]
    assert isinstance(refused, Refused) and refused.reason is Refusal.NOT_ALLOWED


EMPTY: dict[str, Any] = {
    "group": "g", "member_id": "", "members": (), "instance_id": None, "protocol_type": "c", "protocols": (),
    "session_timeout_ms": 10_000, "rebalance_timeout_ms": 1, "generation": 1, "producer_id": 1,
    "producer_epoch": 0, "transactional_id": "t", "commit": True,
}  # fmt: skip
ENTRIES: dict[tuple[type[Call], str], Any] = {
    (calls.Append, "parts"): AppendPart("a", 0, b""),
    (calls.Fetch, "parts"): FetchPart("a", 0, 0, 1),
    (calls.ListOffsets, "parts"): calls.OffsetsPart("a", 0, -1),
    (calls.FindEpochs, "parts"): calls.EpochPart("a", 0, 0),
    (calls.DeleteRecords, "parts"): calls.DeletePart("a", 0, 0),
    (calls.CreateTopics, "topics"): NewTopic("new"),
    (calls.CreatePartitions, "topics"): calls.MorePartitions("a", 2),
    (calls.DescribeConfigs, "resources"): ("topic", "a", None),
    (calls.AlterConfigs, "resources"): calls.AlteredResource("topic", "a", ()),
    (calls.CommitOffsets, "commits"): OffsetCommit("a", 0, 1),
    (calls.CommitOffsetsLater, "commits"): OffsetCommit("a", 0, 1),
}


def example(kind: type[Call]) -> Call:
    """A call about the topic a and the group g."""
    values: dict[str, Any] = {}
    for field in dataclasses.fields(kind):
        parts = {"parts": ("a", 0), "names": "a", "groups": "g", "transactional_ids": "t"}
        if (kind, field.name) in ENTRIES:
            values[field.name] = (ENTRIES[kind, field.name],)
        elif field.name in parts:
            values[field.name] = (parts[field.name],)
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            values[field.name] = BOB if field.name == "principal" else EMPTY[field.name]
    return kind(**values)


@pytest.mark.parametrize(
    "kind", [kind for kind in CALLS if kind not in OPEN_TO_ALL], ids=lambda k: k.__name__
)
def test_nothing_is_done_for_someone_without_rules(kind: type[Call]) -> None:
    table = with_rules()
    answer = answer_of(table.broker.answer(example(kind), START))
    if isinstance(ACCESS[kind][0], Found):
        assert answer == []  # there is a topic, or could be a group: it is not told of
    else:
        refused = answer if isinstance(answer, list) else [answer]
        assert refused and all(isinstance(one, Refused) for one in refused), answer
        assert all("NOT_ALLOWED" in one.reason.name for one in refused)


@pytest.mark.parametrize(
    "kind", [kind for kind in CALLS if kind not in OPEN_TO_ALL], ids=lambda k: k.__name__
)
def test_the_one_rule_that_the_table_names_is_enough(kind: type[Call]) -> None:
    call = example(kind)
    rules = []
    for need in (need for need in ACCESS[kind] if not isinstance(need, Found)):
        for entry in [call] if isinstance(need, Whole) else getattr(call, need.field):
            resource = need.resource(entry, {})
            if resource is not None:
                rules.append(f"allow {need.operation} {resource[0]}:{resource[1]}")
    table = with_rules(bob=rules or ["allow idempotent-write cluster"])
    answer = table.broker.answer(call, START)
    table.sync()
    if isinstance(answer, Later) and not answer.done:
        return  # it waits for others or for time: it is being answered
    answer = answer_of(answer)
    results = answer if isinstance(answer, list | tuple) else [answer]
    refusals = [one.reason.name for one in results if isinstance(one, Refused)]
    assert not any("NOT_ALLOWED" in name for name in refusals), refusals


# --- parts ------------------------------------------------------------------------------------------------------------


def test_only_the_parts_that_are_allowed_are_written() -> None:
    table = with_rules(ada=["allow write topic:b"])
    parts = tuple(AppendPart(name, 0, batch_of(b"x")) for name in ("a", "b", "a"))
    results = table.settled(Append(ADA, parts))
    assert reasons(results) == [Refusal.NOT_ALLOWED, None, Refusal.NOT_ALLOWED]
    assert results[1].base_offset == 0
    assert [table.log.topics[name].partitions[0].end_offset for name in "ab"] == [0, 1]


def test_a_reader_who_leaves_a_fetch_half_refused_is_forgotten() -> None:
    table = with_rules(ada=["allow read topic:b"])
    parts = (FetchPart("a", 0, 0, 100), FetchPart("b", 0, 0, 100))
    waiting = table.broker.answer(Fetch(ADA, parts), START)
    assert isinstance(waiting, Later) and table.broker.measures()["penstock_waiting_fetches"] == 1
    table.broker.drop(waiting)
    assert table.broker.measures()["penstock_waiting_fetches"] == 0


def test_a_fetch_of_nothing_but_forbidden_topics_does_not_wait() -> None:
    results = with_rules().ask(Fetch(ADA, (FetchPart("a", 0, 0, 100),), wait_ms=30_000))
    assert reasons(results) == [Refusal.NOT_ALLOWED]


def test_all_topics_are_those_one_may_see() -> None:
    table = with_rules(ada=["allow read topic:b"])
    assert [info.name for info in table.ask(DescribeTopics(ADA))] == ["b"]
    assert {info.name for info in table.ask(DescribeTopics(Principal("root")))} == {"a", "b"}


def test_a_forbidden_topic_is_refused_by_name_and_by_id_whether_it_exists_or_not() -> None:
    table = with_rules(ada=["allow read topic:b"])
    asked = table.ask(DescribeTopics(ADA, ("a", "b", "nowhere")))
    assert reasons(asked) == [Refusal.NOT_ALLOWED, None, Refusal.NOT_ALLOWED]
    ids = tuple(table.log.topics[name].topic_id for name in "ab")
    assert reasons(table.ask(DescribeTopics(ADA, (), ids))) == [Refusal.NOT_ALLOWED, None]
    assert reasons(table.ask(DeleteTopics(ADA, ("b",), ids))) == [Refusal.NOT_ALLOWED] * 3


def test_a_topic_comes_into_being_only_for_whom_may_create_it() -> None:
    table = with_rules(
        ada=["allow describe topic:*"], bob=["allow describe topic:*", "allow create topic:n*"]
    )
    assert reasons(table.ask(DescribeTopics(ADA, ("new",), create=True))) == [Refusal.NOT_ALLOWED]
    assert reasons(table.ask(DescribeTopics(ADA, ("new",)))) == [Refusal.NO_TOPIC]
    made = table.ask(DescribeTopics(BOB, ("new", "other"), create=True))
    assert isinstance(made[0], TopicInfo) and reasons(made) == [None, Refusal.NOT_ALLOWED]


def test_who_may_create_on_the_cluster_may_create_any_topic() -> None:
    table = with_rules(ada=["allow create cluster"], bob=["allow create topic:x"])
    new = (NewTopic("x"), NewTopic("y"))
    assert reasons(table.ask(CreateTopics(BOB, new))) == [None, Refusal.NOT_ALLOWED]
    assert reasons(table.ask(CreateTopics(ADA, (NewTopic("y"),)))) == [None]


def test_settings_of_topics_and_of_the_broker_are_different_resources() -> None:
    table = with_rules(ada=["allow describe-configs topic:a"], bob=["allow alter-configs cluster"])
    asked = (("topic", "a", None), ("broker", "1", None))
    assert reasons(table.ask(DescribeConfigs(ADA, asked))) == [None, Refusal.CLUSTER_NOT_ALLOWED]
    assert reasons(table.ask(DescribeConfigs(BOB, asked))) == [Refusal.NOT_ALLOWED, None]


def test_committing_needs_the_group_and_each_topic() -> None:
    table = with_rules(ada=["allow read group:g", "allow read topic:b"], bob=["allow read topic:*"])
    commits = (OffsetCommit("a", 0, 1), OffsetCommit("b", 0, 1))
    assert reasons(table.settled(CommitOffsets(ADA, "g", "", None, -1, commits))) == [
        Refusal.NOT_ALLOWED,
        None,
    ]
    whole = table.settled(CommitOffsets(BOB, "g", "", None, -1, commits))
    assert isinstance(whole, Refused) and whole.reason is Refusal.GROUP_NOT_ALLOWED
    everything = table.ask(FetchOffsets(Principal("root"), "g", None))
    assert [found.topic for found in everything] == ["b"]
    table.broker.use_users(directory(ada=["allow describe group:g"]))
    assert list(table.ask(FetchOffsets(ADA, "g", None))) == []
    table.broker.use_users(directory(ada=["allow read group:g", "allow describe cluster"]))
    assert [info.group for info in table.ask(ListGroups(BOB))] == []
    assert [info.group for info in table.ask(ListGroups(ADA))] == ["g"]
    assert reasons(table.ask(DescribeGroups(ADA, ("g", "h")))) == [None, Refusal.GROUP_NOT_ALLOWED]


def test_who_may_write_anywhere_may_have_a_producer_id() -> None:
    table = with_rules(ada=["allow write topic:a"], bob=["allow read topic:*"])
    assert not isinstance(table.settled(InitProducer(ADA)), Refused)
    refused = table.settled(InitProducer(BOB))
    assert isinstance(refused, Refused) and refused.reason is Refusal.CLUSTER_NOT_ALLOWED
    refused = table.settled(InitProducer(ADA, "mine"))
    assert isinstance(refused, Refused) and refused.reason is Refusal.TRANSACTIONAL_ID_NOT_ALLOWED


def test_a_gateway_may_ask_for_any_kind() -> None:
    table = with_rules(ada=["allow describe pipeline:p*"])
    asked = table.ask(calls.AskAccess(ADA, "describe", "pipeline", ("p1", "q")))
    assert reasons(asked) == [None, Refusal.NOT_ALLOWED]
    assert "pipeline" in KINDS


def test_new_users_hold_from_the_next_call_on() -> None:
    table = with_rules(ada=["allow describe topic:*"])
    assert reasons(table.ask(DescribeTopics(ADA, ("a",)))) == [None]
    table.broker.use_users(directory())
    assert reasons(table.ask(DescribeTopics(ADA, ("a",)))) == [Refusal.NOT_ALLOWED]


def test_without_users_everyone_may_do_everything() -> None:
    table = DiskTable()
    table.topic("a")
    assert reasons(table.ask(DescribeTopics(Principal("ANONYMOUS"), ("a",)))) == [None]


def test_two_functions_cannot_answer_one_call() -> None:
    with pytest.raises(RuntimeError, match="answered already"):
        answers(DescribeCluster)(lambda state, call, now: None)


def test_requests_are_counted_by_their_call() -> None:
    table = Table()
    table.ask(DescribeCluster(ME))
    table.ask(DescribeCluster(ME))
    assert table.broker.measures()['penstock_requests_total{call="DescribeCluster"}'] == 2


def test_every_part_field_is_checked_by_an_each() -> None:
    for kind, needs in ACCESS.items():
        plural = {
            "parts",
            "names",
            "topics",
            "groups",
            "resources",
            "commits",
            "topic_ids",
            "transactional_ids",
        }
        fields = {field.name for field in dataclasses.fields(kind)} & plural
        checked = {need.field for need in needs if isinstance(need, Each)}
        whole_cluster = kind is calls.DescribeStorage
        assert fields <= checked or whole_cluster or kind is calls.AskAccess, kind


def test_the_queues_messages_are_no_topic_that_all_topics_readers_may_read() -> None:
    table = with_rules(ada=["allow read topic:*"], bob=["allow all cluster"])
    parts = (FetchPart("_penstock.queues", 0, 0, 1000),)
    (refused,) = table.ask(Fetch(ADA, parts))
    assert refused.reason is Refusal.CLUSTER_NOT_ALLOWED
    (found,) = table.ask(Fetch(BOB, parts))
    assert found.reason is Refusal.NO_TOPIC  # nothing was ever queued here
