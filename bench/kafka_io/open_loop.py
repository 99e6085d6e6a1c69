"""Milliseconds from the intended send to the consumer, at a rate that does not wait for the server (open loop).

Every 2 ms a batch of records is due, whatever became of those before. Sent is as a producer sends: at most five
requests are under way; what becomes due meanwhile waits and goes together, up to 1 MB a request. All requests are
made beforehand, one thread and one `select` send them and read them back (its own connection, long-polling fetches as
Java's consumer makes), and a record's offset tells when it was due: no clock is read a record, nothing is encoded and
nothing decoded but batch headers. Thus no warm generator is the bottleneck; what it used of its core, and how late it
was itself, is measured with the rest.
"""

import select
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from bench.kafka_io.requests import FetchRequest, ProduceRequest
from bench.kafka_io.sides import Side, create_topic
from penstock import record

TICK_S = 0.002
UNDER_WAY = 5
REQUEST_BYTES = 1_000_000
DRAIN_S = 10.0


def prepared(topic: str, size: int, records_a_tick: int) -> dict[int, bytes]:
    """Requests by how many ticks' records they carry."""
    request, now_ms = ProduceRequest(topic), int(time.time() * 1000)
    one = record.Record(None, b"x" * size, now_ms, ())
    most = max(1, REQUEST_BYTES // (records_a_tick * (size + 16)))
    sizes = [n for n in (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128) if n <= most]
    return {n: request.around(record.encode([one] * (records_a_tick * n))) for n in sizes}


@dataclass
class Schedule:
    """What is due when, what was sent, what came: counted in ticks."""

    total: int
    warm: int
    records_a_tick: int
    begun_s: float = 0.0
    sent: int = 0
    received: int = 0
    took_s: list[float] = field(default_factory=list)
    late_s: list[float] = field(default_factory=list)

    def due(self, now_s: float) -> int:
        """Ticks whose time has come and that are not sent."""
        return min(self.total, int((now_s - self.begun_s) / TICK_S) + 1) - self.sent

    def next_s(self) -> float:
        """When the next unsent tick is due."""
        return self.begun_s + self.sent * TICK_S

    def came(self, records: int, now_s: float) -> None:
        """All records below this offset are at the consumer."""
        while (self.received + 1) * self.records_a_tick <= records:
            if self.received >= self.warm:
                self.took_s.append(now_s - self.begun_s - self.received * TICK_S)
            self.received += 1


class Producer:
    """A connection that sends prepared requests, a few at a time."""

    def __init__(self, address: str, topic: str, requests: dict[int, bytes]) -> None:
        self.socket, self._request = connected(address), ProduceRequest(topic)
        self._requests = requests
        self._answers, self._unsent = bytearray(), memoryview(b"")
        self.under_way = 0

    @property
    def wants(self) -> bool:
        """Whether it could send, were the socket to take more."""
        return bool(self._unsent)

    @property
    def free(self) -> bool:
        """Whether another request may go."""
        return self.under_way < UNDER_WAY and not self._unsent

    def send(self, ticks: int) -> int:
        """Send as many of the due ticks as one request takes; how many."""
        taken = max(n for n in self._requests if n <= ticks)
        self._unsent, self.under_way = memoryview(self._requests[taken]), self.under_way + 1
        self.go_on()
        return taken

    def go_on(self) -> None:
        """Hand the socket what it takes."""
        try:
            self._unsent = self._unsent[self.socket.send(self._unsent) :]
        except BlockingIOError:
            return

    def read(self) -> None:
        """Take answers; raises ConnectionError for a refusal."""
        for answer in whole(self.socket, self._answers):
            if error := self._request.error(answer):
                raise ConnectionError(f"the server refused a batch: error {error}")
            self.under_way -= 1


class Consumer:
    """A connection that always has one fetch under way."""

    def __init__(self, address: str, topic: str) -> None:
        self.socket, self._request = connected(address), FetchRequest(topic)
        self._answers, self.offset = bytearray(), 0
        self._ask()

    def _ask(self) -> None:
        self.socket.sendall(self._request.at(self.offset))

    def read(self) -> bool:
        """Take what came; whether there were records."""
        came = False
        for answer in whole(self.socket, self._answers):
            error, batches = self._request.records(answer)
            if error:
                raise ConnectionError(f"the server refused a fetch: error {error}")
            for info in record.scan(batches):
                self.offset, came = info.last_offset + 1, True
            batches.release()
            self._ask()
        return came


def connected(address: str) -> socket.socket:
    """A connection that never waits."""
    host, port = address.rsplit(":", 1)
    client = socket.create_connection((host, int(port)), 10)
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    client.setblocking(False)
    return client


def whole(source: socket.socket, held: bytearray) -> Iterator[memoryview]:
    """Whole answers, with their lengths, of what can be read now; the rest stays in `held`."""
    data = source.recv(4 << 20)
    if not data:
        raise ConnectionError("the server closed the connection")
    held += data
    while len(held) >= 4 and len(held) >= (size := 4 + int.from_bytes(held[:4], "big")):
        answer = memoryview(bytes(memoryview(held)[:size]))
        del held[:size]
        yield answer


def open_loop(
    side: Side, topic: str, size: int, rate: float, seconds: tuple[float, float]
) -> dict[str, float]:
    """Percentiles in ms at about `rate` records a second; `seconds` of warm-up and of measuring.

    Raises TimeoutError when records have not come `DRAIN_S` after the last was due.
    """
    create_topic(side.address, topic)
    records_a_tick = max(1, round(rate * TICK_S))
    warm, measured = (int(one / TICK_S) for one in seconds)
    schedule = Schedule(warm + measured, warm, records_a_tick)
    producer = Producer(side.address, topic, prepared(topic, size, records_a_tick))
    try:
        consumer = Consumer(side.address, topic)
        try:
            spent_s = turn_by_turn(schedule, producer, consumer)
        finally:
            consumer.socket.close()
    finally:
        producer.socket.close()
    ordered, late = sorted(schedule.took_s), sorted(schedule.late_s)
    points = {"p50_ms": 0.5, "p99_ms": 0.99, "p999_ms": 0.999}
    figures = {name: ordered[int(len(ordered) * share)] * 1000 for name, share in points.items()}
    offered = records_a_tick / TICK_S
    loop = {"client_late_p99_ms": late[int(len(late) * 0.99)] * 1000, "client_core": spent_s}
    return figures | loop | {"records_s": offered, "mb_s": offered * size / 1e6}


def turn_by_turn(schedule: Schedule, producer: Producer, consumer: Consumer) -> float:
    """Send and receive until all has come; the share of a core that it took."""
    schedule.begun_s = begun_s = time.monotonic() + 0.05
    used_s, until_s = time.process_time(), begun_s + schedule.total * TICK_S + DRAIN_S
    free_s = begun_s
    while schedule.received < schedule.total:
        now_s = time.monotonic()
        free_s = free_s if producer.free else now_s
        if now_s > until_s:
            missing = schedule.total - schedule.received
            raise TimeoutError(f"{missing} of {schedule.total} batches had not come after {DRAIN_S:.0f} s")
        if producer.free and (due := schedule.due(now_s)) > 0:
            schedule.late_s.append(now_s - max(schedule.next_s(), free_s))
            schedule.sent += producer.send(due)
            continue
        waits = producer.free and schedule.sent < schedule.total
        pause_s = max(0.0, schedule.next_s() - now_s) if waits else 0.1
        writing = [producer.socket] if producer.wants else []
        readable, writable, _ = select.select([producer.socket, consumer.socket], writing, [], pause_s)
        if writable:
            producer.go_on()
        if consumer.socket in readable and consumer.read():
            schedule.came(consumer.offset, time.monotonic())
        if producer.socket in readable:
            producer.read()
    return (time.process_time() - used_s) / (time.monotonic() - begun_s)
