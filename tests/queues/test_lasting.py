"""What outlives a restart, what is told of queues, and what happens to those who hold messages too long."""

from itertools import pairwise
from typing import Any

import pytest

from penstock.calls import queues
from penstock.calls.queues import Mark, Publishing, QueueDeclared, Settlement
from penstock.content import Content, Properties
from penstock.errors import Refusal
from penstock.later import Later
from tests.broker.bench import answer_of
from tests.queues.counter import Counter, Guest
from tests.queues.test_queues import refused


@pytest.fixture
def counter() -> Counter:
    return Counter()


# --- what lasts -------------------------------------------------------------------------------------------------------


def test_durable_queues_keep_persistent_messages_over_a_crash(counter: Counter) -> None:
    guest = counter.guest()
    guest.queue("kept")
    guest.queue("lost", durable=False)
    guest.queue("mine", exclusive=True)
    guest.publish(b"1", to="kept")
    guest.publish(b"2", to="kept", delivery_mode=1)
    guest.publish(b"3", to="lost")
    assert guest.on(queues.AwaitSafe) is None
    counter.restart()
    guest = counter.guest()
    assert guest.queue("kept", passive=True) == QueueDeclared("kept", 1, 0)
    assert guest.drain("kept") == [b"1"]
    for name in ("lost", "mine"):
        refused(guest.queue(name, passive=True), Refusal.NO_QUEUE)


def test_exchanges_bindings_and_arguments_outlive_a_crash(counter: Counter) -> None:
    guest = counter.guest()
    guest.queue(x_message_ttl=60_000)
    guest.exchange("e", "topic")
    guest.exchange("passing", durable=False)
    guest.bind("q", "e", "a.*", {"note": b"\xff"})
    guest.bind("q", "passing", "k")
    counter.restart()
    guest = counter.guest()
    assert guest.queue(x_message_ttl=60_000) == QueueDeclared("q", 0, 0)
    assert guest.publish(b"1", exchange="e", to="a.b", mandatory=True).returned == []
    refused(guest.exchange("passing", passive=True), Refusal.NO_EXCHANGE)
    guest.on(queues.UnbindQueue, "q", "e", "a.*", {"note": b"\xff"})
    counter.restart()
    assert counter.guest().publish(b"1", exchange="e", to="a.b", mandatory=True).returned == [0]


def test_what_was_handed_out_before_a_crash_is_redelivered(counter: Counter) -> None:
    guest = counter.guest()
    guest.queue()
    guest.publish(b"1", b"2", b"3")
    guest.on(queues.SetPrefetch, 2)
    guest.consume()
    guest.on(queues.AwaitSafe)
    guest.ack(1)
    guest.publish(b"4")
    guest.on(queues.AwaitSafe)
    counter.restart()
    guest = counter.guest()
    got = [guest.get().delivery for _ in range(3)]
    assert [(one.content.body, one.redelivered) for one in got] == [(b"2", True), (b"3", True), (b"4", False)]


def test_a_confirm_waits_for_the_disk(counter: Counter) -> None:
    guest = counter.guest()
    guest.queue()
    broker, now = counter.broker, counter.now
    counter.sync = lambda: False  # type: ignore[method-assign]
    guest.publish(b"1")
    later = broker.answer(queues.AwaitSafe(guest.who, guest.channel), now)
    broker.settle(now)
    assert isinstance(later, Later) and not later.done
    Counter.sync(counter)
    assert later.done


def put(guest: Guest, body: bytes, **how: int) -> None:
    """Publish within a turn."""
    content = Content("", "q", Properties.made(**how), body)
    some = [Publishing(content, False)]
    guest.counter.broker.answer(queues.Publish(guest.who, guest.channel, some), guest.counter.now)


def safe(guest: Guest) -> Any:
    """Ask within a turn whether all is safe."""
    return guest.counter.broker.answer(queues.AwaitSafe(guest.who, guest.channel), guest.counter.now)


def test_who_is_sure_at_once_makes_nobody_sure_who_asks_later_in_the_turn(counter: Counter) -> None:
    counter.guest().queue()
    one, two, three = counter.guest(), counter.guest(), counter.guest()
    put(one, b"1", delivery_mode=1)
    first = safe(one)
    put(two, b"2", delivery_mode=2)
    second = safe(two)
    put(three, b"3", delivery_mode=2)
    third = safe(three)
    assert [later.done for later in (first, second, third)] == [True, False, False]
    assert second is third  # one answer for all who wait for the turn
    counter.end_turn()
    assert second.done and answer_of(second) is None
    put(one, b"4", delivery_mode=2)
    assert not safe(one).done


def test_while_the_disk_is_busy_turns_become_one(counter: Counter) -> None:
    counter.guest().queue()
    guest, broker, now = counter.guest(), counter.broker, counter.now
    guest.consume()
    partition = counter.log.topics["_penstock.queues"].partitions[0]
    before, laters = partition.end_offset, []
    for body in (b"1", b"2"):
        put(guest, body, delivery_mode=2)
        laters.append(safe(guest))
        broker.settle(now, syncing=True)
    assert (partition.end_offset, broker.needs_sync) == (before, False)
    broker.settle(now)
    assert partition.end_offset == before + 1 and not any(later.done for later in laters)
    counter.end_turn()
    assert all(later.done for later in laters) and guest.bodies == [b"1", b"2"]


def test_what_leaves_one_queue_for_another_waits_for_no_further_turn(counter: Counter) -> None:
    guest = counter.guest()
    guest.queue("dlq")
    guest.queue(x_dead_letter_exchange="", x_dead_letter_routing_key="dlq")
    guest.publish(b"1")
    guest.get()
    partition = counter.log.topics["_penstock.queues"].partitions[0]
    before = partition.end_offset
    mark = [Settlement(1, False, Mark.REJECT)]
    counter.broker.answer(queues.Settle(guest.who, guest.channel, mark), counter.now)
    counter.broker.settle(counter.now, syncing=True)
    assert partition.end_offset == before + 1


def test_queue_numbers_are_not_used_again_after_a_restart(counter: Counter) -> None:
    guest = counter.guest()
    for name in "abc":
        guest.queue(name)
    guest.publish(b"1", to="c")
    guest.on(queues.DeleteQueue, "c")
    counter.restart()
    guest = counter.guest()
    guest.queue("d")
    assert guest.drain("d") == []
    ids = [queue.id for queue in counter.queues.by_id.values()]
    assert all(one < other for one, other in pairwise(sorted(ids)))


def test_virtual_hosts_are_apart_and_last(counter: Counter) -> None:
    guest = counter.guest()
    assert guest.call(queues.DeclareVhost, "blue") is None
    blue = counter.guest("blue")
    blue.queue()
    blue.publish(b"blue")
    assert refused(guest.get(), Refusal.NO_QUEUE) == "no queue 'q' in vhost '/'"
    counter.restart()
    guest = counter.guest()
    assert guest.told(queues.DescribeVhosts) == ["/", "blue"]
    assert counter.guest("blue").drain() == [b"blue"]
    assert guest.call(queues.DeleteVhost, "blue") is None
    counter.restart()
    assert counter.guest().told(queues.DescribeVhosts) == ["/"]


def test_that_a_queue_ever_had_a_consumer_is_known_for_good(counter: Counter) -> None:
    guest = counter.guest()
    for name in ("worked", "looked-at", "waiting"):
        guest.queue(name)
        guest.publish(b"1", b"2", to=name)
    guest.queue("mine", exclusive=True)
    guest.get("looked-at")
    guest.consume("waiting", arguments={"x-penstock-browse": True}, no_ack=True)
    guest.consume("waiting", arguments={"x-penstock-number": 4})
    guest.consume("mine")
    guest.consume("worked")
    guest.publish(b"1", to="mine")
    guest.on(queues.AwaitSafe)
    worked = {info.name for info in guest.told(queues.DescribeQueues) if info.worked}
    assert worked == {"worked", "mine"}
    for _ in range(2):
        counter.restart()
        guest = counter.guest()
        told = {info.name: (info.worked, info.consumers) for info in guest.told(queues.DescribeQueues)}
        assert told == {"worked": (True, 0), "looked-at": (False, 0), "waiting": (False, 0)}
    guest.on(queues.DeleteQueue, "worked")
    guest.queue("worked")
    assert not any(info.worked for info in guest.told(queues.DescribeQueues)), "this is another queue"


def test_a_queue_that_is_made_in_a_virtual_host_that_is_gone_expires_and_harms_nobody(
    counter: Counter,
) -> None:
    other = counter.guest()
    assert other.call(queues.DeclareVhost, "blue") is None
    client = other.call(queues.OpenClient, "blue")
    assert other.call(queues.DeleteVhost, "blue") is None
    channel = other.call(queues.OpenChannel, client)
    other.call(queues.DeclareQueue, channel, "q", durable=True, arguments={"x-expires": 1000})
    counter.later(3)
    other.queue()
    other.publish(b"on")
    assert other.drain() == [b"on"]


def test_queues_are_described(counter: Counter) -> None:
    guest = counter.guest()
    guest.queue("a", x_max_length=5)
    guest.publish(b"12", b"345", to="a")
    guest.get("a")
    [info] = guest.told(queues.DescribeQueues)
    assert (info.name, info.vhost, info.kind, info.durable) == ("a", "/", "classic", True)
    assert (info.messages, info.unacked, info.bytes) == (1, 1, 5)
    assert (info.published, info.delivered, info.acked) == (2, 1, 0)
    assert info.arguments == {"x-max-length": 5}


def test_a_consumer_that_holds_a_message_too_long_loses_its_channel(counter: Counter) -> None:
    guest = counter.guest()
    guest.queue()
    guest.consume()
    guest.publish(b"1")
    counter.later(1000)
    guest.publish(b"2")
    guest.ack(1)
    counter.later(1700)
    assert guest.leasing
    counter.later(200)
    assert not guest.leasing
    assert answer_of(guest.lease).detail.startswith("delivery acknowledgement on channel timed out.")


def test_queues_are_measured(counter: Counter) -> None:
    guest = counter.guest()
    guest.queue()
    guest.publish(b"1", b"2", b"3")
    guest.get()
    guest.publish(b"4", headers={"x-delay": 1000})
    measures = counter.broker.measures()
    names = (
        "ready_messages",
        "unacked_messages",
        "delayed_messages",
        "published_total",
        "clients",
        "messages",
    )
    assert [measures[f"penstock_queue_{name}"] for name in names] == [2, 1, 1, 3, 1, 4]


def test_a_message_that_is_got_while_its_client_goes_is_its_queues_again(counter: Counter) -> None:
    guest = counter.guest()
    guest.queue()
    guest.publish(b"1")
    guest.on(queues.AwaitSafe)
    counter.restart()
    counter.disk.cold = 1.0
    guest = counter.guest()
    later = counter.broker.answer(queues.Get(guest.who, guest.channel, "q", True), counter.now)
    assert isinstance(later, Later) and not later.done
    counter.broker.drop(later)
    guest.close()
    counter.disk.cold = 0.0
    assert counter.guest().drain() == [b"1"]
