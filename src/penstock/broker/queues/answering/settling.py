"""Answers Settle, Recover."""

from penstock.broker.answers import answers
from penstock.broker.queues.answering.finding import channel_of, precondition
from penstock.broker.queues.channel import Held
from penstock.broker.queues.moving.leave import settle_all
from penstock.broker.state import State
from penstock.calls.queues import Mark, Recover, Settle
from penstock.clock import Now
from penstock.errors import Refused


@answers(Settle)
def settle(state: State, call: Settle, now: Now) -> Refused | None:
    """In order, up to the first tag that is not held. In a transaction they wait for its commit."""
    channel = channel_of(call)
    refused = None
    marked: list[tuple[Mark, list[Held]]] = []
    for settlement in call.settlements:
        found, unknown = channel.meant(settlement)
        if channel.transaction is not None:
            channel.transaction.settled.append((settlement, found))
        elif marked and marked[-1][0] is settlement.mark:
            marked[-1][1].extend(found.values())
        else:
            marked.append((settlement.mark, list(found.values())))
        if unknown is not None:
            refused = precondition(f"unknown delivery tag {unknown}")
            break
    settle_all(state.queues.turn, channel, marked)
    return refused


@answers(Recover)
def recover(state: State, call: Recover, now: Now) -> None:
    """Back to the queues, to be delivered again."""
    channel = channel_of(call)
    held, channel.unacked = list(channel.unacked.values()), {}
    settle_all(state.queues.turn, channel, [(Mark.REQUEUE, held)])
