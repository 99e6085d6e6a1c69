"""Columns to JSON values, a line a row, as Flink's ``json`` format writes them.

Knows nothing of Kafka's batches.
"""

import io

import numpy as np
import polars as pl
from arro3.io import write_ndjson
from numpy.typing import NDArray

from penstock.engine.formats.batches import Payload
from penstock.engine.formats.texts import to_text
from penstock.engine.kernels.lines import split
from penstock.engine.types import Schema


class JsonWriter:
    """Writes the columns `fields` as JSON objects; NULLs are written out, as Flink does."""

    def __init__(self, fields: Schema, iso: bool) -> None:
        self.fields, self.iso = fields, iso

    def payload(self, frame: pl.DataFrame) -> Payload:
        """A value a row."""
        return Payload.of_lines(*self.write(frame))

    def write(self, frame: pl.DataFrame) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        """(bytes, offsets): row i is bytes[offsets[i] : offsets[i + 1] - 1], the newline left out."""
        texts = pl.DataFrame([to_text(frame[c.name], c.kind, self.iso) for c in self.fields])
        out = io.BytesIO()
        write_ndjson(texts, out, explicit_nulls=True)
        data = np.frombuffer(out.getbuffer(), np.uint8)
        offsets = np.empty(frame.height + 1, np.int64)
        lines = split(data, offsets)
        assert lines == frame.height, "a JSON text holds no bare newline"
        return data, offsets
