"""Moments run in order, once, unless they are cancelled."""

from penstock.broker.turns import timers as timers_module
from penstock.broker.turns.timers import Timers
from penstock.clock import Now

from .bench import START


def test_what_is_due_runs_in_order_and_once() -> None:
    timers, ran = Timers(), list[str]()
    for name, due_s in (("b", 2.0), ("a", 1.0), ("c", 2.0), ("d", 3.0)):
        timers.at(due_s, lambda now, name=name: ran.append(name))  # type: ignore[misc]
    assert timers.next_s() == 1.0
    timers.run_due(Now(2.0, 0))
    assert ran == ["a", "b", "c"] and timers.next_s() == 3.0
    timers.run_due(Now(9.0, 0))
    timers.run_due(Now(9.0, 0))
    assert ran == ["a", "b", "c", "d"] and timers.next_s() is None


def test_a_cancelled_moment_never_comes_even_when_another_cancels_it() -> None:
    timers, ran = Timers(), list[str]()
    second = timers.at(2.0, lambda now: ran.append("second"))
    timers.at(1.0, lambda now: second.cancel())
    third = timers.at(3.0, lambda now: ran.append("third"))
    third.cancel()
    third.cancel()
    timers.run_due(Now(5.0, 0))
    assert ran == [] and second.over and timers.next_s() is None and timers.dead == 0


def test_what_a_moment_sets_for_now_waits_for_the_next_tick() -> None:
    timers, ran = Timers(), list[int]()

    def again(now: Now) -> None:
        ran.append(1)
        timers.at(now.mono_s, again)

    timers.at(START.mono_s, again)
    timers.run_due(START)
    assert len(ran) == 1
    timers.run_due(START)
    assert len(ran) == 2


def test_cancelled_moments_do_not_pile_up() -> None:
    timers = Timers()
    for _ in range(10 * timers_module._DEAD_MAX):
        timers.at(100.0, lambda now: None).cancel()
    keep = timers.at(50.0, lambda now: None)
    assert len(timers._heap) <= 2 * timers_module._DEAD_MAX + 2
    assert timers.next_s() == 50.0 and not keep.over
