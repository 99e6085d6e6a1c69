"""Rows to Kafka record batches: keys and values already encoded, cut at a size a broker takes.

Knows the batch format and Kafka's partitioning by key; knows nothing of what keys and values hold.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from google_crc32c import value as crc32c
from numpy.typing import NDArray

from penstock.engine.kernels.records import partition_keys, write
from penstock.record import CRC_FROM, HEADER, HEADER_SIZE, PREFIX_SIZE

BATCH_BYTES = 512 * 1024
_RECORD_BYTES = 36  # the most that lengths and deltas of one record take


@dataclass(frozen=True)
class Payload:
    """Encoded keys or values: row i is data[at[i] : at[i] + size[i]], a size of -1 a null."""

    data: NDArray[np.uint8]
    at: NDArray[np.int64]
    size: NDArray[np.int64]

    @classmethod
    def of_lines(cls, data: NDArray[np.uint8], offsets: NDArray[np.int64]) -> "Payload":
        """From lines that end in a newline each."""
        return cls(data, offsets[:-1], np.diff(offsets) - 1)

    @classmethod
    def nothing(cls, rows: int) -> "Payload":
        """A null for every row."""
        return cls(np.zeros(1, np.uint8), np.zeros(rows, np.int64), np.full(rows, -1, np.int64))

    def take(self, rows: NDArray[np.intp]) -> "Payload":
        """Some of the rows."""
        return Payload(self.data, self.at[rows], self.size[rows])

    def __len__(self) -> int:
        return len(self.at)


def encode(keys: Payload, values: Payload, moments_ms: NDArray[np.int64]) -> list[bytes]:
    """Batches of at most about `BATCH_BYTES`, uncompressed, in the rows' order."""
    if not len(keys):
        return []
    sizes = np.maximum(keys.size, 0) + np.maximum(values.size, 0) + _RECORD_BYTES
    batch_of = (np.cumsum(sizes) - sizes) // BATCH_BYTES
    edges = [0, *(np.flatnonzero(np.diff(batch_of)) + 1).tolist(), len(keys)]
    return [
        _batch(keys, values, moments_ms, slice(start, stop), int(sizes[start:stop].sum()))
        for start, stop in pairwise(edges)
    ]


def _batch(keys: Payload, values: Payload, moments_ms: NDArray[np.int64], rows: slice, room: int) -> bytes:
    start, stop = int(rows.start), int(rows.stop)
    out = bytearray(HEADER_SIZE + room)
    first_ms = int(moments_ms[start])
    section = np.frombuffer(out, np.uint8, offset=HEADER_SIZE)
    size = write(
        keys.data,
        keys.at,
        keys.size,
        values.data,
        values.at,
        values.size,
        moments_ms - first_ms,
        start,
        stop,
        section,
    )
    HEADER.pack_into(
        out, 0, 0, HEADER_SIZE - PREFIX_SIZE + size, 0, 2, 0, 0, stop - start - 1, first_ms,
        int(moments_ms[start:stop].max()), -1, -1, -1, stop - start,
    )  # fmt: skip
    # A copy, not a cut: whoever still holds the section (a kernel's first call compiles it, and numba's errors keep
    # frames alive until the collector comes) would forbid to resize the buffer.
    made = memoryview(out)[: HEADER_SIZE + size]
    made[17:21] = crc32c(bytes(made[CRC_FROM:])).to_bytes(4, "big")
    return bytes(made)


def encode_partitioned(
    keys: Payload, values: Payload, moments_ms: NDArray[np.int64], partitions: int
) -> list[tuple[int | None, bytes]]:
    """(partition, batch) pairs, each key where Kafka's Java producer would put it; None: any partition will do."""
    if partitions <= 1 or bool((keys.size < 0).all()):
        place = 0 if partitions == 1 else None
        return [(place, batch) for batch in encode(keys, values, moments_ms)]
    targets = np.empty(len(keys), np.int64)
    partition_keys(keys.data, keys.at, keys.size, partitions, targets)
    made: list[tuple[int | None, bytes]] = []
    for partition in np.unique(targets).tolist():
        rows = np.flatnonzero(targets == partition)
        made += [(partition, batch) for batch in encode(keys.take(rows), values.take(rows), moments_ms[rows])]
    return made
