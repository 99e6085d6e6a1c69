"""The class channel, and the ticket of the class access that 0-9-1 has left behind."""

from penstock.calls.queues import OpenChannel
from penstock.wire.amqp.channels.channel import Channel
from penstock.wire.amqp.channels.work import leave
from penstock.wire.amqp.methods import KEYS, Values, frame
from penstock.wire.amqp.refusals import not_implemented
from penstock.wire.amqp.registry import Steps, answers


@answers("channel.open")
def open_(channel: Channel, values: Values) -> Steps:
    """A channel of the connection's client."""
    channel.handle = yield OpenChannel(channel.principal, channel.session.zero.handle)
    return frame(channel.number, "channel.open-ok")


@answers("channel.close")
def close(channel: Channel, values: Values) -> Steps:
    """When what was asked before is done."""
    leave(channel)
    return None
    yield


@answers("channel.flow")
def flow(channel: Channel, values: Values) -> Steps:
    """Consumers are held back by basic.qos."""
    if not values["active"]:
        raise not_implemented("active=false", KEYS["channel.flow"])
    return frame(channel.number, "channel.flow-ok", active=True)
    yield


@answers("access.request")
def request(channel: Channel, values: Values) -> Steps:
    """Old clients want a ticket; nobody looks at it."""
    return frame(channel.number, "access.request-ok", ticket=1)
    yield
