"""The needs of the queues' calls, as RabbitMQ's: its permission to configure is to create, alter or delete here.

What the calls are about depends on the channel's virtual host. `Publish` needs nothing here: its messages may go to many
exchanges, and those before a refused one count, so they are judged where they are published. Who declares what is or has
a topic needs that topic, too; whoever then publishes to it or reads it needs the queue or the exchange. Decides nothing.
"""

from typing import Any

from penstock.broker.access.needs import Found, Need, Resource, Whole, of
from penstock.broker.queues.names import REPLY_TO, plain, resource, topic_of
from penstock.calls import Call, queues


def _named(kind: str, field: str) -> Resource:
    """The queue or exchange that the call's field names."""

    def find(call: Any, topics: object) -> tuple[str, str] | None:
        name = plain(getattr(call, field))
        if kind == "queue":
            name = name or call.channel.last_queue
            if name == REPLY_TO:
                return None  # a channel's own
        elif not name:
            return None  # the default exchange, which refuses all that is asked of it
        return kind, resource(name, call.channel.client.vhost.name)

    return find


def _declared(kind: str, passive: bool) -> Resource:
    """What is to be made, or with `passive` what is only looked at."""

    def find(call: Any, topics: object) -> tuple[str, str] | None:
        name = plain(call.name) or ("amq.gen-" if kind == "queue" else "")
        if call.passive is not passive or not name or name == REPLY_TO:
            return None
        return kind, resource(name, call.channel.client.vhost.name)

    return find


def _beside(argument: str, kind: str) -> Resource:
    """What a declaration's argument sends messages to (kind `exchange`), or, where it has the argument, the thing itself."""

    def find(call: Any, topics: object) -> tuple[str, str] | None:
        target = call.arguments.get(argument)
        if call.passive or not isinstance(target, str):
            return None
        name = (target or "amq.default") if kind == "target" else plain(call.name) or "amq.gen-"
        vhost = call.channel.client.vhost.name
        return ("exchange" if kind == "target" else kind), resource(name, vhost)

    return find


def _topic(call: Any, topics: object) -> tuple[str, str] | None:
    """The topic that a declaration makes, writes to or reads: a stream's, a bridge's, or one that feeds a queue."""
    if call.passive:
        return None
    named = call.arguments.get("x-penstock-topic")
    if isinstance(named, str):
        return "topic", named
    own = call.arguments.get("x-queue-type") == "stream" or getattr(call, "kind", "") == "x-penstock-topic"
    return ("topic", topic_of(plain(call.name), call.channel.client.vhost.name)) if own else None


_QUEUE, _EXCHANGE = _named("queue", "queue"), _named("exchange", "exchange")
_TO_EXCHANGE, _FROM_EXCHANGE = _named("exchange", "destination"), _named("exchange", "source")
_VHOST = of("vhost", lambda call: call.vhost)
_VHOST_CALLED = of("vhost", lambda call: call.name)
_VHOST_ITSELF = of("vhost", lambda name: name)
_QUEUE_INFO = of("queue", lambda info: resource(info.name, info.vhost))
_EXCHANGE_INFO = of("exchange", lambda info: resource(info.name or "amq.default", info.vhost))
_CONSUMER_INFO = of("queue", lambda info: resource(info.queue, info.vhost))


def _binding_target(info: Any, topics: object) -> tuple[str, str]:
    """Of a binding: who may see a queue sees what leads to it."""
    return info.target_kind, resource(info.target, info.vhost)


ACCESS: dict[type[Call], tuple[Need, ...]] = {
    queues.OpenClient: (Whole("describe", _VHOST),),
    queues.CloseClient: (),
    queues.OpenChannel: (),
    queues.CloseChannel: (),
    queues.DeclareExchange: (
        Whole("create", _declared("exchange", False)),
        Whole("describe", _declared("exchange", True)),
        Whole("read", _beside("alternate-exchange", "exchange")),
        Whole("write", _beside("alternate-exchange", "target")),
        Whole("create", _topic),
        Whole("write", _topic),
    ),
    queues.DeleteExchange: (Whole("delete", _named("exchange", "name")),),
    queues.BindExchange: (Whole("write", _TO_EXCHANGE), Whole("read", _FROM_EXCHANGE)),
    queues.UnbindExchange: (Whole("write", _TO_EXCHANGE), Whole("read", _FROM_EXCHANGE)),
    queues.DeclareQueue: (
        Whole("create", _declared("queue", False)),
        Whole("describe", _declared("queue", True)),
        Whole("read", _beside("x-dead-letter-exchange", "queue")),
        Whole("write", _beside("x-dead-letter-exchange", "target")),
        Whole("create", _topic),
        Whole("write", _topic),
        Whole("read", _topic),
    ),
    queues.BindQueue: (Whole("write", _QUEUE), Whole("read", _EXCHANGE)),
    queues.UnbindQueue: (Whole("write", _QUEUE), Whole("read", _EXCHANGE)),
    queues.PurgeQueue: (Whole("read", _QUEUE),),
    queues.DeleteQueue: (Whole("delete", _QUEUE),),
    queues.Publish: (),
    queues.AwaitSafe: (),
    queues.SetPrefetch: (),
    queues.Subscribe: (Whole("read", _QUEUE),),
    queues.Unsubscribe: (),
    queues.Lease: (),
    queues.Get: (Whole("read", _QUEUE),),
    queues.Settle: (),
    queues.Recover: (),
    queues.SelectTransaction: (),
    queues.CommitTransaction: (),
    queues.RollbackTransaction: (),
    queues.DeclareVhost: (Whole("create", _VHOST_CALLED),),
    queues.DeleteVhost: (Whole("delete", _VHOST_CALLED),),
    queues.DescribeVhosts: (Found("describe", "", _VHOST_ITSELF),),
    queues.DescribeQueues: (Found("describe", "", _QUEUE_INFO),),
    queues.DescribeExchanges: (Found("describe", "", _EXCHANGE_INFO),),
    queues.DescribeBindings: (Found("describe", "", _binding_target),),
    queues.DescribeConsumers: (Found("describe", "", _CONSUMER_INFO),),
}
