"""The standing as a start reads it: pieces of the pages and a mark behind them, in a partition of its own.

A snapshot is taken while the queues go on. It begins at an offset of the blocks; each piece tells its messages as they
are when it is written, and the blocks from that offset on are read again over it, which changes nothing where a piece
knew of them already. The mark is written only when all blocks that a piece may have known of are safe, and a snapshot
without its mark counts for nothing. Knows no cleaning.
"""

import json
import struct
from array import array
from bisect import bisect_left
from itertools import chain, compress, islice

from penstock.broker.ledger.columns import MARK, PIECE, batch, numbers, packed, unpack
from penstock.broker.ledger.standing.holders import read, written
from penstock.broker.ledger.standing.pages import Page, Rows
from penstock.broker.ledger.standing.standing import Standing
from penstock.broker.ledger.standing.stripes import Stripes
from penstock.calls import Bytes
from penstock.clock import Now
from penstock.log import Partition
from penstock.record import info_at, intact, scan

(HEAD, NUMBERS, WHERES, PLACES, SIZES, SETS, SET_OF, EXPIRES, PRIORITIES) = range(9)
(COUNTS, DELIVERED, DEFINITIONS, STRIPES) = range(9, 13)
"""The columns of pieces (in the order of a page's) and of marks. COUNTS: queue, number, count. STRIPES: first, bytes, count."""

PIECE_PAGES = 2
_READ_BYTES = 4 * 1024 * 1024
_HEAD = struct.Struct(
    "<QQQI"
)  # the snapshot's own offset, the blocks' offset, the next number, pieces till here


class Snapshot:
    """One that is being written. `begin` is the blocks' offset that it holds for; `place`, where it begins itself."""

    def __init__(self, standing: Standing, begin: int, next_number: int, place: int) -> None:
        self._standing, self.begin, self._next_number, self.place = standing, begin, next_number, place
        stripes = standing.stripes
        self._stripes = packed(array("Q", chain(stripes.firsts, stripes.sizes, stripes.counts)))
        self._after = -1  # messages up to this number are told
        self._pieces = 0
        self.whole = False
        self._end: dict[int, Bytes] = {}

    def step(self, partition: Partition, now: Now) -> None:
        """Write the next piece; `whole` when there is none. Raises one of the disk's errors."""
        pages = list(islice(self._standing.pages.after(self._after), PIECE_PAGES))
        columns = self._columns(pages)
        if columns[NUMBERS]:
            _append(partition, batch(PIECE, {HEAD: self._head(), **columns}, now.wall_ms), now)
            self._pieces += 1
        self.whole = not pages or self._after >= self._next_number - 1
        if self.whole:
            self._end = self._told()

    def mark(self, partition: Partition, now: Now) -> None:
        """Write the end. Raises one of the disk's errors."""
        _append(partition, batch(MARK, self._end, now.wall_ms), now)

    def _told(self) -> dict[int, Bytes]:
        """What the mark says: as of the last piece, for later blocks may not be safe when it is written."""
        standing = self._standing
        counts = ((*key, count) for key, count in standing.counts.items())
        return {
            HEAD: self._head(),
            COUNTS: packed(array("Q", chain.from_iterable(counts))),
            DELIVERED: packed(array("Q", chain.from_iterable(standing.delivered.items()))),
            DEFINITIONS: json.dumps(standing.definitions, separators=(",", ":")).encode(),
            STRIPES: self._stripes,
        }

    def _head(self) -> bytes:
        return _HEAD.pack(self.place, self.begin, self._next_number, self._pieces)

    def _columns(self, pages: list[Page]) -> dict[int, Bytes]:
        holders = self._standing.holders
        table: dict[int, int] = {}
        found = [array(code) for code in "QQIII"]
        expires, priorities = array("q"), bytearray()
        for page in pages:
            begin, stop = page.after(self._after), bisect_left(page.numbers, self._next_number)
            self._after = page.numbers[-1] if stop == len(page.numbers) else self._next_number - 1
            held = page.holders[begin:stop]
            kept = [holders.kept[one] for one in held]
            for mine, theirs in zip(found, (page.numbers, *page.columns()), strict=True):
                mine.extend(compress(theirs[begin:stop], kept))
            count = sum(kept)
            expires.extend(
                compress(page.expires[begin:stop], kept) if page.expires else array("q", bytes(8 * count))
            )
            priorities += bytes(compress(page.priorities[begin:stop], kept) if page.priorities else count)
        for one in set(found[-1]):
            table[one] = len(table)
        sets = written((True, holders.queues[one]) for one in table)
        of = array("I", map(table.__getitem__, found[-1]))
        columns: dict[int, Bytes] = {
            NUMBERS + place: packed(column) for place, column in enumerate(found[:-1])
        }
        columns |= {SETS: packed(sets), SET_OF: packed(of)}
        if any(expires):
            columns[EXPIRES] = packed(expires)
        if any(priorities):
            columns[PRIORITIES] = bytes(priorities)
        return columns


def _append(partition: Partition, record: bytearray, now: Now) -> None:
    partition.append(record, [info_at(record, 0)], now)


# --- at a start -------------------------------------------------------------------------------------------------------------


def load(standing: Standing, partition: Partition) -> int | None:
    """Read the newest snapshot that is whole; the blocks' offset that it holds for, None: there is none."""
    pieces: dict[int, list[dict[int, memoryview]]] = {}
    newest: tuple[dict[int, memoryview], list[dict[int, memoryview]]] | None = None
    offset = partition.start_offset
    while offset < partition.end_offset:
        try:
            chunk = bytes(partition.read(offset, _READ_BYTES, end=partition.end_offset))
        except ValueError:  # not even where batches begin can be told
            break
        begin = offset
        for info in scan(chunk):
            offset = max(offset, info.last_offset + 1)
            if not intact(chunk, info.position):
                continue  # then its snapshot is not whole
            kind, columns = unpack(chunk, info.position)
            place, _, _, before = _HEAD.unpack(columns[HEAD])
            if kind == PIECE and before == len(pieces.setdefault(place, [])):
                pieces[place].append(columns)
            elif kind == MARK and before == len(pieces.get(place, ())):
                newest = columns, pieces.pop(place, [])
        if offset == begin:
            break
    if newest is None:
        return None
    for columns in newest[1]:
        _take_piece(standing, columns)
    return _take_mark(standing, newest[0])


def _take_piece(standing: Standing, columns: dict[int, memoryview]) -> None:
    table = [standing.holders.of(queues, keep) for keep, queues in read(numbers("I", columns[SETS]))]
    held = array("I", map(table.__getitem__, numbers("I", columns[SET_OF])))
    codes = zip((NUMBERS, WHERES, PLACES, SIZES), "QQII", strict=True)
    found = [numbers(code, columns[column]) for column, code in codes]
    expires = numbers("q", columns[EXPIRES]) if EXPIRES in columns else None
    priorities = bytes(columns[PRIORITIES]) if PRIORITIES in columns else None
    standing.pages.extend(Rows(found[0], (*found[1:], held), expires, priorities))


def _take_mark(standing: Standing, columns: dict[int, memoryview]) -> int:
    _, begin, next_number, _ = _HEAD.unpack(columns[HEAD])
    counts = iter(numbers("Q", columns[COUNTS]))
    standing.counts = {
        (queue, number): count for queue, number, count in zip(counts, counts, counts, strict=True)
    }
    delivered = iter(numbers("Q", columns[DELIVERED]))
    standing.delivered = dict(zip(delivered, delivered, strict=True))
    standing.definitions = json.loads(bytes(columns[DEFINITIONS]))
    standing.next_number = next_number
    rows = numbers("Q", columns[STRIPES])
    third = len(rows) // 3
    standing.stripes = Stripes.of(rows[:third], rows[third : 2 * third], rows[2 * third :])
    return int(begin)
