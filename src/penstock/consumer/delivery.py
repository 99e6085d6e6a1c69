"""One record on its way through a consumer: what a handler is given, and what became of it.

Knows nothing of who reads, of threads, or of what is written when it fails.
"""

import itertools
import json
from types import TracebackType
from typing import Any

from penstock.dead_letters import DeadLetter, Origin, redrives_of, without_marks
from penstock.record import Record, size_of

Part = tuple[str, int]
_TURNS = itertools.count()
"""In which order deliveries came, whichever partition they are of."""


class Delivery:
    """A record to handle. `topic`, `partition` and `offset` are where it was first, however often it was retried.

    `attempt` counts from 1. In ``async for``, a delivery is done when the next one is asked for; what is raised inside
    of ``with delivery:`` is its failure, and the loop goes on.
    """

    __slots__ = (
        "_origin", "attempt", "error", "headers", "held", "key", "letter", "move", "passed_to", "redrives", "settled",
        "share", "size", "source", "source_offset", "timestamp_ms", "turn", "value",
    )  # fmt: skip

    def __init__(
        self, record: Record, source: Part, origin: Origin | None = None, letter: DeadLetter | None = None
    ) -> None:
        """Read from `source`, and first of `origin`, where that is another place."""
        self.key, self.value, self.headers = record.key, record.value, record.headers
        self.redrives = 0
        if letter is not None:
            self.redrives, self.headers = letter.redrives, letter.headers
        elif record.headers:
            self.redrives = redrives_of(record.headers)
            self.headers = without_marks(record.headers)
        self.timestamp_ms = record.timestamp_ms if origin is None else origin.timestamp_ms
        self._origin, self.letter = origin, letter
        self.attempt = 1 if letter is None else letter.attempts + 1
        self.size = size_of(record)
        self.source, self.source_offset = source, record.offset
        self.passed_to = record.offset + 1  # the offset behind it, and behind what is done right after it
        self.turn = next(_TURNS)
        self.settled = False
        self.error: BaseException | None = None
        self.held: Any = None  # its place in the topic of what is held back, where it came from there
        self.share: Any = None  # whose it is: the partition with its retries
        self.move: Any = None  # what is to be written when it is settled

    @property
    def origin(self) -> Origin:
        """Where it was first. Made when it is asked for: most records are handled and gone."""
        if self._origin is None:
            self._origin = Origin(*self.source, self.source_offset, self.timestamp_ms)
        return self._origin

    @property
    def topic(self) -> str:
        """The topic it was produced to."""
        return self.source[0] if self._origin is None else self._origin.topic

    @property
    def partition(self) -> int:
        """Its partition there."""
        return self.source[1] if self._origin is None else self._origin.partition

    @property
    def offset(self) -> int:
        """Its offset there: with topic and partition, a name for what is to be done once."""
        return self.source_offset if self._origin is None else self._origin.offset

    def json(self) -> Any:
        """The value as JSON; None for none. Raises ValueError."""
        return None if self.value is None else json.loads(self.value)

    def header(self, name: str) -> bytes | None:
        """The last header of this name."""
        return next((value for key, value in reversed(self.headers) if key == name), None)

    def fail(self, error: BaseException) -> None:
        """Say that this one failed, where nothing is raised: it is retried, or becomes a dead letter."""
        self.error = error

    def __enter__(self) -> "Delivery":
        """What is raised inside is this delivery's failure."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        """Note the failure and go on; what ends programs (Ctrl-C, cancelling) goes through."""
        if isinstance(error, Exception):
            self.error = error
            return True
        return False

    def __repr__(self) -> str:
        return f"<Delivery {self.origin} attempt {self.attempt}>"
