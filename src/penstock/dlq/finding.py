"""Which places hold dead letters: topics by their usual name, `<topic>.dlq`, or any topic or queue that is named.

Knows names; what is done with a place is its `Source`'s.
"""

from penstock.client import Client
from penstock.dlq.queue import PREFIX, QueueSource
from penstock.dlq.source import Source
from penstock.dlq.topic import LOOK_MAX, TopicSource

SUFFIX = ".dlq"


def source_of(client: Client, name: str, look_max: int = LOOK_MAX) -> Source:
    """The place of this name: a topic, or a queue, ``queue:NAME``, which no topic can be called."""
    if name.startswith(PREFIX):
        return QueueSource(client, name)
    return TopicSource(client, name, look_max)


async def sources(client: Client) -> list[Source]:
    """All that are found by their names."""
    metas = await client.metadata(None)
    return [source_of(client, name) for name in sorted(metas) if name.endswith(SUFFIX)]
