"""One partition's fetched batches → a table's decoded columns, and dead letters for what could not be read.

What a dead letter looks like is `penstock.dead_letters`'. Knows nothing of plans.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from penstock.calls import Bytes
from penstock.clock import Now
from penstock.dead_letters import (
    FAILED,
    UNDECODABLE,
    DeadLetter,
    Failing,
    Origin,
    redrives_of,
    without_marks,
)
from penstock.engine.formats.choose import reader_of
from penstock.engine.formats.chunks import OFFSET, TIMESTAMP, Chunk, Damaged, read_chunks
from penstock.engine.formats.json.reader import Decoded, Seen
from penstock.engine.formats.options import key_format, value_format
from penstock.engine.kernels.decode.columns import NONE
from penstock.engine.operators.operator import DELETE, KIND, Failure, Sifted
from penstock.engine.plan import Table
from penstock.engine.plan.tests import Test
from penstock.engine.types import FIRST_US, LAST_US, Schema, polars_type
from penstock.errors import PenstockError
from penstock.record import Record

METADATA = {"timestamp": "TIMESTAMP_LTZ(3)", "partition": "INT", "offset": "BIGINT", "topic": "STRING"}


@dataclass
class Read:
    """What a chunk gave: rows, and the records that gave none."""

    rows: pl.DataFrame
    dead: list[Record] = field(default_factory=list)
    chunk: Chunk | None = None
    records: "np.ndarray[tuple[int], np.dtype[np.int64]] | None" = None
    """The chunk, and which of its records each row is."""
    sifted: Sifted | None = None
    """With tests: of all that was read, which passed and are in `rows`."""


def _moments(name: str, millis: "np.ndarray[tuple[int], np.dtype[np.int64]]") -> pl.Series:
    """Records' timestamps; who writes a record says what he likes: what is no moment is null."""
    known = (millis >= FIRST_US // 1000) & (millis <= LAST_US // 1000)
    values = pl.Series(name, np.where(known, millis, 0) * 1000).cast(pl.Datetime("us"))
    return values if known.all() else values.zip_with(pl.Series(known), pl.Series([None], dtype=values.dtype))


class TopicReader:
    """Decodes the columns `fields` and adds the table's metadata columns."""

    def __init__(
        self, table: Table, fields: Schema, rows_max: int, bytes_max: int, tests: tuple[Test, ...] = ()
    ) -> None:
        """With `tests` only rows that pass them all are handed on, of tables that are `tested`: see `Read.sifted`."""
        form = value_format(table)
        assert table.tested or not tests
        self.table, self.rows_max, self.bytes_max = table, rows_max, bytes_max
        self.upsert = table.connector == "upsert-kafka"
        self._stamped = table.watermark is not None and table.watermark.column in dict(table.metadata)
        clock = None if self._stamped else table.clock
        self.values = reader_of(form, fields, table.stored, table.options, tests, clock)
        known = {column.name: column for column in table.schema}
        parts = tuple(known[name] for name in table.key)
        self.keys = reader_of(key_format(table), parts, parts, table.options) if self.upsert else None
        self.metadata = [(known[name], key) for name, key in table.metadata if name in known]
        for column, key in self.metadata:
            if key not in METADATA:
                raise PenstockError(
                    f"the metadata {key} of {table.name}.{column.name} is not offered",
                    remedy=", ".join(METADATA),
                )

    def read(self, batches: Bytes, partition: int, now: Now) -> Iterator[Read]:
        """Chunk by chunk."""
        for chunk in read_chunks(batches, self.rows_max, self.bytes_max):
            if isinstance(chunk, Damaged):
                yield Read(pl.DataFrame(), [self._damaged(chunk, partition, now)])
                continue
            decoded = self.values.read(chunk)
            frame = self._with_metadata(decoded.frame, chunk, decoded.rows, partition)
            if self.upsert and len(decoded.tombstones):
                frame = self._with_deletions(frame, decoded, chunk, partition)
            dead = [self._dead(chunk, bad, partition, now) for bad in decoded.bad]
            sifted = None if decoded.seen is None else self._sifted(decoded.seen, decoded.rows, chunk)
            yield Read(frame, dead, chunk, decoded.rows, sifted)

    def _sifted(self, seen: Seen, rows: "np.ndarray[tuple[int], np.dtype[np.int64]]", chunk: Chunk) -> Sifted:
        passed, times = np.zeros(len(chunk), np.bool_), seen.times
        passed[rows] = True
        if self._stamped:
            stamps = _moments("", chunk.places[TIMESTAMP][seen.rows]).to_physical()
            times = stamps.fill_null(NONE).to_numpy()
        return Sifted(passed[seen.rows], times)

    def _with_metadata(
        self,
        frame: pl.DataFrame,
        chunk: Chunk,
        rows: "np.ndarray[tuple[int], np.dtype[np.int64]]",
        partition: int,
    ) -> pl.DataFrame:
        if not self.metadata:
            return frame
        made = []
        for column, key in self.metadata:
            if key == "timestamp":
                values = _moments(column.name, chunk.places[TIMESTAMP][rows])
            elif key == "offset":
                values = pl.Series(column.name, chunk.places[OFFSET][rows])
            else:
                held = self.table.topic if key == "topic" else partition
                values = pl.Series(column.name, [held]).new_from_index(0, len(rows))
            made.append(values.cast(polars_type(column.kind)))
        return frame.with_columns(made)

    def _with_deletions(
        self, frame: pl.DataFrame, decoded: Decoded, chunk: Chunk, partition: int
    ) -> pl.DataFrame:
        """Tombstones as -D rows with the key's columns, each in its place among the others."""
        assert self.keys is not None
        at = decoded.tombstones
        places = chunk.places[:, at].copy()
        places[2:4] = places[0:2]  # read the key as if it were the value
        keys = self.keys.read(Chunk(chunk.data, places))
        decoded.bad += [(int(at[row]), kind, text) for row, kind, text in keys.bad]
        decoded.bad += [
            (int(at[row]), "DataException", "a tombstone without a key") for row in keys.tombstones
        ]
        gone = self._with_metadata(keys.frame, chunk, at[keys.rows], partition)
        parts = [
            frame.with_columns(pl.lit(0, dtype=pl.Int8).alias(KIND), pl.Series("$row", decoded.rows)),
            gone.with_columns(pl.lit(DELETE, dtype=pl.Int8).alias(KIND), pl.Series("$row", at[keys.rows])),
        ]
        return pl.concat(parts, how="diagonal").sort("$row").drop("$row")

    # --- dead letters ----------------------------------------------------------------------------------------

    def _dead(self, chunk: Chunk, bad: tuple[int, str, str], partition: int, now: Now) -> Record:
        row, *why = bad
        offset, stamp = int(chunk.places[OFFSET, row]), int(chunk.places[TIMESTAMP, row])
        record = Record(chunk.key(row), chunk.value(row), stamp, chunk.headers(row), offset)
        return self._letter(record, partition, "VALUE_CONVERTER", why, now)

    def refused(self, read: Read, failure: Failure, partition: int, now: Now) -> Record:
        """The dead letter of a row that a user's function failed on."""
        assert read.chunk is not None
        assert read.records is not None
        chunk, row = read.chunk, int(read.records[failure.row])
        offset, stamp = int(chunk.places[OFFSET, row]), int(chunk.places[TIMESTAMP, row])
        record = Record(chunk.key(row), chunk.value(row), stamp, chunk.headers(row), offset)
        why = [failure.kind, failure.text, failure.function]
        return self._letter(record, partition, "TRANSFORMATION", why, now)

    def _damaged(self, batch: Damaged, partition: int, now: Now) -> Record:
        record = Record(None, None, batch.timestamp_ms, (), batch.offset)
        return self._letter(record, partition, "KAFKA_CONSUME", ["CorruptRecordException", batch.reason], now)

    def _letter(self, record: Record, partition: int, stage: str, why: list[str], now: Now) -> Record:
        kind, text, *function = why
        reader = type(self.values).__module__ + "." + type(self.values).__name__
        failing = Failing(kind, text, f"{kind}: {text}", stage, function[0] if function else reader)
        letter = DeadLetter(
            record.key,
            record.value,
            without_marks(record.headers),
            Origin(self.table.topic, partition, record.offset, record.timestamp_ms),
            FAILED if stage == "TRANSFORMATION" else UNDECODABLE,
            failing,
            self.table.name,
            first_ms=now.wall_ms,
            last_ms=now.wall_ms,
            redrives=redrives_of(record.headers),
        )
        return letter.record(now.wall_ms)
