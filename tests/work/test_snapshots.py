"""Snapshots of a running job: each holds what those before it do not, as long as a start reads little in vain."""

import asyncio

import polars as pl
import pytest

from penstock.clock import Now
from penstock.engine.job import Job
from penstock.sql import parse
from penstock.work.commit import snapshots
from penstock.work.commit.snapshots import Moment, Snapshots
from penstock.work.state.records import Mark

NOW = Now(1.0, 1_000)
TABLES = """
CREATE TABLE a (k BIGINT, s STRING) WITH ('connector' = 'kafka', 'topic' = 'a', 'format' = 'json');
CREATE TABLE o (k BIGINT, s STRING) WITH ('connector' = 'print');
INSERT INTO o """
GROWS = "SELECT a.k, b.s FROM a JOIN a AS b ON a.k = b.k + 1"
CHANGES = "SELECT k, MAX(s) FROM a GROUP BY k"


class Topic:
    """Where snapshots go: offsets count batches."""

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self.end = 0

    def pieces(self, blocks: list[bytes], now: Now, size: int) -> tuple[str, list[int], list[bytes]]:
        assert size <= sum(map(len, blocks)) or len(self.sizes), "the first one is the whole"
        self.sizes.append(sum(map(len, blocks)))
        return str(len(self.sizes)), [1] * len(blocks), blocks

    async def append(self, batches: list[bytes]) -> int:
        first, self.end = self.end, self.end + len(list(batches))
        return first


def taken(query: str, turns: int, keys: int) -> tuple[Topic, list[Mark], Snapshots]:
    """Snapshots after each of some batches of rows; none waits for the next."""
    topic, marks, job = Topic(), [], Job(parse(TABLES + query))
    held = Snapshots(topic, lambda: NOW, lambda: None)  # type: ignore[arg-type]

    async def go() -> None:
        for turn in range(turns):
            ks = [(turn * 1000 + n) % keys for n in range(1000)]
            for source in job.sources:
                job.on_rows(source.index, 0, pl.DataFrame({"k": ks, "s": [f"text {k}" for k in ks]}), NOW)
            held.begin(Moment(turn, job.freeze(held.known), {}))
            await held.finish()
            assert held.ready
            marks.append(held.ready)
            held.committed()

    asyncio.run(go())
    return topic, marks, held


def test_a_state_that_grows_is_written_once() -> None:
    topic, marks, held = taken(GROWS, 8, 10**6)
    assert [len(mark.behind) for mark in marks] == list(range(8))
    assert marks[-1].behind == [(mark.snapshot, mark.blocks) for mark in marks[:-1]]
    assert sum(topic.sizes) < 1.5 * held.since.size
    assert max(topic.sizes[1:]) < 2 * topic.sizes[0]
    assert held.first_offset == 0, "the first one is needed still"


def test_a_state_that_changes_is_begun_anew_before_a_start_reads_more_than_twice_of_it() -> None:
    topic, marks, held = taken(CHANGES, 12, 1000)
    whole = [number for number, mark in enumerate(marks) if not mark.behind]
    assert len(whole) > 2
    for first, end in zip(whole, [*whole[1:], 12], strict=True):
        assert sum(topic.sizes[first : end - 1]) <= 2 * topic.sizes[first]
    assert held.first_offset == sum(sum(mark.blocks) for mark in marks[: whole[-1]])


def test_a_chain_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshots, "LINKS_MAX", 3)
    _, marks, _ = taken(GROWS, 7, 10**6)
    assert [len(mark.behind) for mark in marks] == [0, 1, 2, 0, 1, 2, 0]
