"""Answers FindEpochs: where a leader's term ended (KIP-320). The one node leads for ever, in epoch 0."""

from penstock.broker.answers import answers
from penstock.broker.state import State
from penstock.calls import EpochEnd, EpochPart, FindEpochs
from penstock.clock import Now
from penstock.errors import Refusal, Refused

EPOCH = 0
NONE = EpochEnd(-1, -1)


@answers(FindEpochs)
def find_epochs(state: State, call: FindEpochs, now: Now) -> list[EpochEnd | Refused]:
    """One answer a part."""
    return [_find(state, part) for part in call.parts]


def _find(state: State, part: EpochPart) -> EpochEnd | Refused:
    partition = state.partition(part.topic, part.partition)
    if partition is None:
        return Refused(Refusal.NO_TOPIC, f"{part.topic}/{part.partition}")
    if part.known_epoch > EPOCH:
        return Refused(Refusal.UNKNOWN_EPOCH, f"epoch {part.known_epoch}, the current one is {EPOCH}")
    if -1 < part.known_epoch < EPOCH:
        return Refused(Refusal.STALE_EPOCH, f"epoch {part.known_epoch}, the current one is {EPOCH}")
    return EpochEnd(EPOCH, partition.durable_offset) if part.epoch == EPOCH else NONE
