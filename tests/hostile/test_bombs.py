"""Small batches that open into gigabytes, wherever the broker opens batches."""

import gzip
import time

import cramjam
import pytest

from penstock.testing.processes import BrokerProcess
from tests.hostile import wire
from tests.hostile.siege import MIB, Bounds, siege
from tests.hostile.wire import Line

RECORD = wire.record(b"", b"k")
GZIP, ZSTD = 1, 4


def bombs() -> dict[str, bytes]:
    """Batches below max.message.bytes, most of them far below."""
    many = 60_000_000 // len(RECORD)
    small = RECORD * (30_000_000 // len(RECORD))
    zeros = bytes(cramjam.zstd.compress(bytes(1 << 28)))
    nothing = gzip.compress(b"", mtime=0)
    return {
        "zeros": wire.batch(wire.gzipped(b"\0", 900 * MIB), 1, GZIP),
        "zstd zeros": wire.batch(zeros, 1, ZSTD),
        "zstd zeros, frame after frame": wire.batch(zeros * 8, 1, ZSTD),
        "millions of records": wire.batch(wire.gzipped(RECORD, many), many, GZIP),
        "millions of zstd records": wire.batch(
            bytes(cramjam.zstd.compress(small)), len(small) // len(RECORD), ZSTD
        ),
        "thousands of empty members": wire.batch(nothing * (900_000 // len(nothing)), 1, GZIP),
        "one endless varint": wire.batch(wire.gzipped(b"\xff", 200 * MIB), 1, GZIP),
    }


@pytest.mark.parametrize(
    "configs",
    [
        {"cleanup.policy": "compact"},
        {"compression.type": "lz4"},
        {"message.timestamp.type": "LogAppendTime"},
        {},
    ],
    ids=["compacted", "compressed anew", "LogAppendTime", "as it is"],
)
def test_a_batch_that_opens_into_gigabytes_is_produced(
    besieged: BrokerProcess, configs: dict[str, str]
) -> None:
    topic = f"bombed-{len(configs)}-{'-'.join(configs.values())}"
    with siege(besieged, Bounds(grown_mib=400)), Line(besieged.address, 60) as line:
        line.ask(wire.create_topic(topic, configs))
        for batch in BOMBS.values():
            line.ask(wire.produce(topic, batch))


def test_a_time_is_looked_for_in_a_batch_of_a_million_records(besieged: BrokerProcess) -> None:
    with siege(besieged), Line(besieged.address, 60) as line:
        line.ask(wire.metadata(["timed"]))
        now_ms, many = int(time.time() * 1000), 1_000_000
        body = wire.gzipped(RECORD, many)
        line.ask(wire.produce("timed", wire.batch(body, many, GZIP, at_ms=now_ms, max_ms=now_ms + 1000)))
        line.ask(wire.list_offsets("timed", now_ms + 500))


def test_one_request_looks_for_a_time_in_the_same_batch_over_and_over(besieged: BrokerProcess) -> None:
    with siege(besieged), Line(besieged.address, 60) as line:
        line.ask(wire.metadata(["sought"]))
        now_ms, many = int(time.time() * 1000), 100_000
        line.ask(wire.produce("sought", wire.batch(RECORD * many, many, at_ms=now_ms, max_ms=now_ms + 1000)))
        line.ask(wire.list_offsets("sought", now_ms + 500, parts=5000))


BOMBS = bombs()
