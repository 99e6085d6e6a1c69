"""Answers ListOffsets: the earliest, the latest, the one with the greatest timestamp, or the first at a time."""

from penstock.broker.answers import answers
from penstock.broker.records.epochs import refused_epoch
from penstock.broker.state import State
from penstock.broker.turns.errands import SEEKING
from penstock.calls import EARLIEST, LATEST, MAX_TIMESTAMP, FoundOffset, ListOffsets, OffsetsPart
from penstock.clock import Now
from penstock.errors import Refusal, Refused
from penstock.later import Steps

NONE = FoundOffset(-1, -1, -1)


def _visible(found: tuple[int, int] | None, end: int) -> FoundOffset:
    """What lies above the high watermark, or what is not decided yet, does not exist for who asks."""
    return FoundOffset(*found) if found is not None and found[0] < end else NONE


@answers(ListOffsets)
def list_offsets(state: State, call: ListOffsets, now: Now) -> object:
    """One answer a part; -1 where no record is that young. Later where the log must be searched for long."""
    return state.errands.begin(SEEKING, _steps(state, call))


def _steps(state: State, call: ListOffsets) -> Steps[object]:
    found: list[FoundOffset | Refused] = []
    for part in call.parts:
        found.append((yield from _find(state, part, call.committed_only)))  # noqa: PERF401  # none may yield
    return found


def _find(state: State, part: OffsetsPart, committed_only: bool) -> Steps[FoundOffset | Refused]:
    partition = state.partition(part.topic, part.partition)
    if partition is None:
        return Refused(Refusal.NO_TOPIC, f"{part.topic}/{part.partition}")
    if refused := refused_epoch(part.known_epoch):
        return refused
    end = state.stable.of(partition) if committed_only else partition.durable_offset
    if part.timestamp_ms == EARLIEST:
        return FoundOffset(partition.start_offset, -1)
    if part.timestamp_ms == LATEST:
        return FoundOffset(end, -1)
    if part.timestamp_ms == MAX_TIMESTAMP:
        return _visible((yield from partition.find_youngest()), end)
    if part.timestamp_ms < 0:  # -4, -5: KIP-405's tiers, which do not exist here
        return Refused(Refusal.UNSUPPORTED_VERSION, f"offset query {part.timestamp_ms}")
    return _visible((yield from partition.find(part.timestamp_ms)), end)
