"""What holds up whom in a consumer: records that are done do not wait for a commit, commits not for handlers."""

import asyncio
from types import SimpleNamespace

from penstock.consumer.delivery import Delivery
from penstock.consumer.partition.source import UNWRITTEN_WINDOWS, Source
from penstock.consumer.ready import Ready
from penstock.record import Record

WINDOW, BYTES_MAX = 3, 1 << 20


def began(source: Source, count: int) -> list[Delivery]:
    some = [Delivery(Record(b"k", b"v", 0, (), offset), source.part) for offset in range(count)]
    for each in some:
        source.begin(each)
    return some


def test_what_is_done_takes_no_room_while_what_came_of_it_is_written() -> None:
    source = Source(("t", 0), 0)
    first, second, third = began(source, WINDOW)
    assert not source.has_room(WINDOW, BYTES_MAX)
    first.settled, first.move, second.settled = True, "a retry", True
    source.sweep()
    assert source.has_room(WINDOW, BYTES_MAX)
    assert (source.position, source.done_to) == (0, 2), (
        "a crash now: the retry is not written, so all come again"
    )
    assert list(source.unwritten) == [first], "what is done behind it needs no memory"
    assert source.settled() == [first]
    assert (source.position, list(source.under_way)) == (2, [third])


def test_what_is_taken_back_holds_back_the_position_and_not_the_reading() -> None:
    source = Source(("t", 0), 0)
    first, second, _ = began(source, WINDOW)
    first.settled, first.move, second.settled = True, "to be held", True
    source.sweep()
    first.settled, first.move = False, None
    assert source.has_room(WINDOW, BYTES_MAX)
    assert (source.settled(), source.position, source.done_to) == ([], 0, 2)
    first.settled = True
    assert (source.settled(), source.position) == ([first], 2)


def test_what_waits_to_be_written_is_bounded_too() -> None:
    source = Source(("t", 0), 0)
    for each in began(source, UNWRITTEN_WINDOWS * WINDOW):
        each.settled, each.move = True, "a retry"
    source.sweep()
    assert not source.under_way
    assert not source.has_room(WINDOW, BYTES_MAX)
    source.settled()
    assert source.has_room(WINDOW, BYTES_MAX)
    assert source.bytes_under_way == 0


def test_headers_take_room_as_values_do() -> None:
    source = Source(("t", 0), 0)
    headers = (("trace", b"x" * BYTES_MAX),)
    source.begin(Delivery(Record(b"k", None, 0, headers, 0), source.part))
    assert not source.has_room(WINDOW, BYTES_MAX)


def test_handlers_that_never_wait_let_others_have_their_turns() -> None:
    async def turns() -> int:
        ready, count, over = Ready(), 0, False
        ready.open()
        for each in began(Source(("t", 0), 0), 60_000):
            each.share = SimpleNamespace(alive=True)
            ready.put(each)

        async def handle() -> None:
            nonlocal over
            while len(ready):
                taken = await ready.take()
                assert taken is not None
                ready.finished(taken)
            over = True

        working = [asyncio.create_task(handle()) for _ in range(4)]
        while not over:
            count += 1
            await asyncio.sleep(0)
        for each in working:
            each.cancel()
        return count

    assert asyncio.run(turns()) > 3
