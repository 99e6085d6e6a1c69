"""DescribeLogDirs: the data directory, how large each partition is in it, how much room is left.

1: first kept; 2: flexible; 3: an error at the top; 4: sizes of the file system (KIP-827).
"""

from penstock.calls import DescribeStorage, Storage
from penstock.errors import Refused
from penstock.wire.kafka.encode import Row
from penstock.wire.kafka.refusals import code
from penstock.wire.kafka.registry import Request, Steps, api

TOP_ERRORS = 3


@api(key=35, versions=(1, 4))
def describe_log_dirs(request: Request) -> Steps:
    """One directory."""
    topics = request.message.topics
    parts = None if topics is None else tuple((t.topic, index) for t in topics for index in t.partitions)
    found = yield DescribeStorage(request.principal, parts)
    if not isinstance(found, Refused):
        return {"results": [_row(found)]}
    # Before version 3 the error stands at a directory; an empty list says the same, as in Kafka.
    return {"error_code": code(DescribeStorage, found), "results": []}


def _row(storage: Storage) -> Row:
    topics: dict[str, list[Row]] = {}
    for topic, index, size in storage.parts:
        topics.setdefault(topic, []).append({"partition_index": index, "partition_size": size})
    return {
        "log_dir": storage.place,
        "topics": [{"name": name, "partitions": rows} for name, rows in topics.items()],
        "total_bytes": storage.bytes_total,
        "usable_bytes": storage.bytes_free,
    }
