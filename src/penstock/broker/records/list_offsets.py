"""Answers ListOffsets: the earliest, the latest, the one with the greatest timestamp, or the first at a time."""

from penstock.broker.answers import answers
from penstock.broker.state import State
from penstock.calls import EARLIEST, LATEST, MAX_TIMESTAMP, FoundOffset, ListOffsets, OffsetsPart
from penstock.clock import Now
from penstock.errors import Refusal, Refused
from penstock.log import Partition

NONE = FoundOffset(-1, -1, -1)


def _by_time(partition: Partition, timestamp_ms: int) -> FoundOffset:
    return _visible(partition, partition.offset_at(timestamp_ms))


def _visible(partition: Partition, found: tuple[int, int] | None) -> FoundOffset:
    """What lies above the high watermark does not exist yet for anyone."""
    return FoundOffset(*found) if found is not None and found[0] < partition.durable_offset else NONE


SPECIAL = {
    EARLIEST: lambda partition: FoundOffset(partition.start_offset, -1),
    LATEST: lambda partition: FoundOffset(partition.durable_offset, -1),
    MAX_TIMESTAMP: lambda partition: _visible(partition, partition.max_timestamp()),
}


@answers(ListOffsets)
def list_offsets(state: State, call: ListOffsets, now: Now) -> list[FoundOffset | Refused]:
    """One answer a part; -1 where no record is that young."""
    return [_find(state, part) for part in call.parts]


def _find(state: State, part: OffsetsPart) -> FoundOffset | Refused:
    partition = state.partition(part.topic, part.partition)
    if partition is None:
        return Refused(Refusal.NO_TOPIC, f"{part.topic}/{part.partition}")
    if part.timestamp_ms in SPECIAL:
        return SPECIAL[part.timestamp_ms](partition)
    if part.timestamp_ms < 0:  # -4, -5: KIP-405's tiers, which do not exist here
        return Refused(Refusal.UNSUPPORTED_VERSION, f"offset query {part.timestamp_ms}")
    return _by_time(partition, part.timestamp_ms)
