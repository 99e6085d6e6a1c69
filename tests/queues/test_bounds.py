"""How much may be declared: in one virtual host, in all, and in bytes; whoever goes too far is told so as by RabbitMQ."""

import gc
import random
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest

from penstock.broker.queues.declared.room import bytes_of
from penstock.broker.queues.exchanges import routes
from penstock.broker.queues.queues import Queues
from penstock.calls import queues
from penstock.errors import Refusal, Refused
from tests.queues.counter import ME, Counter, Guest


def words(answer: Any, reason: Refusal = Refusal.PRECONDITION) -> str:
    assert isinstance(answer, Refused) and answer.reason is reason, answer
    return answer.detail


def held(counter: Counter) -> int:
    return sum(vhost.declared.held_bytes for vhost in counter.queues.vhosts.values())


def with_vhost(**options: int) -> tuple[Counter, Guest, Guest]:
    counter = Counter(**options)
    counter.ask(queues.DeclareVhost(ME, "other"))
    return counter, counter.guest(), counter.guest("other")


def test_queues_of_a_virtual_host_and_of_all() -> None:
    _, guest, other = with_vhost(vhost_queues_max=2, queues_max=3)
    for name in ("a", "b"):
        assert not isinstance(guest.queue(name), Refused)
    expected = "cannot declare queue 'c': queue limit in vhost '/' (2) is reached"
    assert words(guest.queue("c")) == expected
    assert words(guest.queue("c", durable=False, exclusive=True)) == expected
    assert guest.queue("a").name == "a"  # what is there may be declared again
    assert not isinstance(other.queue("a"), Refused)
    assert words(other.queue("b")) == "cannot declare queue 'b': queue limit in cluster (3) is reached"
    guest.on(queues.DeleteQueue, "b")
    assert not isinstance(other.queue("b"), Refused)


def test_exchanges_of_a_virtual_host_and_of_all() -> None:
    _, guest, other = with_vhost(vhost_exchanges_max=2, exchanges_max=3)
    for name in ("a", "b"):
        assert guest.exchange(name) is None
    assert (
        words(guest.exchange("c"))
        == "cannot declare exchange 'c': exchange limit in vhost '/' (2) is reached"
    )
    assert guest.exchange("b") is None
    assert other.exchange("a") is None
    assert (
        words(other.exchange("b")) == "cannot declare exchange 'b': exchange limit in cluster (3) is reached"
    )
    guest.on(queues.DeleteExchange, "b")
    assert other.exchange("b") is None


def test_bindings_of_a_virtual_host_and_of_all() -> None:
    counter, guest, other = with_vhost(vhost_bindings_max=2, bindings_max=3)
    for one in (guest, other):
        one.queue()
        one.exchange("x")
        one.exchange("y")
    assert [guest.bind("q", "amq.direct", "1"), guest.on(queues.BindExchange, "y", "x", "2")] == [None, None]
    expected = "cannot bind to exchange 'x' in vhost '/': binding limit in vhost '/' (2) is reached"
    assert words(guest.bind("q", "x", "3")) == expected
    assert words(guest.on(queues.BindExchange, "y", "x", "3")) == expected
    assert guest.bind("q", "amq.direct", "1") is None  # it is there
    assert other.bind("q", "x", "1") is None
    assert "binding limit in cluster (3) is reached" in words(other.bind("q", "x", "2"))
    counter.restart()
    assert words(counter.guest().bind("q", "x", "3")) == expected
    counter.guest().on(queues.DeleteExchange, "y")  # with its binding
    assert counter.guest().bind("q", "x", "3") is None


def test_all_of_it_has_one_bound_of_bytes_that_arguments_and_words_of_keys_count_in() -> None:
    counter = Counter(definitions_bytes_max=1_000_000)
    guest = counter.guest()
    many: dict[str, Any] = {"all": [True] * 6000, **{f"{n}": None for n in range(100)}}
    assert "limit of the bytes of all definitions (1000000) is reached" in words(
        guest.on(queues.DeclareQueue, "q", durable=True, arguments={f"x{n}": many for n in range(4)})
    )
    assert not isinstance(guest.on(queues.DeclareQueue, "q", durable=True, arguments={"x": many}), Refused)
    guest.exchange("x", "topic")
    made = 0
    while guest.bind("q", "x", f"{made}" + ".a" * 120) is None:
        made += 1
    assert 3 <= made <= 6
    assert "limit of the bytes" in words(guest.bind("q", "x", ".a" * 120))
    guest.on(queues.DeleteQueue, "q")
    assert guest.queue("q").name == "q"
    assert guest.bind("q", "x", ".a" * 120) is None


def test_what_is_counted_is_what_is_there_whatever_came_and_went() -> None:
    chance, counter = random.Random(7), Counter()
    guest = counter.guest()
    names = [f"n{number}" for number in range(6)]
    for _ in range(400):
        something(guest, chance, *chance.choices(names, k=2))
        check(counter.queues)
    counter.restart()
    check(counter.queues)
    assert held(counter) > 0
    guest = counter.guest()
    for name in names:
        guest.on(queues.DeleteQueue, name)
        guest.on(queues.DeleteExchange, name)
    assert held(counter) == 0


def something(guest: Guest, chance: random.Random, name: str, other: str) -> None:
    auto_delete = chance.random() < 0.5
    moves: list[Callable[[], object]] = [
        lambda: guest.queue(name, auto_delete=auto_delete),
        lambda: guest.exchange(name, chance.choice(("topic", "fanout")), auto_delete=auto_delete),
        lambda: guest.bind(name, other, chance.choice(("a.b", "#"))),
        lambda: guest.on(queues.BindExchange, name, other, "a"),
        lambda: guest.on(queues.UnbindQueue, name, other, "a.b", {}),
        lambda: guest.on(queues.DeleteQueue, name),
        lambda: guest.on(queues.DeleteExchange, name),
    ]
    chance.choice(moves)()


def check(all_of_them: Queues) -> None:
    for vhost in all_of_them.vhosts.values():
        found = {
            "queue": [(one.name, one.arguments) for one in vhost.queues.values()],
            "exchange": [
                (name, one.arguments)
                for name, one in vhost.exchanges.items()
                if name and not name.startswith("amq.")
            ],
            "binding": [(one.key, one.arguments) for one in vhost.bindings()],
        }
        assert {kind: count for kind, count in vhost.declared.counts.items() if count} == {
            kind: len(some) for kind, some in found.items() if some
        }
        assert vhost.declared.held_bytes == sum(
            bytes_of(kind, *one) for kind, some in found.items() for one in some
        )


@pytest.mark.parametrize("what", ["queue", "exchange", "binding"])
def test_what_a_declaration_is_taken_for_is_about_what_it_takes(what: str) -> None:
    counter = Counter()
    guest = counter.guest()
    guest.queue("q")
    guest.exchange("e", "topic")
    arguments: dict[str, Any] = {f"x-{number}": "v" for number in range(20)}
    declare = {
        "queue": lambda n: queues.DeclareQueue(ME, guest.channel, f"q{n}", durable=True, arguments=arguments),
        "exchange": lambda n: queues.DeclareExchange(ME, guest.channel, f"e{n}", "topic", durable=True, arguments=arguments),
        "binding": lambda n: queues.BindQueue(ME, guest.channel, "q", "e", f"{n}.a.b.c.d.e.f.g.h", arguments),
    }[what]  # fmt: skip
    before = held(counter)
    gc.collect()
    tracemalloc.start()
    try:
        for number in range(100):
            counter.broker.answer(declare(number), counter.now)
        counter.broker.settle(counter.now)
        gc.collect()
        took = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert 0.6 < (held(counter) - before) / took < 2.5


def test_a_channel_has_so_many_consumers() -> None:
    counter = Counter(channel_consumers_max=2)
    guest = counter.guest()
    guest.queue()
    guest.consume(tag="a")
    guest.consume(tag="b")
    expected = "reached maximum (2) of consumers per channel"
    assert words(guest.consume(tag="c"), Refusal.TOO_MANY_CONSUMERS) == expected
    assert guest.beside().consume(tag="c") == "c"
    guest.on(queues.Unsubscribe, "a")
    assert guest.consume(tag="c") == "c"


def test_what_waits_for_commits_has_a_bound_that_all_channels_share() -> None:
    counter = Counter(transactions_bytes_max=10_000)
    guest, other = counter.guest(), counter.guest()
    guest.queue()
    for one in (guest, other):
        one.on(queues.SelectTransaction)
    assert guest.publish(b"x" * 4000).refused is None
    assert other.publish(b"x" * 4000).refused is None
    assert "commit sooner" in words(other.publish(b"x" * 4000).refused, Refusal.BUSY)
    assert isinstance(guest.on(queues.CommitTransaction), queues.Committed)
    assert other.publish(b"x" * 4000).refused is None
    other.on(queues.RollbackTransaction)
    other.publish(b"x" * 4000)
    other.close_channel()
    assert counter.queues.transactions_bytes == 0
    assert guest.publish(b"x" * 9000).refused is None


def test_routes_to_many_queues_are_not_all_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(routes, "TARGETS_MAX", 100)
    counter = Counter()
    guest = counter.guest()
    for number in range(10):
        guest.queue(f"q{number}")
        guest.bind(f"q{number}", "amq.fanout")
    known = counter.queues.vhosts["/"].routes.known
    for number in range(50):
        guest.publish(b"x", exchange="amq.fanout", to=f"{number}")
        assert sum(len(route.queues) for route in known.values()) <= 100
    assert len(guest.drain("q3")) == 50
