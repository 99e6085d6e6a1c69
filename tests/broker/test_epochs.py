"""What clients say of leader epochs and of topics' ids when they read, and how long a fetch waits beside errors."""

import pytest

from penstock.calls import (
    EARLIEST,
    EpochEnd,
    Fetch,
    Fetched,
    FetchPart,
    FoundOffset,
    ListOffsets,
    OffsetsPart,
)
from penstock.errors import Refusal, Refused
from penstock.later import Later

from .bench import ME, Table, answer_of, values_of


def table_with_a_record() -> Table:
    table = Table()
    table.topic("t")
    table.append("t", b"a")
    table.sync()
    return table


def read(table: Table, offset: int = 0, known: int = -1, last: int = -1, topic_id: bytes = b"") -> object:
    part = FetchPart("t", 0, offset, 1000, known, last, topic_id)
    return answer_of(table.ask(Fetch(ME, (part,), wait_ms=0)))[0]


@pytest.mark.parametrize("known", [-1, 0])
def test_who_knows_the_epoch_or_says_none_is_served(known: int) -> None:
    table = table_with_a_record()
    assert values_of(read(table, known=known)) == [b"a"]
    assert table.ask(ListOffsets(ME, (OffsetsPart("t", 0, EARLIEST, known),))) == [FoundOffset(0, -1)]


@pytest.mark.parametrize(("known", "reason"), [(1, Refusal.UNKNOWN_EPOCH), (-2, Refusal.STALE_EPOCH)])
def test_who_is_at_another_epoch_is_refused_before_its_offset_is_looked_at(
    known: int, reason: Refusal
) -> None:
    table = table_with_a_record()
    for offset in (0, 9):
        refused = read(table, offset, known)
        assert isinstance(refused, Refused) and refused.reason is reason
    (refused,) = table.ask(ListOffsets(ME, (OffsetsPart("t", 0, EARLIEST, known),)))
    assert refused.reason is reason


@pytest.mark.parametrize(
    ("last", "offset", "diverged"), [(0, 1, None), (0, 2, EpochEnd(0, 1)), (-1, 1, None)]
)
def test_a_reader_that_was_ahead_is_told_where_the_epoch_ends(
    last: int, offset: int, diverged: EpochEnd | None
) -> None:
    found = read(table_with_a_record(), offset, last=last)
    assert isinstance(found, Fetched) and found.diverged == diverged and not found.batches


def test_a_reader_of_an_epoch_that_never_was_is_out_of_range() -> None:
    refused = read(table_with_a_record(), last=3)
    assert isinstance(refused, Refused) and refused.reason is Refusal.OFFSET_OUT_OF_RANGE


def test_another_topic_of_the_same_name_is_not_read() -> None:
    table = table_with_a_record()
    assert values_of(read(table, topic_id=table.log.topics["t"].topic_id)) == [b"a"]
    refused = read(table, topic_id=b"?" * 16)
    assert isinstance(refused, Refused) and refused.reason is Refusal.OTHER_TOPIC


# --- waiting ----------------------------------------------------------------------------------------------------------


def test_an_unknown_topic_beside_a_known_one_does_not_end_the_wait() -> None:
    table = table_with_a_record()
    parts = (FetchPart("t", 0, 1, 1000), FetchPart("gone", 0, 0, 1000))
    waiting = table.ask(Fetch(ME, parts, wait_ms=500))
    assert isinstance(waiting, Later) and not waiting.done
    table.later(0.6)
    found, refused = answer_of(waiting)
    assert found == Fetched(b"", 1, 0, 1) and refused.reason is Refusal.NO_TOPIC


@pytest.mark.parametrize(
    "part", [FetchPart("t", 0, 9, 1000), FetchPart("t", 0, 1, 1000, 5), FetchPart("t", 0, 5, 1000, -1, 0)]
)
def test_what_is_wrong_with_a_known_partition_is_told_at_once(part: FetchPart) -> None:
    table = table_with_a_record()
    table.topic("u")
    assert len(table.ask(Fetch(ME, (FetchPart("u", 0, 0, 1000), part), wait_ms=500))) == 2


def test_nothing_but_unknown_topics_is_told_at_once() -> None:
    (refused,) = Table().ask(Fetch(ME, (FetchPart("gone", 0, 0, 1000),), wait_ms=500))
    assert refused.reason is Refusal.NO_TOPIC
