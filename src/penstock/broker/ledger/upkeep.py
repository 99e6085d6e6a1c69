"""Keeps the ledger's log short and its starts quick, a slice at a time: snapshots, moving what lives, truncating.

The log is a circle: what still waits in its oldest part is moved to its end, with the same numbers, and the oldest part
goes. Nothing goes before the state that does not need it is safe: a snapshot behind it, the moved messages, and the
settlements of those that were not moved. Knows when; what a snapshot and a block are stands elsewhere.
"""

import math
from array import array

from penstock.broker.ledger import block as blocks
from penstock.broker.ledger.block import Block, block, message_columns
from penstock.broker.ledger.bodies import Bodies
from penstock.broker.ledger.columns import packed
from penstock.broker.ledger.options import LedgerOptions
from penstock.broker.ledger.snapshot import Snapshot
from penstock.broker.ledger.standing.standing import Standing
from penstock.broker.records.durable import DISK_ERRORS
from penstock.clock import Now
from penstock.content import Content
from penstock.log import Cold, Log, Partition
from penstock.record import info_at

SLICE_S, IDLE_S, AFTER_FAILURE_S = 0.02, 1.0, 30.0
MOVED_MAX, MOVED_BYTES_MAX, LOOKED_AT_MAX = 1000, 1024 * 1024, 5000
_BLOCK_US, _MESSAGE_US, _SETTLED_US, _KIB_US = 30.0, 0.2, 0.6, 1.0  # what reading a block again costs
_BLOCK_COUNTS = 50  # to open a block is as much work as to look at so many messages
_SNAPSHOT_US = 0.3  # and writing or reading a message in a snapshot


class Upkeep:
    """`base`: blocks below are not read by a start, because a safe snapshot holds what they say."""

    def __init__(self, log: Log, standing: Standing, bodies: Bodies, options: LedgerOptions) -> None:
        self._log, self._standing, self._bodies, self._options = log, standing, bodies, options
        self.base = 0
        self._replay_us, self._new_bytes = 0.0, 0
        self._snapshot: Snapshot | None = None
        self._awaited: int | None = None  # the blocks' end that must be safe before the mark is written
        self._marked: tuple[Snapshot, int] | None = None  # one that is whole once the pieces' offset is safe
        self._plan: tuple[int, int] | None = None  # truncate here, once that is safe
        self._rest: tuple[int, int] = (0, 0)  # where moving goes on: block, place
        self._later_s, self._truncated_s = 0.0, -IDLE_S
        self._stopped = False
        self.moved = self.snapshots = 0

    def started(self, base: int, behind: int) -> None:
        """A start read a snapshot up to `base` and `behind` bytes of blocks."""
        self.base, self._new_bytes = base, behind
        self._replay_us = behind / 1024 * _KIB_US

    def written(self, size: int, messages: int, settled: int) -> None:
        """A block was written."""
        self._new_bytes += size
        self._replay_us += _BLOCK_US + messages * _MESSAGE_US + settled * _SETTLED_US + size / 1024 * _KIB_US

    def slice(self, partition: Partition, pieces: Partition, next_number: int, now: Now) -> float | None:
        """Do the next bit; in how many seconds the one after it is wanted, None: there is nothing. Raises Cold."""
        if now.mono_s < self._later_s:
            return self._later_s - now.mono_s
        self._standing.sweep()
        try:
            busy = (
                self._truncate(partition, now)
                or self._go_on(partition, pieces, now)
                or self._begin(partition, pieces, next_number)
                or self._move(partition, now)
            )
        except DISK_ERRORS:
            if self._snapshot is not None:
                self._snapshot, self._awaited, self._replay_us = None, None, math.inf
            self._later_s = now.mono_s + AFTER_FAILURE_S
            return AFTER_FAILURE_S
        if busy:
            return SLICE_S
        waits = self._snapshot is not None or self._marked is not None or self._plan is not None
        waits = waits or now.mono_s - self._truncated_s < IDLE_S
        return IDLE_S if waits else None

    # --- snapshots ------------------------------------------------------------------------------------------------------

    def _begin(self, partition: Partition, pieces: Partition, next_number: int) -> bool:
        if self._marked is not None or not self._is_due():
            return False
        self._snapshot = Snapshot(self._standing, partition.end_offset, next_number, pieces.end_offset)
        self._replay_us, self._new_bytes = 0.0, 0
        self._standing.stripes.cut()
        return True

    def _is_due(self) -> bool:
        live = self._standing.pages.live
        cost_us = (live + 10 * len(self._standing.definitions)) * _SNAPSHOT_US
        if self._replay_us > max(self._options.replay_ms * 1000, 2 * cost_us):
            return True
        new = self._new_bytes
        return new > self._options.clean_bytes_min and new > 2 * self._standing.stripes.live_bytes

    def _go_on(self, partition: Partition, pieces: Partition, now: Now) -> bool:
        if self._marked is not None and pieces.durable_offset >= self._marked[1]:
            done, self._marked = self._marked[0], None
            self.base = done.begin
            self.snapshots += 1
            self._log.truncate_before({pieces: done.place})
        snapshot = self._snapshot
        if snapshot is None:
            return False
        if not snapshot.whole:
            snapshot.step(pieces, now)
            self._awaited = partition.end_offset
        elif self._awaited is not None and partition.durable_offset >= self._awaited:
            snapshot.mark(pieces, now)
            self._marked, self._snapshot, self._awaited = (snapshot, pieces.end_offset), None, None
        return True

    def snapshot_now(self, partition: Partition, pieces: Partition, next_number: int, now: Now) -> None:
        """A whole snapshot at a start, in one go. Raises one of the disk's errors."""
        made = Snapshot(self._standing, partition.end_offset, next_number, pieces.end_offset)
        while not made.whole:
            made.step(pieces, now)
        made.mark(pieces, now)
        self._marked = made, pieces.end_offset

    def stop(self) -> None:
        """No more moving before the next start."""
        self._stopped = True

    # --- truncating -----------------------------------------------------------------------------------------------------

    def _truncate(self, partition: Partition, now: Now) -> bool:
        """Whole files of the log go whose messages nobody needs."""
        if self._plan is not None and partition.durable_offset >= self._plan[1]:
            target, self._plan = self._plan[0], None
            self._truncated_s = now.mono_s
            self._log.truncate_before({partition: target})
            self._standing.stripes.drop_before(partition.start_offset)
            self._bodies.forget_before(partition.start_offset)
            return True
        rests = now.mono_s - self._truncated_s < IDLE_S  # it waits for the disk to note the new start
        if self._plan is None and partition.segments and not rests:
            end = partition.end_offset
            target = min(self._standing.stripes.first_live(end), self.base)
            if partition.segments[0].end <= target and partition.segments[0].size:
                self._plan = target, end
        return False

    # --- moving ---------------------------------------------------------------------------------------------------------

    def _move(self, partition: Partition, now: Now) -> bool:
        """Bring some messages of the oldest part to the end, where little of the log's bytes lives."""
        size, stripes = partition.size_bytes, self._standing.stripes
        if (
            self._stopped
            or size < self._options.clean_bytes_min
            or stripes.live_bytes >= size * self._options.live_share_min
        ):
            return False
        first = stripes.first_live(partition.end_offset)
        if first >= self.base:
            return False  # a snapshot comes first: it is due, for as much was written since the last
        end = min(stripes.end_of(first), self.base)  # a snapshot begins with a new stripe
        found, rest = self._living(partition, first, end)
        if found:
            self._append(partition, found, now)
        self._rest = rest
        if rest[0] >= end:
            stripes.emptied(first)
        return True

    def _living(
        self, partition: Partition, first: int, end: int
    ) -> tuple[list[tuple[int, Content]], tuple[int, int]]:
        """The next messages that somebody holds, of the blocks from `first` up to `end`, and where to go on."""
        offset, place = max(first, partition.start_offset), 0
        if offset <= self._rest[0] < end:
            offset, place = self._rest
        living: list[tuple[int, Content]] = []
        looked_at = size = 0
        while (
            offset < end and looked_at < LOOKED_AT_MAX and len(living) < MOVED_MAX and size < MOVED_BYTES_MAX
        ):
            try:
                one = self._bodies.block(partition, offset)
            except Cold:
                if not looked_at:
                    raise
                break  # first what is near, or it may be far again by then
            numbers = one.numbers
            stop = min(len(one), place + LOOKED_AT_MAX - looked_at, place + MOVED_MAX - len(living))
            while place < stop and size < MOVED_BYTES_MAX:
                if self._standing.stands(numbers[place], offset):
                    content = one.content(place)
                    living.append((numbers[place], content))
                    size += len(content.body)
                place += 1
                looked_at += 1
            looked_at += _BLOCK_COUNTS
            if place >= len(one):
                offset, place = offset + 1, 0
        return living, (offset, place)

    def _append(self, partition: Partition, found: list[tuple[int, Content]], now: Now) -> None:
        numbers, contents = zip(*found, strict=True)
        columns = message_columns(contents)
        columns[blocks.NUMBERS] = packed(array("Q", numbers))
        batch = block(columns, now.wall_ms)
        partition.append(batch, [info_at(batch, 0)], now)
        written = Block(batch, 0)
        for place, number in enumerate(numbers):
            self._standing.move(number, written.offset, place)
        self._standing.stripes.add(written.offset, written.size, len(numbers), len(numbers))
        self.written(written.size, len(numbers), 0)
        self.moved += len(numbers)
