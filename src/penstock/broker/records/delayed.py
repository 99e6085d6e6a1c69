"""Records with a header deliver-at: taken out of their batch and kept back until then, where their topic asks for it.

What is left of the batch is written as compaction would: its offsets, its producer and its sequence stay, and perhaps
nothing else. The records are in the ledger's block before the batch is in the partition, so that a batch that stands
there tells that they were kept, unless the machine went down between: then whoever sends it again has them kept again.

A large batch takes several turns of the loop (`SLICE`), between which others have theirs; what comes to the same partition
meanwhile waits (`lines`).
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import TypeVar

from penstock import record
from penstock.broker.queues.delaying.postponed import Coming, Later
from penstock.broker.records.sequences import Known
from penstock.broker.records.stamp import OPENED_BYTES_MAX, Stamped
from penstock.broker.state import State
from penstock.broker.turns.errands import others_first
from penstock.calls import Bytes
from penstock.clock import Now
from penstock.compression import decompress
from penstock.errors import Refusal, Refused
from penstock.later import Steps
from penstock.log import Partition
from penstock.log.compaction.batches import Span, emptied, rewritten, spans
from penstock.record import Record

T = TypeVar("T")
Point = tuple[Partition, int]
HEADER = "deliver-at"
AHEAD_MS_MAX = 366 * 24 * 3600 * 1000
RECORDS_MAX = 20_000
"""Of a batch in which one has the header: each is looked at, and the partition waits meanwhile."""


SLICE = 500
"""Records that are looked at, or kept back, in one turn of the loop."""


def take_out(
    state: State, partition: Partition, stamped: Stamped, now: Now
) -> Steps[tuple[Stamped, Coming | None] | Refused]:
    """What is left of the batch, and the records that were kept back; or why it cannot be taken."""
    batches, infos = stamped
    info, settings = infos[0], state.settings(partition.topic)
    records: list[Record] = []
    dues: list[int] = []
    try:
        bytes_max = max(OPENED_BYTES_MAX, settings.message_bytes_max)
        body = decompress(info.codec, memoryview(batches)[record.HEADER_SIZE :], bytes_max)
        if HEADER.encode() not in body:
            return stamped, None
        if info.count > RECORDS_MAX:
            words = f"{info.count} records in one batch, of which one has the header {HEADER}: allowed are {RECORDS_MAX}"
            return Refused(Refusal.TOO_LARGE, words)
        for some in _slices(record.decode(batches, bytes_max=bytes_max)):
            found = _dues(some, len(dues), now)
            if isinstance(found, Refused):
                return found
            records += some
            dues += found
            yield from _others_between(some)
    except ValueError as error:
        return Refused(Refusal.CORRUPT, str(error))
    if not any(dues):
        return stamped, None
    if settings.compacted or info.transactional:
        where = "a compacted topic" if settings.compacted else "a transaction"
        return Refused(
            Refusal.BAD_RECORD, f"{where} takes no record that is to be delivered later ({HEADER})"
        )
    late = ((one, due) for one, due in zip(records, dues, strict=True) if due)
    coming = yield from _keep(state, partition, late, info.codec, now)
    if isinstance(coming, Refused):
        return coming
    kept: list[Span] = []
    if not all(dues):
        for pairs in _slices(zip(spans(body, info.count), dues, strict=True)):
            kept += [span for span, due in pairs if not due]
            yield from _others_between(pairs)
    view = memoryview(batches)
    left = bytearray(rewritten(view, info, body, kept, None) if kept else emptied(view, info))
    return (left, [record.info_at(left, 0)]), coming


def again(
    state: State, partition: Partition, batches: Bytes, known: Known, now: Now
) -> Steps[Point | Refused | None]:
    """The batch was written before: in this life of the broker so were its delayed records; before, perhaps not."""
    postponed = state.queues.postponed
    mark = partition, known.base_offset
    if known.base_offset < postponed.since.get(partition, 0) and mark not in postponed.again:
        bytes_max = max(OPENED_BYTES_MAX, state.settings(partition.topic).message_bytes_max)
        try:
            lost = yield from _missing(partition, batches, known, bytes_max)
        except ValueError as error:
            return Refused(Refusal.CORRUPT, str(error))
        if lost:
            coming = yield from _keep(state, partition, lost, record.info_at(batches, 0).codec, now)
            if isinstance(coming, Refused):
                return coming
            postponed.park(coming, now)
        postponed.again.add(mark)
    return state.queues.ledger.safe_point()


def _keep(
    state: State, partition: Partition, late: Iterable[tuple[Record, int]], codec: int, now: Now
) -> Steps[Coming | Refused]:
    """Bring them to the ledger: all of them, or none."""
    postponed = state.queues.postponed
    if partition.deleted:
        return gone(partition)
    coming = postponed.begin(partition.topic_id)
    for some in _slices(late):
        laters = [Later(partition.index, due_ms, codec, record.encode([one])) for one, due_ms in some]
        refused = gone(partition) if partition.deleted else postponed.keep(coming, laters, now)
        if refused is not None:
            postponed.undo(coming)
            return refused
        yield from _others_between(some)
    return coming


def gone(partition: Partition) -> Refused:
    """The topic was deleted between two slices."""
    return Refused(Refusal.NO_TOPIC, f"{partition.topic} was deleted")


def _missing(
    partition: Partition, batches: Bytes, known: Known, bytes_max: int
) -> Steps[list[tuple[Record, int]]]:
    """The records that are not in the partition, and when they are due."""
    if known.base_offset < partition.start_offset:
        return []
    there: set[int] = set()
    for some in _slices(record.decode(partition.read(known.base_offset, 1, end=known.last_offset + 1))):
        there.update(one.offset - known.base_offset for one in some)
        yield from _others_between(some)
    found: list[tuple[Record, int]] = []
    for pairs in _slices(enumerate(record.decode(batches, bytes_max=bytes_max))):
        for delta, one in pairs:
            text = dict(one.headers).get(HEADER)
            if delta not in there and text is not None and _NUMBER.fullmatch(text):
                found.append((one, max(1, int(text))))
        yield from _others_between(pairs)
    return found


def _slices(things: Iterable[T]) -> Iterator[list[T]]:
    rest = iter(things)
    while some := list(islice(rest, SLICE)):
        yield some


def _others_between(some: Sequence[object]) -> Steps[None]:
    """After a slice that is not the last."""
    if len(some) == SLICE:
        yield others_first


_NUMBER = re.compile(rb"-?[0-9]{1,18}")


def _dues(records: list[Record], first: int, now: Now) -> list[int] | Refused:
    """When each record is due, 0 where it is by now. Of several headers the last counts, as elsewhere in Kafka. `first` is
    the first one's number, for people."""
    dues = []
    for number, one in enumerate(records, first):
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
