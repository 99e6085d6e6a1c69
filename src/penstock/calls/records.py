"""Calls that write, read and find records."""

from dataclasses import dataclass

from penstock.calls.call import Bytes, Call
from penstock.calls.topics import EpochEnd


@dataclass(frozen=True, slots=True)
class AppendPart:
    """Record batches (format v2, one after the other, as the producer sent them) for one partition."""

    topic: str
    partition: int
    batches: Bytes


@dataclass(frozen=True, slots=True)
class Append(Call):
    """Write to one or more partitions. Answer: one `Appended | Refused` a part, in order.

    `acks` is 0, 1 or -1; with -1 the answer comes when the bytes are on disk.
    """

    parts: tuple[AppendPart, ...]
    acks: int = -1
    timeout_ms: int = 30_000
    transactional_id: str | None = None


@dataclass(frozen=True, slots=True)
class Appended:
    """Where the first record of the part went; `append_ms` is -1 unless the topic uses LogAppendTime."""

    base_offset: int
    append_ms: int = -1
    start_offset: int = 0


@dataclass(frozen=True, slots=True)
class FetchPart:
    """Read from `offset` on, at most `bytes_max`.

    `known_epoch` is the leader epoch that the client believes to be the current one, `last_epoch` that of the record
    before `offset`, -1: none. Where `topic_id` (16 bytes) is given, the topic must still be that one.
    """

    topic: str
    partition: int
    offset: int
    bytes_max: int
    known_epoch: int = -1
    last_epoch: int = -1
    topic_id: bytes = b""


@dataclass(frozen=True, slots=True)
class Fetch(Call):
    """Read record batches; waits up to `wait_ms` for `bytes_min` bytes in all. Answer: one `Fetched | Refused` a part.

    The first non-empty part may exceed the limits by one batch, so that a reader always gets on (KIP-74).
    """

    parts: tuple[FetchPart, ...]
    bytes_min: int = 1
    bytes_max: int = 50 * 1024 * 1024
    wait_ms: int = 500
    committed_only: bool = False


@dataclass(frozen=True, slots=True)
class Fetched:
    """Whole record batches as stored; the first may begin before the asked offset.

    All below `stable_offset` belongs to decided transactions, or to none. `aborted`, for a reader of what is committed:
    (producer id, offset from which on its records do not count, up to its next marker) in the order of the offsets.
    `diverged`: nothing was read, as the reader's log has left this one where the epoch ends.
    """

    batches: Bytes
    high_watermark: int
    start_offset: int
    stable_offset: int
    aborted: tuple[tuple[int, int], ...] = ()
    diverged: EpochEnd | None = None


EARLIEST = -2
LATEST = -1
MAX_TIMESTAMP = -3


@dataclass(frozen=True, slots=True)
class OffsetsPart:
    """`timestamp_ms` is a time, or EARLIEST, LATEST or MAX_TIMESTAMP; `known_epoch` as in `FetchPart`."""

    topic: str
    partition: int
    timestamp_ms: int
    known_epoch: int = -1


@dataclass(frozen=True, slots=True)
class ListOffsets(Call):
    """The first offset at or after a time. Answer: one `FoundOffset | Refused` a part."""

    parts: tuple[OffsetsPart, ...]
    committed_only: bool = False


@dataclass(frozen=True, slots=True)
class FoundOffset:
    """Offset and timestamp are -1 where no record is that young."""

    offset: int
    timestamp_ms: int
    leader_epoch: int = 0
