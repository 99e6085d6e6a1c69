"""A live table: current rows folded from a compacted topic, recent changes, and positions to resume from.

Rows stay JSON bytes, as they came. A reader of changes is a `Cursor`, a position; the table does not know how many
there are. What a position means: the rows after every record below it, per partition. Knows no topic client, no
clock and no socket.

Memory: at most `rows_bytes_max` for rows (each counted with `ROW_OVERHEAD_BYTES`) and `ring_bytes_max` for recent
changes. A table that would grow over its bounds gives up its rows and says so (`full`), rather than answer from a part.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from penstock.record import Record
from penstock.tables import tokens
from penstock.tables.columns import TableColumn
from penstock.tables.keys import Keys
from penstock.tables.ring import Change, Ring
from penstock.tables.rows import whole_row

ROW_OVERHEAD_BYTES = 240
WALK_MAX = 4096


@dataclass(frozen=True)
class TableOptions:
    """What one live table may take."""

    rows_max: int = 1_000_000
    """How many rows a live table may hold."""
    rows_bytes_max: int = 512 * 1024 * 1024
    """How many bytes a live table's rows may take in memory."""
    ring_changes_max: int = 65_536
    """How many recent changes are kept for clients that reconnect."""
    ring_bytes_max: int = 32 * 1024 * 1024
    """How many bytes the recent changes may take in memory."""


@dataclass(slots=True)
class Cursor:
    """A reader's position: the number of the next change to look at, and the next offset of each partition."""

    number: int
    offsets: list[int]


@dataclass(frozen=True, slots=True)
class Declared:
    """A table as declared: its name, its columns, the names of its key's columns."""

    name: str
    columns: tuple[TableColumn, ...]
    key: tuple[str, ...]


class LiveTable:
    """One table. `apply` folds records in; `resume`, `changes_since` and `snapshot` serve readers."""

    def __init__(
        self, declared: Declared, identity: bytes, starts: Sequence[int], options: TableOptions | None = None
    ) -> None:
        """`identity` is the topic's id; `starts` the first offset of each partition that will be applied."""
        self.declared, self.options = declared, options or TableOptions()
        self.identity, self.word = identity, tokens.word_of(identity)
        self.rows: dict[bytes, bytes] = {}
        self.keys = Keys(declared.columns, declared.key)
        self.ring = Ring(self.options.ring_changes_max, self.options.ring_bytes_max)
        self.offsets = list(starts)
        self.full = False
        self.damaged = 0
        self.applied = 0
        self.changed_ms = 0
        self._floor = list(starts)
        self._rows_bytes = 0

    def declare(self, declared: Declared) -> None:
        """The table's columns or key columns changed in its declaration; rows and positions stay."""
        self.declared = declared
        self.keys = Keys(declared.columns, declared.key)
        for key in self.rows:
            self.keys.learn(key)

    def extend(self, starts: Sequence[int]) -> None:
        """The topic got more partitions: their first offsets."""
        self.offsets += starts
        self._floor += starts

    # -- folding -------------------------------------------------------------------------------------------------

    def apply(self, partition: int, records: Iterable[Record]) -> int:
        """Fold records in, in offset order; ones that were folded before are passed over. How many were new."""
        before, at = self.applied, self.offsets[partition]
        for record in records:
            if record.offset < at:
                continue
            if record.offset > at:
                # Compaction left a hole: a reader from before it may have missed a deletion (DESIGN, tables).
                self._floor[partition] = record.offset
            at = self.offsets[partition] = record.offset + 1
            self.applied += 1
            if not self.full:
                self._fold(partition, record)
        return self.applied - before

    def skip(self, partition: int, offset: int) -> None:
        """Offsets below `offset` held no rows (transaction markers)."""
        self.offsets[partition] = max(self.offsets[partition], offset)

    def _fold(self, partition: int, record: Record) -> None:
        key, value = record.key, None
        if key is not None and record.value is not None:
            value = whole_row(record.value, self.keys, key)
        known = key in self.rows
        if (
            key is None
            or not (known or self.keys.readable(key))
            or (value is None and record.value is not None)
        ):
            self.damaged += 1
            return
        self._put(key, value)
        self.changed_ms = max(self.changed_ms, record.timestamp_ms)
        change = Change(partition, record.offset, record.timestamp_ms, key, value)
        for gone in self.ring.append(change):
            self._floor[gone.partition] = max(self._floor[gone.partition], gone.offset + 1)

    def _put(self, key: bytes, value: bytes | None) -> None:
        old = self.rows.get(key)
        if old is not None:
            self._rows_bytes -= ROW_OVERHEAD_BYTES + len(key) + len(old)
        if value is None:
            self.rows.pop(key, None)
            self.keys.forget(key)
            return
        if old is None:
            self.keys.learn(key)
        self.rows[key] = value
        self._rows_bytes += ROW_OVERHEAD_BYTES + len(key) + len(value)
        if len(self.rows) > self.options.rows_max or self._rows_bytes > self.options.rows_bytes_max:
            self._give_up()

    def _give_up(self) -> None:
        self.full, self._rows_bytes = True, 0
        self.rows = {}
        self.keys = Keys(self.declared.columns, self.declared.key)

    # -- reading -------------------------------------------------------------------------------------------------

    @property
    def token(self) -> str:
        """The position of the rows as they are now."""
        return tokens.write(self.word, self.offsets)

    def get(self, text: str) -> bytes | None:
        """The row whose key columns are written in `text` (see `Keys.find`); raises ValueError for a bad text."""
        key = self.keys.find(text)
        return None if key is None else self.rows.get(key)

    def snapshot(self) -> tuple[list[bytes], Cursor]:
        """All rows now, in order of first appearance, and the position from which changes follow on them."""
        return list(self.rows.values()), Cursor(self.ring.head, list(self.offsets))

    def resume(self, token: str) -> Cursor | None:
        """The position a token stands for; None (RESET) where what came after it is not all known here."""
        parsed = tokens.read(token)
        if parsed is None or parsed[0] != self.word or len(parsed[1]) > len(self.offsets):
            return None
        offsets = parsed[1]
        offsets += [0] * (
            len(self.offsets) - len(offsets)
        )  # partitions that came later: from their beginning
        if not all(f <= at <= end for f, at, end in zip(self._floor, offsets, self.offsets, strict=True)):
            return None
        alone = len(offsets) == 1 and len(self.ring)
        return Cursor(self.ring.first_at(offsets[0]) if alone else self.ring.tail, offsets)

    def changes_since(self, cursor: Cursor, count: int) -> list[tuple[Change, str]] | None:
        """Up to `count` changes, each with the token after it; the cursor moves on. None (RESET): it fell behind.

        An empty list with ``cursor.number < ring.head`` only means that there is more to look at.
        """
        if cursor.number < self.ring.tail or self.full:
            return None
        found: list[tuple[Change, str]] = []
        offsets = cursor.offsets
        offsets += [0] * (len(self.offsets) - len(offsets))
        for change in self.ring.walk(cursor.number, WALK_MAX):
            if len(found) == count:
                return found
            cursor.number += 1
            if change.offset >= offsets[change.partition]:
                offsets[change.partition] = change.offset + 1
                found.append((change, tokens.write(self.word, offsets)))
        return found
