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
    if refused := refused_epoch(part.known_epoch):
        return refused
    return EpochEnd(EPOCH, partition.durable_offset) if part.epoch == EPOCH else NONE


def refused_epoch(known: int) -> Refused | None:
    """Why a client with this idea of the current epoch is not served; -1 is no idea at all."""
    if known in (-1, EPOCH):
        return None
    reason = Refusal.UNKNOWN_EPOCH if known > EPOCH else Refusal.STALE_EPOCH
    return Refused(reason, f"epoch {known}, the current one is {EPOCH}")
