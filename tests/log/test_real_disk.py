"""The log on real files: what is refused, a full disk, and a process killed with acknowledged records."""

import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from penstock.clock import Now
from penstock.errors import PenstockError
from penstock.log import DiskFull, Log, LogOptions, RealDisk
from penstock.record import Record, check, decode, encode

ROOT = Path(__file__).parents[2]
NOW = Now(0.0, 1_700_000_000_000)


def append(partition, value):
    batch = bytearray(encode([Record(None, value, NOW.wall_ms)]))
    return partition.append(batch, check(batch, bytes_max=1 << 24), NOW)


def sync(log):
    round_ = log.begin_sync(NOW)
    round_.run()
    assert round_.error is None
    return log.end_sync(round_, NOW)


def test_a_log_is_written_closed_and_opened_again(tmp_path):
    log = Log.open(RealDisk(tmp_path / "deep" / "data"), LogOptions(), NOW)
    parts = log.create_topic("t", 3, {}, NOW).partitions
    for number in range(10):
        assert [append(p, b"%d" % number) for p in parts] == [number] * 3
        assert len(sync(log)) == 3
    log.close(NOW)
    names = sorted(p.name for p in (tmp_path / "deep/data").iterdir())
    assert names == [".lock", "checkpoint", "journal", "penstock.json", "t-0", "t-1", "t-2"]
    assert sorted(p.name for p in (tmp_path / "deep/data/t-0").iterdir()) == [
        f"{0:020}.log",
        "partition.metadata",
    ]
    log = Log.open(RealDisk(tmp_path / "deep" / "data"), LogOptions(), NOW)
    one = log.topics["t"].partitions[2]
    assert [r.value for r in decode(one.read(0, 10_000, end=10))] == [b"%d" % n for n in range(10)]
    log.close(NOW)


def test_a_data_directory_in_use_is_refused_naming_the_process(tmp_path):
    log = Log.open(RealDisk(tmp_path), LogOptions(), NOW)
    with pytest.raises(PenstockError, match=f"in use by process {os.getpid()}") as refused:
        Log.open(RealDisk(tmp_path), LogOptions(), NOW)
    assert "--data-dir" in refused.value.remedy and refused.value.place == str(tmp_path)
    log.close(NOW)
    Log.open(RealDisk(tmp_path), LogOptions(), NOW).close(NOW)


def test_a_data_directory_that_cannot_be_written_is_refused(tmp_path):
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(PenstockError, match="cannot be written"):
        Log.open(RealDisk(tmp_path / "file" / "data"), LogOptions(), NOW)


def test_a_write_beyond_the_room_is_refused_and_cut_off(tmp_path):
    log = Log.open(RealDisk(tmp_path), LogOptions(), NOW)
    (one,) = log.create_topic("t", 1, {}, NOW).partitions
    append(one, b"x" * 5000)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8000, limits[1]))
    try:
        with pytest.raises(DiskFull):
            append(one, b"y" * 5000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert (tmp_path / "t-0" / f"{0:020}.log").stat().st_size == one.size_bytes
    assert append(one, b"z") == 1
    sync(log)
    assert [r.value[:1] for r in decode(one.read(0, 1 << 20, end=2))] == [b"x", b"z"]
    log.close(NOW)


KILLED = """
import sys, threading
from penstock.log import *
from tests.log.test_real_disk import *
log = Log.open(RealDisk(sys.argv[1]), LogOptions(segment_bytes=20000, journal_bytes=60000), NOW)
parts = (log.topics.get("t") or log.create_topic("t", 5, {}, NOW)).partitions
number = parts[0].end_offset
while True:
    for p in parts[: 1 + number % 5]:
        append(p, b"%d-%d" % (p.index, p.end_offset))
    round_ = log.begin_sync(NOW)
    thread = threading.Thread(target=round_.run)
    thread.start()
    if number % 3:
        append(parts[0], b"0-%d" % parts[0].end_offset)
    thread.join()
    for p in log.end_sync(round_, NOW):
        print(p.index, p.durable_offset, flush=True)
    number += 1
"""


@pytest.mark.parametrize("kill_after", [50, 400, 1000])
def test_a_killed_process_loses_nothing_that_it_acknowledged(tmp_path, kill_after):
    acknowledged = dict.fromkeys(range(5), 0)
    for _ in range(2):
        process = subprocess.Popen(
            [sys.executable, "-c", KILLED, str(tmp_path)], stdout=subprocess.PIPE, text=True, cwd=ROOT
        )
        assert process.stdout is not None
        for _ in range(kill_after):
            index, offset = map(int, process.stdout.readline().split())
            acknowledged[index] = offset
        process.send_signal(signal.SIGKILL)
        for line in process.stdout.read().splitlines()[:-1]:
            index, offset = map(int, line.split())
            acknowledged[index] = offset
        process.wait()
    log = Log.open(RealDisk(tmp_path), LogOptions(), NOW)
    for partition in log.topics["t"].partitions:
        assert partition.end_offset >= acknowledged[partition.index]
        offset = 0
        while offset < partition.end_offset:
            for record in decode(partition.read(offset, 1000, end=partition.end_offset)):
                assert (record.offset, record.value) == (offset, b"%d-%d" % (partition.index, offset))
                offset += 1
    log.close(NOW)


def test_a_topic_with_somebodys_folder_in_its_own_can_be_deleted(tmp_path):
    log = Log.open(RealDisk(tmp_path), LogOptions(), NOW)
    log.create_topic("t", 1, {}, NOW)
    append(log.topics["t"].partitions[0], b"x")
    (tmp_path / "t-0" / "old").mkdir()
    log.delete_topic("t")
    log.close(NOW)
    log = Log.open(RealDisk(tmp_path), LogOptions(), NOW)
    assert len(list(tmp_path.glob("*.deleted/old"))) == 1
    log.close(NOW)
