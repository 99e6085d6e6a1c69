"""JSON values to typed columns by a walk of our own; what that is not sure of goes to the careful reader.

So each record gives what `JsonReader` makes of it, row or dead letter, and most cost a fraction. Until the walk is
compiled the careful reader reads all. Knows nothing of Kafka's batches.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from penstock.engine.formats.chunks import VALUE_AT, VALUE_SIZE, Chunk
from penstock.engine.formats.json_reader import Decoded, JsonOptions, JsonReader
from penstock.engine.formats.layout import Layout, Test
from penstock.engine.kernels import compiled
from penstock.engine.kernels.decode import json
from penstock.engine.kernels.frames import Block, Blocks
from penstock.engine.types import Schema

_PATIENCE = 15
"""How many chunks the walk sits out after one in which it was sure of less than half."""


@dataclass
class _Walked:
    frame: pl.DataFrame
    rows: NDArray[np.int64]
    flagged: NDArray[np.int64]
    tombstones: NDArray[np.int64]


class FastJsonReader:
    """Reads the columns `fields` out of JSON objects, and only rows for which all `tests` hold."""

    def __init__(self, fields: Schema, options: JsonOptions, tests: tuple[Test, ...] = ()) -> None:
        self.fields, self.options, self.tests = fields, options, tests
        self.careful = JsonReader(fields, options)
        self.layout = Layout.of(fields, tests, options.iso)
        self._keeps = [test.expression(fields) for test in tests]
        self._rest = 0
        if self.layout is not None:
            self._blocks = Blocks(self.layout.columns)
            self._order = np.full((len(self.layout.table) + 1, 64), -1, np.int64)
            self._marks, self._nulls = (
                np.zeros(len(self.layout.table), np.int64),
                np.zeros(len(self.layout.table), np.int64),
            )
            self._stack, self._counts = np.zeros((2, 64), np.int64), np.zeros(6, np.int64)

    def read(self, chunk: Chunk) -> Decoded:
        """All records of a chunk; those that are read and fail a test are in none of its parts."""
        if self.layout is None or self._rest > 0 or not (json.read_json.ready or compiled.may_compile()):
            self._rest = max(self._rest - 1, 0)
            return self._carefully(chunk)
        walked = self._walk(chunk)
        if 2 * len(walked.flagged) > len(chunk):
            self._rest = _PATIENCE
        if not len(walked.flagged):
            return Decoded(walked.frame, walked.rows, walked.tombstones, [])
        return self._joined(walked, self._carefully(chunk.take(walked.flagged)))

    def _carefully(self, chunk: Chunk) -> Decoded:
        read = self.careful.read(chunk)
        if not self._keeps:
            return read
        kept = read.frame.select(pl.all_horizontal(self._keeps).fill_null(False)).to_series()
        return Decoded(read.frame.filter(kept), read.rows[kept.to_numpy()], read.tombstones, read.bad)

    def _joined(self, walked: _Walked, other: Decoded) -> Decoded:
        """Both parts in the records' order."""
        places = walked.flagged
        bad = [(int(places[row]), kind, text) for row, kind, text in other.bad]
        if not other.frame.height:
            return Decoded(walked.frame, walked.rows, walked.tombstones, bad)
        rows = np.concatenate([walked.rows, places[other.rows]])
        order = np.argsort(rows, kind="stable")
        frame = pl.concat([walked.frame, other.frame])[order]
        return Decoded(frame, rows[order], walked.tombstones, bad)

    # --- the walk --------------------------------------------------------------------------------------------

    def _walk(self, chunk: Chunk) -> _Walked:
        assert self.layout is not None
        block, count = self._blocks.take(len(chunk)), len(chunk)
        table = self.layout.placed(block)
        rows, flagged = np.empty(count, np.int64), np.empty(count, np.int64)
        while self._run(chunk, block, table, rows, flagged):
            block.extra = np.empty(int(np.maximum(chunk.places[VALUE_SIZE], 0).sum()), np.uint8)
        made, marked, gone = self._counts[:3].tolist()
        frame = block.frame(made, self._nulls, chunk.data)
        return _Walked(frame, rows[:made], flagged[:marked], flagged[count - gone :][::-1])

    def _run(
        self,
        chunk: Chunk,
        block: Block,
        table: NDArray[np.int64],
        rows: NDArray[np.int64],
        flagged: NDArray[np.int64],
    ) -> int:
        layout = self.layout
        assert layout is not None
        full: int = json.read_json(
            chunk.data, chunk.places[VALUE_AT], chunk.places[VALUE_SIZE], self.options.fail_on_missing,
            table, layout.words, layout.names, layout.buckets, self._order, self._marks, self._stack,
            layout.tests, layout.literals, block.bytes, block.words(np.int16), block.words(np.int32), block.words(np.int64),
            block.extra, rows, flagged, self._nulls, self._counts,
        )  # fmt: skip
        return full
