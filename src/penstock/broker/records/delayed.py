"""Records with a header deliver-at: taken out of their batch and kept back until then, where their topic asks for it.

What is left of the batch is written as compaction would: its offsets, its producer and its sequence stay, and perhaps
nothing else. The records are in the ledger's block before the batch is in the partition, so that a batch that stands
there tells that they were kept, unless the machine went down between: then whoever sends it again has them kept again.
"""

import re

from penstock import record
from penstock.broker.queues.moving.postponed import Later
from penstock.broker.records.sequences import Known
from penstock.broker.records.stamp import OPENED_BYTES_MAX, Stamped
from penstock.broker.state import State
from penstock.calls import Bytes
from penstock.clock import Now
from penstock.compression import decompress
from penstock.errors import Refusal, Refused
from penstock.log import Partition
from penstock.log.compaction.batches import emptied, rewritten, spans
from penstock.record import Record

Point = tuple[Partition, int]
HEADER = "deliver-at"
AHEAD_MS_MAX = 366 * 24 * 3600 * 1000
RECORDS_MAX = 20_000
"""Of a batch in which one has the header: each is looked at, and all others wait meanwhile."""


def take_out(
    state: State, partition: Partition, stamped: Stamped, now: Now
) -> tuple[Stamped, list[int]] | Refused:
    """What is left of the batch, and the numbers of the records that were kept back; or why it cannot be taken."""
    batches, infos = stamped
    info, settings = infos[0], state.settings(partition.topic)
    try:
        bytes_max = max(OPENED_BYTES_MAX, settings.message_bytes_max)
        body = decompress(info.codec, memoryview(batches)[record.HEADER_SIZE :], bytes_max)
        if HEADER.encode() not in body:
            return stamped, []
        if info.count > RECORDS_MAX:
            words = f"{info.count} records in one batch, of which one has the header {HEADER}: allowed are {RECORDS_MAX}"
            return Refused(Refusal.TOO_LARGE, words)
        records = list(record.decode(batches, bytes_max=bytes_max))
    except ValueError as error:
        return Refused(Refusal.CORRUPT, str(error))
    dues = _dues(records, now)
    if isinstance(dues, Refused):
        return dues
    if not any(dues):
        return stamped, []
    if settings.compacted or info.transactional:
        where = "a compacted topic" if settings.compacted else "a transaction"
        return Refused(
            Refusal.BAD_RECORD, f"{where} takes no record that is to be delivered later ({HEADER})"
        )
    some = [_later(partition, one, info.codec, due) for one, due in zip(records, dues, strict=True) if due]
    numbers = state.queues.postponed.keep(partition.topic_id, some, now)
    if isinstance(numbers, Refused):
        return numbers
    view = memoryview(batches)
    kept = [span for span, due in zip(spans(body, info.count), dues, strict=True) if not due]
    left = bytearray(rewritten(view, info, body, kept, None) if kept else emptied(view, info))
    return (left, [record.info_at(left, 0)]), numbers


def again(
    state: State, partition: Partition, batches: Bytes, known: Known, now: Now
) -> Point | Refused | None:
    """The batch was written before: in this life of the broker so were its delayed records; before, perhaps not."""
    postponed = state.queues.postponed
    mark = partition, known.base_offset
    if known.base_offset < postponed.since.get(partition, 0) and mark not in postponed.again:
        bytes_max = max(OPENED_BYTES_MAX, state.settings(partition.topic).message_bytes_max)
        try:
            lost = _missing(partition, batches, known, bytes_max)
        except ValueError as error:
            return Refused(Refusal.CORRUPT, str(error))
        codec = record.info_at(batches, 0).codec
        some = [_later(partition, one, codec, due_ms) for one, due_ms in lost]
        kept = postponed.keep(partition.topic_id, some, now) if some else []
        if isinstance(kept, Refused):
            return kept
        postponed.again.add(mark)
    return state.queues.ledger.safe_point()


def _missing(partition: Partition, batches: Bytes, known: Known, bytes_max: int) -> list[tuple[Record, int]]:
    """The records that are not in the partition, and when they are due."""
    if known.base_offset < partition.start_offset:
        return []
    stored = partition.read(known.base_offset, 1, end=known.last_offset + 1)
    there = {one.offset - known.base_offset for one in record.decode(stored)}
    found = []
    for delta, one in enumerate(record.decode(batches, bytes_max=bytes_max)):
        text = dict(one.headers).get(HEADER)
        if delta not in there and text is not None and _NUMBER.fullmatch(text):
            found.append((one, max(1, int(text))))
    return found


_NUMBER = re.compile(rb"-?[0-9]{1,18}")


def _dues(records: list[Record], now: Now) -> list[int] | Refused:
    """When each record is due, 0 where it is by now. Of several headers the last counts, as elsewhere in Kafka."""
    dues = []
    for number, one in enumerate(records):
        headers = dict(one.headers)
        if HEADER not in headers:
            dues.append(0)
            continue
        text = headers[HEADER] or b""
        if not _NUMBER.fullmatch(text):
            words = (
                f"record {number}: the header {HEADER} is no number of milliseconds since 1970: {text[:40]!r}"
            )
            return Refused(Refusal.BAD_RECORD, words)
        due_ms = int(text)
        if due_ms > now.wall_ms + AHEAD_MS_MAX:
            return Refused(
                Refusal.BAD_RECORD, f"record {number}: {HEADER} {due_ms} is more than a year ahead"
            )
        dues.append(due_ms if due_ms > now.wall_ms else 0)
    return dues


def _later(partition: Partition, one: Record, codec: int, due_ms: int) -> Later:
    return Later(partition.index, due_ms, codec, record.encode([one]))
