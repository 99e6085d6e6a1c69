"""The broker's own topics with damage in them: what can be read is, what cannot is told, and the broker starts."""

import json

import pytest

from penstock import record
from penstock.broker.records.durable import Durability
from penstock.broker.records.producer_ids import ProducerIds
from penstock.broker.topics.internal import CONSUMER_OFFSETS, PRODUCER_IDS, InternalTopics
from penstock.clock import Now
from penstock.record import Record
from tests.broker.fake_log import FakeLog

NOW = Now(0.0, 1_700_000_000_000)


def stored(name, values):
    log, notices = FakeLog(always=False), []
    log.create_topic(name, 1, {}, NOW)
    (one,) = log.topics[name].partitions
    for value in values:
        batch = bytearray(record.encode([Record(b"next", value, NOW.wall_ms)]))
        one.append(batch, list(record.scan(batch)), NOW)
    return one, InternalTopics(log, Durability(lambda *_: None), notices), notices


def damage(partition, number, place):
    info, batch = partition.batches[number]
    content = bytearray(batch)
    content[place] ^= 0xFF
    partition.batches[number] = info, bytes(content)


def test_a_batch_with_a_damaged_byte_is_left_out_and_the_others_are_read():
    one, internal, notices = stored(CONSUMER_OFFSETS, [b"a", b"b", b"c"])
    damage(one, 1, -3)
    assert [found.value for found in internal.read(CONSUMER_OFFSETS, 0)] == [b"a", b"c"]
    assert len(notices) == 1
    assert "__consumer_offsets-0: offsets 1 to 1 are damaged" in notices[0]
    assert "backup" in notices[0]


@pytest.mark.parametrize("place", range(27))
def test_reading_ends_whatever_byte_of_the_framing_is_damaged(place):
    one, internal, notices = stored(CONSUMER_OFFSETS, [b"a", b"b", b"c"])
    damage(one, 1, place)
    found = [each.value for each in internal.read(CONSUMER_OFFSETS, 0)]
    assert found[0] == b"a"
    assert notices or found == [b"a", b"b", b"c"]


def test_no_producer_id_is_given_twice_though_the_last_reservation_is_lost():
    reserved = [json.dumps({"version": 1, "next": (n + 1) * 1000}).encode() for n in range(3)]
    _, internal, _ = stored(PRODUCER_IDS, reserved)
    before = ProducerIds(internal)._next
    one, internal, notices = stored(PRODUCER_IDS, reserved)
    damage(one, 2, -3)
    assert ProducerIds(internal)._next >= before
    assert notices
