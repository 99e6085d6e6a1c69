"""Appends to one partition, in order: pipelined, retried, and written once where a producer id allows it.

Knows what to do after a failure; knows nothing of records, nor of when a transaction begins and ends.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from penstock.calls import Bytes, ProducerIdentity
from penstock.client.cluster import Cluster
from penstock.client.connection import Connection
from penstock.client.errors import KafkaError, failure
from penstock.client.writing.stamp import check_single, records_in, stamp

NewIdentity = Callable[[], Awaitable[ProducerIdentity | None]]

_SEQUENCES = 1 << 31
# The server has forgotten or refused this producer id: go on with a new one.
_LOST_TRACK = ("OUT_OF_ORDER_SEQUENCE_NUMBER", "UNKNOWN_PRODUCER_ID", "INVALID_PRODUCER_EPOCH")


@dataclass(frozen=True, slots=True)
class Sender:
    """Who appends: `identity` is asked for a producer id before the first append, and after one was lost track of.

    With a `transactional_id` it is asked once: a batch that fails then fails its transaction, and all behind it.
    """

    identity: NewIdentity
    transactional_id: str | None = None


@dataclass(slots=True)
class _Entry:
    batch: Bytes
    answer: asyncio.Future[int]
    deadline_s: float
    stamped: Bytes | None = None  # as first sent: a retry must carry the same producer id and sequence
    in_doubt: bool = False  # a connection broke over it: it may stand in the log


class Lane:
    """The appends of one client to one partition with one setting of acks."""

    def __init__(self, cluster: Cluster, part: tuple[str, int], acks: int, sender: Sender) -> None:
        self.topic, self.partition = part
        self.acks = acks
        self._cluster, self._sender = cluster, sender
        self._identity: ProducerIdentity | None = None
        self._sequence = 0
        self._connection: Connection | None = None
        self._entries: deque[_Entry] = deque()
        self._flying: deque[asyncio.Future[memoryview]] = deque()
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def push(self, batch: Bytes) -> asyncio.Future[int]:
        """Take one record batch; the future gives its base offset (-1 with acks of 0)."""
        check_single(batch)
        loop = asyncio.get_running_loop()
        entry = _Entry(batch, loop.create_future(), loop.time() + self._cluster.options.delivery_timeout_s)
        self._entries.append(entry)
        self._wake.set()
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())
        return entry.answer

    async def finish(self) -> None:
        """Wait until all that was pushed is settled."""
        if self._task:
            await asyncio.wait([self._task])

    def cancel(self) -> None:
        """Give up what is not yet acknowledged; it may or may not have been written."""
        if self._task:
            self._task.cancel()
        self._fail(
            KafkaError("NETWORK_EXCEPTION", f"append to {self.place}: the client was closed"),
            all_of_them=True,
        )

    @property
    def place(self) -> str:
        """The partition, as errors name it."""
        return f"{self.topic}-{self.partition}"

    async def _run(self) -> None:
        backoff = self._cluster.backoff()
        while self._entries:
            ahead = len(self._entries)
            try:
                await self._stream()
            except KafkaError as error:
                if len(self._entries) < ahead:
                    backoff.reset()
                await self._recover(error, backoff.next_s())
            except Exception as error:
                self._fail(
                    KafkaError("UNKNOWN_SERVER_ERROR", f"append to {self.place}: {error}"), all_of_them=True
                )
                raise

    async def _recover(self, error: KafkaError, wait_s: float) -> None:
        """Decide after a failure: fail what is lost, or wait and send everything unsettled again, in order."""
        await asyncio.gather(*self._flying, return_exceptions=True)
        flights = list(self._flying)
        self._flying.clear()
        self._cluster.doubt(error)
        head, options = self._entries[0], self._cluster.options
        limit_s = head.deadline_s
        if error.name == "UNKNOWN_TOPIC_OR_PARTITION":
            limit_s += options.unknown_topic_s - options.delivery_timeout_s
        transactional = self._sender.transactional_id is not None
        forgotten = error.name in _LOST_TRACK and not transactional
        final = not error.retriable or asyncio.get_running_loop().time() + wait_s > limit_s
        for entry, flight in zip(self._entries, flights, strict=False):
            entry.in_doubt = entry.in_doubt or not self._refused(flight)
        if final or forgotten:
            # A batch that was refused, and never in doubt before, may be sent again under a new producer id.
            for entry in self._entries:
                if not entry.in_doubt:
                    entry.stamped = None
            keep_head = forgotten and head.stamped is None
            self._fail(error, keep_head=keep_head, all_of_them=transactional)
        await asyncio.sleep(0.0 if final else wait_s)

    def _refused(self, flight: asyncio.Future[memoryview]) -> bool:
        """Whether the server itself said no: then the batch does not stand in the log."""
        if flight.exception() or self.acks == 0 or self._connection is None:
            return False
        try:
            return _written(self._connection, flight.result()).error_code not in (0, 46)
        except KafkaError:
            return False

    def _fail(self, error: KafkaError, *, keep_head: bool = False, all_of_them: bool = False) -> None:
        """Fail the head and all that may stand in the log: a new producer id must not send those again."""
        kept: deque[_Entry] = deque()
        for position, entry in enumerate(self._entries):
            if not all_of_them and entry.stamped is None and (position or keep_head):
                kept.append(entry)
            elif not entry.answer.done():
                entry.answer.set_exception(error)
                entry.answer.exception()  # seen: whoever pushed may have gone away
        self._entries = kept
        self._identity, self._sequence = None, 0

    async def _stream(self) -> None:
        """Send and settle until nothing is left; raises the first failure, with the rest still in `_entries`."""
        connection = await self._cluster.leader(self.topic, self.partition)
        self._connection = connection
        ordered = await self._ordered()
        in_flight_max = self._cluster.options.in_flight_max if ordered else 1
        while self._entries:
            while len(self._flying) < min(in_flight_max, len(self._entries)):
                await connection.room()
                self._send(connection, self._entries[len(self._flying)])
            await self._wake.wait()
            self._wake.clear()
            while self._flying and self._flying[0].done():
                self._settle(connection, self._flying[0])

    async def _ordered(self) -> bool:
        """Whether the server puts retried and pipelined batches in order for us, by producer id and sequence."""
        if self.acks == -1 and self._identity is None:
            self._identity = await self._sender.identity()
            self._sequence = 0
        return self._identity is not None

    def _send(self, connection: Connection, entry: _Entry) -> None:
        if entry.stamped is None:
            entry.stamped = self._stamp(entry.batch)
        timeout_s = self._cluster.options.request_timeout_s
        part = {"index": self.partition, "records": entry.stamped}
        row = {
            "transactional_id": self._sender.transactional_id,
            "acks": self.acks,
            "timeout": round(timeout_s * 800),  # the server gives up first, and says so
            "topic_data": [{"name": self.topic, "partition_data": [part]}],
        }
        if self.acks == 0:
            connection.tell("Produce", row)
            sent: asyncio.Future[memoryview] = asyncio.get_running_loop().create_future()
            sent.set_result(memoryview(b""))
        else:
            sent = connection.start("Produce", row, timeout_s)
        sent.add_done_callback(lambda _: self._wake.set())
        self._flying.append(sent)

    def _stamp(self, batch: Bytes) -> Bytes:
        """The batch with the next sequence of this lane's producer."""
        if self._identity is None:
            return batch
        transactional = self._sender.transactional_id is not None
        stamped = stamp(batch, self._identity, self._sequence, transactional=transactional)
        self._sequence = (self._sequence + records_in(batch)) % _SEQUENCES
        return stamped

    def _settle(self, connection: Connection, sent: asyncio.Future[memoryview]) -> None:
        """Take the head's answer; raises unless it is written (now or, by its sequence, already before)."""
        frame = sent.result()
        base_offset = -1
        if self.acks != 0:
            written = _written(connection, frame)
            # DUPLICATE_SEQUENCE_NUMBER: it stands in the log, but the server no longer knows where.
            if written.error_code not in (0, 46):
                message = getattr(written, "error_message", None)
                raise failure(written.error_code, f"append to {self.place}", message)
            base_offset = written.base_offset
        self._flying.popleft()
        entry = self._entries.popleft()
        if not entry.answer.done():
            entry.answer.set_result(base_offset)


def _written(connection: Connection, frame: memoryview) -> Any:
    """The one partition of a Produce response."""
    answer = connection.read("Produce", frame)
    if len(answer.responses) != 1 or len(answer.responses[0].partition_responses) != 1:
        raise connection.broken("answered for another number of partitions than were sent")
    return answer.responses[0].partition_responses[0]
