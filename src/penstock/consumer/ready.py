"""What may be handled next, and who waits for it: a queue with a gate, closed while partitions are given up.

Knows how many are being handled and since when; knows nothing of records.
"""

import asyncio
from collections import deque

from penstock.consumer.delivery import Delivery


class Ready:
    """`take` in as many tasks as are to run at once; each says `finished` when it is done with what it took."""

    def __init__(self) -> None:
        self.running: dict[Delivery, float] = {}
        self.is_open = False
        self.ended = False
        self._queue: deque[Delivery] = deque()
        self._waiters: deque[asyncio.Future[None]] = deque()
        self._idle = asyncio.Event()
        self._idle.set()

    def __len__(self) -> int:
        return len(self._queue)

    def put(self, delivery: Delivery) -> None:
        """It may be handled."""
        self._queue.append(delivery)
        if self.is_open:
            self._wake(1)

    async def take(self) -> Delivery | None:
        """The next one; None once all has ended."""
        while not self.ended:
            if self.is_open and self._queue:
                delivery = self._queue.popleft()
                if not delivery.share.alive:
                    continue
                self.running[delivery] = asyncio.get_running_loop().time()
                self._idle.clear()
                return delivery
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiters.append(waiter)
            await waiter
        return None

    def finished(self, delivery: Delivery) -> None:
        """It is handled, however it ended."""
        self.running.pop(delivery, None)
        if not self.running:
            self._idle.set()

    def open(self) -> None:
        """Let records out."""
        self.is_open = True
        self._wake(len(self._queue))

    async def close(self, seconds: float) -> bool:
        """Let no more out, and wait for what is out; whether it came back in time."""
        self.is_open = False
        try:
            async with asyncio.timeout(seconds):
                await self._idle.wait()
        except TimeoutError:
            return False
        return True

    def forget(self) -> None:
        """Drop what waits and belongs to partitions that were given up."""
        self._queue = deque(each for each in self._queue if each.share.alive)

    def end(self) -> None:
        """Nothing comes any more: who waits is told."""
        self.ended, self.is_open = True, False
        self._wake(len(self._waiters))

    def _wake(self, number: int) -> None:
        while number and self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(None)
                number -= 1
