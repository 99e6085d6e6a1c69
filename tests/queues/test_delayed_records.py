"""Records of topics with penstock.delay.enable: kept back until the moment in their header, whatever happens meanwhile."""

import random
from collections import Counter as Counting
from dataclasses import replace
from typing import Any

import pytest

from penstock import record
from penstock.broker.records import delayed
from penstock.calls import (
    AddPartitions,
    AlterConfigs,
    AlteredResource,
    Append,
    Appended,
    AppendPart,
    ConfigChange,
    CreateTopics,
    DeleteTopics,
    DescribeConfigs,
    InitProducer,
    NewTopic,
)
from penstock.compression import GZIP, LZ4, NONE, SNAPPY, ZSTD
from penstock.errors import Refusal, Refused
from penstock.later import Later
from penstock.record import Record
from penstock.testing.disk import Crashed
from tests.broker.bench import answer_of
from tests.queues.counter import ME, Counter

DELAYS = {"penstock.delay.enable": "true"}
PARKED = "penstock_topic_delayed_records"


@pytest.fixture
def counter() -> Counter:
    return started()


def started(seed: int = 0, **configs: str) -> Counter:
    counter = Counter(seed)
    make(counter, "t", **configs)
    return counter


def make(counter: Counter, name: str, partitions: int = 1, **configs: str) -> None:
    dotted = {key.replace("_", "."): value for key, value in configs.items()}
    [made] = counter.ask(CreateTopics(ME, (NewTopic(name, partitions, 1, {**DELAYS, **dotted}),)))
    assert not isinstance(made, Refused)


def one(counter: Counter, value: bytes, after_s: float | None = None, key: bytes | None = b"k") -> Record:
    """A record that is due so much later, or at once."""
    headers: tuple[tuple[str, bytes | None], ...] = (("trace", b"1"), ("none", None))
    if after_s is not None:
        headers += (("deliver-at", str(counter.now.wall_ms + round(after_s * 1000)).encode()),)
    return Record(key, value, counter.now.wall_ms - 7, headers)


def send(
    counter: Counter, *records: Record, topic: str = "t", partition: int = 0, acks: int = -1, **how: Any
) -> Any:
    batch = record.encode(records, **how)
    return counter.ask(Append(ME, (AppendPart(topic, partition, batch),), acks))[0]


def read(counter: Counter, topic: str = "t", partition: int = 0) -> list[Record]:
    return [each for batch in batches(counter, topic, partition) for each in record.decode(batch)]


def batches(counter: Counter, topic: str = "t", partition: int = 0) -> list[bytes]:
    """What consumers may see of a partition."""
    found: list[bytes] = []
    stored = counter.log.topics[topic].partitions[partition]
    at = stored.start_offset
    while at < stored.durable_offset:
        chunk = bytes(stored.read(at, 1 << 20, end=stored.durable_offset))
        for info in record.scan(chunk):
            found.append(chunk[info.position : info.position + info.size])
            at = info.last_offset + 1
    return found


def values(counter: Counter, topic: str = "t", partition: int = 0) -> list[bytes | None]:
    return [each.value for each in read(counter, topic, partition)]


def parked(counter: Counter) -> float:
    return counter.broker.measures()[PARKED]


# --- the plain case ---------------------------------------------------------------------------------------------------


def test_records_get_their_offsets_when_they_are_due_and_in_that_order(counter: Counter) -> None:
    late, now, soon = one(counter, b"late", 60), one(counter, b"now"), one(counter, b"soon", 30)
    assert send(counter, late, now, soon) == Appended(0)
    assert [(each.value, each.offset) for each in read(counter)] == [(b"now", 1)]
    assert parked(counter) == 2
    send(counter, one(counter, b"between", 45))
    counter.later(29.9)
    assert values(counter) == [b"now"]
    counter.later(0.2)
    assert values(counter) == [b"now", b"soon"]
    counter.later(40)
    assert values(counter) == [b"now", b"soon", b"between", b"late"]
    assert parked(counter) == 0
    assert counter.broker.measures()["penstock_topic_delayed_records_delivered_total"] == 3
    found = read(counter)
    assert [each.offset for each in found] == [1, 4, 5, 6]
    assert replace(found[3], offset=-1) == late


def test_what_is_due_at_the_same_moment_comes_in_the_order_in_which_it_was_produced(counter: Counter) -> None:
    due = [one(counter, str(number).encode(), 10) for number in range(1200)]
    for begin in range(0, 1200, 400):
        send(counter, *due[begin : begin + 400])
    counter.later(15)
    assert values(counter) == [each.value for each in due]


def test_each_partition_gets_its_own(counter: Counter) -> None:
    make(counter, "many", partitions=3)
    for index in range(3):
        send(counter, one(counter, b"%d" % index, 10 - index), topic="many", partition=index)
    counter.later(11)
    assert [values(counter, "many", index) for index in range(3)] == [[b"0"], [b"1"], [b"2"]]


@pytest.mark.parametrize("codec", [NONE, GZIP, SNAPPY, LZ4, ZSTD])
def test_compressed_batches_stay_so(counter: Counter, codec: int) -> None:
    some = [one(counter, b"x" * 1000, 10 if number % 2 else None) for number in range(10)]
    send(counter, *some, codec=codec)
    counter.later(11)
    found = read(counter)
    assert [replace(each, offset=-1) for each in found] == [*some[::2], *some[1::2]]
    assert {record.info_at(batch, 0).codec for batch in batches(counter)} == {codec}


def test_the_log_s_time_is_the_one_at_which_the_record_is_delivered() -> None:
    counter = started(message_timestamp_type="LogAppendTime")
    begun_ms = counter.now.wall_ms
    send(counter, one(counter, b"now"), one(counter, b"later", 10))
    counter.later(10.5)
    first, second = read(counter)
    assert first.timestamp_ms == begun_ms and second.timestamp_ms >= begun_ms + 10_000


def test_many_are_delivered_a_piece_at_a_time(counter: Counter) -> None:
    for _ in range(4):
        send(counter, *[one(counter, b"x" * 1_000, 5) for _ in range(900)], codec=ZSTD)
    counter.later(20)
    assert len(values(counter)) == 3600
    assert 100 < max(record.info_at(batch, 0).count for batch in batches(counter)) <= 500


# --- the edges --------------------------------------------------------------------------------------------------------


def test_what_is_due_already_is_not_kept_back(counter: Counter) -> None:
    send(counter, one(counter, b"1", -5), one(counter, b"2", 0), one(counter, b"3", -(10**6)))
    assert values(counter) == [b"1", b"2", b"3"]


def test_other_topics_do_not_look_at_the_header(counter: Counter) -> None:
    make(counter, "plain", penstock_delay_enable="false")
    bad = Record(b"k", b"v", counter.now.wall_ms, (("deliver-at", b"soon"),))
    assert send(counter, bad, one(counter, b"1", 60), topic="plain") == Appended(0)
    assert len(read(counter, "plain")) == 2


def test_the_setting_is_described_and_altered(counter: Counter) -> None:
    make(counter, "plain", penstock_delay_enable="false")
    [entries] = counter.ask(DescribeConfigs(ME, (("topic", "plain", ("penstock.delay.enable",)),)))
    assert entries[0].value == "false"
    for value, refused in (("true", False), ("perhaps", True)):
        change = AlteredResource("topic", "plain", (ConfigChange("penstock.delay.enable", value),))
        assert isinstance(counter.ask(AlterConfigs(ME, (change,)))[0], Refused) is refused
    send(counter, one(counter, b"1", 60), topic="plain")
    assert values(counter, "plain") == []
    off = AlteredResource("topic", "plain", (ConfigChange("penstock.delay.enable", None, "delete"),))
    counter.ask(AlterConfigs(ME, (off,)))
    counter.later(61)
    assert values(counter, "plain") == [b"1"], "what is kept back is delivered all the same"


def test_a_wall_clock_that_steps_back_delays_and_one_that_steps_forward_hastens(counter: Counter) -> None:
    send(counter, one(counter, b"a", 10), one(counter, b"b", 3600))
    counter.now = replace(counter.now, wall_ms=counter.now.wall_ms - 60_000)
    counter.later(30)
    assert values(counter) == []
    send(counter, one(counter, b"before", 5))
    counter.later(6)
    assert values(counter) == [b"before"]
    counter.later(40)
    assert values(counter) == [b"before", b"a"]
    counter.now = replace(counter.now, wall_ms=counter.now.wall_ms + 3_600_000)
    counter.later(6)
    assert values(counter) == [b"before", b"a", b"b"]
    assert parked(counter) == 0


def test_a_deleted_topic_s_records_are_dropped(counter: Counter) -> None:
    send(counter, one(counter, b"old", 10))
    counter.ask(DeleteTopics(ME, ("t",)))
    assert parked(counter) == 0
    make(counter, "t")
    counter.later(20)
    assert values(counter) == []
    counter.restart()
    assert counter.queues.ledger.measures()["penstock_queue_messages"] == 0


def test_a_topic_that_was_deleted_just_before_a_crash_leaves_nothing_behind(counter: Counter) -> None:
    send(counter, one(counter, b"old", 10))
    counter.log.delete_topics(["t"])
    counter.restart()
    counter.restart()
    assert counter.queues.ledger.measures()["penstock_queue_messages"] == 0 == parked(counter)
    assert counter.queues.ledger._standing.definitions == {}


# --- the refusals -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", [b"", None, b"soon", b"1e12", b" 5", b"9" * 30, b"0x10", b"1.5"])
def test_what_is_no_number_is_refused(counter: Counter, text: bytes | None) -> None:
    refused = send(counter, Record(b"k", b"v", counter.now.wall_ms, (("deliver-at", text),)))
    assert refused.reason is Refusal.BAD_RECORD and "deliver-at" in refused.message
    assert values(counter) == [] and parked(counter) == 0


def test_more_than_a_year_ahead_is_refused(counter: Counter) -> None:
    assert send(counter, one(counter, b"1", 365 * 86_400)) == Appended(0)
    refused = send(counter, one(counter, b"0"), one(counter, b"1", 367 * 86_400))
    assert refused.reason is Refusal.BAD_RECORD and "record 1" in refused.message
    assert values(counter) == [] and parked(counter) == 1


def test_a_compacted_topic_and_a_transaction_take_none() -> None:
    counter = started(cleanup_policy="compact")
    assert send(counter, one(counter, b"0")) == Appended(0)
    refused = send(counter, one(counter, b"1", 5))
    assert refused.reason is Refusal.BAD_RECORD and "compacted" in refused.message
    make(counter, "u")
    identity = counter.ask(InitProducer(ME, "x"))
    added = counter.ask(AddPartitions(ME, "x", identity.producer_id, identity.producer_epoch, (("u", 0),)))
    assert not isinstance(added, Refused)
    how = {
        "producer_id": identity.producer_id, "producer_epoch": identity.producer_epoch, "base_sequence": 0, "transactional": True,
    }  # fmt: skip
    batch = record.encode([one(counter, b"1", 5)], **how)
    [refused] = counter.ask(Append(ME, (AppendPart("u", 0, batch),), -1, transactional_id="x"))
    assert refused.reason is Refusal.BAD_RECORD and "transaction" in refused.message


def test_a_batch_that_opens_into_too_much_is_refused(counter: Counter) -> None:
    large = send(counter, one(counter, bytes(9 * 1024 * 1024), 5), codec=ZSTD)
    assert large.reason is Refusal.CORRUPT
    many = send(counter, *[Record(None, b"", counter.now.wall_ms)] * 20_000, one(counter, b"", 5), codec=ZSTD)
    assert many.reason is Refusal.TOO_LARGE
    assert parked(counter) == 0


# --- the disk ---------------------------------------------------------------------------------------------------------


def batch_of(sequence: int) -> dict[str, int]:
    return {"producer_id": 7, "producer_epoch": 0, "base_sequence": sequence}


def test_an_answer_to_all_waits_for_the_ledger_too(counter: Counter) -> None:
    send(counter, one(counter, b"0", 5))
    counter.skip_sync = True
    answer = send_later(counter, one(counter, b"1", 5))
    [partition] = counter.log.topics["t"].partitions
    [ledger, _] = counter.log.topics["_penstock.queues"].partitions
    for safe in (partition, ledger):
        assert not answer.done and safe.durable_offset < safe.end_offset
        safe.durable_offset = safe.end_offset
        counter.broker.moved([safe], counter.now)
    assert answer_of(answer) == [Appended(1)]


def send_later(counter: Counter, *records: Record) -> Any:
    call = Append(ME, (AppendPart("t", 0, record.encode(records)),), -1)
    answer = counter.broker.answer(call, counter.now)
    assert isinstance(answer, Later)
    return answer


def test_a_full_disk_refuses_and_what_is_sent_again_is_kept(counter: Counter) -> None:
    some = [one(counter, b"x" * 50_000, 5), one(counter, b"now")]
    for room in (0, 100, 30_000, 50_300):
        counter.disk.room = room
        refused = send(counter, *some, **batch_of(0))
        assert isinstance(refused, Refused) and refused.reason is Refusal.DISK_FULL
        assert parked(counter) == 0
    counter.disk.room = None
    counter.later(1)
    assert send(counter, *some, **batch_of(0)) == Appended(0)
    counter.disk.room = 100
    counter.later(6)
    assert values(counter) == [b"now"] and parked(counter) == 1
    counter.disk.room = None
    counter.later(2)
    assert values(counter) == [b"now", b"x" * 50_000] and parked(counter) == 0
    counter.restart()
    assert parked(counter) == 0


# --- large batches, a slice at a time -----------------------------------------------------------------------------------


@pytest.fixture
def sliced(counter: Counter, monkeypatch: pytest.MonkeyPatch) -> Counter:
    monkeypatch.setattr(delayed, "SLICE", 3)
    return counter


def many(counter: Counter, first: int, count: int = 10) -> list[Record]:
    """Every third is due at once."""
    return [one(counter, b"%d" % n, None if n % 3 == 0 else 5 + n) for n in range(first, first + count)]


def begin(counter: Counter, *records: Record, acks: int = -1, **how: Any) -> Any:
    batch = record.encode(records, **how)
    return counter.broker.answer(Append(ME, (AppendPart("t", 0, batch),), acks), counter.now)


def a_turn(counter: Counter) -> None:
    """One slice of each errand."""
    under_way.extend(counter.broker.take_errands())
    for errand in [errand for errand in under_way if errand.piece is not None]:
        errand.go_on(errand.piece())  # type: ignore[misc]  # it has a piece
    under_way[:] = [errand for errand in under_way if errand.piece is not None]
    counter.broker.settle(counter.now)
    counter.sync()


under_way: list[Any] = []


def test_others_have_their_turn_and_what_comes_to_the_partition_waits_in_its_order(sliced: Counter) -> None:
    large, small = many(sliced, 0), one(sliced, b"after", None)
    make(sliced, "u")
    first, second = begin(sliced, *large, **batch_of(0)), begin(sliced, small, acks=1, **batch_of(10))
    third = begin(sliced, *many(sliced, 20), **batch_of(11))
    assert send(sliced, small, topic="u") == Appended(0)  # errands of the first go on, too
    assert [answer_of(one) for one in (first, second, third)] == [
        [Appended(0)],
        [Appended(10)],
        [Appended(11)],
    ]
    assert [each.value for each in read(sliced)][:5] == [b"0", b"3", b"6", b"9", b"after"]
    sliced.later(40)
    assert Counting(values(sliced)) == Counting(each.value for each in [*large, small, *many(sliced, 20)])


def test_a_slice_is_all_that_a_turn_holds(sliced: Counter) -> None:
    under_way.clear()
    answer = begin(sliced, *many(sliced, 0, 30))
    turns = 0
    while not answer.done:
        before = sliced.queues.ledger.measures()["penstock_queue_messages"]
        a_turn(sliced)
        turns += 1
        assert sliced.queues.ledger.measures()["penstock_queue_messages"] - before <= 3
        assert turns < 100
    assert turns > 20 and answer_of(answer) == [Appended(0)]
    assert parked(sliced) == 20


@pytest.mark.parametrize("turns", range(8))
def test_a_topic_that_is_deleted_meanwhile_leaves_nothing(sliced: Counter, turns: int) -> None:
    under_way.clear()
    answer, other = begin(sliced, *many(sliced, 0)), begin(sliced, one(sliced, b"1"))
    for _ in range(turns):
        a_turn(sliced)
    sliced.broker.answer(DeleteTopics(ME, ("t",)), sliced.now)
    make(sliced, "t")
    for _ in range(20):
        a_turn(sliced)
    for later in (answer, other):
        [result] = answer_of(later)
        assert isinstance(result, Refused) and result.reason is Refusal.NO_TOPIC
    sliced.later(60)
    assert values(sliced) == [] and parked(sliced) == 0
    sliced.restart()
    assert sliced.queues.ledger.measures()["penstock_queue_messages"] == 0


def test_a_disk_that_is_full_at_a_later_slice_takes_none_of_it(sliced: Counter) -> None:
    some = [one(sliced, b"x" * 1000, 5) for _ in range(10)]
    sliced.disk.room = 6000
    refused = send(sliced, *some, **batch_of(0))
    assert isinstance(refused, Refused) and refused.reason is Refusal.DISK_FULL
    assert parked(sliced) == 0
    sliced.disk.room = None
    sliced.later(1)
    assert send(sliced, *some, **batch_of(0)) == Appended(0)
    sliced.restart()
    sliced.later(6)
    assert len(values(sliced)) == 10


# --- the crash --------------------------------------------------------------------------------------------------------


def test_what_is_kept_back_outlives_a_crash(counter: Counter) -> None:
    send(counter, one(counter, b"b", 20), one(counter, b"now"), one(counter, b"a", 10))
    counter.restart()
    assert parked(counter) == 2
    counter.later(10.5)
    assert values(counter) == [b"now", b"a"]
    counter.restart()
    counter.later(10)
    counter.restart()
    counter.later(10)
    assert values(counter) == [b"now", b"a", b"b"] and parked(counter) == 0


def test_an_idempotent_producer_goes_on_after_a_restart(counter: Counter) -> None:
    first = [one(counter, b"1", 5), one(counter, b"2", 6)]
    assert send(counter, *first, **batch_of(0)) == Appended(0)
    counter.restart()
    assert send(counter, one(counter, b"4", 7), **batch_of(3)).reason is Refusal.OUT_OF_ORDER_SEQUENCE
    assert send(counter, one(counter, b"3"), **batch_of(2)) == Appended(2)
    assert send(counter, one(counter, b"4", 7), **batch_of(3)) == Appended(3)
    assert send(counter, one(counter, b"4", 7), **batch_of(3)) == Appended(3)
    counter.later(10)
    assert values(counter) == [b"3", b"1", b"2", b"4"]


@pytest.mark.parametrize("block", range(4))
def test_nothing_acknowledged_is_lost_and_only_a_crash_doubles_whatever_the_disk_loses(
    block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    total = Counting[str]()
    for seed in range(block * 15, block * 15 + 15):
        monkeypatch.setattr(delayed, "SLICE", 2 if seed % 2 else 500)
        total += life(seed)
    assert total["crashes"] > 20 and total["delayed"] > 100 and total["sent again"] > 5, total


def life(seed: int) -> Counting[str]:
    """One producer sends each batch until it is acknowledged, over crashes at any change of the disk."""
    chance, counter, counts = random.Random(seed), started(seed), Counting[str]()
    sent: list[tuple[bytes, bool]] = []
    sequence = 0
    for _ in range(25):
        some = []
        for _ in range(chance.choice((1, 2, 5))):
            due = chance.choice((None, 2.0, 4.0))
            some.append(one(counter, str(len(sent)).encode(), due))
            sent.append((str(len(sent)).encode(), due is not None))
        tries = 0
        while True:
            tries += 1
            if chance.random() < 0.3 and tries < 4:
                counter.disk.crash_at = chance.randrange(12)
            try:
                answer = send(counter, *some, **batch_of(sequence))
                if chance.random() < 0.5:
                    counter.later(chance.choice((0.1, 1.0, 3.0)))
                counter.disk.crash_at = None
                assert isinstance(answer, Appended), (seed, answer)
                break
            except Crashed:
                counts["crashes"] += 1
                counts["sent again"] += 1
                counter.restart()
        sequence += len(some)
    counter.later(10)
    found = Counting(values(counter))
    for value, kept_back in sent:
        assert found[value] >= 1, (seed, value, kept_back)
        assert kept_back or found[value] == 1, (seed, value, found[value])
    counts["delayed"] = sum(kept_back for _, kept_back in sent)
    assert parked(counter) == 0
    counter.restart()
    assert parked(counter) == 0
    return counts
