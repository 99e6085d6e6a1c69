"""Kafka requests and responses as bytes, for both sides: the gateway reads requests and writes responses, the client
writes requests and reads responses.

Bodies are kio's dataclasses; every body is walked by the guard before kio reads it. Frames' length prefixes are
written here and cut off by `wire.frames`. Knows layouts; knows nothing of what messages mean.
"""

import io
import struct
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, cast

from kio.index import UnknownAPIKey, UnknownEntity, load_request_schema, load_response_schema
from kio.serial import entity_reader, entity_writer
from kio.serial.errors import SerialError

from penstock.calls import Bytes
from penstock.wire.kafka.encode import Buffers, Row, write
from penstock.wire.kafka.guard import MalformedError, readable, uvarint

ELEMENTS_MAX: Final = 200_000
"""Array elements in one message; some 150 bytes of memory each."""

_HEADER: Final = struct.Struct(">hhih")
_CORRELATION: Final = struct.Struct(">i")


@dataclass(frozen=True, slots=True)
class Header:
    """A request's header; `body` is where its body begins."""

    api_key: int
    version: int
    correlation_id: int
    client_id: str
    body: int


# --- the server's side -----------------------------------------------------------------------------------------


def peek(frame: memoryview) -> tuple[int, int, int]:
    """API key, version and correlation id, which stand at the same place in every header; raises `MalformedError`."""
    try:
        return cast("tuple[int, int, int]", struct.unpack_from(">hhi", frame))
    except struct.error:
        raise MalformedError("a request is shorter than its header") from None


def decode_header(frame: memoryview) -> Header:
    """The header of a request whose API key and version kio knows; raises `MalformedError`."""
    try:
        api_key, version, correlation_id, length = _HEADER.unpack_from(frame)
        position = _HEADER.size + max(length, 0)
        if length < -1 or position > len(frame):
            raise MalformedError("the client id is longer than the request")
        client_id = str(frame[_HEADER.size : position], "utf-8")
        if request_type(api_key, version).__header_schema__.__version__ == 2:
            position = _skip_tags(frame, position)
    except (struct.error, IndexError, UnicodeDecodeError):
        raise MalformedError("a request's header is malformed") from None
    return Header(api_key, version, correlation_id, client_id, position)


def decode_request(header: Header, frame: memoryview, elements_max: int = ELEMENTS_MAX) -> Any:
    """The body as kio's request class of this API and version; raises `MalformedError`."""
    return _decode(request_type(header.api_key, header.version), frame, header.body, elements_max)


def encode_response(api_key: int, version: int, correlation_id: int, row: Row) -> list[Bytes]:
    """A whole response, length prefix and header included, as buffers to be written one after the other."""
    message = response_type(api_key, version)
    buffers = Buffers()
    buffers.tail += b"\0\0\0\0" + _CORRELATION.pack(correlation_id)
    if message.__header_schema__.__version__ == 1:
        buffers.tail.append(0)
    write(message, row, buffers)
    out = buffers.all()
    first = cast("bytearray", out[0])
    first[:4] = _CORRELATION.pack(sum(map(len, out)) - 4)
    return out


# --- the client's side -----------------------------------------------------------------------------------------


def encode_request(
    api_key: int, version: int, correlation_id: int, client_id: str | None, message: Any
) -> bytes:
    """A whole request, length prefix and header included. `message` is kio's request of this API and version."""
    out = io.BytesIO()
    name = client_id.encode() if client_id is not None else b""
    out.write(
        b"\0\0\0\0"
        + _HEADER.pack(api_key, version, correlation_id, -1 if client_id is None else len(name))
        + name
    )
    if message.__header_schema__.__version__ == 2:
        out.write(b"\0")
    entity_writer(type(message))(out, message)
    with out.getbuffer() as view:
        view[:4] = _CORRELATION.pack(len(view) - 4)
    return out.getvalue()


def decode_response(
    api_key: int, version: int, frame: Bytes, elements_max: int = ELEMENTS_MAX
) -> tuple[int, Any]:
    """(correlation id, kio's response) of one frame without its length prefix; raises `MalformedError`."""
    view = memoryview(frame)
    message = response_type(api_key, version)
    if len(view) < _CORRELATION.size:
        raise MalformedError("a response is shorter than its header")
    position = _CORRELATION.size
    try:
        if message.__header_schema__.__version__ == 1:
            position = _skip_tags(view, position)
    except IndexError:
        raise MalformedError("a response's header is malformed") from None
    return _CORRELATION.unpack_from(view)[0], _decode(message, view, position, elements_max)


# --- both --------------------------------------------------------------------------------------------------------


@cache
def request_type(api_key: int, version: int) -> Any:
    """kio's request class; raises `MalformedError` where kio knows none."""
    try:
        return load_request_schema(api_key, version)
    except (UnknownAPIKey, UnknownEntity):
        raise MalformedError(f"no API {api_key} in version {version}") from None


@cache
def response_type(api_key: int, version: int) -> Any:
    """kio's response class; raises `MalformedError` where kio knows none."""
    try:
        return load_response_schema(api_key, version)
    except (UnknownAPIKey, UnknownEntity):
        raise MalformedError(f"no API {api_key} in version {version}") from None


def _decode(message: Any, view: memoryview, position: int, elements_max: int) -> Any:
    body = readable(message, view, position, elements_max)
    try:
        return entity_reader(message)(body, 0)[0]
    except (SerialError, ValueError, OverflowError) as error:
        raise MalformedError(f"{message.__name__}: {error}") from None


def _skip_tags(view: memoryview, position: int) -> int:
    count, position = uvarint(view, position)
    for _ in range(count):
        _, position = uvarint(view, position)
        size, position = uvarint(view, position)
        position += size
        if position > len(view):
            raise IndexError
    return position
