"""How long one group commit takes: every dirty file synced by itself, or one shared journal with the same bytes.

    python bench/group_commit.py [FOLDER] > result.json

Each round writes `bytes_each` to the page cache of every file (as an append does), then makes them safe in one of
these ways: `files` syncs each file; `journal` reads the bytes back, writes them to one preallocated file and syncs
that; `fallocated` does the same with a journal whose blocks are reserved but never written before.
The folder must be on a real disk, not in memory.
"""

import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROUNDS = 60
JOURNAL_BYTES = 64 * 1024 * 1024
CHUNK = bytes(1024 * 1024)


def opened(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT, 0o644)


def zeroed(path: Path) -> int:
    fd = opened(path)
    for position in range(0, JOURNAL_BYTES, len(CHUNK)):
        os.pwrite(fd, CHUNK, position)
    os.fsync(fd)
    return fd


def reserved(path: Path) -> int:
    fd = opened(path)
    os.posix_fallocate(fd, 0, JOURNAL_BYTES)
    os.fsync(fd)
    return fd


def commit_files(files: list[int], _position: int, _bytes_each: int, _journal: list[int]) -> None:
    for fd in files:
        os.fdatasync(fd)


def commit_journal(files: list[int], position: int, bytes_each: int, journal: list[int]) -> None:
    fd, place = journal
    data = b"".join(os.pread(one, bytes_each, position) for one in files)
    if place + len(data) > JOURNAL_BYTES:
        place = 0
    os.pwrite(fd, data, place)
    os.fdatasync(fd)
    journal[1] = place + len(data)


def measure(
    folder: Path, count: int, bytes_each: int, commit: Callable[..., None], journal: list[int]
) -> dict[str, float]:
    paths = [folder / f"{number}.log" for number in range(count)]
    files = [opened(path) for path in paths]
    for fd in files:
        os.pwrite(fd, bytes(bytes_each), 0)
        os.fsync(fd)
    data, took = os.urandom(bytes_each), []
    for turn in range(1, ROUNDS + 1):
        for fd in files:
            os.pwrite(fd, data, turn * bytes_each)
        began = time.perf_counter()
        commit(files, turn * bytes_each, bytes_each, journal)
        took.append((time.perf_counter() - began) * 1000)
    began = time.perf_counter()
    for fd in files:
        os.fdatasync(fd)
    settle = (time.perf_counter() - began) * 1000
    for fd, path in zip(files, paths, strict=True):
        os.close(fd)
        path.unlink()
    took.sort()
    return {
        "p50_ms": round(statistics.median(took), 3),
        "p99_ms": round(took[int(len(took) * 0.99) - 1], 3),
        "settle_ms": round(settle, 3),
    }


def main() -> None:
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "bench/out/group_commit").absolute()
    folder.mkdir(parents=True, exist_ok=True)
    journals = {
        "files": (commit_files, [-1, 0]),
        "journal": (commit_journal, [zeroed(folder / "zeroed"), 0]),
        "fallocated": (commit_journal, [reserved(folder / "reserved"), 0]),
    }
    rows = []
    for bytes_each in (200, 4096, 65536):
        for count in (1, 2, 4, 16, 64, 256):
            for way, (commit, journal) in journals.items():
                if count * bytes_each * ROUNDS > 600e6:
                    continue
                figures = measure(folder, count, bytes_each, commit, journal)
                rows.append({"way": way, "files": count, "bytes_each": bytes_each, **figures})
    for name in ("zeroed", "reserved"):
        (folder / name).unlink()
    machine = {"platform": platform.platform(), "cpus": os.cpu_count(), "python": platform.python_version()}
    print(
        json.dumps(
            {"benchmark": "group_commit", "rounds": ROUNDS, "machine": machine, "rows": rows}, indent=1
        )
    )


if __name__ == "__main__":
    main()
