"""Appends, fetches, offsets by time."""

from penstock import record
from penstock.calls import (
    EARLIEST,
    LATEST,
    MAX_TIMESTAMP,
    Append,
    Appended,
    AppendPart,
    DeleteTopics,
    Fetch,
    Fetched,
    FetchPart,
    FoundOffset,
    ListOffsets,
    OffsetsPart,
)
from penstock.compression import GZIP, ZSTD
from penstock.errors import Refusal
from penstock.later import Later

from .bench import ME, START, Table, answer_of, batch_of, values_of
from .fake_log import FakeLog
from .on_disk import DiskTable


def test_an_append_is_answered_when_the_disk_has_it_and_read_only_then() -> None:
    table = Table()
    table.topic("t")
    answer = table.append("t", b"a", b"b")
    assert isinstance(answer, Later) and not answer.done
    assert table.broker.needs_sync
    assert table.fetch("t", 0, wait_ms=0)[0] == Fetched(b"", 0, 0, 0)
    table.sync()
    assert answer_of(answer) == [Appended(0, -1, 0)]
    fetched = table.fetch("t", 0)[0]
    assert values_of(fetched) == [b"a", b"b"] and fetched.high_watermark == fetched.stable_offset == 2
    assert not table.broker.needs_sync


def test_acks_1_and_0_are_answered_at_once_and_still_ask_for_a_sync() -> None:
    table = Table()
    table.topic("t")
    assert table.append("t", b"a", acks=1) == [Appended(0, -1, 0)]
    assert table.append("t", b"b", acks=0) == [Appended(1, -1, 0)]
    assert table.broker.needs_sync


def test_a_log_that_does_not_wait_for_the_disk_answers_and_wakes_at_once() -> None:
    table = Table(FakeLog(always=False))
    table.topic("t")
    waiting = table.fetch("t", 0, wait_ms=1000)
    assert table.append("t", b"a") == [Appended(0, -1, 0)]
    assert not table.broker.needs_sync
    assert values_of(answer_of(waiting)[0]) == [b"a"]


def test_parts_are_answered_in_order_and_a_bad_one_does_not_hurt_its_neighbours() -> None:
    table = Table()
    table.topic("t", 2)
    good, bad = batch_of(b"v"), bytearray(batch_of(b"v"))
    bad[-1] ^= 1
    parts = (
        AppendPart("t", 1, good),
        AppendPart("t", 0, bytes(bad)),
        AppendPart("u", 0, good),
        AppendPart("t", 9, good),
    )
    results = table.settled(Append(ME, parts))
    assert results[0] == Appended(0, -1, 0)
    assert [one.reason for one in results[1:]] == [Refusal.CORRUPT, Refusal.NO_TOPIC, Refusal.NO_TOPIC]


def test_what_an_append_refuses() -> None:
    table = Table()
    table.topic("t", max_message_bytes="200")
    part = AppendPart("t", 0, batch_of(b"v"))
    cases = [
        (Append(ME, (part,), acks=2), Refusal.BAD_ACKS),
        (Append(ME, (AppendPart("t", 0, batch_of(b"v" * 200)),)), Refusal.TOO_LARGE),
        (
            Append(ME, (AppendPart("t", 0, batch_of(b"v", transactional=True, producer_id=1)),)),
            Refusal.TRANSACTIONAL_ID_NOT_ALLOWED,
        ),
        (
            Append(ME, (AppendPart("t", 0, batch_of(b"v", at_ms=START.wall_ms + 3_700_000)),)),
            Refusal.BAD_TIMESTAMP,
        ),
        (Append(ME, (AppendPart("t", 0, b""),)), Refusal.BAD_RECORD),
        (Append(ME, (AppendPart("t", 0, batch_of(b"v") * 2),)), Refusal.BAD_RECORD),
        (Append(ME, (AppendPart("__consumer_offsets", 0, batch_of(b"v")),)), Refusal.BAD_TOPIC_NAME),
    ]
    for call, reason in cases:
        assert table.ask(call)[0].reason is reason, call


def test_a_disk_that_is_too_slow_for_the_timeout_is_said_so() -> None:
    table = Table()
    table.topic("t")
    answer = table.ask(Append(ME, (AppendPart("t", 0, batch_of(b"v")),), timeout_ms=50))
    table.later(0.051)
    assert answer_of(answer)[0].reason is Refusal.TIMED_OUT
    table.sync()  # the late disk has nobody to answer


def test_log_append_time_replaces_the_producers_time() -> None:
    table = Table()
    table.topic("t", message_timestamp_type="LogAppendTime")
    answer = table.append("t", b"a", b"b", at_ms=5)
    table.sync()
    assert answer_of(answer) == [Appended(0, START.wall_ms, 0)]
    fetched = table.fetch("t", 0)[0]
    assert [one.timestamp_ms for one in record.decode(fetched.batches)] == [START.wall_ms] * 2
    assert next(record.scan(fetched.batches)).log_append_time


def test_a_fetch_waits_for_its_bytes_and_is_woken_by_its_own_topic_only() -> None:
    table = Table()
    table.topic("t")
    table.topic("u")
    waiting = table.fetch("t", 0, wait_ms=500)
    table.append("u", b"other", acks=1)
    table.sync()
    assert not waiting.done
    table.append("t", b"mine", acks=1)
    assert not waiting.done
    table.sync()
    assert values_of(answer_of(waiting)[0]) == [b"mine"]


def test_a_fetch_ends_empty_when_its_time_is_over() -> None:
    table = Table()
    table.topic("t")
    waiting = table.fetch("t", 0, wait_ms=500)
    assert table.broker.next_wake_s(table.now) == 0.5
    table.later(0.499)
    assert not waiting.done
    table.later(0.002)
    assert answer_of(waiting) == [Fetched(b"", 0, 0, 0)]
    assert (table.broker.next_wake_s(table.now) or 0) > 60


def test_a_fetch_counts_up_to_its_least_bytes_over_several_appends() -> None:
    table = Table()
    table.topic("t")
    size = len(batch_of(b"v"))
    waiting = table.fetch("t", 0, wait_ms=500, bytes_min=3 * size)
    for _ in range(3):
        assert not waiting.done
        table.append("t", b"v", acks=1)
        table.sync()
    assert len(answer_of(waiting)[0].batches) == 3 * size


def test_a_reader_always_gets_on_however_small_its_limits() -> None:
    table = Table()
    table.topic("t", 2)
    for partition in (0, 1):
        table.append("t", b"v" * 100, acks=1, partition=partition)
        table.append("t", b"w" * 100, acks=1, partition=partition)
    table.sync()
    parts = (FetchPart("t", 0, 0, 10), FetchPart("t", 1, 0, 10))
    first, second = table.ask(Fetch(ME, parts, bytes_max=1))
    assert values_of(first) == [b"v" * 100] and second.batches == b""
    size = len(first.batches)
    parts = (FetchPart("t", 0, 0, 10_000), FetchPart("t", 1, 0, 10_000))
    first, second = table.ask(Fetch(ME, parts, bytes_max=3 * size))
    assert (len(first.batches), len(second.batches)) == (2 * size, size)


def test_an_offset_outside_of_the_partition_is_refused_at_once() -> None:
    table = Table()
    table.topic("t")
    table.append("t", b"v", acks=1)
    for offset in (-1, 2):
        assert table.fetch("t", offset, wait_ms=1000)[0].reason is Refusal.OFFSET_OUT_OF_RANGE
    assert not table.fetch("t", 1, wait_ms=1000).done, "above the watermark, but not beyond the end"


def test_a_deleted_topic_answers_everyone_who_waits_for_it() -> None:
    table = Table()
    table.topic("t")
    append, fetch = table.append("t", b"v"), table.fetch("t", 1, wait_ms=1000)
    table.ask(DeleteTopics(ME, ("t",)))
    assert answer_of(append)[0].reason is answer_of(fetch)[0].reason is Refusal.NO_TOPIC
    assert not table.broker.needs_sync


def test_a_dropped_fetch_is_forgotten() -> None:
    table = Table()
    table.topic("t")
    waiting = table.fetch("t", 0, wait_ms=500)
    assert table.broker.measures()["penstock_waiting_fetches"] == 1
    table.broker.drop(waiting)
    table.broker.drop(object())
    table.append("t", b"v", acks=1)
    table.sync()
    table.later(1)
    assert not waiting.done
    assert table.broker.measures()["penstock_waiting_fetches"] == 0


def test_offsets_are_found_by_time_and_by_name() -> None:
    table = Table()
    table.topic("t")
    for at_ms in (100, 300, 200):
        table.append("t", b"v", at_ms=at_ms, acks=1)
    table.sync()
    table.append("t", b"v", at_ms=900, acks=1)  # not durable: nobody sees it
    asked = (EARLIEST, LATEST, MAX_TIMESTAMP, 150, 301, 900, -5)
    found = table.ask(ListOffsets(ME, tuple(OffsetsPart("t", 0, at) for at in asked)))
    none = FoundOffset(-1, -1, -1)
    assert found[:6] == [FoundOffset(0, -1), FoundOffset(3, -1), none, FoundOffset(1, 300), none, none]
    assert found[6].reason is Refusal.UNSUPPORTED_VERSION
    table.sync()
    assert table.ask(ListOffsets(ME, (OffsetsPart("t", 0, MAX_TIMESTAMP),))) == [FoundOffset(3, 900)]
    assert table.ask(ListOffsets(ME, (OffsetsPart("t", 1, 0),)))[0].reason is Refusal.NO_TOPIC


def test_a_later_part_that_does_not_fit_waits_for_its_turn() -> None:
    table = Table()
    table.topic("t", 2)
    table.append("t", b"v" * 10, acks=1)
    table.append("t", b"w" * 500, acks=1, partition=1)
    table.sync()
    parts = (FetchPart("t", 0, 0, 10_000), FetchPart("t", 1, 0, 10_000))
    first, second = table.ask(Fetch(ME, parts, bytes_max=len(batch_of(b"v" * 10)) + 100))
    assert values_of(first) == [b"v" * 10] and second.batches == b""


def test_what_is_written_during_a_sync_needs_the_next_one() -> None:
    table = DiskTable()
    table.topic("t")
    first = table.append("t", b"a")
    sync = table.log.begin_sync(table.now)
    second = table.append("t", b"b")
    sync.run()
    table.broker.moved(table.log.end_sync(sync, table.now), table.now)
    assert first.done and not second.done and table.broker.needs_sync
    table.sync()
    assert second.done and not table.broker.needs_sync


def test_a_topic_may_want_another_codec_and_keys() -> None:
    table = Table()
    table.topic("z", compression_type="zstd")
    table.topic("c", cleanup_policy="compact")
    batch = batch_of(b"v" * 500, b"w", codec=GZIP, producer_id=3, producer_epoch=0, base_sequence=0)
    table.settled(Append(ME, (AppendPart("z", 0, batch),)))
    fetched = table.fetch("z", 0)[0]
    info = next(record.scan(fetched.batches))
    assert (info.codec, info.producer_id, info.base_sequence) == (ZSTD, 3, 0)
    assert values_of(fetched) == [b"v" * 500, b"w"]
    assert table.append("c", b"v")[0].reason is Refusal.BAD_RECORD
    assert table.append("c", b"v", key=b"k", codec=GZIP, acks=1) == [Appended(0)]


def test_a_batch_that_grows_too_large_in_the_topics_codec_is_refused() -> None:
    table = Table()
    table.topic("u", compression_type="uncompressed", max_message_bytes="200")
    assert table.append("u", b"v" * 1000, codec=GZIP)[0].reason is Refusal.TOO_LARGE


def test_a_full_disk_refuses_appends_and_takes_them_again_when_there_is_room() -> None:
    table = DiskTable()
    table.topic("t")
    table.settled(Append(ME, (AppendPart("t", 0, batch_of(b"a")),)))
    table.disk.room = 10
    assert table.append("t", b"b")[0].reason is Refusal.DISK_FULL
    table.disk.room = None
    assert table.settled(Append(ME, (AppendPart("t", 0, batch_of(b"c")),))) == [Appended(1)]
    assert values_of(table.fetch("t", 0)[0]) == [b"a", b"c"]


def test_nothing_acknowledged_is_lost_whenever_the_server_falls() -> None:
    for seed in range(30):
        table, acknowledged = DiskTable(seed), dict[int, bytes]()
        table.topic("t")
        table.crash_after(5 + seed)
        for number in range(20):
            value = b"%d" % number
            call = Append(ME, (AppendPart("t", 0, batch_of(value)),))
            answer = table.survive(call)
            if answer is not None:
                acknowledged[answer[0].base_offset] = value
        table.restart()
        there = {one.offset: one.value for one in record.decode(table.fetch("t", 0, wait_ms=0)[0].batches)}
        assert acknowledged.items() <= there.items()


def test_waits_leave_nothing_behind() -> None:
    table = Table()
    table.topic("t")
    waits = table.broker._state.waits
    for _ in range(3):
        table.fetch("t", 0, wait_ms=10)
    table.later(1)
    assert len(waits) == 0 and not waits._by_topic


def test_a_fetch_does_not_wait_for_more_than_it_may_take() -> None:
    table = Table()
    table.topic("t")
    for _ in range(3):
        table.append("t", b"v" * 100, acks=1)
    table.sync()
    parts = (FetchPart("t", 0, 0, 200),)
    assert len(table.ask(Fetch(ME, parts, bytes_min=10_000))) == 1, "the limit came before the watermark"
    assert not table.fetch("t", 0, bytes_min=10_000).done


def test_a_fetch_counts_all_that_one_sync_made_safe() -> None:
    table = DiskTable()
    table.topic("t")
    waiting = table.fetch("t", 0, bytes_min=5 * len(batch_of(b"v" * 100)))
    for number in range(5):
        assert not waiting.done
        table.append("t", b"v" * 100, acks=1)
        if number != 2:
            table.sync()
    assert answer_of(waiting)[0].high_watermark == 5
