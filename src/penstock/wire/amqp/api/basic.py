"""The class basic, but for what comes with every message: publish, ack, nack and reject are read in `channels/incoming.py`."""

from penstock.calls.queues import Get, Got, Recover, SetPrefetch, Subscribe, Unsubscribe
from penstock.wire.amqp.api.queue import named
from penstock.wire.amqp.channels.channel import Channel
from penstock.wire.amqp.channels.work import lease
from penstock.wire.amqp.methods import KEYS, Values, frame
from penstock.wire.amqp.refusals import not_implemented
from penstock.wire.amqp.registry import Steps, answers


@answers("basic.qos")
def qos(channel: Channel, values: Values) -> Steps:
    """A bound in messages; one in bytes is not offered, as in RabbitMQ."""
    if values["prefetch_size"]:
        raise not_implemented(f"prefetch_size!=0 ({values['prefetch_size']})", KEYS["basic.qos"])
    yield SetPrefetch(channel.principal, channel.handle, values["prefetch_count"], values["global_"])
    return frame(channel.number, "basic.qos-ok")


@answers("basic.consume")
def consume(channel: Channel, values: Values) -> Steps:
    """From now on the channel leases."""
    tag = yield Subscribe(
        channel.principal, channel.handle, named(channel, values, "basic.consume"), values["consumer_tag"],
        values["no_local"], values["no_ack"], values["exclusive"], values["arguments"],
    )  # fmt: skip
    lease(channel)
    return None if values["no_wait"] else frame(channel.number, "basic.consume-ok", consumer_tag=tag)


@answers("basic.cancel")
def cancel(channel: Channel, values: Values) -> Steps:
    """Also of a consumer that is not there: it may have been cancelled meanwhile."""
    yield Unsubscribe(channel.principal, channel.handle, values["consumer_tag"])
    if values["no_wait"]:
        return None
    return frame(channel.number, "basic.cancel-ok", consumer_tag=values["consumer_tag"])


@answers("basic.get")
def get(channel: Channel, values: Values) -> Steps:
    """One message, or none."""
    queue = named(channel, values, "basic.get")
    got: Got | None = yield Get(channel.principal, channel.handle, queue, values["no_ack"])
    if got is None:
        return frame(channel.number, "basic.get-empty")
    _, tag, redelivered, content = got.delivery
    method = frame(
        channel.number, "basic.get-ok", delivery_tag=tag, redelivered=redelivered,
        exchange=content.exchange, routing_key=content.routing_key, message_count=got.remaining,
    )  # fmt: skip
    return channel.deliveries.content(method, content)


@answers("basic.recover")
def recover(channel: Channel, values: Values) -> Steps:
    """To their queues; to the same consumer is not offered, as in RabbitMQ."""
    if not values["requeue"]:
        raise not_implemented("requeue=false", KEYS["basic.recover"])
    yield Recover(channel.principal, channel.handle)
    return frame(channel.number, "basic.recover-ok")


@answers("basic.recover-async")
def recover_async(channel: Channel, values: Values) -> Steps:
    """The same, and nothing is said."""
    if not values["requeue"]:
        raise not_implemented("requeue=false", KEYS["basic.recover-async"])
    yield Recover(channel.principal, channel.handle)
    return None
