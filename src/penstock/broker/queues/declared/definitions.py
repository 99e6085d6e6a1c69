"""What must last of virtual hosts, exchanges, queues and bindings, as the ledger keeps it: a key and a JSON value each.

Arguments keep their field types: they stand as the bytes of their table. Knows the ledger's words, no disk.
"""

import json
from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import Any

from penstock.broker.queues.declared.vhost import Vhost
from penstock.broker.queues.exchanges.exchange import Binding, Exchange
from penstock.broker.queues.names import DEFAULT_VHOST
from penstock.broker.queues.queue.arguments import ask
from penstock.broker.queues.queue.queue import Queue
from penstock.calls.queues import Arguments
from penstock.content import decode_table, encode_table


def vhost_key(name: str) -> str:
    """Of a virtual host."""
    return json.dumps(["vhost", name])


def delay_key(vhost: Vhost) -> str:
    """Of a virtual host's delayed messages."""
    return json.dumps(["delay", vhost.name])


def postponed_key(topic_id: bytes) -> str:
    """Of the records that are kept back for a topic."""
    return json.dumps(["postponed", topic_id.hex()])


def postponed_id(key: str) -> bytes | None:
    """The topic's id in a `postponed_key`; None in any other key."""
    kind, *names = json.loads(key)
    return bytes.fromhex(names[0]) if kind == "postponed" else None


def feed_key(queue: Queue) -> str:
    """Of where a queue stands in the topic that feeds it."""
    return json.dumps(["feed", queue.vhost, queue.name])


def exchange_key(exchange: Exchange) -> str:
    """Of an exchange."""
    return json.dumps(["exchange", exchange.vhost, exchange.name])


def queue_key(queue: Queue) -> str:
    """Of a queue."""
    return json.dumps(["queue", queue.vhost, queue.name])


def binding_key(binding: Binding) -> str:
    """Of a binding."""
    source, target = binding.source, binding.target
    kind = "exchange" if isinstance(target, Exchange) else "queue"
    return json.dumps(
        ["binding", source.vhost, source.name, kind, target.name, binding.key, _text(binding.arguments)]
    )


def exchange_value(exchange: Exchange) -> dict[str, Any]:
    """What is kept of an exchange."""
    return {
        "kind": exchange.kind,
        "auto_delete": exchange.auto_delete,
        "internal": exchange.internal,
        "arguments": _text(exchange.arguments),
    }


def queue_value(queue: Queue) -> dict[str, Any]:
    """What is kept of a queue."""
    return {
        "id": queue.id,
        "auto_delete": queue.auto_delete,
        "owns_topic": queue.owns_topic,
        "worked": queue.worked,
        "arguments": _text(queue.arguments),
    }


def lasts(binding: Binding) -> bool:
    """Whether a binding is there after a restart: where both its sides are."""
    target = binding.target
    kept = target.durable if isinstance(target, Exchange) else target.kept
    return bool(binding.source.durable and kept)


def rebuild(definitions: Mapping[str, Mapping[str, Any]]) -> dict[str, Vhost]:
    """The virtual hosts that the definitions describe; the default one is always there."""
    vhosts = {DEFAULT_VHOST: Vhost(DEFAULT_VHOST)}
    found = [(json.loads(key), value) for key, value in definitions.items()]
    for (kind, *names), _ in found:
        if kind == "vhost":
            vhosts[names[0]] = Vhost(names[0])
    for (kind, vhost, *names), value in ((key, value) for key, value in found if key[1] in vhosts):
        if kind == "exchange":
            vhosts[vhost].add_exchange(_exchange(vhost, names[0], value))
        elif kind == "queue":
            vhosts[vhost].add_queue(_queue(vhost, names[0], value))
    for (kind, vhost, *names), _ in ((key, value) for key, value in found if key[1] in vhosts):
        if kind == "binding":
            _bind(vhosts[vhost], names)
    return vhosts


def _exchange(vhost: str, name: str, value: Mapping[str, Any]) -> Exchange:
    made = Exchange(vhost, name, value["kind"], True, _table(value["arguments"]))
    made.auto_delete, made.internal = value["auto_delete"], value["internal"]
    return made


def _queue(vhost: str, name: str, value: Mapping[str, Any]) -> Queue:
    arguments = _table(value["arguments"])
    asked = ask(arguments, name, vhost)
    if isinstance(asked, str):
        raise ValueError(asked)
    made = Queue(value["id"], vhost, name, asked, arguments)
    made.durable = made.kept = True
    made.auto_delete, made.owns_topic = value["auto_delete"], value["owns_topic"]
    made.worked = value.get("worked", False)
    return made


def _bind(vhost: Vhost, names: list[str]) -> None:
    source_name, kind, target_name, key, arguments = names
    source = vhost.exchanges.get(source_name)
    target = (vhost.exchanges if kind == "exchange" else vhost.queues).get(target_name)
    if source is not None and target is not None:
        vhost.bind(Binding(source, target, key, _table(arguments)))


def _text(arguments: Arguments) -> str:
    return b64encode(encode_table(arguments)).decode() if arguments else ""


def _table(text: str) -> Arguments:
    return decode_table(b64decode(text)) if text else {}
