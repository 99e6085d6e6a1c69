"""Idempotent producers: duplicates found, gaps refused, ids given once."""

from typing import Any

import pytest

from penstock.broker.broker import BrokerOptions
from penstock.broker.records import sequences
from penstock.broker.records.sequences import SEQUENCE_MAX
from penstock.calls import Appended, InitProducer, ProducerIdentity
from penstock.errors import Refusal

from .bench import ME, START, Table, answer_of
from .on_disk import DiskTable


def send(table: Table, sequence: int, *values: bytes, epoch: int = 0, producer: int = 7) -> Any:
    answer = table.append(
        "t", *(values or (b"v",)), producer_id=producer, producer_epoch=epoch, base_sequence=sequence
    )
    table.sync()
    return answer_of(answer)[0]


def table_with_topic(**options: Any) -> Table:
    table = Table(options=BrokerOptions(**options))
    table.topic("t")
    return table


def test_a_batch_sent_again_is_answered_with_its_first_offset_and_not_written() -> None:
    table = table_with_topic()
    for sequence in range(6):
        assert send(table, sequence) == Appended(sequence)
    for sequence in (5, 3, 1):
        assert send(table, sequence) == Appended(sequence)
    assert table.log.topics["t"].partitions[0].end_offset == 6
    assert send(table, 0).reason is Refusal.OUT_OF_ORDER_SEQUENCE, "older than the last five"


def test_a_duplicate_of_what_is_not_durable_yet_waits_with_the_original() -> None:
    table = table_with_topic()
    batch = {"producer_id": 7, "producer_epoch": 0, "base_sequence": 0}
    first, again = table.append("t", b"v", **batch), table.append("t", b"v", **batch)
    assert not again.done
    table.sync()
    assert answer_of(first) == answer_of(again) == [Appended(0)]


def test_a_gap_is_refused_and_what_fills_it_is_taken() -> None:
    table = table_with_topic()
    send(table, 0, b"a", b"b")
    assert send(table, 3).reason is Refusal.OUT_OF_ORDER_SEQUENCE
    assert send(table, 1).reason is Refusal.OUT_OF_ORDER_SEQUENCE
    assert send(table, 2) == Appended(2)


def test_sequences_wrap() -> None:
    table = table_with_topic()
    assert send(table, SEQUENCE_MAX - 1, b"a", b"b", b"c") == Appended(0)
    assert send(table, 1) == Appended(3)
    assert send(table, SEQUENCE_MAX - 1, b"a", b"b", b"c") == Appended(0)


def test_epochs_begin_with_zero_and_fence_the_older() -> None:
    table = table_with_topic()
    send(table, 0)
    assert send(table, 1, epoch=1).reason is Refusal.OUT_OF_ORDER_SEQUENCE
    assert send(table, 0, epoch=1) == Appended(1)
    assert send(table, 1, epoch=0).reason is Refusal.STALE_PRODUCER_EPOCH


def test_a_producer_of_whom_nothing_is_known_may_begin_anywhere() -> None:
    table = table_with_topic()
    assert send(table, 41) == Appended(0)
    assert send(table, 43).reason is Refusal.OUT_OF_ORDER_SEQUENCE
    table.later(24 * 3600 + 1)
    assert send(table, 43) == Appended(1), "it was forgotten"


def test_the_producers_remembered_are_bounded_and_the_longest_silent_goes() -> None:
    table = table_with_topic(producers_max=2)
    for producer in (1, 2, 3):
        send(table, 0, producer=producer)
    assert send(table, 5, producer=3).reason is Refusal.OUT_OF_ORDER_SEQUENCE
    assert send(table, 5, producer=1) == Appended(3)


def test_an_idempotent_batch_without_its_marks_is_refused() -> None:
    table = table_with_topic()
    assert send(table, -1).reason is Refusal.BAD_RECORD
    assert send(table, 0, epoch=-1).reason is Refusal.BAD_RECORD


def test_every_producer_gets_an_id_of_its_own_once_a_block_is_on_disk() -> None:
    table = Table()
    first, second = (table.broker.answer(InitProducer(ME), START) for _ in range(2))
    assert not first.done and table.broker.needs_sync  # type: ignore[attr-defined]
    table.sync()
    assert answer_of(first) == ProducerIdentity(0, 0)
    assert answer_of(second) == ProducerIdentity(1, 0)
    assert table.ask(InitProducer(ME)) == ProducerIdentity(2, 0), "the block lasts"


def test_a_restart_remembers_producers_from_the_log_alone() -> None:
    table = DiskTable()
    table.topic("t")
    for sequence in range(3):
        send(table, sequence)
    table.append("t", b"no producer")
    table.restart()
    table.append("t", b"before the first idempotent one")
    assert send(table, 2) == Appended(2)
    assert send(table, 5).reason is Refusal.OUT_OF_ORDER_SEQUENCE
    assert send(table, 3) == Appended(5)


def test_producer_ids_are_never_given_twice_whenever_the_server_falls() -> None:
    table, given = DiskTable(), set[int]()
    for steps in range(1, 60):
        table.crash_after(steps)
        for _ in range(2):
            answer = table.survive(InitProducer(ME))
            if answer is not None:
                assert answer.producer_id not in given
                given.add(answer.producer_id)
        table.restart()
    assert len(given) > 20


def test_only_the_end_of_a_long_partition_is_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sequences, "REBUILT_BYTES", 1000)
    table = DiskTable()
    table.topic("t")
    send(table, 0, producer=1)
    for sequence in range(100):
        send(table, sequence, producer=2)
    table.restart()
    for _ in range(30):
        table.append("t", b"newer than the start, and no reason to forget what was before it")
    assert send(table, 99, producer=2) == Appended(100), "found, though more than the end was written since"
    assert send(table, 0, producer=1).base_offset > 100, "too long ago: unknown, so it may begin anywhere"
