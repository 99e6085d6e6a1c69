"""Where calls are held against the rules, once for all protocols.

A call about many resources is answered part by part: those refused are answered here, the others by who answers such
calls. Knows no protocol; how rules decide is `penstock.users`'.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from penstock import calls
from penstock.broker.access.needs import Each, Found, Need, Topics, Whole
from penstock.broker.access.table import ACCESS
from penstock.broker.queues.names import denied
from penstock.calls import Call
from penstock.calls.queues import Page
from penstock.errors import Refusal, Refused
from penstock.later import Later
from penstock.users.directory import Directory
from penstock.users.rules import CLUSTER

REFUSALS = {
    "group": Refusal.GROUP_NOT_ALLOWED,
    "cluster": Refusal.CLUSTER_NOT_ALLOWED,
    "transactional-id": Refusal.TRANSACTIONAL_ID_NOT_ALLOWED,
    "vhost": Refusal.VHOST_NOT_ALLOWED,
    "exchange": Refusal.EXCHANGE_NOT_ALLOWED,
    "queue": Refusal.QUEUE_NOT_ALLOWED,
}


def guard(call: Call, directory: Directory, topics: Topics, answer: Callable[[Any], object]) -> object:
    """What the call's principal gets: `answer(call)`, with no more in it than the rules allow, or `Refused`."""
    needs = ACCESS.get(type(call))
    if needs is None:
        return Refused(Refusal.NOT_ALLOWED, f"{type(call).__name__} has no entry in the access table")
    if directory.open or not needs:
        return answer(call)
    judge = Judge(call.principal.name, directory, topics)
    refused = judge.whole(call, needs)
    if refused is not None:
        return refused
    allowed, refusals = judge.parts(call, needs)
    if not refusals:
        seen = judge.unnamed(call, needs)
        return when(answer(call), partial(judge.shown, seen)) if seen else answer(call)
    return refusals if all(refusals) else when(answer(allowed), partial(merged, refusals))


class Judge:
    """One principal's case."""

    def __init__(self, user: str, directory: Directory, topics: Topics) -> None:
        self.user, self.directory, self.topics = user, directory, topics

    def refusal(self, need: Need, entry: Any) -> Refused | None:
        """Why this may not be done, or None."""
        resource = need.resource(entry, self.topics)
        if resource is None:
            return None
        granting = not isinstance(need, Whole) and need.or_cluster
        if granting and self.directory.may(self.user, need.operation, "cluster", CLUSTER):
            return None
        refused = refusal(self.directory, self.user, need.operation, resource)
        channel = getattr(
            entry, "channel", None
        )  # queues' calls have one, and are refused in RabbitMQ's words
        if refused is None or channel is None:
            return refused
        return replace(refused, detail=denied(*resource, channel.client.vhost.name, self.user))

    def whole(self, call: Call, needs: Sequence[Need]) -> Refused | None:
        """Why the call as a whole may not be made, or None."""
        if isinstance(call, calls.InitProducer) and call.transactional_id is None:
            return may_produce(self.directory, self.user)
        found = (self.refusal(need, call) for need in needs if isinstance(need, Whole))
        return next((refused for refused in found if refused is not None), None)

    def parts(self, call: Call, needs: Sequence[Need]) -> tuple[Call, list[Refused | None]]:
        """The call without what is refused, and for each of its parts the refusal or None; none refused: no list."""
        refusals: list[Refused | None] = []
        kept: dict[str, Any] = {}
        for need in (need for need in needs if isinstance(need, Each)):
            entries = getattr(call, need.field)
            if entries:
                found = [self.refusal(need, entry) for entry in entries]
                refusals += found
                kept[need.field] = tuple(e for e, no in zip(entries, found, strict=True) if no is None)
        if not any(refusals):
            return call, []
        return replace(call, **kept), refusals

    def unnamed(self, call: Call, needs: Sequence[Need]) -> Found | None:
        """What holds for each thing in the answer, where the call names nothing."""
        for need in needs:
            if isinstance(need, Found) and (not need.field or getattr(call, need.field) is None):
                return need
        return None

    def shown(self, need: Found, found: object) -> object:
        """The answer without what may not be seen."""
        if isinstance(found, Page):
            return replace(found, found=[one for one in found.found if self.refusal(need, one) is None])
        if not isinstance(found, list | tuple):
            return found
        return [one for one in found if isinstance(one, Refused) or self.refusal(need, one) is None]


def merged(refusals: list[Refused | None], found: object) -> object:
    """The answers in the order of the parts that were asked for."""
    if isinstance(found, Refused):
        return [refused or found for refused in refusals]
    answers = iter(found)  # type: ignore[call-overload]  # a call about parts is answered by one answer a part
    return [refused if refused is not None else next(answers) for refused in refusals]


class Changed(Later[object]):
    """An answer to come that is changed on its way; `source` is the one that whoever answers knows."""

    __slots__ = ("source",)

    def __init__(self, source: Later[object], change: Callable[[object], object]) -> None:
        super().__init__()
        self.source = source
        source.watch(lambda found: self.resolve(change(found)))


def source_of(token: object) -> object:
    """The answer to come that whoever answers knows, for one that a gateway was given."""
    return token.source if isinstance(token, Changed) else token


def when(answer: object, change: Callable[[object], object]) -> object:
    """The changed answer, now or when it is there."""
    return Changed(answer, change) if isinstance(answer, Later) else change(answer)


# --- questions of other parts -----------------------------------------------------------------------------------------


def refusal(directory: Directory, user: str, operation: str, resource: tuple[str, str]) -> Refused | None:
    """Why someone may not do this to the resource (kind, name), or None."""
    kind, name = resource
    if directory.may(user, operation, kind, name):
        return None
    words = f"{user} may not {operation} the {kind} {name[:249]}"
    return Refused(REFUSALS.get(kind, Refusal.NOT_ALLOWED), words)


def may_create(directory: Directory, user: str, topic: str) -> bool:
    """Whether a topic that someone asks for by name may come into being for them."""
    on_cluster = directory.may(user, "create", "cluster", CLUSTER)
    return on_cluster or directory.may(user, "create", "topic", topic)


def may_produce(directory: Directory, user: str) -> Refused | None:
    """Why no producer id may be had, or None: who may write to any topic may have one (KIP-679)."""
    if directory.may(user, "idempotent-write", "cluster", CLUSTER) or directory.may_somewhere(
        user, "write", "topic"
    ):
        return None
    return Refused(Refusal.CLUSTER_NOT_ALLOWED, f"{user} may write to no topic")
