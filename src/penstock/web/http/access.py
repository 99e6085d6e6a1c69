"""What a request may do, by the same users and rules as every other protocol's.

A route says what it needs where it is registered; what only the handler knows (a table's topic, each entry of a list)
it asks here. Knows requests; how rules decide is `penstock.users`'.
"""

from dataclasses import dataclass
from typing import Final

from starlette.requests import Request

from penstock.broker.queues.names import resource
from penstock.users.directory import ANONYMOUS, Directory
from penstock.users.rules import CLUSTER
from penstock.web.http.answers import HttpError

USER: Final = "penstock.user"
"""Where a request's scope says who asks."""
DIRECTORY: Final = "penstock.directory"
"""Where it holds the users and rules of the moment it came."""
_OPEN: Final = Directory()


@dataclass(frozen=True, slots=True)
class Need:
    """An operation on a kind of resource, whose name stands in the path's parameter `name` (the cluster needs none).

    Queues and exchanges are named with the virtual host in the path, as rules name them.
    """

    operation: str
    kind: str
    name: str = ""


ANYONE: Final = Need("", "")
"""Whoever may come in at all; what they see of it, the handler decides."""


def who(request: Request) -> str:
    """The user who asks."""
    return str(request.scope.get(USER, ANONYMOUS))


def may(request: Request, operation: str, kind: str, name: str = CLUSTER) -> bool:
    """Whether who asks may do this."""
    directory: Directory = request.scope.get(DIRECTORY, _OPEN)
    return directory.may(who(request), operation, kind, name)


def must(request: Request, operation: str, kind: str, name: str = CLUSTER) -> None:
    """Raise HttpError (403) where who asks may not do this."""
    if not may(request, operation, kind, name):
        user, what = who(request), kind if kind == "cluster" else f"{kind}:{name[:249]}"
        remedy = f"an owner may grant it: penstock user allow {user} {operation} {what}"
        raise HttpError(403, f"{user} may not {operation} the {kind} {name[:249]}", remedy=remedy)


def check(request: Request, need: Need) -> None:
    """Raise HttpError (403) where who asks may not use the route."""
    if need is ANYONE:
        return
    name = request.path_params[need.name] if need.name else CLUSTER
    if need.kind in ("queue", "exchange"):
        name = resource(name, request.path_params["vhost"])
    must(request, need.operation, need.kind, name)


def may_create(request: Request, topic: str) -> bool:
    """Whether who asks may make the topic."""
    return may(request, "create", "cluster") or may(request, "create", "topic", topic)
