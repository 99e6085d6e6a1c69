"""Every method of AMQP 0-9-1, of RabbitMQ's extensions and of our own: its numbers, who sends it, its fields; their bytes.

The table was written from the protocol's XML (amqp0-9-1.extended.xml); a test holds it against that. The class penstock
is ours: what RabbitMQ tells by its management API alone. Methods that are
sent for every message are also read and written elsewhere, without it (`parser`, `deliveries`). Knows no channel, and
does nothing.
"""

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from penstock.content import encode_table, table_at

Sender: TypeAlias = Literal["client", "server", "both"]
Values: TypeAlias = dict[str, Any]

FRAME_END: Final = 0xCE
METHOD, HEADER, BODY, HEARTBEAT = 1, 2, 3, 8
"""The types of frames."""


@dataclass(frozen=True, slots=True)
class Method:
    """One method; `key` is its class's number and its own, as the first four bytes of its frame's payload have them."""

    name: str
    key: int
    sender: Sender
    fields: tuple[tuple[str, str], ...]
    content: bool = False


_BOTH, _CLIENT, _SERVER = "both", "client", "server"
_DECLARED = "ticket:short {}:shortstr"
_CLOSE = "reply_code:short reply_text:shortstr class_id:short method_id:short"
_TABLE: Final[tuple[tuple[str, int, tuple[tuple[int, str, str, str], ...]], ...]] = (
    ("connection", 10, (
        (10, "start", _SERVER, "version_major:octet version_minor:octet server_properties:table "
                               "mechanisms:longstr locales:longstr"),
        (11, "start-ok", _CLIENT, "client_properties:table mechanism:shortstr response:longstr locale:shortstr"),
        (20, "secure", _SERVER, "challenge:longstr"),
        (21, "secure-ok", _CLIENT, "response:longstr"),
        (30, "tune", _SERVER, "channel_max:short frame_max:long heartbeat:short"),
        (31, "tune-ok", _CLIENT, "channel_max:short frame_max:long heartbeat:short"),
        (40, "open", _CLIENT, "virtual_host:shortstr reserved_1:shortstr reserved_2:bit"),
        (41, "open-ok", _SERVER, "reserved_1:shortstr"),
        (50, "close", _BOTH, _CLOSE),
        (51, "close-ok", _BOTH, ""),
        (60, "blocked", _SERVER, "reason:shortstr"),
        (61, "unblocked", _SERVER, ""),
        (70, "update-secret", _CLIENT, "new_secret:longstr reason:shortstr"),
        (71, "update-secret-ok", _SERVER, ""),
    )),
    ("channel", 20, (
        (10, "open", _CLIENT, "reserved_1:shortstr"),
        (11, "open-ok", _SERVER, "reserved_1:longstr"),
        (20, "flow", _BOTH, "active:bit"),
        (21, "flow-ok", _BOTH, "active:bit"),
        (40, "close", _BOTH, _CLOSE),
        (41, "close-ok", _BOTH, ""),
    )),
    ("access", 30, (
        (10, "request", _CLIENT, "realm:shortstr exclusive:bit passive:bit active:bit write:bit read:bit"),
        (11, "request-ok", _SERVER, "ticket:short"),
    )),
    ("exchange", 40, (
        (10, "declare", _CLIENT, "ticket:short exchange:shortstr type:shortstr passive:bit durable:bit "
                                 "auto_delete:bit internal:bit no_wait:bit arguments:table"),
        (11, "declare-ok", _SERVER, ""),
        (20, "delete", _CLIENT, "ticket:short exchange:shortstr if_unused:bit no_wait:bit"),
        (21, "delete-ok", _SERVER, ""),
        (30, "bind", _CLIENT, "ticket:short destination:shortstr source:shortstr routing_key:shortstr "
                              "no_wait:bit arguments:table"),
        (31, "bind-ok", _SERVER, ""),
        (40, "unbind", _CLIENT, "ticket:short destination:shortstr source:shortstr routing_key:shortstr "
                                "no_wait:bit arguments:table"),
        (51, "unbind-ok", _SERVER, ""),
    )),
    ("queue", 50, (
        (10, "declare", _CLIENT, "ticket:short queue:shortstr passive:bit durable:bit exclusive:bit "
                                 "auto_delete:bit no_wait:bit arguments:table"),
        (11, "declare-ok", _SERVER, "queue:shortstr message_count:long consumer_count:long"),
        (20, "bind", _CLIENT, "ticket:short queue:shortstr exchange:shortstr routing_key:shortstr "
                              "no_wait:bit arguments:table"),
        (21, "bind-ok", _SERVER, ""),
        (30, "purge", _CLIENT, "ticket:short queue:shortstr no_wait:bit"),
        (31, "purge-ok", _SERVER, "message_count:long"),
        (40, "delete", _CLIENT, "ticket:short queue:shortstr if_unused:bit if_empty:bit no_wait:bit"),
        (41, "delete-ok", _SERVER, "message_count:long"),
        (50, "unbind", _CLIENT, "ticket:short queue:shortstr exchange:shortstr routing_key:shortstr "
                                "arguments:table"),
        (51, "unbind-ok", _SERVER, ""),
    )),
    ("basic", 60, (
        (10, "qos", _CLIENT, "prefetch_size:long prefetch_count:short global_:bit"),
        (11, "qos-ok", _SERVER, ""),
        (20, "consume", _CLIENT, "ticket:short queue:shortstr consumer_tag:shortstr no_local:bit no_ack:bit "
                                 "exclusive:bit no_wait:bit arguments:table"),
        (21, "consume-ok", _SERVER, "consumer_tag:shortstr"),
        (30, "cancel", _BOTH, "consumer_tag:shortstr no_wait:bit"),
        (31, "cancel-ok", _BOTH, "consumer_tag:shortstr"),
        (40, "publish", _CLIENT, "ticket:short exchange:shortstr routing_key:shortstr mandatory:bit immediate:bit"),
        (50, "return", _SERVER, "reply_code:short reply_text:shortstr exchange:shortstr routing_key:shortstr"),
        (60, "deliver", _SERVER, "consumer_tag:shortstr delivery_tag:longlong redelivered:bit "
                                 "exchange:shortstr routing_key:shortstr"),
        (70, "get", _CLIENT, "ticket:short queue:shortstr no_ack:bit"),
        (71, "get-ok", _SERVER, "delivery_tag:longlong redelivered:bit exchange:shortstr routing_key:shortstr "
                                "message_count:long"),
        (72, "get-empty", _SERVER, "reserved_1:shortstr"),
        (80, "ack", _BOTH, "delivery_tag:longlong multiple:bit"),
        (90, "reject", _CLIENT, "delivery_tag:longlong requeue:bit"),
        (100, "recover-async", _CLIENT, "requeue:bit"),
        (110, "recover", _CLIENT, "requeue:bit"),
        (111, "recover-ok", _SERVER, ""),
        (120, "nack", _BOTH, "delivery_tag:longlong multiple:bit requeue:bit"),
    )),
    ("confirm", 85, (
        (10, "select", _CLIENT, "no_wait:bit"),
        (11, "select-ok", _SERVER, ""),
    )),
    ("tx", 90, (
        (10, "select", _CLIENT, ""),
        (11, "select-ok", _SERVER, ""),
        (20, "commit", _CLIENT, ""),
        (21, "commit-ok", _SERVER, ""),
        (30, "rollback", _CLIENT, ""),
        (31, "rollback-ok", _SERVER, ""),
    )),
    ("penstock", 0xF000, (
        (10, "describe", _CLIENT, "what:shortstr"),
        (11, "describe-ok", _SERVER, ""),
        (20, "declare-vhost", _CLIENT, "virtual_host:shortstr"),
        (21, "declare-vhost-ok", _SERVER, ""),
        (30, "delete-vhost", _CLIENT, "virtual_host:shortstr"),
        (31, "delete-vhost-ok", _SERVER, ""),
    )),
)  # fmt: skip
_WITH_CONTENT = ("basic.publish", "basic.return", "basic.deliver", "basic.get-ok", "penstock.describe-ok")
OWN: Final = "penstock."
"""How the names of our own class's methods begin."""


def _methods() -> dict[int, Method]:
    made = {}
    for class_name, class_id, methods in _TABLE:
        for method_id, name, sender, text in methods:
            fields = tuple((field.split(":")[0], field.split(":")[1]) for field in text.split())
            whole = f"{class_name}.{name}"
            key = class_id << 16 | method_id
            made[key] = Method(whole, key, sender, fields, whole in _WITH_CONTENT)  # type: ignore[arg-type]
    return made


METHODS: Final[Mapping[int, Method]] = _methods()
"""All of them, by key."""
BY_NAME: Final[Mapping[str, Method]] = {method.name: method for method in METHODS.values()}
KEYS: Final[Mapping[str, int]] = {name: method.key for name, method in BY_NAME.items()}

# --- bytes ----------------------------------------------------------------------------------------------------------

_SIZED: Final = {"octet": "B", "short": "H", "long": "I", "longlong": "Q"}
_NUMBERS: Final = {kind: struct.Struct(">" + code) for kind, code in _SIZED.items()}
_LONG: Final = struct.Struct(">I")


def _shortstr(data: bytes, at: int, end: int) -> tuple[str, int]:
    stop = at + 1 + data[at] if at < end else end + 1
    if stop > end:
        raise ValueError("a short string is cut off")
    return data[at + 1 : stop].decode(), stop


def _longstr(data: bytes, at: int, end: int) -> tuple[bytes, int]:
    stop = at + 4 + _LONG.unpack_from(data, at)[0] if at + 4 <= end else end + 1
    if stop > end:
        raise ValueError("a long string is cut off")
    return data[at + 4 : stop], stop


def _table(data: bytes, at: int, end: int) -> tuple[object, int]:
    table, size = table_at(data[at:end], 0)
    return table, at + size


_READ: Final[dict[str, Callable[[bytes, int, int], tuple[object, int]]]] = {
    "shortstr": _shortstr,
    "longstr": _longstr,
    "table": _table,
}


def decode(method: Method, data: bytes, at: int = 4) -> Values:
    """The fields of a method frame's payload, behind its key. Raises ValueError for bytes that are not its fields."""
    values: Values = {}
    end, bit = len(data), 0
    for name, kind in method.fields:
        if kind == "bit":
            # Neighbouring bits share octets, the lowest first (4.2.5.2).
            at += bit % 8 == 0
            if at > end:
                raise ValueError(f"{name} is missing")
            values[name] = bool(data[at - 1] >> bit % 8 & 1)
            bit += 1
            continue
        bit = 0
        if kind in _NUMBERS:
            if at + _NUMBERS[kind].size > end:
                raise ValueError(f"{name} is cut off")
            values[name] = _NUMBERS[kind].unpack_from(data, at)[0]
            at += _NUMBERS[kind].size
        else:
            values[name], at = _READ[kind](data, at, end)
    if at != end:
        raise ValueError(f"{end - at} bytes are left over")
    return values


def short_string(text: str) -> bytes:
    """A text of at most 255 bytes with its length; what is longer is cut, as only our own sentences are."""
    data = text.encode("utf-8", "surrogateescape")[:255]
    return bytes((len(data),)) + data


def _long_string(data: bytes) -> bytes:
    return _LONG.pack(len(data)) + data


_WRITE: Final[dict[str, Callable[[Any], bytes]]] = {
    "shortstr": short_string,
    "longstr": _long_string,
    "table": encode_table,
    **{kind: number.pack for kind, number in _NUMBERS.items()},
}
_FRAME: Final = struct.Struct(">BHII")
_EMPTY: Final = {"shortstr": "", "longstr": b"", "table": {}}


def encode(method: Method, values: Mapping[str, object]) -> bytes:
    """The fields' bytes; what `values` has not is empty, zero or false."""
    out, bits, count = bytearray(), 0, 0
    for name, kind in (*method.fields, ("", "")):
        if kind == "bit":
            bits |= bool(values.get(name)) << count
            count += 1
            continue
        if count:
            out += bits.to_bytes((count + 7) // 8, "little")
            bits = count = 0
        if kind:
            out += _WRITE[kind](values.get(name, _EMPTY.get(kind, 0)))
    return bytes(out)


def frame(channel: int, name: str, **values: object) -> bytes:
    """A whole method frame: ``frame(1, "basic.cancel-ok", consumer_tag="c")``."""
    method = BY_NAME[name]
    fields = encode(method, values)
    return _FRAME.pack(METHOD, channel, 4 + len(fields), method.key) + fields + b"\xce"
