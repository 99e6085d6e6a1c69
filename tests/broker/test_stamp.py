"""Stamping batches: in place where nobody else reads them, in a copy where somebody might."""

from penstock import record
from penstock.broker.records.stamp import stamp
from penstock.broker.topics.settings import settings_of
from penstock.errors import Refused

from .bench import START

BATCH = record.encode([record.Record(None, b"value", START.wall_ms)])
PLAIN = settings_of({}, 1_000_000)


def stamped(batches):
    found = stamp(batches, list(record.scan(batches)), PLAIN, START)
    assert not isinstance(found, Refused)
    return found[0]


def test_a_requests_own_buffer_is_not_copied():
    own = bytearray(BATCH)
    record.place(stamped(memoryview(own)), 0, 7)
    assert record.info_at(own, 0).base_offset == 7


def test_what_was_received_read_only_is_copied():
    record.place(stamped(memoryview(BATCH)), 0, 7)
    assert record.info_at(BATCH, 0).base_offset == 0


def test_a_callers_bytearray_stays_as_it_is():
    theirs = bytearray(BATCH)
    record.place(stamped(theirs), 0, 7)
    assert theirs == BATCH
