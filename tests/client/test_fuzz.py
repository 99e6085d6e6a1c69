"""Invariant: whatever bytes a server sends, a call gives a result or a KafkaError in its time; it never hangs.

Valid answers are mutated (bits flipped, cut, grown, swapped), so that most get past the first check.
"""

import asyncio
import random
from dataclasses import replace
from typing import Any

import pytest

from penstock.client import Client, ConnectionLostError, KafkaError, cluster
from penstock.client.connection import connect
from penstock.record import Record, encode
from tests.client import fake
from tests.client.fake import FakeKafka
from tests.client.test_client import QUICK

HASTY = replace(
    QUICK,
    connect_timeout_s=0.3,
    request_timeout_s=0.15,
    deadline_s=0.3,
    delivery_timeout_s=0.4,
    backoff_max_s=0.02,
)


def mutated(frame: bytes, chance: random.Random) -> bytes:
    body = bytearray(frame[4:])
    for _ in range(chance.randrange(1, 4)):
        at = chance.randrange(len(body))
        match chance.randrange(4):
            case 0:
                body[at] ^= 1 << chance.randrange(8)
            case 1:
                del body[at : at + chance.randrange(1, 8)]
            case 2:
                body[at:at] = chance.randbytes(chance.randrange(1, 8))
            case 3:
                body[at : at + 4] = chance.choice(
                    [b"\x7f\xff\xff\xff", b"\xff\xff\xff\xff", b"\x00\x00\x00\x00"]
                )
        if not body:
            break
    size = len(body) if chance.random() < 0.9 else chance.randrange(-5, 1 << 31)
    return (size & 0xFFFFFFFF).to_bytes(4, "big") + bytes(body)


@pytest.mark.parametrize("seed", range(6))
def test_mutated_answers_end_in_a_result_or_a_kafka_error(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    chance = random.Random(seed)
    honest = fake.encode_response

    def answer(*given: Any) -> list[bytes]:
        frame = b"".join(honest(*given))
        return [mutated(frame, chance) if chance.random() < 0.5 else frame]

    honest_connect = cluster.connect

    async def only_home(host: str, port: int, **rest: Any) -> Any:
        # A mutated address must not make a test call on a stranger.
        if not host.startswith("127.0.0.1") and host.isascii() and host.isprintable():
            raise ConnectionLostError(f"cannot connect to {host}")
        return await honest_connect(host, port, **rest)

    async def go() -> None:
        monkeypatch.setattr(cluster, "connect", only_home)
        monkeypatch.setattr(fake, "encode_response", answer)
        async with FakeKafka(partitions=2) as server:
            server.logs[("t", 0)] = [encode([Record(b"k", b"v" * 50, 1)] * 5)]
            for _ in range(4):
                async with Client(server.address, options=HASTY) as client:
                    calls = (
                        lambda c=client: c.metadata(),
                        lambda c=client: c.offsets("t"),
                        lambda c=client: c.produce("t", [Record(None, b"x", 1)]),
                        lambda c=client: c.committed("g"),
                        lambda c=client: c.reader({("t", 0): 0, ("t", 1): 0}, wait_ms=20).read(0.2),
                    )
                    for call in calls:
                        try:
                            async with asyncio.timeout(5):
                                await call()
                        except KafkaError:
                            pass

    asyncio.run(asyncio.wait_for(go(), 60))


@pytest.mark.parametrize(
    ("host", "port"),
    [("a\0b", 9092), ("127.0.0.1", 70_000), ("127.0.0.1", -1), ("\ud800", 1), ("." * 300, 1)],
)
def test_an_address_that_is_none_is_a_lost_connection(host: str, port: int) -> None:
    with pytest.raises(ConnectionLostError):
        asyncio.run(connect(host, port, client_id="me", timeout_s=1.0, frame_bytes_max=1000))
