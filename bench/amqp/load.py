"""Publish with confirms, and consume with an acknowledgement for each message: messages a second and milliseconds.

At any time `UNDER_WAY` messages are under way in all, shared among the connections: unconfirmed, or unacknowledged
(prefetch). A publish's milliseconds are those until its confirm; a delivery's those from the acknowledgement that made
room for it.
"""

import contextlib
import selectors
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import accumulate

from bench.amqp.peer import (
    ACK_BYTES,
    RUN,
    WITHIN_S,
    Peer,
    acknowledgements,
    confirmed,
    delivery_bytes,
    message,
)
from bench.amqp.sides import Side

UNDER_WAY = 1000
CONNECTIONS = (1, 10, 100)


@dataclass
class Flow:
    """One connection's messages. `marks`: up to which message something was sent, and when."""

    peer: Peer
    sent: int = 0
    came: int = 0
    marks: deque[tuple[int, float]] = field(default_factory=deque)
    singles: set[int] = field(default_factory=set)

    def timed(self, took: list[float], now_s: float) -> None:
        """What came answers what was sent before."""
        while self.marks and self.marks[0][0] <= self.came:
            _, sent_s = self.marks.popleft()
            took.append(now_s - sent_s)


@dataclass(frozen=True)
class Kind:
    """The messages of a flow: `size` bytes; `varied`: about as many, each another length than the one before."""

    queue: str
    size: int
    varied: bool = False

    def prepared(self) -> tuple[memoryview, list[int]]:
        """A run of them, and where each begins; behind the last, the end."""
        turn = [self.size - 8 + n * 5 % 17 for n in range(17)] if self.varied else [self.size]
        some = [message(self.queue, turn[place % len(turn)]) for place in range(RUN)]
        return memoryview(b"".join(some)), [0, *accumulate(map(len, some))]


def publish(side: Side, kind: Kind, connections: int, count: int, most_s: float) -> dict[str, float]:
    """`count` messages, or as many as can be had in `most_s`. Raises TimeoutError when nothing is confirmed."""
    run, ends = kind.prepared()
    window = max(1, UNDER_WAY // connections)
    took: list[float] = []
    with _flows(side, connections) as (flows, ready):
        flows[0].peer.declare(kind.queue)
        for flow in flows:
            flow.peer.ask("confirm.select")
            flow.peer.socket.setblocking(False)
        cpu_s, begun_s = side.cpu_s(), time.monotonic()
        sent = came = 0
        now_s = begun_s

        def fill(flow: Flow) -> None:
            nonlocal sent
            room = min(window - (flow.sent - flow.came), count - sent, RUN)
            if room > 0 and not flow.peer.unsent and now_s - begun_s < most_s:
                flow.peer.send(run[: ends[room]])
                flow.sent += room
                sent += room
                flow.marks.append((flow.sent, now_s))

        for flow in flows:
            fill(flow)
        for flow in _ready(ready, flows):
            before = flow.came
            flow.came = confirmed(flow.peer.held, before, flow.singles)
            came += flow.came - before
            now_s = time.monotonic()
            flow.timed(took, now_s)
            fill(flow)
            if came == sent:
                break
        return _figures(came, now_s - begun_s, side.cpu_s() - cpu_s, took)


def consume(side: Side, queue: str, connections: int, count: int, most_s: float) -> dict[str, float]:
    """`count` messages that are in the queue, or as many as can be had in `most_s`. Raises TimeoutError when none come."""
    window = max(1, UNDER_WAY // connections)
    acks = memoryview(acknowledgements(1, count))
    took: list[float] = []
    with _flows(side, connections) as (flows, ready):
        for flow in flows:
            flow.peer.ask("basic.qos", prefetch_count=window)
        cpu_s, begun_s = side.cpu_s(), time.monotonic()
        for flow in flows:
            flow.peer.ask("basic.consume", queue=queue, consumer_tag="c")
            flow.marks.append((window, time.monotonic()))
            flow.peer.socket.setblocking(False)
        came, length, now_s = 0, 0, begun_s
        for flow in _ready(ready, flows):
            now_s = time.monotonic()
            length = length or delivery_bytes(flow.peer.held)
            fresh = len(flow.peer.held) // length if length else 0
            if fresh:
                came += fresh
                _take(flow, fresh, length, acks)
                flow.timed(took, now_s)
                flow.marks.append((flow.came + window, now_s))
            if came >= count or now_s - begun_s > most_s:
                break
        return _figures(came, now_s - begun_s, side.cpu_s() - cpu_s, took)


def _take(flow: Flow, fresh: int, length: int, acks: memoryview) -> None:
    """Deliveries of `length` bytes each, acknowledged one by one."""
    held = flow.peer.held
    if held[0] != 1 or held[fresh * length - 1] != 0xCE:
        raise ConnectionError(f"no deliveries: {bytes(held[:200])!r}")
    del held[: fresh * length]
    flow.peer.send(acks[flow.came * ACK_BYTES : (flow.came + fresh) * ACK_BYTES])
    flow.came += fresh


@contextlib.contextmanager
def _flows(side: Side, connections: int) -> Iterator[tuple[list[Flow], selectors.BaseSelector]]:
    flows = [Flow(Peer(side.address)) for _ in range(connections)]
    with selectors.DefaultSelector() as ready:
        for flow in flows:
            ready.register(flow.peer.socket, selectors.EVENT_READ, flow)
        try:
            yield flows, ready
        finally:
            for flow in flows:
                flow.peer.close()


def _ready(ready: selectors.BaseSelector, flows: list[Flow]) -> Iterator[Flow]:
    """Those to which something came; what a socket would not take before is offered again meanwhile."""
    yield from flows  # something may have come with the last answer
    while True:
        stuck = any(flow.peer.unsent for flow in flows)
        found = [key.data for key, _ in ready.select(0.001 if stuck else WITHIN_S)]
        if not found and not stuck:
            raise TimeoutError(f"nothing came in {WITHIN_S:.0f} s")
        for flow in flows if stuck else ():
            flow.peer.go_on()
        for flow in found:
            flow.peer.take()
            yield flow


def _figures(count: int, spent_s: float, cpu_s: float, took: list[float]) -> dict[str, float]:
    ordered = sorted(took) or [spent_s]
    return {
        "messages_s": count / spent_s,
        "p50_ms": ordered[len(ordered) // 2] * 1000,
        "p99_ms": ordered[int(len(ordered) * 0.99)] * 1000,
        "cpu_ms": cpu_s * 1e6 / count,
        "count": count,
    }
