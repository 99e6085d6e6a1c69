"""The way of messages through exchanges: each kind, exchanges bound to exchanges, alternates, CC and BCC, delays, replies."""

import random
import re
from typing import Any

import pytest

from penstock.broker.queues.exchanges.exchange import Binding, Exchange
from penstock.broker.queues.exchanges.patterns import Patterns
from penstock.calls import queues
from penstock.calls.queues import Publishing
from penstock.content import Content, Properties
from penstock.errors import Refusal, Refused
from tests.queues.counter import Counter, Guest


@pytest.fixture
def counter() -> Counter:
    return Counter()


def routed(guest: Guest, exchange: str, key: str, *names: str, **how: Any) -> list[str]:
    """Which of the queues get a message."""
    guest.publish(b"x", exchange=exchange, to=key, **how)
    return [name for name in names if guest.drain(name) == [b"x"]]


def test_a_direct_exchange_compares_keys(counter: Counter) -> None:
    guest = counter.guest()
    for name in "abc":
        guest.queue(name)
    for name, key in (("a", "k"), ("b", "k"), ("c", "other"), ("a", "k2")):
        guest.bind(name, "amq.direct", key)
    assert routed(guest, "amq.direct", "k", *"abc") == ["a", "b"]
    assert routed(guest, "amq.direct", "k2", *"abc") == ["a"]
    assert routed(guest, "amq.direct", "K", *"abc") == []
    guest.on(queues.UnbindQueue, "a", "amq.direct", "k")
    assert routed(guest, "amq.direct", "k", *"abc") == ["b"]


def test_a_queue_gets_one_copy_however_often_it_is_bound(counter: Counter) -> None:
    guest = counter.guest()
    guest.queue("a")
    for key in ("x.*", "*.y", "#"):
        guest.bind("a", "amq.topic", key)
    guest.bind("a", "amq.topic", "#", {"again": True})
    assert routed(guest, "amq.topic", "x.y", "a") == ["a"]


def test_a_fanout_exchange_asks_nothing(counter: Counter) -> None:
    guest = counter.guest()
    for name in "ab":
        guest.queue(name)
        guest.bind(name, "amq.fanout", name)
    assert routed(guest, "amq.fanout", "whatever", *"ab") == ["a", "b"]


@pytest.mark.parametrize(
    ("pattern", "key", "fits"),
    [
        ("#", "", True), ("*", "", False), ("", "", True), ("a.*", "a.b", True), ("a.*", "a", False), ("a.#", "a", True),
        ("a.#", "a.b.c", True), ("#.c", "a.b.c", True), ("#.c", "c", True), ("*.*", "a.", True), ("a..b", "a..b", True),
        ("#.b.#", "a.b.c", True), ("#.#", "", True), ("*.#", "", False), ("#.*.#", "a", True), ("a", "a.b", False),
        ("*", "#", True), ("#.x", "#", False), ("a.b", "a.*", False),
    ],
)  # fmt: skip
def test_topic_patterns(pattern: str, key: str, fits: bool) -> None:
    assert matches([pattern], key) == ([pattern] if fits else [])


def matches(patterns: list[str], key: str) -> list[str]:
    tree, source = Patterns(), Exchange("/", "x", "topic", False, {})
    bindings = [Binding(source, object(), pattern, {}) for pattern in patterns]
    for binding in bindings:
        tree.add(binding)
    found = [binding.key for binding in tree.match(key, {})]
    for binding in bindings:
        tree.remove(binding)
    assert not tree._root.after and not tree._root.ending
    return found


def test_the_tree_of_patterns_finds_what_each_pattern_alone_would() -> None:
    chance = random.Random(5)
    for _ in range(300):
        patterns = list({".".join(chance.choices("ab*#", k=chance.randrange(1, 5))) for _ in range(6)})
        key = ".".join(chance.choices("abc", k=chance.randrange(1, 6)))
        assert sorted(matches(patterns, key)) == sorted(one for one in patterns if by_hand(one, key)), (
            patterns,
            key,
        )


def by_hand(pattern: str, key: str) -> bool:
    words = {"*": r"[^.]+\.", "#": r"([^.]+\.)*"}
    return bool(
        re.fullmatch("".join(words.get(w, re.escape(w) + r"\.") for w in pattern.split(".")), key + ".")
    )


def test_many_hashes_cost_no_more_than_their_words() -> None:
    assert matches(["#." * 60 + "b"], ".".join("a" * 120)) == []


@pytest.mark.parametrize(
    ("arguments", "headers", "fits"),
    [
        ({"a": 1, "b": "x"}, {"a": 1, "b": "x"}, True), ({"a": 1, "b": "x"}, {"a": 1}, False),
        ({"x-match": "any", "a": 1, "b": "x"}, {"a": 1}, True), ({"x-match": "any", "a": 1}, {}, False),
        ({"x-match": "any"}, {"a": 1}, False), ({}, {}, True), ({"a": None}, {"a": 7}, True), ({"a": None}, {}, False),
        ({"a": 1}, {"a": "1"}, False), ({"a": 1}, {"a": 1.0}, True), ({"a": True}, {"a": 1}, False),
        ({"x-foo": 1}, {}, True), ({"x-match": "all-with-x", "x-foo": 1}, {}, False),
        ({"x-match": "any-with-x", "x-foo": 1}, {"x-foo": 1}, True),
    ],
)  # fmt: skip
def test_header_matches(counter: Counter, arguments: Any, headers: Any, fits: bool) -> None:
    guest = counter.guest()
    guest.queue("a")
    guest.bind("a", "amq.headers", "", arguments)
    assert routed(guest, "amq.headers", "", "a", headers=headers) == (["a"] if fits else [])


def test_a_wrong_match_is_refused(counter: Counter) -> None:
    guest = counter.guest()
    guest.queue()
    answer = guest.bind("q", "amq.headers", "", {"x-match": "foo"})
    words = 'Invalid x-match field value <<"foo">>; expected all, any, all-with-x, or any-with-x'
    assert isinstance(answer, Refused) and (answer.reason, answer.detail) == (Refusal.PRECONDITION, words)


def test_exchanges_may_be_bound_to_exchanges_even_in_a_ring(counter: Counter) -> None:
    guest = counter.guest()
    guest.queue("a")
    for name in ("one", "two", "three"):
        guest.exchange(name, "fanout")
    for source, target in (("one", "two"), ("two", "three"), ("three", "one")):
        assert guest.on(queues.BindExchange, target, source) is None
    guest.bind("a", "three")
    assert routed(guest, "one", "k", "a") == ["a"]
    guest.on(queues.UnbindExchange, "three", "two")
    assert routed(guest, "one", "k", "a") == []


def test_what_fits_nothing_goes_to_the_alternate(counter: Counter) -> None:
    guest = counter.guest()
    guest.exchange("main", arguments={"alternate-exchange": "rest"})
    guest.exchange("rest", "fanout")
    for name in "ab":
        guest.queue(name)
    guest.bind("a", "main", "k")
    guest.bind("b", "rest")
    assert routed(guest, "main", "k", *"ab") == ["a"]
    assert routed(guest, "main", "other", *"ab") == ["b"]


def test_mandatory_messages_that_nobody_wants_are_told(counter: Counter) -> None:
    guest = counter.guest()
    guest.queue()
    assert guest.publish(b"1", b"2", to="nowhere", mandatory=True).returned == [0, 1]
    assert guest.publish(b"1", to="nowhere").returned == []
    assert guest.publish(b"1", mandatory=True).returned == []


def test_an_auto_delete_exchange_goes_with_its_last_binding(counter: Counter) -> None:
    guest = counter.guest()
    guest.exchange("e", "fanout", auto_delete=True)
    guest.exchange("before", "fanout")
    guest.on(queues.BindExchange, "e", "before")
    guest.queue()
    guest.bind("q", "e")
    guest.on(queues.DeleteQueue, "q")
    answer = guest.exchange("e", passive=True)
    assert isinstance(answer, Refused) and answer.reason is Refusal.NO_EXCHANGE
    counter.restart()
    assert "e" not in counter.queues.vhosts["/"].exchanges


def test_a_message_may_name_more_keys(counter: Counter) -> None:
    guest = counter.guest()
    for name in "abc":
        guest.queue(name)
    guest.publish(b"x", to="a", headers={"CC": ["b", 5], "BCC": ["c"]})
    contents = [guest.get(name).delivery.content for name in "abc"]
    assert {one.properties.headers["CC"][0] for one in contents} == {"b"}
    assert not any("BCC" in one.properties.headers for one in contents)
    sent = guest.publish(b"x", to="a", headers={"CC": "b"})
    words = 'invalid message: {unacceptable_type_in_header,"CC",longstr}'
    assert (sent.refused.reason, sent.refused.detail) == (Refusal.PRECONDITION, words)


# --- delays -----------------------------------------------------------------------------------------------------------


def test_a_delayed_message_comes_when_it_is_due(counter: Counter) -> None:
    guest = counter.guest()
    guest.queue()
    guest.consume()
    guest.publish(b"late", headers={"x-delay": 2000})
    guest.publish(b"soon", headers={"x-delay": 1000})
    guest.publish(b"now", headers={"x-delay": 0})
    assert guest.bodies == [b"now"]
    counter.later(0.99)
    assert guest.bodies == [b"now"]
    counter.later(0.02)
    assert guest.bodies == [b"now", b"soon"]
    counter.later(1)
    assert guest.bodies == [b"now", b"soon", b"late"]
    assert guest.got[-1].content.properties.headers == {"x-delay": -2000}


def test_the_plugins_kind_of_exchange_routes_as_its_argument_says(counter: Counter) -> None:
    guest = counter.guest()
    guest.exchange("d", "x-delayed-message", arguments={"x-delayed-type": "topic"})
    guest.queue()
    guest.bind("q", "d", "a.#")
    guest.publish(b"1", exchange="d", to="a.b", headers={"x-delay": 500})
    counter.later(0.6)
    assert guest.drain() == [b"1"]
    answer = guest.exchange("e", "x-delayed-message")
    assert isinstance(answer, Refused) and answer.reason is Refusal.PRECONDITION


def test_delayed_messages_outlive_a_crash(counter: Counter) -> None:
    guest = counter.guest()
    guest.queue()
    guest.publish(b"2", headers={"x-delay": 2000})
    guest.publish(b"1", headers={"x-delay": 1000})
    guest.on(queues.AwaitSafe)
    counter.restart()
    guest = counter.guest()
    assert guest.drain() == []
    counter.later(1.1)
    assert guest.drain() == [b"1"]
    guest.on(queues.AwaitSafe)
    counter.restart()
    counter.later(3)
    assert counter.guest().drain() == [b"2"]


def test_thousands_are_parked_in_columns_and_leave_in_order(counter: Counter) -> None:
    guest, chance = counter.guest(), random.Random(1)
    guest.queue()
    delays = [chance.randrange(1, 60_000) for _ in range(5_000)]
    for delay in delays:
        counter.queues.delays.park(
            counter.queues.vhosts["/"], content(delay), counter.now.wall_ms + delay, counter.now
        )
    counter.later(61)
    assert [int(body) for body in guest.drain()] == sorted(delays)


def content(number: int) -> Any:
    from penstock.content import Content, Properties

    return Content("", "q", Properties.made(headers={"x-delay": number}), b"%d" % number)


# --- direct replies ---------------------------------------------------------------------------------------------------


def test_a_reply_needs_no_queue(counter: Counter) -> None:
    asker, server = counter.guest(), counter.guest()
    server.queue()
    server.consume()
    assert asker.consume("amq.rabbitmq.reply-to", no_ack=True)
    asker.publish(b"ask", reply_to="amq.rabbitmq.reply-to")
    address = server.got[0].content.properties.reply_to
    assert address.startswith("amq.rabbitmq.reply-to.")
    assert server.queue(address, passive=True).consumers == 1
    server.publish(b"answer", to=address)
    assert asker.bodies == [b"answer"]
    asker.close()
    assert server.publish(b"late", to=address, mandatory=True).returned == [0]


def test_replies_are_refused_as_rabbitmq_does(counter: Counter) -> None:
    guest = counter.guest()
    name = "amq.rabbitmq.reply-to"
    assert guest.consume(name).detail == "reply consumer cannot acknowledge"
    assert guest.publish(b"", reply_to=name).refused.detail == "fast reply consumer does not exist"
    guest.consume(name, no_ack=True)
    assert guest.consume(name, no_ack=True).detail == "reply consumer already set"
    assert guest.get(name).detail == f"no queue '{name}' in vhost '/'"


def test_messages_of_one_call_go_where_each_would_go_by_itself() -> None:
    """Those that are alike are taken together."""
    chance = random.Random(7)
    kinds = [
        Properties.made(delivery_mode=2), Properties.made(delivery_mode=1, priority=3),
        Properties.made(delivery_mode=2, expiration="100000"), Properties.made(headers={"CC": ["b"]}),
    ]  # fmt: skip
    for _ in range(30):
        some: list[Publishing] = []
        while len(some) < 60:
            key, kind = chance.choice("abx"), chance.choice(kinds)
            run = [Content("", key, kind, b"%d" % (len(some) + n)) for n in range(chance.choice((1, 2, 9)))]
            some += [Publishing(one, key == "x") for one in run]
        together, apart = Counter(), Counter()
        for counter in (together, apart):
            counter.guest().queue("a", x_max_priority=5)
            counter.guest().queue("b")
        sent = together.guest().on(queues.Publish, some)
        guest = apart.guest()
        each = [guest.on(queues.Publish, [one]) for one in some]
        assert sent.returned == [place for place, one in enumerate(each) if one.returned]
        held = [
            {
                queue.name: (list(queue.ready), queue.ready.bytes, queue.published)
                for queue in one.queues.by_id.values()
            }
            for one in (together, apart)
        ]
        assert held[0] == held[1]
        for counter in (together, apart):
            counter.guest().on(queues.AwaitSafe)
            counter.restart()
        for name in "ab":
            assert together.guest().drain(name) == apart.guest().drain(name)
