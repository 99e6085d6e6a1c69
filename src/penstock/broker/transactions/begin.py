"""Gives a transactional producer its identity: its id, a new epoch, and the end of whatever was open (KIP-98, KIP-360)."""

from dataclasses import replace

from penstock.broker.state import State
from penstock.broker.transactions.end import fence
from penstock.broker.transactions.format import NAME_BYTES_MAX
from penstock.broker.transactions.transaction import EPOCH_MAX, PREPARED, Phase, Transaction
from penstock.calls import InitProducer, ProducerIdentity
from penstock.clock import Now
from penstock.errors import Refusal, Refused
from penstock.later import Later

BUSY = Refused(Refusal.CONCURRENT_TRANSACTIONS)


def begin(state: State, call: InitProducer, now: Now) -> Refused | Later[object]:
    """The identity, when it is on disk; CONCURRENT_TRANSACTIONS where the client is to ask again."""
    name = call.transactional_id or ""
    if not name or len(name.encode()) > NAME_BYTES_MAX:
        return Refused(Refusal.BAD_REQUEST, "a transactional id has 1 to 32767 bytes")
    if not 0 < call.transaction_timeout_ms <= state.options.transaction_timeout_max_ms:
        detail = (
            f"{call.transaction_timeout_ms} ms, 1 to {state.options.transaction_timeout_max_ms} are allowed"
        )
        return Refused(Refusal.BAD_TRANSACTION_TIMEOUT, detail)
    if name in state.transactions.changing:
        return BUSY
    transaction = state.transactions.by_name.get(name)
    if transaction is None:
        return _new(state, call, name, now)
    if not _may_ask(transaction, call):
        return Refused(Refusal.PRODUCER_FENCED, f"the producer id is {transaction.producer_id} now")
    if transaction.phase in PREPARED:
        return BUSY
    if transaction.phase is Phase.ONGOING:
        # The epoch that fences is given to nobody: the producer asks again, and gets the one after it.
        later: Later[object] = Later()
        fence(state, transaction, lambda refused, now: later.resolve(refused or BUSY), now)
        return later
    return _next(state, transaction, call, now)


def _may_ask(transaction: Transaction, call: InitProducer) -> bool:
    """KIP-360: a producer that shows an identity must have the current id, or the one before its epochs ran out."""
    if call.producer_id < 0 or call.producer_id == transaction.producer_id:
        return True
    return call.producer_id == transaction.previous_id and call.producer_epoch >= EPOCH_MAX


def _new(state: State, call: InitProducer, name: str, now: Now) -> Refused | Later[object]:
    if state.transactions.full:
        return Refused(Refusal.TOO_MANY_TRANSACTIONAL_IDS, str(state.options.transactional_ids_max))
    later: Later[object] = Later()
    state.transactions.changing[name] = None

    def taken(found: int | Refused, now: Now) -> None:
        del state.transactions.changing[name]
        if isinstance(found, Refused):
            later.resolve(found)
        else:
            _give(state, Transaction(name, found, call.transaction_timeout_ms, epoch=0), later, now)

    state.producer_ids.take(taken, now)
    return later


def _next(state: State, transaction: Transaction, call: InitProducer, now: Now) -> Refused | Later[object]:
    """The next epoch; one that the producer has already where it repeats itself; a new id where epochs ran out."""
    shown = call.producer_id >= 0
    later: Later[object] = Later()
    if shown and call.producer_epoch != transaction.epoch:
        if call.producer_epoch != transaction.last_epoch:
            return Refused(
                Refusal.PRODUCER_FENCED, f"epoch {call.producer_epoch}, current {transaction.epoch}"
            )
        _give(state, replace(transaction, timeout_ms=call.transaction_timeout_ms), later, now)
        return later
    if transaction.epoch < EPOCH_MAX:
        last_epoch = transaction.epoch if shown else -1
        epoch = transaction.epoch + 1
        timeout_ms = call.transaction_timeout_ms
        next_one = replace(transaction, epoch=epoch, last_epoch=last_epoch, timeout_ms=timeout_ms)
        _give(state, next_one, later, now)
        return later
    return _rotate(state, transaction, call, now)


def _rotate(state: State, transaction: Transaction, call: InitProducer, now: Now) -> Later[object]:
    later: Later[object] = Later()
    state.transactions.changing[transaction.name] = None

    def taken(found: int | Refused, now: Now) -> None:
        del state.transactions.changing[transaction.name]
        if isinstance(found, Refused):
            later.resolve(found)
            return
        last_epoch = transaction.epoch if call.producer_id >= 0 else -1
        fresh = Transaction(
            transaction.name, found, call.transaction_timeout_ms, 0, last_epoch, transaction.producer_id
        )
        _give(state, fresh, later, now)

    state.producer_ids.take(taken, now)
    return later


def _give(state: State, transaction: Transaction, later: Later[object], now: Now) -> None:
    given = replace(transaction, phase=Phase.EMPTY, parts={}, start_ms=-1, update_ms=now.wall_ms)

    def written(refused: Refused | None, now: Now) -> None:
        later.resolve(refused or ProducerIdentity(given.producer_id, given.epoch))

    state.transactions.change(given, written, now)
