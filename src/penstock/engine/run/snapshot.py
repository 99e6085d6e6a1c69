"""A job's state as blocks of bytes: a description, then one Arrow IPC block a frame. Versioned.

Taking it is two steps: `freeze` copies what the job goes on changing and is as fast as memory; `Frozen.pack` makes
the blocks, ten times slower, and may run on another thread. Of what only grows a snapshot may hold but what earlier ones
do not; it is read behind these, in order. Knows nothing of what the frames hold.
"""

import io
import json
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import polars as pl

from penstock.engine.run.kept.growth import Growth, Known
from penstock.errors import PenstockError

VERSION = 2
"""1: every snapshot holds all."""


@dataclass(frozen=True)
class Snapshot:
    """`blocks[0]` is JSON: the version, the plan's fingerprint, small values, and what each further block is.

    Behind them may come those of a later snapshot, which holds what they do not, and so on.
    """

    blocks: Sequence[bytes]


@dataclass(frozen=True)
class Frozen:
    """State at one moment: frames that nobody changes any more, and small values that JSON can hold."""

    frames: Mapping[str, pl.DataFrame]
    fingerprint: str
    values: Mapping[str, Any]
    firsts: Mapping[str, int]
    """Of frames that hold but the end of something: which row of it is their first."""
    known: Known
    """What snapshots hold with this one."""

    def pack(self) -> Snapshot:
        """As blocks."""
        blocks = []
        for frame in self.frames.values():
            out = io.BytesIO()
            frame.write_ipc(out, compression="lz4")
            blocks.append(out.getvalue())
        head = {
            "version": VERSION, "plan": self.fingerprint, "values": self.values, "blocks": list(self.frames),
            "firsts": self.firsts,
        }  # fmt: skip
        return Snapshot([json.dumps(head).encode(), *blocks])


def freeze(
    blocks: Mapping[str, pl.DataFrame | Growth], fingerprint: str, values: Mapping[str, Any], known: Known
) -> Frozen:
    """Copies the columns that may lie in an operator's own memory: polars takes numpy's numbers as they are."""
    frames, firsts, held = dict[str, pl.DataFrame](), dict[str, int](), dict[str, tuple[int, int]]()
    for name, block in blocks.items():
        if isinstance(block, Growth):
            edition, count = known.get(name, (0, 0))
            first = count if edition == block.edition else 0
            frames[name], held[name] = block.tail(first), (block.edition, block.count)
            if first:
                firsts[name] = first
        else:
            frames[name] = _owned(block)
    return Frozen(frames, fingerprint, deepcopy(dict(values)), firsts, held)


def _owned(frame: pl.DataFrame) -> pl.DataFrame:
    return pl.DataFrame([_copied(column) for column in frame.get_columns()])


def _copied(column: pl.Series) -> pl.Series:
    """Numbers without nulls, the only form in which polars and numpy share memory, are copied."""
    kind = column.dtype
    if not (kind.is_integer() or kind.is_float()) or kind == pl.Int128 or column.null_count():
        return column
    return pl.Series(column.name, column.to_numpy().copy(), dtype=kind)


def unpack(snapshot: Snapshot, fingerprint: str) -> tuple[dict[str, pl.DataFrame], dict[str, Any]]:
    """The opposite of `pack`; raises `PenstockError` for a newer version, another plan, or damage."""
    parts: dict[str, list[pl.DataFrame]] = {}
    at, values = 0, dict[str, Any]()
    while at < len(snapshot.blocks) or not at:
        values, names, firsts = _head(snapshot.blocks[at : at + 1], fingerprint)
        frames = _frames(snapshot.blocks[at + 1 : at + 1 + len(names)], names)
        before = {name: parts.get(name, []) for name in firsts}
        if any(sum(map(len, some)) != firsts[name] for name, some in before.items()):
            raise _damaged("a snapshot that it goes on from is not there")
        parts = {name: [*before.get(name, []), frame] for name, frame in frames.items()}
        at += 1 + len(names)
    return {name: pl.concat(some) if len(some) > 1 else some[0] for name, some in parts.items()}, values


def _head(blocks: Sequence[bytes], fingerprint: str) -> tuple[dict[str, Any], list[str], Mapping[str, int]]:
    """A description's values, and the names and first rows of the blocks behind it."""
    try:
        head = json.loads(blocks[0])
        version, plan, names, values = int(head["version"]), head["plan"], head["blocks"], head["values"]
    except (IndexError, KeyError, TypeError, ValueError):
        raise PenstockError(
            "the job's state cannot be read", remedy="delete its state topic to start afresh"
        ) from None
    if version > VERSION:
        raise PenstockError(
            f"the job's state has version {version}, this penstock reads up to {VERSION}",
            remedy="upgrade penstock",
        )
    if plan != fingerprint:
        raise PenstockError(
            "the job's state belongs to another query",
            remedy="give the pipeline a new name, or delete its state",
        )
    return values, names, head.get("firsts", {})


def _frames(blocks: Sequence[bytes], names: Sequence[str]) -> dict[str, pl.DataFrame]:
    try:
        return {name: pl.read_ipc(io.BytesIO(block)) for name, block in zip(names, blocks, strict=True)}
    except (ValueError, pl.exceptions.PolarsError) as error:
        raise _damaged(str(error)) from None


def _damaged(why: str) -> PenstockError:
    return PenstockError(
        f"the job's state is damaged: {why}", remedy="delete its state topic to start afresh"
    )
