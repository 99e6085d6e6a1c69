"""Scenarios of produce requests: what is refused, what is changed on the way in, how sequences are held."""

import struct
from typing import Any

from google_crc32c import value as crc32c

from penstock import record
from penstock.compression import GZIP, LZ4, SNAPPY, ZSTD
from penstock.record import Record
from tests.beside.running import Scenario
from tests.differential.asking import Connection, batch, create, fetch

AT_MS = 1_700_000_000_000


def send(c: Connection, topic: str, records: bytes | None, version: int = 9, acks: int = -1) -> Any:
    """Produce of one partition; the error and the offset."""
    data = [{"name": topic, "partition_data": [{"index": 0, "records": records}]}]
    answer = c.ask(0, version, acks=acks, timeout=5000, topic_data=data)
    part = answer["responses"][0]["partition_responses"][0]
    return [part["error_code"], part["base_offset"]]


def identity(c: Connection) -> int:
    """A fresh idempotent producer's id; its epoch is 0."""
    answer = c.ask(
        22, 4, transactional_id=None, transaction_timeout=60_000, producer_id=-1, producer_epoch=-1
    )
    return int(answer["producer_id"])


def changed(data: bytes, **fields: int) -> bytes:
    """A batch with other values in its header, and a checksum that fits."""
    names = ("offset", "length", "epoch", "magic", "crc", "attributes", "last", "first_ms", "last_ms", "pid", "pepoch",
             "sequence", "count")  # fmt: skip
    header = list(record.HEADER.unpack_from(data))
    for name, value in fields.items():
        header[names.index(name)] = value
    packed = bytearray(record.HEADER.pack(*header) + data[record.HEADER_SIZE :])
    if "crc" not in fields:
        struct.pack_into(">I", packed, 17, crc32c(bytes(packed[21:])))
    return bytes(packed)


def the_leader_alone_acknowledges(c: Connection, topic: str) -> Any:
    create(c, topic)
    sent = [send(c, topic, batch(b"a"), acks=1), send(c, topic, batch(b"b"), acks=1)]
    until_end(c, topic, 2)  # of ours only what is on disk is seen
    return [sent, fetch(c, topic, 0)]


def until_end(c: Connection, topic: str, offset: int) -> Any:
    """Wait until the partition ends there; ListOffsets' answer."""
    parts = [{"partition_index": 0, "current_leader_epoch": -1, "timestamp": -1}]
    return c.ask_until(
        lambda answer: answer["topics"][0]["partitions"][0]["offset"] == offset,
        2, 7, replica_id=-1, isolation_level=0, topics=[{"name": topic, "partitions": parts}],
    )  # fmt: skip


def without_acknowledgement_an_error_closes_the_connection(c: Connection, topic: str) -> Any:
    create(c, topic)

    def silent(other: Connection, name: str) -> Any:
        data = [{"name": name, "partition_data": [{"index": 0, "records": batch(b"x")}]}]
        other.begin(0, 9, acks=0, timeout=5000, topic_data=data)
        return other

    good = silent(c.other(), topic)
    good.begun.clear()
    return [until_end(good, topic, 1), silent(c.other(), f"{topic}-unknown").take()]


def a_batch_that_contradicts_itself_is_refused(c: Connection, topic: str) -> Any:
    create(c, topic)
    good = batch(b"a", b"b")
    return [
        send(c, topic, changed(good, count=3)), send(c, topic, changed(good, count=1)),
        send(c, topic, changed(good, last=7)), send(c, topic, changed(good, last=-1)),
        send(c, topic, changed(good, count=0)), send(c, topic, changed(good, count=-1)),
        send(c, topic, changed(good, attributes=0x20)), send(c, topic, good + batch(b"c")),
        send(c, topic, changed(good, magic=3)), fetch(c, topic, 0),
    ]  # fmt: skip


def nothing_to_append_is_refused(c: Connection, topic: str) -> Any:
    create(c, topic)
    return [send(c, topic, b""), send(c, topic, b"x"), send(c, topic, b"", version=3), fetch(c, topic, 0)]


def a_codec_that_the_version_does_not_know_is_refused(c: Connection, topic: str) -> Any:
    create(c, topic)
    records = [Record(None, b"x" * 100, AT_MS)]
    packed = record.encode(records, codec=ZSTD)
    return [
        send(c, topic, packed, version=6), send(c, topic, packed, version=7),
        send(c, topic, changed(packed, attributes=5)), send(c, topic, changed(packed, attributes=7)),
        fetch(c, topic, 0),
    ]  # fmt: skip


def batches_of_every_codec_come_back_as_they_went(c: Connection, topic: str) -> Any:
    create(c, topic)
    records = [Record(b"k", b"x" * 100, AT_MS, (("h", b"1"), ("none", None)))]
    sent = [send(c, topic, record.encode(records, codec=codec)) for codec in (SNAPPY, LZ4, ZSTD)]
    return [sent, fetch(c, topic, 0)]


def a_topic_s_own_codec_takes_the_place_of_the_producer_s(c: Connection, topic: str) -> Any:
    create(c, topic, compression_type="gzip")
    create(c, f"{topic}-plain", compression_type="uncompressed")
    records = [Record(None, b"x" * 500, AT_MS)]
    sent = [send(c, name, record.encode(records, codec=codec))
            for name in (topic, f"{topic}-plain") for codec in (0, GZIP, LZ4)]  # fmt: skip
    return [sent, fetch(c, topic, 0), fetch(c, f"{topic}-plain", 0)]


def a_topic_stamps_the_time_itself(c: Connection, topic: str) -> Any:
    create(c, topic, message_timestamp_type="LogAppendTime")
    data = [{"name": topic, "partition_data": [{"index": 0, "records": batch(b"a", b"b", at_ms=1)}]}]
    answer = c.ask_whole(0, 9, acks=-1, timeout=5000, transactional_id=None, topic_data=data)
    stamped = answer.responses[0].partition_responses[0].log_append_time is not None
    return [stamped, fetch(c, topic, 0)]


def a_time_that_is_too_far_off_is_refused(c: Connection, topic: str) -> Any:
    create(c, topic, message_timestamp_before_max_ms="1000", message_timestamp_after_max_ms="1000")
    create(c, f"{topic}-any")
    return [
        send(c, topic, batch(b"old")), send(c, topic, batch(b"new", at_ms=4_000_000_000_000)),
        send(c, f"{topic}-any", batch(b"old", at_ms=0)), send(c, f"{topic}-any", batch(b"none", at_ms=-1)),
        send(c, f"{topic}-any", batch(b"new", at_ms=4_000_000_000_000)), fetch(c, f"{topic}-any", 0),
    ]  # fmt: skip


def a_batch_larger_than_a_segment_is_refused(c: Connection, topic: str) -> Any:
    create(c, topic, segment_bytes="1048576", max_message_bytes="3000000")
    return [
        send(c, topic, batch(b"x" * 1_500_000)),
        send(c, topic, batch(b"x" * 1_000_000)),
        fetch(c, topic, 0)["error_code"],
    ]


def a_record_without_a_key_is_refused_where_keys_count(c: Connection, topic: str) -> Any:
    create(c, topic, cleanup_policy="compact")
    keyed, bare = Record(b"k", b"v", AT_MS), Record(None, b"v", AT_MS)
    data = [{"name": topic, "partition_data": [{"index": 0, "records": record.encode([keyed, bare, bare])}]}]
    part = c.ask(0, 9, acks=-1, timeout=5000, topic_data=data)["responses"][0]["partition_responses"][0]
    return [
        part["error_code"], [each["batch_index"] for each in part["record_errors"]],
        send(c, topic, record.encode([keyed])), send(c, topic, record.encode([Record(b"", b"v", AT_MS)])),
        send(c, topic, record.encode([bare], codec=LZ4)), fetch(c, topic, 0),
    ]  # fmt: skip


def internal_topics_take_no_records(c: Connection, topic: str) -> Any:
    names = ("__consumer_offsets", "__transaction_state", "bad name!", "")
    return [send(c, name, batch(b"x"))[0] for name in names]


def one_refused_partition_does_not_hold_up_the_others(c: Connection, topic: str) -> Any:
    create(c, topic, 2, max_message_bytes="500")
    parts = [{"index": index, "records": records}
             for index, records in enumerate((batch(b"a"), batch(b"x" * 1000), batch(b"c")))]  # fmt: skip
    answer = c.ask(0, 9, acks=-1, timeout=5000, topic_data=[{"name": topic, "partition_data": parts}])
    told = answer["responses"][0]["partition_responses"]
    return [sorted((p["index"], p["error_code"], p["base_offset"]) for p in told), fetch(c, topic, 0)]


def a_batch_sent_again_after_five_others_is_not_known_any_more(c: Connection, topic: str) -> Any:
    create(c, topic)
    pid = identity(c)
    first = [send(c, topic, batch(b"%d" % n, producer_id=pid, epoch=0, sequence=n)) for n in range(7)]
    again = [send(c, topic, batch(b"%d" % n, producer_id=pid, epoch=0, sequence=n)) for n in (0, 1, 2, 6)]
    return [first, again, fetch(c, topic, 0)]


def a_producer_nobody_knows_begins_anywhere(c: Connection, topic: str) -> Any:
    create(c, topic)
    far = 2_000_000_000

    def one(pid: int, epoch: int, sequence: int) -> Any:
        return send(c, topic, batch(b"x", producer_id=pid, epoch=epoch, sequence=sequence))

    return [one(far, 0, 5), one(far, 0, 6), one(far + 1, 3, 0), one(far + 1, 2, 1), one(far + 1, 4, 9), one(far + 1, 4, 0),
            one(far + 2, 0, -1), one(far + 2, -1, 0)]  # fmt: skip


def sequences_begin_anew_after_the_largest(c: Connection, topic: str) -> Any:
    create(c, topic)
    pid, largest = identity(c), 2**31 - 1

    def some(*values: bytes, sequence: int) -> Any:
        return send(c, topic, batch(*values, producer_id=pid, epoch=0, sequence=sequence))

    return [some(b"a", sequence=largest - 1), some(b"b", b"c", b"d", sequence=largest), some(b"e", sequence=2),
            some(b"e", sequence=1), some(b"b", b"c", b"d", sequence=largest), fetch(c, topic, 0)]  # fmt: skip


PRODUCING: tuple[Scenario, ...] = (
    the_leader_alone_acknowledges,
    without_acknowledgement_an_error_closes_the_connection,
    a_batch_that_contradicts_itself_is_refused,
    nothing_to_append_is_refused,
    a_codec_that_the_version_does_not_know_is_refused,
    batches_of_every_codec_come_back_as_they_went,
    a_topic_s_own_codec_takes_the_place_of_the_producer_s,
    a_topic_stamps_the_time_itself,
    a_time_that_is_too_far_off_is_refused,
    a_batch_larger_than_a_segment_is_refused,
    a_record_without_a_key_is_refused_where_keys_count,
    internal_topics_take_no_records,
    one_refused_partition_does_not_hold_up_the_others,
    a_batch_sent_again_after_five_others_is_not_known_any_more,
    a_producer_nobody_knows_begins_anywhere,
    sequences_begin_anew_after_the_largest,
)
