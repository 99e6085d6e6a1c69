"""Whose turn it is among the consumers of one queue: round and round, those of a higher priority first.

A consumer that cannot be given anything just now steps out, and comes in again, last, when it can (`able`). Turns are told
for many messages at a time: so many rounds of so many consumers. Knows what a consumer may hold; knows no message.
"""

from collections import deque
from collections.abc import Sequence
from typing import Protocol

from penstock.broker.queues.queue.ready import Item
from penstock.calls.queues import ConsumerInfo

MANY = 4096
"""Messages in one lease, where nothing else bounds them."""


class Lessee(Protocol):
    """Who asks for messages, for some consumers together. `prefetch_whole`: what all of these may hold, 0 for any;
    `room_bytes`: what it asked for, 0 while it did not."""

    prefetch_whole: int
    room_bytes: int


class Taker(Protocol):
    """What a queue asks of its consumers. `able`: it stands in the queue's turns."""

    able: bool
    exclusive: bool
    no_ack: bool
    priority: int

    @property
    def channel(self) -> Lessee:
        """Who asks for it."""

    def credit(self) -> int:
        """How many more it may hold."""

    def room(self) -> int:
        """How many it may be given now."""

    def pick(self, items: Sequence[Item]) -> None:
        """These go to it."""

    def wake(self) -> None:
        """There may be more for it."""

    def cancel(self) -> None:
        """Its queue is gone."""

    def told(self, active: bool) -> ConsumerInfo:
        """What is told of it; `active`: it is not one that waits for another's end."""


class Turns:
    """`all` are the consumers in the order in which they came. With `single_active` only the oldest is given anything."""

    __slots__ = ("_able", "all", "single_active")

    def __init__(self, single_active: bool) -> None:
        self.single_active = single_active
        self.all: dict[Taker, None] = {}
        self._able: dict[int, deque[Taker]] = {}  # by priority, the highest first

    def __len__(self) -> int:
        return len(self.all)

    @property
    def active(self) -> Taker | None:
        """The one that is given something while the others wait for its end; None where all are."""
        return next(iter(self.all), None) if self.single_active else None

    @property
    def exclusive(self) -> bool:
        """Whether the queue's consumer wants no other beside it."""
        return any(consumer.exclusive for consumer in self.all)

    def add(self, consumer: Taker) -> None:
        """One more."""
        self.all[consumer] = None
        if consumer.priority not in self._able:
            ranks = sorted({*self._able, consumer.priority}, reverse=True)
            self._able = {rank: self._able.get(rank, deque()) for rank in ranks}
        self.able(consumer)

    def remove(self, consumer: Taker) -> None:
        """It is over."""
        if consumer not in self.all:
            return  # it reads, and takes nothing out of the queue
        del self.all[consumer]
        if consumer.able:
            consumer.able = False
            self._able[consumer.priority].remove(consumer)
        if self.single_active and self.all:
            self.able(next(iter(self.all)))

    def able(self, consumer: Taker) -> None:
        """It may be given something again."""
        if not consumer.able:
            consumer.able = True
            self._able[consumer.priority].append(consumer)

    def next(self, most: int) -> tuple[list[Taker], int]:
        """Whose turns come, in their order, when there are `most` messages, and for how many rounds all of them have room.

        Nobody where nobody can take any. Say afterwards how many messages were given (`passed`).
        """
        active = self.active
        for able in self._able.values():
            found: list[Taker] = []
            rounds = MANY
            while able and len(found) < most:
                consumer = able.popleft()
                room = consumer.room() if active is None or consumer is active else 0
                if room <= 0:
                    consumer.able = False
                    continue
                shares = consumer.channel.prefetch_whole > 0
                if shares and found:
                    able.appendleft(consumer)
                    break
                found.append(consumer)
                rounds = min(rounds, room)
                if (
                    shares
                ):  # its room is that of all consumers of its channel: nobody else's can be told beside it
                    break
            if found:
                # Who was not asked comes before these come again; and of two consumers of one channel one would be
                # sent its second message before the other its first, where a channel is to see the queue's order.
                if able or len({consumer.channel for consumer in found}) < len(found):
                    rounds = 1
                able.extendleft(reversed(found))
                return found, rounds
        return [], 0

    def passed(self, consumers: list[Taker], count: int) -> None:
        """Those of `next` were given so many messages, one after the other."""
        self._able[consumers[0].priority].rotate(-count)

    def wants(self) -> bool:
        """Whether somebody could take more, but is busy with what was given last."""
        return any(consumer.credit() > 0 for consumer in self.all)
