"""Queues: declared, published to, consumed, settled; what outlives a restart. Refusals are RabbitMQ's, to the word."""

import random
from collections import deque
from typing import Any

import pytest

from penstock.calls import queues
from penstock.calls.queues import QueueDeclared
from penstock.errors import Refusal, Refused
from tests.queues.counter import Counter


@pytest.fixture
def counter() -> Counter:
    return Counter()


def refused(answer: Any, reason: Refusal) -> str:
    assert isinstance(answer, Refused), answer
    assert answer.reason is reason
    return answer.detail


def test_what_is_published_is_consumed_in_order(counter: Counter) -> None:
    guest = counter.guest()
    assert guest.queue("emails") == QueueDeclared("emails", 0, 0)
    assert guest.publish(b"1", b"2", to="emails").count == 2
    assert guest.queue("emails") == QueueDeclared("emails", 2, 0)
    tag = guest.consume("emails")
    guest.publish(b"3", to="emails")
    assert guest.bodies == [b"1", b"2", b"3"]
    assert [one.tag for one in guest.got] == [1, 2, 3]
    assert {one.consumer for one in guest.got} == {tag}
    assert guest.queue("emails") == QueueDeclared("emails", 0, 1)


def test_what_is_acknowledged_never_comes_again(counter: Counter) -> None:
    guest = counter.guest()
    guest.queue()
    guest.publish(b"1", b"2", b"3")
    guest.consume()
    guest.ack(2)
    guest.close()
    assert counter.guest().drain() == [b"1", b"3"]


def test_what_is_not_settled_returns_to_its_place_when_the_channel_closes(counter: Counter) -> None:
    guest, other = counter.guest(), counter.guest()
    guest.queue()
    guest.publish(b"1", b"2", b"3")
    guest.on(queues.SetPrefetch, 2)
    guest.consume()
    guest.close_channel()
    got = [other.get() for _ in range(3)]
    assert [one.delivery.content.body for one in got] == [b"1", b"2", b"3"]
    assert [one.delivery.redelivered for one in got] == [True, True, False]
    assert [one.remaining for one in got] == [2, 1, 0]
    assert other.get() is None


def test_multiple_settles_all_up_to_the_tag(counter: Counter) -> None:
    guest = counter.guest()
    guest.queue()
    guest.publish(b"1", b"2", b"3", b"4")
    guest.consume()
    guest.ack(3, multiple=True)
    guest.close()
    assert counter.guest().drain() == [b"4"]


@pytest.mark.parametrize(("tag", "multiple"), [(1, False), (0, False), (1, True)])
def test_a_tag_that_is_not_held_ends_the_channel(counter: Counter, tag: int, multiple: bool) -> None:
    answer = counter.guest().ack(tag, multiple=multiple)
    assert refused(answer, Refusal.PRECONDITION) == f"unknown delivery tag {tag}"


def test_all_of_nothing_may_be_settled(counter: Counter) -> None:
    assert counter.guest().ack(0, multiple=True) is None


def test_requeued_messages_come_again_at_once(counter: Counter) -> None:
    guest = counter.guest()
    guest.queue()
    guest.publish(b"1", b"2")
    guest.on(queues.SetPrefetch, 1)
    guest.consume()
    guest.requeue(1)
    assert guest.bodies == [b"1", b"1"]
    assert [one.redelivered for one in guest.got] == [False, True]


def test_recover_gives_all_back(counter: Counter) -> None:
    guest = counter.guest()
    guest.queue()
    guest.publish(b"1", b"2")
    guest.consume()
    guest.on(queues.Recover)
    assert guest.bodies == [b"1", b"2", b"1", b"2"]


def test_consumers_take_turns(counter: Counter) -> None:
    one, other = counter.guest(), counter.guest()
    one.queue()
    one.consume(tag="one")
    other.consume(tag="other")
    one.publish(*(b"%d" % number for number in range(6)))
    assert one.bodies == [b"0", b"2", b"4"]
    assert other.bodies == [b"1", b"3", b"5"]


@pytest.mark.parametrize("seed", range(20))
def test_many_at_once_go_round_as_if_one_by_one(counter: Counter, seed: int) -> None:
    chance = random.Random(seed)
    maker, guests = counter.guest(), [counter.guest() for _ in range(chance.randrange(2, 6))]
    maker.queue()
    rooms = [chance.choice((1, 2, 3, 7, 20)) for _ in guests]
    for guest, room in zip(guests, rooms, strict=True):
        guest.on(queues.SetPrefetch, room)
        guest.consume()
    bodies = [b"%d" % number for number in range(chance.randrange(2, 40))]
    cut = chance.randrange(1, len(bodies))
    maker.publish(*bodies[:cut])
    maker.publish(*bodies[cut:])
    expected: list[list[bytes]] = [[] for _ in guests]
    turns = deque(range(len(guests)))
    for body in bodies:
        while turns and len(expected[turns[0]]) == rooms[turns[0]]:
            turns.popleft()
        if turns:
            expected[turns[0]].append(body)
            turns.rotate(-1)
    assert [guest.bodies for guest in guests] == expected


def test_a_channel_with_two_consumers_sees_the_order_of_the_queue(counter: Counter) -> None:
    guest = counter.guest()
    guest.queue()
    guest.consume(tag="a")
    guest.consume(tag="b")
    guest.publish(*(b"%d" % number for number in range(6)))
    assert guest.bodies == [b"%d" % number for number in range(6)]
    assert [one.consumer for one in guest.got] == ["a", "b"] * 3


def test_what_came_back_goes_before_what_stood_behind_it_and_the_rest_follows(counter: Counter) -> None:
    one, other = counter.guest(), counter.guest()
    one.queue()
    one.publish(*(b"%d" % number for number in range(6)))
    one.on(queues.SetPrefetch, 3)
    one.consume()
    one.requeue(2)
    other.consume()
    assert (one.bodies, other.bodies) == ([b"0", b"1", b"2", b"1"], [b"3", b"4", b"5"])
    one.close()
    assert other.bodies[3:] == [b"0", b"1", b"2"]


def test_prefetch_bounds_what_each_consumer_holds(counter: Counter) -> None:
    guest = counter.guest()
    guest.queue()
    guest.publish(*(b"%d" % number for number in range(9)))
    guest.on(queues.SetPrefetch, 2)
    guest.consume(tag="a")
    guest.consume(tag="b")
    assert [one.consumer for one in guest.got] == ["a", "a", "b", "b"]
    guest.ack(1)
    assert [one.consumer for one in guest.got][4:] == ["a"]


def test_prefetch_of_the_whole_channel_bounds_all_its_consumers(counter: Counter) -> None:
    guest = counter.guest()
    guest.queue()
    guest.publish(*(b"%d" % number for number in range(9)))
    guest.on(queues.SetPrefetch, 3, True)
    guest.consume(tag="a")
    guest.consume(tag="b")
    assert len(guest.got) == 3
    guest.ack(2, multiple=True)
    assert len(guest.got) == 5


def test_without_acknowledgement_a_message_is_gone_when_it_is_sent(counter: Counter) -> None:
    guest = counter.guest()
    guest.queue()
    guest.publish(b"1", b"2")
    guest.consume(no_ack=True)
    guest.close()
    assert counter.guest().drain() == []


def test_a_consumer_of_higher_priority_is_served_first(counter: Counter) -> None:
    low, high = counter.guest(), counter.guest()
    low.queue()
    low.consume(arguments={"x-priority": -1})
    high.on(queues.SetPrefetch, 2)
    high.consume(arguments={"x-priority": 5})
    low.publish(b"1", b"2", b"3")
    assert (high.bodies, low.bodies) == ([b"1", b"2"], [b"3"])


def test_only_one_consumer_is_active_where_the_queue_says_so(counter: Counter) -> None:
    one, other = counter.guest(), counter.guest()
    one.queue(x_single_active_consumer=True)
    one.consume()
    other.consume()
    one.publish(b"1", b"2")
    assert (one.bodies, other.bodies) == ([b"1", b"2"], [])
    one.close()
    assert other.bodies == [b"1", b"2"]


def test_a_cancelled_consumer_keeps_what_it_holds(counter: Counter) -> None:
    guest = counter.guest()
    guest.queue()
    guest.publish(b"1")
    guest.consume(tag="me")
    guest.on(queues.Unsubscribe, "me")
    guest.publish(b"2")
    assert guest.bodies == [b"1"]
    assert guest.ack(1) is None
    assert guest.drain() == [b"2"]
    assert guest.on(queues.Unsubscribe, "nobody") is None


def test_consumers_hear_when_their_queue_goes(counter: Counter) -> None:
    guest, other = counter.guest(), counter.guest()
    guest.queue()
    guest.publish(b"1")
    guest.consume(tag="me")
    assert other.on(queues.DeleteQueue, "q") == 0
    assert guest.gone == ["me"]
    assert guest.ack(1) is None


def test_priorities_go_before_age(counter: Counter) -> None:
    guest = counter.guest()
    guest.queue(x_max_priority=3)
    for body, priority in ((b"a", 0), (b"b", 2), (b"c", 9), (b"d", 3)):
        guest.publish(body, priority=priority)
    assert guest.drain() == [b"c", b"d", b"b", b"a"]


def test_an_exclusive_queue_is_its_clients_alone_and_goes_with_it(counter: Counter) -> None:
    owner, other = counter.guest(), counter.guest()
    owner.queue("mine", exclusive=True)
    words = (
        "cannot obtain exclusive access to locked queue 'mine' in vhost '/'. It could be originally declared on another "
        "connection or the exclusive property value does not match that of the original declaration."
    )
    assert refused(other.get("mine"), Refusal.LOCKED) == words
    assert refused(other.queue("mine"), Refusal.LOCKED) == words
    assert refused(owner.queue("mine"), Refusal.LOCKED) == words
    assert owner.beside().queue("mine", exclusive=True) == QueueDeclared("mine", 0, 0)
    owner.close()
    assert refused(other.queue("mine", passive=True), Refusal.NO_QUEUE) == "no queue 'mine' in vhost '/'"


def test_an_auto_delete_queue_goes_with_its_last_consumer(counter: Counter) -> None:
    guest = counter.guest()
    guest.queue(auto_delete=True)
    guest.consume(tag="a")
    guest.consume(tag="b")
    guest.on(queues.Unsubscribe, "a")
    assert guest.queue(passive=True) == QueueDeclared("q", 0, 1)
    guest.on(queues.Unsubscribe, "b")
    assert refused(guest.queue(passive=True), Refusal.NO_QUEUE)


def test_names_are_made_up_where_none_is_given(counter: Counter) -> None:
    guest = counter.guest()
    name = guest.queue("").name
    assert name.startswith("amq.gen-")
    guest.publish(b"1", to=name)
    assert guest.get("").delivery.content.body == b"1"
    assert guest.consume("").startswith("amq.ctag-")


def test_purge_forgets_what_is_ready_only(counter: Counter) -> None:
    guest = counter.guest()
    guest.queue()
    guest.publish(b"1", b"2", b"3")
    guest.get()
    assert guest.on(queues.PurgeQueue, "q") == 2
    guest.close()
    assert counter.guest().drain() == [b"1"]


# --- refusals ---------------------------------------------------------------------------------------------------------


def test_what_is_not_there_is_refused(counter: Counter) -> None:
    guest = counter.guest()
    no_queue, no_exchange = "no queue 'nope' in vhost '/'", "no exchange 'nope' in vhost '/'"
    for call in (queues.Get, queues.Subscribe, queues.PurgeQueue):
        assert refused(guest.on(call, "nope"), Refusal.NO_QUEUE) == no_queue
    for call in (queues.Get, queues.Subscribe, queues.PurgeQueue, queues.DeleteQueue):
        assert refused(guest.on(call, ""), Refusal.NO_QUEUE) == "no previously declared queue"
    assert guest.on(queues.DeleteQueue, "nope") == 0
    assert guest.on(queues.DeleteExchange, "nope") is None
    sent = guest.publish(b"1", exchange="nope")
    assert sent.count == 0
    assert refused(sent.refused, Refusal.NO_EXCHANGE) == no_exchange
    assert refused(guest.bind("nope", "amq.direct"), Refusal.NO_QUEUE) == no_queue
    assert refused(guest.bind("nope", "nope"), Refusal.NO_EXCHANGE) == no_exchange
    assert refused(guest.exchange("nope", passive=True), Refusal.NO_EXCHANGE) == no_exchange
    assert guest.on(queues.UnbindQueue, "nope", "nope") is None
    client = guest.call(queues.OpenClient, "nowhere")
    assert refused(client, Refusal.NO_VHOST) == "vhost nowhere not found"


def test_what_is_reserved_is_refused(counter: Counter) -> None:
    guest = counter.guest()
    words = "queue name 'amq.foo' contains reserved prefix 'amq.*'"
    assert refused(guest.queue("amq.foo"), Refusal.IN_USE) == words
    words = "exchange name 'amq.foo' contains reserved prefix 'amq.*'"
    assert refused(guest.exchange("amq.foo"), Refusal.IN_USE) == words
    words = "deletion of system exchange 'amq.direct' in vhost '/' not allowed"
    assert refused(guest.on(queues.DeleteExchange, "amq.direct"), Refusal.IN_USE) == words
    words = "operation not permitted on the default exchange"
    assert refused(guest.exchange(""), Refusal.IN_USE) == words
    assert refused(guest.on(queues.DeleteExchange, ""), Refusal.IN_USE) == words
    guest.queue()
    assert refused(guest.bind("q", ""), Refusal.IN_USE) == words
    words = "cannot publish to internal exchange 'amq.rabbitmq.trace' in vhost '/'"
    assert refused(guest.publish(b"", exchange="amq.rabbitmq.trace").refused, Refusal.IN_USE) == words


WRONG_ARGUMENTS = [
    ("x-expires", 0, "invalid arg 'x-expires' for queue 'q' in vhost '/': {value_zero,0}"),
    ("x-expires", "a", "invalid arg 'x-expires' for queue 'q' in vhost '/': \"expected integer, got longstr\""),
    ("x-message-ttl", -1, "invalid arg 'x-message-ttl' for queue 'q' in vhost '/': {value_negative,-1}"),
    ("x-message-ttl", 1 << 40, "invalid arg 'x-message-ttl' for queue 'q' in vhost '/': {value_too_large,1099511627776}"),
    ("x-dead-letter-routing-key", "k",
     "invalid arg 'x-dead-letter-routing-key' for queue 'q' in vhost '/': routing_key_but_no_dlx_defined"),
    ("x-dead-letter-exchange", 5, "invalid type 'signedint' for arg 'x-dead-letter-exchange' in queue 'q' in vhost '/'"),
    ("x-max-priority", 256, "invalid arg 'x-max-priority' for queue 'q' in vhost '/': {max_value_exceeded,256}"),
    ("x-overflow", "foo", "invalid arg 'x-overflow' for queue 'q' in vhost '/': invalid_overflow"),
    ("x-overflow", 1, "invalid arg 'x-overflow' for queue 'q' in vhost '/': {unacceptable_type,signedint}"),
    ("x-queue-mode", "foo", "invalid arg 'x-queue-mode' for queue 'q' in vhost '/': \"unsupported queue mode 'foo'\""),
    ("x-queue-type", "foo", "invalid arg 'x-queue-type' for queue 'q' in vhost '/': \"unsupported queue type 'foo'\""),
    ("x-single-active-consumer", "k",
     "invalid arg 'x-single-active-consumer' for queue 'q' in vhost '/': {unacceptable_type,longstr}"),
    ("x-delivery-limit", 1, "invalid arg 'x-delivery-limit' for queue 'q' in vhost '/' of queue type rabbit_classic_queue"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value", "words"), WRONG_ARGUMENTS)
def test_wrong_arguments_are_refused_as_rabbitmq_does(
    counter: Counter, name: str, value: Any, words: str
) -> None:
    guest = counter.guest()
    answer = guest.on(queues.DeclareQueue, "q", arguments={name: value})
    assert refused(answer, Refusal.PRECONDITION) == words


DIFFERENCES = [
    ({"durable": True}, {}, "inequivalent arg 'durable' for {}: received 'false' but current is 'true'"),
    ({}, {"auto_delete": True}, "inequivalent arg 'auto_delete' for {}: received 'true' but current is 'false'"),
    ({"arguments": {"x-message-ttl": 1000}}, {},
     "inequivalent arg 'x-message-ttl' for {}: received none but current is the value '1000' of type 'signedint'"),
    ({}, {"arguments": {"x-message-ttl": 1000}},
     "inequivalent arg 'x-message-ttl' for {}: received the value '1000' of type 'signedint' but current is none"),
    ({"arguments": {"x-max-priority": 3}}, {"arguments": {"x-max-priority": 4}},
     "inequivalent arg 'x-max-priority' for {}: received '4' but current is '3'"),
]  # fmt: skip


@pytest.mark.parametrize(("first", "second", "words"), DIFFERENCES)
def test_a_queue_declared_differently_is_refused(
    counter: Counter, first: Any, second: Any, words: str
) -> None:
    guest = counter.guest()
    guest.on(queues.DeclareQueue, "q", **first)
    answer = guest.on(queues.DeclareQueue, "q", **second)
    assert refused(answer, Refusal.PRECONDITION) == words.format("queue 'q' in vhost '/'")


def test_what_means_the_same_is_agreed_to(counter: Counter) -> None:
    guest = counter.guest()
    guest.on(queues.DeclareQueue, "q", arguments={"x-queue-type": "classic", "foo": 1})
    assert guest.on(queues.DeclareQueue, "q", arguments={}) == QueueDeclared("q", 0, 0)


def test_a_quorum_queue_must_last(counter: Counter) -> None:
    guest = counter.guest()
    for how, words in (
        ({"durable": False}, "non-durable"), ({"exclusive": True}, "exclusive-owner"), ({"auto_delete": True}, "auto-delete"),
    ):  # fmt: skip
        answer = guest.queue(x_queue_type="quorum", **how)
        assert (
            refused(answer, Refusal.PRECONDITION) == f"invalid property '{words}' for queue 'q' in vhost '/'"
        )


def test_exclusive_consumers_and_taken_tags_are_refused(counter: Counter) -> None:
    guest = counter.guest()
    guest.queue()
    guest.consume(tag="a", exclusive=True)
    words = "queue 'q' in vhost '/' in exclusive use"
    assert refused(counter.guest().consume(), Refusal.IN_USE) == words
    guest.queue("p")
    assert refused(guest.consume("p", "a"), Refusal.CONSUMER_TAG_TAKEN) == "attempt to reuse consumer tag 'a'"


def test_deleting_what_is_used_is_refused_where_asked(counter: Counter) -> None:
    guest = counter.guest()
    guest.queue()
    guest.publish(b"1")
    answer = guest.on(queues.DeleteQueue, "q", if_empty=True)
    assert refused(answer, Refusal.PRECONDITION) == "queue 'q' in vhost '/' not empty"
    guest.consume()
    answer = guest.on(queues.DeleteQueue, "q", if_unused=True)
    assert refused(answer, Refusal.PRECONDITION) == "queue 'q' in vhost '/' in use"
    guest.exchange("e")
    guest.bind("q", "e")
    answer = guest.on(queues.DeleteExchange, "e", if_unused=True)
    assert refused(answer, Refusal.PRECONDITION) == "exchange 'e' in vhost '/' in use"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("abc", "no_integer"), ("", "no_integer"), ("-1", "{value_negative,-1}"), ("1.5", '{leftover_string,".5"}'),
        ("1099511627776", "{value_too_large,1099511627776}"),
    ],
)  # fmt: skip
def test_an_expiration_must_be_a_number(counter: Counter, text: str, words: str) -> None:
    guest = counter.guest()
    sent = guest.publish(b"1", to="nowhere", expiration=text)
    assert refused(sent.refused, Refusal.PRECONDITION) == f"invalid expiration '{text}': {words}"


def test_nobody_publishes_in_anothers_name(counter: Counter) -> None:
    guest = counter.guest()
    assert guest.publish(b"1", user_id="guest").refused is None
    words = "user_id property set to 'bob' but authenticated user was 'guest'"
    assert refused(guest.publish(b"1", user_id="bob").refused, Refusal.PRECONDITION) == words
