"""``blackhole``: takes everything and keeps nothing; for measuring.

    CREATE TABLE nothing (a STRING) WITH ('connector' = 'blackhole')

Options: none. Source: Flink documentation, "BlackHole SQL Connector".
"""

from penstock.engine.job import Output
from penstock.engine.plan import Table
from penstock.work.connectors.shape import Sink, Site, Source, only


class Blackhole:
    """The connector."""

    name = "blackhole"

    def source(self, table: Table, site: Site) -> Source:
        """Refused: there is nothing to read."""
        raise only(table, "written", "read from a kafka or datagen table")

    def sink(self, table: Table, site: Site) -> Sink:
        """Write to nowhere."""
        return BlackholeSink()


class BlackholeSink:
    """Nothing is kept, so everything is safe at once."""

    partitions = 1

    async def open(self) -> None:
        """Nothing to open."""

    async def write(self, output: Output) -> None:
        """Let it go."""

    async def flush(self) -> None:
        """Nothing waits."""
