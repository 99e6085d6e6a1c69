"""Frames, headers, lengths and batches that are wrong: each costs its sender its connection or an error code."""

import struct
import time
import zlib

import pytest

from penstock.testing.processes import BrokerProcess
from tests.hostile import wire
from tests.hostile.siege import Bounds, siege
from tests.hostile.wire import Line

HUGE = struct.pack(">i", 2**31 - 1)
FRAMES = {
    "a negative length": struct.pack(">i", -1),
    "a length of 2 GB": HUGE,
    "a length over the limit": struct.pack(">i", (100 << 20) + 1),
    "an empty frame": struct.pack(">i", 0),
    "a frame shorter than a header": wire.blob(b"\0\3"),
    "an API that nobody has": wire.frame(999, 0, b""),
    "a negative API key": wire.frame(-1, 0, b""),
    "a version that nobody has": wire.frame(wire.METADATA, 999, b""),
    "a negative version": wire.frame(wire.METADATA, -1, b""),
    "an HTTP request": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    "a TLS hello": bytes.fromhex("16030102000100") + bytes(600),
    "an array of 2^31 topics": wire.frame(wire.METADATA, 4, HUGE + b"\1"),
    "an array of 2^31 partitions": wire.frame(
        wire.LIST_OFFSETS, 1, struct.pack(">ii", -1, 1) + wire.text("t") + HUGE
    ),
    "a compact array of 2^32": wire.frame(wire.METADATA, 9, b"\xff\xff\xff\xff\x0f", flexible=True),
    "a varint without an end": wire.frame(wire.METADATA, 9, b"\xff" * 100, flexible=True),
    "a tagged field past the end": wire.frame(wire.METADATA, 9, b"\1\0\0\0\1\0\xff\xff\xff\xff\x07", True),
    "2^32 tagged fields": wire.frame(wire.METADATA, 9, b"\1\0\0\0\xff\xff\xff\xff\x0f", True),
    "a string of length -2": wire.frame(wire.METADATA, 4, struct.pack(">ih", 1, -2) + b"\1"),
    "a name that is no UTF-8": wire.frame(wire.METADATA, 4, struct.pack(">ih", 1, 2) + b"\xff\xfe\1"),
    "a client id that is no UTF-8": wire.blob(struct.pack(">hhih", 3, 4, 1, 2) + b"\xff\xfe"),
    "more elements than are taken": wire.frame(wire.METADATA, 4, wire.array([wire.text("t")] * 200_001) + b"\0"),
    "produce with 2^31 partitions": wire.frame(
        wire.PRODUCE, 3, wire.text(None) + struct.pack(">hii", -1, 1000, 1) + wire.text("t") + HUGE
    ),
    "produce with bytes past the end": wire.frame(
        wire.PRODUCE, 3,
        wire.text(None) + struct.pack(">hii", -1, 1000, 1) + wire.text("t") + struct.pack(">ii", 1, 0) + HUGE,
    ),
}  # fmt: skip


def test_a_frame_that_is_no_request_costs_its_sender_the_connection_and_nobody_else_anything(
    besieged: BrokerProcess,
) -> None:
    with siege(besieged, Bounds(grown_mib=100)) as lines:
        for data in FRAMES.values():
            lines.append(Line(besieged.address))
            lines[-1].push(data, 2)
        open_still = [name for name, line in zip(FRAMES, lines, strict=True) if not line.closed(2)]
    assert open_still == []


def test_a_request_cut_anywhere_and_closed_leaves_nothing_behind(besieged: BrokerProcess) -> None:
    whole = wire.produce("cut", wire.one_record(b"x"))
    with siege(besieged):
        for end in range(len(whole)):
            with Line(besieged.address) as line:
                line.send(whole[:end])


DAMAGED = wire.one_record(b"x" * 100)
BATCHES = {
    "no bytes": b"",
    "one byte": b"\0",
    "a cut batch": DAMAGED[:-1],
    "a header alone": DAMAGED[:61],
    "bytes after the batch": DAMAGED + b"\0",
    "a wrong checksum": DAMAGED[:-1] + b"!",
    "an old format": DAMAGED[:16] + b"\1" + DAMAGED[17:],
    "a negative length": DAMAGED[:8] + struct.pack(">i", -1) + DAMAGED[12:],
    "a length of 2 GB": DAMAGED[:8] + HUGE + DAMAGED[12:],
    "no records": wire.batch(b"", 0),
    "2^31 records": wire.batch(b"\0" * 100, 2**31 - 1),
    "a codec that nobody has": wire.batch(b"", 1, 7),
    "a control batch": wire.batch(wire.record(b""), 1, 0x20),
    "a transactional batch": wire.batch(wire.record(b""), 1, 0x10),
}


def test_a_batch_that_is_damaged_is_refused_and_none_of_it_is_stored(besieged: BrokerProcess) -> None:
    with siege(besieged), Line(besieged.address) as line:
        line.ask(wire.metadata(["damaged"]))
        codes = {
            name: _code(line.ask(wire.produce("damaged", data)), "damaged") for name, data in BATCHES.items()
        }
        assert [name for name, code in codes.items() if code == 0] == []
        assert _end(line, "damaged") == 0


@pytest.mark.parametrize("policy", ["compact", "delete"])
def test_records_that_are_garbage_do_not_hold_the_broker_up(besieged: BrokerProcess, policy: str) -> None:
    """A compacted topic's keys are looked at, so its batches are opened; varints in them may never end."""
    bodies = [b"\xff" * 900_000, b"\x80" * 900_000, b"\x02" * 900_000, b"\xfe\xff\xff\xff\x0f" * 1000, b""]
    bodies += [zlib.compress(b"x", 9), wire.gzipped(b"\xff", 1 << 26)]
    with siege(besieged), Line(besieged.address, 30) as line:
        line.ask(wire.create_topic(f"garbage-{policy}", {"cleanup.policy": policy}))
        for body in bodies:
            for codec in range(5):
                line.ask(wire.produce(f"garbage-{policy}", wire.batch(body, 1, codec)))
        line.ask(wire.list_offsets(f"garbage-{policy}", int(time.time() * 1000) - 1000))


def test_the_broker_is_asked_for_times_that_are_none(besieged: BrokerProcess) -> None:
    with siege(besieged), Line(besieged.address) as line:
        line.ask(wire.metadata(["times"]))
        line.ask(wire.produce("times", wire.one_record(b"x")))
        for time_ms in (-(2**63), -6, -5, -4, -3, 2**63 - 1):
            line.ask(wire.list_offsets("times", time_ms))
        for offset in (-(2**63), -1, 2, 2**63 - 1):
            line.ask(wire.fetch("times", offset))
        line.ask(wire.fetch("times", 0, least=-1, most=-1, part_most=-1, wait_ms=-1))


def _code(answer: bytes, topic: str) -> int:
    return int(struct.unpack_from(">h", answer, 4 + 2 + len(topic) + 4 + 4)[0])


def _end(line: Line, topic: str) -> int:
    answer = line.ask(wire.list_offsets(topic, -1))
    return int(struct.unpack_from(">q", answer, len(answer) - 8)[0])
