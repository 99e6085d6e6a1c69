"""Produce, Fetch, ListOffsets and InitProducerId in each offered version, read by kio's response types."""

from typing import Any

import pytest

from penstock import calls as c
from penstock.errors import Refusal, Refused
from penstock.record import Record, decode, encode
from tests.wire.driving import ask, part_of, versions
from tests.wire.fake_broker import FakeBroker

BATCH = encode([Record(b"k", b"v", 1)])


def produce(
    broker: FakeBroker, version: int, topic: str = "t", batch: bytes | None = BATCH, **fields: Any
) -> Any:
    topics = [{"name": topic, "partition_data": [{"index": 1, "records": batch}]}]
    response = ask(broker, 0, version, **{"acks": -1, "timeout": 1500, "topic_data": topics, **fields})
    return part_of(response, "responses", "partition_responses")


@versions(0)
def test_produce_tells_where_the_records_went(broker: FakeBroker, version: int) -> None:
    produce(broker, version)
    partition = produce(broker, version)
    assert (partition.index, partition.error_code, partition.base_offset) == (1, 0, 1)
    assert partition.log_append_time is None
    (call, _) = broker.asked
    assert isinstance(call, c.Append)
    assert (call.acks, call.timeout_ms, call.transactional_id) == (-1, 1500, None)
    assert bytes(call.parts[0].batches) == BATCH


@versions(0)
def test_produce_tells_why_not(broker: FakeBroker, version: int) -> None:
    partition = produce(broker, version, topic="absent")
    assert (partition.error_code, partition.base_offset) == (3, -1)
    if version >= 8:
        assert partition.error_message == Refusal.NO_TOPIC.value


@versions(0)
@pytest.mark.parametrize("batch", [None, b""])
def test_produce_needs_a_batch(broker: FakeBroker, version: int, batch: bytes | None) -> None:
    assert produce(broker, version, batch=batch).error_code == 87
    assert broker.asked == []


@versions(0)
def test_zstd_needs_a_version_that_knows_it(broker: FakeBroker, version: int) -> None:
    batch = encode([Record(None, bytes(1000), 1)], codec=4)
    assert produce(broker, version, batch=batch).error_code == (76 if version < 7 else 0)


@versions(0)
def test_a_part_that_is_refused_here_leaves_the_others_alone(broker: FakeBroker, version: int) -> None:
    parts = [{"index": 0, "records": None}, {"index": 1, "records": BATCH}, {"index": 9, "records": BATCH}]
    topics = [{"name": "t", "partition_data": parts}, {"name": "t", "partition_data": parts[1:2]}]
    response = ask(broker, 0, version, acks=1, topic_data=topics)
    found = [
        [(p.index, p.error_code, p.base_offset) for p in t.partition_responses] for t in response.responses
    ]
    assert found == [[(0, 87, -1), (1, 0, 0), (9, 3, -1)], [(1, 0, 1)]]


def fetch(broker: FakeBroker, version: int, topic: str = "t", offset: int = 0, **fields: Any) -> Any:
    found = broker.topics.get(topic)
    parts = [{"partition": 0, "fetch_offset": offset, "partition_max_bytes": 4096}]
    topics = [{"topic": topic, "topic_id": found.topic_id if found else b"?" * 16, "partitions": parts}]
    limits = {"max_wait": 250, "min_bytes": 1, "max_bytes": 9999}
    return ask(broker, 1, version, **{**limits, "topics": topics, **fields})


@versions(1)
@pytest.mark.parametrize("size", [10, 100_000])
def test_fetch_gives_the_batches_as_they_are(broker: FakeBroker, version: int, size: int) -> None:
    broker.answer(c.Append(c.Principal(), (c.AppendPart("t", 0, encode([Record(None, bytes(size), 1)])),)))
    response = fetch(broker, version)
    partition = part_of(response, "responses")
    assert [record.value for record in decode(partition.records)] == [bytes(size)]
    assert (partition.error_code, partition.high_watermark, partition.last_stable_offset) == (0, 1, 1)
    assert partition.aborted_transactions is None
    assert getattr(response, "session_id", 0) == 0
    assert getattr(partition, "preferred_read_replica", -1) == -1
    call = broker.asked[-1]
    assert isinstance(call, c.Fetch)
    topic_id = broker.topics["t"].topic_id if version >= 13 else b""
    assert call.parts == (c.FetchPart("t", 0, 0, 4096, topic_id=topic_id),)
    assert (call.bytes_min, call.bytes_max, call.wait_ms, call.committed_only) == (1, 9999, 250, False)


@versions(1)
def test_a_reader_of_committed_records_is_told_of_no_aborted_transaction(
    broker: FakeBroker, version: int
) -> None:
    assert part_of(fetch(broker, version, isolation_level=1), "responses").aborted_transactions == ()
    call = broker.asked[-1]
    assert isinstance(call, c.Fetch)
    assert call.committed_only


@versions(1)
def test_fetch_of_an_unknown_topic(broker: FakeBroker, version: int) -> None:
    partition = part_of(fetch(broker, version, "absent"), "responses")
    assert (partition.error_code, partition.high_watermark, partition.records) == (
        100 if version >= 13 else 3,
        -1,
        b"",
    )


@versions(1)
def test_fetch_out_of_range(broker: FakeBroker, version: int) -> None:
    assert part_of(fetch(broker, version, offset=5), "responses").error_code == 1


@versions(1, since=13)
def test_fetch_by_id_answers_each_topic_by_its_id(broker: FakeBroker, version: int) -> None:
    broker.topics["u"] = broker._topic("u", 1)
    ids = [broker.topics["u"].topic_id, bytes(16), b"?" * 16, broker.topics["t"].topic_id]
    parts = [{"partition": 0}]
    response = ask(broker, 1, version, topics=[{"topic_id": i, "partitions": parts} for i in ids])
    # As Kafka: what cannot be read comes last.
    told = [
        (t.topic_id.bytes if t.topic_id else bytes(16), t.partitions[0].error_code)
        for t in response.responses
    ]
    assert told == [(ids[0], 0), (ids[3], 0), (ids[1], 100), (ids[2], 100)]


@versions(1)
def test_a_fetch_of_nothing_is_answered_with_nothing(broker: FakeBroker, version: int) -> None:
    assert ask(broker, 1, version, topics=[]).responses == ()


@versions(2)
@pytest.mark.parametrize(
    ("timestamp", "since", "offset"),
    [(-2, 1, 0), (-1, 1, 1), (12345, 1, 1), (-3, 7, 1), (-4, 8, 0), (-5, 9, -1)],
)
def test_list_offsets_by_time_and_by_special_timestamps(
    broker: FakeBroker, version: int, timestamp: int, since: int, offset: int
) -> None:
    produce(broker, 9)
    parts = [{"partition_index": 1, "timestamp": timestamp}]
    partition = part_of(ask(broker, 2, version, topics=[{"name": "t", "partitions": parts}]))
    expected = (0, offset) if version >= since else (35, -1)
    assert (partition.error_code, partition.offset) == expected


@versions(2)
def test_list_offsets_keeps_the_order_of_what_was_asked(broker: FakeBroker, version: int) -> None:
    parts = [{"partition_index": n, "timestamp": t} for n, t in [(1, -1), (7, -99), (8, -2), (0, -2)]]
    response = ask(broker, 2, version, topics=[{"name": "t", "partitions": parts}])
    found = [(p.partition_index, p.error_code) for p in response.topics[0].partitions]
    assert found == [(1, 0), (7, 35), (8, 3), (0, 0)]


@versions(2)
def test_list_offsets_refuses_a_partition_named_twice_as_kafka_does(broker: FakeBroker, version: int) -> None:
    parts = [{"partition_index": n, "timestamp": t} for n, t in [(0, -1), (1, -2), (0, -2)]]
    response = ask(broker, 2, version, topics=[{"name": "t", "partitions": parts}])
    assert [(p.partition_index, p.error_code) for p in response.topics[0].partitions] == [(0, 42), (1, 0)]


@versions(22)
def test_a_producer_gets_an_id_and_hears_in_its_version_that_it_is_fenced(
    broker: FakeBroker, version: int
) -> None:
    response = ask(broker, 22, version, transactional_id=None, transaction_timeout=60000)
    assert (response.error_code, response.producer_id, response.producer_epoch) == (0, 1, 0)
    broker.refusing[c.InitProducer] = Refused(Refusal.CONCURRENT_TRANSACTIONS)
    refused = ask(broker, 22, version, transactional_id="mine")
    assert (refused.error_code, refused.producer_id, refused.producer_epoch) == (51, -1, -1)
    broker.refusing[c.InitProducer] = Refused(Refusal.PRODUCER_FENCED)
    assert ask(broker, 22, version, transactional_id=None).error_code == (90 if version >= 4 else 47)
