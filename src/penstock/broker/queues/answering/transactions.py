"""Answers SelectTransaction, CommitTransaction, RollbackTransaction."""

from penstock.broker.answers import answers
from penstock.broker.queues.answering.finding import channel_of, precondition
from penstock.broker.queues.answering.publishing import lacking, put
from penstock.broker.queues.channel import Transaction
from penstock.broker.queues.moving.leave import settle_all
from penstock.broker.state import State
from penstock.calls.queues import (
    Committed,
    CommitTransaction,
    Mark,
    Publishing,
    RollbackTransaction,
    SelectTransaction,
)
from penstock.clock import Now
from penstock.errors import Refused

_NONE = precondition("channel is not transactional")


@answers(SelectTransaction)
def select_transaction(state: State, call: SelectTransaction, now: Now) -> None:
    """Harmless where the channel is transactional already."""
    channel = channel_of(call)
    if channel.transaction is None:
        channel.transaction = Transaction()


@answers(CommitTransaction)
def commit_transaction(state: State, call: CommitTransaction, now: Now) -> object:
    """All in one turn, so in one block: settlements hold only if the publishes are written.

    Who takes a message by its number puts others in its place: either all of them are taken, or nothing is done.
    """
    channel = channel_of(call)
    transaction = channel.transaction
    if transaction is None:
        return _NONE
    whole = any(
        consumer is not None and consumer.by_number
        for _, found in transaction.settled
        for _, consumer, _ in found.values()
    )
    if whole and (refused := lacking(state, channel, transaction.publishes, call.principal.name, now)):
        return refused
    channel.transaction = None
    state.queues.transactions_bytes -= transaction.held_bytes
    returned: list[Publishing] = []
    left = transaction.publishes
    while left:  # an exchange that is gone by now takes nothing; the others' messages are sent all the same
        sent = put(state, channel, left, call.principal.name, now)
        returned += [left[place] for place in sent.returned]
        left = left[sent.count + 1 :]
    channel.transaction = Transaction()
    marked = [(settlement.mark, list(found.values())) for settlement, found in transaction.settled]
    failed = state.queues.turn.appends.flush(now)
    if failed is not None and whole:
        for _, found in transaction.settled:
            channel.put_back(found)
        return failed
    for queue, _, item in (held for mark, some in marked if mark is Mark.ACK for held in some):
        state.queues.committing[queue.id, item[0]] = queue, item
    with state.queues.ledger.as_one():
        settle_all(state.queues.turn, channel, marked)
    return failed or state.queues.when_safe(Committed(returned), now)


@answers(RollbackTransaction)
def roll_back_transaction(state: State, call: RollbackTransaction, now: Now) -> Refused | None:
    """What it settled is unsettled as before."""
    channel = channel_of(call)
    transaction = channel.transaction
    if transaction is None:
        return _NONE
    state.queues.transactions_bytes -= transaction.held_bytes
    for _, found in transaction.settled:
        channel.put_back(found)
    channel.transaction = Transaction()
    return None
