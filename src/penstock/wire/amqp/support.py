"""What of AMQP 0-9-1 is offered: every class and method of the protocol and of RabbitMQ's extensions, with what is
different or left out, and why. Printed by the docs; a test holds it against the protocol's own tables.

Knows names; knows nothing of how a method works.
"""

from typing import Final

from penstock.wire.amqp import api as _api  # noqa: F401  # importing the folder fills the table
from penstock.wire.amqp.methods import BY_NAME, Method
from penstock.wire.amqp.registry import ANSWERS

READ_WITH_EVERY_MESSAGE: Final = ("basic.publish", "basic.ack", "basic.nack", "basic.reject")
"""Taken by parser and channel, without a function in `api`."""
ENDS: Final = ("connection.close-ok", "channel.close-ok")
"""Read in the closing handshake."""
SENT: Final = frozenset((
    "connection.start", "connection.tune", "connection.open-ok", "connection.close", "connection.close-ok",
    "connection.blocked", "connection.unblocked", "connection.update-secret-ok",
    "channel.open-ok", "channel.flow-ok", "channel.close", "channel.close-ok", "access.request-ok",
    "exchange.declare-ok", "exchange.delete-ok", "exchange.bind-ok", "exchange.unbind-ok",
    "queue.declare-ok", "queue.bind-ok", "queue.purge-ok", "queue.delete-ok", "queue.unbind-ok",
    "basic.qos-ok", "basic.consume-ok", "basic.cancel", "basic.cancel-ok", "basic.return", "basic.deliver",
    "basic.get-ok", "basic.get-empty", "basic.ack", "basic.nack", "basic.recover-ok",
    "confirm.select-ok", "tx.select-ok", "tx.commit-ok", "tx.rollback-ok",
    "penstock.describe-ok", "penstock.declare-vhost-ok", "penstock.delete-vhost-ok",
))  # fmt: skip
"""What the server sends."""

REFUSED: Final = {
    "connection.secure": "never sent: no mechanism that is offered takes a second step",
    "connection.secure-ok": "answers what is never sent",
}
"""What is neither sent nor taken, and why."""

NOTES: Final = {
    "connection.start": "PLAIN, AMQPLAIN; EXTERNAL where the client has shown a certificate. As in RabbitMQ, product "
    "and version say whose rules hold: RabbitMQ's 3.10",
    "connection.tune-ok": "a limit over the server's, or none, hangs up, as in RabbitMQ",
    "connection.blocked": "while less than 50 MB of the disk are free, to clients that publish",
    "connection.update-secret": "taken, and nothing comes of it: passwords do not run out",
    "connection.close": "answered when what was asked before is done",
    "channel.flow": "by the client, and only active=true, as in RabbitMQ; the server never sends it",
    "channel.flow-ok": "from the server",
    "access.request": "answered by ticket 1; not in 0-9-1, old clients ask for it",
    "basic.qos": "prefetch_size is not offered (540), as in RabbitMQ",
    "basic.publish": "immediate is not offered (540), as in RabbitMQ; a body over its header's size is a frame error, "
    "where RabbitMQ takes it",
    "basic.cancel": "by the server, too, to clients with the capability consumer_cancel_notify",
    "basic.cancel-ok": "from the server",
    "basic.recover": "requeue=false is not offered (540), as in RabbitMQ",
    "basic.recover-async": "requeue=false is not offered (540), as in RabbitMQ",
    "basic.ack": "by the server as a publisher confirm, several at once where it can",
    "basic.nack": "by the server for what a queue's limit, or a full disk, refused",
    "penstock.describe": "queues, exchanges, bindings, consumers or vhosts, of all virtual hosts, as far as the user may "
    "see them; the class is our own",
    "penstock.describe-ok": "a content follows: a JSON list",
    "tx.commit": "all queues together: a crash leaves all of it or nothing",
}

LOGINS: Final = {
    "PLAIN": "offered, as by RabbitMQ",
    "AMQPLAIN": "offered, as by RabbitMQ",
    "EXTERNAL": "offered to clients that have shown a certificate, whose common name is the user; RabbitMQ offers it with its "
    "plugin rabbitmq_auth_mechanism_ssl",
    "RABBIT-CR-DEMO": "not offered, as by RabbitMQ, where it has to be configured",
}
"""The ways to log in, as far as RabbitMQ and its plugins know any for AMQP 0-9-1."""


def offered(method: Method) -> tuple[str, ...]:
    """By whom a method may be sent here: client, server, both or nobody."""
    taken = method.key in ANSWERS or method.name in (*READ_WITH_EVERY_MESSAGE, *ENDS)
    return ("client",) * taken + ("server",) * (method.name in SENT)


def markdown() -> str:
    """The table, for the docs."""
    lines = [
        "The protocol is AMQP 0-9-1 with RabbitMQ's extensions, and a class of our own for what RabbitMQ tells by its",
        "management API alone; where the two differ, and where both are silent, what",
        "RabbitMQ 3.10 answers is the law. Field tables use RabbitMQ's types.",
        "",
        "| class | method | numbers | sent by | |",
        "|---|---|---|---|---|",
    ]
    for name, method in BY_NAME.items():
        class_name, method_name = name.split(".")
        numbers = f"{method.key >> 16}, {method.key & 0xFFFF}"
        who = " and ".join(offered(method)) or "nobody"
        note = REFUSED.get(name) or NOTES.get(name, "")
        lines.append(f"| {class_name} | {method_name} | {numbers} | {who} | {note} |")
    lines += [
        "",
        "Ways to log in (SASL). Any other, and a response that is none of its mechanism, hangs up, as in RabbitMQ.",
        "",
    ]
    lines += ["| mechanism | |", "|---|---|", *(f"| {name} | {note} |" for name, note in LOGINS.items())]
    return "\n".join(lines) + "\n"
