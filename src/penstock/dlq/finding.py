"""Which places hold dead letters: topics and queues by their usual name, `<topic>.dlq`, queues that a dead-letter exchange
leads to, or any topic or queue that is named.

Knows names; what is done with a place is its `Source`'s.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from penstock.amqp import Connection, Url
from penstock.client import Client
from penstock.dlq.marks import TOPIC as MARKS
from penstock.dlq.naming import is_queue, place_of_queue
from penstock.dlq.queue import QueueSource
from penstock.dlq.source import Source
from penstock.dlq.topic import TopicSource
from penstock.dlq.working import LOOK_MAX

SUFFIX = ".dlq"
Told = list[dict[str, Any]]
EXCHANGE, KEY = "x-dead-letter-exchange", "x-dead-letter-routing-key"


def source_of(client: Client, name: str, look_max: int = LOOK_MAX, url: Url | None = None) -> Source:
    """The place of this name, a topic or a queue. `url`: where AMQP is, and the virtual host of a queue that names none."""
    if is_queue(name):
        return QueueSource(client, name, look_max, url)
    return TopicSource(client, name, look_max)


async def sources(client: Client, queues: Connection | None = None) -> list[Source]:
    """All topics that are found by their names, and, where there is a connection to them, all queues of dead letters."""
    found: list[Source] = [source_of(client, name) for name in await topics_of(client)]
    if queues is not None:
        graves, url = await queues_of(queues), queues.url
        found += [source_of(client, each.place, url=replace(url, vhost=each.vhost)) for each in graves]
    return found


async def topics_of(client: Client) -> list[str]:
    """The topics of dead letters; that of marks about them is called like one."""
    names = await client.metadata(None)
    return sorted(name for name in names if name.endswith(SUFFIX) and name != MARKS)


class Grave(NamedTuple):
    """A queue of dead letters, and how many wait in it."""

    vhost: str
    queue: str
    waiting: int

    @property
    def place(self) -> str:
        """What the place is called."""
        return place_of_queue(self.vhost, self.queue)


async def queues_of(connection: Connection) -> list[Grave]:
    """The queues of dead letters in all virtual hosts that who asks may enter.

    A queue that a dead-letter exchange leads to, and that has none of its own: where both are, messages only wait a while.
    Nor one whose messages waited elsewhere before: it has consumers, or ever had, and nobody ever took any out of the queues
    that lead to it. Before the first consumer nothing tells the two apart: the same rules and bindings, the same
    messages that expired. Then it is listed.
    """
    channel = await connection.channel()
    entered = await channel.describe("vhosts")
    queues, exchanges, bindings = [
        _by_vhost(await channel.describe(what)) for what in ("queues", "exchanges", "bindings")
    ]
    await channel.close()
    return [
        Grave(str(vhost), *found)
        for vhost in entered
        for found in _graves(queues[vhost], exchanges[vhost], bindings[vhost])
    ]


def _by_vhost(told: Told) -> defaultdict[Any, Told]:
    found: defaultdict[Any, Told] = defaultdict(list)
    for each in told:
        found[each["vhost"]].append(each)
    return found


def _graves(queues: Told, exchanges: Told, bindings: Told) -> list[tuple[str, int]]:
    """Of one virtual host: queues, and how many wait in each."""
    ways = _Ways({each["name"]: each["kind"] for each in exchanges}, bindings)
    dying = [each for each in queues if EXCHANGE in each["arguments"]]
    failed_in = ways.reached(_exits(each for each in dying if not _waits(each)))
    waited_in = ways.reached(_exits(each for each in dying if _waits(each)))
    delayed_for = waited_in & {each["name"] for each in queues if _worked(each)} - failed_in
    final = (failed_in | waited_in) - delayed_for - {each["name"] for each in dying}
    return [
        (name, each["messages"])
        for each in queues
        if each["kind"] != "stream"
        and not each["exclusive"]
        and ((name := each["name"]).endswith(SUFFIX) or name in final)
    ]


def _waits(queue: Mapping[str, Any]) -> bool:
    """Whether nobody takes messages out of the queue, so that they can only wait there until they expire."""
    return not _worked(queue) and not queue["delivered"]


def _worked(queue: Mapping[str, Any]) -> bool:
    """Whether the queue has consumers, or ever had."""
    return bool(queue["consumers"] or queue["worked"])


Exit = tuple[str, str | None]
"""An exchange, and the routing key that all messages come to it with; None where each has its own."""


def _exits(dying: Iterable[Mapping[str, Any]]) -> set[Exit]:
    """Where the dead of these queues go. The default exchange without a key leads nowhere in particular: to the queue that
    each message names."""
    found = {(each["arguments"][EXCHANGE], each["arguments"].get(KEY)) for each in dying}
    return found - {("", None)}


class _Ways:
    """Where exchanges lead, as their bindings say."""

    def __init__(self, kinds: Mapping[str, str], bindings: Iterable[Mapping[str, Any]]) -> None:
        self._kinds = kinds
        self._bound: defaultdict[Exit, list[tuple[str, str]]] = defaultdict(list)
        for each in bindings:
            target = each["target_kind"], each["target"]
            self._bound[each["source"], each["routing_key"]].append(target)
            self._bound[each["source"], None].append(target)

    def reached(self, exits: Iterable[Exit]) -> set[str]:
        """The queues that messages get to. A key counts at direct exchanges, until there is one of another kind on the way."""
        queues: set[str] = set()
        due = [self._narrowed(*each) for each in exits]
        seen = set(due)
        while due:  # clients may chain exchanges as they like: no recursion
            exchange, key = due.pop()
            for kind, target in self._bound.get((exchange, key), ()):
                if kind == "queue":
                    queues.add(target)
                elif (further := self._narrowed(target, key)) not in seen:
                    seen.add(further)
                    due.append(further)
        return queues

    def _narrowed(self, exchange: str, key: str | None) -> Exit:
        return exchange, key if self._kinds.get(exchange) == "direct" else None
