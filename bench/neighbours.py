"""What a neighbour's small requests (produce with acks=all, then fetch) wait for while another client makes the broker
search a large batch by time, or read records that are on the disk only."""

import os
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.hostile import wire
from tests.hostile.siege import Neighbour
from tests.hostile.wire import Line

from penstock.testing.processes import BrokerProcess

SECONDS = 6.0
COLD_MB = 400
RECORD = wire.record(b"", b"k")
AT_MS = 1_700_000_000_000


def searching(line: Line) -> None:
    """The first record of the second half of a million, all in one batch."""
    line.ask(wire.list_offsets("large", AT_MS + 500))


def reading(data: Path) -> Callable[[Line], None]:
    """All records of a topic, each time from the disk."""

    def read(line: Line) -> None:
        for path in data.glob("cold-0/*.log"):
            fd = os.open(path, os.O_RDONLY)
            os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(fd)
        offset = 0
        while offset < COLD_MB and time.monotonic() < line.until_s:  # type: ignore[attr-defined]
            got = line.ask(wire.fetch("cold", offset, most=8 << 20, part_most=8 << 20))
            offset += max(1, len(got) // 1_000_000)

    return read


def beside(address: str, work: Callable[[Line], None] | None) -> dict[str, float]:
    """A neighbour's round trips while `work` is asked for again and again."""
    until_s = time.monotonic() + SECONDS
    done = 0

    def ask() -> None:
        nonlocal done
        with Line(address, 120) as line:
            line.until_s = until_s  # type: ignore[attr-defined]
            while work is not None and time.monotonic() < until_s:
                work(line)
                done += 1

    neighbour = Neighbour(address, f"neighbour-{time.monotonic_ns()}")
    asking = threading.Thread(target=ask)
    asking.start()
    time.sleep(SECONDS)
    neighbour.stop()
    asking.join()
    took = sorted(neighbour.took_s)
    return {
        "p50_ms": round(statistics.median(took) * 1000, 1),
        "p99_ms": round(took[int(len(took) * 0.99)] * 1000, 1),
        "max_ms": round(took[-1] * 1000, 1),
        "rounds": len(took),
        "work_done": done,
    }


def run() -> dict[str, Any]:
    """Milliseconds of a round trip: alone, beside searches, beside cold reads."""
    with tempfile.TemporaryDirectory(prefix="bench-", dir="/var/tmp") as folder:
        data = Path(folder, "data")
        with BrokerProcess(data) as broker, Line(broker.address, 120) as line:
            line.ask(wire.metadata(["large", "cold"]))
            body = wire.gzipped(RECORD, 1_000_000)
            line.ask(wire.produce("large", wire.batch(body, 1_000_000, 1, at_ms=AT_MS, max_ms=AT_MS + 1000)))
            for _ in range(COLD_MB):
                line.ask(wire.produce("cold", wire.one_record(os.urandom(1_000_000))))
            os.sync()
            found = {
                "alone": beside(broker.address, None),
                "beside_searches": beside(broker.address, searching),
                "beside_cold_reads": beside(broker.address, reading(data)),
            }
    return {"neighbours": found}


if __name__ == "__main__":
    print(run())
