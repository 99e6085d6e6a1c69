"""A job's state as blocks of bytes: a description, then one Arrow IPC block a frame. Versioned.

Taking it is two steps: `freeze` copies what the job goes on changing and is as fast as memory; `Frozen.pack` makes
the blocks, ten times slower, and may run on another thread. Knows nothing of what the frames hold.
"""

import io
import json
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import polars as pl

from penstock.errors import PenstockError

VERSION = 1


@dataclass(frozen=True)
class Snapshot:
    """`blocks[0]` is JSON: the version, the plan's fingerprint, small values, and what each further block is."""

    blocks: list[bytes]


@dataclass(frozen=True)
class Frozen:
    """State at one moment: frames that nobody changes any more, and small values that JSON can hold."""

    frames: Mapping[str, pl.DataFrame]
    fingerprint: str
    values: Mapping[str, Any]

    def pack(self) -> Snapshot:
        """As blocks."""
        blocks = []
        for frame in self.frames.values():
            out = io.BytesIO()
            frame.write_ipc(out, compression="lz4")
            blocks.append(out.getvalue())
        head = {
            "version": VERSION,
            "plan": self.fingerprint,
            "values": self.values,
            "blocks": list(self.frames),
        }
        return Snapshot([json.dumps(head).encode(), *blocks])


def freeze(frames: Mapping[str, pl.DataFrame], fingerprint: str, values: Mapping[str, Any]) -> Frozen:
    """Copies the columns that may lie in an operator's own memory: polars takes numpy's numbers as they are."""
    return Frozen(
        {name: _owned(frame) for name, frame in frames.items()}, fingerprint, deepcopy(dict(values))
    )


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
    try:
        head = json.loads(snapshot.blocks[0])
        version, plan, names = int(head["version"]), head["plan"], head["blocks"]
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
    try:
        frames = {
            name: pl.read_ipc(io.BytesIO(block))
            for name, block in zip(names, snapshot.blocks[1:], strict=True)
        }
    except (ValueError, pl.exceptions.PolarsError) as error:
        raise PenstockError(
            f"the job's state is damaged: {error}", remedy="delete its state topic to start afresh"
        ) from None
    return frames, head["values"]
