"""What there is can be looked at: queues, exchanges, bindings and consumers, as far as one may see them."""

from penstock.broker.queues.answering.looking import PAGE
from penstock.calls import queues
from penstock.calls.queues import BindingInfo, ExchangeInfo
from penstock.errors import Refusal, Refused
from penstock.later import Later
from tests.broker.bench import answer_of
from tests.queues.counter import Counter
from tests.queues.test_access import closed


def test_a_queue_is_told_with_what_it_holds_and_how_it_was_declared() -> None:
    counter = Counter()
    guest = counter.guest()
    guest.queue("q", x_max_length=10)
    guest.queue("mine", False, exclusive=True, auto_delete=True)
    guest.publish(b"one", b"two", b"three")
    guest.get()
    mine, q = guest.told(queues.DescribeQueues)
    assert (mine.name, mine.durable, mine.exclusive, mine.auto_delete) == ("mine", False, True, True)
    assert (q.messages, q.unacked, q.bytes, q.published, q.delivered, q.acked) == (2, 1, 11, 3, 1, 0)
    assert (q.kind, q.durable, q.exclusive, q.arguments) == ("classic", True, False, {"x-max-length": 10})


def test_looking_at_messages_counts_as_no_delivery() -> None:
    counter = Counter()
    guest = counter.guest()
    guest.queue("q")
    guest.publish(b"1", b"2")
    guest.consume("q", no_ack=True, arguments={"x-penstock-browse": True})
    assert guest.bodies == [b"1", b"2"]
    [info] = guest.told(queues.DescribeQueues)
    assert (info.messages, info.published, info.delivered) == (2, 2, 0)


def test_exchanges_and_bindings_are_told_with_those_that_nobody_made() -> None:
    counter = Counter()
    guest = counter.guest()
    guest.queue("q")
    guest.exchange("e", "topic", auto_delete=True)
    guest.exchange("all", "fanout", False)
    guest.bind("q", "e", "a.#", {"x": 1})
    guest.on(queues.BindExchange, "all", "e", "b")
    found = guest.told(queues.DescribeExchanges)
    assert [one.name for one in found][:2] == ["", "all"]
    assert ExchangeInfo("/", "e", "topic", True, True, False, {}) in found
    assert guest.told(queues.DescribeBindings) == [
        BindingInfo("/", "", "q", "queue", "q"),
        BindingInfo("/", "e", "all", "exchange", "b"),
        BindingInfo("/", "e", "q", "queue", "a.#", {"x": 1}),
    ]


def test_a_consumer_is_told_with_what_it_holds_and_whether_its_turn_comes() -> None:
    counter = Counter()
    guest = counter.guest()
    guest.queue("q", x_single_active_consumer=True)
    guest.publish(b"1", b"2", b"3")
    guest.on(queues.SetPrefetch, 2)
    guest.consume(tag="first")
    guest.consume(tag="second", no_ack=True, arguments={"x-priority": 5})
    first, second = guest.told(queues.DescribeConsumers)
    assert (first.tag, first.active, first.acknowledges, first.prefetch, first.unacked) == (
        "first", True, True, 2, 2,
    )  # fmt: skip
    assert (second.tag, second.active, second.acknowledges, second.priority, second.unacked) == (
        "second", False, False, 5, 0,
    )  # fmt: skip


def test_one_virtual_host_is_looked_at_alone_and_one_that_is_not_there_is_refused() -> None:
    counter = Counter()
    guest = counter.guest()
    guest.call(queues.DeclareVhost, "blue")
    counter.guest("blue").queue("b")
    guest.queue("q")
    assert [(one.vhost, one.name) for one in guest.told(queues.DescribeQueues)] == [("/", "q"), ("blue", "b")]
    for kind in (queues.DescribeQueues, queues.DescribeBindings):
        assert [one.vhost for one in guest.told(kind, "blue")] == ["blue"]
    for kind in (queues.DescribeQueues, queues.DescribeExchanges, queues.DescribeConsumers):
        answer = guest.told(kind, "red")
        assert isinstance(answer, Refused) and answer.reason is Refusal.NO_VHOST


def test_one_sees_the_exchanges_bindings_and_consumers_that_one_may() -> None:
    _, guest = closed("create queue:a", "describe queue:a", "read queue:a", "describe exchange:amq.topic")
    guest.queue("a")
    guest.consume("a")
    assert [one.name for one in guest.told(queues.DescribeExchanges)] == ["amq.topic"]
    assert [one.target for one in guest.told(queues.DescribeBindings)] == ["a"]
    assert [one.queue for one in guest.told(queues.DescribeConsumers)] == ["a"]


def test_of_very_many_a_page_is_told_in_a_turn_and_what_goes_meanwhile_is_left_out() -> None:
    counter = Counter()
    guest = counter.guest()
    names = [f"q{number:03}" for number in range(2 * PAGE + 10)]
    for name in names:
        guest.queue(name)
    assert [one.name for one in guest.told(queues.DescribeQueues)] == names
    assert len(guest.told(queues.DescribeBindings)) == len(names)
    page = guest.call(queues.DescribeQueues)
    assert len(page.found) == PAGE
    later = counter.broker.answer(queues.DescribeQueues(guest.who, rest=page.rest), counter.now)
    assert isinstance(later, Later) and not later.done  # others have their turn
    guest.on(queues.DeleteQueue, names[PAGE])
    guest.publish(b"x", to=names[PAGE + 1])
    counter.end_turn()
    found = answer_of(later).found
    assert [one.name for one in found] == names[PAGE + 1 : 2 * PAGE + 1]


def test_what_expired_is_not_told_and_what_was_just_published_is() -> None:
    counter = Counter()
    guest = counter.guest()
    guest.queue(x_message_ttl=1000)
    guest.publish(b"1")
    [info] = guest.told(queues.DescribeQueues)
    assert info.messages == 1
    counter.now = counter.now.after(1.5)
    page = counter.broker.answer(queues.DescribeQueues(guest.who), counter.now)
    assert page.found[0].messages == 0
