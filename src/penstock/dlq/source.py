"""What can be done with dead letters, wherever they lie: the seam between a surface (command, HTTP, console) and a place.

`TopicSource` is a topic, `QueueSource` a queue. Knows no surface, no server.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from penstock.dead_letters import DeadLetter
from penstock.errors import PenstockError

WAITING, REDRIVEN, PURGED, REPLACED = "waiting", "redriven", "purged", "replaced"
"""What became of a letter: nothing yet; sent back; given up for good; an edited one stands in its place."""


@dataclass(frozen=True, slots=True)
class Letter:
    """A dead letter at its place. `name` is what it is asked for by: ``partition:offset`` in a topic."""

    name: str
    state: str
    at_ms: int
    letter: DeadLetter
    omitted: bool = False
    """Whether its value was left out, because it did not fit beside its reason."""


@dataclass(frozen=True, slots=True)
class Filter:
    """Which letters are meant: those that match all that is given. Times are of the last failure, in epoch ms."""

    names: frozenset[str] = frozenset()
    reason: str = ""
    exception: str = ""
    owner: str = ""
    key: str | None = None
    contains: str = ""
    since_ms: int = 0
    until_ms: int = 0
    states: frozenset[str] = frozenset({WAITING})

    def takes(self, found: Letter) -> bool:
        """Whether the letter is meant. `exception`: the class by its full name or its last word."""
        letter = found.letter
        kind = letter.failing.kind
        return (
            found.state in self.states
            and (not self.names or found.name in self.names)
            and (not self.reason or letter.reason == self.reason)
            and (not self.exception or self.exception in (kind, kind.rpartition(".")[2]))
            and (not self.owner or letter.owner == self.owner)
            and (self.key is None or letter.key == self.key.encode())
            and (not self.contains or self.contains.encode() in (letter.value or b""))
            and (not self.since_ms or letter.last_ms >= self.since_ms)
            and (not self.until_ms or letter.last_ms < self.until_ms)
        )


@dataclass(slots=True)
class Group:
    """Letters of one reason, exception and owner. `example` is the newest one's name."""

    reason: str
    exception: str
    owner: str
    count: int = 0
    first_ms: int = 0
    last_ms: int = 0
    message: str = ""
    example: str = ""

    def add(self, found: Letter) -> None:
        """One more."""
        self.count += 1
        self.first_ms = min(self.first_ms or found.letter.first_ms, found.letter.first_ms)
        if found.letter.last_ms >= self.last_ms:
            self.last_ms, self.message = found.letter.last_ms, found.letter.failing.message
            self.example = found.name


@dataclass(frozen=True, slots=True)
class Summary:
    """A place's letters, counted. `complete` is false where only the newest were looked at."""

    groups: list[Group]
    states: Counter[str]
    complete: bool


@dataclass(frozen=True, slots=True)
class How:
    """How letters are sent back.

    `to`: another topic than where each came from; `rate`: letters a second, 0 for as fast as it goes; `limit`: how
    many at most, 0 for all; `redrives_max`: one that was sent back so often already stays.
    """

    to: str = ""
    rate: float = 0.0
    limit: int = 0
    redrives_max: int = 10
    may_write: Callable[[str], bool] = field(default=lambda topic: True, repr=False)
    """Whether who asks may write to a topic: a letter says by itself where it came from."""

    def __post_init__(self) -> None:
        """Raises PenstockError for what cannot be meant."""
        if not 0 <= self.rate <= 1e9 or self.limit < 0 or self.redrives_max < 1:
            raise PenstockError(
                "rate and limit are 0 (none) or more, and a letter is sent back at least once",
                place="rate, limit, redrives_max",
            )


@dataclass(slots=True)
class Outcome:
    """How far work on letters is. `matched`: those that are meant, so far; `skipped`: why some were left, and how many."""

    operation: str
    what: str
    dry_run: bool = False
    state: str = "running"
    matched: int = 0
    done: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    targets: Counter[str] = field(default_factory=Counter)
    read: int = 0
    total: int = 0
    error: str = ""


Told = Callable[[Outcome], None]
"""Called with how far it is, now and then."""


class Source(Protocol):
    """A place where dead letters lie."""

    name: str

    async def summary(self, wanted: Filter) -> Summary:
        """Its letters, counted by reason, exception and owner."""

    async def letters(self, wanted: Filter, limit: int) -> list[Letter]:
        """The newest that are meant, newest first."""

    async def show(self, name: str) -> Letter:
        """One letter; raises PenstockError where there is none of this name."""

    async def edit(self, name: str, value: bytes | None, by: str) -> str:
        """Put a letter with another body in its place; the new one's name."""

    async def redrive(self, wanted: Filter, how: How, by: str, told: Told, dry_run: bool = False) -> Outcome:
        """Send letters back to where they are tried again; never one twice."""

    async def purge(self, wanted: Filter, by: str, told: Told, dry_run: bool = False) -> Outcome:
        """Give letters up for good."""
