"""How exchanges find the bindings that a message fits: by its routing key, by its headers, or always.

Knows of a binding what it asks for; knows no exchange and no queue. What is larger stands in `patterns` and `headers`.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Protocol, TypeAlias

from penstock.calls.queues import Arguments
from penstock.content import Field

Destination: TypeAlias = Any
"""A queue or an exchange."""


class Rule(Protocol):
    """What is looked at of a binding; whoever fits its key or its arguments goes to its target."""

    @property
    def key(self) -> str:
        """What the routing key is held against."""

    @property
    def arguments(self) -> Arguments:
        """What the headers are held against."""

    @property
    def target(self) -> Destination:
        """Where to."""


class Matching(Protocol):
    """A kind's bindings, found by what is published."""

    by_headers: bool
    """Whether the headers decide, and not the routing key alone."""

    def add(self, rule: Rule) -> None:
        """Take it in."""

    def remove(self, rule: Rule) -> None:
        """Forget it."""

    def match(self, key: str, headers: Mapping[str, Field]) -> Iterable[Rule]:
        """Those that fit."""


class Direct:
    """The routing key is the binding's."""

    by_headers = False

    def __init__(self) -> None:
        self._by_key: dict[str, dict[Rule, None]] = {}

    def add(self, rule: Rule) -> None:
        """Under its key."""
        self._by_key.setdefault(rule.key, {})[rule] = None

    def remove(self, rule: Rule) -> None:
        """And its key with the last one."""
        alike = self._by_key[rule.key]
        del alike[rule]
        if not alike:
            del self._by_key[rule.key]

    def match(self, key: str, headers: Mapping[str, Field]) -> Iterable[Rule]:
        """One look."""
        return self._by_key.get(key, ())


class Fanout:
    """Everything fits."""

    by_headers = False

    def __init__(self) -> None:
        self._all: dict[Rule, None] = {}

    def add(self, rule: Rule) -> None:
        """Whatever its key."""
        self._all[rule] = None

    def remove(self, rule: Rule) -> None:
        """Forget it."""
        del self._all[rule]

    def match(self, key: str, headers: Mapping[str, Field]) -> Iterable[Rule]:
        """All of them."""
        return self._all
