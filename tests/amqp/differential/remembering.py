"""What a scenario's listener remembers, so that what comes back can be told by what it came through.

Exchanges and queues with what is particular about them, consumers, delivery tags, bounds, what gave messages back.
Knows methods' plain values; knows no sockets and no scenarios.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

TOLD_BY_VALUE: Final = {
    "x-overflow", "x-queue-type", "x-match", "x-single-active-consumer", "x-stream-offset", "x-queue-mode",
}  # fmt: skip
NAMES: Final = {
    "queue", "exchange", "routing_key", "consumer_tag", "delivery_tag", "source", "destination", "arguments",
}  # fmt: skip


def traits(values: Mapping[str, Any]) -> set[str]:
    """What is asked for besides the plain method: flags, and arguments by name."""
    found = {key for key, value in values.items() if key not in NAMES and value is True}
    found |= {key for key in ("prefetch_count", "prefetch_size") if values.get(key)}
    for key, value in (values.get("arguments") or {}).items():
        known = key.startswith(("x-", "alternate"))
        found.add(f"{key}={value}" if key in TOLD_BY_VALUE else key if known else "an argument of nobody's")
    return found


@dataclass
class Side:
    """One channel as its client sees it."""

    asked: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)
    closed_by: str = ""
    transaction: bool = False
    bound: int = 0
    whole_bound: int = 0
    held: dict[int, str] = field(default_factory=dict)
    given: int = 0
    published: list[set[str]] = field(default_factory=list)
    confirms: bool = False
    in_transaction: set[str] = field(default_factory=set)

    def tag(self, tag: int) -> str:
        """What a delivery tag stands for at this moment."""
        if tag == 0:
            return "all of what is held" if self.held else "all of nothing"
        if tag in self.held:
            return "a tag that is held"
        return "a tag that was never given" if tag > self.given else "a tag that is held no more"

    def settled(self, tag: int, multiple: bool) -> None:
        """These tags are held no longer."""
        done = [one for one in self.held if one == tag or (multiple and (tag == 0 or one < tag))]
        for one in done:
            del self.held[one]


class Memory:
    """All of one scenario's connections together."""

    def __init__(self) -> None:
        self.sides: dict[tuple[Any, int], Side] = defaultdict(Side)
        self.exchanges: dict[str, set[str]] = {"": {"the default exchange"}}
        self.patterns: dict[str, set[str]] = defaultdict(set)
        self.queues: dict[str, set[str]] = {}
        self.consumers: dict[tuple[Any, int, str], tuple[str, set[str], int]] = {}
        self.gave_back = "its connection ended"
        self.last_tag = ""

    def exchange(self, values: Mapping[str, Any]) -> None:
        """An exchange is declared."""
        kind = {values.get("exchange_type", "direct")}
        self.exchanges.setdefault(values["exchange"], kind | traits(values) - {"durable"})

    def bound(self, values: Mapping[str, Any]) -> None:
        """A binding is made: a pattern, or headers, is what messages come through."""
        source = values.get("source", values.get("exchange"))
        kinds = self.exchanges.setdefault(source, {source})
        if "topic" in kinds:
            self.patterns[source].add(values.get("routing_key", ""))
        if "headers" in kinds:
            arguments = values.get("arguments") or {}
            words = [f"{key}={value}" if key == "x-match" else key for key, value in arguments.items()]
            self.patterns[source].add(", ".join(sorted(words)) or "no header")
        if "destination" in values:
            kinds.add("another exchange behind it")

    def way(self, exchange: str) -> set[str]:
        """What a message came through."""
        found = {f"through {one}" for one in self.exchanges.get(exchange, {exchange})}
        if self.patterns[exchange]:
            found.add(f"through a pattern: {' | '.join(sorted(self.patterns[exchange]))}")
        return found

    def into(self, values: Mapping[str, Any]) -> set[str]:
        """What is particular about the queue that a message is sent to by its name."""
        named = self.queues.get(values["routing_key"]) if values["exchange"] == "" else None
        return {f"into a queue with {one}" for one in named or ()}
