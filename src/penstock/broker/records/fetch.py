"""Answers Fetch: reads up to the high watermark, or waits until there is enough (long poll).

The high watermark is the durable end: no reader sees what a crash can take back. A reader of what is committed reads up
to the last stable offset, and is told what of it was aborted. Sizes as in KIP-74: the first part that has something may
exceed every limit by its one batch, so that a reader always gets on.
"""

from collections.abc import Callable
from functools import lru_cache

from penstock.broker.answers import answers
from penstock.broker.records.epochs import EPOCH, refused_epoch
from penstock.broker.records.waits import FetchWait
from penstock.broker.state import State
from penstock.broker.turns.errands import READING
from penstock.calls import EpochEnd, Fetch, Fetched, FetchPart
from penstock.clock import Now
from penstock.errors import Refusal, Refused
from penstock.later import Later, Steps
from penstock.log import Cold, Partition
from penstock.record import scan

Read = list[Fetched | Refused]
COLD_MAX = 16  # when records leave the memory as fast as they come, they are waited for
TWICE = Refused(Refusal.BAD_REQUEST, "the request names the partition more than once")


@answers(Fetch)
def fetch(state: State, call: Fetch, now: Now) -> object:
    """At once where something is wrong, enough is there or nothing may be waited for; later otherwise.

    Later, too, where records are on the disk only.
    """
    return state.errands.begin(READING, _steps(state, call, now))


def _steps(state: State, call: Fetch, now: Now) -> Steps[object]:
    for _ in range(COLD_MAX):
        far: list[Cold] = []
        read = read_parts(state, call, far)
        if not far:
            break
        for cold in far:
            yield cold.fetch
    else:
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


def read_parts(state: State, call: Fetch, far: list[Cold] | None = None) -> Read:
    """Each part in order, within the call's own limit and the broker's. What is `far` away is waited for, or told."""
    read: Read = []
    left, empty = min(call.bytes_max, state.options.fetch_bytes_max), True
    named: set[tuple[str, int]] = set()
    at_the_end = _ends(state)
    for part in call.parts:
        name = (part.topic, part.partition)
        if name in named:
            read.append(TWICE)
            continue
        named.add(name)
        if (nothing := at_the_end(part)) is not None:
            read.append(nothing)
            continue
        try:
            one, thrown = _read_part(state, call, part, (left, empty), far is None)
        except Cold as cold:
            assert far is not None
            far.append(cold)
            left, empty = left - min(part.bytes_max, cold.size), False
            continue
        left -= thrown  # or a request of many partitions would read without end
        if isinstance(one, Fetched) and one.batches:
            left, empty = left - len(one.batches), False
        read.append(one)
    return read


def _ends(state: State) -> Callable[[FetchPart], Fetched | None]:
    """What a part gets whose reader is at the end, None for any other part. Most parts of most fetches are such, a
    thousand at a time: one look each, and the answer to equal ones is the same object."""
    topics, settled = state.log.topics, state.stable.settled

    def at_the_end(part: FetchPart) -> Fetched | None:
        topic = topics.get(part.topic)
        if topic is None or not 0 <= part.partition < len(topic.partitions):
            return None
        partition = topic.partitions[part.partition]
        end = partition.durable_offset
        if part.offset != end or part.known_epoch > 0 or part.last_epoch > 0 or not settled(partition):
            return None
        if part.topic_id and part.topic_id != topic.topic_id:
            return None
        return _nothing(end, partition.start_offset)

    return at_the_end


@lru_cache(4096)
def _nothing(end: int, start: int) -> Fetched:
    return Fetched(b"", end, start, end)


def _read_part(
    state: State, call: Fetch, part: FetchPart, room: tuple[int, bool], patient: bool
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
    batches = (partition.read if patient else partition.read_near)(part.offset, max(limit, 1), end=end)
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
    def seen() -> list[tuple[FetchPart, int]]:
        return [
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
    topics = {part.topic for part in call.parts}
    wait = FetchWait(topics, seen, call.bytes_min - got, end_of, answer)
    wait.timer = state.timers.at(now.mono_s + call.wait_ms / 1000, answer)
    state.waits.add(wait)
    return wait.later


def _durable_end(partition: Partition) -> int:
    return partition.durable_offset


def _bytes_of(read: Read) -> int:
    return sum(len(one.batches) for one in read if isinstance(one, Fetched))
