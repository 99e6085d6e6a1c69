"""Ends transactions: decides, writes every partition's marker, and then calls the transaction complete.

The decision holds when it is on disk (Prepare…), and is carried out from then on, whatever happens: after a start the
markers of a prepared transaction are written (again). It is over when all markers are on disk (Complete…).
"""

from dataclasses import replace
from functools import partial

from penstock import record
from penstock.broker.answers import answers
from penstock.broker.records.durable import DISK_ERRORS, refused_by
from penstock.broker.state import State
from penstock.broker.topics.internal import CONSUMER_OFFSETS
from penstock.broker.transactions import marker
from penstock.broker.transactions.enlist import known
from penstock.broker.transactions.store import Then
from penstock.broker.transactions.transaction import COMPLETE_AFTER, PREPARED, Part, Phase, Transaction
from penstock.calls import EndTransaction
from penstock.clock import Now
from penstock.errors import Refusal, Refused
from penstock.later import Later

RETRY_S = 1.0
"""How long a full disk is given before a marker is tried again."""


@answers(EndTransaction)
def end_transaction(state: State, call: EndTransaction, now: Now) -> Refused | Later[object] | None:
    """Answered when the outcome is visible in every partition; asking again for the same outcome is fine."""
    transaction = known(state, call.transactional_id, call.producer_id, call.producer_epoch)
    if isinstance(transaction, Refused):
        return transaction
    if transaction.phase is Phase.ONGOING:
        later: Later[object] = Later()
        decide(state, transaction, call.commit, lambda refused, now: later.resolve(refused), now)
        return later
    if transaction.phase is Phase.EMPTY or transaction.committed is not call.commit:
        return Refused(Refusal.BAD_TRANSACTION_STATE, f"it is in {transaction.phase.shown}")
    if transaction.phase in PREPARED:
        return Refused(Refusal.CONCURRENT_TRANSACTIONS, f"it is in {transaction.phase.shown}")
    return None


def decide(state: State, transaction: Transaction, commit: bool, then: Then, now: Now) -> None:
    """End an ongoing transaction; `then` is called when it is complete, or with why it goes on."""
    phase = Phase.PREPARE_COMMIT if commit else Phase.PREPARE_ABORT
    prepared = replace(transaction, phase=phase, update_ms=now.wall_ms)

    def decided(refused: Refused | None, now: Now) -> None:
        if refused is not None:
            then(refused, now)
            return
        state.deadlines.end(transaction.name)
        carry_out(state, prepared, then, now)

    state.transactions.change(prepared, decided, now)


def fence(state: State, transaction: Transaction, then: Then, now: Now) -> None:
    """Abort an ongoing transaction and shut its producer out, by an epoch that nobody is given."""
    decide(state, replace(transaction, epoch=transaction.epoch + 1, last_epoch=-1), False, then, now)


def expire(state: State, transaction: Transaction, then: Then, now: Now) -> None:
    """As `fence`, but the producer may have the new epoch if it asks: it was late, not replaced (KIP-588)."""
    late = replace(transaction, epoch=transaction.epoch + 1, last_epoch=transaction.epoch)
    decide(state, late, False, then, now)


def carry_out(state: State, prepared: Transaction, then: Then, now: Now) -> None:
    """Write the markers of a transaction whose end is decided."""
    ending = _Ending(state, prepared, then)
    for part in prepared.parts:
        ending.mark(part, now)
    if not prepared.parts:
        ending.complete(now)


class _Ending:
    """One transaction between decision and completion; `left` are the partitions without a safe marker."""

    def __init__(self, state: State, prepared: Transaction, then: Then) -> None:
        self.state, self.prepared, self.then = state, prepared, then
        self.left = set(prepared.parts)
        self.told = False

    def mark(self, part: Part, now: Now) -> None:
        """Write the partition's marker; a full disk is waited for, a partition that is gone needs none."""
        state, transaction = self.state, self.prepared
        found = state.partition(*part)
        if found is None:
            self.marked(part, None, now)
            return
        batch = marker.encode(transaction.producer_id, transaction.epoch, transaction.committed, now.wall_ms)
        try:
            offset = found.append(batch, list(record.scan(batch)), now)
        except DISK_ERRORS as error:
            self.failed(part, refused_by(error), now)
            return
        state.stable.end(found, transaction.producer_id, offset)
        state.markers.note(found, transaction.producer_id, offset, not transaction.committed)
        state.sequences.mark(found, transaction.producer_id, transaction.epoch, now)
        if part[0] == CONSUMER_OFFSETS:
            state.offsets.decided(part[1], transaction.producer_id, transaction.committed)
        state.durability.appended(found, now)
        state.durability.when(found, offset + 1, partial(self.marked, part), now)

    def marked(self, part: Part, refused: Refused | None, now: Now) -> None:
        """The marker is safe; or the partition was deleted meanwhile, which settles it too."""
        self.left.discard(part)
        if part[0] == CONSUMER_OFFSETS and refused is None:
            self.state.offsets.settled(part[1], self.prepared.producer_id, now)
        if not self.left:
            self.complete(now)

    def failed(self, part: Part, refused: Refused, now: Now) -> None:
        """The outcome stands all the same: the producer hears so, the marker comes later."""
        self.tell(None if refused.reason is Refusal.DISK_FULL else refused, now)
        if refused.reason is Refusal.DISK_FULL:
            self.state.timers.at(now.mono_s + RETRY_S, partial(self.mark, part))

    def complete(self, now: Now) -> None:
        """All markers are safe: the transactional id is free for its next transaction."""
        phase = COMPLETE_AFTER[self.prepared.phase]
        complete = replace(self.prepared, phase=phase, parts={}, update_ms=now.wall_ms)

        def written(refused: Refused | None, now: Now) -> None:
            if refused is not None and refused.reason is Refusal.DISK_FULL:
                self.state.timers.at(now.mono_s + RETRY_S, self.complete)

        self.state.transactions.change_at_once(complete, written, now)
        self.tell(None, now)

    def tell(self, refused: Refused | None, now: Now) -> None:
        """Answer whoever asked for the end, once."""
        if not self.told:
            self.told = True
            self.then(refused, now)
