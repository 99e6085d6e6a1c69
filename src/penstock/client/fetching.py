"""Fetch responses by hand: record batches come out as slices of the frame, never copied through an object.

Knows the bytes of Fetch v4-v11 (before the compact encoding; every Kafka from 2.1 to 4.x and penstock answer
them); knows nothing of connections. A test holds it equal to kio.
"""

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_I16, _I32, _I64 = struct.Struct(">h"), struct.Struct(">i"), struct.Struct(">q")
_ABORTED = struct.Struct(">qq")


@dataclass(frozen=True, slots=True)
class Got:
    """One partition's answer to a fetch; `batches` is a slice of the response, its last batch may be cut short.

    `aborted`: (producer id, offset from which on its transactional records do not count, up to its next marker).
    """

    topic: str
    partition: int
    error: int
    high_watermark: int
    start_offset: int
    batches: memoryview
    stable_offset: int = -1
    aborted: tuple[tuple[int, int], ...] = ()


def wish(
    offsets: Mapping[tuple[str, int], int],
    wait_ms: int,
    bytes_max: int,
    part_bytes_max: int,
    committed: bool = False,
) -> dict[str, Any]:
    """The row of a Fetch request outside of any fetch session; `committed`: only what is decided (KIP-98)."""
    topics: dict[str, list[dict[str, int]]] = {}
    for (topic, partition), offset in offsets.items():
        part = {"partition": partition, "fetch_offset": offset, "partition_max_bytes": part_bytes_max}
        topics.setdefault(topic, []).append(part)
    return {
        "replica_id": -1,
        "max_wait": wait_ms,
        "min_bytes": 1,
        "max_bytes": bytes_max,
        "isolation_level": int(committed),
        "session_epoch": -1,
        "topics": [{"topic": topic, "partitions": parts} for topic, parts in topics.items()],
    }


def read(version: int, frame: memoryview) -> tuple[int, Sequence[Got]]:
    """The whole answer's error code and each partition's part; `frame` begins with the correlation id.

    Raises ValueError on a damaged response.
    """
    try:
        error, position = 0, 8
        if version >= 7:
            (error,) = _I16.unpack_from(frame, position)
            position += 6
        got: list[Got] = []
        (topics,) = _I32.unpack_from(frame, position)
        position += 4
        for _ in range(topics):
            topic, position = _text(frame, position)
            (count,) = _I32.unpack_from(frame, position)
            position += 4
            for _ in range(count):
                part, position = _part(version, topic, frame, position)
                got.append(part)
        return error, got
    except (struct.error, UnicodeDecodeError) as damage:
        raise ValueError(f"a damaged Fetch response: {damage}") from damage


def _part(version: int, topic: str, frame: memoryview, position: int) -> tuple[Got, int]:
    partition, error, high, stable = struct.unpack_from(">ihqq", frame, position)
    position += 22
    start = -1
    if version >= 5:
        (start,) = _I64.unpack_from(frame, position)
        position += 8
    (count,) = _I32.unpack_from(frame, position)
    end = position + 4 + 16 * max(0, count)
    aborted = tuple(_ABORTED.iter_unpack(frame[position + 4 : end]))
    position = end
    if version >= 11:
        position += 4
    (size,) = _I32.unpack_from(frame, position)
    position += 4
    size = max(0, size)
    if position + size > len(frame):
        raise ValueError("a damaged Fetch response: the records reach past its end")
    batches = frame[position : position + size]
    return Got(topic, partition, error, high, start, batches, stable, aborted), position + size


def _text(frame: memoryview, position: int) -> tuple[str, int]:
    (size,) = _I16.unpack_from(frame, position)
    end = position + 2 + size
    if size < 0 or end > len(frame):
        raise ValueError("a damaged Fetch response: a name reaches past its end")
    return str(frame[position + 2 : end], "utf-8"), end
