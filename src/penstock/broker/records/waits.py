"""Fetches that wait for records: found by topic, never by looking at all of them.

Knows the waiting fetches and counts what has come for them; how they are answered is theirs.
"""

from collections.abc import Callable

from penstock.broker.turns.timers import Timer
from penstock.calls import FetchPart
from penstock.clock import Now
from penstock.later import Later
from penstock.log import Partition
from penstock.record import scan


class FetchWait:
    """One waiting fetch. `missing_bytes` more are wanted; `answer` answers it with what there is."""

    __slots__ = ("_ask_seen", "_end_of", "_seen", "answer", "later", "missing_bytes", "timer", "topics")

    def __init__(
        self,
        topics: set[str],
        seen: Callable[[], list[tuple[FetchPart, int]]],
        missing_bytes: int,
        end_of: Callable[[Partition], int],
        answer: Callable[[Now], None],
    ) -> None:
        """`seen` gives its parts with the offset up to which their bytes are counted, and is asked when one of `topics`
        moves: most waits end without. `end_of` says how far it may read."""
        self.later: Later[object] = Later()
        self.answer, self.missing_bytes, self._end_of = answer, missing_bytes, end_of
        self.timer: Timer | None = None
        self._ask_seen, self._seen = seen, dict[tuple[str, int], list[int]]()
        self.topics = topics

    def grew(self, partition: Partition) -> bool:
        """Count what is new in `partition`; whether the fetch has all it waits for."""
        if not self._seen:
            self._seen = {(p.topic, p.partition): [seen, p.bytes_max] for p, seen in self._ask_seen()}
        seen = self._seen.get((partition.topic, partition.index))
        if seen is None:
            return False
        end = self._end_of(partition)
        if seen[0] >= end:
            return False
        while self.missing_bytes > 1 and seen[0] < end:
            new = partition.read(seen[0], max(1, min(seen[1], self.missing_bytes)), end=end)
            self.missing_bytes, seen[1] = self.missing_bytes - len(new), seen[1] - len(new)
            ends = [info.last_offset + 1 for info in scan(new)]
            if not ends:
                break
            seen[0] = ends[-1]
        return self.missing_bytes <= 1


class FetchWaits:
    """All waiting fetches, under each topic they read."""

    def __init__(self) -> None:
        self._by_topic: dict[str, dict[FetchWait, None]] = {}
        self._by_token: dict[Later[object], FetchWait] = {}

    def __len__(self) -> int:
        return len(self._by_token)

    def add(self, wait: FetchWait) -> None:
        """Begin to wait; the fetch's `later` is its token."""
        self._by_token[wait.later] = wait
        for topic in wait.topics:
            self._by_topic.setdefault(topic, {})[wait] = None

    def remove(self, wait: FetchWait) -> bool:
        """Wait no longer; False where it did not."""
        if self._by_token.pop(wait.later, None) is None:
            return False
        if wait.timer is not None:
            wait.timer.cancel()
        for topic in wait.topics:
            waiting = self._by_topic[topic]
            waiting.pop(wait)
            if not waiting:
                del self._by_topic[topic]
        return True

    def wake(self, partition: Partition, now: Now) -> None:
        """More can be read of `partition`: answer the fetches that have enough now."""
        waiting = self._by_topic.get(partition.topic)
        if waiting:
            for wait in [w for w in waiting if w.grew(partition)]:
                wait.answer(now)

    def wake_topic(self, topic: str, now: Now) -> None:
        """The topic is gone or new: its readers should hear so at once."""
        for wait in list(self._by_topic.get(topic, ())):
            wait.answer(now)

    def drop(self, token: object) -> bool:
        """Nobody is there to be answered any more."""
        wait = self._by_token.get(token)  # type: ignore[call-overload]  # any object may be asked for
        return wait is not None and self.remove(wait)
