"""uvicorn's HTTP protocol with bounds on what comes before a request is whole: its head's size and time.

Knows bytes, seconds and certificates, not requests. Without it a client could send headers for ever, or one byte a minute.
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from penstock.tls import name_of
from penstock.web.http.login import CERTIFIED

HEAD_BYTES_MAX = 96 * 1024


class BoundedHttp(HttpToolsProtocol):
    """One connection. A head (request line and headers) over its bounds ends it."""

    head_s = 10.0
    _certified = ""
    _head_bytes = 0
    _head_timer: asyncio.TimerHandle | None = None
    _reading_head = True

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client connected: its first head is awaited."""
        super().connection_made(transport)
        self._certified = name_of(transport.get_extra_info("ssl_object"))
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """The client is gone."""
        self._head_over()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Bytes of a head are counted, those of a body are the application's to count."""
        if self._reading_head:
            self._head_bytes += len(data)
            if self._head_timer is None:
                self._await_head()
        super().data_received(data)
        if self._reading_head and self._head_bytes > HEAD_BYTES_MAX and not self.transport.is_closing():
            self.send_400_response("The request's headers are too large.")

    def on_headers_complete(self) -> None:
        """The head is whole."""
        self._head_over()
        self.scope[CERTIFIED] = self._certified  # type: ignore[typeddict-unknown-key]  # for the login gate
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The request is whole: what comes next is another's head."""
        super().on_message_complete()
        self._reading_head, self._head_bytes = True, 0

    def _await_head(self) -> None:
        self._head_timer = self.loop.call_later(self.head_s, self._late)

    def _head_over(self) -> None:
        self._reading_head = False
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _late(self) -> None:
        idle: Any = self.cycle
        if idle is None or idle.response_complete:
            self.transport.close()
