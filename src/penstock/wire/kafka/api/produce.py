"""Produce: append record batches. Decoded by hand, so that a megabyte of batches is a view of what was received.

3: transactional id; 5: log start offset; 7: zstd; 8: error texts (KIP-467); 9: flexible; 10: KIP-951; 11: KIP-890.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from kio.schema.errors import ErrorCode

from penstock.calls import Append, AppendPart, Bytes
from penstock.errors import Refusal, Refused
from penstock.wire.kafka.codec import Header
from penstock.wire.kafka.cursor import Cursor
from penstock.wire.kafka.encode import Row
from penstock.wire.kafka.refusals import code, text
from penstock.wire.kafka.registry import HangUpError, Request, Steps, api, each

FLEXIBLE: Final = 9
ATTRIBUTES_AT: Final = 22
ZSTD: Final = 4
KNOWS_ABORTABLE: Final = 11
NO_BATCH: Final = Refused(Refusal.UNSUPPORTED_BATCH, "a partition needs at least one record batch")
OLD_ZSTD: Final = Refused(Refusal.UNSUPPORTED_COMPRESSION, "zstd needs Produce version 7 or later")


@dataclass(frozen=True, slots=True)
class Produce:
    """The request: per topic its partitions' batches."""

    transactional_id: str | None
    acks: int
    timeout_ms: int
    topics: list[tuple[str, list[tuple[int, Bytes]]]]


def read_produce(header: Header, frame: memoryview, elements_max: int) -> Produce:
    """The body, without a copy of the batches; raises `MalformedError`."""
    cursor = Cursor(frame, header.body, header.version >= FLEXIBLE, elements_max)
    transactional_id, acks, timeout_ms = cursor.nullable_string(), cursor.int16(), cursor.int32()
    topics = [(cursor.string(), _read_partitions(cursor)) for _ in range(cursor.count())]
    cursor.tags()
    return Produce(transactional_id, acks, timeout_ms, topics)


def _read_partitions(cursor: Cursor) -> list[tuple[int, Bytes]]:
    partitions: list[tuple[int, Bytes]] = []
    for _ in range(cursor.count()):
        partitions.append((cursor.int32(), cursor.nullable_bytes() or b""))
        cursor.tags()
    cursor.tags()
    return partitions


# Announced from version 0 on, as Kafka 4 does (KAFKA-18659): librdkafka 2.0, for one, sends everything uncompressed,
# without a word, to a broker whose lowest version is 3.
@api(key=0, versions=(3, 11), read=read_produce, announced=0)
def produce(request: Request) -> Steps:
    """Append; without acknowledgement (acks 0) there is no response, and an error closes the connection."""
    q: Produce = request.message
    parts = [AppendPart(topic, index, batches) for topic, indexes in q.topics for index, batches in indexes]
    refused = [_refusal(part, request.version) for part in parts]
    sound = tuple(part for part, no in zip(parts, refused, strict=True) if no is None)
    answers: Iterator[Any] = iter(())
    if sound:
        call = Append(request.principal, sound, q.acks, q.timeout_ms, q.transactional_id)
        answers = iter(each((yield call), len(sound)))
    results = [no or next(answers) for no in refused]
    if q.acks == 0:
        failed = next((r for r in results if isinstance(r, Refused)), None)
        if failed:
            raise HangUpError(f"a produce request without acknowledgement failed: {failed.message}")
        return None
    rest = iter(results)
    return {"responses": [_topic_row(topic, indexes, rest, request.version) for topic, indexes in q.topics]}


def _refusal(part: AppendPart, version: int) -> Refused | None:
    """What the protocol's version rules out, before the broker looks at the batches."""
    if not part.batches:
        return NO_BATCH
    old_zstd = version < 7 and len(part.batches) > ATTRIBUTES_AT and part.batches[ATTRIBUTES_AT] & 7 == ZSTD
    return OLD_ZSTD if old_zstd else None


def _topic_row(topic: str, indexes: list[tuple[int, Bytes]], results: Iterator[Any], version: int) -> Row:
    return {
        "name": topic,
        "partition_responses": [_partition_row(index, next(results), version) for index, _ in indexes],
    }


def _partition_row(index: int, result: Any, version: int) -> Row:
    if isinstance(result, Refused):
        no = {"base_offset": -1, "log_start_offset": -1}
        outside = result.reason is Refusal.NOT_IN_TRANSACTION and version >= KNOWS_ABORTABLE
        error = ErrorCode.transaction_abortable if outside else code(Append, result)
        return {"index": index, "error_code": error, "error_message": text(result), **no}
    return {
        "index": index,
        "base_offset": result.base_offset,
        "log_append_time": result.append_ms,
        "log_start_offset": result.start_offset,
    }
