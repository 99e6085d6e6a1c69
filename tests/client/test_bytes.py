"""What the client decides from bytes alone: partitions by key, fetch responses, waits, addresses."""

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.client import fetching, messages
from penstock.client.backoff import Backoff
from penstock.client.cluster import addresses
from penstock.client.errors import failure
from penstock.client.writing.partitioning import murmur2, partition_of
from penstock.errors import PenstockError
from penstock.wire.kafka.codec import decode_response, encode_response

settings.register_profile("shared machine", deadline=None)
settings.load_profile("shared machine")

# org.apache.kafka.common.utils.UtilsTest#testMurmur2
JAVA = [
    (b"21", -973932308),
    (b"foobar", -790332482),
    (b"a-little-bit-long-string", -985981536),
    (b"a-little-bit-longer-string", -1486304829),
    (b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
    (b"abc", 479470107),
]


@pytest.mark.parametrize(("key", "signed"), JAVA)
def test_murmur2_equals_javas_own_test_vectors(key: bytes, signed: int) -> None:
    assert murmur2(key) == signed & 0xFFFFFFFF


def test_a_negative_hash_is_masked_not_negated() -> None:
    assert partition_of(b"21", 7) == (-973932308 & 0x7FFFFFFF) % 7


@given(st.binary(max_size=64))
def test_murmur2_equals_kafka_pythons(key: bytes) -> None:
    from kafka.partitioner.default import murmur2 as theirs

    assert murmur2(key) == theirs(key) & 0xFFFFFFFF


parts = st.lists(
    st.fixed_dictionaries(
        {
            "partition_index": st.integers(0, 5),
            "error_code": st.sampled_from([0, 1, 3, 6]),
            "high_watermark": st.integers(0, 2**60),
            "last_stable_offset": st.integers(0, 2**60),
            "log_start_offset": st.integers(0, 2**60),
            "aborted_transactions": st.none()
            | st.lists(st.just({"producer_id": 7, "first_offset": 3}), max_size=2),
            "records": st.binary(max_size=40),
        }
    ),
    max_size=3,
)
topics = st.lists(st.fixed_dictionaries({"topic": st.text(max_size=5), "partitions": parts}), max_size=3)


@given(st.integers(4, 11), topics)
def test_fetch_responses_are_read_as_kio_reads_them(version: int, rows: list[dict[str, object]]) -> None:
    frame = memoryview(b"".join(encode_response(1, version, 5, {"responses": rows, "error_code": 0})))[4:]
    ours = fetching.read(version, frame)
    kio = decode_response(1, version, frame)[1]
    expected = [
        (
            t.topic,
            p.partition_index,
            int(p.error_code),
            p.high_watermark,
            p.log_start_offset if version >= 5 else -1,
            bytes(p.records or b""),
        )
        for t in kio.responses
        for p in t.partitions
    ]
    got = [
        (g.topic, g.partition, g.error, g.high_watermark, g.start_offset, bytes(g.batches)) for g in ours[1]
    ]
    assert got == expected


@given(st.integers(4, 11), topics, st.data())
def test_a_cut_fetch_response_is_refused_at_every_place(
    version: int, rows: list[dict[str, object]], data: st.DataObject
) -> None:
    frame = memoryview(b"".join(encode_response(1, version, 5, {"responses": rows, "error_code": 0})))[4:]
    cut = data.draw(st.integers(0, len(frame) - 1))
    with pytest.raises(ValueError, match="damaged"):
        fetching.read(version, frame[:cut])


@given(st.integers(4, 11), st.binary(max_size=200))
def test_a_fetch_response_of_any_bytes_gives_parts_or_a_value_error(version: int, noise: bytes) -> None:
    with contextlib.suppress(ValueError):
        fetching.read(version, memoryview(noise))


def test_a_request_is_encoded_with_its_length_and_its_batch_by_reference() -> None:
    batch = bytes(5000)
    row = {
        "transactional_id": None,
        "acks": -1,
        "timeout": 1000,
        "topic_data": [{"name": "t", "partition_data": [{"index": 0, "records": batch}]}],
    }
    buffers = messages.encode("Produce", 8, 1, "me", row)
    assert any(b is batch for b in buffers)
    assert int.from_bytes(b"".join(buffers)[:4], "big") == sum(map(len, buffers)) - 4


def test_waits_double_up_to_their_cap_and_jitter_spreads_them_by_a_fifth() -> None:
    even = Backoff(0.1, 1.0, lambda: 0.5)
    assert [round(even.next_s(), 3) for _ in range(6)] == [0.1, 0.2, 0.4, 0.8, 1.0, 1.0]
    even.reset()
    assert even.next_s() == pytest.approx(0.1)
    assert Backoff(1.0, 1.0, lambda: 0.0).next_s() == pytest.approx(0.8)
    assert Backoff(1.0, 1.0, lambda: 1.0).next_s() == pytest.approx(1.2)


def test_addresses_take_lists_and_ipv6() -> None:
    assert addresses("a:1, [::1]:9092,") == [("a", 1), ("::1", 9092)]


@pytest.mark.parametrize("text", ["", "localhost", "host:", "host:0", "host:99999", ":9092", "host:x"])
def test_what_is_no_address_is_refused_with_a_remedy(text: str) -> None:
    with pytest.raises(PenstockError, match=r"host:port"):
        addresses(text)


def test_an_error_has_kafkas_name_a_remedy_and_says_if_retrying_helps() -> None:
    error = failure(3, "append to t-0")
    assert (error.name, error.code, error.retriable) == ("UNKNOWN_TOPIC_OR_PARTITION", 3, True)
    assert "append to t-0" in str(error) and "create the topic" in str(error)
    assert not failure(10, "x").retriable
    assert failure(31337, "x").name == "ERROR_31337"
