"""Who may do what to exchanges and queues: each call of the queues needs what RabbitMQ's permissions say."""

from collections.abc import Callable
from typing import Any

import pytest

from penstock.broker.access.table import ACCESS
from penstock.calls import Principal, queues
from penstock.errors import Refusal, Refused
from penstock.users.directory import Directory, User
from penstock.users.rules import parse_rule
from tests.broker.test_access import QUEUE_CALLS
from tests.queues.counter import Counter, Guest

ADA = Principal("ada", "127.0.0.1", "client")
DEAD: dict[str, Any] = {"x-dead-letter-exchange": "e"}

NEEDS: list[tuple[Callable[[Guest], Any], Refusal, list[str]]] = [
    (lambda g: g.queue("n"), Refusal.QUEUE_NOT_ALLOWED, ["create queue:n"]),
    (lambda g: g.queue(""), Refusal.QUEUE_NOT_ALLOWED, ["create queue:amq.gen-*"]),
    (lambda g: g.queue("q", passive=True), Refusal.QUEUE_NOT_ALLOWED, ["describe queue:q"]),
    (lambda g: g.on(queues.DeclareQueue, "n", arguments=DEAD), Refusal.EXCHANGE_NOT_ALLOWED,
     ["create queue:n", "read queue:n", "write exchange:e"]),
    (lambda g: g.exchange("n"), Refusal.EXCHANGE_NOT_ALLOWED, ["create exchange:n"]),
    (lambda g: g.exchange("n", arguments={"alternate-exchange": "e"}), Refusal.EXCHANGE_NOT_ALLOWED,
     ["create exchange:n", "read exchange:n", "write exchange:e"]),
    (lambda g: g.queue("s", x_queue_type="stream"), Refusal.NOT_ALLOWED,
     ["create queue:s", "create topic:s", "write topic:s", "read topic:s"]),
    (lambda g: g.queue("f", x_penstock_topic="t"), Refusal.NOT_ALLOWED,
     ["create queue:f", "create topic:t", "write topic:t", "read topic:t"]),
    (lambda g: g.exchange("x", "x-penstock-topic"), Refusal.NOT_ALLOWED,
     ["create exchange:x", "create topic:x", "write topic:x"]),
    (lambda g: g.on(queues.DeleteExchange, "e"), Refusal.EXCHANGE_NOT_ALLOWED, ["delete exchange:e"]),
    (lambda g: g.bind("q", "e"), Refusal.EXCHANGE_NOT_ALLOWED, ["write queue:q", "read exchange:e"]),
    (lambda g: g.on(queues.UnbindQueue, "q", "e"), Refusal.EXCHANGE_NOT_ALLOWED, ["write queue:q", "read exchange:e"]),
    (lambda g: g.on(queues.BindExchange, "e", "amq.topic"), Refusal.EXCHANGE_NOT_ALLOWED,
     ["read exchange:amq.topic", "write exchange:e"]),
    (lambda g: g.on(queues.UnbindExchange, "e", "amq.topic"), Refusal.EXCHANGE_NOT_ALLOWED,
     ["read exchange:amq.topic", "write exchange:e"]),
    (lambda g: g.on(queues.PurgeQueue, "q"), Refusal.QUEUE_NOT_ALLOWED, ["read queue:q"]),
    (lambda g: g.on(queues.DeleteQueue, "q"), Refusal.QUEUE_NOT_ALLOWED, ["delete queue:q"]),
    (lambda g: g.consume("q"), Refusal.QUEUE_NOT_ALLOWED, ["read queue:q"]),
    (lambda g: g.get("q"), Refusal.QUEUE_NOT_ALLOWED, ["read queue:q"]),
    (lambda g: g.publish(b"x", exchange="e").refused, Refusal.EXCHANGE_NOT_ALLOWED, ["write exchange:e"]),
    (lambda g: g.publish(b"x").refused, Refusal.EXCHANGE_NOT_ALLOWED, ["write exchange:amq.default"]),
    (lambda g: g.call(queues.DeclareVhost, "v"), Refusal.VHOST_NOT_ALLOWED, ["create vhost:v"]),
    (lambda g: g.call(queues.DeleteVhost, "blue"), Refusal.VHOST_NOT_ALLOWED, ["delete vhost:blue"]),
]  # fmt: skip


def closed(*rules: str) -> tuple[Counter, Guest]:
    """A broker with users, on which ada may enter and do what the rules say."""
    counter = Counter()
    guest = counter.guest()
    guest.queue()
    guest.exchange("e")
    guest.call(queues.DeclareVhost, "blue")
    allow(counter, *rules)
    return counter, counter.guest(who=ADA)


def allow(counter: Counter, *rules: str) -> None:
    texts = [f"allow {rule}" for rule in ("describe vhost:/", *rules)]
    users = {"root": User("root", ("admin",)), "ada": User("ada", (), tuple(map(parse_rule, texts)))}
    counter.broker.use_users(Directory(users))


@pytest.mark.parametrize(("ask", "reason", "rules"), NEEDS)
def test_a_call_needs_its_rules_and_no_more(
    ask: Callable[[Guest], Any], reason: Refusal, rules: list[str]
) -> None:
    _, guest = closed(*rules[:-1])
    refused = ask(guest)
    assert isinstance(refused, Refused) and refused.reason is reason
    _, guest = closed(*rules)
    assert not isinstance(ask(guest), Refused)


def test_a_virtual_host_is_entered_by_those_who_may() -> None:
    counter, _ = closed()
    answer = counter.ask(queues.OpenClient(ADA, "blue"))
    assert isinstance(answer, Refused) and answer.reason is Refusal.VHOST_NOT_ALLOWED


def test_queues_of_other_virtual_hosts_are_named_with_them() -> None:
    counter, _ = closed("describe vhost:blue", "create queue:blue/q", "create queue:n")
    blue = counter.guest("blue", ADA)
    assert not isinstance(blue.queue("q"), Refused)
    assert isinstance(blue.queue("n"), Refused)


def test_one_sees_what_one_may() -> None:
    counter, guest = closed("create queue:a", "describe queue:a")
    guest.queue("a")
    assert [info.name for info in guest.told(queues.DescribeQueues)] == ["a"]
    assert guest.told(queues.DescribeVhosts) == ["/"]
    assert [info.name for info in counter.guest(who=Principal("root")).told(queues.DescribeQueues)] == [
        "a",
        "q",
    ]


def test_publishes_before_a_forbidden_one_count() -> None:
    counter, guest = closed("write exchange:amq.default")
    some = [guest.publish(b"1"), guest.publish(b"2", exchange="e")]
    assert [one.count for one in some] == [1, 0]
    assert counter.guest(who=Principal("root")).drain() == [b"1"]


def test_calls_without_needs_are_about_what_one_has_already() -> None:
    of_ones_own = {
        queues.CloseClient, queues.OpenChannel, queues.CloseChannel, queues.AwaitSafe, queues.SetPrefetch,
        queues.Unsubscribe, queues.Lease, queues.Settle, queues.Recover, queues.SelectTransaction,
        queues.CommitTransaction, queues.RollbackTransaction,
    }  # fmt: skip
    judged_one_by_one = {queues.Publish}
    assert {kind for kind in QUEUE_CALLS if not ACCESS[kind]} == of_ones_own | judged_one_by_one
