"""The records of a job's state topic: their forms, each with a format version. Knows bytes; knows no topic.

    claim     who runs the job now
    journal   what the engine was asked to do since the record before: its calls, and the positions they moved
    piece     a part of a snapshot's blocks
    mark      a snapshot is whole: whose pieces it has, and the number of the last journal record that is in it
    halt      the job was stopped by a wish, or started again by one: whether it is to run at all

Up to format 2 a snapshot was whole, up to format 1 every commit was one: pieces and a mark, no journal. They are read still.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from penstock.errors import PenstockError
from penstock.record import Record

FORMAT = 3
CLAIM, JOURNAL, PIECE, MARK, HALT = b"claim", b"journal", b"piece", b"mark", b"halt"
PIECE_BYTES = 700_000  # below max.message.bytes (1 MiB) even where nothing compresses
Positions = dict[int, dict[int, int]]
"""By input (its index) and partition: the offset to go on from."""


class Call(NamedTuple):
    """What the engine was asked: `first` to before `end` of one partition, at a reading of the wall clock."""

    kind: str
    source: int
    partition: int
    first: int
    end: int
    wall_ms: int


@dataclass(frozen=True)
class Entry:
    """A journal record. `fresh` is the plan's fingerprint where the job begins anew with it, and void all before."""

    number: int
    calls: Sequence[Call]
    positions: Positions
    fresh: str = ""


@dataclass(frozen=True)
class Mark:
    """A snapshot that is whole: of the state after journal record `number`."""

    number: int
    fingerprint: str
    positions: Positions
    snapshot: str = ""
    blocks: list[int] = field(default_factory=list)
    """How many pieces each block has."""
    behind: list[tuple[str, list[int]]] = field(default_factory=list)
    """The snapshots that this one goes on from, in order, and how many pieces each block of theirs has."""


def claim_record(run: str, worker: str, pid: int, now_ms: int) -> Record:
    """Who runs the job from now on."""
    return Record(CLAIM, _json({"format": FORMAT, "run": run, "worker": worker, "pid": pid}), now_ms)


def entry_record(entry: Entry, now_ms: int) -> Record:
    """A journal record."""
    told: dict[str, Any] = {
        "format": FORMAT,
        "number": entry.number,
        "calls": entry.calls,
        "positions": entry.positions,
    }
    return Record(JOURNAL, _json({**told, "fresh": entry.fresh} if entry.fresh else told), now_ms)


def mark_record(mark: Mark, now_ms: int) -> Record:
    """A mark."""
    return Record(MARK, _json({"format": FORMAT, **vars(mark)}), now_ms)


def halt_record(halted: bool, savepoint: str, now_ms: int) -> Record:
    """Whether the job stays stopped, and the savepoint that was taken as it stopped."""
    return Record(HALT, _json({"format": FORMAT, "halted": halted, "savepoint": savepoint}), now_ms)


def halted_by(savepoint: str) -> str:
    """Why a job stays stopped, in words."""
    return f"it was stopped by a command{f' with the savepoint {savepoint}' if savepoint else ''}"


def piece_records(snapshot: str, blocks: Sequence[bytes], now_ms: int) -> tuple[list[int], Iterator[Record]]:
    """How many pieces each block has, and the pieces, made as they are taken: all at once are the state once more in memory."""
    cut = [_cut(block) for block in blocks]
    made = (
        Record(PIECE, bytes(piece), now_ms, (("snapshot", snapshot.encode()), ("index", str(i).encode())))
        for i, piece in enumerate(piece for pieces in cut for piece in pieces)
    )
    return [len(pieces) for pieces in cut], made


def read(record: Record, topic: str) -> dict[str, Any]:
    """A claim's, journal's or mark's value. Raises PenstockError for a newer one and for damage."""
    try:
        told = json.loads(record.value or b"")
        version = int(told["format"])
    except (ValueError, KeyError, TypeError):
        raise damaged(topic, f"record {record.offset} is none of ours") from None
    if version > FORMAT:
        raise PenstockError(
            f"the state in {topic} was written by a newer penstock (format {version}, this one reads {FORMAT})",
            remedy="upgrade, or delete the topic: the job then begins anew",
        )
    return dict(told)


def entry_of(told: Mapping[str, Any]) -> Entry:
    """A journal record's value as an Entry."""
    calls = [Call(*call) for call in told["calls"]]
    return Entry(told["number"], calls, positions_of(told["positions"]), told.get("fresh", ""))


def mark_of(told: Mapping[str, Any]) -> Mark:
    """A mark's value as a Mark; one of format 1 goes before every journal record."""
    positions = positions_of(told["positions"])
    if told["format"] == 1:
        return Mark(0, told["fingerprint"], positions, "", told["blocks"])
    behind = [(name, counts) for name, counts in told.get("behind", [])]
    return Mark(told["number"], told["fingerprint"], positions, told["snapshot"], told["blocks"], behind)


def positions_of(told: Mapping[str, Mapping[str, int]]) -> Positions:
    """Positions as JSON holds them."""
    return {int(source): {int(p): o for p, o in parts.items()} for source, parts in told.items()}


def damaged(topic: str, why: str) -> PenstockError:
    """The error for state that cannot be read."""
    return PenstockError(
        f"the state in {topic} is damaged: {why}",
        remedy="delete the topic: the job then begins anew, at its tables' startup modes",
    )


def _cut(block: bytes) -> list[memoryview]:
    view = memoryview(block)
    return [view[at : at + PIECE_BYTES] for at in range(0, len(view), PIECE_BYTES)]


def _json(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
