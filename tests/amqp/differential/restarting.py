"""What is still there when a server has been stopped and started: asked before and after, of RabbitMQ and of penstock."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Final

from tests.amqp.differential.asking import Asking
from tests.amqp.differential.coverage import Listener

EVERY: Final = ("classic", "passing", "urgent", "limited", "dead", "held", "quorum", "late")


def prepare(ask: Asking) -> None:
    """Queues, exchanges, bindings and messages of every kind; two messages are held, one was settled."""
    channel = ask.channel()
    channel.exchange("lasting", "topic", durable=True)
    channel.exchange("passing", "fanout")
    channel.declare("classic", durable=True)
    channel.declare("passing")
    channel.declare("urgent", durable=True, x_max_priority=5)
    channel.declare("dead", durable=True)
    channel.declare(
        "limited", durable=True, x_max_length=2, x_dead_letter_exchange="", x_dead_letter_routing_key="dead"
    )
    channel.declare("held", durable=True)
    channel.declare("quorum", durable=True, x_queue_type="quorum")
    channel.declare("late", durable=True)
    channel.bind("classic", "lasting", "a.#")
    for number, mode in enumerate((2, 1, 2, 1)):
        ask.fill("classic", str(number), delivery_mode=mode)
    ask.fill(
        "a.b", ["by the exchange"], exchange="lasting", delivery_mode=2, headers={"kept": True}, priority=3
    )
    ask.fill("passing", ["gone"], delivery_mode=2)
    for body, priority in (("low", 1), ("high", 5)):
        ask.fill("urgent", [body], delivery_mode=2, priority=priority)
    ask.fill("limited", "abc", delivery_mode=2)
    ask.fill("held", "abcd", delivery_mode=2)
    ask.fill("quorum", "ab", delivery_mode=2)
    ask.fill("late", "x", delivery_mode=2, expiration="600")
    ask.fill("late", "y", delivery_mode=2)
    for _ in "abc":
        channel.get("held", no_ack=False)
    channel.ack(2)
    channel.get("quorum", no_ack=False)
    channel("basic.qos", prefetch_count=1)
    time.sleep(0.3)


def look(ask: Asking) -> dict[str, Any]:
    """What is there now."""
    found: dict[str, Any] = {}
    for name in EVERY:
        channel = ask.channel()
        declared = channel.declare(name, passive=True)
        if declared[0] == "channel.close":
            found[name] = declared[1:3]
            continue
        said = []
        while (one := channel.get(name))[0] == "basic.get-ok":
            said.append([one[-1], one[1]["redelivered"], *one[2:-1]])
        found[name] = said
    found["exchanges"] = [ask.channel().exchange(name, passive=True)[0] for name in ("lasting", "passing")]
    channel = ask.channel()
    channel.publish("lasting", "a.c", "still bound", mandatory=True)
    found["binding"] = channel.get("classic")[-1]
    found["as before"] = ask.channel().declare("urgent", durable=True, x_max_priority=6)[2]
    return found


def story(server: Callable[[], AbstractContextManager[str]]) -> dict[str, Any]:
    """Prepare, end the server, start it again with what it kept, look."""
    with server() as address:
        ask = Asking(address, Listener())
        prepare(ask)
    ask.close()
    time.sleep(0.6)
    with server() as address:
        ask = Asking(address, Listener())
        found = look(ask)
        ask.close()
    return found
