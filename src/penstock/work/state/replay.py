"""Makes the engine's calls of a journal again: the same ranges, in the same order, at the same readings of the clock.

What comes out is thrown away: it was committed with the journal. Knows calls; knows no transaction.
"""

import asyncio
from collections.abc import Callable, Sequence

from penstock.clock import Now
from penstock.engine.job import Job, Output
from penstock.work.connectors.shape import Again, Arrival, Source
from penstock.work.state.records import Call

EXPECT, RECORDS, ROWS, IDLE, CLOCK, END = "expect", "records", "rows", "idle", "clock", "end"
BOUND, ENDED = "bound", "ended"
"""The kinds of calls. A `bound` stands in its call's `end`; one source has `ended`, where `end` is for all."""


def feed(job: Job, source: int, arrival: Arrival, now: Now) -> tuple[str, list[Output]]:
    """Give the engine what arrived: the kind of call that it was, and what came out."""
    if arrival.rows is not None:
        return ROWS, job.on_rows(source, arrival.partition, arrival.rows, now)
    return RECORDS, job.on_records(source, arrival.partition, arrival.batches, now)


def _expect(job: Job, call: Call, now: Now) -> None:
    job.expect(call.source, [call.partition])


def _idle(job: Job, call: Call, now: Now) -> None:
    job.on_idle(call.source, call.partition, now)


def _clock(job: Job, call: Call, now: Now) -> None:
    job.on_clock(now)


def _end(job: Job, call: Call, now: Now) -> None:
    job.on_end(now)


def _bound(job: Job, call: Call, now: Now) -> None:
    job.bound(call.source, call.partition, call.end)


def _ended(job: Job, call: Call, now: Now) -> None:
    job.on_end(now, call.source)


BARE: dict[str, Callable[[Job, Call, Now], None]] = {
    EXPECT: _expect, IDLE: _idle, CLOCK: _clock, END: _end, BOUND: _bound, ENDED: _ended
}  # fmt: skip
"""Calls that bring no input."""


async def replay(job: Job, sources: Sequence[Source], calls: Sequence[Call]) -> None:
    """All calls. Raises PenstockError where an input is not there any more, KafkaError where it cannot be read now."""
    inputs = {index: sources[index].again(spans) for index, spans in _spans(calls).items()}
    try:
        for again in inputs.values():
            await again.open()
        for call in calls:
            now = Now(0.0, call.wall_ms)
            if call.kind in BARE:
                BARE[call.kind](job, call, now)
                continue
            arrival = await _taken(inputs[call.source], call)
            feed(job, call.source, arrival, now)
            # The worker's other jobs go on between calls.
            await asyncio.sleep(0)
    finally:
        for again in inputs.values():
            await again.close()


async def _taken(again: Again, call: Call) -> Arrival:
    return await again.take(call.partition, call.first, call.end, call.wall_ms)


def _spans(calls: Sequence[Call]) -> dict[int, dict[int, tuple[int, int]]]:
    spans: dict[int, dict[int, tuple[int, int]]] = {}
    for call in calls:
        if call.kind not in BARE:
            parts = spans.setdefault(call.source, {})
            first, _ = parts.get(call.partition, (call.first, call.end))
            parts[call.partition] = (first, call.end)
    return spans
