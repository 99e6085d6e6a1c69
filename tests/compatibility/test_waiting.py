"""A fetch without records is answered when the time is over that the client gave, not later."""

import time

import pytest

from tests.differential.asking import Connection, create


@pytest.mark.parametrize("wait_ms", [20, 60, 150, 300])
def test_an_empty_fetch_waits_as_long_as_the_client_says(broker_address: str, wait_ms: int) -> None:
    connection = Connection(broker_address)
    topic = f"waited-for-{wait_ms}"
    create(connection, topic)
    part = {"partition": 0, "fetch_offset": 0, "partition_max_bytes": 1 << 20, "current_leader_epoch": -1}
    took_ms = []
    for _ in range(8):
        begun_s = time.monotonic()
        connection.ask(
            1, 11, replica_id=-1, max_wait=wait_ms, min_bytes=1, max_bytes=1 << 20, isolation_level=0, session_id=0,
            session_epoch=-1, topics=[{"topic": topic, "partitions": [part]}], forgotten_topics_data=[], rack_id="",
        )  # fmt: skip
        took_ms.append((time.monotonic() - begun_s) * 1000)
    connection.close()
    assert min(took_ms) >= wait_ms - 2
    assert sorted(took_ms)[3] < wait_ms + 40, took_ms  # the median: the machine may be busy now and then
