"""What happens to transactions without a call: the start, timeouts, and ids that nobody uses any more."""

from penstock import record
from penstock.broker.state import State
from penstock.broker.transactions.end import carry_out, expire
from penstock.broker.transactions.transaction import PREPARED, Phase, Transaction
from penstock.clock import Now
from penstock.errors import Refused
from penstock.log import Partition

LOOK_BYTES_MAX = 64 * 1024 * 1024
"""How far the first record of an open transaction is looked for at the start; then where it may begin counts."""
RETRY_S = 1.0
EXPIRE_EVERY_S = 3600.0


def resume(state: State, now: Now) -> None:
    """After a start: hold readers back from what is open, finish what was decided, time what is ongoing."""
    _hold(state)
    state.deadlines.on_late = lambda name, now: _late(state, name, now)
    for transaction in list(state.transactions.by_name.values()):
        if transaction.phase in PREPARED:
            carry_out(state, transaction, _ignore, now)
        elif transaction.phase is Phase.ONGOING:
            state.deadlines.begin(transaction, now)
    _keep_expiring(state, now)


def _hold(state: State) -> None:
    opened = [one for one in state.transactions.by_name.values() if one.open]
    state.offsets.keep_pending({one.producer_id for one in opened})
    for transaction in opened:
        for part, end in transaction.parts.items():
            partition = state.partition(*part)
            first = None if partition is None else _first(partition, transaction, end)
            if partition is not None and first is not None:
                state.stable.begin(partition, transaction.producer_id, first)


def _first(partition: Partition, transaction: Transaction, since: int) -> int | None:
    """Where the open transaction begins in the partition; None where nothing of it is there."""
    offset = since = max(since, partition.start_offset)
    first, looked = None, 0
    while offset < partition.end_offset:
        begin, chunk = offset, partition.read(offset, 1024 * 1024, end=partition.end_offset)
        for info in record.scan(chunk):
            offset = info.last_offset + 1
            if info.producer_id == transaction.producer_id and info.transactional:
                first = None if info.control else info.base_offset if first is None else first
        looked += len(chunk)
        if looked > LOOK_BYTES_MAX or offset == begin:
            return since if first is None else first
    return first


def _late(state: State, name: str, now: Now) -> None:
    """Abort what runs too long; a step that is under way is given a moment."""
    transaction = state.transactions.by_name.get(name)
    if transaction is None or transaction.phase is not Phase.ONGOING:
        return
    if name in state.transactions.changing:
        state.deadlines.again(name, RETRY_S, now)
        return

    def aborted(refused: Refused | None, now: Now) -> None:
        if refused is not None:
            state.deadlines.again(name, RETRY_S, now)

    state.counts.add("penstock_transactions_timed_out_total")
    expire(state, transaction, aborted, now)


def _keep_expiring(state: State, now: Now) -> None:
    def look(now: Now) -> None:
        forget_old(state, now)
        state.timers.at(now.mono_s + EXPIRE_EVERY_S, look)

    state.timers.at(now.mono_s + EXPIRE_EVERY_S, look)


def forget_old(state: State, now: Now) -> None:
    """Forget the transactional ids without an open transaction that nobody used for `transactional_id_expiry_s`."""
    oldest_ms = now.wall_ms - state.options.transactional_id_expiry_s * 1000
    for name, transaction in list(state.transactions.by_name.items()):
        if (
            not transaction.open
            and transaction.update_ms <= oldest_ms
            and name not in state.transactions.changing
        ):
            state.transactions.forget(name, now)


def _ignore(refused: Refused | None, now: Now) -> None:
    """Nobody asked for it."""
