"""What must hold while a server is attacked: a neighbour's latency, the server's memory, life, and what it gives back.

The neighbour produces one record at a time with acks=all, reads it back, and at the end reads all of them again.
"""

import contextlib
import struct
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import psutil

from penstock.testing.processes import BrokerProcess
from tests.hostile import wire

MIB = 1 << 20


@dataclass
class Bounds:
    """What a siege may cost others. Seconds are generous: tests share their cores, attacks took minutes."""

    p99_s: float = 1.0
    """A neighbour's round trip: produce with acks=all, then fetch."""
    grown_mib: float = 200.0
    """How much the server may grow while it lasts."""
    rounds: int = 3
    """Round trips a neighbour must have made meanwhile, so that the figures mean something."""


@dataclass
class Neighbour:
    """A well-behaved client on a thread of its own."""

    address: str
    topic: str = "neighbour"
    took_s: list[float] = field(default_factory=list)
    acknowledged: list[tuple[int, bytes]] = field(default_factory=list)
    failure: BaseException | None = None

    def __post_init__(self) -> None:
        self._stop = threading.Event()
        self._line = wire.Line(self.address, 30.0)
        self._line.ask(wire.metadata([self.topic]))
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            while not self._stop.is_set():
                began_s = time.monotonic()
                self._round(f"{len(self.acknowledged)} {began_s}".encode())
                self.took_s.append(time.monotonic() - began_s)
                time.sleep(0.005)
        except BaseException as error:
            self.failure = error

    def _round(self, value: bytes) -> None:
        answer = self._line.ask(wire.produce(self.topic, wire.one_record(value)))
        _, error, offset = struct.unpack_from(">ihq", answer, 4 + 2 + len(self.topic) + 4)
        assert error == 0, f"produce was refused with {error}"
        assert value in self._line.ask(wire.fetch(self.topic, offset, wait_ms=5000)), (
            "what was written is not there"
        )
        self.acknowledged.append((offset, value))

    def stop(self) -> None:
        """End after the round under way, and see that everything acknowledged is there."""
        self._stop.set()
        self._thread.join(30)
        assert not self._thread.is_alive(), "the neighbour has waited for an answer for half a minute"
        if self.failure:
            raise AssertionError(f"the neighbour met {self.failure!r}") from self.failure
        stored = self._line.ask(wire.fetch(self.topic, 0, most=256 * MIB, part_most=256 * MIB))
        position = 0
        for _, value in self.acknowledged:
            position = stored.find(value, position)
            assert position >= 0, f"{value!r} was acknowledged and is lost"
        self._line.close()

    def p99_s(self) -> float:
        ordered = sorted(self.took_s)
        return ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]


class Memory:
    """The most that a process held since this began."""

    def __init__(self, process: psutil.Process) -> None:
        self._process, self._stop = process, threading.Event()
        self.before = self.most = process.memory_info().rss
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        with contextlib.suppress(psutil.NoSuchProcess):
            while not self._stop.wait(0.02):
                self.most = max(self.most, self._process.memory_info().rss)

    def stop(self) -> float:
        """MiB that were added."""
        self._stop.set()
        self._thread.join()
        return (self.most - self.before) / MIB


@contextlib.contextmanager
def siege(broker: BrokerProcess, bounds: Bounds | None = None) -> Iterator[list[wire.Line]]:
    """Attack inside; connections put into the list are closed at the end, after which the server must let them go."""
    bounds = bounds or Bounds()
    assert broker.process is not None
    process = psutil.Process(broker.process.pid)
    beside = Neighbour(broker.address, f"neighbour-{time.monotonic_ns()}")
    open_before, memory = sockets(process), Memory(process)
    lines: list[wire.Line] = []
    try:
        yield lines
        _until_rounds(beside, bounds.rounds)
    finally:
        for line in lines:
            line.close()
        grown_mib = memory.stop()
    beside.stop()
    assert broker.process.poll() is None, "the broker ended"
    assert len(beside.took_s) >= bounds.rounds
    assert max(beside.took_s) < 3 * bounds.p99_s, f"the longest round trip took {max(beside.took_s):.2f} s"
    assert beside.p99_s() < bounds.p99_s, (
        f"p99 was {beside.p99_s():.2f} s, the longest {max(beside.took_s):.2f} s"
    )
    assert grown_mib < bounds.grown_mib, f"the broker grew by {grown_mib:.0f} MiB"
    _until(lambda: sockets(process) <= open_before + 8, "the broker holds on to sockets that are closed", 20)


def sockets(process: psutil.Process) -> int:
    """The descriptors that are no files: a connection that was reset is one of them until it is closed."""
    return process.num_fds() - len(process.open_files())


def _until_rounds(beside: Neighbour, more: int) -> None:
    """Let the neighbour meet what the attack left behind."""
    wanted = len(beside.took_s) + more
    _until(
        lambda: len(beside.took_s) >= wanted or beside.failure is not None,
        "the neighbour gets no answers",
        30,
    )


def _until(true: "object", otherwise: str, seconds: float = 10) -> None:
    assert callable(true)
    end_s = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end_s, otherwise
        time.sleep(0.02)
