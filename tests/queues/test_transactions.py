"""Transactions of a channel: publishes and settlements that hold together or not at all."""

from contextlib import suppress

import pytest

from penstock.calls import queues
from penstock.calls.queues import Committed
from penstock.errors import Refusal
from penstock.testing.disk import Crashed
from tests.queues.counter import Counter, Guest


@pytest.fixture
def guest() -> Guest:
    guest = Counter().guest()
    guest.queue()
    guest.publish(b"1", b"2", b"3")
    guest.on(queues.SelectTransaction)
    return guest


def test_nothing_is_seen_before_the_commit(guest: Guest) -> None:
    other = guest.counter.guest()
    guest.queue("p")
    assert guest.publish(b"a", b"b", to="p").count == 2
    assert other.get("p") is None
    assert guest.on(queues.CommitTransaction) == Committed([])
    assert other.drain("p") == [b"a", b"b"]


def test_a_rollback_forgets_publishes_and_settlements(guest: Guest) -> None:
    guest.publish(b"4")
    guest.consume()
    guest.ack(2, multiple=True)
    guest.reject(3)
    guest.on(queues.RollbackTransaction)
    assert guest.ack(1) is None
    assert guest.on(queues.CommitTransaction) == Committed([])
    guest.close()
    assert guest.counter.guest().drain() == [b"2", b"3"]


def test_settlements_wait_for_the_commit_and_so_does_the_prefetch(guest: Guest) -> None:
    guest.on(queues.SetPrefetch, 1)
    guest.consume()
    guest.ack(1)
    assert guest.bodies == [b"1"]
    guest.on(queues.CommitTransaction)
    assert guest.bodies == [b"1", b"2"]


def test_returned_messages_are_told_at_the_commit(guest: Guest) -> None:
    assert guest.publish(b"a", to="nowhere", mandatory=True).returned == ()
    committed = guest.on(queues.CommitTransaction)
    assert [one.content.body for one in committed.returned] == [b"a"]


def test_a_channel_that_closes_rolls_back(guest: Guest) -> None:
    guest.publish(b"4")
    guest.consume()
    guest.ack(1)
    guest.close_channel()
    assert guest.counter.guest().drain() == [b"1", b"2", b"3"]


def test_only_a_transactional_channel_commits() -> None:
    guest = Counter().guest()
    for kind in (queues.CommitTransaction, queues.RollbackTransaction):
        answer = guest.on(kind)
        assert (answer.reason, answer.detail) == (Refusal.PRECONDITION, "channel is not transactional")


def test_a_crash_leaves_all_of_a_commit_or_nothing() -> None:
    outcomes = set()
    for seed in range(60):
        counter = Counter(seed)
        guest = counter.guest()
        for name in "pq":
            guest.queue(name)
        guest.publish(b"1", b"2")
        guest.on(queues.AwaitSafe)
        guest.on(queues.SelectTransaction)
        guest.publish(b"a", b"b", to="p")
        guest.get()
        guest.ack(1)
        counter.disk.crash_at = seed % 4
        committed = False
        with suppress(Crashed):
            committed = isinstance(guest.on(queues.CommitTransaction), Committed)
        counter.restart()
        guest = counter.guest()
        left = tuple(guest.drain("p")), tuple(guest.drain("q"))
        assert left in {((), (b"1", b"2")), ((b"a", b"b"), (b"2",))}
        assert not committed or left[0]
        outcomes.add(left)
    assert len(outcomes) == 2


def test_a_commit_that_does_not_fit_on_the_disk_changes_nothing(guest: Guest) -> None:
    counter = guest.counter
    guest.publish(b"x" * 100_000)
    guest.get()
    guest.ack(1)
    counter.disk.room = 1000
    answer = guest.on(queues.CommitTransaction)
    assert answer.reason is Refusal.DISK_FULL
    counter.disk.room = None
    assert counter.guest().drain() == [b"1", b"2", b"3"]
