"""One partition as a consumer reads it: chunks waiting to be decoded, what is under way, and up to where all is done.

Knows offsets and bounds; knows nothing of keys, retries or handlers.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from penstock import record
from penstock.client import Chunk
from penstock.consumer.delivery import Delivery, Part
from penstock.record import Record

ENOUGH_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Damaged:
    """A record batch that cannot be decoded: none of its records can be told from the others."""

    offset: int
    timestamp_ms: int
    why: str


class Source:
    """`position` is where to go on after a crash: all before it is settled, and what that led to is written."""

    def __init__(self, part: Part, position: int) -> None:
        self.part, self.position = part, position
        self.fetch_from = position
        self.under_way: deque[Delivery] = deque()
        self.bytes_under_way = 0
        self._read_to = position
        self._chunks: deque[Chunk] = deque()
        self._bytes_waiting = 0
        self._records = self._decoded()

    # --- reading -------------------------------------------------------------------------------------------------

    def feed(self, chunk: Chunk) -> None:
        """Take what arrived."""
        self._chunks.append(chunk)
        self._bytes_waiting += len(chunk.batches)
        self.fetch_from = chunk.next_offset

    @property
    def full(self) -> bool:
        """Whether it is of no use to fetch more for now."""
        return self._bytes_waiting >= ENOUGH_BYTES

    @property
    def dry(self) -> bool:
        """Whether all that arrived is decoded."""
        return not self._chunks

    def next(self) -> Record | Damaged | None:
        """The next record of what arrived; None where there is no further one yet."""
        return next(self._records, None) or self._again()

    def _again(self) -> Record | Damaged | None:
        if not self._chunks:
            return None
        self._records = self._decoded()
        return next(self._records, None)

    def _decoded(self) -> Iterator[Record | Damaged]:
        while self._chunks:
            chunk = self._chunks[0]
            for info in record.scan(chunk.batches):
                batch = bytes(chunk.batches[info.position : info.position + info.size])
                try:
                    for found in record.decode(batch):
                        if found.offset >= max(self._read_to, chunk.offset):
                            self._read_to = found.offset + 1
                            yield found
                except ValueError as error:
                    self._read_to = info.last_offset + 1
                    yield Damaged(info.base_offset, info.max_timestamp_ms, str(error))
            self._chunks.popleft()
            self._bytes_waiting -= len(chunk.batches)
            self._read_to = max(self._read_to, chunk.next_offset)

    @property
    def done_to(self) -> int:
        """The offset behind the last one that is settled; there may be some before it that are not."""
        settled = (each.source_offset + 1 for each in reversed(self.under_way) if each.settled)
        return next(settled, self.position)

    # --- settling ------------------------------------------------------------------------------------------------

    def begin(self, delivery: Delivery) -> None:
        """Its record is under way from now on."""
        self.under_way.append(delivery)
        self.bytes_under_way += delivery.size

    def sweep(self) -> None:
        """Let go of what is settled and leaves nothing to be written, so that there is room for more.

        What is to be written may still be taken back (`Order`), so it stays until it is gathered.
        """
        while self.under_way and self.under_way[0].settled and not self.under_way[0].moves:
            self._pop()

    def settled(self) -> list[Delivery]:
        """What is settled without anything unsettled before it: taken out, and the position is behind it."""
        done = []
        while self.under_way and self.under_way[0].settled:
            done.append(self._pop())
        if not self.under_way:
            self.position = max(self.position, self._read_to)
        return done

    def _pop(self) -> Delivery:
        delivery = self.under_way.popleft()
        self.bytes_under_way -= delivery.size
        self.position = delivery.source_offset + 1
        return delivery
