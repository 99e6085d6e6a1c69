"""However the network cuts the bytes, a session makes the same calls and says the same."""

from collections import deque
from collections.abc import Sequence
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.calls import queues as q
from penstock.content import Properties
from penstock.wire.amqp.methods import frame
from tests.amqp.driving import HEADER, HEARTBEAT, Client, body, header, parsed, publish, start_ok, tune_ok

OPENING = (HEADER, start_ok(), tune_ok(), frame(0, "connection.open", virtual_host="/"))
CHANNELS = (frame(1, "channel.open"), frame(2, "channel.open"))
KEYED = Properties.made(headers={"a": [1, "b"]}, priority=3)
IN_PIECES = frame(1, "basic.publish", routing_key="q") + header(1, 5) + body(1, b"ab") + body(1, b"cde")
IN_A_ROW = b"".join(
    [publish(2, "p", b"%d" % n) + frame(2, "basic.get", queue="p") for n in range(3)]
    + [frame(2, "basic.ack", delivery_tag=tag) for tag in (1, 2, 3)]
)
SAID: tuple[bytes, ...] = (
    publish(1, "q", b"one"), publish(2, "p", b"two", KEYED), publish(1, "nobody", b"back", mandatory=True),
    publish(2, "p", b""), IN_PIECES, frame(1, "basic.get", queue="q"), frame(2, "basic.get", queue="p"),
    frame(1, "queue.declare", queue="other"), frame(1, "basic.ack", delivery_tag=1),
    frame(2, "basic.nack", multiple=True, requeue=True), frame(1, "tx.commit"), frame(3, "channel.open"), HEARTBEAT,
    frame(2, "confirm.select"), IN_A_ROW, b"\x09\0\0\0\0\0\0\xce",
)  # fmt: skip
"""What a client may say, bad things among it; no two channels use one queue, for their order is free."""


def told(pieces: Sequence[bytes]) -> tuple[Any, ...]:
    """What comes of bytes in these pieces: messages, marks and calls in order; what is said; whether it ended."""
    client = Client()
    client.broker.queues |= {"q": deque(), "p": deque()}
    out = b"".join(client.bytes_of(piece) for piece in pieces)
    broker, calls = client.broker, {}
    for channel, done in [(getattr(call, "channel", None), call) for call in broker.asked] + broker.done:
        if not isinstance(done, q.Publish | q.Settle | q.AwaitSafe):
            what = done if isinstance(done, tuple) else type(done).__name__
            calls.setdefault(broker.ever.index(channel) if channel in broker.ever else -1, []).append(what)
    return calls, spoken(out), client.session.closing, client.session.bytes_in_flight


def spoken(out: bytes) -> dict[int, list[Any]]:
    """What was said on each channel, but for confirms: several may be one."""
    channels: dict[int, list[Any]] = {}
    for said in parsed(out):
        if said[1] != "basic.ack":
            channels.setdefault(said[1] if isinstance(said[1], int) else said[0], []).append(said)
    return channels


@settings(deadline=None)  # a busy machine is no defect
@given(st.lists(st.sampled_from(SAID), max_size=12), st.data())
def test_any_cut_makes_the_same_calls(said: list[bytes], data: st.DataObject) -> None:
    whole = b"".join((*OPENING, *CHANNELS, *said))
    places = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=8)))
    pieces = [whole[a:b] for a, b in zip([0, *places], [*places, len(whole)], strict=True)]
    assert told(pieces) == told([whole])


def test_one_byte_at_a_time_makes_the_same_calls() -> None:
    whole = b"".join((*OPENING, *CHANNELS, *SAID[:8]))
    assert told([whole[at : at + 1] for at in range(len(whole))]) == told([whole])
