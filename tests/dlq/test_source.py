"""The dead letters of a topic, on penstock and on Apache Kafka: counted, edited, sent back once, purged, audited."""

import asyncio
import json
import subprocess
import sys
import time
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from penstock.calls import EARLIEST
from penstock.client import Client, ClientOptions, KafkaError
from penstock.client.writing.partitioning import partition_of
from penstock.dead_letters import OMITTED, DeadLetter, Failing, Origin, of_record, redrives_of
from penstock.dlq import audit
from penstock.dlq.finding import sources
from penstock.dlq.marks import Marks, ranges, read_all
from penstock.dlq.source import Filter, How, Outcome
from penstock.dlq.topic import TopicSource
from penstock.dlq.working import Working
from penstock.errors import PenstockError
from penstock.record import Record, encode

QUICK = ClientOptions("test", backoff_first_s=0.02, backoff_max_s=0.2, deadline_s=20.0)
ALL = Filter()


class Place:
    """A topic, and its dead letters."""

    def __init__(self, client: Client, address: str) -> None:
        self.client, self.address = client, address
        self.topic = f"d-{uuid.uuid4().hex[:8]}"
        self.source = TopicSource(client, f"{self.topic}.dlq")
        self.told: list[int] = []

    async def bury(self, *values: str, **more: Any) -> None:
        """Letters "key:rest" that came from the topic's partition 1."""
        now_ms = int(time.time() * 1000)
        made = []
        for at, value in enumerate(values):
            kind = "ValueError" if at % 2 == 0 else "shop.TimeoutError"
            origin = Origin(self.topic, 1, at, now_ms - 1000)
            words: dict[str, Any] = {"origin": origin, "owner": "g", "attempts": 3} | more
            words = {"failing": Failing(kind, f"no {value}", "trace", "TASK_PUT", "f")} | words
            letter = DeadLetter(
                value.partition(":")[0].encode(), value.encode(), (("h", b"x"),),
                first_ms=now_ms - 500, last_ms=now_ms - 500 + at, **words,
            )  # fmt: skip
            made.append(letter.record(now_ms))
        await self.client.produce(self.source.name, made, 0)

    async def redrive(self, wanted: Filter = ALL, how: How | None = None, **more: Any) -> Outcome:
        return await self.source.redrive(wanted, how or How(), "ada", self.tell, **more)

    def tell(self, outcome: Outcome) -> None:
        self.told.append(outcome.done)

    async def values(self, topic: str = "") -> list[bytes | None]:
        return [each.value for each in await read_all(self.client, topic or self.topic)]

    async def audits(self) -> list[dict[str, Any]]:
        found = [json.loads(each.value or b"") for each in await read_all(self.client, audit.TOPIC)]
        return [each for each in found if each["source"] == self.source.name]


def run(address: str, test: Callable[[Place], Awaitable[None]], options: ClientOptions = QUICK) -> None:
    async def go() -> None:
        async with Client(address, options=options) as client:
            place = Place(client, address)
            await client.create_topic(place.topic, 2)
            await client.create_topic(place.source.name, 1)
            await asyncio.wait_for(test(place), 90)

    asyncio.run(go())


# --- the plain case --------------------------------------------------------------------------------------------------


def test_letters_are_counted_listed_and_shown(broker_address: str) -> None:
    async def test(place: Place) -> None:
        await place.bury("a:0", "b:1", "c:2")
        found = await place.source.summary(ALL)
        assert [(g.count, g.reason, g.exception, g.owner, g.example) for g in found.groups] == [
            (2, "failed", "ValueError", "g", "0:2"),
            (1, "failed", "shop.TimeoutError", "g", "0:1"),
        ]
        assert found.groups[0].message == "no c:2"
        assert (found.states, found.complete) == ({"waiting": 3}, True)
        newest = await place.source.letters(Filter(exception="ValueError"), 10)
        assert [each.name for each in newest] == ["0:2", "0:0"]
        one = await place.source.show("0:1")
        assert (one.letter.key, one.letter.value, one.letter.headers) == (b"b", b"b:1", (("h", b"x"),))
        assert (str(one.letter.origin), one.letter.attempts) == (f"{place.topic}-1@1", 3)
        assert place.source.name in [each.name for each in await sources(place.client)]

    run(broker_address, test)


def test_sent_back_they_are_as_they_came_and_never_sent_twice(address: str) -> None:
    async def test(place: Place) -> None:
        await place.bury("a:0", "b:1", "c:2")
        assert (await place.redrive(dry_run=True)).done == 3
        assert await place.values() == []
        first = await place.redrive(Filter(names=frozenset({"0:1"})))
        assert (first.matched, first.done, first.state, dict(first.targets)) == (
            1,
            1,
            "done",
            {place.topic: 1},
        )
        again = await place.redrive(Filter(names=frozenset({"0:1"})))
        assert (again.matched, again.done) == (0, 0)
        rest = await place.redrive()
        assert (rest.done, place.told[-1]) == (2, 2)
        found = await read_all(place.client, place.topic)
        assert [(each.key, each.value, redrives_of(each.headers)) for each in found] == [
            (b"b", b"b:1", 1), (b"a", b"a:0", 1), (b"c", b"c:2", 1)
        ]  # fmt: skip
        assert [name for name, _ in found[0].headers] == ["h", "penstock.letter.redrives"]
        assert (await place.client.offsets(place.topic, EARLIEST))[1] == 0
        assert (await place.client.offsets(place.topic))[0] == 0, "to the partition they came from"
        assert (await place.source.summary(ALL)).states == {"redriven": 3}
        told = await place.audits()
        assert [(each["what"], each["by"], each["count"], each["letters"]) for each in told] == [
            ("dlq.redrive", "ada", 1, {"0": [[1, 1]]}),
            ("dlq.redrive", "ada", 2, {"0": [[0, 0], [2, 2]]}),
        ]

    run(address, test)


def test_edited_a_letter_takes_the_place_of_the_old_one(address: str) -> None:
    async def test(place: Place) -> None:
        await place.bury("a:wrong")
        name = await place.source.edit("0:0", b"a:right", "ada")
        old, new = await place.source.show("0:0"), await place.source.show(name)
        assert (old.state, new.state, new.letter.replaces) == ("replaced", "waiting", "0:0")
        assert (new.letter.value, new.letter.origin, new.letter.attempts) == (
            b"a:right",
            old.letter.origin,
            3,
        )
        with pytest.raises(PenstockError, match="replaced already"):
            await place.source.edit("0:0", b"other", "ada")
        assert (await place.redrive()).done == 1
        assert await place.values() == [b"a:right"]
        assert [each["what"] for each in await place.audits()] == ["dlq.edit", "dlq.redrive"]

    run(address, test)


def test_purged_they_are_given_up_and_what_nothing_waits_before_is_deleted(address: str) -> None:
    async def test(place: Place) -> None:
        await place.bury("a:0", "b:1", "c:2", "d:3")
        assert (await place.source.purge(Filter(exception="TimeoutError"), "ada", place.tell)).done == 2
        assert (await place.source.summary(ALL)).states == {"waiting": 2, "purged": 2}
        assert (await place.client.offsets(place.source.name, EARLIEST))[0] == 0
        assert (await place.source.purge(Filter(key="a"), "ada", place.tell)).done == 1
        assert (await place.client.offsets(place.source.name, EARLIEST))[0] == 2
        assert (await place.redrive()).done == 1
        assert await place.values() == [b"c:2"]

    run(address, test)


def test_a_consumer_s_letter_goes_back_through_its_retry_topic(broker_address: str) -> None:
    async def test(place: Place) -> None:
        via = f"{place.topic}.retry.5s"
        await place.client.create_topic(via, 2)
        await place.bury("a:0", via=via)
        assert dict((await place.redrive()).targets) == {via: 1}
        assert await place.values() == []
        (sent,) = map(of_record, await read_all(place.client, via))
        assert (sent.owner, sent.attempts, sent.due_ms, sent.redrives) == ("g", 0, 0, 1)
        assert (sent.reason, sent.failing.kind) == ("redriven", "ValueError")

    run(broker_address, test)


# --- the edges -------------------------------------------------------------------------------------------------------


def test_a_rate_a_limit_and_a_cap_are_kept(broker_address: str) -> None:
    async def test(place: Place) -> None:
        await place.bury(*[f"k:{i}" for i in range(40)])
        began_s = time.monotonic()
        found = await place.redrive(how=How(rate=40, limit=30))
        assert (found.done, found.state) == (30, "done")
        assert 0.6 < time.monotonic() - began_s < 10
        assert await place.values() == [b"k:%d" % i for i in range(30)]
        await place.bury("tired:0", redrives=2)
        capped = await place.redrive(how=How(redrives_max=2))
        assert (capped.done, dict(capped.skipped)) == (10, {"it was sent back 2 times already": 1})

    run(broker_address, test)


def test_what_cannot_be_sent_back_stays_and_says_why(broker_address: str) -> None:
    async def test(place: Place) -> None:
        await place.bury("a:0", origin=Origin("gone", 0, 1))
        await place.bury("b:0", origin=Origin())
        await place.client.produce(place.source.name, [Record(None, None, 1, ((OMITTED, b"7"),))], 0)
        found = await place.redrive()
        assert (found.matched, found.done) == (3, 0)
        assert set(found.skipped) == {
            "the topic gone is gone: say where to",
            "where it came from is not known: say where to",
            "its value was left out when it was written",
        }
        sent = await place.redrive(how=How(to=place.topic))
        assert sent.done == 2
        keys = [each.key for each in await read_all(place.client, place.topic)]
        assert sorted(map(str, keys)) == ["b'a'", "b'b'"]
        ends = await place.client.offsets(place.topic)
        assert all(ends[partition_of(key or b"", 2)] for key in keys)

    run(broker_address, test)


def test_what_comes_back_while_a_redrive_runs_is_not_sent_again_by_it(broker_address: str) -> None:
    async def test(place: Place) -> None:
        await place.bury(*[f"k:{i}" for i in range(6)])
        working = asyncio.create_task(place.redrive(how=How(rate=8)))
        while not any(place.told):
            await asyncio.sleep(0.01)
        await place.bury("back:0")
        assert (await working).done == 6
        assert (await place.source.summary(ALL)).states == {"waiting": 1, "redriven": 6}

    run(broker_address, test)


def test_marks_mean_the_topic_of_this_id_and_no_other_of_its_name(broker_address: str) -> None:
    async def test(place: Place) -> None:
        await place.bury("a:0")
        await place.redrive()
        await place.client.delete_topic(place.source.name)
        await place.client.create_topic(place.source.name, 1)
        await place.bury("b:0")
        assert (await place.source.summary(ALL)).states == {"waiting": 1}

    run(broker_address, test)


@pytest.mark.parametrize(
    ("offsets", "found"),
    [([], []), ([5], [(5, 5)]), ([3, 1, 2], [(1, 3)]), ([1, 2, 4, 9, 8], [(1, 2), (4, 4), (8, 9)])],
)
def test_offsets_are_told_as_ranges(offsets: list[int], found: list[tuple[int, int]]) -> None:
    assert ranges(offsets) == found


def test_marks_that_make_no_sense_are_passed_over() -> None:
    marks = Marks("t.dlq", b"\1")
    marks.add(0, [1, 2, 7], "redriven")
    (good,) = marks.records({0: [9]}, "purged", 5, {})
    marks.read(good)
    for key, value in (
        (good.key, b"{"),
        (good.key, b"[]"),
        (b"t.dlq/01/x/1", good.value),
        (b"other", good.value),
        (None, None),
    ):
        marks.read(Record(key, value, 0))
    assert [marks.state(0, at) for at in (0, 1, 2, 3, 7, 9, 10)] == [
        "waiting", "redriven", "redriven", "waiting", "redriven", "purged", "waiting"
    ]  # fmt: skip
    assert marks.state(1, 1) == "waiting"


# --- the refusals ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["", "0", "x:1", "0:x", "0:-1", "0:٣", "9:0", "0:99", "0:" + "9" * 30])
def test_a_name_of_no_letter_is_refused(broker_address: str, name: str) -> None:
    async def test(place: Place) -> None:
        await place.bury("a:0")
        with pytest.raises(PenstockError):
            await place.source.show(name)

    run(broker_address, test)


def test_a_topic_that_is_not_there_is_refused_by_all(broker_address: str) -> None:
    async def test(place: Place) -> None:
        source = TopicSource(place.client, "nowhere.dlq")
        for wish in (
            source.summary(ALL), source.letters(ALL, 1), source.show("0:0"), source.edit("0:0", b"", "ada"),
            source.redrive(ALL, How(), "ada", place.tell), source.purge(ALL, "ada", place.tell, True),
        ):  # fmt: skip
            with pytest.raises(KafkaError, match="UNKNOWN_TOPIC"):
                await wish

    run(broker_address, test, replace(QUICK, unknown_topic_s=0.1))


def test_of_two_at_once_the_earlier_is_fenced_and_nothing_is_sent_twice(address: str) -> None:
    async def test(place: Place) -> None:
        await place.bury(*[f"k:{i}" for i in range(60)])
        first = asyncio.create_task(place.redrive(how=How(rate=20)))
        while not any(place.told):
            await asyncio.sleep(0.01)
        second = await place.redrive()
        with pytest.raises(PenstockError, match="someone else began"):
            await first
        assert 0 < second.done < 60
        found = await place.values()
        assert sorted(found, key=str) == sorted({b"k:%d" % i for i in range(60)}, key=str)

    run(address, test)


# --- the crash -------------------------------------------------------------------------------------------------------


def test_killed_on_its_way_and_begun_again_each_letter_is_sent_once(address: str) -> None:
    async def test(place: Place) -> None:
        await place.bury(*[f"k{i % 7}:{i}" for i in range(300)])
        words = ["dlq", "redrive", place.source.name, "--all", "--yes", "--bootstrap", address]
        for count in (10, 60, 120, 200):
            process = subprocess.Popen(
                [sys.executable, "-m", "penstock.cli.main", *words, "--rate", "200"],
                stdout=subprocess.DEVNULL,
            )
            while sum((await place.client.offsets(place.topic)).values()) < count:
                await asyncio.sleep(0.01)
            process.kill()
            process.wait()
        await place.redrive()
        found = Counter(await place.values())
        assert found == Counter(b"k%d:%d" % (i % 7, i) for i in range(300))
        assert sum(each["count"] for each in await place.audits()) == 300
        assert (await place.source.summary(ALL)).states == {"redriven": 300}

    run(address, test)


def test_what_was_written_and_not_committed_is_sent_by_who_comes_next(broker_address: str) -> None:
    async def test(place: Place) -> None:
        await place.bury("a:0")
        (letter,) = await place.source.letters(ALL, 1)
        async with Working(place.client, place.source.name, "eve", "op") as work:
            await work._writer.enlist([(place.topic, 1)])
            await work._writer.push(place.topic, 1, encode([Record(b"a", letter.letter.value, 1)]))
            # and here it dies
        assert (await place.redrive()).done == 1
        assert await place.values() == [b"a:0"]

    run(broker_address, test)
