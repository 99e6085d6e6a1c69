"""Fixtures: a world over a cluster in memory, and one over whichever backend there is."""

from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest

from penstock.client.client import Client
from penstock.client.cluster import ClientOptions
from penstock.testing.processes import BrokerProcess
from tests.web.site import World, world


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def here() -> AsyncIterator[World]:
    """A site over a cluster in memory."""
    async with world() as found:
        yield found


@pytest.fixture(params=["memory", "penstock"])
async def anywhere(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    """A site over a cluster in memory, and the same over a real broker."""
    if request.param == "memory":
        async with world() as found:
            yield found
        return
    with BrokerProcess(tmp_path / "data", fsync="never") as broker:
        options = ClientOptions(deadline_s=8.0, unknown_topic_s=0.3)
        async with world(dial=partial(Client, broker.address, options=options)) as found:
            yield found
