"""Requests as prepared bytes, and answers read at fixed places: what the load generators cost is next to nothing.

Produce 8 and Fetch 11, the newest versions without compact fields. Knows bytes; knows no socket.
"""

import datetime
import struct
import sys
from typing import Any

from penstock.wire.kafka.codec import encode_request, request_type

PRODUCE, PRODUCE_VERSION = 0, 8
FETCH, FETCH_VERSION = 1, 11
FETCH_BYTES, PARTITION_BYTES, WAIT_MS = 50 * 1024 * 1024, 1024 * 1024, 500
_OFFSET_MARK = 0x1122334455667788


def _module(message: type) -> Any:
    return sys.modules[message.__module__]


class ProduceRequest:
    """Produce to partition 0 of `topic`, acks=all; no answer tells it from another, they come in order."""

    def __init__(self, topic: str) -> None:
        self._topic = topic
        self._error_at = 4 + 4 + 4 + 2 + len(topic) + 4 + 4

    def around(self, batch: bytes) -> bytes:
        """The whole request with this record batch."""
        kind = request_type(PRODUCE, PRODUCE_VERSION)
        words = _module(kind)
        part = words.PartitionProduceData(index=0, records=batch)
        message = kind(
            transactional_id=None,
            acks=-1,
            timeout=datetime.timedelta(seconds=30),
            topic_data=(words.TopicProduceData(name=self._topic, partition_data=(part,)),),
        )
        return encode_request(PRODUCE, PRODUCE_VERSION, 1, "bench", message)

    def error(self, answer: memoryview) -> int:
        """The error code in an answer with its length."""
        return int(struct.unpack_from(">h", answer, self._error_at)[0])


class FetchRequest:
    """Fetch from partition 0 of `topic`, as the Java consumer asks by default."""

    def __init__(self, topic: str) -> None:
        kind = request_type(FETCH, FETCH_VERSION)
        words = _module(kind)
        part = words.FetchPartition(
            partition=0,
            current_leader_epoch=-1,
            fetch_offset=_OFFSET_MARK,
            log_start_offset=-1,
            partition_max_bytes=PARTITION_BYTES,
        )
        message = kind(
            replica_id=-1,
            max_wait=datetime.timedelta(milliseconds=WAIT_MS),
            min_bytes=1,
            max_bytes=FETCH_BYTES,
            isolation_level=0,
            session_id=0,
            session_epoch=-1,
            topics=(words.FetchTopic(topic=topic, partitions=(part,)),),
            forgotten_topics_data=(),
            rack_id="",
        )
        self._bytes = bytearray(encode_request(FETCH, FETCH_VERSION, 1, "bench", message))
        self._offset_at = self._bytes.index(struct.pack(">q", _OFFSET_MARK))
        self._row_at = 4 + 4 + 4 + 2 + 4 + 4 + 2 + len(topic) + 4 + 4

    def at(self, offset: int) -> bytes:
        """The whole request for records from `offset` on."""
        struct.pack_into(">q", self._bytes, self._offset_at, offset)
        return bytes(self._bytes)

    def records(self, answer: memoryview) -> tuple[int, memoryview]:
        """Error code and record batches of an answer with its length."""
        error, *_, aborted = struct.unpack_from(">hqqqi", answer, self._row_at)
        at = self._row_at + 30 + 16 * max(aborted, 0) + 4
        size = max(struct.unpack_from(">i", answer, at)[0], 0)
        return int(error), answer[at + 4 : at + 4 + size]
