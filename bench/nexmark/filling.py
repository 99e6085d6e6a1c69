"""A penstock broker of one's own with the events in it."""

import asyncio
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from bench.nexmark.generator import Settings
from bench.nexmark.generator.topics import fill, fill_side_input
from penstock.testing.processes import BrokerProcess


@contextmanager
def filled(
    sizes: Mapping[str, int], layout: str, rate: int = Settings.rate, form: str = "json"
) -> Iterator[str]:
    """The broker's address; `sizes` says how many events the topics of each name hold, `form` how they are written."""
    with (
        tempfile.TemporaryDirectory(prefix="nexmark-") as folder,
        BrokerProcess(Path(folder, "data"), "never") as broker,
    ):
        asyncio.run(fill_side_input(broker.address))
        for topic, events in sizes.items():
            asyncio.run(fill(broker.address, events, layout, Settings(rate=rate), topic, form))
        yield broker.address
