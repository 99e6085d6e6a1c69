"""The two servers that are compared: started, timed, weighed, stopped.

Knows processes; knows nothing of what is asked of them.
"""

import contextlib
import mmap
import os
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from bench.oracle import kafka as oracle
from penstock.testing.processes import BrokerProcess

ANSWERS_WITHIN_S = 30.0


@dataclass(frozen=True)
class Side:
    """A running server. `start_s`: from the process's begin to its first answer, without the client's own start."""

    name: str
    address: str
    pid: int
    start_s: float

    def processes(self) -> list[psutil.Process]:
        """The server and all that it started."""
        own = psutil.Process(self.pid)
        return [own, *own.children(recursive=True)]

    def cpu_s(self) -> float:
        """CPU seconds that all its processes have used."""
        return float(sum(sum(one.cpu_times()[:2]) for one in self.processes()))

    def memory_mb(self) -> float:
        """Resident memory of all its processes now."""
        return float(sum(one.memory_info().rss for one in self.processes())) / 1e6

    def memory_most_mb(self) -> float:
        """The most that they ever held (Linux keeps it; elsewhere: what they hold now)."""
        marks = [Path(f"/proc/{one.pid}/status") for one in self.processes()]
        if not all(mark.exists() for mark in marks):
            return self.memory_mb()
        lines = [line for mark in marks for line in mark.read_text().splitlines() if line.startswith("VmHWM")]
        return sum(int(line.split()[1]) for line in lines) * 1024 / 1e6


@contextlib.contextmanager
def penstock(fsync: bool) -> Iterator[Side]:
    """A penstock broker on an empty directory."""
    how = "always" if fsync else "never"
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as folder,
        BrokerProcess(Path(folder, "data"), how) as broker,
    ):
        assert broker.process is not None
        yield _answering("penstock", broker.address, broker.process.pid)


@contextlib.contextmanager
def kafka(fsync: bool) -> Iterator[Side]:
    """A Kafka broker on a directory that is formatted and empty; formatting is not counted as start."""
    before = {child.pid for child in psutil.Process().children()}
    with oracle.kafka({"log.flush.interval.messages": "1"} if fsync else {}) as address:
        new = [child for child in psutil.Process().children() if child.pid not in before]
        yield _answering("kafka", address, next(child.pid for child in new if "java" in child.name()))


SIDES = {"penstock": penstock, "kafka": kafka}


def _answering(name: str, address: str, pid: int) -> Side:
    """Both are asked the same once they say, or seem, to be ready."""
    from confluent_kafka.admin import AdminClient

    AdminClient({"bootstrap.servers": address, "log_level": 0}).list_topics(timeout=ANSWERS_WITHIN_S)
    return Side(name, address, pid, _age_s(pid))


def _age_s(pid: int) -> float:
    """Seconds since the process began, to 10 ms on Linux."""
    stat = Path(f"/proc/{pid}/stat")
    if not stat.exists():
        return time.time() - float(psutil.Process(pid).create_time())
    ticks = int(stat.read_text().rsplit(")", 1)[1].split()[19])
    return time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")


def create_topic(address: str, topic: str) -> None:
    """A topic of one partition whose leader is ready; raises KafkaException."""
    from confluent_kafka import TopicPartition
    from confluent_kafka.admin import AdminClient, NewTopic, OffsetSpec  # type: ignore[attr-defined]

    admin = AdminClient({"bootstrap.servers": address, "log_level": 0})  # it must outlive the results
    admin.create_topics([NewTopic(topic, 1, 1)])[topic].result(20)
    part = TopicPartition(topic, 0)
    latest = OffsetSpec.latest()  # type: ignore[no-untyped-call]
    admin.list_offsets({part: latest}, request_timeout=20)[part].result(20)


def settle(memory_mb: int) -> None:
    """Start even: nothing waits to be written to the disk, and the memory that will be used is at hand.

    A virtual machine may give freed memory back to its host, and get it again at some milliseconds a megabyte: several
    times what it costs to write a megabyte to a warm page cache.
    """
    os.sync()
    flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | getattr(mmap, "MAP_POPULATE", 0)
    mmap.mmap(-1, memory_mb << 20, flags=flags).close()
