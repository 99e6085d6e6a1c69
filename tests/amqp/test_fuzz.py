"""Whatever bytes arrive, a session answers, or ends: it never raises, and keeps no more than it was sent."""
# Invariant: no exception; what is held is at most what was received plus a fixed cost for each method.

import random

import pytest

from penstock.calls import queues as q
from penstock.wire.amqp.channels.work import METHOD_COST
from penstock.wire.amqp.methods import METHODS, Method, encode, frame
from penstock.wire.amqp.registry import ANSWERS
from tests.amqp.driving import HEARTBEAT, Client, opened, publish, raw

QUEUES = ("q", "q", "q", "", "p")
CALLING = [answer.method for key, answer in sorted(ANSWERS.items()) if key >> 16 != 10]


def random_method(chance: random.Random, method: Method) -> bytes:
    """A method's frame with fields that may well mean something."""
    kinds = {
        "octet": lambda: chance.randrange(256), "short": lambda: chance.choice((0, 0, 1, 300)),
        "long": lambda: 0, "longlong": lambda: chance.choice((0, 1, 2, 2**63)),
        "bit": lambda: chance.random() < 0.5, "shortstr": lambda: chance.choice(QUEUES),
        "longstr": lambda: chance.randbytes(3), "table": lambda: chance.choice(({}, {"x": 1})),
    }  # fmt: skip
    values = {name: kinds[kind]() for name, kind in method.fields}
    payload = method.key.to_bytes(4, "big") + encode(method, values)
    return raw(1, chance.choice((1, 1, 1, 2, 2, 2, 2, 3, 0)), payload)


def something(chance: random.Random) -> bytes:
    match chance.randrange(16):
        case 0 | 4 | 5 | 6:
            return publish(chance.choice((1, 2)), chance.choice(QUEUES), mandatory=chance.random() < 0.5)
        case 1:
            return HEARTBEAT
        case 2:
            return frame(chance.choice((1, 2, 3)), "channel.open")
        case 3:
            return random_method(chance, chance.choice(list(METHODS.values())))
        case _:
            return random_method(chance, chance.choice(CALLING))


def damaged(chance: random.Random, data: bytes) -> bytes:
    out = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 4))):
        at = chance.randrange(len(out))
        match chance.randrange(4):
            case 0:
                out[at] = chance.randrange(256)
            case 1:
                out[at : at + 4] = chance.choice((b"\xff\xff\xff\xff", b"\0\0\0\0", b"\x7f\xff\xff\xff"))
            case 2:
                del out[at : at + chance.randrange(1, 12)]
            case 3:
                out[at:at] = chance.randbytes(chance.randrange(1, 12))
        out = out or bytearray(b"\0")
    return bytes(out)


def said_to(client: Client, data: bytes, chance: random.Random, before: int = 0) -> None:
    places = sorted(chance.randrange(len(data) + 1) for _ in range(2))
    for start, end in zip([0, *places], [*places, len(data)], strict=True):
        client.step(data[start:end])
        session = client.session
        assert 0 <= session.bytes_in_flight <= len(data) * (1 + METHOD_COST // 8)
        assert 0 <= session.bytes_unfinished <= before + len(data)
    assert client.session.bytes_in_flight == 0


@pytest.mark.parametrize("seed", range(30))
def test_methods_in_any_order_and_with_damage_are_answered_or_end_the_connection(seed: int) -> None:
    chance, reached, tried = random.Random(seed), 0, 0
    for _ in range(30):
        client = opened(channels=2)
        client.step(frame(1, "queue.declare", queue="q"))
        sent = 0
        for _ in range(12):
            data = something(chance)
            data = damaged(chance, data) if chance.random() < 0.15 else data
            before = len(client.broker.asked)
            said_to(client, data, chance, sent)
            sent += len(data)
            if client.session._deaf or client.session.closing:
                break  # it has ended
            tried += 1
            reached += len(client.broker.asked) > before
        assert [type(call) for call in client.lose()] in ([], [q.CloseClient])
    assert reached > tried / 3, "too little gets as far as a call"


@pytest.mark.parametrize("seed", range(5))
def test_noise_ends_the_connection(seed: int) -> None:
    chance = random.Random(seed)
    for client in (Client(), opened()):
        said_to(client, chance.randbytes(3000), chance)
        assert client.session.closing or client.session._deaf
