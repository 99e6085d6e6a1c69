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


# --- what is taken by its number ------------------------------------------------------------------------------------------


def taken(guest: Guest, *numbers: int) -> None:
    """Take messages of `q` by their numbers, and say that they are done, in the open transaction."""
    for number in numbers:
        guest.consume(arguments={"x-penstock-number": number})
    guest.ack(*range(1, len(numbers) + 1))


@pytest.fixture
def numbered() -> tuple[Guest, list[int]]:
    """A channel in a transaction, and the numbers of three messages that wait in `q`."""
    guest = Counter().guest()
    guest.queue(x_queue_type="quorum", x_delivery_limit=1)
    guest.publish(b"1", b"2", b"3")
    looking = guest.beside()
    looking.consume(no_ack=True, arguments={"x-penstock-browse": True})
    headers = [one.content.properties.headers or {} for one in looking.got]
    guest.on(queues.SelectTransaction)
    return guest, [int(str(each["x-penstock-number"])) for each in headers]


def test_what_is_taken_by_its_number_goes_where_a_queue_takes_what_replaces_it(
    numbered: tuple[Guest, list[int]],
) -> None:
    guest, (one, two, _) = numbered
    guest.queue("p")
    taken(guest, one, two)
    guest.publish(b"a", b"b", to="p", mandatory=True)
    assert guest.on(queues.CommitTransaction) == Committed([])
    assert guest.drain("p") == [b"a", b"b"]
    assert guest.drain() == [b"3"]


@pytest.mark.parametrize(
    ("to", "words"),
    [("nowhere", "no queue takes 'nowhere'"), ("full", "queue 'full' in vhost '/' has no room")],
)
def test_else_nothing_is_done_and_nobody_sees_that_it_was_tried(
    numbered: tuple[Guest, list[int]], to: str, words: str
) -> None:
    guest, all_three = numbered
    guest.queue("p")
    guest.queue("full", x_max_length=1, x_overflow="reject-publish")
    for _ in range(3):  # oftener than the queue lets consumers give a message back
        trying = guest.beside()
        trying.on(queues.SelectTransaction)
        taken(trying, *all_three)
        trying.publish(b"a", b"b", to="p", mandatory=True)
        trying.publish(b"c", b"d", to=to, mandatory=True)
        refused = trying.on(queues.CommitTransaction)
        assert (refused.reason, refused.detail) == (Refusal.PRECONDITION, f"nothing was done: {words}")
        trying.close_channel()
    other = guest.counter.guest()
    assert (other.drain("p"), other.drain("full"), other.drain()) == ([], [], [b"1", b"2", b"3"])


def test_without_mandatory_what_no_queue_takes_is_nobody_s(numbered: tuple[Guest, list[int]]) -> None:
    guest, (one, _, _) = numbered
    taken(guest, one)
    guest.publish(b"a", to="nowhere")
    assert guest.on(queues.CommitTransaction) == Committed([])
    assert guest.drain() == [b"2", b"3"]
