"""One connection to a server, frame by frame: nothing is retried and nothing hidden, what came in is kept as plain values.

Method frames are pamqp's, so that nothing of penstock's reads what penstock wrote; what no client would send goes out
as bytes. Names that a server makes up are told as `amq.gen-*`.
"""

import contextlib
import re
import select
import socket
import struct
import time
from collections import defaultdict
from collections.abc import Iterable
from typing import Any, Final, Protocol

from pamqp import commands, frame
from pamqp import encode as amqp

from tests.amqp.differential import fields

WAIT_S: Final = 5.0
"""How long an answer may take."""
QUIET_S: Final = 0.25
"""How long nothing has to come for it to be taken that nothing comes."""
GREETING: Final = b"AMQP\x00\x00\x09\x01"
MADE_UP: Final = (
    (re.compile(r"amq\.gen-[\w-]{22}"), "amq.gen-*"),
    (re.compile(r"amq\.ctag-[\w-]{22}"), "amq.ctag-*"),
    (re.compile(r"amq\.rabbitmq\.reply-to\.[\w.=+/-]{20,}"), "amq.rabbitmq.reply-to.*"),
)
UNASKED: Final = {"basic.deliver", "basic.return", "basic.ack", "basic.nack", "basic.cancel", "channel.flow"}
CONTENT: Final = {"basic.deliver", "basic.return", "basic.get-ok"}
KINDS: Final = {"short": "shortstr", "table": "table", "octet": "octet", "time": "longlong"}
CAPABILITIES: Final = {
    "publisher_confirms": True, "exchange_exchange_bindings": True, "basic.nack": True, "consumer_cancel_notify": True,
    "connection.blocked": True, "authentication_failure_close": True,
}  # fmt: skip


class Listening(Protocol):
    """Who is told of each exchange."""

    def sent(self, wire: "Wire", channel: int, name: str, values: dict[str, Any]) -> None: ...
    def came(self, wire: "Wire", channel: int, said: list[Any]) -> None: ...
    def ended(self, wire: "Wire", channel: int) -> None: ...
    def going_astray(self, wire: "Wire", channel: int) -> None: ...
    def raw(self, data: bytes, outcome: Any) -> None: ...


def spell(cls: type) -> str:
    """pamqp's `Queue.DeclareOk` in the specification's words: `queue.declare-ok`."""
    group, _, name = cls.name.partition(".")
    return group.lower() + "." + re.sub(r"(?<!^)(?=[A-Z])", "-", name).lower()


METHODS: Final = {spell(cls): cls for cls in commands.INDEX_MAPPING.values()}
NAMES: Final = {(index >> 16, index & 0xFFFF): spell(cls) for index, cls in commands.INDEX_MAPPING.items()}
NAMES |= {(60, 100): "basic.recover-async", (30, 10): "access.request", (30, 11): "access.request-ok"}


def _method(payload: bytes, whole: bytes) -> list[Any]:
    group, number = struct.unpack_from(">HH", payload)
    if group == 30:  # pamqp knows only what the specification of today has
        return [NAMES[group, number], {"ticket": struct.unpack_from(">H", payload, 4)[0]}]
    method = frame.unmarshal(whole)[2]
    return [spell(type(method)), {key: getattr(method, key) for key in method.__slots__}]


def plain(value: Any) -> Any:
    """A value that can be compared and kept as JSON."""
    if isinstance(value, bytes | bytearray):
        return plain(fields.text(bytes(value)))
    if isinstance(value, str):
        for made_up, told in MADE_UP:
            value = made_up.sub(told, value)
        return value
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    return [plain(each) for each in value] if isinstance(value, list | tuple) else value


def encode(channel: int, name: str, values: dict[str, Any]) -> bytes:
    """A method's frame, by pamqp's tables of fields. No value is checked: pamqp's own checks are for well-behaved clients."""
    cls = METHODS[name]
    assert not values.keys() - set(cls.__slots__), f"{name} has only {cls.__slots__}"
    given = {slot: getattr(cls(), slot) for slot in cls.__slots__} | {"out_of_band": ""} | values
    out, bits = struct.pack(">I", cls.index), list[bool]()
    for slot in cls.__slots__:
        kind = getattr(cls, f"_{slot}")
        if kind == "bit":
            bits.append(given[slot])
        else:
            out, bits = out + octet(bits) + amqp.by_type(given[slot], kind), []
    return cut(1, channel, out + octet(bits))


def octet(bits: list[bool]) -> bytes:
    """Flags that stand side by side."""
    return bytes([sum(bool(bit) << place for place, bit in enumerate(bits))] if bits else [])


def content(channel: int, body: bytes, properties: dict[str, Any], frame_bytes: int = 131072) -> bytes:
    """A message's header and body frames."""
    flags, carried = 0, b""
    for bit, (name, kind) in enumerate(fields.PROPERTIES):
        if name in properties:
            flags |= 1 << (15 - bit)
            carried += amqp.by_type(properties[name], KINDS[kind])
    frames = [cut(2, channel, struct.pack(">HHQH", 60, 0, len(body), flags) + carried)]
    step = frame_bytes - 8
    return b"".join(frames + [cut(3, channel, body[at : at + step]) for at in range(0, len(body), step)])


def cut(kind: int, channel: int, payload: bytes) -> bytes:
    """A frame of any kind."""
    return struct.pack(">BHI", kind, channel, len(payload)) + payload + b"\xce"


class Wire:
    """A TCP connection that speaks AMQP; `inbox` is what came and was not looked at, by channel."""

    def __init__(self, address: str, listener: Listening) -> None:
        host, _, port = address.rpartition(":")
        self.socket = socket.create_connection((host, int(port)), timeout=WAIT_S)
        self.listener, self.over = listener, False
        self.inbox: dict[int, list[Any]] = defaultdict(list)
        self._buffer = b""
        self._partial: dict[int, list[Any]] = {}
        self.heartbeats = 0

    # --- out
    def send(self, data: bytes) -> None:
        """Bytes as they are; what the server no longer reads is no error here, what it says is looked at."""
        with contextlib.suppress(OSError):
            self.socket.sendall(data)

    def tell(self, channel: int, name: str, **values: Any) -> None:
        """A method that nobody answers."""
        self.listener.sent(self, channel, name, values)
        self.send(encode(channel, name, values))

    def call(self, channel: int, name: str, **values: Any) -> Any:
        """A method, and what answers it (see `outcome`)."""
        self.tell(channel, name, **values)
        return self.outcome(channel)

    # --- in
    def outcome(self, channel: int = 0, wait_s: float = WAIT_S) -> Any:
        """The next thing on this channel that is an answer, or the end of the connection; what is unasked stays in the inbox."""
        until = time.monotonic() + wait_s
        while True:
            for said in self.inbox[channel]:
                if said[0] not in UNASKED:
                    self.inbox[channel].remove(said)
                    return said
            if channel and self.inbox[0]:
                return self.inbox[0].pop(0)
            if self.over or not self.pump(until - time.monotonic()):
                self.listener.ended(self, channel)
                return "hung up" if self.over else "nothing"

    def next(self, channel: int, wait_s: float = WAIT_S) -> Any:
        """The next thing that came on this channel, whatever it is."""
        until = time.monotonic() + wait_s
        while not self.inbox[channel]:
            if channel and self.inbox[0]:
                return self.inbox[0].pop(0)
            if self.over or not self.pump(until - time.monotonic()):
                return "hung up" if self.over else "nothing"
        return self.inbox[channel].pop(0)

    def pump(self, wait_s: float) -> bool:
        """Read once; False where nothing came in time, or no more will."""
        if self.over or wait_s <= 0 or not select.select([self.socket], [], [], wait_s)[0]:
            return False
        try:
            data = self.socket.recv(1 << 16)
        except OSError:
            data = b""
        self.over = not data
        self._buffer += data
        while self._take():
            pass
        return True

    def _take(self) -> bool:
        if self._buffer[:4] == b"AMQP" and len(self._buffer) >= 8:
            self._add(0, ["protocol header", list(self._buffer[4:8])])
            self._buffer = self._buffer[8:]
            return True
        if len(self._buffer) < 7:
            return False
        kind, channel, size = struct.unpack_from(">BHI", self._buffer)
        if len(self._buffer) < size + 8:
            return False
        payload, end = self._buffer[7 : 7 + size], self._buffer[7 + size]
        assert end == 0xCE, "the server sent a frame without its end"
        whole, self._buffer = self._buffer[: size + 8], self._buffer[size + 8 :]
        self._frame(kind, channel, payload, whole)
        return True

    def _frame(self, kind: int, channel: int, payload: bytes, whole: bytes) -> None:
        if kind == 8:
            self.heartbeats += 1
        elif kind == 1:
            said = _method(payload, whole)
            if said[0] in CONTENT:
                self._partial[channel] = [*said, None, b"", -1]
            else:
                self._add(channel, said)
        else:
            partial = self._partial[channel]
            if kind == 2:
                partial[2], partial[4] = (
                    fields.properties(payload[12:]),
                    struct.unpack_from(">Q", payload, 4)[0],
                )
            else:
                partial[3] += payload
            if len(partial[3]) == partial[4]:
                self._add(channel, self._partial.pop(channel)[:4])

    def _add(self, channel: int, said: list[Any]) -> None:
        self.listener.came(self, channel, said)
        if said[0] in ("channel.close", "connection.close"):
            self.send(encode(channel, f"{said[0]}-ok", {}))
            values = said[1]
            named = NAMES.get((values["class_id"], values["method_id"]), "")
            said = [said[0], values["reply_code"], values["reply_text"], named]
        self.inbox[channel].append(plain([part for part in said if part != {}]))

    def close(self) -> None:
        self.socket.close()


class Channel:
    """A channel of a connection: the methods that scenarios call most are functions."""

    def __init__(self, wire: Wire, number: int) -> None:
        self.wire, self.number = wire, number

    def __call__(self, name: str, **values: Any) -> Any:
        """A method, and what answers it."""
        return self.wire.call(self.number, name, **values)

    def tell(self, name: str, **values: Any) -> None:
        """A method that nobody answers."""
        self.wire.tell(self.number, name, **values)

    def publish(
        self, exchange: str, key: str, body: str = "m", mandatory: bool = False, **properties: Any
    ) -> None:
        """A message."""
        values = {"exchange": exchange, "routing_key": key, "mandatory": mandatory}
        self.wire.listener.sent(self.wire, self.number, "basic.publish", {**values, **properties})
        self.wire.send(
            encode(self.number, "basic.publish", values) + content(self.number, body.encode(), properties)
        )

    def declare(self, queue: str = "", **values: Any) -> Any:
        """A queue, by its arguments (`x_max_length=3`) and flags."""
        return self("queue.declare", queue=queue, **spread(values))

    def exchange(self, exchange: str, kind: str = "direct", **values: Any) -> Any:
        """An exchange, in the same way."""
        return self("exchange.declare", exchange=exchange, exchange_type=kind, **spread(values))

    def bind(self, queue: str, exchange: str, key: str = "", **arguments: Any) -> Any:
        return self("queue.bind", queue=queue, exchange=exchange, routing_key=key, arguments=arguments)

    def consume(self, queue: str, tag: str = "c", **values: Any) -> Any:
        return self("basic.consume", queue=queue, consumer_tag=tag, **spread(values))

    def get(self, queue: str, no_ack: bool = True) -> Any:
        return self("basic.get", queue=queue, no_ack=no_ack)

    def ack(self, tag: int, multiple: bool = False) -> None:
        self.tell("basic.ack", delivery_tag=tag, multiple=multiple)

    def nack(self, tag: int, multiple: bool = False, requeue: bool = True) -> None:
        self.tell("basic.nack", delivery_tag=tag, multiple=multiple, requeue=requeue)

    def reject(self, tag: int, requeue: bool = False) -> None:
        self.tell("basic.reject", delivery_tag=tag, requeue=requeue)

    def next(self, wait_s: float = WAIT_S) -> Any:
        """The next thing that the server says here."""
        return self.wire.next(self.number, wait_s)

    def take(self, count: int) -> list[Any]:
        """The next so many things."""
        return [self.next() for _ in range(count)]

    def rest(self, quiet_s: float = QUIET_S) -> list[Any]:
        """All that still comes, until nothing has come for a while."""
        found = []
        while (one := self.next(quiet_s)) not in ("nothing", "hung up"):
            found.append(one)
        return found

    def bodies(self, count: int) -> list[str]:
        """The bodies of the next so many deliveries."""
        return [one[-1] if one[0] == "basic.deliver" else one for one in self.take(count)]

    def drain(self, queue: str) -> list[str]:
        """The bodies of all that is ready, by basic.get."""
        found = []
        while (one := self.get(queue))[0] == "basic.get-ok":
            found.append(one[-1])
        return found

    def verdict(self) -> list[Any]:
        """What became of the message that was published last; whether it is told together with others is the server's choice."""
        said = self.next()
        return [said[0], said[1]["delivery_tag"]] if said[0] in ("basic.ack", "basic.nack") else said

    def confirmed(self, count: int) -> Any:
        """What became of messages 1 … count: sets, since a server may confirm several at once."""
        said: dict[str, set[int]] = {"basic.ack": set(), "basic.nack": set()}
        seen, others = 0, []
        while seen < count:
            one = self.next()
            if one[0] not in said:
                others.append(one)
                if one in ("nothing", "hung up") or one[0].endswith(".close"):
                    break
                continue
            tag, known = one[1]["delivery_tag"], said["basic.ack"] | said["basic.nack"]
            new = set(range(1, tag + 1)) - known if one[1]["multiple"] else {tag}
            said[one[0]] |= new
            seen += len(new)
        return {"acked": sorted(said["basic.ack"]), "nacked": sorted(said["basic.nack"]), "also": others}


def spread(values: dict[str, Any]) -> dict[str, Any]:
    """`x_max_length=3` as the argument `x-max-length`."""
    arguments = {key.replace("_", "-"): value for key, value in values.items() if key.startswith("x_")}
    arguments |= values.get("arguments", {})
    rest = {key: value for key, value in values.items() if not key.startswith("x_") and key != "arguments"}
    return {**rest, "arguments": arguments} if arguments else rest


class Asking:
    """What a scenario is handed: connections and channels to one server, all ended when it ends."""

    def __init__(self, address: str, listener: Listening) -> None:
        self.address, self.listener, self.wires = address, listener, list[Wire]()
        self._numbers: dict[Wire, int] = defaultdict(int)

    def wire(self) -> Wire:
        """A connection on which nothing was said."""
        self.wires.append(Wire(self.address, self.listener))
        return self.wires[-1]

    def connect(self, vhost: str = "/", **how: Any) -> Wire:
        """A connection that is open; raises AssertionError where it cannot be."""
        wire = self.wire()
        steps = self.handshake(wire, vhost, **how)
        assert steps[-1] == ["connection.open-ok", {"known_hosts": ""}], steps
        return wire

    def handshake(
        self, wire: Wire, vhost: str = "/", user: str = "guest", password: str = "guest", mechanism: str = "PLAIN",
        response: bytes | None = None, tune: tuple[int, int, int] = (2047, 131072, 0), capabilities: dict[str, bool] | None = None,
    ) -> list[Any]:  # fmt: skip
        """Each step's answer, up to the first that ends it. `tune` is channels, bytes of a frame, seconds."""
        wire.send(GREETING)
        steps = [wire.outcome()]
        properties = {"capabilities": CAPABILITIES if capabilities is None else capabilities}
        proof = f"\0{user}\0{password}" if response is None else response.decode("latin-1")
        steps.append(wire.call(0, "connection.start-ok", client_properties=properties, mechanism=mechanism, response=proof, locale="en_US"))  # fmt: skip
        if steps[-1][0] == "connection.tune":
            wire.tell(0, "connection.tune-ok", channel_max=tune[0], frame_max=tune[1], heartbeat=tune[2])
            steps.append(wire.call(0, "connection.open", virtual_host=vhost))
        return steps

    def channel(self, wire: Wire | None = None) -> Channel:
        """A new channel, of a connection of its own where none is given."""
        wire = wire or self.connect()
        self._numbers[wire] += 1
        number = self._numbers[wire]
        opened = wire.call(number, "channel.open")
        assert opened == ["channel.open-ok", {"channel_id": ""}], opened
        return Channel(wire, number)

    def fill(self, queue: str, bodies: Iterable[str], exchange: str = "", **properties: Any) -> None:
        """Messages that are in the queue when this returns."""
        channel, count = self.channel(), 0
        channel("confirm.select")
        for body in bodies:
            count += 1
            channel.publish(exchange, queue, body, **properties)
        channel.confirmed(count)

    def remove(self, queue: str) -> None:
        """Delete a queue from elsewhere: what its consumers are told meanwhile is not looked at."""
        self.channel()("queue.delete", queue=queue)

    def raw(self, wire: Wire, data: bytes, channel: int = 0, wait_s: float = WAIT_S) -> Any:
        """Bytes that no client would send, and what they are met with."""
        self.listener.going_astray(wire, channel)
        wire.send(data)
        outcome = wire.outcome(channel, wait_s)
        self.listener.raw(data, outcome)
        return outcome

    def close(self) -> None:
        for wire in self.wires:
            wire.close()
