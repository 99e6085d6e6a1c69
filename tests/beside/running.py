"""Runs scenarios against a server, several at a time: each has connections and names of its own, and most of them wait."""

from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

import pytest

Scenario = Callable[[Any, str], Any]
"""Given a connection that is listened to, and a name of its own."""
TOGETHER: Final = 8


@dataclass(frozen=True)
class Outcome:
    """What a scenario saw, and what it covered."""

    answer: Any
    met: frozenset[str]


class Runs:
    """The outcomes of scenarios; all are begun at once, each is waited for when it is looked at. A context manager."""

    def __init__(self, ask: Callable[[Scenario], Outcome], scenarios: Iterable[Scenario]) -> None:
        self._pool = ThreadPoolExecutor(TOGETHER)
        self._outcomes: dict[str, Future[Outcome]] = {
            each.__name__: self._pool.submit(ask, each) for each in scenarios
        }

    def __getitem__(self, name: str) -> Outcome:
        return self._outcomes[name].result()

    def __enter__(self) -> "Runs":
        return self

    def __exit__(self, *_: object) -> None:
        """Begin no more."""
        self._pool.shutdown(cancel_futures=True)


def chosen(request: pytest.FixtureRequest) -> set[str]:
    """The scenarios that the tests of this file are about in this run: `-k` may have left out some."""
    here = [item for item in request.session.items if item.path == request.path]
    return {item.callspec.params["name"] for item in here if isinstance(item, pytest.Function)}
