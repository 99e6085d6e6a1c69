"""Appends that take more than one turn of the loop: what comes to the same partition meanwhile waits, in its order.

Knows partitions and steps; knows not what is written.
"""

from collections import deque

from penstock.broker.turns.errands import SLICING, Errands, others_first
from penstock.later import Later, Steps
from penstock.log import Partition


class Lines:
    """Those of one broker: a partition has one while something is written to it in slices."""

    def __init__(self, errands: Errands) -> None:
        self._errands = errands
        self._waiting: dict[Partition, deque[tuple[Steps[object], Later[object]]]] = {}

    def add(self, partition: Partition, steps: Steps[object]) -> object:
        """What comes of the steps, at once where nobody is before them and they are few; else a `Later`."""
        waiting = self._waiting.get(partition)
        if waiting is not None:
            later: Later[object] = Later()
            waiting.append((_after_others(steps), later))
            return later
        found = self._errands.begin(SLICING, steps)
        if isinstance(found, Later):
            self._waiting[partition] = deque()
            found.watch(lambda _: self._next(partition))
        return found

    def _next(self, partition: Partition) -> None:
        waiting = self._waiting[partition]
        if not waiting:
            del self._waiting[partition]
            return
        steps, later = waiting.popleft()
        found = self._errands.run(SLICING, steps)
        found.watch(later.resolve)
        found.watch(lambda _: self._next(partition))


def _after_others(steps: Steps[object]) -> Steps[object]:
    """Many that waited do not all come in one turn."""
    yield others_first
    return (yield from steps)
