"""Errands on lanes: each gets its turns, answers come to the loop, failures are answers, a client that is gone costs
nothing more."""

import asyncio
import threading

from penstock.broker.turns.errands import READING, SEEKING, Errands
from penstock.errors import Refusal, Refused
from penstock.later import Later
from penstock.serve.errands import LANES, ErrandRuns


def counting(pieces, seen, name):
    for number in range(pieces):
        assert (yield lambda number=number: (threading.current_thread().name, number))[1] == number
        seen.append(name)
    return name


def failing(error):
    def fail():
        raise error

    yield fail


async def answered(later):
    while not later.done:
        await asyncio.sleep(0.001)
    got = []
    later.watch(got.append)
    return got[0]


def driven(scenario):
    async def run():
        errands, runs = Errands(), ErrandRuns(lambda: None)
        try:
            await asyncio.wait_for(scenario(errands, runs), 20)
        finally:
            runs.close()

    asyncio.run(run())


def test_what_needs_no_piece_is_answered_at_once():
    errands = Errands()
    assert errands.begin(READING, counting(0, [], "a")) == "a"
    assert errands.take() == [] and len(errands) == 0


def test_a_short_errand_does_not_wait_for_a_long_one():
    async def scenario(errands, runs):
        seen = []
        long = errands.begin(SEEKING, counting(400, seen, "long"))
        short = errands.begin(SEEKING, counting(2, seen, "short"))
        runs.add(errands.take())
        assert await answered(short) == "short"
        assert seen.count("long") < 100
        assert await answered(long) == "long"
        assert len(errands) == 0

    driven(scenario)


def test_no_more_are_under_way_than_the_lane_takes_and_all_are_answered():
    async def scenario(errands, runs):
        seen = []
        laters = [errands.begin(SEEKING, counting(5, seen, number)) for number in range(20)]
        runs.add(errands.take())
        assert [await answered(later) for later in laters] == list(range(20))
        assert set(seen[: 2 * LANES[SEEKING][1]]) <= set(range(LANES[SEEKING][1]))

    driven(scenario)


def test_failures_become_answers():
    async def scenario(errands, runs):
        for error, reason in (
            (OSError(5, "I/O error"), Refusal.DISK_FAILED),
            (FileNotFoundError("gone"), Refusal.NO_TOPIC),
            (ValueError("no batch"), Refusal.CORRUPT),
            (RuntimeError("a defect"), Refusal.CORRUPT),
        ):
            later = errands.begin(READING, failing(error))
            runs.add(errands.take())
            answer = await answered(later)
            assert isinstance(answer, Refused) and answer.reason is reason

    driven(scenario)


def test_an_errand_that_nobody_waits_for_ends_and_others_go_on():
    async def scenario(errands, runs):
        seen, told = [], []
        gone = errands.begin(SEEKING, counting(10_000, seen, "gone"))
        stays = errands.begin(SEEKING, counting(3, seen, "stays"))
        runs.add(errands.take())
        errands.drop(gone, told.append)
        assert await answered(stays) == "stays"
        assert not gone.done and seen.count("gone") <= 1 and told == []

    driven(scenario)


def test_work_that_ends_in_a_wait_is_answered_by_it_and_dropped_with_it():
    async def scenario(errands, runs):
        for dropped in (False, True):
            inner, told = Later(), []

            def waiting(inner=inner):
                yield lambda: None
                return inner

            later = errands.begin(READING, waiting())
            (errand,) = todo = errands.take()
            runs.add(todo)
            while errand.inner is None:
                await asyncio.sleep(0.001)
            if dropped:
                errands.drop(later, told.append)
                assert told == [inner]
            else:
                inner.resolve("records")
                assert await answered(later) == "records"

    driven(scenario)
