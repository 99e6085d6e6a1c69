"""What a topic changes in a producer's batches: the time (LogAppendTime) or the codec (compression.type).

Otherwise batches stay the producer's bytes. Knows batches and a topic's settings; knows no log.
"""

from collections.abc import Sequence
from dataclasses import replace

from penstock import record
from penstock.broker.topics.settings import Settings
from penstock.calls import Bytes
from penstock.clock import Now
from penstock.record import BatchInfo


def restamp(
    batches: Bytes, infos: Sequence[BatchInfo], settings: Settings, now: Now
) -> tuple[bytearray, list[BatchInfo]]:
    """A copy that may be written to, and its headers."""
    copy = bytearray(batches)
    if settings.log_append_time:
        for info in infos:
            record.stamp_append_time(copy, info, now.wall_ms)
        infos = [replace(i, attributes=i.attributes | 0x08, max_timestamp_ms=now.wall_ms) for i in infos]
    return copy, list(infos)
