"""One block of the ledger: what happened in one turn of the loop, and the bodies of the messages that came in it.

A block is told whole or not at all. Messages have the numbers from `FIRST` on; in a block of moved messages they have
those in `NUMBERS`. What messages have alike (exchange, routing key, properties: an envelope) stands once. Knows
columns and contents; knows no page, no log.
"""

import struct
from array import array
from collections.abc import Sequence
from itertools import accumulate, chain

from penstock.broker.ledger.columns import BLOCK, Columns, batch, numbers, packed, unpack
from penstock.calls import Bytes
from penstock.content import Content, Properties
from penstock.record import info_at

(
    FIRST, NUMBERS, ENVELOPES, ENVELOPE_ENDS, ENVELOPE_OF, SETS, SET_OF, EXPIRES, PRIORITIES, BODY_ENDS,
    SETTLED_QUEUES, SETTLED, RETURNED, DELIVERED, DROPPED, DEFINITIONS, BODIES,
) = range(17)  # fmt: skip
"""The columns. FIRST: number, count. SET_OF: 0 is nobody, else one more than the place in SETS; not there: all have the
first. RETURNED: queue, number, count. DELIVERED: queue, number. DROPPED: queues that let go of all."""

_FIRST = struct.Struct("<QI")
_LENGTHS = struct.Struct("<HHI")


def message_columns(contents: Sequence[Content]) -> dict[int, Bytes]:
    """The columns that hold messages."""
    places: dict[tuple[str, str, bytes], int] = {}
    of = array("I", [places.setdefault((e, key, p.raw), len(places)) for e, key, p, _ in contents])
    envelopes = [_envelope(*one) for one in places]
    bodies = [content.body for content in contents]
    columns: dict[int, Bytes] = {
        ENVELOPES: b"".join(envelopes),
        ENVELOPE_ENDS: packed(array("I", accumulate(map(len, envelopes)))),
        BODY_ENDS: packed(array("I", accumulate(map(len, bodies)))),
        BODIES: b"".join(bodies),
    }
    if len(places) > 1:
        columns[ENVELOPE_OF] = packed(of)
    return columns


def first_column(number: int, count: int) -> bytes:
    """The number of the first message, and how many there are."""
    return _FIRST.pack(number, count)


def first_of(column: Bytes) -> tuple[int, int]:
    """What `first_column` wrote."""
    number, count = _FIRST.unpack(column)
    return number, count


def block(columns: Columns, now_ms: int) -> bytearray:
    """The block as a record batch."""
    return batch(BLOCK, columns, now_ms)


def _envelope(exchange: str, routing_key: str, raw: bytes) -> bytes:
    source, key = _bytes(exchange), _bytes(routing_key)
    return b"".join((_LENGTHS.pack(len(source), len(key), len(raw)), source, key, raw))


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


class Block:
    """The messages of a block, to be read one by one. `size` is the batch's in bytes."""

    __slots__ = (
        "_bodies",
        "_ends",
        "_envelope_ends",
        "_envelope_of",
        "_envelopes",
        "_seen",
        "columns",
        "offset",
        "size",
    )

    def __init__(self, chunk: Bytes, position: int) -> None:
        """Raises ValueError for what is no block."""
        info = info_at(chunk, position)
        self.offset, self.size = info.base_offset, info.size
        kind, self.columns = unpack(chunk, position)
        if kind != BLOCK:
            raise ValueError(f"a record of kind {kind} where a block should be")
        nothing = memoryview(b"")
        self._ends = numbers("I", self.columns.get(BODY_ENDS, nothing))
        self._envelope_of: array[int] | None = None
        if ENVELOPE_OF in self.columns:
            self._envelope_of = numbers("I", self.columns[ENVELOPE_OF])
        self._envelope_ends = numbers("I", self.columns.get(ENVELOPE_ENDS, nothing))
        self._envelopes = self.columns.get(ENVELOPES, nothing)
        self._bodies = self.columns.get(BODIES, nothing)
        self._seen: dict[int, tuple[str, str, Properties]] = {}

    def __len__(self) -> int:
        return len(self._ends)

    @property
    def sizes(self) -> "array[int]":
        """The bodies' lengths in bytes."""
        return array("I", map(int.__sub__, self._ends, chain((0,), self._ends)))

    @property
    def numbers(self) -> Sequence[int]:
        """The messages' numbers."""
        if NUMBERS in self.columns:
            return numbers("Q", self.columns[NUMBERS])
        first, count = first_of(self.columns[FIRST]) if FIRST in self.columns else (0, 0)
        return range(first, first + count)

    def content(self, place: int) -> Content:
        """The message at this place."""
        at = self._envelope_of[place] if self._envelope_of is not None else 0
        envelope = self._seen.get(at)
        if envelope is None:
            envelope = self._seen[at] = self._envelope(at)
        begin = self._ends[place - 1] if place else 0
        return Content(*envelope, bytes(self._bodies[begin : self._ends[place]]))

    def _envelope(self, at: int) -> tuple[str, str, Properties]:
        data = bytes(self._envelopes[self._envelope_ends[at - 1] if at else 0 : self._envelope_ends[at]])
        source, key, _ = _LENGTHS.unpack_from(data)
        behind = _LENGTHS.size + source
        end = behind + key
        return _text(data[_LENGTHS.size : behind]), _text(data[behind:end]), Properties.of(data[end:])
