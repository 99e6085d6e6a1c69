"""A job's state as blocks of bytes: a description, then one Arrow IPC block a frame. Versioned.

Knows nothing of what the frames hold.
"""

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from penstock.errors import PenstockError

VERSION = 1


@dataclass(frozen=True)
class Snapshot:
    """`blocks[0]` is JSON: the version, the plan's fingerprint, small values, and what each further block is."""

    blocks: list[bytes]


def pack(frames: Mapping[str, pl.DataFrame], fingerprint: str, values: Mapping[str, Any]) -> Snapshot:
    """Frames by name, and small values that JSON can hold."""
    blocks = []
    for frame in frames.values():
        out = io.BytesIO()
        frame.write_ipc(out, compression="lz4")
        blocks.append(out.getvalue())
    head = {"version": VERSION, "plan": fingerprint, "values": dict(values), "blocks": list(frames)}
    return Snapshot([json.dumps(head).encode(), *blocks])


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
