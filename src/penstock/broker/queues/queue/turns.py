"""Whose turn it is among the consumers of one queue: round and round, those of a higher priority first.

A consumer that cannot be given anything just now steps out, and comes in again, last, when it can (`able`). Knows what a
consumer may hold; knows no message.
"""

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from penstock.broker.queues.channels.consumer import Consumer


class Turns:
    """`all` are the consumers in the order in which they came. With `single_active` only the oldest is given anything."""

    __slots__ = ("_able", "all", "single_active")

    def __init__(self, single_active: bool) -> None:
        self.single_active = single_active
        self.all: dict[Consumer, None] = {}
        self._able: dict[int, deque[Consumer]] = {}  # by priority, the highest first

    def __len__(self) -> int:
        return len(self.all)

    @property
    def active(self) -> "Consumer | None":
        """The one that is given something while the others wait for its end; None where all are."""
        return next(iter(self.all), None) if self.single_active else None

    @property
    def exclusive(self) -> bool:
        """Whether the queue's consumer wants no other beside it."""
        return any(consumer.exclusive for consumer in self.all)

    def add(self, consumer: "Consumer") -> None:
        """One more."""
        self.all[consumer] = None
        if consumer.priority not in self._able:
            ranks = sorted({*self._able, consumer.priority}, reverse=True)
            self._able = {rank: self._able.get(rank, deque()) for rank in ranks}
        self.able(consumer)

    def remove(self, consumer: "Consumer") -> None:
        """It is over."""
        if consumer not in self.all:
            return  # it reads, and takes nothing out of the queue
        del self.all[consumer]
        if consumer.able:
            consumer.able = False
            self._able[consumer.priority].remove(consumer)
        if self.single_active and self.all:
            self.able(next(iter(self.all)))

    def able(self, consumer: "Consumer") -> None:
        """It may be given something again."""
        if not consumer.able:
            consumer.able = True
            self._able[consumer.priority].append(consumer)

    def next(self) -> "tuple[Consumer, int] | None":
        """Whose turn it is, and how many it may be given: one where others wait, too. None where nobody can take any."""
        active = self.active
        for able in self._able.values():
            while able:
                consumer = able[0]
                room = consumer.room() if active is None or consumer is active else 0
                if room > 0:
                    if len(able) == 1:
                        return consumer, room
                    able.rotate(-1)
                    return consumer, 1
                able.popleft()
                consumer.able = False
        return None

    def wants(self) -> bool:
        """Whether somebody could take more, but is busy with what was given last."""
        return any(consumer.credit() > 0 for consumer in self.all)
