"""What clients of queues did and were told, and what must never be seen of it. Knows values; knows no client, no broker.

Every value is sent once. `settled` are those whose acknowledgement was told to be safe; `copied` those that a transaction
acknowledged and published anew, as one.
"""

import threading
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass
class Rest:
    """What is in the queues in the end: `drained` of those that were consumed, `copies` and `dead` of the others."""

    drained: list[str] = field(default_factory=list)
    copies: list[str] = field(default_factory=list)
    dead: list[str] = field(default_factory=list)


class QueueHistory:
    """Told by many threads. `life` is how often the broker was killed: what a client tells is of the life that it
    connected in, for it may read late what a dead broker wrote."""

    def __init__(self) -> None:
        self._lock, self._clock = threading.Lock(), 0
        self.life = 0
        self.sent: set[str] = set()
        self.confirmed: set[str] = set()
        self.delivered: dict[str, list[tuple[int, int]]] = {}
        self.settled: dict[str, tuple[int, int]] = {}
        self.copied: set[str] = set()

    def send(self, values: Iterable[str]) -> None:
        """They are about to be published."""
        with self._lock:
            self.sent.update(values)

    def confirm(self, values: Iterable[str]) -> None:
        """The broker said that it has them."""
        with self._lock:
            self.confirmed.update(values)

    def deliver(self, value: str, life: int) -> None:
        """A consumer got it."""
        with self._lock:
            self._clock += 1
            self.delivered.setdefault(value, []).append((life, self._clock))

    def settle(self, values: Iterable[str], copied: bool, life: int) -> None:
        """The broker said that their acknowledgements are safe."""
        with self._lock:
            self._clock += 1
            for value in values:
                self.settled.setdefault(value, (life, self._clock))
                if copied:
                    self.copied.add(value)

    def anomalies(self, rest: Rest) -> list[str]:
        """Each by its name; empty where all promises were kept."""
        for value in rest.drained:
            self.deliver(value, self.life + 1)
        copies, dead, drained = Counter(rest.copies), Counter(rest.dead), set(rest.drained)
        seen = {*self.delivered, *copies, *dead}
        found = {
            "made up": seen - self.sent,
            "lost": self.confirmed - seen,
            "came back": {one for one, at in self.settled.items() if max(self.delivered[one]) > at},
            "copied twice": {one for one, count in copies.items() if count > 1},
            "half": (self.copied - set(copies)) | (set(copies) & drained),
            "dead twice": {one for one, count in dead.items() if count > 1},
            "dead and alive": set(dead) & (drained | set(self.settled) | set(copies)),
            "drained twice": {one for one, count in Counter(rest.drained).items() if count > 1},
        }
        return [f"{name} {one}" for name, values in found.items() for one in sorted(values)]
