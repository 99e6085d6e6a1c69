"""A headers exchange's bindings: each asks for values in the message's headers, all of them or any.

Source: RabbitMQ's page on exchanges: names that begin with `x-` do not count unless the match is one `-with-x`; a value
of no type asks only that the header is there.
"""

from collections.abc import Iterator, Mapping

from penstock.broker.queues.exchanges.matching import Rule
from penstock.broker.queues.queue.arguments import type_of
from penstock.content import Field

MATCHES = ("all", "any", "all-with-x", "any-with-x")


class Headers:
    """Looks at all bindings: there is nothing to find them by."""

    by_headers = True

    def __init__(self) -> None:
        self._all: dict[Rule, None] = {}

    def add(self, rule: Rule) -> None:
        """Whatever its key."""
        self._all[rule] = None

    def remove(self, rule: Rule) -> None:
        """Forget it."""
        del self._all[rule]

    def match(self, key: str, headers: Mapping[str, Field]) -> Iterator[Rule]:
        """Those whose arguments the headers fit."""
        return (rule for rule in self._all if fits(rule.arguments, headers))


def fits(arguments: Mapping[str, Field], headers: Mapping[str, Field]) -> bool:
    """Whether the headers have what the arguments ask for."""
    how = str(arguments.get("x-match", "all"))
    asked = [
        (name, value)
        for name, value in arguments.items()
        if name != "x-match" and (how.endswith("-with-x") or not name.startswith("x-"))
    ]
    found = (name in headers and (value is None or _same(value, headers[name])) for name, value in asked)
    return any(found) if how.startswith("any") else all(found)


def refused_match(arguments: Mapping[str, Field]) -> str | None:
    """What is wrong with a binding's arguments, in RabbitMQ's words; None where nothing is."""
    how = arguments.get("x-match", "all")
    if not isinstance(how, str):
        return f"Invalid x-match field type {type_of(how)} (value {how}); expected longstr"
    if how in MATCHES:
        return None
    return f'Invalid x-match field value <<"{how}">>; expected all, any, all-with-x, or any-with-x'


def _same(one: Field, other: Field) -> bool:
    kinds = (bool, int | float, str, bytes)  # numbers by their value, but no text for a number
    return one == other and [isinstance(one, k) for k in kinds] == [isinstance(other, k) for k in kinds]
