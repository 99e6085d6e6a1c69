"""Hands out producer ids, each once, for ever.

Ids are reserved in blocks of `BLOCK`: a record in `_penstock.producer_ids` says where the next block begins, and
no id of a block is handed out before that record is on disk. A crash loses the rest of a block, never gives an id twice.
"""

import json
from collections import deque
from collections.abc import Callable

from penstock.broker.topics.internal import PRODUCER_IDS, InternalTopics
from penstock.clock import Now
from penstock.errors import PenstockError, Refused
from penstock.record import Record

BLOCK = 1000
VERSION = 1

Then = Callable[[int | Refused, Now], None]


class ProducerIds:
    """The next id, and who waits for a block to be safe."""

    def __init__(self, internal: InternalTopics) -> None:
        self._internal = internal
        self._next = self._end = 0
        self._waiting: deque[Then] = deque()
        self._load()

    def take(self, then: Then, now: Now) -> None:
        """Call `then` with a new id: at once, or when a block is reserved."""
        if self._next < self._end:
            self._next += 1
            then(self._next - 1, now)
            return
        self._waiting.append(then)
        if len(self._waiting) == 1:
            self._reserve(now)

    def _load(self) -> None:
        for stored in self._internal.read(PRODUCER_IDS, 0):
            value = json.loads(stored.value or b"{}")
            if value.get("version", VERSION) > VERSION:
                raise PenstockError(
                    f"{PRODUCER_IDS} was written by a newer penstock (format {value['version']})",
                    remedy="start that version, or a new data directory",
                )
            self._next = self._end = max(self._end, int(value["next"]))
        self._next = self._end = self._end + BLOCK * self._internal.lost[PRODUCER_IDS]  # no id is given twice

    def _reserve(self, now: Now) -> None:
        end = self._end + BLOCK
        value = json.dumps({"version": VERSION, "next": end}).encode()
        reserved = Record(b"next", value, now.wall_ms)

        def safe(refused: Refused | None, now: Now) -> None:
            if refused is None:
                self._next, self._end = end - BLOCK, end
            waiting, self._waiting = self._waiting, deque()
            for then in waiting:
                if refused is None:
                    self.take(then, now)
                else:
                    then(refused, now)

        self._internal.write(PRODUCER_IDS, 0, [reserved], safe, now)
