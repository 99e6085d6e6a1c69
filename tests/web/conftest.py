"""Fixtures: a world over a cluster in memory, and one over whichever backend there is."""

from collections.abc import AsyncIterator, Iterator
from functools import partial

import pytest

from penstock.client.client import Client
from penstock.client.cluster import ClientOptions
from penstock.testing.processes import BrokerProcess
from penstock.web.follow.watch import WORKERS
from tests.web.site import World, world


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def here() -> AsyncIterator[World]:
    """A site over a cluster in memory."""
    async with world() as found:
        yield found


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of one real broker for all tests."""
    with BrokerProcess(tmp_path_factory.mktemp("broker") / "data", fsync="never") as process:
        yield process.address


@pytest.fixture(params=["memory", "penstock"])
async def anywhere(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    """A site over a cluster in memory, and the same over a real broker, whose topics of earlier tests are gone."""
    if request.param == "memory":
        async with world() as found:
            yield found
        return
    options = ClientOptions(deadline_s=8.0, unknown_topic_s=0.3)
    dial = partial(Client, request.getfixturevalue("broker"), options=options)
    async with dial() as client:
        for name in await client.metadata():
            if not name.startswith("_") or name == WORKERS:
                await client.delete_topic(name)
    async with world(dial=dial) as found:
        yield found
