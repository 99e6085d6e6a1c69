"""Writes the golden data directories of the present format: `python tests/log/golden/write.py tests/log/golden/v1`.

Run it once for each new format version, into a new folder; what is committed is never written again, because every
later penstock must open it. `clean` was closed; `crashed` was not, its journal has rounds that must be replayed.
"""

import sys
from pathlib import Path

from penstock.clock import Now
from penstock.compression import CODEC_NAMES, NONE
from penstock.log import Log, LogOptions, RealDisk
from penstock.record import Record, check, encode

NOW = Now(0.0, 1_700_000_000_000)
OPTIONS = LogOptions(segment_bytes=2000, index_interval_bytes=300)


class FixedDisk(RealDisk):
    """A real disk whose ids are always the same."""

    number = 0

    def unique(self) -> bytes:
        """1, 2, 3, …"""
        self.number += 1
        return self.number.to_bytes(16, "big")


def append(log: Log, topic: str, partition: int, records: list[Record], codec: int = NONE) -> None:
    batch = bytearray(encode(records, codec=codec))
    infos = check(batch, bytes_max=1 << 20)
    assert isinstance(infos, list)
    log.topics[topic].partitions[partition].append(batch, infos, NOW)


def sync(log: Log, now: Now = NOW) -> None:
    round_ = log.begin_sync(now)
    if round_ is not None:
        round_.run()
        assert round_.error is None
        log.end_sync(round_, now)


def record(number: int) -> Record:
    """The record at offset `number` of every partition."""
    headers = (("n", b"%d" % number), ("none", None)) if number % 3 == 0 else ()
    value = None if number % 10 == 9 else b"value %d " % number + b"." * (number % 50)
    return Record(b"key %d" % (number % 7), value, NOW.wall_ms + number * 10, headers)


def fill(folder: Path) -> Log:
    """Three topics: several segments, every codec, and one of which a part was deleted."""
    log = Log.open(FixedDisk(folder), OPTIONS, NOW)
    log.create_topic("plain", 2, {"retention.ms": "-1"}, NOW)
    log.create_topic("packed", 1, {}, NOW)
    log.create_topic("_internal", 1, {"cleanup.policy": "compact"}, NOW, internal=True)
    for number in range(0, 120, 4):
        records = [record(n) for n in range(number, number + 4)]
        for partition in (0, 1):
            append(log, "plain", partition, records)
        append(log, "packed", 0, records, codec=number // 4 % len(CODEC_NAMES))
        append(log, "_internal", 0, records)
        sync(log, NOW.after(number))
    log.topics["plain"].partitions[1].truncate_before(50)
    return log


def main(folder: Path) -> None:
    fill(folder / "clean").close(NOW)
    log = fill(folder / "crashed")
    append(log, "plain", 0, [record(n) for n in range(120, 123)])
    append(log, "plain", 1, [record(n) for n in range(120, 122)])
    sync(log)
    last = folder / "crashed/plain-0" / f"{log.topics['plain'].partitions[0].segments[-1].base:020}.log"
    last.write_bytes(last.read_bytes()[:-100])  # the journal has what the crash took
    for lock in folder.glob("*/.lock"):
        lock.unlink()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
