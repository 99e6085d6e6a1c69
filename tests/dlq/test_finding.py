"""Which queues count as queues of dead letters, by what the broker says of queues, exchanges and bindings."""

from collections.abc import Mapping
from typing import Any, cast

import pytest

from penstock.amqp import Connection
from penstock.dlq.finding import queues_of
from penstock.dlq.naming import is_queue, place_of_queue, queue_of

pytestmark = pytest.mark.anyio
Told = list[dict[str, Any]]
Rules = dict[str, dict[str, Any]]
BUSY = {"consumers": 1, "delivered": 3}
WORKED = {"worked": True}
"""Its consumers are away, and the broker was started again since."""


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Broker:
    """A connection and its channel, to a broker with these queues; the default exchange leads to each by its name.

    `worked_at`: what more is said of queues."""

    def __init__(
        self, queues: Rules, exchanges: dict[str, str], bindings: Told, worked_at: Mapping[str, Any]
    ) -> None:
        standing = {"vhost": "/", "kind": "classic", "exclusive": False, "messages": 1}
        standing |= {"consumers": 0, "delivered": 0, "worked": False}
        default = [bound("", name, name) for name in queues]
        self._told: dict[str, Any] = {
            "vhosts": ["/"],
            "queues": [
                {**standing, "name": name, "arguments": rules, **worked_at.get(name, {})}
                for name, rules in queues.items()
            ],
            "exchanges": [
                {"vhost": "/", "name": n, "kind": k} for n, k in {"": "direct", **exchanges}.items()
            ],
            "bindings": default + bindings,
        }

    async def channel(self) -> "Broker":
        return self

    async def close(self) -> None:
        return None

    async def describe(self, what: str) -> Any:
        return self._told[what]


def bound(source: str, target: str, key: str = "", kind: str = "queue") -> dict[str, Any]:
    return {"vhost": "/", "source": source, "target": target, "target_kind": kind, "routing_key": key}


def dying(exchange: str, key: str | None = None) -> dict[str, Any]:
    rules = {"x-dead-letter-exchange": exchange}
    return rules if key is None else {**rules, "x-dead-letter-routing-key": key}


async def found(
    queues: Rules, exchanges: dict[str, str], bindings: Told, **worked_at: dict[str, int]
) -> list[tuple[str, int]]:
    graves = await queues_of(cast(Connection, Broker(queues, exchanges, bindings, worked_at)))
    return [(each.place, each.waiting) for each in graves]


async def test_a_queue_that_a_dead_letter_exchange_leads_to_is_one() -> None:
    queues = {"jobs": dying("dlx", "dead"), "other": {}, "dead": {}, "late.dlq": {}}
    bindings = [bound("dlx", "dead", "dead"), bound("dlx", "other", "more")]
    assert await found(queues, {"dlx": "direct"}, bindings) == [("queue:dead", 1), ("queue:late.dlq", 1)]
    assert await found({"jobs": dying("", "dead"), "dead": {}, "other": {}}, {}, []) == [("queue:dead", 1)]


async def test_the_default_exchange_without_a_key_makes_no_queue_one() -> None:
    assert await found({"jobs": dying(""), "orders": {}, "mails": {}}, {}, []) == []


async def test_exchanges_may_lead_to_each_other_as_far_as_clients_like_and_in_circles() -> None:
    names = [f"e{number}" for number in range(1500)]
    bindings = [bound(one, two, kind="exchange") for one, two in zip(names, [*names[1:], "e0"], strict=True)]
    queues = {"jobs": dying("e0"), "dead": {}}
    assert await found(queues, dict.fromkeys(names, "fanout"), [*bindings, bound(names[-1], "dead")]) == [
        ("queue:dead", 1)
    ]


async def test_a_queue_whose_messages_wait_elsewhere_first_is_none() -> None:
    later = {**dying("", "work"), "x-message-ttl": 60_000}
    assert await found({"later": later, "work": {}}, {}, [], work=BUSY) == []
    steps = {"a_minute": dying("", "a_second"), "a_second": dying("", "work"), "work": {}}
    assert await found(steps, {}, [], work=BUSY) == []


async def test_it_is_none_either_while_its_consumers_are_away() -> None:
    later = {"later": {**dying("", "work"), "x-message-ttl": 60_000}, "work": {}}
    assert await found(later, {}, [], work=WORKED) == []
    assert await found(later, {}, [], work=WORKED, later=WORKED) == [("queue:work", 1)]
    assert await found(later, {}, [], work=WORKED, later={"delivered": 1}) == [("queue:work", 1)]


async def test_before_its_first_consumer_nothing_tells_it_from_one_of_dead_letters() -> None:
    for away, waiting in (("later", "work"), ("orders", "dead")):
        queues = {away: {**dying("", waiting), "x-message-ttl": 60_000}, waiting: {}}
        looked_at = {waiting: {"delivered": 5}}  # by its operators, or by who sends letters back
        assert await found(queues, {}, [], **looked_at) == [(f"queue:{waiting}", 1)]


async def test_a_queue_whose_consumers_are_away_still_has_dead_letters() -> None:
    orders = {"orders": {**dying("", "dead"), "x-message-ttl": 60_000}, "dead": {}}
    assert await found(orders, {}, []) == [("queue:dead", 1)]
    assert await found(orders, {}, [], orders={"delivered": 3}, dead=BUSY) == [("queue:dead", 1)]
    assert await found(orders, {}, [], orders=WORKED, dead=BUSY) == [("queue:dead", 1)]


async def test_one_that_fails_is_enough_and_so_is_the_name() -> None:
    queues = {"later": dying("", "dead"), "jobs": dying("", "dead"), "dead": {}}
    assert await found(queues, {}, [], jobs=BUSY, dead=BUSY) == [("queue:dead", 1)]
    assert await found({"later": dying("", "x.dlq"), "x.dlq": {}}, {}, [], **{"x.dlq": BUSY}) == [
        ("queue:x.dlq", 1)
    ]


async def test_a_key_counts_through_direct_exchanges_only() -> None:
    bindings = [
        bound("one", "two", "dead", kind="exchange"),
        bound("two", "dead", "dead"),
        bound("two", "other", "more"),
        bound("all", "two", "#", kind="exchange"),
    ]
    kinds = {"one": "direct", "two": "direct", "all": "topic"}
    assert await found({"jobs": dying("one", "dead"), "dead": {}, "other": {}}, kinds, bindings) == [
        ("queue:dead", 1)
    ]
    both = [("queue:dead", 1), ("queue:other", 1)]
    assert await found({"jobs": dying("all", "dead"), "dead": {}, "other": {}}, kinds, bindings) == both


async def test_ten_thousand_queues_with_a_dead_letter_queue_each_are_one_pass() -> None:
    """A look at all bindings for each of them would take minutes."""
    queues = {f"jobs{number}": dying("dlx", f"key{number}") for number in range(10_000)}
    bindings = [bound("dlx", f"dead{number}", f"key{number}") for number in range(10_000)]
    dead = {f"dead{number}": {} for number in range(10_000)}
    assert len(await found({**queues, **dead}, {"dlx": "direct"}, bindings)) == 10_000
    assert len(await found({**queues, **dead}, {"dlx": "topic"}, bindings)) == 10_000


@pytest.mark.parametrize(
    ("vhost", "queue", "place"),
    [
        ("/", "dlq", "queue:dlq"),
        ("/", "a@b:c", "queue:a@b:c"),
        ("shop", "a:b", "queue@shop:a:b"),
        ("a:b/@ %", "é", "queue@a%3Ab%2F%40%20%25:é"),
    ],
)
async def test_a_queue_s_place_says_its_virtual_host(vhost: str, queue: str, place: str) -> None:
    assert place_of_queue(vhost, queue) == place
    assert is_queue(place) and queue_of(place) == (vhost, queue)
    assert not is_queue("queue") and queue_of("queue:dlq", "here") == ("here", "dlq")
