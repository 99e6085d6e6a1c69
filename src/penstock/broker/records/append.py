"""Answers Append: validates, restamps, numbers and writes each part; waits for the disk with acks=-1.

An append never waits: bytes go to the page cache at once, and the answer comes when a sync has made them safe.
"""

from functools import partial
from typing import Any, cast

from penstock import record
from penstock.broker.answers import answers
from penstock.broker.records import delayed
from penstock.broker.records.durable import DISK_ERRORS, Then, refused_by
from penstock.broker.records.sequences import Known
from penstock.broker.records.stamp import Stamped, stamp
from penstock.broker.state import State
from penstock.broker.topics.internal import RESERVED
from penstock.broker.topics.settings import Settings
from penstock.broker.transactions.enlist import refused_part
from penstock.calls import Append, Appended, AppendPart
from penstock.clock import Now
from penstock.errors import Refusal, Refused
from penstock.later import Later, Steps
from penstock.log import Partition
from penstock.record import BatchInfo

Result = Appended | Refused
Written = tuple[Partition, int, Appended, delayed.Point | None]
"""Where, up to which offset it must be safe, and what the producer hears then; and where else something must be safe."""


@answers(Append)
def append(state: State, call: Append, now: Now) -> list[Result] | Later[object]:
    """One result a part; with acks=-1 later, when every part is on disk or its time ran out."""
    if refused := _refused_call(call):
        return [refused] * len(call.parts)
    written = [_write(state, part, call.transactional_id, now) for part in call.parts]
    if any(isinstance(one, Later) for one in written):
        return _when_written(state, call, written, now)
    return _answer(state, call, written, now)  # type: ignore[arg-type]  # none is a Later


def _answer(
    state: State, call: Append, written: list[Written | Refused], now: Now
) -> list[Result] | Later[object]:
    if call.acks != -1:
        return [one if isinstance(one, Refused) else one[2] for one in written]
    return _when_durable(state, written, call.timeout_ms, now)


def _when_written(
    state: State, call: Append, written: list[Written | Refused | Later[Any]], now: Now
) -> Later[object]:
    """Some parts take several turns."""
    later: Later[object] = Later()
    left = sum(isinstance(one, Later) for one in written)

    def done(index: int, found: Any) -> None:
        nonlocal left
        written[index] = found
        left -= 1
        if not left:
            answer = _answer(state, call, written, now)  # type: ignore[arg-type]  # none is a Later any more
            answer.watch(later.resolve) if isinstance(answer, Later) else later.resolve(answer)

    for index, one in enumerate(list(written)):
        if isinstance(one, Later):
            one.watch(partial(done, index))
    return later


def _refused_call(call: Append) -> Refused | None:
    if call.acks not in (-1, 0, 1):
        return Refused(Refusal.BAD_ACKS, str(call.acks))
    return None


def _write(
    state: State, part: AppendPart, transactional_id: str | None, now: Now
) -> Written | Refused | Later[Any]:
    if part.topic in RESERVED:
        return Refused(Refusal.BAD_TOPIC_NAME, f"only the broker itself writes to {part.topic}")
    partition = state.partition(part.topic, part.partition)
    if partition is None:
        return Refused(Refusal.NO_TOPIC, f"{part.topic}/{part.partition}")
    settings = state.settings(part.topic)
    if settings.delays:
        steps = _write_in_slices(state, partition, part, transactional_id, now)
        return cast("Written | Refused | Later[Any]", state.lines.add(partition, steps))
    checked = _checked(state, partition, part, transactional_id, now)
    if isinstance(checked, Refused):
        return checked
    if isinstance(checked, Known):
        return _first_time(partition, checked)
    return _put(state, partition, checked, now)


def _write_in_slices(
    state: State, partition: Partition, part: AppendPart, transactional_id: str | None, now: Now
) -> Steps[Written | Refused]:
    """The same for a topic that delays: what is to come later is kept back, first of all."""
    if partition.deleted:
        return delayed.gone(partition)
    checked = _checked(state, partition, part, transactional_id, now)
    if isinstance(checked, Refused):
        return checked
    if isinstance(checked, Known):
        point = yield from delayed.again(state, partition, part.batches, checked, now)
        return point if isinstance(point, Refused) else (*_first_time(partition, checked)[:3], point)
    taken = yield from delayed.take_out(state, partition, checked, now)
    if isinstance(taken, Refused):
        return taken
    left, coming = taken
    written = delayed.gone(partition) if partition.deleted else _put(state, partition, left, now)
    if coming is None:
        return written
    if isinstance(written, Refused):
        state.queues.postponed.undo(coming)
        return written
    state.queues.postponed.park(coming, now)
    return *written[:3], state.queues.ledger.safe_point()


def _checked(
    state: State, partition: Partition, part: AppendPart, transactional_id: str | None, now: Now
) -> Stamped | Known | Refused:
    """The batch as it is to be written; or where it stands, for it was written before."""
    settings = state.settings(part.topic)
    infos = record.check(part.batches, bytes_max=settings.message_bytes_max)
    if isinstance(infos, Refused):
        return infos
    if refused := _refused_batches(infos, settings, now):
        return refused
    if refused := _refused_transaction(state, partition, transactional_id, infos[0]):
        return refused
    known = state.sequences.judge(partition, infos[0], now)
    if isinstance(known, Refused):
        return known
    if known is not None:
        state.counts.add("penstock_duplicate_batches_total")
        return known
    return stamp(part.batches, infos, settings, now)


def _refused_batches(infos: list[BatchInfo], settings: Settings, now: Now) -> Refused | None:
    if len(infos) > 1:  # as Kafka since Produce version 3: what works here must work there
        return Refused(Refusal.BAD_RECORD, f"one record batch for each partition, not {len(infos)}")
    for info in infos:
        if not settings.log_append_time:
            soonest, latest = now.wall_ms - settings.before_max_ms, now.wall_ms + settings.after_max_ms
            if info.base_timestamp_ms < soonest or info.max_timestamp_ms > latest:
                detail = (
                    f"{info.base_timestamp_ms} to {info.max_timestamp_ms} is not within {soonest} to {latest}"
                )
                return Refused(Refusal.BAD_TIMESTAMP, detail)
    return None


def _refused_transaction(
    state: State, partition: Partition, transactional_id: str | None, info: BatchInfo
) -> Refused | None:
    """A transactional batch needs its transaction; any other may not stand in the middle of its producer's own."""
    if info.transactional:
        identity, part = (info.producer_id, info.producer_epoch), (partition.topic, partition.index)
        return refused_part(state, transactional_id, identity, part)
    if state.stable.first(partition, info.producer_id) >= 0:
        return Refused(Refusal.BAD_TRANSACTION_STATE, "the producer's transaction is open in the partition")
    return None


def _first_time(partition: Partition, known: Known) -> Written:
    appended = Appended(known.base_offset, known.append_ms, partition.start_offset)
    return partition, known.last_offset + 1, appended, None


def _put(state: State, partition: Partition, stamped: Stamped, now: Now) -> Written | Refused:
    batches, infos = stamped
    try:
        base = partition.append(batches, infos, now)
    except DISK_ERRORS as error:
        return refused_by(error)
    state.sequences.note(partition, infos[0], base, now)
    if infos[0].transactional:
        state.stable.begin(partition, infos[0].producer_id, base)
    state.counts.add("penstock_appended_bytes_total", len(batches))
    state.counts.add("penstock_appended_records_total", sum(info.count for info in infos))
    state.durability.appended(partition, now)
    append_ms = infos[0].max_timestamp_ms if infos[0].log_append_time else -1
    return partition, partition.end_offset, Appended(base, append_ms, partition.start_offset), None


def _when_durable(
    state: State, written: list[Written | Refused], timeout_ms: int, now: Now
) -> list[Result] | Later[object]:
    """A part that is not safe in time is refused: it may be there all the same, as with Kafka's REQUEST_TIMED_OUT."""
    late = Refused(Refusal.TIMED_OUT, f"not on disk after {timeout_ms} ms")
    results: list[Result] = [one if isinstance(one, Refused) else late for one in written]
    open_parts = {index for index, one in enumerate(written) if not isinstance(one, Refused)}
    later: Later[object] = Later()

    def safe(index: int, appended: Appended, refused: Refused | None, now: Now) -> None:
        results[index] = refused or appended
        open_parts.discard(index)
        if not open_parts and started:
            finish(now)

    def finish(now: Now) -> None:
        timer.cancel()
        if not later.done:
            later.resolve(list(results))  # a part that is safe only later must not change what was said

    started = False
    for index, one in enumerate(written):
        if not isinstance(one, Refused):
            then: Then = partial(safe, index, one[2])
            if one[3] is not None:
                then = partial(_and_there, state, one[3], then)
            state.durability.when(one[0], one[1], then, now)
    if not open_parts:
        return results
    started = True
    timer = state.timers.at(now.mono_s + max(timeout_ms, 0) / 1000, finish)
    return later


def _and_there(state: State, point: delayed.Point, then: Then, refused: Refused | None, now: Now) -> None:
    """The partition is safe: now for what else must be."""
    if refused is not None:
        then(refused, now)
    else:
        state.durability.when(*point, then, now)
