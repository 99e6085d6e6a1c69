"""Whatever bytes arrive, a session answers or closes: it never raises, and keeps no more than it was sent."""
# Invariant: no exception; what is held is at most what was received plus a fixed cost for each request.

import random

import pytest

from penstock.wire.kafka.session import REQUEST_COST_BYTES
from tests.wire.driving import feed, new_session
from tests.wire.fake_broker import FakeBroker
from tests.wire.test_transcripts import TRANSCRIPTS, both_ways, events

SAID = [data for path in TRANSCRIPTS for data in both_ways(events(path)[1])[0].values()]
NUMBERS = (
    b"\xff\xff\xff\xff",
    b"\x7f\xff\xff\xff",
    b"\x80\0\0\0",
    b"\0\0\0\0",
    b"\xff\xff\xff\xff\x0f",
    b"\0\x01",
)


def damaged(chance: random.Random, data: bytes) -> bytes:
    out = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 5))):
        at = chance.randrange(len(out)) if out else 0
        match chance.randrange(5):
            case 0:
                out[at : at + 1] = bytes([chance.randrange(256)])
            case 1:
                number = chance.choice(NUMBERS)
                out[at : at + len(number)] = number
            case 2:
                del out[at : at + chance.randrange(1, 20)]
            case 3:
                out[at:at] = chance.randbytes(chance.randrange(1, 20))
            case 4:
                other = chance.choice(SAID)
                start = chance.randrange(len(other))
                out[at:at] = other[start : start + 40]
    return bytes(out)


@pytest.mark.parametrize("seed", range(40))
def test_damaged_requests_are_answered_or_close_the_connection(seed: int) -> None:
    chance, broker = random.Random(seed), FakeBroker(events=1)
    for _ in range(60):
        session, data = new_session(), damaged(chance, chance.choice(SAID))
        places = sorted(chance.randrange(len(data) + 1) for _ in range(3))
        for start, end in zip([0, *places], [*places, len(data)], strict=True):
            feed(session, broker, data[start:end])
            assert 0 <= session.bytes_in_flight <= len(data) * (1 + REQUEST_COST_BYTES // 8)
        assert session.bytes_in_flight == 0
        broker.asked.clear()


@pytest.mark.parametrize("seed", range(10))
def test_noise_is_answered_or_closes_the_connection(seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(200):
        body = chance.randbytes(chance.randrange(60))
        key, version = chance.randrange(-1, 95), chance.randrange(-1, 20)
        frame = key.to_bytes(2, "big", signed=True) + version.to_bytes(2, "big", signed=True) + body
        feed(new_session(), FakeBroker(t=1), len(frame).to_bytes(4, "big") + frame)
