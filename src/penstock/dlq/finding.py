"""Which places hold dead letters: topics by their usual name, `<topic>.dlq`, or any that is named.

Knows names; what is done with a place is its `Source`'s.
"""

from penstock.client import Client
from penstock.dlq.source import Source
from penstock.dlq.topic import LOOK_MAX, TopicSource

SUFFIX = ".dlq"


def source_of(client: Client, name: str, look_max: int = LOOK_MAX) -> Source:
    """The place of this name: a topic. (A queue's will be named ``queue:…``, which no topic can be.)"""
    return TopicSource(client, name, look_max)


async def sources(client: Client) -> list[Source]:
    """All that are found by their names."""
    metas = await client.metadata(None)
    return [source_of(client, name) for name in sorted(metas) if name.endswith(SUFFIX)]
