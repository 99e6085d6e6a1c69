"""The topic of what is held back, as one consumer keeps it: a log of records, and of notes which of them have gone on.

The oldest record still held is where the next consumer begins to read; what has gone on out of turn stands in notes.
Knows what is in the log; knows nothing of who is blocked, nor of servers.
"""

import json
from dataclasses import dataclass

from penstock.consumer.delivery import Delivery, Part
from penstock.consumer.partition.order import Held, Written
from penstock.dead_letters import OWN, of_record
from penstock.record import Record

GONE = OWN + "gone"
"""The header of a note, with the group whose note it is; the value lists offsets."""
MEMORY_BYTES = 32 * 1024 * 1024
"""How much of what is held stays in memory, a partition; the rest is fetched when its turn comes."""
NOTED_MAX = 2000
"""How many offsets a note lists at most, so that it fits into any topic."""


@dataclass(slots=True)
class Move:
    """A record to be written beside its topic."""

    part: Part
    record: Record


class Holding:
    """What one group holds back of one partition. `position` is the oldest that is still held, or the end."""

    def __init__(
        self, part: Part, position: int, group: str, share: object, memory_bytes: int = MEMORY_BYTES
    ) -> None:
        self.part, self.group, self.share, self.memory_bytes = part, group, share, memory_bytes
        self.entries: dict[int, Held] = {}
        self._end = position
        self._bytes = 0
        self._gone: list[int] = []
        self._moves: list[Move] = []

    @property
    def position(self) -> int:
        """Where the next consumer begins to read."""
        return next(iter(self.entries), self._end)

    def recall(self, found: Record) -> None:
        """A record of the topic that was there before."""
        self._end = found.offset + 1
        note = next((value for name, value in found.headers if name == GONE), None)
        if note is not None:
            if note.decode("utf-8", "replace") == self.group:
                for offset in _noted(found.value):
                    self._forget(self.entries.pop(offset, None))
            return
        letter = of_record(found)
        if letter.owner == self.group and found.key is not None:
            held = Held(None, found.key, found.offset)
            self.entries[found.offset] = held
            if self._bytes < self.memory_bytes:
                self.remember(held, found)

    def add(self, held: Held, offset: int) -> None:
        """A held record is written."""
        held.offset, held.written = offset, Written.YES
        self.entries[offset] = held
        self._end = max(self._end, offset + 1)
        if held.delivery is not None:
            held.delivery.held, held.delivery.move = held, None
            if self._bytes + held.size > self.memory_bytes and not held.wanted:
                held.delivery = None
            else:
                self._bytes += held.size

    def let_go(self, held: Held, move: Move | None) -> None:
        """It was handled: it is held no longer, and this is what comes of it."""
        if self.entries.pop(held.offset, None) is not None:
            self._forget(held)
            self._gone.append(held.offset)
        held.delivery = None
        if move is not None:
            self._moves.append(move)

    def gather(self, now_ms: int) -> list[Move]:
        """What is to be written since the last time."""
        moves, self._moves = self._moves, []
        noted = sorted(offset for offset in self._gone if offset >= self.position)
        self._gone = []
        for at in range(0, len(noted), NOTED_MAX):
            value = json.dumps(noted[at : at + NOTED_MAX]).encode()
            moves.append(Move(self.part, Record(None, value, now_ms, ((GONE, self.group.encode()),))))
        return moves

    def remember(self, held: Held, found: Record) -> None:
        """Its record, as it goes on when its turn comes: its first attempt is still to be made."""
        delivery = Delivery(found, self.part, of_record(found).origin)
        delivery.held, delivery.share = held, self.share
        held.delivery, held.size = delivery, delivery.size
        self._bytes += held.size

    def _forget(self, held: Held | None) -> None:
        if held is not None and held.delivery is not None:
            self._bytes -= held.size


def _noted(value: bytes | None) -> list[int]:
    """The offsets that a note lists; none where someone else wrote it."""
    try:
        found = json.loads(value or b"")
    except (ValueError, RecursionError):
        return []
    return [each for each in found if isinstance(each, int)] if isinstance(found, list) else []
