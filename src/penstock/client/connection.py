"""One connection to one server: requests go out in a pipeline, answers find their request by correlation id.

Knows framing, correlation and deadlines; knows nothing of topics, leaders or what to do after a failure.
"""

import asyncio
import ssl
import struct
from collections.abc import Mapping
from functools import partial
from typing import Any

from penstock.client import messages
from penstock.client.errors import ConnectionLostError, KafkaError, failure
from penstock.client.security import NOTHING, Security, log_in
from penstock.version import __version__

_PREFIX = struct.Struct(">i")


class Connection(asyncio.BufferedProtocol):
    """An open connection. Made by `connect`; `lost` is set, and every waiting request fails, once it breaks."""

    def __init__(self, place: str, client_id: str, frame_bytes_max: int) -> None:
        self.place, self.client_id, self.frame_bytes_max = place, client_id, frame_bytes_max
        self.lost: KafkaError | None = None
        self.versions: dict[str, int] = {}
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._number = 0
        self._waiting: dict[int, tuple[asyncio.Future[memoryview], float]] = {}
        self._alarm: asyncio.TimerHandle | None = None
        self._writable = asyncio.Event()
        self._writable.set()
        self._closed = self._loop.create_future()
        self._prefix = memoryview(bytearray(4))
        self._frame: memoryview | None = None
        self._filled = 0

    # --- asking --------------------------------------------------------------------------------------------------

    async def ask(self, api: str, row: Mapping[str, Any], timeout_s: float) -> Any:
        """Send a request at the negotiated version and wait for its answer, a kio dataclass."""
        frame = await self.start(api, row, timeout_s)
        return self.read(api, frame)

    def start(self, api: str, row: Mapping[str, Any], timeout_s: float) -> asyncio.Future[memoryview]:
        """Send a request now; the future gives the answer's frame, from its correlation id on.

        Requests go out in the order of the calls: this never waits. See `room` for back-pressure.
        """
        self.tell(api, row)
        answer: asyncio.Future[memoryview] = self._loop.create_future()
        deadline_s = self._loop.time() + timeout_s
        self._waiting[self._number] = (answer, deadline_s)
        if self._alarm is None or deadline_s < self._alarm.when():
            self._set_alarm(deadline_s)
        return answer

    def tell(self, api: str, row: Mapping[str, Any]) -> None:
        """Send a request whose answer nobody waits for: Produce with acks 0 has none."""
        if self.lost or self._transport is None:
            raise self.lost or ConnectionLostError(f"not connected to {self.place}")
        version = self.version(api)
        self._number = (self._number + 1) & 0x7FFFFFFF
        self._transport.writelines(messages.encode(api, version, self._number, self.client_id, row))

    def read(self, api: str, frame: memoryview) -> Any:
        """An answer's frame as kio's dataclass; a damaged one ends the connection."""
        try:
            return messages.decode(api, self.version(api), frame)
        except ValueError as damage:
            raise self.broken(f"sent {damage}") from damage

    async def room(self) -> None:
        """Wait until the socket takes more; raises when the connection is lost."""
        await self._writable.wait()
        if self.lost:
            raise self.lost

    def version(self, api: str) -> int:
        """The version both sides speak; raises KafkaError (UNSUPPORTED_VERSION) where there is none."""
        if api not in self.versions:
            raise failure(35, f"{self.place} and this client share no version of {api}")
        return self.versions[api]

    def broken(self, why: str) -> KafkaError:
        """Close because the other side sent nonsense; returns the error to raise."""
        self._fail(ConnectionLostError(f"{self.place} {why}"))
        assert self.lost
        return self.lost

    async def close(self) -> None:
        """Close now; what waits for an answer fails."""
        self._fail(ConnectionLostError(f"the connection to {self.place} was closed"))
        await asyncio.wait([self._closed], timeout=1.0)

    def _look_at_clock(self) -> None:
        """A request past its deadline breaks the connection: answers come in order, so all behind it wait too."""
        first_s = min((deadline for _, deadline in self._waiting.values()), default=None)
        if first_s is not None and first_s <= self._loop.time():
            self._fail(ConnectionLostError(f"{self.place} did not answer in time", name="REQUEST_TIMED_OUT"))
        else:
            self._set_alarm(first_s)

    def _set_alarm(self, at_s: float | None) -> None:
        if self._alarm:
            self._alarm.cancel()
        self._alarm = None if at_s is None else self._loop.call_at(at_s, self._look_at_clock)

    # --- asyncio's side ------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """asyncio: the socket is open."""
        self._transport = transport  # type: ignore[assignment]  # a stream transport, by create_connection

    def connection_lost(self, error: Exception | None) -> None:
        """asyncio: the socket is gone."""
        why = f": {error}" if error else ""
        self._fail(ConnectionLostError(f"{self.place} closed the connection{why}"))
        if not self._closed.done():
            self._closed.set_result(None)

    def pause_writing(self) -> None:
        """asyncio: the socket's buffer is full."""
        self._writable.clear()

    def resume_writing(self) -> None:
        """asyncio: the socket's buffer has room."""
        self._writable.set()

    def get_buffer(self, sizehint: int) -> memoryview:
        """asyncio: where the next bytes go, so that a frame is received into its final place."""
        return self._prefix[self._filled :] if self._frame is None else self._frame[self._filled :]

    def buffer_updated(self, nbytes: int) -> None:
        """asyncio: bytes arrived."""
        self._filled += nbytes
        if self._frame is None:
            if self._filled == 4:
                self._begin_frame()
        elif self._filled == len(self._frame):
            frame, self._frame, self._filled = self._frame, None, 0
            self._take(frame)

    def _begin_frame(self) -> None:
        (size,) = _PREFIX.unpack(self._prefix)
        if not 4 <= size <= self.frame_bytes_max:
            self._filled = 0
            self.broken(f"sent a frame of {size} bytes")
            return
        self._frame, self._filled = memoryview(bytearray(size)), 0

    def _take(self, frame: memoryview) -> None:
        number = _PREFIX.unpack_from(frame)[0]
        answer, _ = self._waiting.pop(number, (None, 0.0))
        if answer is None:
            self.broken(f"answered request {number}, which is not waiting")
        elif not answer.done():
            answer.set_result(frame)

    def _fail(self, error: KafkaError) -> None:
        if self.lost is None:
            self.lost = error
        self._writable.set()
        self._set_alarm(None)
        waiting, self._waiting = self._waiting, {}
        for answer, _ in waiting.values():
            if not answer.done():
                answer.set_exception(self.lost)
                answer.exception()  # seen: a caller that went away must not make asyncio complain
        if self._transport:
            self._transport.abort()


async def connect(
    host: str,
    port: int,
    *,
    client_id: str,
    timeout_s: float,
    frame_bytes_max: int,
    security: Security = NOTHING,
) -> Connection:
    """Open a connection, agree on versions, log in. Raises ConnectionLostError, or KafkaError where it is of no use."""
    place = f"{host}:{port}"
    loop = asyncio.get_running_loop()
    connection: Connection | None = None
    try:
        async with asyncio.timeout(timeout_s):
            _, connection = await loop.create_connection(
                lambda: Connection(place, client_id, frame_bytes_max), host, port, ssl=security.context
            )
            await _agree(connection, timeout_s)
            if security.sasl_user:
                await log_in(partial(connection.ask, timeout_s=timeout_s), security, place)
    except TimeoutError:
        if connection:
            await connection.close()
        raise ConnectionLostError(f"{place} did not answer within {timeout_s:g} s") from None
    except KafkaError:
        if connection:
            await connection.close()
        raise
    except ssl.SSLError as error:
        raise KafkaError("SSL_HANDSHAKE_FAILED", f"no TLS with {place}: {error}") from None
    except OSError as error:
        raise ConnectionLostError(f"cannot connect to {place}: {error.strerror or error}") from None
    except (ValueError, OverflowError) as error:  # metadata may name a host or port that is none
        raise ConnectionLostError(f"cannot connect to {place!r}: {error}") from None
    return connection


async def _agree(connection: Connection, timeout_s: float) -> None:
    """Ask which versions the server speaks: at v3 with our name, at v0 where it does not know v3 (KIP-511)."""
    row = {"client_software_name": "penstock", "client_software_version": __version__}
    for version in (3, 0):
        connection.versions = {"ApiVersions": version}
        frame = await connection.start("ApiVersions", row, timeout_s)
        # An error is always in the v0 form; its code stands first in every version.
        error = int.from_bytes(frame[4:6], "big", signed=True)
        if error != 35:
            break
    if error:
        raise failure(error, f"ask {connection.place} for its versions")
    for api in connection.read("ApiVersions", frame).api_keys:
        name = messages.NAMES.get(api.api_key)
        if name:
            _, low, high = messages.SPOKEN[name]
            if max(low, api.min_version) <= min(high, api.max_version):
                connection.versions[name] = min(high, api.max_version)
