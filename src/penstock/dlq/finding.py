"""Which places hold dead letters: topics and queues by their usual name, `<topic>.dlq`, queues that a dead-letter exchange
leads to, or any topic or queue that is named.

Knows names; what is done with a place is its `Source`'s.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from penstock.amqp import Connection, Url
from penstock.client import Client
from penstock.dlq.queue import PREFIX, QueueSource
from penstock.dlq.source import Source
from penstock.dlq.topic import TopicSource
from penstock.dlq.working import LOOK_MAX

SUFFIX = ".dlq"
EXCHANGE, KEY = "x-dead-letter-exchange", "x-dead-letter-routing-key"


def source_of(client: Client, name: str, look_max: int = LOOK_MAX, url: Url | None = None) -> Source:
    """The place of this name: a topic, or a queue, ``queue:NAME``, which no topic can be called. `url`: where AMQP is."""
    if name.startswith(PREFIX):
        return QueueSource(client, name, look_max, url)
    return TopicSource(client, name, look_max)


async def sources(client: Client, queues: Connection | None = None) -> list[Source]:
    """All topics that are found by their names, and, where there is a connection to them, all queues of dead letters."""
    metas = await client.metadata(None)
    found: list[Source] = [source_of(client, name) for name in sorted(metas) if name.endswith(SUFFIX)]
    if queues is not None:
        found += [QueueSource(client, name, connection=queues) for name, _ in await queues_of(queues)]
    return found


async def queues_of(connection: Connection) -> list[tuple[str, int]]:
    """The queues of dead letters in the connection's virtual host, as sources are called, and how many letters wait in each.

    A queue that a dead-letter exchange leads to, and that has none of its own: where both are, messages only wait a while.
    Nor one whose messages waited elsewhere before: it has consumers, and nobody took any out of the queues that lead to it.
    """
    channel = await connection.channel()
    vhost = connection.url.vhost
    queues = [each for each in await channel.describe("queues") if each["vhost"] == vhost]
    kinds = {
        each["name"]: each["kind"] for each in await channel.describe("exchanges") if each["vhost"] == vhost
    }
    ways = _Ways(kinds, [each for each in await channel.describe("bindings") if each["vhost"] == vhost])
    await channel.close()
    dying = [each for each in queues if EXCHANGE in each["arguments"]]
    failed_in = ways.reached(_exits(each for each in dying if not _waits(each)))
    waited_in = ways.reached(_exits(each for each in dying if _waits(each)))
    delayed_for = waited_in & {each["name"] for each in queues if each["consumers"]} - failed_in
    final = (failed_in | waited_in) - delayed_for - {each["name"] for each in dying}
    return [
        (PREFIX + name, each["messages"])
        for each in queues
        if each["kind"] != "stream"
        and not each["exclusive"]
        and ((name := each["name"]).endswith(SUFFIX) or name in final)
    ]


def _waits(queue: Mapping[str, Any]) -> bool:
    """Whether nobody takes messages out of the queue, so that they can only wait there until they expire."""
    return not queue["consumers"] and not queue["delivered"]


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
