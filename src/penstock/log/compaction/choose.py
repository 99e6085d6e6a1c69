"""Which partition is worth cleaning, and how far: Kafka's LogCleanerManager as a function.

Cleanable are sealed segments that are safe and older than the least
compaction lag. A partition is due when the share of dirty bytes is above the topic's ratio, or its oldest dirty
record is older than the greatest lag. Knows segments' facts; reads one header at most.
"""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from penstock.clock import Now
from penstock.log.partition import Partition
from penstock.log.segments.segment import Segment
from penstock.log.settings import Settings


class Choice(NamedTuple):
    """Clean `segments`, the first ones of the partition; what lies below `clean` has been."""

    ratio: float
    partition: Partition
    segments: list[Segment]
    clean: int


def choose(
    candidates: Iterable[tuple[Partition, Settings]],
    now: Now,
    first_ms: Callable[[Partition, Segment], int],
) -> Choice | None:
    """The dirtiest of the partitions that are due. `first_ms` reads how old
    a segment's first record is."""
    best: Choice | None = None
    for partition, settings in candidates:
        found = _choice(partition, settings, now)
        if found is None or (best is not None and found.ratio <= best.ratio):
            continue
        if found.ratio > settings.dirty_ratio or _too_old(found, settings, now, first_ms):
            best = found
    return best


def _choice(partition: Partition, settings: Settings, now: Now) -> Choice | None:
    clean = max(partition.clean_offset, partition.start_offset)
    segments = _cleanable(partition, settings, now)
    dirty_bytes = sum(segment.size for segment in segments if segment.end > clean)
    if not dirty_bytes:
        return None
    return Choice(dirty_bytes / sum(segment.size for segment in segments), partition, segments, clean)


def _cleanable(partition: Partition, settings: Settings, now: Now) -> list[Segment]:
    found: list[Segment] = []
    for segment in partition.segments[:-1]:
        lagging = (
            settings.compaction_lag_min_ms > 0
            and segment.max_ms > now.wall_ms - settings.compaction_lag_min_ms
        )
        safe = segment.sealed and segment.synced == segment.size
        if not safe or lagging or segment.end > partition.durable_offset:
            break
        found.append(segment)
    return found


def _too_old(
    choice: Choice, settings: Settings, now: Now, first_ms: Callable[[Partition, Segment], int]
) -> bool:
    if settings.compaction_lag_max_ms is None:
        return False
    first = next(segment for segment in choice.segments if segment.end > choice.clean and segment.size)
    return now.wall_ms - first_ms(choice.partition, first) > settings.compaction_lag_max_ms
