"""Which places hold dead letters: topics and queues by their usual name, `<topic>.dlq`, queues that a dead-letter exchange
leads to, or any topic or queue that is named.

Knows names; what is done with a place is its `Source`'s.
"""

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
    """
    channel = await connection.channel()
    vhost = connection.url.vhost
    queues = [each for each in await channel.describe("queues") if each["vhost"] == vhost]
    kinds = {
        each["name"]: each["kind"] for each in await channel.describe("exchanges") if each["vhost"] == vhost
    }
    bindings = [each for each in await channel.describe("bindings") if each["vhost"] == vhost]
    await channel.close()
    reached: set[str] = set()
    for dying in (each["arguments"] for each in queues):
        if (exchange := dying.get(EXCHANGE)) is not None:
            reached |= _reached(exchange, dying.get(KEY), kinds, bindings)
    return [
        (PREFIX + each["name"], each["messages"])
        for each in queues
        if each["kind"] != "stream"
        and not each["exclusive"]
        and (each["name"].endswith(SUFFIX) or (each["name"] in reached and EXCHANGE not in each["arguments"]))
    ]


def _reached(
    exchange: str, key: str | None, kinds: dict[str, str], bindings: list[dict[str, Any]]
) -> set[str]:
    """The queues that messages of an exchange get to; with a key, by a direct one, those bound by that.

    Without a key the default exchange leads nowhere in particular: to the queue that each message names.
    """
    if exchange == "" and key is None:
        return set()
    found: set[str] = set()
    seen, due = {exchange}, [exchange]
    while due:  # clients may chain exchanges as they like: no recursion
        source = due.pop()
        exact = kinds.get(source) == "direct" and key is not None
        for each in bindings:
            if each["source"] != source or (exact and each["routing_key"] != key):
                continue
            if each["target_kind"] == "queue":
                found.add(each["target"])
            elif each["target"] not in seen:
                seen.add(each["target"])
                due.append(each["target"])
    return found
