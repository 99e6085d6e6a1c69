"""The servers that scenarios run on: one where guest may do everything, and one that knows the users of `access`."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

from bench.oracle import rabbitmq as oracle

from penstock.testing.processes import BrokerProcess
from penstock.users import change, file
from penstock.users.directory import Directory
from penstock.users.rules import parse_rule

AMQP: Final = ("--amqp", "127.0.0.1:0")
PASSWORD: Final = "secret"


class Addresses(NamedTuple):
    """Where clients connect to."""

    open: str
    closed: str


def definitions() -> dict[str, Any]:
    """RabbitMQ's users and permissions."""
    everything = dict.fromkeys(("configure", "write", "read"), ".*")
    mine = {"configure": "^mine", "write": r"^mine|^amq\.default$", "read": "^mine"}
    return {
        "vhosts": [{"name": "/"}],
        "users": [
            {"name": name, "password": PASSWORD, "tags": ""} for name in ("admin", "limited", "stranger")
        ],
        "permissions": [
            {"user": user, "vhost": "/", **rights}
            for user, rights in (("admin", everything), ("limited", mine))
        ],
    }


def directory() -> Directory:
    """Ours."""
    made = Directory()
    may = ["describe vhost:/", "write exchange:amq.default"]
    may += [
        f"{what} {kind}:mine*"
        for what in ("create", "delete", "alter", "write", "read")
        for kind in ("queue", "exchange")
    ]
    for rule in may:
        made = change.add_rule(made, "role:limited", parse_rule(f"allow {rule}"))
    for name, roles in (("admin", ("admin",)), ("limited", ("limited",)), ("stranger", ())):
        made = change.add_user(made, name, PASSWORD, roles, bytes)
    return made


@contextlib.contextmanager
def rabbitmq() -> Iterator[Addresses]:
    """Two of RabbitMQ."""
    with oracle.rabbitmq() as one, oracle.rabbitmq(definitions=definitions()) as other:
        yield Addresses(one, other)


@contextlib.contextmanager
def penstock(home: Path) -> Iterator[Addresses]:
    """Two of ours."""
    (home / "closed").mkdir(parents=True)
    file.write(home / "closed" / file.FILE_NAME, directory())
    with BrokerProcess(home / "open", words=AMQP) as one, BrokerProcess(home / "closed", words=AMQP) as other:
        yield Addresses(one.ready["amqp"], other.ready["amqp"])
