"""JSON values to typed columns by a walk of our own; what that is not sure of goes to the careful reader.

So each record gives what `JsonReader` makes of it, row or dead letter, and most cost a fraction. Until the walk is
compiled the careful reader reads all. Knows nothing of Kafka's batches.
"""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from penstock.engine.formats.chunks import VALUE_AT, VALUE_SIZE, Chunk
from penstock.engine.formats.json.reader import Decoded, JsonOptions, JsonReader, Seen
from penstock.engine.formats.layout import Layout
from penstock.engine.kernels import compiled
from penstock.engine.kernels.decode import json
from penstock.engine.kernels.decode.columns import NONE
from penstock.engine.kernels.frames import Block, Blocks
from penstock.engine.plan.tests import Clock, Test
from penstock.engine.types import Schema

_PATIENCE = 15
"""How many chunks the walk sits out after one in which it was sure of less than half."""


class FastJsonReader:
    """Reads the columns `fields` out of JSON objects, and only rows for which all `tests` hold.

    With tests `Decoded.seen` tells of the others too: their times, with a `clock`, which goes by the columns.
    """

    def __init__(
        self, fields: Schema, options: JsonOptions, tests: tuple[Test, ...] = (), clock: Clock | None = None
    ) -> None:
        self.fields, self.options, self.tests, self.clock = fields, options, tests, clock if tests else None
        self.careful = JsonReader(fields, options)
        self.layout = Layout.of(fields, tests, options.iso, clock=self.clock)
        self._keeps = [test.expression for test in tests]
        self._rest = 0
        if self.layout is not None:
            self._blocks = Blocks(self.layout.columns)
            self._order = np.full((len(self.layout.table) + 1, 64), -1, np.int64)
            self._marks, self._nulls = (
                np.zeros(len(self.layout.table), np.int64),
                np.zeros(len(self.layout.table), np.int64),
            )
            self._stack, self._counts = np.zeros((4, 64), np.int64), np.zeros(7, np.int64)
            self._lens = np.zeros((3, len(self.layout.table)), np.int64)

    def read(self, chunk: Chunk) -> Decoded:
        """All records of a chunk; those that are read and fail a test are in none of its parts."""
        if self.layout is None or self._rest > 0 or not (json.read_json.ready or compiled.may_compile()):
            self._rest = max(self._rest - 1, 0)
            return self._carefully(chunk)
        walked, flagged = self._walk(chunk)
        if 2 * len(flagged) > len(chunk):
            self._rest = _PATIENCE
        return self._joined(walked, flagged, chunk) if len(flagged) else walked

    def _carefully(self, chunk: Chunk) -> Decoded:
        read = self.careful.read(chunk)
        if not self._keeps:
            return read
        kept = read.frame.select(pl.all_horizontal(self._keeps).fill_null(False)).to_series()
        times = None
        if self.clock is not None:
            held = read.frame.select(self.clock.expression.alias("time")).to_series()
            times = held.to_physical().fill_null(NONE).to_numpy()
        rows = read.rows[kept.to_numpy()]
        return Decoded(read.frame.filter(kept), rows, read.tombstones, read.bad, Seen(read.rows, times))

    def _joined(self, walked: Decoded, flagged: NDArray[np.int64], chunk: Chunk) -> Decoded:
        """The rows of flagged records among the others, in the records' order."""
        other = self._carefully(chunk.take(flagged))
        bad = [(int(flagged[row]), kind, text) for row, kind, text in other.bad]
        rows = np.concatenate([walked.rows, flagged[other.rows]])
        order = np.argsort(rows, kind="stable")
        frame = pl.concat([walked.frame, other.frame])[order] if other.frame.height else walked.frame
        seen = None
        if walked.seen is not None and other.seen is not None:
            records = np.concatenate([walked.seen.rows, flagged[other.seen.rows]])
            turn, times = np.argsort(records, kind="stable"), None
            if walked.seen.times is not None and other.seen.times is not None:
                times = np.concatenate([walked.seen.times, other.seen.times])[turn]
            seen = Seen(records[turn], times)
        return Decoded(frame, rows[order], walked.tombstones, bad, seen)

    # --- the walk --------------------------------------------------------------------------------------------

    def _walk(self, chunk: Chunk) -> tuple[Decoded, NDArray[np.int64]]:
        """What the walk makes of a chunk, and the records that it flags."""
        assert self.layout is not None
        count = len(chunk)
        block = self._blocks.take(count)
        records, times = (
            np.empty((2, count), np.int64),
            np.empty(count if self.clock is not None else 0, np.int64),
        )
        table = self.layout.placed(block)
        while full := self._run(chunk, block, table, records, times):
            if full == json.FULL:
                block.extra = np.empty(int(np.maximum(chunk.places[VALUE_SIZE], 0).sum()), np.uint8)
            else:
                block = self._blocks.more(count)
                table = self.layout.placed(block)
        made, marked, gone = self._counts[:3].tolist()
        rows, flagged, tombstones = records[0, :made], records[1, :marked], records[1, count - gone :][::-1]
        seen = Seen.but(flagged, tombstones, count, times) if self.tests else None
        frame = block.frame(made, self._nulls, chunk.data, self._lens[0])
        return Decoded(frame, rows, tombstones, [], seen), flagged

    def _run(
        self,
        chunk: Chunk,
        block: Block,
        table: NDArray[np.int64],
        records: NDArray[np.int64],
        times: NDArray[np.int64],
    ) -> int:
        layout = self.layout
        assert layout is not None
        full: int = json.read_json(
            chunk.data, chunk.places[VALUE_AT], chunk.places[VALUE_SIZE], self.options.fail_on_missing,
            table, layout.words, layout.names, layout.buckets, self._order, self._marks, self._stack,
            layout.tests, layout.asked, layout.clocks, layout.literals, block.bytes, block.words(np.int16), block.words(np.int32), block.words(np.int64),
            block.extra, records[0], records[1], self._nulls, self._lens, self._counts, times,
        )  # fmt: skip
        return full
