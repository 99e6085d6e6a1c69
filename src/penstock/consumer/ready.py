"""What may be handled next, in the order it came, and who waits for it: with a gate, closed when partitions are given up.

Knows how many are being handled and since when; knows nothing of what becomes of records.
"""

import asyncio
import heapq
from collections import deque
from collections.abc import Callable

from penstock.consumer.delivery import Delivery

TURN_S = 0.005
"""How long records are taken one behind the other before others in the event loop have their turn, in seconds."""

Still = Callable[[Delivery], bool]


class Ready:
    """`take` in as many tasks as are to run at once; each says `finished` when it is done with what it took."""

    def __init__(self) -> None:
        self.running: dict[Delivery, float] = {}
        self.ended = False
        self._lets_out: Still | None = None  # None: nothing; else what may go
        self._queue: list[tuple[int, Delivery]] = []
        self._kept: list[tuple[int, Delivery]] = []
        self._waiters: deque[asyncio.Future[None]] = deque()
        self._turned_s = 0.0  # when the event loop last went round
        self._idle = asyncio.Event()
        self._idle.set()

    def __len__(self) -> int:
        return len(self._queue)

    def put(self, delivery: Delivery) -> None:
        """It may be handled."""
        if self._lets_out is None or not self._lets_out(delivery):
            self._kept.append((delivery.turn, delivery))
            return
        heapq.heappush(self._queue, (delivery.turn, delivery))
        self._wake(1)

    async def take(self) -> Delivery | None:
        """The next one; None once all has ended."""
        loop = asyncio.get_running_loop()
        while not self.ended:
            if self._queue:
                now_s = loop.time()
                if now_s - self._turned_s > TURN_S:  # who handles without ever waiting would hold up commits
                    await asyncio.sleep(0)
                    self._turned_s = loop.time()
                    continue
                delivery = heapq.heappop(self._queue)[1]
                if not delivery.share.alive:
                    self._look()
                    continue
                self.running[delivery] = now_s
                self._idle.clear()
                return delivery
            waiter: asyncio.Future[None] = loop.create_future()
            self._waiters.append(waiter)
            await waiter
            self._turned_s = loop.time()
        return None

    def finished(self, delivery: Delivery) -> None:
        """It is handled, and what follows from that is put."""
        self.running.pop(delivery, None)
        self._look()

    def open(self) -> None:
        """Let records out."""
        self._only(lambda delivery: True)

    async def close(self, seconds: float, still: Still | None = None) -> bool:
        """Let out only what `still` says, and wait for all that is out; whether it came back in time."""
        self._only(still)
        try:
            async with asyncio.timeout(seconds):
                await self._idle.wait()
        except TimeoutError:
            return False
        finally:
            self._only(None)
        return True

    def forget(self) -> None:
        """Drop what waits and belongs to partitions that were given up."""
        self._kept = [each for each in self._kept if each[1].share.alive]

    def end(self) -> None:
        """Nothing comes any more: who waits is told."""
        self.ended = True
        self._only(None)
        self._wake(len(self._waiters))

    def _only(self, lets_out: Still | None) -> None:
        every = self._queue + self._kept
        self._lets_out = lets_out
        self._queue = [each for each in every if lets_out is not None and lets_out(each[1])]
        self._kept = [each for each in every if lets_out is None or not lets_out(each[1])]
        heapq.heapify(self._queue)
        self._wake(len(self._queue))
        self._look()

    def _look(self) -> None:
        if self.running or self._queue:
            self._idle.clear()
        else:
            self._idle.set()

    def _wake(self, number: int) -> None:
        while number and self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(None)
                number -= 1
