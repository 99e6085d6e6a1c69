"""One record on its way through a consumer: what a handler is given, and what became of it.

Knows nothing of who reads, of threads, or of what is written when it fails.
"""

import itertools
import json
from collections.abc import Sequence
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
        "attempt", "error", "headers", "held", "key", "letter", "moves", "origin", "redrives", "settled", "share",
        "size", "source", "source_offset", "timestamp_ms", "turn", "value",
    )  # fmt: skip

    def __init__(
        self, record: Record, source: Part, origin: Origin, letter: DeadLetter | None = None
    ) -> None:
        self.key, self.value, self.headers = record.key, record.value, record.headers
        self.redrives = 0
        if letter is not None:
            self.redrives, self.headers = letter.redrives, letter.headers
        elif record.headers:
            self.redrives = redrives_of(record.headers)
            self.headers = without_marks(record.headers)
        self.timestamp_ms = origin.timestamp_ms
        self.origin, self.letter = origin, letter
        self.attempt = 1 if letter is None else letter.attempts + 1
        self.size = size_of(record)
        self.source, self.source_offset = source, record.offset
        self.turn = next(_TURNS)
        self.settled = False
        self.error: BaseException | None = None
        self.held: Any = None  # its place in the topic of what is held back, where it came from there
        self.share: Any = None  # whose it is: the partition with its retries
        self.moves: Sequence[Any] = ()  # what is to be written when it is settled

    @property
    def topic(self) -> str:
        """The topic it was produced to."""
        return self.origin.topic

    @property
    def partition(self) -> int:
        """Its partition there."""
        return self.origin.partition

    @property
    def offset(self) -> int:
        """Its offset there: with topic and partition, a name for what is to be done once."""
        return self.origin.offset

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
