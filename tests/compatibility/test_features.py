"""Every feature with every client against penstock: what the scorecard says is so."""

from collections.abc import Iterator

import pytest

from tests.compatibility.clients import CLIENTS
from tests.compatibility.clients.verbs import Client, Place
from tests.compatibility.features import FEATURES, Feature
from tests.compatibility.trying import FAIL, attempt

LATER = ("gzip", "snappy", "lz4", ", sticky", ", range")
"""Rows of the long run: tests/clients tries all codecs, and the cooperative protocol asks more of a broker."""

PLAIN = [
    pytest.param(feature, id=feature.name, marks=pytest.mark.slow if feature.name.endswith(LATER) else ())
    for feature in FEATURES
    if feature.needs == "plain"
]
"""Logins and TLS with every client are in tests/secured."""


@pytest.fixture(scope="module", params=CLIENTS, ids=lambda kind: kind.name)
def client(request: pytest.FixtureRequest, broker_address: str) -> Iterator[Client]:
    if missing := request.param.missing():
        pytest.skip(missing)
    made = request.param(Place(broker_address))
    yield made
    made.close()


@pytest.mark.parametrize("feature", PLAIN)
def test_a_client_finds_what_it_expects_of_kafka(client: Client, feature: Feature) -> None:
    cell = attempt(feature, client)
    assert cell.verdict != FAIL, cell.reason
