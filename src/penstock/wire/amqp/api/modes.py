"""The classes confirm and tx: a channel is in one of the two modes, or in none."""

from penstock.calls.queues import Committed, CommitTransaction, RollbackTransaction, SelectTransaction
from penstock.wire.amqp.channels.channel import Channel
from penstock.wire.amqp.channels.confirms import Confirms
from penstock.wire.amqp.methods import KEYS, Values, frame
from penstock.wire.amqp.refusals import AmqpError
from penstock.wire.amqp.registry import Steps, answers


@answers("confirm.select")
def select_confirms(channel: Channel, values: Values) -> Steps:
    """Publishes are numbered from here on."""
    if channel.transacting:
        raise _precondition("cannot switch from tx to confirm mode", "confirm.select")
    if channel.confirms is None:
        channel.confirms = Confirms(channel)
    return None if values["no_wait"] else frame(channel.number, "confirm.select-ok")
    yield


@answers("tx.select")
def select(channel: Channel, values: Values) -> Steps:
    """Publishes and acknowledgements wait for a commit from here on."""
    if channel.confirms is not None:
        raise _precondition("cannot switch from confirm to tx mode", "tx.select")
    yield SelectTransaction(channel.principal, channel.handle)
    channel.transacting = True
    return frame(channel.number, "tx.select-ok")


@answers("tx.commit")
def commit(channel: Channel, values: Values) -> Steps:
    """What no queue wanted comes back first."""
    _check(channel, "tx.commit")
    committed: Committed = yield CommitTransaction(channel.principal, channel.handle)
    returned = [channel.deliveries.returned(one.content) for one in committed.returned]
    return b"".join((*returned, frame(channel.number, "tx.commit-ok")))


@answers("tx.rollback")
def rollback(channel: Channel, values: Values) -> Steps:
    """Nothing of it."""
    _check(channel, "tx.rollback")
    yield RollbackTransaction(channel.principal, channel.handle)
    return frame(channel.number, "tx.rollback-ok")


def _check(channel: Channel, method: str) -> None:
    if not channel.transacting:
        raise _precondition("channel is not transactional", method)


def _precondition(text: str, method: str) -> AmqpError:
    return AmqpError("PRECONDITION_FAILED", text, KEYS[method])
