"""The records of a state topic, in order → what a job goes on from: its newest snapshot and the journal behind it.

Holds the pieces of one snapshot, and of those that it goes on from, at a time. Knows the records; knows nothing of how they are read.
"""

from collections import deque
from dataclasses import dataclass, field
from itertools import islice

from penstock.record import Record
from penstock.work.state.records import (
    CLAIM,
    HALT,
    JOURNAL,
    MARK,
    PIECE,
    Call,
    Entry,
    Mark,
    Positions,
    damaged,
    entry_of,
    halted_by,
    mark_of,
    read,
)


@dataclass
class Kept:
    """What was kept: the engine's `blocks` (None: it began from nothing), and the `calls` made after them.

    `number` is the last journal record's; `needed` are (number, offset) of those that no snapshot holds yet.
    """

    fingerprint: str
    blocks: list[bytes] | None
    calls: list[Call]
    positions: Positions
    number: int
    needed: list[tuple[int, int]] = field(default_factory=list)
    old: bool = False
    """Whether the state has an older format, and should be written anew soon."""


class Fold:
    """Give it every record with `take`; `kept` is the outcome."""

    def __init__(self, topic: str) -> None:
        self._topic = topic
        self._mark: Mark | None = None
        self._begin: Entry | None = None
        self._entries: deque[tuple[Entry, int]] = deque()
        self._pieces: dict[str, dict[int, bytes]] = {}
        self._loose: list[tuple[int, bytes]] = []  # pieces of format 1, which do not say whose they are
        self._gone = 0
        """How many of the pieces that the newest mark tells of are not there."""
        self._last: int | None = None
        self.halted = ""
        """Why the job is not to run; empty where it is."""

    def take(self, record: Record) -> None:
        """The next record. Raises PenstockError for what is newer or damaged."""
        if record.key == PIECE:
            self._take_piece(record)
        elif record.key == JOURNAL:
            self._take_entry(entry_of(read(record, self._topic)), record.offset)
        elif record.key == MARK:
            told = read(record, self._topic)
            self._take_mark(mark_of(told), int(told.get("first", -1)))
        elif record.key == HALT:
            told = read(record, self._topic)
            self.halted = halted_by(told["savepoint"]) if told["halted"] else ""
        elif record.key != CLAIM:
            raise damaged(self._topic, f"record {record.offset} is none of ours")

    def kept(self) -> Kept | None:
        """What the job goes on from; None where nothing was kept."""
        if self._mark is None and self._begin is None:
            if self._entries:
                raise damaged(self._topic, f"journal record {self._entries[0][0].number} follows on nothing")
            return None
        self._check()
        positions = {s: dict(parts) for s, parts in (self._mark.positions if self._mark else {}).items()}
        calls: list[Call] = []
        for entry, _ in self._entries:
            calls += entry.calls
            for source, parts in entry.positions.items():
                positions.setdefault(source, {}).update(parts)
        fingerprint = self._mark.fingerprint if self._mark else self._begin.fresh if self._begin else ""
        needed = [(entry.number, offset) for entry, offset in self._entries]
        old = self._mark is not None and not self._mark.snapshot
        return Kept(fingerprint, self._blocks(), calls, positions, self._last or 0, needed, old)

    def _check(self) -> None:
        """Of the newest mark alone: a newer snapshot goes on from older ones, and what only their marks needed was trimmed."""
        if self._mark is None:
            return
        if self._gone:
            raise damaged(self._topic, f"{self._gone} pieces of a snapshot are gone")
        if self._entries and self._entries[0][0].number != self._mark.number + 1:
            first = self._entries[0][0].number
            raise damaged(self._topic, f"journal record {first} follows on {self._mark.number}")

    def _take_piece(self, record: Record) -> None:
        headers = dict(record.headers)
        name = (headers.get("snapshot") or b"").decode()
        if name:
            self._pieces.setdefault(name, {})[int(headers.get("index") or 0)] = record.value or b""
        else:
            self._loose.append((record.offset, record.value or b""))

    def _take_entry(self, entry: Entry, offset: int) -> None:
        """The topic may begin with records of the journal that the coming snapshot holds already."""
        if entry.fresh:
            self._begin, self._mark = entry, None
            self._entries.clear()
        elif self._last is not None and entry.number != self._last + 1:
            raise damaged(self._topic, f"journal record {entry.number} follows on {self._last}")
        self._entries.append((entry, offset))
        self._last = entry.number

    def _take_mark(self, mark: Mark, first: int) -> None:
        needed = [*mark.behind, (mark.snapshot, mark.blocks)]
        if mark.snapshot:
            missing = sum(self._missing(name, sum(counts)) for name, counts in needed)
        else:
            loose = [value for offset, value in self._loose if offset >= first][-sum(mark.blocks) :]
            self._pieces[""] = dict(enumerate(loose))
            if self._missing("", sum(mark.blocks)):
                return  # format 1 let retention take the oldest commits' pieces
            missing = 0
        self._gone = missing
        self._pieces = {name: self._pieces.get(name, {}) for name, _ in needed}
        self._mark = mark
        while self._entries and self._entries[0][0].number <= mark.number:
            self._entries.popleft()
        self._last = max(self._last or 0, mark.number)
        self._loose.clear()

    def _missing(self, snapshot: str, count: int) -> int:
        found = self._pieces.get(snapshot, {})
        return sum(index not in found for index in range(count))

    def _blocks(self) -> list[bytes] | None:
        """The blocks of the newest snapshot, behind those of the ones that it goes on from."""
        if self._mark is None:
            return None
        made = []
        for name, counts in [*self._mark.behind, (self._mark.snapshot, self._mark.blocks)]:
            pieces = iter(range(sum(counts)))
            made += [
                b"".join(self._pieces[name][index] for index in islice(pieces, count)) for count in counts
            ]
        return made
