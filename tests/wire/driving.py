"""Works a session by hand, as the driver does, with a broker that answers at once."""

from collections.abc import Iterable
from typing import Any

import pytest

from penstock.calls import Bytes, Call, Principal
from penstock.clock import Now
from penstock.wire.frames import Frames
from penstock.wire.kafka.codec import decode_response, request_type
from penstock.wire.kafka.encode import encode
from penstock.wire.kafka.registry import OFFERED
from penstock.wire.kafka.session import KafkaOptions, KafkaSession
from tests.wire.fake_broker import FakeBroker

NOW = Now(100.0, 1_700_000_000_000)


def new_session(**options: Any) -> KafkaSession:
    return KafkaSession(lambda: ("penstock.test", 9092), Principal(host="10.0.0.1"), KafkaOptions(**options))


def run(session: KafkaSession, broker: FakeBroker, asked: Iterable[tuple[object, Call]]) -> None:
    """Answer calls, and the calls that follow from the answers, until none is left."""
    waiting = list(asked)
    while waiting:
        ticket, call = waiting.pop(0)
        waiting += session.answer(ticket, broker.answer(call))


def feed(session: KafkaSession, broker: FakeBroker, data: Bytes) -> bytes:
    """Give bytes to a session; what it answers."""
    run(session, broker, session.receive(data, NOW))
    return b"".join(session.take_output())


def frames(data: bytes) -> list[memoryview]:
    """Whole frames, without their prefixes."""
    return list(Frames(1 << 30).feed(data))


def request(
    key: int, version: int, correlation_id: int = 1, client_id: str | None = "test", /, **fields: Any
) -> bytes:
    """A whole request from plain values; `fields` may name what the version lacks."""
    message = request_type(key, version)
    body = encode(message, fields)
    header = (
        key.to_bytes(2, "big") + version.to_bytes(2, "big") + correlation_id.to_bytes(4, "big", signed=True)
    )
    name = b"\xff\xff" if client_id is None else len(client_id).to_bytes(2, "big") + client_id.encode()
    tags = b"\0" if message.__header_schema__.__version__ == 2 else b""
    whole = header + name + tags + body
    return len(whole).to_bytes(4, "big") + whole


def ask(broker: FakeBroker, key: int, version: int, /, **fields: Any) -> Any:
    """One request to a session; kio's response."""
    session = new_session()
    out = feed(session, broker, request(key, version, 77, **fields))
    assert not session.closing, session.take_notices()
    (frame,) = frames(out)
    correlation_id, response = decode_response(key, version, frame)
    assert correlation_id == 77
    return response


def versions(key: int, since: int = 0) -> Any:
    """Run a test for every offered version of an API, or those from `since` on."""
    api = OFFERED[key]
    return pytest.mark.parametrize("version", range(max(api.lowest, since), api.highest + 1))


def part_of(response: Any, topics: str = "topics", partitions: str = "partitions") -> Any:
    """The one partition of the one topic."""
    (topic,) = getattr(response, topics)
    (partition,) = getattr(topic, partitions)
    return partition
