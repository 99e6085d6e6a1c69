"""Runs scenarios against a server, several at a time: each has connections and names of its own, and most of them wait."""

import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

from tests.amqp.differential.access import ACCESS
from tests.amqp.differential.asking import Asking
from tests.amqp.differential.coverage import Listener
from tests.amqp.differential.servers import Addresses

Scenario = Callable[[Asking, str], Iterator[Any]]
TOGETHER: Final = 8


@dataclass(frozen=True)
class Outcome:
    """What a scenario saw, what it covered, and the seconds that it took."""

    answer: Any
    met: frozenset[str]
    took_s: float


def run(scenario: Scenario, address: str) -> Outcome:
    """One scenario, with a name of its own; its answer is the list of what it yields."""
    began_s = time.monotonic()
    listener = Listener()
    asking = Asking(address, listener)
    try:
        answer = list(scenario(asking, scenario.__name__.replace("_", "-")))
    finally:
        asking.close()
    return Outcome(answer, frozenset(listener.met), time.monotonic() - began_s)


def address_of(scenario: Scenario, addresses: Addresses) -> str:
    """Those of `access` want a server that knows users."""
    return addresses.closed if scenario in ACCESS else addresses.open


class Runs:
    """The outcomes of scenarios on the servers of one kind; all are begun at once, each is waited for when it is looked at."""

    def __init__(self, addresses: Addresses, scenarios: Iterable[Scenario]) -> None:
        self._pool = ThreadPoolExecutor(TOGETHER)
        self._outcomes: dict[str, Future[Outcome]] = {
            each.__name__: self._pool.submit(run, each, address_of(each, addresses)) for each in scenarios
        }

    def __getitem__(self, name: str) -> Outcome:
        return self._outcomes[name].result()

    def close(self) -> None:
        """Begin no more."""
        self._pool.shutdown(cancel_futures=True)
