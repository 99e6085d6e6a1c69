"""Record batches against two independent implementations, kafka-python's and aiokafka's."""

import contextlib
import itertools

import pytest
from aiokafka.record.default_records import _DefaultRecordBatchBuilderPy as AioBuilder
from aiokafka.record.default_records import _DefaultRecordBatchPy as AioBatch
from hypothesis import given, settings
from hypothesis import strategies as st
from kafka.record.default_records import DefaultRecordBatch, DefaultRecordBatchBuilder

from penstock.compression import CODEC_NAMES, GZIP, LZ4, NONE
from penstock.errors import Refusal, Refused
from penstock.record import (
    Record,
    check,
    decode,
    encode,
    info_at,
    intact,
    packed,
    packed_headers,
    place,
    runs,
    scan,
    size_of,
    stamp_append_time,
)

CODECS = sorted(CODEC_NAMES)
KAFKA_PYTHON_CODECS = (NONE, GZIP)  # the others need packages that we do not install
SOME = [
    Record(b"k", b"value", 1_700_000_000_000, (("h", b"1"), ("empty", b""), ("null", None))),
    Record(None, b"", 1_699_999_999_000),
    Record(b"", None, 1_700_000_000_500),
    Record(b"x" * 300, b"y" * 70_000, 1_700_000_100_000),
]
optional_bytes = st.none() | st.binary(max_size=200)
records = st.lists(
    st.builds(
        Record,
        key=optional_bytes,
        value=optional_bytes,
        timestamp_ms=st.integers(0, 2**45),
        headers=st.lists(st.tuples(st.text(max_size=8), optional_bytes), max_size=3).map(tuple),
    ),
    min_size=1,
    max_size=12,
)


def plain(found, base=0):
    return [Record(r.key, r.value, r.timestamp_ms, r.headers, base + i) for i, r in enumerate(found)]


@pytest.mark.parametrize("codec", CODECS)
def test_what_is_encoded_is_decoded(codec):
    batch = encode(SOME, codec=codec, base_offset=7, producer_id=5, producer_epoch=1, base_sequence=9)
    assert list(decode(batch)) == plain(SOME, 7)
    info = info_at(batch, 0)
    assert (info.size, info.base_offset, info.last_offset, info.count) == (len(batch), 7, 10, 4)
    assert (info.producer_id, info.producer_epoch, info.base_sequence) == (5, 1, 9)
    assert (info.base_timestamp_ms, info.max_timestamp_ms) == (1_700_000_000_000, 1_700_000_100_000)
    assert (info.codec, info.transactional, info.control, info.log_append_time) == (
        codec,
        False,
        False,
        False,
    )


@settings(max_examples=150, deadline=None)
@given(records, st.sampled_from(CODECS))
def test_other_clients_read_what_we_write(found, codec):
    batch = encode(found, codec=codec, base_offset=100)
    want = [(100 + i, r.timestamp_ms, r.key, r.value, list(r.headers)) for i, r in enumerate(found)]
    for reader in (AioBatch, DefaultRecordBatch):
        if reader is DefaultRecordBatch and codec not in KAFKA_PYTHON_CODECS:
            continue
        read = reader(batch)
        assert read.validate_crc()
        assert [(r.offset, r.timestamp, r.key, r.value, list(r.headers)) for r in read] == want


@settings(max_examples=150, deadline=None)
@given(records, st.sampled_from(CODECS), st.sampled_from([AioBuilder, DefaultRecordBatchBuilder]))
def test_we_read_what_other_clients_write(found, codec, builder):
    if builder is DefaultRecordBatchBuilder and codec not in KAFKA_PYTHON_CODECS:
        codec = NONE
    build = builder(2, codec, False, -1, -1, -1, 10_000_000)
    for i, r in enumerate(found):
        build.append(i, r.timestamp_ms, r.key, r.value, list(r.headers))
    batch = bytes(build.build())
    assert list(decode(batch)) == plain(found)
    assert isinstance(check(batch, bytes_max=10_000_000), list)
    if codec == NONE:
        ours = encode(found)
        assert (ours[:12], ours[16:]) == (batch[:12], batch[16:])  # aiokafka's leader epoch is -1, ours 0


def test_a_checksum_or_a_bound_guards_every_byte():
    batch = encode(SOME[:3], codec=LZ4, base_offset=3)
    for at in range(len(batch)):
        for bit in (0x01, 0x80):
            bad = bytearray(batch)
            bad[at] ^= bit
            stamped = at < 8 or 12 <= at < 16  # offset and leader epoch are the log's to stamp
            assert isinstance(check(bad, bytes_max=1 << 20), list) == stamped
            assert intact(bad) == stamped
            if not stamped:
                with pytest.raises(ValueError):
                    list(decode(bad))


def test_a_cut_batch_is_no_batch():
    batch = encode(SOME[:3])
    for size in range(1, len(batch)):
        cut = batch[:size]
        assert list(scan(cut)) == []
        assert isinstance(check(cut, bytes_max=1 << 20), Refused)
        assert [i.position for i in scan(batch + cut)] == [0]
        with pytest.raises(ValueError):
            list(decode(cut))


def test_several_batches_are_scanned_and_decoded_in_order():
    first, second = encode(SOME, base_offset=0), encode(SOME, base_offset=4, codec=LZ4)
    infos = check(first + second, bytes_max=len(first))
    assert [(i.position, i.base_offset) for i in infos] == [(0, 0), (len(first), 4)]
    assert infos == list(scan(memoryview(first + second)))
    assert [r.offset for r in decode(first + second)] == list(range(8))
    assert [i.base_offset for i in scan(first + second, len(first))] == [4]


def test_placing_a_batch_leaves_its_checksum_right():
    batch = bytearray(encode(SOME) + encode(SOME))
    place(batch, len(batch) // 2, 1 << 40, 3)
    assert [i.base_offset for i in check(batch, bytes_max=1 << 20)] == [0, 1 << 40]


def test_the_logs_time_replaces_the_records_times():
    batch = bytearray(encode(SOME[:3]))
    stamp_append_time(batch, info_at(batch, 0), 42)
    assert intact(batch) and info_at(batch, 0).log_append_time
    assert {r.timestamp_ms for r in decode(batch)} == {42}
    assert {r.timestamp for r in AioBatch(bytes(batch))} == {42}


@pytest.mark.parametrize(
    ("batch", "reason"),
    [
        (b"", Refusal.BAD_RECORD),
        (encode(SOME), Refusal.TOO_LARGE),
        (encode(SOME[:1])[:16] + b"\x01" + encode(SOME[:1])[17:], Refusal.UNSUPPORTED_BATCH),
        (b"\0" * 16 + b"\x00" + b"\0" * 20, Refusal.UNSUPPORTED_BATCH),
        (encode(SOME[:1], control=True), Refusal.BAD_RECORD),
        (encode(SOME[:1])[:8] + b"\xff" * 4 + encode(SOME[:1])[12:], Refusal.CORRUPT),
    ],
)
def test_a_bad_batch_is_refused_with_its_reason(batch, reason):
    assert check(batch, bytes_max=1000).reason is reason


def test_an_unknown_codec_and_a_wrong_count_are_refused():
    for where, what, reason in [(22, 5, Refusal.UNSUPPORTED_COMPRESSION), (60, 2, Refusal.BAD_RECORD)]:
        bad = bytearray(encode(SOME[:1]))
        bad[where] = what
        stamp_append_time(bad, info_at(bad, 0), 1)  # makes the checksum right again
        refused = check(bad, bytes_max=1000)
        assert refused.reason is reason and "checksum" not in refused.detail


@settings(max_examples=300, deadline=None)
@given(st.binary(min_size=1, max_size=80), st.integers(1, 40))
def test_damaged_records_behind_a_right_checksum_raise_value_error_or_decode(body, count):
    bad = bytearray(encode([Record(None, b"", 0)] * count)[:61] + body)
    bad[8:12] = (len(bad) - 12).to_bytes(4, "big")
    stamp_append_time(bad, info_at(bad, 0), 1)
    with contextlib.suppress(ValueError):
        assert len(list(decode(bad))) == count


def test_a_batch_that_claims_more_records_than_fit_is_refused():
    batch = bytearray(encode([Record(None, None, 0)] * 3))
    assert isinstance(check(batch, bytes_max=1000), list)
    batch[23:27] = (2**31 - 2).to_bytes(4, "big")
    batch[57:61] = (2**31 - 1).to_bytes(4, "big")
    stamp_append_time(batch, info_at(batch, 0), 1)
    refused = check(batch, bytes_max=1000)
    assert refused.reason is Refusal.BAD_RECORD and "records in" in refused.detail


def test_nothing_is_encoded_from_nothing():
    with pytest.raises(ValueError):
        encode([])


@given(records)
def test_a_record_s_size_is_not_underestimated(found):
    assert all(len(encode([one])) <= size_of(one) + 61 for one in found)


@given(records, st.integers(0, 3))
def test_what_is_packed_beforehand_makes_the_same_batch(found, shared):
    marks = (("owner", b"g"), ("none", None), ("", b""))[:shared]
    ready = [
        packed(one.key, one.value, one.headers, one.timestamp_ms, packed_headers(marks), shared)
        for one in found
    ]
    marked = [Record(one.key, one.value, one.timestamp_ms, one.headers + marks) for one in found]
    assert encode(ready) == encode(marked)
    assert all(len(encode([one])) <= size_of(one) + 61 for one in ready)


@given(st.lists(st.integers(1, 30)), st.integers(1, 40))
def test_runs_hold_everything_in_order_and_are_as_long_as_fits(sizes, most):
    found = list(runs(sizes, most, int))
    assert [size for run in found for size in run] == sizes
    assert all(len(run) == 1 or sum(run) <= most for run in found)
    assert all(sum(one) + other[0] > most for one, other in itertools.pairwise(found))
