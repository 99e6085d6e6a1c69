"""One client's connection: bytes to its session, calls to the broker, answers back, under one byte budget.

Knows neither the protocol (the session's) nor what a call does (the broker's). Reading pauses while the client
does not take its answers or the server holds too many unanswered bytes; nothing queues without bound.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Protocol, cast

from penstock.calls import Call
from penstock.clock import Now
from penstock.later import Later
from penstock.serve.budget import Budget
from penstock.serve.clocks import read_clocks
from penstock.tls import name_of
from penstock.wire.session import Asked, Session, Ticket

logger = logging.getLogger("penstock.serve")
LEVELS = {"warn": logging.WARNING, "error": logging.ERROR}


@dataclass(frozen=True, slots=True)
class Peer:
    """Who connected: from where, and as whom its certificate was made out, if it showed one."""

    host: str
    certified: str = ""


OUTPUT_BYTES_MAX = 1024 * 1024
"""Unsent answers of one connection above which its requests wait."""


class Driving(Protocol):
    """What connections ask of who drives them together. `turn_s`: how long one may keep the others waiting."""

    budget: Budget
    turn_s: float

    @property
    def share_bytes(self) -> int:
        """What one may hold when the budget has no room."""

    def opened(self, connection: "Connection") -> None:
        """It stands."""

    def closed(self, connection: "Connection") -> None:
        """It is gone."""

    def answer(self, call: Call, now: Now) -> object:
        """The broker's answer."""

    def drop(self, later: Later[object]) -> None:
        """Nobody waits for this answer any more."""

    def answered(self, connection: "Connection") -> None:
        """An answer became ready outside of its own turn."""

    def stalled(self, connection: "Connection") -> None:
        """It has requests that wait for another turn."""

    def unsent(self, connection: "Connection", change: int) -> None:
        """So many bytes more are not taken by its client."""

    def settle(self) -> None:
        """It is done, for this turn of the loop."""


class Connection(asyncio.Protocol):
    """One accepted socket and its sans-IO session."""

    def __init__(self, driver: Driving, make_session: Callable[[Peer], Session]) -> None:
        self.driver, self.make_session = driver, make_session
        self.peer = ""
        self.transport: asyncio.Transport | None = None
        self.waiting: set[Later[object]] = set()
        self.asked: deque[tuple[Ticket, Call]] = deque()
        self.held_bytes = 0
        self.unsent_bytes = 0
        self.unsent_since_s = 0.0
        self.writable = True
        self.reading = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin: large answers may wait in the transport's buffer, up to OUTPUT_BYTES_MAX."""
        peer = transport.get_extra_info("peername")
        if not peer:  # the client has reset the connection already
            transport.close()
            return
        # uvloop's transports have the methods without being subclasses.
        self.transport = cast("asyncio.Transport", transport)
        host, port = peer[:2]
        self.peer = f"{host}:{port}"
        self.session = self.make_session(Peer(host, name_of(transport.get_extra_info("ssl_object"))))
        self.transport.set_write_buffer_limits(high=OUTPUT_BYTES_MAX)
        self.driver.opened(self)

    def data_received(self, data: bytes) -> None:
        """Bytes came: hand the session's calls to the broker and answer what can be answered at once."""
        if self.transport is None:
            return
        try:
            now = read_clocks()
            self._ask(self.session.receive(data, now), now)
        except Exception:
            self._broken()
        self.flush()
        self.hold()
        self.driver.settle()

    @property
    def stalled(self) -> bool:
        """Whether requests wait for the connection's next turn."""
        return bool(self.asked) or self.session.stalled

    def go_on(self) -> None:
        """The connection's turn has come again: begin what it left."""
        if self.transport is not None and self.writable and self.stalled:
            try:
                self._ask([] if self.asked else self.session.go_on(), read_clocks())
            except Exception:
                self._broken()
            self.flush()
            self.hold()

    def _ask(self, asked: Asked, now: Now) -> None:
        """Put calls to the broker, and those that answers bring, until the turn is over: what is left waits."""
        self.asked.extend(asked)
        until_s = now.mono_s + self.driver.turn_s
        while self.asked and now.mono_s < until_s:
            self._put(*self.asked.popleft(), now)
            if self.asked:
                now = read_clocks()

    def _put(self, ticket: Ticket, call: Call, now: Now) -> None:
        answer = self.driver.answer(call, now)
        if isinstance(answer, Later):
            self.waiting.add(answer)
            answer.watch(partial(self._answered, ticket, answer))
        else:
            self.asked.extend(self.session.answer(ticket, answer))

    def _answered(self, ticket: object, later: Later[object], answer: object) -> None:
        # The broker is in the middle of something: what the client asks for next waits until it has come to its end.
        self.waiting.discard(later)
        if self.transport is not None:
            try:
                self.asked.extend(self.session.answer(ticket, answer))
            except Exception:
                self._broken()
            self.driver.answered(self)

    def _broken(self) -> None:
        """A defect of ours, met by one client's request: it costs that client its connection, and nobody else anything."""
        logger.exception("%s: closing the connection: its request met a defect", self.peer)
        self.asked.clear()
        self.session.closing = True

    def hold(self) -> None:
        """Bring the shared budget up to date with what this connection holds unanswered."""
        held = self.session.bytes_in_flight + self.session.bytes_unfinished
        if held != self.held_bytes:
            self.driver.budget.change(held - self.held_bytes)
            self.held_bytes = held
        self.regulate()

    def regulate(self) -> None:
        """Read on only while answers drain, no request waits for its turn, and the budget has room. Where it has none,
        a connection may still finish a request within its share."""
        if self.transport is None or self.transport.is_closing():
            return
        over = self.driver.budget.full and (bool(self.waiting) or self.held_bytes > self.driver.share_bytes)
        wanted = self.writable and not self.stalled and not over and not self.session.paused
        if wanted != self.reading:
            self.reading = wanted
            (self.transport.resume_reading if wanted else self.transport.pause_reading)()

    def flush(self) -> None:
        """Write what the session has ready; close when it asks to."""
        if self.transport is None:
            return
        output = self.session.take_output()
        if output:
            self.transport.writelines(output)
        for notice in self.session.take_notices():
            logger.log(LEVELS.get(notice.level, logging.INFO), "%s: %s", self.peer, notice.message)
        if self.session.closing:
            self.transport.close()
        elif self.stalled and self.writable:
            self.driver.stalled(self)

    def stop(self) -> None:
        """The server stops: the session says so, and ends when its client agrees."""
        if self.transport is not None:
            try:
                self._ask(self.session.stop(), read_clocks())
            except Exception:
                self._broken()
            self.flush()
            self.hold()
            self.driver.settle()

    def pause_writing(self) -> None:
        """The client does not take its answers: read no further requests of it."""
        self.writable = False
        self.measure_unsent()
        self.regulate()

    def resume_writing(self) -> None:
        """The client reads again."""
        self.writable = True
        self.measure_unsent()
        self.regulate()
        self.driver.stalled(self)

    def measure_unsent(self) -> None:
        """Bring up to date what the client does not take, and since when it has taken nothing of it."""
        gone = self.transport is None or self.writable
        unsent = 0 if gone else cast("asyncio.Transport", self.transport).get_write_buffer_size()
        if unsent != self.unsent_bytes:
            self.unsent_since_s = read_clocks().mono_s
            self.driver.unsent(self, unsent - self.unsent_bytes)
            self.unsent_bytes = unsent

    def connection_lost(self, error: Exception | None) -> None:
        """Forget the connection, its waits and its share of the budget."""
        opened, self.transport = self.transport is not None, None
        self.measure_unsent()
        for later in self.waiting:
            self.driver.drop(later)
        self.waiting.clear()
        self.asked.clear()
        for call in self.session.lost() if opened else ():
            self.driver.answer(call, read_clocks())
        self.driver.settle()
        self.driver.budget.change(-self.held_bytes)
        self.held_bytes = 0
        self.driver.closed(self)
