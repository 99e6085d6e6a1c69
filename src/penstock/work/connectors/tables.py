"""What a table's options say about its topic, its Kafka and its guarantee. Knows words; knows no records."""

from penstock.client import Client
from penstock.durations import milliseconds
from penstock.engine.plan import Table
from penstock.errors import PenstockError
from penstock.work.connectors.shape import Site


def topic_of(table: Table) -> str:
    """The one topic of a table."""
    if ";" in table.topic:
        raise PenstockError(
            f"table {table.name}: a table reads one topic", remedy="make one table a topic and UNION ALL them"
        )
    return table.topic


def client_of(table: Table, site: Site) -> Client:
    """The client for the Kafka that the table names, or the worker's own."""
    return site.client(table.options.get("properties.bootstrap.servers", ""))


async def at_home(client: Client, site: Site) -> bool:
    """Whether a table's Kafka is the worker's own, by whatever name: only there a transaction reaches."""
    own = site.client("")
    return client is own or await client.cluster_id() == await own.cluster_id()


def guarantee_of(table: Table) -> str:
    """What a written table asks for: ``exactly-once``, ``at-least-once``, or nothing."""
    return table.options.get("sink.delivery-guarantee", "")


def duration_s(text: str) -> float:
    """A Flink duration, ``500 ms``, ``5s``, ``1 min``, in seconds; a bare number counts milliseconds."""
    return (int(text) if text.strip().isdigit() else milliseconds(text)) / 1000
