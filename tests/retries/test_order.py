"""One partition with its retries, simulated: any outcomes in any order, with time, commits and kills between them."""

import gc
import json
import tracemalloc
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from penstock.consumer.delivery import Delivery
from penstock.consumer.partition.holding import NOTED_MAX, Holding
from penstock.consumer.partition.order import RECORD_BYTES
from penstock.dead_letters import DeadLetter, of_record
from penstock.record import Record
from penstock.retries import Retry
from tests.retries.simulated import Simulated

RETRY = Retry("1s", "3s", max_attempts=4)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("produce"), st.integers(0, 3)),
        st.tuples(st.just("read"), st.integers(1, 5)),
        st.tuples(st.just("fine"), st.integers(0, 5)),
        st.tuples(st.just("fail"), st.integers(0, 5)),
        st.tuples(st.just("commit"), st.just(0)),
        st.tuples(st.just("pass"), st.integers(0, 4000)),
        st.tuples(st.just("load"), st.just(0)),
        st.tuples(st.just("kill"), st.just(0)),
    ),
    max_size=120,
)
HARD = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def play(run: Simulated, steps: list[tuple[str, int]]) -> Counter[bytes]:
    """The steps; how many records of each key were produced. Values are b"key:number"."""
    produced: Counter[bytes] = Counter()
    for what, number in steps:
        if what == "produce":
            key = b"k%d" % number
            value = b"%s:%d" % (key, produced[key])
            run.log.append(("t", 0), Record(key if number else None, value, run.now_ms))
            produced[key] += 1
        elif what == "read":
            run.read(number)
            run.share.due(run.now_ms)
        elif what in ("fine", "fail"):
            run.handle(number, what == "fail")
        elif what == "commit":
            run.commit()
        elif what == "load":
            run.load()
        elif what == "kill":
            run.start()
        else:
            run.pass_time(number)
    return produced


def dead(run: Simulated) -> list[bytes]:
    return [each.value or b"" for each in run.log.records["t.dlq", 0]]


@HARD
@given(STEPS, st.sampled_from([0, 200, 1 << 20]), st.sampled_from([1, 1000, 1 << 20]))
def test_every_record_ends_once_in_its_key_s_order_whatever_fails_and_whoever_is_killed(
    steps: list[tuple[str, int]], memory_bytes: int, blocked_bytes: int
) -> None:
    run = Simulated(RETRY, memory_bytes=memory_bytes, blocked_bytes=blocked_bytes)
    produced = play(run, steps)
    run.finish()
    every = {b"%s:%d" % (key, i) for key, count in produced.items() for i in range(count)}
    assert set(run.finished) == every
    buried = dead(run)
    assert len(buried) == len(set(buried)), "a dead letter stands once"
    reached: dict[bytes, int] = {}
    for value in run.finished:
        key, _, number = value.partition(b":")
        if key != b"k0":  # records without a key have no order
            assert int(number) <= reached.get(key, -1) + 1, "no record overtakes one of its key"
            reached[key] = max(reached.get(key, -1), int(number))


@HARD
@given(
    st.lists(st.sampled_from(("produce", "read", "fine", "fail", "commit", "pass")), max_size=80),
    st.integers(0, 1 << 30),
)
def test_without_a_kill_each_is_tried_once_an_attempt_and_dies_with_the_last(
    names: list[str], seed: int
) -> None:
    steps = [
        (name, (seed >> i % 20) % 4000 if name == "pass" else (seed >> i % 20) % 4 + (name == "read"))
        for i, name in enumerate(names)
    ]
    run = Simulated(RETRY)
    play(run, steps)
    run.finish()
    assert len(run.finished) == len(set(run.finished))
    for tried in run.tried.values():
        assert tried == list(range(1, len(tried) + 1))
    for each in run.log.records["t.dlq", 0]:
        letter = of_record(each)
        assert letter.attempts == 4 == len(run.tried[each.value or b""])
        assert letter.first_ms <= letter.last_ms
        assert letter.owner == "g"


@HARD
@given(STEPS)
def test_without_order_every_record_ends_too(steps: list[tuple[str, int]]) -> None:
    run = Simulated(RETRY, keep_order=False)
    produced = play(run, steps)
    run.finish()
    assert len(set(run.finished)) == produced.total()
    buried = dead(run)
    assert len(buried) == len(set(buried))


# --- the edges -------------------------------------------------------------------------------------------------------


def sent(run: Simulated, *values: str) -> None:
    for value in values:
        key = value.partition(":")[0].encode()
        run.log.append(("t", 0), Record(key, value.encode(), 1))


def produced(run: Simulated, *values: str) -> None:
    sent(run, *values)
    run.read(100)


def names(ready: list[Delivery]) -> list[str]:
    return [(each.value or b"").decode() for each in ready]


def test_a_blocked_key_holds_its_later_records_and_no_others() -> None:
    run = Simulated(RETRY)
    produced(run, "a:0", "b:0", "a:1", "b:1")
    assert names(run.ready) == ["a:0", "b:0"]
    run.handle(0, failing=True)
    run.handle(0, failing=False)
    assert names(run.ready) == ["b:1"]
    produced(run, "a:2", "c:0")
    assert names(run.ready) == ["b:1", "c:0"]


def test_what_failed_once_and_is_done_lets_the_held_ones_go_in_order() -> None:
    run = Simulated(RETRY)
    produced(run, "a:0", "a:1", "a:2")
    run.handle(0, failing=True)
    run.commit()
    assert [each.value for each in run.log.records["t.retry.held", 0]] == [b"a:1", b"a:2"]
    run.read(10)
    assert run.share.due(run.now_ms) == run.now_ms + 1050  # a jitter of a tenth, by a chance of a half
    run.pass_time(1050)
    assert names(run.ready) == ["a:0"]
    run.handle(0, failing=False)
    assert names(run.ready) == ["a:1"]
    run.handle(0, failing=False)
    assert names(run.ready) == ["a:2"]


def test_what_waits_has_a_bound_and_retries_go_on_beyond_it() -> None:
    few = 5 * (RECORD_BYTES + 1)
    run = Simulated(RETRY, blocked_bytes=few)
    sent(run, *[f"a:{i}" for i in range(20)], *[f"b:{i}" for i in range(20)])
    run.read(2)
    run.handle(0, failing=True)
    for _ in range(60):
        run.read(1000)
        assert run.share.order.bytes <= few
        run.commit()
        run.load()
        run.pass_time(1000)
        while run.ready:  # all of key a fail once
            first = run.ready[0]
            run.handle(0, failing=first.key == b"a" and first.attempt == 1)
    assert run.finished.index(b"b:0") > run.finished.index(b"a:14"), "b came when the bound let it"
    for key in "ab":
        done = [each.decode() for each in run.finished if each.startswith(key.encode())]
        assert done == [f"{key}:{i}" for i in range(20)]
    assert run.share.order.bytes == 0 and not run.share.crowded


@pytest.mark.parametrize("keys", [1, 1000])
def test_a_record_that_waits_takes_no_more_memory_than_it_counts(keys: int) -> None:
    run = Simulated(RETRY, memory_bytes=0)
    sent(run, *[f"{i % keys:020}:{i:04}" for i in range(1000)])
    if keys == 1:
        run.read(1)
        run.handle(0, failing=True)
        run.commit()
    tracemalloc.start()
    run.read(1000)
    while run.ready:
        run.handle(0, failing=True)
    run.commit()
    run.log.records.clear()
    run.tried.clear()
    gc.collect()
    kept = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert run.share.order.bytes == 1000 * (RECORD_BYTES + 20)
    assert kept <= run.share.order.bytes


def test_what_is_released_before_it_was_written_needs_no_writing() -> None:
    run = Simulated(RETRY)
    produced(run, "x:0", "a:0", "a:1")  # x is slow: nothing behind it may be committed
    run.handle(1, failing=True)
    run.commit()
    assert run.log.records["t.retry.1s", 0] == []
    run.handle(0, failing=False)
    run.commit()
    assert len(run.log.records["t.retry.1s", 0]) == 1
    assert len(run.log.records["t.retry.held", 0]) == 1


def test_another_group_s_retries_are_passed_over() -> None:
    run = Simulated(RETRY)
    other = Simulated(RETRY)
    other.rules = replace(other.rules, group="other")
    other.log = run.log
    other.start()
    produced(other, "a:0", "a:1")
    other.handle(0, failing=True)
    other.commit()
    run.log.committed["t", 0] = 2
    run.start()
    run.read(10)
    run.pass_time(10_000)
    assert run.ready == []
    assert len(run.share.order) == 0


def test_a_letter_that_was_sent_back_blocks_its_key_and_is_tried_anew() -> None:
    run = Simulated(RETRY)
    sent = DeadLetter(b"a", b"a:0", owner="g", attempts=0, redrives=1).record(run.now_ms)
    run.log.append(("t.retry.1s", 0), sent)
    run.read(10)
    produced(run, "a:1")
    assert names(run.ready) == []
    run.pass_time(0)
    assert [(each.value, each.attempt, each.redrives) for each in run.ready] == [(b"a:0", 1, 1)]
    run.finish()
    assert run.finished == [b"a:0", b"a:1"]


def test_a_fatal_exception_is_a_dead_letter_at_once_and_frees_its_key() -> None:
    run = Simulated(Retry("1s", fatal=(ValueError,)))
    produced(run, "a:0", "a:1")
    run.handle(0, failing=True)
    assert names(run.ready) == ["a:1"]
    run.commit()
    (letter,) = map(of_record, run.log.records["t.dlq", 0])
    assert (letter.reason, letter.attempts, letter.failing.kind) == ("refused", 1, "ValueError")
    assert (letter.origin.topic, letter.origin.offset, letter.via) == ("t", 0, "t.retry.1s")
    assert "Traceback" in letter.failing.trace or "ValueError: no" in letter.failing.trace


def test_a_held_record_that_went_on_out_of_turn_is_not_held_again_after_a_kill() -> None:
    run = Simulated(RETRY)
    produced(run, "a:0", "b:0", "a:1", "b:1")
    run.handle(0, failing=True)
    run.handle(0, failing=True)
    run.commit()
    run.read(10)
    run.pass_time(1050)
    assert names(run.ready) == ["a:0", "b:0"]
    run.handle(1, failing=False)  # b goes on, and a, which is held before it, does not
    assert names(run.ready) == ["a:0", "b:1"]
    run.handle(1, failing=True)
    run.commit()
    run.start()
    assert [(held.key, held.offset) for held in run.share.holding.entries.values()] == [(b"a", 0)]  # type: ignore[union-attr]
    run.finish()
    assert run.finished[-3:].count(b"b:1") == 1
    assert run.tried[b"b:1"] == [1, 2]


def test_what_does_not_fit_among_the_held_ones_stays_under_way_until_its_turn() -> None:
    run = Simulated(RETRY)
    run.rules = replace(run.rules, bytes_max={**run.rules.bytes_max, "t.retry.held": 2000})
    run.start()
    produced(run, "a:0", "a:1" + "." * 3000, "a:2", "b:0")
    run.handle(0, failing=True)
    run.handle(0, failing=False)
    run.commit()
    assert [each.value for each in run.log.records["t.retry.held", 0]] == []
    assert run.log.committed["t", 0] == 1, "what is behind it is not passed: a crash would lose it"
    run.finish()
    assert [each[:3] for each in run.finished] == [b"b:0", b"a:0", b"a:1", b"a:2"]
    assert run.log.committed["t", 0] == 4


def test_notes_of_what_went_on_are_of_a_size_that_fits_and_nonsense_in_them_is_none() -> None:
    holding = Holding(("t.retry.held", 0), 0, "g", None)
    for offset in range(NOTED_MAX + 2):
        holding.recall(replace(DeadLetter(b"k", b"v", owner="g").record(1), offset=offset))
    for held in list(holding.entries.values())[1:]:
        holding.let_go(held, None)
    notes = [move.record for move in holding.gather(1) if move.record]
    assert [len(json.loads(note.value or b"")) for note in notes] == [NOTED_MAX, 1]
    for value in (None, b"", b"{", b"7", b"{}", b'["a", [1], null]', b"[" * 100_000):
        holding.recall(replace(notes[0], value=value, offset=NOTED_MAX + 2))
    assert list(holding.entries) == [0]
