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

from bench.beside.processes import Weighed, found
from bench.oracle import kafka as oracle
from penstock.testing.processes import BrokerProcess

ANSWERS_WITHIN_S = 30.0


@dataclass(frozen=True)
class Side(Weighed):
    """A running server. `start_s`: from the process's begin to its first answer, without the client's own start."""

    name: str
    address: str
    pid: int
    start_s: float


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
    server = oracle.kafka({"log.flush.interval.messages": "1"} if fsync else {})
    with found(server, lambda child: "java" in child.name()) as (address, pid):
        yield _answering("kafka", address, pid)


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
