"""The log: Kafka's topics, partitions and segments on one disk, with acknowledgements that mean safe.

`Log` is the entrance; everything that blocks happens in `Sync.run`. Knows nothing of clients or protocols.
"""

from penstock.log.disk import Cold, Disk, DiskFailed, DiskFull, RealDisk
from penstock.log.durability.sync import Sync
from penstock.log.log import Log
from penstock.log.partition import Partition
from penstock.log.settings import LogOptions
from penstock.log.topics import NewTopic, Topic, start_after

__all__ = [
    "Cold",
    "Disk",
    "DiskFailed",
    "DiskFull",
    "Log",
    "LogOptions",
    "NewTopic",
    "Partition",
    "RealDisk",
    "Sync",
    "Topic",
    "start_after",
]
