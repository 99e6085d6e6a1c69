"""The class exchange."""

from penstock.calls.queues import BindExchange, DeclareExchange, DeleteExchange, UnbindExchange
from penstock.wire.amqp.channels.channel import Channel
from penstock.wire.amqp.methods import Values, frame
from penstock.wire.amqp.registry import Steps, answers


@answers("exchange.declare")
def declare(channel: Channel, values: Values) -> Steps:
    """Make it, or agree that it is as said."""
    yield DeclareExchange(
        channel.principal, channel.handle, values["exchange"], values["type"], values["passive"],
        values["durable"], values["auto_delete"], values["internal"], values["arguments"],
    )  # fmt: skip
    return None if values["no_wait"] else frame(channel.number, "exchange.declare-ok")


@answers("exchange.delete")
def delete(channel: Channel, values: Values) -> Steps:
    """Its bindings go with it."""
    yield DeleteExchange(channel.principal, channel.handle, values["exchange"], values["if_unused"])
    return None if values["no_wait"] else frame(channel.number, "exchange.delete-ok")


@answers("exchange.bind")
def bind(channel: Channel, values: Values) -> Steps:
    """From one exchange to another (RabbitMQ's extension)."""
    yield BindExchange(
        channel.principal, channel.handle, values["destination"], values["source"], values["routing_key"],
        values["arguments"],
    )  # fmt: skip
    return None if values["no_wait"] else frame(channel.number, "exchange.bind-ok")


@answers("exchange.unbind")
def unbind(channel: Channel, values: Values) -> Steps:
    """The same, undone."""
    yield UnbindExchange(
        channel.principal, channel.handle, values["destination"], values["source"], values["routing_key"],
        values["arguments"],
    )  # fmt: skip
    return None if values["no_wait"] else frame(channel.number, "exchange.unbind-ok")
