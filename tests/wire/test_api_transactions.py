"""The APIs of transactions in every version: what reaches the broker, and what its answers become."""

from typing import Any

import pytest

from penstock import calls as c
from penstock.errors import Refusal, Refused
from penstock.record import Record, encode
from tests.wire.driving import ask, versions
from tests.wire.fake_broker import FakeBroker

WHO = {"transactional_id": "mine", "producer_id": 7, "producer_epoch": 1}
PART = {"partition_index": 0, "committed_offset": 5, "committed_metadata": None}


def add(broker: FakeBroker, version: int, *parts: tuple[str, list[int]]) -> Any:
    who = {f"v3_and_below_{name}": value for name, value in WHO.items()}
    topics = [{"name": topic, "partitions": indexes} for topic, indexes in parts]
    answer = ask(broker, 24, version, v3_and_below_topics=topics, **who)
    return [
        (topic.name, p.partition_index, p.partition_error_code)
        for topic in answer.results_by_topic_v3_and_below
        for p in topic.results_by_partition
    ]


@versions(24)
def test_partitions_are_added_each_with_its_error(broker: FakeBroker, version: int) -> None:
    assert add(broker, version, ("t", [0, 1]), ("u", [0])) == [("t", 0, 0), ("t", 1, 0), ("u", 0, 3)]
    call = broker.asked[-1]
    assert call == c.AddPartitions(call.principal, "mine", 7, 1, (("t", 0), ("t", 1), ("u", 0)))


@versions(24)
def test_one_refusal_stands_at_every_partition(broker: FakeBroker, version: int) -> None:
    broker.refusing[c.AddPartitions] = Refused(Refusal.PRODUCER_FENCED)
    fenced = 90 if version >= 2 else 47
    assert add(broker, version, ("t", [0, 1])) == [("t", 0, fenced), ("t", 1, fenced)]


@versions(25)
def test_a_group_is_added(broker: FakeBroker, version: int) -> None:
    assert ask(broker, 25, version, group_id="g", **WHO).error_code == 0
    assert broker.asked[-1] == c.AddGroup(broker.asked[-1].principal, "mine", 7, 1, "g")
    broker.refusing[c.AddGroup] = Refused(Refusal.PRODUCER_FENCED)
    assert ask(broker, 25, version, group_id="g", **WHO).error_code == (90 if version >= 2 else 47)


@versions(26)
@pytest.mark.parametrize("commit", [True, False])
def test_a_transaction_is_ended(broker: FakeBroker, version: int, commit: bool) -> None:
    assert ask(broker, 26, version, committed=commit, **WHO).error_code == 0
    assert broker.asked[-1] == c.EndTransaction(broker.asked[-1].principal, "mine", 7, 1, commit)
    broker.refusing[c.EndTransaction] = Refused(Refusal.PRODUCER_FENCED)
    assert ask(broker, 26, version, **WHO).error_code == (90 if version >= 2 else 47)
    broker.refusing[c.EndTransaction] = Refused(Refusal.DISK_FULL)
    assert ask(broker, 26, version, **WHO).error_code == 15, "try again"


@versions(28)
def test_offsets_are_committed_with_what_the_version_tells_of_the_member(
    broker: FakeBroker, version: int
) -> None:
    place = {"generation_id": 3, "member_id": "m", "group_instance_id": "i"} if version >= 3 else {}
    topics = [{"name": "t", "partitions": [PART]}, {"name": "u", "partitions": [PART]}]
    answer = ask(broker, 28, version, group_id="g", topics=topics, **WHO, **place)
    assert [p.error_code for topic in answer.topics for p in topic.partitions] == [0, 3]
    call = broker.asked[-1]
    assert isinstance(call, c.CommitOffsetsLater)
    assert (call.member_id, call.instance_id, call.generation) == (
        ("m", "i", 3) if version >= 3 else ("", None, -1)
    )
    assert call.commits[0] == c.OffsetCommit("t", 0, 5, call.commits[0].leader_epoch, "")


@versions(28)
def test_an_offset_outside_of_a_transaction_is_told_as_the_version_knows_it(
    broker: FakeBroker, version: int
) -> None:
    broker.refusing[c.CommitOffsetsLater] = Refused(Refusal.NOT_IN_TRANSACTION)
    answer = ask(broker, 28, version, topics=[{"name": "t", "partitions": [PART]}], **WHO)
    assert answer.topics[0].partitions[0].error_code == (120 if version >= 4 else 48)


@versions(0)
def test_a_batch_outside_of_a_transaction_is_told_as_the_version_knows_it(
    broker: FakeBroker, version: int
) -> None:
    broker.refusing[c.Append] = [Refused(Refusal.NOT_IN_TRANSACTION)]
    data = [{"index": 0, "records": encode([Record(None, b"v", 0)], producer_id=7, transactional=True)}]
    answer = ask(
        broker,
        0,
        version,
        acks=-1,
        transactional_id="mine",
        topic_data=[{"name": "t", "partition_data": data}],
    )
    assert answer.responses[0].partition_responses[0].error_code == (120 if version >= 11 else 48)
    call = broker.asked[-1]
    assert isinstance(call, c.Append) and call.transactional_id == "mine"


@versions(1)
def test_a_reader_of_what_is_committed_is_told_of_what_was_aborted(broker: FakeBroker, version: int) -> None:
    broker.refusing[c.Fetch] = [c.Fetched(b"", 9, 0, 5, ((7, 2), (8, 3)))]
    topic = {"topic": "t"} if version < 13 else {"topic_id": broker.topics["t"].topic_id}
    for level, aborted in ((0, None), (1, [(7, 2), (8, 3)])):
        answer = ask(
            broker, 1, version, isolation_level=level, session_epoch=-1,
            topics=[topic | {"partitions": [{"partition": 0, "partition_max_bytes": 100}]}],
        )  # fmt: skip
        part = answer.responses[0].partitions[0]
        found = part.aborted_transactions
        assert part.last_stable_offset == 5
        assert (None if found is None else [(one.producer_id, one.first_offset) for one in found]) == aborted


@versions(9, since=7)
def test_an_unstable_offset_is_neither_an_offset_nor_none(broker: FakeBroker, version: int) -> None:
    broker.refusing[c.FetchOffsets] = [c.OffsetCommit("t", 0, -1, unstable=True)]
    topics = [{"name": "t", "partition_indexes": [0]}]
    how = (
        {"groups": [{"group_id": "g", "topics": topics}]}
        if version >= 8
        else {"group_id": "g", "topics": topics}
    )
    answer = ask(broker, 9, version, require_stable=True, **how)
    part = (answer.groups[0] if version >= 8 else answer).topics[0].partitions[0]
    assert (part.committed_offset, part.error_code) == (-1000, 88)
    assert getattr(broker.asked[-1], "require_stable")  # noqa: B009  # a call of any kind


@versions(65)
def test_transactions_are_described_each_once(broker: FakeBroker, version: int) -> None:
    answer = ask(broker, 65, version, transactional_ids=["mine", "other", "mine"])
    mine, other = answer.transaction_states
    assert (mine.transaction_state, mine.producer_id, mine.producer_epoch) == ("Ongoing", 7, 1)
    assert [(topic.topic, topic.partitions) for topic in mine.topics] == [("t", (0, 1))]
    assert (other.transactional_id, other.error_code) == ("other", 105)


@versions(66)
def test_transactions_are_listed_and_unknown_states_told_back(broker: FakeBroker, version: int) -> None:
    answer = ask(broker, 66, version, state_filters=["Ongoing", "Odd"], producer_id_filters=[7])
    assert answer.unknown_state_filters == ("Odd",)
    assert [one.transactional_id for one in answer.transaction_states] == ["mine"]
    call = broker.asked[-1]
    assert isinstance(call, c.ListTransactions) and (call.states, call.producer_ids) == (("Ongoing",), (7,))
    nothing = ask(broker, 66, version, state_filters=["Odd"])
    assert nothing.transaction_states == (), "a filter that nothing can pass"


@versions(61)
def test_producers_are_described_each_partition_once(broker: FakeBroker, version: int) -> None:
    answer = ask(
        broker,
        61,
        version,
        topics=[{"name": "t", "partition_indexes": [0, 0]}, {"name": "u", "partition_indexes": [3]}],
    )
    (known,), (unknown,) = (topic.partitions for topic in answer.topics)
    assert known.active_producers[0].current_txn_start_offset == 12
    assert (unknown.partition_index, unknown.error_code) == (3, 3)
