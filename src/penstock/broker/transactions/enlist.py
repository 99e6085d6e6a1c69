"""Answers AddPartitions and AddGroup: what a transaction will write to; and checks appends against it.

A partition is part of the transaction before its first record: so every record there finds its marker.
"""

from dataclasses import replace

from penstock.broker.answers import answers
from penstock.broker.groups.offsets.store import partition_of
from penstock.broker.records.durable import DISK_ERRORS, refused_by
from penstock.broker.state import State
from penstock.broker.topics.internal import CONSUMER_OFFSETS, RESERVED
from penstock.broker.transactions.store import Then
from penstock.broker.transactions.transaction import PREPARED, Part, Phase, Transaction
from penstock.calls import AddGroup, AddPartitions
from penstock.clock import Now
from penstock.errors import Refusal, Refused
from penstock.later import Later

Results = list[Refused | None]


@answers(AddPartitions)
def add_partitions(state: State, call: AddPartitions, now: Now) -> Results | Later[object]:
    """All or none: one part that is refused leaves the others out."""
    if not call.transactional_id:
        return [Refused(Refusal.BAD_REQUEST, "the transactional id is empty")] * len(call.parts)
    refused = [_refused_part(state, part) for part in call.parts]
    if any(refused):
        return [one or Refused(Refusal.NOT_ATTEMPTED) for one in refused]
    transaction = known(state, call.transactional_id, call.producer_id, call.producer_epoch)
    if isinstance(transaction, Refused):
        return [transaction] * len(call.parts)
    later: Later[object] = Later()
    _add(state, transaction, call.parts, lambda no, now: later.resolve([no] * len(call.parts)), now)
    return later


@answers(AddGroup)
def add_group(state: State, call: AddGroup, now: Now) -> Refused | Later[object] | None:
    """The partition of the committed offsets that holds the group's becomes part of the transaction."""
    transaction = known(state, call.transactional_id, call.producer_id, call.producer_epoch)
    if isinstance(transaction, Refused):
        return transaction
    try:
        topic = state.internal.ensure(CONSUMER_OFFSETS, state.options.offsets_partitions, now)
    except DISK_ERRORS as error:
        return refused_by(error)
    part = (CONSUMER_OFFSETS, partition_of(call.group, len(topic.partitions)))
    later: Later[object] = Later()
    _add(state, transaction, (part,), lambda refused, now: later.resolve(refused), now)
    return later


def known(state: State, name: str, producer_id: int, epoch: int) -> Transaction | Refused:
    """The transactional id, where this producer is its current one and no step of it is under way."""
    if not name:
        return Refused(Refusal.BAD_REQUEST, "the transactional id is empty")
    transaction = state.transactions.by_name.get(name)
    if name in state.transactions.changing:
        return Refused(Refusal.CONCURRENT_TRANSACTIONS, name)
    if transaction is None:
        return Refused(Refusal.NO_SUCH_PRODUCER, f"there is no transactional id {name}")
    if transaction.producer_id != producer_id:
        return Refused(Refusal.NO_SUCH_PRODUCER, f"{producer_id} is not the producer id of {name}")
    if transaction.epoch != epoch:
        return Refused(Refusal.PRODUCER_FENCED, f"epoch {epoch}, current {transaction.epoch}")
    return transaction


def refused_part(state: State, name: str | None, identity: tuple[int, int], part: Part) -> Refused | None:
    """Why a transactional batch of the producer (id and epoch) may not be appended to the partition.

    A step that is under way does not count: whatever is appended now stands before the marker that it may bring.
    """
    if name is None:
        return Refused(
            Refusal.TRANSACTIONAL_ID_NOT_ALLOWED, "a transactional batch comes with a transactional id"
        )
    transaction = state.transactions.by_name.get(name)
    if transaction is None or transaction.producer_id != identity[0]:
        return Refused(Refusal.NO_SUCH_PRODUCER, f"{identity[0]} is not the producer id of {name}")
    if transaction.epoch != identity[1]:
        return Refused(Refusal.STALE_PRODUCER_EPOCH, f"epoch {identity[1]}, current {transaction.epoch}")
    if transaction.phase in PREPARED:
        return Refused(Refusal.CONCURRENT_TRANSACTIONS, f"{name} is in {transaction.phase.shown}")
    if transaction.phase is not Phase.ONGOING or part not in transaction.parts:
        return Refused(Refusal.NOT_IN_TRANSACTION, f"{part[0]}/{part[1]}")
    return None


def _refused_part(state: State, part: Part) -> Refused | None:
    if part[0] in RESERVED:
        return Refused(Refusal.NOT_ALLOWED, f"only the broker itself writes to {part[0]}")
    return None if state.partition(*part) is not None else Refused(Refusal.NO_TOPIC, f"{part[0]}/{part[1]}")


def _add(state: State, transaction: Transaction, parts: tuple[Part, ...], then: Then, now: Now) -> None:
    if transaction.phase in PREPARED:
        then(Refused(Refusal.CONCURRENT_TRANSACTIONS, f"it is in {transaction.phase.shown}"), now)
        return
    begins = transaction.phase is not Phase.ONGOING
    new = {part: _end(state, part) for part in parts if part not in transaction.parts}
    if not (begins or new):
        then(None, now)
        return
    added = replace(
        transaction,
        phase=Phase.ONGOING,
        parts={**transaction.parts, **new},
        start_ms=now.wall_ms if begins else transaction.start_ms,
        update_ms=now.wall_ms,
    )

    def written(refused: Refused | None, now: Now) -> None:
        if refused is None and begins:
            state.deadlines.begin(added, now)
        then(refused, now)

    state.transactions.change(added, written, now)


def _end(state: State, part: Part) -> int:
    found = state.partition(*part)
    return found.end_offset if found is not None else 0
