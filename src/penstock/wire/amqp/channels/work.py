"""What a channel has to do, in order: a run of publishes, a run of acknowledgements, a method; and what goes on beside.

Each is the ticket of its calls: `begin` gives the first, `answered` takes a result and gives the next, None at its end.
Knows calls and frames; knows not when its turn comes.
"""

from typing import Any, Final

from penstock.calls import Call
from penstock.calls.queues import (
    AwaitSafe,
    CloseChannel,
    CloseClient,
    Lease,
    Leased,
    Publish,
    Sent,
    Settle,
)
from penstock.errors import Refusal, Refused
from penstock.wire.amqp.channels.channel import Channel, Publishes, Settlements, Work
from penstock.wire.amqp.methods import KEYS, Values, decode, frame
from penstock.wire.amqp.refusals import AmqpError, refused_error
from penstock.wire.amqp.registry import Answer, Steps

METHOD_COST: Final = 256
"""What a method that waits costs beside its own bytes, so that many tiny ones count too."""
_PUBLISH, _DELETE, _CLOSE = KEYS["basic.publish"], KEYS["queue.delete"], KEYS["channel.close"]


class Sending(Publishes):
    """A run of publishes."""

    __slots__ = ()

    def begin(self) -> Call:
        """All of them are one call."""
        channel = self.channel
        if channel.sending is self:
            channel.sending = None
        channel.session.publishes = True
        return Publish(channel.principal, channel.handle, self.messages)

    def answered(self, result: Sent | Refused) -> None:
        """Returns first, then confirms: RabbitMQ's order."""
        if isinstance(result, Refused):
            raise refused_error(result, _PUBLISH)
        channel = self.channel
        for place in result.returned:
            channel.write(channel.deliveries.returned(self.messages[place].content))
        if channel.confirms is not None:
            channel.confirms.sent(result.count, result.nacked)
        elif result.count:
            watch(channel)
        if isinstance(result.refused, Refused):
            raise refused_error(result.refused, _PUBLISH)


class Settling(Settlements):
    """A run of acknowledgements."""

    __slots__ = ()

    def begin(self) -> Call:
        """All of them are one call."""
        channel = self.channel
        if channel.settling is self:
            channel.settling = None
        return Settle(channel.principal, channel.handle, self.settlements)

    def answered(self, result: Refused | None) -> None:
        """Nothing is said of those that are good."""
        if isinstance(result, Refused):
            raise refused_error(result, self.key)


class Asking(Work):
    """Any other method. `afterwards` is written behind its answer."""

    __slots__ = ("_answer", "_payload", "_steps", "afterwards")

    def __init__(self, channel: Channel, answer: Answer, payload: bytes) -> None:
        super().__init__(channel, len(payload) + METHOD_COST)
        self._answer, self._payload = answer, payload
        self._steps: Steps | None = None
        self.afterwards = b""

    @property
    def key(self) -> int:
        """Which method it is."""
        return self._answer.method.key

    def begin(self) -> Call | None:
        """Read the fields, and go on to the first call."""
        self._steps = self._answer.run(self.channel, self._values())
        self._payload = b""
        return self._step(None)

    def _values(self) -> Values:
        method = self._answer.method
        try:
            return decode(method, self._payload)
        except UnicodeDecodeError:
            raise AmqpError("FRAME_ERROR", "Malformed UTF-8 in shortstr") from None
        except (ValueError, IndexError):
            raise AmqpError("FRAME_ERROR", f"cannot decode {octets(self._payload[4:])}", self.key) from None

    def answered(self, result: Any) -> Call | None:
        """The method's next call."""
        if isinstance(result, Refused) and not self._answer.refusals:
            raise refused_error(result, self.key)
        return self._step(result)

    def _step(self, result: Any) -> Call | None:
        assert self._steps is not None
        try:
            return self._steps.send(result)
        except StopIteration as end:
            if words := (end.value or b"") + self.afterwards:
                self.channel.write(words)
            return None


class Failing(Work):
    """An error that was found while bytes were read: it comes when what was before it is done."""

    __slots__ = ("_error",)

    def __init__(self, channel: Channel, error: AmqpError) -> None:
        super().__init__(channel)
        self._error = error

    def begin(self) -> Call | None:
        """Its turn has come."""
        raise self._error

    def answered(self, result: object) -> None:
        """It asks for nothing."""


class Leasing(Work):
    """The channel's one lease: its messages are written, and the next is asked for."""

    __slots__ = ()

    def begin(self) -> Call:
        """A lease of this channel's share."""
        return Lease(self.channel.principal, self.channel.handle, self.channel.lease_bytes())

    def answered(self, result: Leased | Refused) -> Call | None:
        """Write what there is, and ask again."""
        channel = self.channel
        if isinstance(result, Refused):
            raise refused_error(result, 0)
        if result.deliveries:
            channel.write(channel.deliveries.deliver(result.deliveries))
        for tag in result.cancelled:
            _cancelled(channel, tag)
        return self.begin()


class Confirming(Work):
    """A run of publishes, up to the one numbered `last`, that is confirmed when it is safe."""

    __slots__ = ("done", "last", "refused")

    def __init__(self, channel: Channel, last: int) -> None:
        super().__init__(channel)
        self.last, self.done, self.refused = last, False, False

    def begin(self) -> Call:
        """Safe is what was published so far."""
        return AwaitSafe(self.channel.principal, self.channel.handle)

    def answered(self, result: Refused | None) -> None:
        """The client is told, in the order of the publishes."""
        self.done, self.refused = True, isinstance(result, Refused)
        if self.channel.confirms is not None:
            self.channel.session.decided[self.channel.confirms] = None


class Watching(Work):
    """Of publishes without confirms nothing is said, unless they are lost."""

    __slots__ = ()

    def begin(self) -> Call:
        """Whether all is safe so far."""
        self.channel.unwatched = False
        return AwaitSafe(self.channel.principal, self.channel.handle)

    def answered(self, result: Refused | None) -> Call | None:
        """Whose stream was deleted meanwhile lost nothing that he would miss."""
        if isinstance(result, Refused) and result.reason is not Refusal.NO_TOPIC:
            raise refused_error(result, _PUBLISH)
        if self.channel.unwatched:
            return self.begin()
        self.channel.watching = False
        return None


class Ending(Work):
    """The broker lets go of a channel, or of the client; then the client reads `last_words`."""

    __slots__ = ("last_words",)

    def __init__(self, channel: Channel, last_words: bytes) -> None:
        super().__init__(channel)
        self.last_words = last_words

    def begin(self) -> Call:
        """Channel 0 is the connection."""
        channel = self.channel
        if channel.number:
            return CloseChannel(channel.principal, channel.handle)
        return CloseClient(channel.principal, channel.handle)

    def answered(self, result: object) -> None:
        """It is over."""
        self.channel.ended(self.last_words)


def watch(channel: Channel) -> None:
    """It published without confirms: if that is lost, it is to hear of it."""
    channel.unwatched = True
    if not channel.watching:
        channel.watching = True
        watching = Watching(channel)
        channel.session.ask(watching, watching.begin())


def lease(channel: Channel) -> None:
    """From now on there may be something to deliver."""
    if not channel.leasing:
        channel.leasing = True
        channel.session.leasing += 1
        leasing = Leasing(channel)
        channel.session.ask(leasing, leasing.begin())


def _cancelled(channel: Channel, tag: str) -> None:
    """A consumer's queue is gone. Who deletes it on this very channel hears of that first, as from RabbitMQ."""
    if not channel.session.knows("consumer_cancel_notify"):
        return
    told, running = frame(channel.number, "basic.cancel", consumer_tag=tag, no_wait=True), channel.running
    if isinstance(running, Asking) and running.key == _DELETE:
        running.afterwards += told
    else:
        channel.write(told)


def end(channel: Channel, last_words: bytes) -> None:
    """Drop everything, tell the broker, then the client; it may have said before that it closes the channel."""
    if any(isinstance(work, Asking) and work.key == _CLOSE for work in channel.work):
        last_words += frame(channel.number, "channel.close-ok")
        channel.closed = True
    channel.drop()
    if channel.handle is None:
        return channel.ended(last_words)
    ending = Ending(channel, last_words)
    return channel.session.ask(ending, ending.begin())


def leave(channel: Channel) -> None:
    """The client closes it."""
    channel.closed = True
    end(channel, frame(channel.number, "channel.close-ok"))


def octets(payload: bytes) -> str:
    """Bytes as RabbitMQ's errors show them: Erlang's binary syntax."""
    printable = payload and all(32 <= octet < 127 or octet in b"\n\r\t" for octet in payload)
    return f'<<"{payload.decode()}">>' if printable else "<<" + ",".join(map(str, payload)) + ">>"


def closing(number: int, error: AmqpError) -> bytes:
    """The close that tells a client of an error."""
    name = "connection.close" if error.whole or not number else "channel.close"
    return frame(
        0 if name == "connection.close" else number, name,
        reply_code=error.code, reply_text=error.text, class_id=error.key >> 16, method_id=error.key & 0xFFFF,
    )  # fmt: skip
