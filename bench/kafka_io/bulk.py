"""Many records in large batches: MB/s of `kcat` (librdkafka in C, so that the client is not what is measured).

It sends a file of fixed-size lines to one partition with acks=all, then reads it back. The seconds that the same
command needs for one record are subtracted: they are the client's start. Reading, its queue has room for everything:
with librdkafka's default of 100,000 records it stops asking for up to a second each time the queue is full, and
these seconds are all one sees.
"""

import subprocess
import time
from pathlib import Path

from bench.kafka_io.sides import Side, settle

FILE_BYTES = {100: 100_000_000, 1_000: 300_000_000}
TIMEOUT_S = 120.0
ROOM = ("queued.min.messages=10000000", "queued.max.messages.kbytes=2000000")


def lines(folder: Path, size: int, share: float) -> tuple[Path, int]:
    """A file of lines of `size` bytes with their end, and how many. `share` of the full length."""
    file, count = folder / f"{size}-{share}", int(FILE_BYTES[size] * share / size)
    if not file.exists():
        file.write_bytes(b"".join(b"%0*d\n" % (size - 1, n) for n in range(count)))
    return file, count


def send_s(side: Side, topic: str, file: Path) -> float:
    """Seconds to send the lines of `file`."""
    words = ["-P", "-l", str(file), *_settings("acks=all", "linger.ms=5")]
    return _kcat_s(side, topic, words)


def read_s(side: Side, topic: str, count: int) -> float:
    """Seconds to read `count` records, checksums verified."""
    words = ["-C", "-o", "0", "-c", str(count), "-q", *_settings("check.crcs=true", *ROOM)]
    return _kcat_s(side, topic, words)


def _settings(*pairs: str) -> list[str]:
    return [word for pair in pairs for word in ("-X", pair)]


def _kcat_s(side: Side, topic: str, words: list[str]) -> float:
    command = ["kcat", *words[:1], "-b", side.address, "-t", topic, "-p", "0", *words[1:]]
    begun_s = time.monotonic()
    subprocess.run(
        command, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, timeout=TIMEOUT_S
    )
    return time.monotonic() - begun_s


def bulk(side: Side, folder: Path, size: int, share: float) -> dict[str, float]:
    """MB/s and the server's CPU milliseconds a MB, both ways, after a warm-up as long as what is measured."""
    (file, count), one = lines(folder, size, share), folder / "one"
    one.write_bytes(b"x" * (size - 1) + b"\n")
    mb = size * count / 1e6
    send_s(side, f"warm-{size}", file)
    read_s(side, f"warm-{size}", count)
    settle(int(3 * mb))
    start_s = send_s(side, f"warm-{size}", one)
    before_s = side.cpu_s()
    sent_s = send_s(side, f"bulk-{size}", file) - start_s
    produced_s = side.cpu_s()
    start_s = read_s(side, f"warm-{size}", 1)
    between_s = side.cpu_s()
    took_s = read_s(side, f"bulk-{size}", count) - start_s
    return {
        "produce_mb_s": mb / max(sent_s, 0.01),
        "produce_cpu_ms_mb": (produced_s - before_s) * 1000 / mb,
        "consume_mb_s": mb / max(took_s, 0.01),
        "consume_cpu_ms_mb": (side.cpu_s() - between_s) * 1000 / mb,
    }
