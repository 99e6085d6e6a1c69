"""The class queue. An empty name means the queue that the channel declared last."""

from penstock.calls.queues import BindQueue, DeclareQueue, DeleteQueue, PurgeQueue, UnbindQueue
from penstock.wire.amqp.channels.channel import Channel
from penstock.wire.amqp.methods import KEYS, Values, frame
from penstock.wire.amqp.refusals import AmqpError
from penstock.wire.amqp.registry import Steps, answers


def named(channel: Channel, values: Values, method: str) -> str:
    """The queue that is meant. Raises AmqpError where none was declared."""
    queue: str = values["queue"] or channel.last_queue
    if not queue:
        raise AmqpError("NOT_FOUND", "no previously declared queue", KEYS[method])
    return queue


@answers("queue.declare")
def declare(channel: Channel, values: Values) -> Steps:
    """Make it, or agree that it is as said; an empty name asks for one to be made up, but where it is only looked for."""
    if values["passive"] and not values["queue"]:
        words = f"no queue '' in vhost '{channel.session.vhost}'"
        raise AmqpError("NOT_FOUND", words, KEYS["queue.declare"])
    declared = yield DeclareQueue(
        channel.principal, channel.handle, values["queue"], values["passive"], values["durable"],
        values["exclusive"], values["auto_delete"], values["arguments"],
    )  # fmt: skip
    channel.last_queue = declared.name
    if values["no_wait"]:
        return None
    return frame(
        channel.number, "queue.declare-ok",
        queue=declared.name, message_count=declared.messages, consumer_count=declared.consumers,
    )  # fmt: skip


@answers("queue.bind")
def bind(channel: Channel, values: Values) -> Steps:
    """Where neither queue nor routing key is named, the key is the queue's name, too."""
    queue = named(channel, values, "queue.bind")
    key = values["routing_key"] or ("" if values["queue"] else queue)
    yield BindQueue(channel.principal, channel.handle, queue, values["exchange"], key, values["arguments"])
    return None if values["no_wait"] else frame(channel.number, "queue.bind-ok")


@answers("queue.unbind")
def unbind(channel: Channel, values: Values) -> Steps:
    """The same, undone."""
    queue = named(channel, values, "queue.unbind")
    key = values["routing_key"] or ("" if values["queue"] else queue)
    yield UnbindQueue(channel.principal, channel.handle, queue, values["exchange"], key, values["arguments"])
    return frame(channel.number, "queue.unbind-ok")


@answers("queue.purge")
def purge(channel: Channel, values: Values) -> Steps:
    """Forget what is ready."""
    count = yield PurgeQueue(channel.principal, channel.handle, named(channel, values, "queue.purge"))
    return None if values["no_wait"] else frame(channel.number, "queue.purge-ok", message_count=count)


@answers("queue.delete")
def delete(channel: Channel, values: Values) -> Steps:
    """Its consumers are told."""
    queue = named(channel, values, "queue.delete")
    count = yield DeleteQueue(
        channel.principal, channel.handle, queue, values["if_unused"], values["if_empty"]
    )
    return None if values["no_wait"] else frame(channel.number, "queue.delete-ok", message_count=count)
