"""Which queues count as queues of dead letters, by what the broker says of queues, exchanges and bindings."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from penstock.amqp import Connection
from penstock.dlq.finding import queues_of

pytestmark = pytest.mark.anyio
Told = list[dict[str, Any]]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Broker:
    """A connection and its channel, to a broker with these queues; the default exchange leads to each by its name."""

    url = SimpleNamespace(vhost="/")

    def __init__(self, queues: dict[str, dict[str, Any]], exchanges: dict[str, str], bindings: Told) -> None:
        standing = {"vhost": "/", "kind": "classic", "exclusive": False, "messages": 1}
        default = [bound("", name, name) for name in queues]
        self._told: dict[str, Told] = {
            "queues": [{**standing, "name": name, "arguments": rules} for name, rules in queues.items()],
            "exchanges": [
                {"vhost": "/", "name": n, "kind": k} for n, k in {"": "direct", **exchanges}.items()
            ],
            "bindings": default + bindings,
        }

    async def channel(self) -> "Broker":
        return self

    async def close(self) -> None:
        return None

    async def describe(self, what: str) -> Told:
        return self._told[what]


def bound(source: str, target: str, key: str = "", kind: str = "queue") -> dict[str, Any]:
    return {"vhost": "/", "source": source, "target": target, "target_kind": kind, "routing_key": key}


def dying(exchange: str, key: str | None = None) -> dict[str, Any]:
    rules = {"x-dead-letter-exchange": exchange}
    return rules if key is None else {**rules, "x-dead-letter-routing-key": key}


async def found(
    queues: dict[str, dict[str, Any]], exchanges: dict[str, str], bindings: Told
) -> list[tuple[str, int]]:
    return await queues_of(cast(Connection, Broker(queues, exchanges, bindings)))


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
