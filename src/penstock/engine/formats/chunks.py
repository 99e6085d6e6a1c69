"""Fetched record batches as chunks: where each record's key and value lie, up to some thousand records at a time.

Knows compression and the batch format; knows nothing of what the values hold.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from penstock.calls import Bytes
from penstock.compression import NONE, decompress
from penstock.engine.kernels.records import locate
from penstock.record import HEADER_SIZE, BatchInfo, intact, scan

KEY_AT, KEY_SIZE, VALUE_AT, VALUE_SIZE, TIMESTAMP, OFFSET, HEADERS_AT = range(7)


@dataclass(frozen=True)
class Chunk:
    """Records of one partition. `places` has a row for each of the names above and a column a record."""

    data: NDArray[np.uint8]
    places: NDArray[np.int64]

    def __len__(self) -> int:
        return int(self.places.shape[1])

    def key(self, row: int) -> bytes | None:
        """One record's key."""
        return self._bytes(KEY_AT, row)

    def value(self, row: int) -> bytes | None:
        """One record's value."""
        return self._bytes(VALUE_AT, row)

    def headers(self, row: int) -> tuple[tuple[str, bytes | None], ...]:
        """One record's headers; none where they are damaged (then the bytes of the record are all there is)."""
        at, made = int(self.places[HEADERS_AT, row]), []
        try:
            count, at = _varint(self.data, at)
            for _ in range(count):
                name, at = self._field(at)
                value, at = self._field(at)
                made.append(((name or b"").decode(), value))
        except (IndexError, ValueError):
            return ()
        return tuple(made)

    def _field(self, at: int) -> tuple[bytes | None, int]:
        size, at = _varint(self.data, at)
        if at + size > len(self.data):
            raise ValueError("a header reaches past the end")
        return (self.data[at : at + size].tobytes(), at + size) if size >= 0 else (None, at)

    def _bytes(self, at: int, row: int) -> bytes | None:
        start, size = int(self.places[at, row]), int(self.places[at + 1, row])
        return None if size < 0 else self.data[start : start + size].tobytes()

    def take(self, rows: NDArray[np.int64]) -> "Chunk":
        """Some of the records."""
        return Chunk(self.data, np.ascontiguousarray(self.places[:, rows]))


@dataclass(frozen=True)
class Damaged:
    """A batch that cannot be read, and why."""

    offset: int
    timestamp_ms: int
    reason: str


def read_chunks(batches: Bytes, rows_max: int, bytes_max: int) -> Iterator[Chunk | Damaged]:
    """The records of whole batches in order, control batches left out; at most about `rows_max` a chunk.

    Batches smaller than that go together. One that decompresses to more than `bytes_max` counts as damaged.
    """
    waiting: list[tuple[BatchInfo, Bytes]] = []
    rows = 0
    for info in scan(batches):
        if info.control:
            continue
        section, reason = _section(batches, info, bytes_max)
        if section is None:
            yield from _joined(batches, waiting, rows_max)
            waiting, rows = [], 0
            yield Damaged(info.base_offset, info.max_timestamp_ms, reason)
            continue
        if rows + info.count > rows_max:
            yield from _joined(batches, waiting, rows_max)
            waiting, rows = [], 0
        waiting.append((info, section))
        rows += info.count
    yield from _joined(batches, waiting, rows_max)


def _section(batches: Bytes, info: BatchInfo, bytes_max: int) -> tuple[Bytes | None, str]:
    if not intact(batches, info.position):
        return None, "the batch fails its checksum"
    packed = memoryview(batches)[info.position + HEADER_SIZE : info.position + info.size]
    if info.count < 0 or info.count > max(len(packed), 1) * (1 if info.codec == NONE else 1024):
        return None, f"the batch claims {info.count} records"
    if info.codec == NONE:
        return packed, ""
    try:
        return decompress(info.codec, packed, bytes_max), ""
    except ValueError as error:
        return None, str(error)


def _joined(
    batches: Bytes, waiting: list[tuple[BatchInfo, Bytes]], rows_max: int
) -> Iterator[Chunk | Damaged]:
    if not waiting:
        return
    # What is not compressed is read where it lies.
    plain = all(info.codec == NONE for info, _ in waiting)
    data = np.frombuffer(batches if plain else b"".join(s for _, s in waiting), np.uint8)
    places = np.empty((7, sum(info.count for info, _ in waiting)), np.int64)
    at = first = 0
    damaged: list[Damaged] = []
    for info, section in waiting:
        at = info.position + HEADER_SIZE if plain else at
        end = at + len(section)
        base_ms = info.max_timestamp_ms if info.log_append_time else info.base_timestamp_ms
        fault = locate(
            data, at, end, info.count, info.base_offset, base_ms, info.log_append_time, places, first
        )
        if fault:
            damaged.append(
                Damaged(
                    info.base_offset, info.max_timestamp_ms, f"its records are damaged at byte {fault - at}"
                )
            )
        else:
            first += info.count
        at = end
    for start in range(0, first, rows_max):
        yield Chunk(data, np.ascontiguousarray(places[:, start : min(start + rows_max, first)]))
    yield from damaged


def _varint(data: NDArray[np.uint8], at: int) -> tuple[int, int]:
    number = shift = 0
    while shift < 64:
        byte = int(data[at])
        number |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return (number >> 1) ^ -(number & 1), at
    raise ValueError("a number of more than ten bytes")
