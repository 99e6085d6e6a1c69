"""Server-sent events: a response that lasts, for a bounded number of clients.

A client is a position in what it is sent, kept by the generator that feeds it; nothing queues up for it here. A
client that does not read holds up nobody but itself, for at most `write_s`. Knows nothing of tables or flows.
Source: HTML Living Standard, 9.2 Server-sent events.
"""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass

from starlette.types import Receive, Scope, Send

from penstock.web.http.answers import HttpError, error_body, ok

HEARTBEAT = b": still here\n\n"
HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
]


@dataclass(frozen=True)
class EventOptions:
    """Bounds of server-sent events."""

    clients_max: int = 256
    """How many clients may listen at once."""
    heartbeat_s: float = 15.0
    """A comment is sent after this long without an event, in seconds."""
    write_s: float = 60.0
    """A client that takes nothing for this long is cut off, in seconds."""


def event(name: str, data: bytes, token: str | None = None) -> bytes:
    """One event. `data` is one line; a token of "" makes the client forget the one it has."""
    line = b"" if token is None else b"id: %b\n" % token.encode() if token else b"id:\n"
    return b"event: %b\n%bdata: %b\n\n" % (name.encode(), line, data)


class Wake:
    """Wakes all who wait, together, and keeps no list of them."""

    def __init__(self) -> None:
        self._next = asyncio.Event()

    def all(self) -> None:
        """Something changed."""
        now, self._next = self._next, asyncio.Event()
        now.set()

    async def wait(self, seconds: float) -> bool:
        """Whether something changed within so many seconds."""
        try:
            async with asyncio.timeout(seconds):
                await self._next.wait()
        except TimeoutError:
            return False
        return True


class Streams:
    """The clients that listen now, by what they listen to."""

    def __init__(self, options: EventOptions) -> None:
        self.options = options
        self.open: dict[asyncio.Task[None], str] = {}
        self.closing = False

    def counts(self) -> dict[str, int]:
        """How many listen to what."""
        kinds = list(self.open.values())
        return {kind: kinds.count(kind) for kind in ("flow", "table")}

    def close(self) -> None:
        """End all streams, cleanly: their clients come back with their tokens, here or elsewhere."""
        self.closing = True
        for task in self.open:
            task.cancel()


class EventStream:
    """The response: feeds a client until it leaves, does not read, or the generator ends."""

    def __init__(self, streams: Streams, kind: str, frames: AsyncGenerator[bytes, None]) -> None:
        self.streams, self.kind, self.frames = streams, kind, frames

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        most = self.streams.options.clients_max
        if self.streams.closing or len(self.streams.open) >= most:
            remedy = "close other pages that listen, or raise web.clients_max"
            refused = HttpError(503, f"{most} clients listen already", remedy=remedy)
            await ok(error_body(refused), 503, {"Retry-After": "5"})(scope, receive, send)
            return
        await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
        if scope["method"] == "HEAD":
            await send({"type": "http.response.body", "body": b"", "more_body": False})
            return
        feeding = asyncio.create_task(self._feed(send))
        leaving = asyncio.create_task(self._gone(receive))
        self.streams.open[feeding] = self.kind
        try:
            await asyncio.wait((feeding, leaving), return_when=asyncio.FIRST_COMPLETED)
        finally:
            del self.streams.open[feeding]
            feeding.cancel()
            leaving.cancel()
            results = await asyncio.gather(feeding, leaving, return_exceptions=True)
            await self.frames.aclose()
        for failure in results:
            if isinstance(failure, Exception) and not isinstance(failure, TimeoutError | OSError):
                raise failure
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _feed(self, send: Send) -> None:
        write_s = self.streams.options.write_s
        first = b"retry: 1000\n\n"
        await send({"type": "http.response.body", "body": first, "more_body": True})
        async for frame in self.frames:
            async with asyncio.timeout(write_s):
                await send({"type": "http.response.body", "body": frame, "more_body": True})

    @staticmethod
    async def _gone(receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
