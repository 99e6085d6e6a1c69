"""The driver: listens, reads the clocks, runs the disk thread and ticks the broker; the same for every gateway.

The life of a write: connections append in this loop; the first one schedules a round of group commit for the end
of the loop's turn, so that all that came in the same turn share it; `Sync.run` works on the disk thread; then the
broker answers everyone whose bytes are safe. Appends that arrive meanwhile join the next round.
"""

import asyncio
import logging
import resource
import ssl
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial

from penstock.broker.access.logins import Work
from penstock.broker.broker import Broker
from penstock.calls import Call, Fetch
from penstock.clock import Now
from penstock.later import Later
from penstock.log import DiskFull, Log
from penstock.serve.budget import Budget
from penstock.serve.clocks import read_clocks
from penstock.serve.compaction import Compaction, CompactionOptions
from penstock.serve.connection import Connection, Peer
from penstock.serve.errands import ErrandRuns
from penstock.wire.session import Session

logger = logging.getLogger("penstock.serve")

FETCH_ROOM_MIN = 1024 * 1024
SHARE_BYTES_MIN = 64 * 1024


@dataclass(frozen=True)
class ServeOptions:
    """How much the driver lets clients hold."""

    in_flight_bytes_max: int = 256 * 1024 * 1024
    """Bytes of requests, over all connections, that may wait for an answer before reading pauses."""
    connections_max: int = 10_000
    """Connections open at once; further ones are closed at once."""
    unsent_bytes_max: int = 256 * 1024 * 1024
    """Bytes of answers, over all connections, that clients do not take; above it fetches get little more than a batch."""
    untaken_s: float = 60.0
    """A client that takes nothing of its answers for this long is cut off, in seconds."""
    crowded_s: float = 10.0
    """When clients hold too many bytes for this long, the largest unfinished requests are cut off, in seconds."""
    handshake_s: float = 10.0
    """Seconds that a client has for the TLS handshake."""
    turn_s: float = 0.02
    """How long clients with many requests are served before others have their turn, in seconds."""
    parting_s: float = 0.3
    """How long clients have to agree to the end of their connections when the server stops, in seconds."""
    tick_s: float = 0.25
    """Longest time between two looks at timeouts, in seconds."""
    retain_s: float = 300.0
    """Time between two looks for segments that are too old or too many, in seconds (Kafka's
    log.retention.check.interval.ms): records with old timestamps can be read for a while, as there."""


def _sockets_max() -> int:
    """Half of the descriptors that the process may have (the log takes the others), less what it opens at start.

    With none left a sync cannot open its files, which ends the process: clients must not be able to bring that about.
    """
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return sys.maxsize if most == resource.RLIM_INFINITY else max(1, most // 2 - 64)


class Driver:
    """Connects sockets to sessions and sessions to the broker, on one event loop."""

    def __init__(self, broker: Broker, log: Log, options: ServeOptions) -> None:
        self.broker, self.log, self.options = broker, log, options
        self.budget, self.turn_s = Budget(options.in_flight_bytes_max), options.turn_s
        self.connections_max = min(options.connections_max, _sockets_max())
        self.connections: set[Connection] = set()
        self.failed: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.sync_s = 0.0
        self.sync_rounds = 0
        self.lag_s = 0.0
        self._servers: list[asyncio.Server] = []
        self._disk = ThreadPoolExecutor(1, "disk")
        self._slow = ThreadPoolExecutor(1, "passwords")
        self._errands = ErrandRuns(self.settle)
        self.compaction = Compaction(
            log, self._disk, lambda: self.sync_rounds, self._fail, CompactionOptions()
        )
        self._compacting: asyncio.Task[None] | None = None
        self._syncing = self._settling = self._closed = False
        self._ready: set[Connection] = set()
        self._stalled: dict[Connection, None] = {}  # in the order in which their turns come
        self._unsent: set[Connection] = set()
        self.unsent_bytes = 0
        self._crowded_since_s = 0.0
        self._ticking: asyncio.Task[None] | None = None
        self._awake: asyncio.Future[None] | None = None
        self._waking: asyncio.TimerHandle | None = None
        self._wake_s = 0.0

    # --- sockets -------------------------------------------------------------------------------------------------

    async def listen(
        self,
        host: str,
        port: int,
        session: Callable[[Peer], Session],
        tls: ssl.SSLContext | None = None,
    ) -> int:
        """Accept connections; `session` makes one for a peer. The bound port; raises OSError."""
        loop = asyncio.get_running_loop()
        server = await loop.create_server(
            lambda: Connection(self, session),
            host,
            port,
            backlog=1024,
            ssl=tls,
            ssl_handshake_timeout=None if tls is None else self.options.handshake_s,
        )
        self._servers.append(server)
        if self._ticking is None:
            self._ticking = loop.create_task(self._tick())
            self._ticking.add_done_callback(self._ticked)
            self._compacting = loop.create_task(self.compaction.run())
            self._compacting.add_done_callback(self._ticked)
        return int(server.sockets[0].getsockname()[1])

    def opened(self, connection: Connection) -> None:
        """A connection stands; one too many is closed at once."""
        self.connections.add(connection)
        if len(self.connections) > self.connections_max and connection.transport is not None:
            logger.warning("more than %d connections: closing a new one", self.connections_max)
            connection.transport.close()

    def closed(self, connection: Connection) -> None:
        """A connection is gone: whoever waited for its share of the budget may read again."""
        self.connections.discard(connection)
        self._ready.discard(connection)
        self._stalled.pop(connection, None)
        self._relieve()

    def answered(self, connection: Connection) -> None:
        """An answer became ready outside of the connection's own turn: write it at the end of this one."""
        self._ready.add(connection)
        self.settle()

    def stalled(self, connection: Connection) -> None:
        """A connection has requests that wait for another turn."""
        self._stalled[connection] = None
        self.settle()

    def unsent(self, connection: Connection, change: int) -> None:
        """A client takes its answers slowly, or takes them again: what others may fetch depends on it."""
        self.unsent_bytes += change
        (self._unsent.discard if connection.writable else self._unsent.add)(connection)

    def answer(self, call: Call, now: Now) -> object:
        """The broker's answer; a fetch gets less while many answers wait for clients that do not take them."""
        if isinstance(call, Fetch) and self.unsent_bytes:
            room = max(FETCH_ROOM_MIN, self.options.unsent_bytes_max - self.unsent_bytes)
            call = replace(call, bytes_max=min(call.bytes_max, room))
        return self.broker.answer(call, now)

    def drop(self, later: Later[object]) -> None:
        """Nobody waits for this answer any more."""
        self.broker.drop(later)

    @property
    def share_bytes(self) -> int:
        """What a connection may hold when the budget has no room."""
        return max(SHARE_BYTES_MIN, self.budget.bytes_max // max(1, len(self.connections)))

    # --- the end of a turn ---------------------------------------------------------------------------------------

    def settle(self) -> None:
        """Do at the end of this turn of the loop what all its requests share: one commit, one write a connection."""
        if not self._settling:
            self._settling = True
            asyncio.get_running_loop().call_soon(self._settle)

    def _settle(self) -> None:
        self._settling = False
        if self._closed:
            return
        for connection in [one for one in self._ready if one.asked]:
            connection.go_on()
        self.broker.settle(read_clocks(), self._syncing)
        self._start_sync()
        self._start_work()
        self._errands.add(self.broker.take_errands())
        was_full = self.budget.full
        ready, self._ready = self._ready, set()
        for connection in ready:
            connection.flush()
            connection.hold()
        self._serve_stalled()
        if was_full:
            self._relieve()
        for notice in self.broker.take_notices():
            logger.warning("%s", notice)
        self._wake_for_timers()

    def _serve_stalled(self) -> None:
        """One turn each, as long as the time lasts; the others' sockets are looked at before the next."""
        until_s = asyncio.get_running_loop().time() + self.options.turn_s
        for connection in list(self._stalled):
            del self._stalled[connection]
            connection.go_on()
            if asyncio.get_running_loop().time() > until_s:
                break
        if self._stalled:
            self.settle()

    def _relieve(self) -> None:
        if not self.budget.full:
            for connection in self.connections:
                connection.regulate()

    # --- the disk ------------------------------------------------------------------------------------------------

    def _start_sync(self) -> None:
        if self._syncing or not (self.broker.needs_sync or self._sync_wait_s() == 0):
            return
        sync = self.log.begin_sync(read_clocks())
        if sync is None:
            return
        self._syncing = True
        loop = asyncio.get_running_loop()
        begun_s = loop.time()

        def done(future: "asyncio.Future[None]") -> None:
            self._syncing = False
            self.sync_s += loop.time() - begun_s
            self.sync_rounds += 1
            error = sync.error or future.exception()
            if error is not None:
                self._fail(f"the disk failed to make data safe: {error}")
                return
            now = read_clocks()
            self.broker.moved(self.log.end_sync(sync, now), now)
            self.settle()

        loop.run_in_executor(self._disk, sync.run).add_done_callback(done)

    def _start_work(self) -> None:
        """What the broker found too slow to do itself goes to a thread; its answers come back here."""
        loop = asyncio.get_running_loop()

        def finished(work: Work, future: "asyncio.Future[bool]") -> None:
            error = future.exception()
            if error is not None:
                logger.error("a password could not be checked: %s", error)
            work.done(error is None and future.result(), read_clocks())
            self.settle()

        for work in self.broker.take_work():
            loop.run_in_executor(self._slow, work.run).add_done_callback(partial(finished, work))

    def _sync_wait_s(self) -> float | None:
        """Seconds until the log wants a sync of its own accord: an interval is over, a checkpoint is due."""
        return self.log.next_sync_s(read_clocks())

    def _fail(self, reason: str) -> None:
        # After a failed fsync the kernel may have dropped the dirty pages: only a restart knows what is on disk.
        logger.error("%s", reason)
        if not self.failed.done():
            self.failed.set_result(reason)

    # --- time ----------------------------------------------------------------------------------------------------

    def _ticked(self, task: "asyncio.Task[None]") -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            # Without it no session ends and no fetch times out: better to start anew than to live on deaf.
            logger.error("the timers stopped", exc_info=error)
            self._fail(f"the timers stopped: {error}")

    async def _tick(self) -> None:
        loop = asyncio.get_running_loop()
        retained_s = loop.time()
        looked_s = read_clocks().mono_s
        while True:
            due = [s for s in (self.broker.next_wake_s(read_clocks()), self._sync_wait_s()) if s is not None]
            self._awake = loop.create_future()
            self._wake_in(min([*due, self.options.tick_s]))
            await self._awake
            self.lag_s = max(self.lag_s * 0.9, loop.time() - self._wake_s)
            now = read_clocks()
            self.broker.tick(now)
            if now.mono_s - looked_s >= self.options.tick_s:
                looked_s = now.mono_s
                self._look_at_connections(now)
            if loop.time() - retained_s > self.options.retain_s:
                retained_s = loop.time()
                self._retain(now)
            self.settle()

    def _wake_in(self, pause_s: float) -> None:
        """End the sleep of `_tick` after this long, and not when it was to end."""
        if self._waking is not None:
            self._waking.cancel()
        loop = asyncio.get_running_loop()
        self._wake_s = loop.time() + max(0.001, pause_s)
        self._waking = loop.call_at(self._wake_s, self._wake)

    def _wake(self) -> None:
        if self._awake is not None and not self._awake.done():
            self._awake.set_result(None)

    def _wake_for_timers(self) -> None:
        """What was asked in this turn may be due before the sleep ends: a fetch that waits for 20 ms."""
        due_s = self.broker.next_wake_s(read_clocks())
        if due_s is not None and asyncio.get_running_loop().time() + max(0.001, due_s) < self._wake_s:
            self._wake_in(due_s)

    def _retain(self, now: Now) -> None:
        try:
            self.log.retain(now)
        except DiskFull as error:  # it is tried again; a failed disk is told by the next sync
            logger.warning("old records could not be deleted: %s", error)

    def _look_at_connections(self, now: Now) -> None:
        """Close those that were silent, or took nothing, for too long."""
        for connection in list(self.connections):
            if connection.session.tick(now):
                connection.flush()
            # Not one that reads: to regulate it may pause it, and the end of a client that waits would not be seen.
            if connection.session.paused or not connection.reading:
                connection.regulate()
        for connection in list(self._unsent):
            connection.measure_unsent()
            if connection.transport and now.mono_s - connection.unsent_since_s > self.options.untaken_s:
                logger.warning("%s: takes nothing of its answers: closing the connection", connection.peer)
                connection.transport.abort()
        if not self.budget.full:
            self._crowded_since_s = now.mono_s
        elif now.mono_s - self._crowded_since_s > self.options.crowded_s:
            self._crowded_since_s = now.mono_s
            self._make_room()

    def _make_room(self) -> None:
        """Requests that nobody finishes would keep everybody's from being read."""
        for connection in list(self.connections):
            if connection.held_bytes > self.share_bytes and not connection.waiting and connection.transport:
                logger.warning(
                    "%s: its unfinished request holds too much: closing the connection", connection.peer
                )
                connection.transport.abort()

    def measures(self) -> dict[str, float]:
        """The driver's own gauges and counters, by Prometheus name."""
        return {
            "penstock_loop_lag_seconds": self.lag_s,
            "penstock_fsync_seconds_total": self.sync_s,
            "penstock_fsync_rounds_total": float(self.sync_rounds),
            "penstock_in_flight_bytes": float(self.budget.held_bytes),
            "penstock_connections": float(len(self.connections)),
            **self.compaction.measures(),
        }

    async def _drain(self, until_s: float) -> None:
        """Let what was written become safe."""
        loop = asyncio.get_running_loop()
        while (self._syncing or self._settling or self.broker.needs_sync) and loop.time() < until_s:
            self._start_sync()
            await asyncio.sleep(0.01)

    async def _part(self) -> None:
        """Close every connection, as its protocol does; who does not agree in time is cut off."""
        loop = asyncio.get_running_loop()
        until_s = loop.time() + self.options.parting_s
        for connection in list(self.connections):
            connection.stop()
        while self.connections and loop.time() < until_s:
            await asyncio.sleep(0.01)
        for connection in list(self.connections):
            if connection.transport is not None:
                connection.transport.abort()
        await asyncio.sleep(0.01)

    async def close(self, drain_s: float = 2.0) -> None:
        """Stop listening, let answers that are under way go out, then close every connection."""
        for server in self._servers:
            server.close()
        for task in (self._ticking, self._compacting):
            if task is not None:
                task.cancel()
        until_s = asyncio.get_running_loop().time() + drain_s
        await self._drain(until_s)
        await self._part()
        await self._drain(until_s)  # clients that go give back what they held, and that is to be safe, too
        self._closed = True
        self._slow.shutdown(wait=False, cancel_futures=True)
        self._errands.close()
        self._disk.shutdown(wait=True)
