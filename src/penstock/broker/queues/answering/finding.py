"""What calls name: found, or refused in RabbitMQ's words."""

from penstock.broker.queues.channel import Channel
from penstock.broker.queues.exchanges.exchange import Exchange
from penstock.broker.queues.names import plain, spelled
from penstock.broker.queues.queue.queue import Queue
from penstock.errors import Refusal, Refused

LOCKED = (
    "cannot obtain exclusive access to locked {}. It could be originally declared on another connection or the exclusive "
    "property value does not match that of the original declaration."
)


def channel_of(call: object) -> Channel:
    """The channel of a call on one; gateways ask nothing of one that is closed."""
    channel = getattr(call, "channel", None)
    assert isinstance(channel, Channel)
    return channel


def queue_name(channel: Channel, name: str) -> str:
    """An empty name is the queue that the channel declared last."""
    return plain(name) or channel.last_queue


def find_queue(channel: Channel, name: str) -> Queue | Refused:
    """A queue that this client may use."""
    full = queue_name(channel, name)
    if not full:
        return Refused(Refusal.NO_QUEUE, "no previously declared queue")
    queue = channel.client.vhost.queues.get(full)
    return no_queue(channel, full) if queue is None else locked(channel, queue) or queue


def no_queue(channel: Channel, name: str) -> Refused:
    """There is none of this name."""
    return Refused(Refusal.NO_QUEUE, f"no {spelled('queue', name, channel.client.vhost.name)}")


def locked(channel: Channel, queue: Queue) -> Refused | None:
    """Why this client may not use the queue, None where it may."""
    if queue.owner is None or queue.owner is channel.client:
        return None
    return Refused(Refusal.LOCKED, LOCKED.format(queue.spelled))


def find_exchange(channel: Channel, name: str) -> Exchange | Refused:
    """The exchange."""
    found = channel.client.vhost.exchanges.get(plain(name))
    return found if found is not None else no_exchange(channel, plain(name))


def no_exchange(channel: Channel, name: str) -> Refused:
    """There is none of this name."""
    return Refused(Refusal.NO_EXCHANGE, f"no {spelled('exchange', name, channel.client.vhost.name)}")


DEFAULT = Refused(Refusal.IN_USE, "operation not permitted on the default exchange")
"""What is heard of whoever would declare, bind or delete it."""


def precondition(words: str) -> Refused:
    """Something is not as the call says."""
    return Refused(Refusal.PRECONDITION, words)
