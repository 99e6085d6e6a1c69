"""Which places hold dead letters: topics by their usual name, `<topic>.dlq`, or any topic or queue that is named.

Knows names; what is done with a place is its `Source`'s.
"""

from penstock.amqp import Url
from penstock.client import Client
from penstock.dlq.queue import PREFIX, QueueSource
from penstock.dlq.source import Source
from penstock.dlq.topic import TopicSource
from penstock.dlq.working import LOOK_MAX

SUFFIX = ".dlq"


def source_of(client: Client, name: str, look_max: int = LOOK_MAX, url: Url | None = None) -> Source:
    """The place of this name: a topic, or a queue, ``queue:NAME``, which no topic can be called. `url`: where AMQP is."""
    if name.startswith(PREFIX):
        return QueueSource(client, name, look_max, url)
    return TopicSource(client, name, look_max)


async def sources(client: Client) -> list[Source]:
    """All that are found by their names."""
    metas = await client.metadata(None)
    return [source_of(client, name) for name in sorted(metas) if name.endswith(SUFFIX)]
