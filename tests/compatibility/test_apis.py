"""Each API and version that Kafka names is supported, or refused with the reason; the published page says the same."""

import pytest
from bench.oracle import kafka as oracle

from penstock.wire.kafka import support
from tests.compatibility import apis
from tests.compatibility.scorecard import PAGE, between
from tests.compatibility.servers import kafka


def ours() -> dict[int, apis.Range]:
    return {key: (low, high) for key, (_, low, high) in support.SUPPORTED.items()}


@pytest.mark.parametrize("key", sorted(apis.recorded()))
def test_an_api_of_kafka_s_is_offered_as_there_or_left_out_for_a_reason(key: int) -> None:
    told, mine = apis.recorded()[key], ours().get(key)
    if told != mine:
        assert apis.reason(key, told, mine)


def test_nothing_is_offered_that_kafka_has_not() -> None:
    kafka_has = apis.recorded()
    for key, (low, high) in ours().items():
        assert kafka_has[key][0] <= low <= high <= kafka_has[key][1], support.SUPPORTED[key]


def test_reasons_are_of_versions_that_are_left_out() -> None:
    left_out = {key for key, told in apis.recorded().items() if key in ours() and ours()[key][1] < told[1]}
    assert set(apis.NEWER) == left_out


def test_the_broker_says_what_the_table_says(broker_address: str) -> None:
    said = apis.ask(broker_address)
    lowest = dict(ours())
    lowest[0] = (
        0,
        lowest[0][1],
    )  # as Kafka does: librdkafka looks for old Produce versions to know a broker by
    assert said == lowest


def test_the_page_is_fresh() -> None:
    table = apis.markdown(apis.recorded(), ours())
    assert between(PAGE.read_text(), "apis").strip() == table.strip(), (
        "run: python -m tests.compatibility.scorecard apis"
    )


@pytest.mark.slow
@pytest.mark.java
@pytest.mark.skipif(bool(oracle.missing()), reason=oracle.missing())
def test_kafka_still_says_what_was_recorded() -> None:
    with kafka() as address:
        assert apis.ask(address) == apis.recorded()
