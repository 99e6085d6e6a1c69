"""One channel: calls and their answers in order, publishing with confirms, consumers, transactions.

Knows methods and contents; the socket is its connection's.
"""

import asyncio
import json
import struct
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from penstock.amqp.errors import AmqpError
from penstock.content import NO_PROPERTIES, Field, Properties
from penstock.wire.amqp.methods import BODY, HEADER, Method, Values, frame

BODY_BYTES_MAX = 512 * 1024 * 1024
_HEADER = struct.Struct(">HHQ")
_FRAME = struct.Struct(">BHI")


@dataclass(frozen=True, slots=True)
class Got:
    """A message that came. `tag` is what it is acknowledged by on its channel."""

    tag: int
    exchange: str
    routing_key: str
    redelivered: bool
    properties: Properties
    body: bytes


Taker = Callable[[Got | None], None]
"""Called with each message of a consumer, in order; with None when the server ends the consumer."""


class Line(Protocol):
    """What a channel asks of its connection."""

    timeout_s: float
    frame_max: int

    def write(self, data: bytes) -> None:
        """Frames for the server."""

    def forget(self, number: int) -> None:
        """The channel of this number is over."""


class Channel:
    """Made by `Connection.channel`. `lost` is set once it is closed, and says why."""

    def __init__(self, connection: Line, number: int) -> None:
        self.connection, self.number = connection, number
        self.lost: AmqpError | None = None
        self._answers: deque[asyncio.Future[Any]] = deque()
        self._takers: dict[str, Taker] = {}
        self._early: dict[str, list[Got | None]] = {}
        self._confirms: dict[int, asyncio.Future[None]] = {}
        self._returned: dict[str, AmqpError] = {}
        self._published = 0
        self._content: tuple[str, Values] | None = None
        self._properties, self._size, self._parts = NO_PROPERTIES, 0, list[bytes]()

    # --- asking --------------------------------------------------------------------------------------------------

    async def call(self, name: str, **values: object) -> Values:
        """Send a method and wait for its answer: ``await channel.call("queue.declare", queue="emails")``."""
        if self.lost:
            raise self.lost
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._answers.append(answer)
        self.tell(name, **values)
        async with asyncio.timeout(self.connection.timeout_s):
            found: Values = await answer
        return found

    def tell(self, name: str, **values: object) -> None:
        """Send a method that nobody answers."""
        if self.lost:
            raise self.lost
        self.connection.write(frame(self.number, name, **values))

    async def get(self, queue: str) -> Got | None:
        """The queue's next message, to be acknowledged; None where there is none."""
        found = await self.call("basic.get", queue=queue)
        return found.get("message")

    async def describe(self, what: str) -> list[dict[str, Any]]:
        """What penstock has of ``queues``, ``exchanges``, ``bindings``, ``consumers`` (each an object) or ``vhosts``."""
        found = await self.call("penstock.describe", what=what)
        told: list[dict[str, Any]] = json.loads(found["message"].body)
        return told

    async def consume(
        self, queue: str, taker: Taker, *, no_ack: bool = False, arguments: Mapping[str, Field] | None = None
    ) -> str:
        """Begin a consumer; its tag. What comes before the tag is known waits for it."""
        said = await self.call("basic.consume", queue=queue, no_ack=no_ack, arguments=arguments or {})
        tag: str = said["consumer_tag"]
        self._takers[tag] = taker
        for got in self._early.pop(tag, ()):
            taker(got)
        return tag

    def ack(self, tag: int) -> None:
        """It is done."""
        self.tell("basic.ack", delivery_tag=tag)

    def nack(self, tag: int, *, requeue: bool) -> None:
        """It is to come again, or to be dropped (dead-lettered, where its queue says so)."""
        self.tell("basic.nack", delivery_tag=tag, requeue=requeue)

    # --- publishing ----------------------------------------------------------------------------------------------

    async def confirm(self) -> None:
        """From now on `publish` waits for the server's word."""
        await self.call("confirm.select")
        self._published = 1

    def push(
        self, exchange: str, routing_key: str, properties: Properties, body: bytes, *, mandatory: bool = False
    ) -> None:
        """Publish, and ask nothing: inside of a transaction, which says when it is safe."""
        self._send(exchange, routing_key, properties, body, mandatory=mandatory)

    async def publish(
        self, exchange: str, routing_key: str, properties: Properties, body: bytes, *, mandatory: bool = True
    ) -> None:
        """Publish, and wait until it is safe. Raises AmqpError where no queue takes it, if `mandatory`.

        What is mandatory needs a message id, by which a returned one is told.
        """
        assert self._published, "confirm() comes first"
        number, self._published = self._published, self._published + 1
        sure = self._confirms[number] = asyncio.get_running_loop().create_future()
        self._send(exchange, routing_key, properties, body, mandatory=mandatory)
        await sure
        if error := self._returned.pop(properties.message_id or "", None):
            raise error

    def _send(
        self, exchange: str, routing_key: str, properties: Properties, body: bytes, *, mandatory: bool
    ) -> None:
        if self.lost:
            raise self.lost
        out = [
            frame(
                self.number, "basic.publish", exchange=exchange, routing_key=routing_key, mandatory=mandatory
            ),
            self._framed(HEADER, _HEADER.pack(60, 0, len(body)) + properties.raw),
        ]
        step = self.connection.frame_max - 8
        out += [self._framed(BODY, body[at : at + step]) for at in range(0, len(body), step)]
        self.connection.write(b"".join(out))

    def _framed(self, kind: int, payload: bytes) -> bytes:
        return _FRAME.pack(kind, self.number, len(payload)) + payload + b"\xce"

    # --- the server's side ---------------------------------------------------------------------------------------

    async def close(self) -> None:
        """What is not acknowledged goes back to its queue."""
        if self.lost is None:
            await self.call("channel.close", reply_code=200, reply_text="bye")
            self.fail(AmqpError("the channel was closed"))
            self.connection.forget(self.number)

    def fail(self, error: AmqpError) -> None:
        """Nothing more comes: all that waits hears why."""
        self.lost = self.lost or error
        waiting = [*self._answers, *self._confirms.values()]
        self._answers.clear()
        self._confirms.clear()
        for each in waiting:
            if not each.done():
                each.set_exception(self.lost)
                each.exception()  # seen: who asked may be gone
        takers, self._takers = self._takers, {}
        for taker in takers.values():
            taker(None)

    def take(self, method: Method, values: Values) -> None:
        """A method came."""
        if method.content:
            self._content = method.name, values
        elif method.name in ("basic.ack", "basic.nack"):
            self._confirmed(values["delivery_tag"], values["multiple"], method.name == "basic.ack")
        elif method.name == "channel.close":
            self.connection.write(frame(self.number, "channel.close-ok"))
            self.connection.forget(self.number)
            self.fail(AmqpError(values["reply_text"], values["reply_code"]))
        elif method.name == "basic.cancel":
            self._hand(values["consumer_tag"], None)
            self._takers.pop(values["consumer_tag"], None)
        elif method.name == "channel.flow":
            self.tell("channel.flow-ok", active=values["active"])
        elif self._answers:
            answer = self._answers.popleft()
            if not answer.done():
                answer.set_result(values)

    def _confirmed(self, number: int, multiple: bool, taken: bool) -> None:
        numbers = [n for n in self._confirms if n <= number] if multiple else [number]
        for each in numbers:
            sure = self._confirms.pop(each, None)
            if sure is not None and not sure.done():
                if taken:
                    sure.set_result(None)
                else:
                    sure.set_exception(AmqpError("the server did not take the message", 541))

    def header(self, payload: bytes) -> None:
        """A content's header came."""
        _, _, self._size = _HEADER.unpack_from(payload)
        if self._content is None or self._size > BODY_BYTES_MAX:
            raise ValueError("a content that nobody announced, or one too large")
        self._properties = Properties.of(payload[_HEADER.size :])
        self._parts = []
        if not self._size:
            self._complete()

    def body(self, payload: bytes) -> None:
        """A piece of a content's body came."""
        if self._content is None:
            raise ValueError("a body without its header")
        self._parts.append(payload)
        self._size -= len(payload)
        if self._size <= 0:
            self._complete()

    def _complete(self) -> None:
        assert self._content
        (name, values), self._content = self._content, None
        got = Got(
            values.get("delivery_tag", 0), values.get("exchange", ""), values.get("routing_key", ""),
            values.get("redelivered", False), self._properties, b"".join(self._parts),
        )  # fmt: skip
        if name == "basic.return":
            why = f"{values['reply_text']}: no queue takes {values['routing_key']!r}"
            self._returned[got.properties.message_id or ""] = AmqpError(why, values["reply_code"])
        elif name == "basic.deliver":
            self._hand(values["consumer_tag"], got)
        elif self._answers:
            answer = self._answers.popleft()
            if not answer.done():
                answer.set_result({**values, "message": got})

    def _hand(self, tag: str, got: Got | None) -> None:
        taker = self._takers.get(tag)
        if taker is None:
            self._early.setdefault(tag, []).append(got)
        else:
            taker(got)
