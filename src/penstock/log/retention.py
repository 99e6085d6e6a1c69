"""Which segments are too old or too many. Decides only: `Log.retain` writes it down and removes them.

Knows ages and sizes; knows nothing of files.
"""

from penstock.clock import Now
from penstock.log.partition import Partition
from penstock.log.topic import Settings


def start_after(partition: Partition, settings: Settings, now: Now) -> int:
    """The start offset that retention asks for now; the present one where nothing has to go.

    Whole segments go, the oldest first. The last one goes only by age, and only when all of it is durable.
    """
    start, left = partition.start_offset, partition.size_bytes
    if not settings.deletes:
        return start
    for segment in partition.segments:
        last = segment is partition.segments[-1]
        if segment.end > partition.durable_offset or (segment.size == 0 and not segment.sealed):
            break
        newest_ms = segment.max_ms if segment.max_ms >= 0 else segment.born_ms
        old = 0 <= settings.retention_ms < now.wall_ms - newest_ms
        much = 0 <= settings.retention_bytes <= left - segment.size and not last
        if not (old or much):
            break
        start, left = max(start, segment.end), left - segment.size
    return start
