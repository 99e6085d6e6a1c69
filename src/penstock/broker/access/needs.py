"""What a call may need: an operation on the resources that it, its parts or its answer are about.

Knows calls by their fields only; which call needs what stands in `table`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from operator import attrgetter, itemgetter
from typing import Any, TypeAlias

from penstock.broker.topics.internal import QUEUES
from penstock.log import Topic
from penstock.users.rules import CLUSTER

Topics: TypeAlias = Mapping[bytes, Topic]
"""Topics by their ids."""
Resource: TypeAlias = Callable[[Any, Topics], tuple[str, str] | None]
"""The kind and name of what a call, a part of one, or an answer is about; None where it is about nothing known."""


@dataclass(frozen=True, slots=True)
class Whole:
    """The whole call needs `operation` on one resource."""

    operation: str
    resource: Resource


@dataclass(frozen=True, slots=True)
class Each:
    """Each entry of the call's `field` needs `operation` on its resource; the cluster may grant it for all at once."""

    operation: str
    field: str
    resource: Resource
    or_cluster: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """Where the call names nothing (`field` is None, or there is none): the answer leaves out what may not be seen."""

    operation: str
    field: str
    resource: Resource
    or_cluster: bool = False


Need: TypeAlias = Whole | Each | Found


# --- what calls are about ---------------------------------------------------------------------------------------------


def of(kind: str, name: Callable[[Any], str]) -> Resource:
    """A resource of one kind, named by the entry."""
    return lambda entry, topics: (kind, name(entry))


def itself(entry: Any) -> Any:
    """The entry is the name."""
    return entry


def by_id(topic_id: bytes, topics: Topics) -> tuple[str, str] | None:
    """The topic with an id."""
    found = topics.get(topic_id)
    return None if found is None else ("topic", found.name)


def configured(entry: Any, topics: Topics) -> tuple[str, str]:
    """What settings belong to: a topic, or else the cluster."""
    kind, name = entry[:2] if isinstance(entry, tuple) else (entry.kind, entry.name)
    return ("topic", name) if kind == "topic" else ("cluster", CLUSTER)


def transaction(call: Any, topics: Topics) -> tuple[str, str] | None:
    """The transactional id, where the call has one."""
    return None if call.transactional_id is None else ("transactional-id", call.transactional_id)


def content_of(part: Any, topics: Topics) -> tuple[str, str]:
    """What a part of a topic is read of. All queues' messages lie in one topic, whoever may see which: it is the cluster's."""
    return ("cluster", CLUSTER) if part.topic == QUEUES else ("topic", part.topic)


CLUSTER_ITSELF: Resource = lambda entry, topics: ("cluster", CLUSTER)  # noqa: E731  # a value among its like
TOPIC = of("topic", attrgetter("topic"))

TOPIC_FIRST = of("topic", itemgetter(0))
TOPIC_NAME = of("topic", itself)
TOPIC_CALLED = of("topic", attrgetter("name"))
GROUP = of("group", attrgetter("group"))
TRANSACTION: Resource = transaction
TRANSACTION_NAME = of("transactional-id", itself)
GROUP_NAME = of("group", itself)
