"""Answers Fetch: reads up to the high watermark, or waits until there is enough (long poll).

The high watermark is the durable end: no reader sees what a crash can take back. A reader of what is committed reads up
to the last stable offset, and is told what of it was aborted. Sizes as in KIP-74: the first part that has something may
exceed every limit by its one batch, so that a reader always gets on.
"""

from penstock.broker.answers import answers
from penstock.broker.records.epochs import EPOCH, refused_epoch
from penstock.broker.records.waits import FetchWait
from penstock.broker.state import State
from penstock.calls import EpochEnd, Fetch, Fetched, FetchPart
from penstock.clock import Now
from penstock.errors import Refusal, Refused
from penstock.later import Later
from penstock.log import Partition
from penstock.record import scan

Read = list[Fetched | Refused]
TWICE = Refused(Refusal.BAD_REQUEST, "the request names the partition more than once")


@answers(Fetch)
def fetch(state: State, call: Fetch, now: Now) -> Read | Later[object]:
    """At once where something is wrong, enough is there or nothing may be waited for; later otherwise."""
    read = read_parts(state, call)
    got = sum(len(part.batches) for part in read if isinstance(part, Fetched))
    if (
        call.wait_ms <= 0
        or not _may_wait(read)
        or got >= call.bytes_min
        or (got and any(_stopped_short(one, call) for one in read))
    ):
        state.counts.add("penstock_fetched_bytes_total", got)
        return read
    return _wait(state, call, read, now)


def _may_wait(read: Read) -> bool:
    """Not where something is wrong; but for a topic that is unknown beside known ones, as in Kafka: a client that reads
    on until it has heard that one is gone would ask without a pause."""
    waits = False
    for one in read:
        if isinstance(one, Refused):
            if one.reason is not Refusal.NO_TOPIC:
                return False
        elif one.diverged is not None:
            return False
        else:
            waits = True
    return waits


def read_parts(state: State, call: Fetch) -> Read:
    """Each part in order, within the call's own limit and the broker's."""
    read: Read = []
    left, empty = min(call.bytes_max, state.options.fetch_bytes_max), True
    named: set[tuple[str, int]] = set()
    for part in call.parts:
        if (part.topic, part.partition) in named:
            read.append(TWICE)
            continue
        named.add((part.topic, part.partition))
        one, thrown = _read_part(state, call, part, (left, empty))
        left -= thrown  # or a request of many partitions would read without end
        if isinstance(one, Fetched) and one.batches:
            left, empty = left - len(one.batches), False
        read.append(one)
    return read


def _read_part(
    state: State, call: Fetch, part: FetchPart, room: tuple[int, bool]
) -> tuple[Fetched | Refused, int]:
    """The part's answer, and how many bytes were read for nothing. `room`: bytes left, and whether all parts were empty."""
    left, empty = room
    partition = state.partition(part.topic, part.partition)
    if partition is None:
        return Refused(Refusal.NO_TOPIC, f"{part.topic}/{part.partition}"), 0
    if part.topic_id and state.log.topics[part.topic].topic_id != part.topic_id:
        return Refused(Refusal.OTHER_TOPIC, part.topic), 0
    if refused := refused_epoch(part.known_epoch):
        return refused, 0
    start, high = partition.start_offset, partition.durable_offset
    if part.last_epoch != -1 and (diverged := _diverged(part, partition)):
        if isinstance(diverged, Refused):
            return diverged, 0
        return Fetched(b"", high, start, state.stable.of(partition), (), diverged), 0
    if not start <= part.offset <= partition.end_offset:
        detail = f"{part.topic}/{part.partition} holds {start} to {partition.end_offset}, not {part.offset}"
        return Refused(Refusal.OFFSET_OUT_OF_RANGE, detail), 0
    limit, stable = min(part.bytes_max, left), state.stable.of(partition)
    end = stable if call.committed_only else high
    if part.offset >= end or (limit <= 0 and not empty):
        return Fetched(b"", high, start, stable), 0
    batches = partition.read(part.offset, max(limit, 1), end=end)
    if not empty and len(batches) > limit:
        return Fetched(b"", high, start, stable), len(batches)
    aborted = state.markers.aborted(partition, batches) if call.committed_only else ()
    return Fetched(batches, high, start, stable, aborted), 0


def _diverged(part: FetchPart, partition: Partition) -> EpochEnd | Refused | None:
    """Where a reader's log and ours part, by the epoch of what it read last (KIP-595); None: they do not."""
    if part.last_epoch != EPOCH:
        return Refused(Refusal.OFFSET_OUT_OF_RANGE, f"nothing was ever written in epoch {part.last_epoch}")
    if part.offset > partition.end_offset:
        return EpochEnd(EPOCH, partition.end_offset)
    return None


def _end(read: Fetched, call: Fetch) -> int:
    return read.stable_offset if call.committed_only else read.high_watermark


def _stopped_short(read: Fetched | Refused, call: Fetch) -> bool:
    """Whether a limit or a segment's end came before what may be read: then there is nothing to wait for."""
    if isinstance(read, Refused) or not read.batches:
        return False
    return max(info.last_offset for info in scan(read.batches)) + 1 < _end(read, call)


def _wait(state: State, call: Fetch, read: Read, now: Now) -> Later[object]:
    seen = [
        (part, max(part.offset, _end(one, call)))
        for part, one in zip(call.parts, read, strict=True)
        if isinstance(one, Fetched)
    ]
    got = sum(len(one.batches) for one in read if isinstance(one, Fetched))

    def answer(now: Now) -> None:
        if state.waits.remove(wait):
            read = read_parts(state, call)
            state.counts.add("penstock_fetched_bytes_total", _bytes_of(read))
            wait.later.resolve(read)

    end_of = state.stable.of if call.committed_only else _durable_end
    wait = FetchWait(seen, call.bytes_min - got, end_of, answer)
    wait.timer = state.timers.at(now.mono_s + call.wait_ms / 1000, answer)
    state.waits.add(wait)
    return wait.later


def _durable_end(partition: Partition) -> int:
    return partition.durable_offset


def _bytes_of(read: Read) -> int:
    return sum(len(one.batches) for one in read if isinstance(one, Fetched))
