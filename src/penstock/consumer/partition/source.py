"""One partition as a consumer reads it: chunks waiting to be decoded, what is under way, and up to where all is done.

Knows offsets and bounds; knows nothing of keys, retries or handlers.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

from penstock import record
from penstock.client import Chunk
from penstock.consumer.delivery import Delivery, Part
from penstock.record import Record

ENOUGH_BYTES = 1024 * 1024
UNWRITTEN_WINDOWS = 16
"""How many windows of records may wait for what came of them to be written."""


@dataclass(frozen=True, slots=True)
class Damaged:
    """A record batch that cannot be decoded: none of its records can be told from the others."""

    offset: int
    timestamp_ms: int
    why: str


class Source:
    """`position` is where to go on after a crash: all before it is settled, and what that led to is written.

    `under_way` begins with the oldest that is not settled. Of what stands before that, `unwritten` has what led to something
    that is to be written: a commit takes as long as the disk, and what is done must not take the room of what could be
    handled meanwhile, nor memory. What is done behind one of them is `passed_to` by it.
    """

    def __init__(self, part: Part, position: int) -> None:
        self.part, self.position = part, position
        self.fetch_from = position
        self.under_way: deque[Delivery] = deque()
        self.unwritten: deque[Delivery] = deque()
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

    def has_room(self, window: int, bytes_max: int) -> bool:
        """Whether one more record may be under way."""
        few = len(self.under_way) < window and len(self.unwritten) < UNWRITTEN_WINDOWS * window
        return few and self.bytes_under_way < bytes_max

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
        for each in chain(reversed(self.under_way), reversed(self.unwritten)):
            if each.settled or each.passed_to > each.source_offset + 1:
                return each.passed_to
        return self.position

    # --- settling ------------------------------------------------------------------------------------------------

    def begin(self, delivery: Delivery) -> None:
        """Its record is under way from now on."""
        self.under_way.append(delivery)
        self.bytes_under_way += delivery.size

    def sweep(self) -> None:
        """Make room for more: let go of what is settled, or where it is to be written keep it aside.

        What is to be written may still be taken back (`Order`), and is unsettled then: it stays until it is gathered.
        """
        under_way, unwritten = self.under_way, self.unwritten
        while under_way and under_way[0].settled:
            if under_way[0].move is not None:
                unwritten.append(under_way.popleft())
                continue
            delivery = under_way.popleft()
            self.bytes_under_way -= delivery.size
            if unwritten:
                unwritten[-1].passed_to = delivery.passed_to
            else:
                self.position = delivery.passed_to

    def settled(self) -> list[Delivery]:
        """What is to be written without anything unsettled before it: taken out, and the position is behind it."""
        self.sweep()
        done = []
        while self.unwritten and self.unwritten[0].settled:
            delivery = self.unwritten.popleft()
            self.bytes_under_way -= delivery.size
            self.position = delivery.passed_to
            done.append(delivery)
        if not self.under_way and not self.unwritten:
            self.position = max(self.position, self._read_to)
        return done
