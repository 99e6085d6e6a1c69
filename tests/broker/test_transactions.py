"""Transactions: seen whole or not at all, one producer at a time, over restarts."""

from typing import Any

import pytest

from penstock.broker.broker import BrokerOptions
from penstock.broker.transactions import aborted as aborted_module
from penstock.broker.transactions import store as store_module
from penstock.broker.transactions import upkeep
from penstock.broker.transactions.format import decode, decode_key, encode, tombstone
from penstock.broker.transactions.transaction import EPOCH_MAX, Phase, Transaction
from penstock.calls import (
    LATEST,
    Appended,
    CommitOffsets,
    CreateTopics,
    DeleteGroups,
    DeleteTopics,
    DescribeProducers,
    DescribeTransactions,
    EndTransaction,
    Fetch,
    FetchOffsets,
    FetchPart,
    InitProducer,
    ListOffsets,
    ListTransactions,
    NewTopic,
    OffsetCommit,
    OffsetsPart,
    ProducerIdentity,
)
from penstock.errors import Refusal
from penstock.later import Later

from .bench import ME, Table, answer_of, values_of
from .on_disk import DiskTable
from .writers import Writer, committed, read_committed


def started(table: Table | None = None, topic: str = "t", name: str = "w") -> tuple[Table, Writer]:
    table = table or Table()
    if topic not in table.log.topics:
        table.topic(topic, 2)
    writer = Writer(table, name)
    assert isinstance(writer.init(), ProducerIdentity)
    return table, writer


def position(table: Table, group: str = "g", topic: str = "t", stable: bool = False) -> OffsetCommit:
    found: OffsetCommit = table.ask(FetchOffsets(ME, group, ((topic, 0),), stable))[0]
    return found


def latest(table: Table, committed_only: bool = True) -> int:
    return int(table.ask(ListOffsets(ME, (OffsetsPart("t", 0, LATEST),), committed_only))[0].offset)


# --- the plain case --------------------------------------------------------------------------------------------------


def test_a_transaction_is_seen_when_it_is_committed_and_never_when_it_is_aborted() -> None:
    table, writer = started()
    for values, commit in (((b"a", b"b"), True), ((b"lost",), False), ((b"c",), True)):
        assert writer.add(("t", 0), ("t", 1)) == [None, None]
        before = committed(table)
        assert isinstance(writer.send("t", *values), Appended)
        assert isinstance(writer.send("t", *values, partition=1), Appended)
        assert committed(table) == before, "nothing is seen before the end"
        assert writer.end(commit) is None
    assert committed(table) == committed(table, partition=1) == [b"a", b"b", b"c"]


def test_nothing_behind_an_open_transaction_is_seen() -> None:
    table, one = started()
    _, other = started(table, name="other")
    table.append("t", b"before")
    one.add(("t", 0))
    one.send("t", b"one")
    other.add(("t", 0))
    other.send("t", b"other")
    other.end()
    assert committed(table) == [b"before"]
    assert (latest(table), latest(table, committed_only=False)) == (1, 4)
    one.end(commit=False)
    assert committed(table) == [b"before", b"other"]
    assert latest(table) == 5


def test_an_aborted_record_is_told_when_its_marker_stands_behind_an_open_transaction() -> None:
    table, one = started()
    _, other = started(table, name="other")
    for writer in (one, other):
        writer.add(("t", 0))
        writer.send("t", b"x")
    one.end(commit=False)
    assert latest(table) == 1, "the other one is open, and the marker stands behind it"
    assert committed(table) == []


def test_a_waiting_reader_of_committed_records_wakes_with_the_marker_and_not_before() -> None:
    table, writer = started()
    waiting = table.ask(Fetch(ME, (FetchPart("t", 0, 0, 1000),), wait_ms=10_000, committed_only=True))
    writer.add(("t", 0))
    writer.send("t", b"a")
    assert isinstance(waiting, Later) and not waiting.done
    writer.end()
    (answer,) = answer_of(waiting)
    assert values_of(answer)[0] == b"a" and answer.aborted == ()


def test_offsets_hold_with_their_marker() -> None:
    table, writer = started()
    assert writer.add_group("g") is None
    assert writer.commit_offset("g", "t", 7) is None
    assert position(table) == OffsetCommit("t", 0, -1)
    assert position(table, stable=True).unstable
    writer.end()
    assert position(table, stable=True) == OffsetCommit("t", 0, 7)
    writer.add_group("g")
    writer.commit_offset("g", "t", 9)
    writer.end(commit=False)
    assert position(table, stable=True) == OffsetCommit("t", 0, 7)


def test_a_commit_outside_of_the_transaction_that_came_later_stays() -> None:
    table, writer = started()
    writer.add_group("g")
    writer.commit_offset("g", "t", 7)
    table.settled(CommitOffsets(ME, "g", "", None, -1, (OffsetCommit("t", 0, 3),)))
    writer.end()
    assert position(table).offset == 3


# --- identities ------------------------------------------------------------------------------------------------------


def test_each_start_gets_the_next_epoch_and_fences_the_one_before() -> None:
    table, old = started()
    _, new = started(table)
    assert new.identity == (old.identity[0], 1)
    assert old.add(("t", 0))[0].reason is Refusal.PRODUCER_FENCED
    assert old.end().reason is Refusal.PRODUCER_FENCED
    assert old.send("t", b"x").reason is Refusal.STALE_PRODUCER_EPOCH
    assert old.init(shown=old.identity).reason is Refusal.PRODUCER_FENCED


def test_a_start_aborts_what_was_open_and_asks_to_come_again() -> None:
    table, old = started()
    old.add(("t", 0))
    old.send("t", b"lost")
    new = Writer(table)
    assert new.init().reason is Refusal.CONCURRENT_TRANSACTIONS
    assert new.init() == ProducerIdentity(old.identity[0], 2), "the epoch between the two fenced the old one"
    assert committed(table) == [] and latest(table) == 2
    assert old.send("t", b"late").reason is Refusal.STALE_PRODUCER_EPOCH


def test_a_producer_that_repeats_its_own_bump_gets_the_same_epoch() -> None:
    _, writer = started()
    first = writer.identity
    assert writer.init(shown=first) == ProducerIdentity(first[0], 1)
    assert writer.init(shown=first) == ProducerIdentity(first[0], 1)
    assert writer.init(shown=(first[0], 5)).reason is Refusal.PRODUCER_FENCED
    assert writer.init(shown=(first[0] + 9, 1)).reason is Refusal.PRODUCER_FENCED


def test_when_the_epochs_are_used_up_a_new_id_is_given() -> None:
    table, writer = started()
    transactions: Any = table.broker._state.transactions
    known = transactions.by_name["w"]
    transactions.by_name["w"] = Transaction("w", known.producer_id, 1000, EPOCH_MAX, -1)
    shown = (known.producer_id, EPOCH_MAX)
    fresh = writer.init(shown=shown)
    assert fresh.producer_id != known.producer_id and fresh.producer_epoch == 0
    assert writer.init(shown=shown) == fresh, "asked for again"
    writer.add(("t", 0))
    assert isinstance(writer.send("t", b"x"), Appended)


def test_a_second_start_while_the_first_is_on_its_way_is_told_to_wait() -> None:
    table = Table()
    first = table.ask(InitProducer(ME, "w"))
    assert table.ask(InitProducer(ME, "w")).reason is Refusal.CONCURRENT_TRANSACTIONS
    table.sync()
    assert answer_of(first) == ProducerIdentity(0, 0)


# --- time ------------------------------------------------------------------------------------------------------------


def test_a_transaction_that_takes_too_long_is_aborted() -> None:
    table, _ = started()
    writer = Writer(table, "slow")
    writer.init(timeout_ms=5000)
    writer.add(("t", 0))
    writer.send("t", b"slow")
    table.later(4.9)
    assert latest(table) == 0
    table.later(0.2)
    table.sync()
    assert committed(table) == [] and latest(table) == 2
    assert writer.end().reason is Refusal.PRODUCER_FENCED
    assert writer.init(shown=writer.identity).producer_epoch == 1, "late, but not replaced (KIP-588)"
    table.later(60)
    assert table.ask(DescribeTransactions(ME, ("slow",)))[0].state == "Empty", "the next one has its own time"


def test_transactional_ids_that_nobody_uses_are_forgotten() -> None:
    table, writer = started()
    table.later(6 * 24 * 3600)
    writer.add(("t", 0))
    writer.end()
    table.later(6 * 24 * 3600)
    assert table.ask(DescribeTransactions(ME, ("w",)))[0].state == "CompleteCommit"
    table.later(2 * 24 * 3600)
    assert table.ask(DescribeTransactions(ME, ("w",)))[0].reason is Refusal.NO_TRANSACTIONAL_ID
    assert writer.add(("t", 0))[0].reason is Refusal.NO_SUCH_PRODUCER


# --- the edges -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("markers_max", [0, 2, 100])
@pytest.mark.parametrize("bytes_max", [1, 200, 1 << 20])
def test_what_was_aborted_is_told_wherever_a_fetch_begins_and_ends(
    markers_max: int, bytes_max: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(aborted_module, "MARKERS_MAX", markers_max)
    table, one = started()
    _, other = started(table, name="other")
    expected = []
    for number in range(12):
        for writer in (one, other):
            writer.add(("t", 0))
        for step in range(3):
            one.send("t", f"one {number} {step}".encode())
            other.send("t", f"other {number} {step}".encode())
            table.append("t", b"plain")
        expected += [(f"one {number} {step}".encode(), number % 2) for step in range(3)]
        expected += [(f"other {number} {step}".encode(), number % 3) for step in range(3)]
        one.end(bool(number % 2))
        other.end(bool(number % 3))
    wanted = {value for value, kept in expected if kept} | {b"plain"}
    everything = read_committed(table, bytes_max=bytes_max)
    assert {value for _, value in everything} == wanted
    assert [offset for offset, _ in everything] == sorted({offset for offset, _ in everything})
    for begin in range(0, latest(table), 7):
        found = read_committed(table, bytes_max=bytes_max, offset=begin)
        assert found == [each for each in everything if each[0] >= begin]


def test_a_partition_that_is_deleted_does_not_hold_its_transaction_up() -> None:
    table, writer = started()
    table.topic("gone")
    writer.add(("gone", 0), ("t", 0))
    writer.send("gone", b"x")
    writer.send("t", b"y")
    table.ask(DeleteTopics(ME, ("gone",)))
    assert writer.end() is None
    assert committed(table) == [b"y"]


def test_a_topic_that_is_made_anew_is_not_held_back_by_its_name() -> None:
    table, writer = started()
    writer.add(("t", 0))
    writer.send("t", b"x")
    table.ask(DeleteTopics(ME, ("t",)))
    table.topic("t")
    table.append("t", b"new")
    table.sync()
    assert committed(table) == [b"new"]
    writer.end()
    assert committed(table) == [b"new"]


def test_a_full_disk_delays_a_marker_and_not_the_outcome() -> None:
    table = DiskTable()
    _, writer = started(table)
    writer.add(("t", 0))
    writer.send("t", b"a")
    ending = table.broker.answer(EndTransaction(ME, "w", *writer.identity, True), table.now)
    sync = table.log.begin_sync(table.now)
    sync.run()
    moved = table.log.end_sync(sync, table.now)
    table.disk.room = 0  # the decision is safe, and no marker can be written
    table.broker.moved(moved, table.now)
    assert answer_of(ending) is None, "decided is decided"
    assert committed(table) == []
    table.disk.room = None
    table.later(1.1)
    table.sync()
    assert committed(table) == [b"a"]
    assert table.ask(DescribeTransactions(ME, ("w",)))[0].state == "CompleteCommit"


def test_a_deleted_group_has_no_offsets_to_come() -> None:
    table, writer = started()
    writer.add_group("g")
    writer.commit_offset("g", "t", 7)
    assert table.settled(DeleteGroups(ME, ("g",))) == [None]
    writer.end()
    assert position(table).offset == -1


# --- the refusals ----------------------------------------------------------------------------------------------------


def test_what_transactions_refuse() -> None:
    table, writer = started(Table(options=BrokerOptions(transactional_ids_max=1)))
    for name, timeout_ms, reason in (
        ("", 1000, Refusal.BAD_REQUEST),
        ("x" * 40_000, 1000, Refusal.BAD_REQUEST),
        ("w", 0, Refusal.BAD_TRANSACTION_TIMEOUT),
        ("w", 900_001, Refusal.BAD_TRANSACTION_TIMEOUT),
        ("another", 1000, Refusal.TOO_MANY_TRANSACTIONAL_IDS),
    ):
        assert table.settled(InitProducer(ME, name, timeout_ms)).reason is reason
    assert table.settled(InitProducer(ME, "w", 1000, 5, -1)).reason is Refusal.BAD_REQUEST
    assert [one.reason for one in writer.add(("t", 9), ("t", 0))] == [Refusal.NO_TOPIC, Refusal.NOT_ATTEMPTED]
    assert writer.add(("__consumer_offsets", 0))[0].reason is Refusal.NOT_ALLOWED
    assert writer.send("t", b"x").reason is Refusal.NOT_IN_TRANSACTION
    assert writer.end().reason is Refusal.BAD_TRANSACTION_STATE
    writer.add(("t", 0))
    assert writer.send("t", b"x", partition=1).reason is Refusal.NOT_IN_TRANSACTION
    assert writer.send("t", b"x", base_sequence=3) == Appended(0), "a producer of whom nothing is known"
    assert writer.send("t", b"x", transactional=False).reason is Refusal.BAD_TRANSACTION_STATE
    assert writer.commit_offset("g", "t", 1).reason is Refusal.NOT_IN_TRANSACTION


def test_admins_see_transactions_and_producers() -> None:
    table, writer = started()
    _, other = started(table, name="other")
    other.add(("t", 1))
    writer.add(("t", 0))
    writer.send("t", b"a", b"b")
    (mine,) = table.ask(DescribeTransactions(ME, ("w",)))
    assert (mine.state, mine.parts, mine.start_ms) == ("Ongoing", (("t", 0),), table.now.wall_ms)
    assert [one.transactional_id for one in table.ask(ListTransactions(ME, ("Ongoing",)))] == ["w", "other"]
    assert table.ask(ListTransactions(ME, longer_than_ms=1000)) == ()
    ((producer,),) = table.ask(DescribeProducers(ME, (("t", 0),)))
    assert (producer.last_sequence, producer.transaction_offset, producer.coordinator_epoch) == (1, 0, -1)
    writer.end()
    ((producer,),) = table.ask(DescribeProducers(ME, (("t", 0),)))
    assert (producer.transaction_offset, producer.coordinator_epoch) == (-1, 0)


def test_internal_topics_are_told_as_such() -> None:
    table, _ = started()
    assert table.log.topics["__transaction_state"].internal
    again = table.ask(CreateTopics(ME, (NewTopic("__transaction_state"),)))
    assert again[0].reason is Refusal.TOPIC_EXISTS


# --- the format ------------------------------------------------------------------------------------------------------


def test_the_log_format_is_kafkas_and_comes_back_as_it_was() -> None:
    whole = Transaction(
        "ü" * 3, 2**40, 60_000, 5, 4, 77, Phase.ONGOING, {("t", 0): 10, ("t", 3): 2**40, ("u", 1): 0}, 1, 2
    )
    stored = encode(whole, 9)
    assert decode_key(stored.key or b"") == whole.name
    assert decode(whole.name, stored.value or b"") == whole
    empty = Transaction("w", 1, 60_000)
    assert decode("w", encode(empty, 9).value or b"") == empty
    # Version 0 as Kafka 0.11 to 3.x write it: one topic "t" with partition 2.
    old = "0000 0000000000000007 0003 00001388 01 00000001 0001 74 00000001 00000002 0000000000000002 0000000000000001"
    assert decode("w", bytes.fromhex(old)) == Transaction(
        "w", 7, 5000, 3, -1, -1, Phase.ONGOING, {("t", 2): 0}, 1, 2
    )
    assert tombstone("w", 9).value is None
    assert decode_key(b"\0\x09\0\0") is None, "a key of a kind that we do not know"
    for cut in range(len(stored.value or b"")):
        with pytest.raises(ValueError):
            decode("w", (stored.value or b"")[:cut])


# --- restarts --------------------------------------------------------------------------------------------------------


def test_an_open_transaction_goes_on_after_a_restart() -> None:
    table = DiskTable()
    _, writer = started(table)
    table.append("t", b"before")
    writer.add(("t", 0), ("t", 1))
    writer.add_group("g")
    writer.send("t", b"a")
    writer.commit_offset("g", "t", 7)
    table.restart()
    assert committed(table) == [b"before"] and latest(table) == 1
    assert position(table, stable=True).unstable
    assert isinstance(writer.send("t", b"b"), Appended)
    assert writer.end() is None
    assert committed(table) == [b"before", b"a", b"b"]
    assert position(table, stable=True).offset == 7


def test_time_goes_on_while_the_server_is_down() -> None:
    table = DiskTable()
    _, writer = started(table)
    writer.add(("t", 0))
    writer.send("t", b"a")
    table.later(50)
    table.restart()
    table.later(9)
    assert latest(table) == 0
    table.later(2)
    table.sync()
    assert latest(table) == 2 and committed(table) == []


@pytest.mark.parametrize("bound", [1 << 26, 100])
def test_where_an_open_transaction_begins_is_found_again(bound: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upkeep, "LOOK_BYTES_MAX", bound)
    table = DiskTable()
    _, writer = started(table)
    table.append("t", b"before")
    writer.add(("t", 0))
    for _ in range(5):
        table.append("t", b"between")
    writer.send("t", b"a")
    table.sync()
    table.restart()
    assert latest(table) in ((6,) if bound > 1000 else (1, 6)), "exactly, or safely before"
    writer.end()
    assert latest(table) == 8


def test_what_was_aborted_long_ago_is_told_after_a_restart() -> None:
    table = DiskTable()
    _, writer = started(table)
    for number in range(20):
        writer.add(("t", 0))
        writer.send("t", str(number).encode())
        writer.end(commit=number % 3 != 0)
    table.restart()
    expected = [str(number).encode() for number in range(20) if number % 3]
    assert committed(table) == committed(table, bytes_max=1) == expected


def test_the_topic_of_transactional_ids_is_kept_short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "REWRITE_FROM", 50)
    table = DiskTable()
    _, idle = started(table, name="idle")
    _, writer = started(table)
    for _ in range(60):
        writer.add(("t", 0))
        writer.end()
    topic = table.log.topics["__transaction_state"].partitions[0]
    assert topic.end_offset - topic.start_offset < 60
    table.restart()
    assert {one.transactional_id for one in table.ask(ListTransactions(ME))} == {"idle", "w"}
    assert idle.add(("t", 0)) == [None]
