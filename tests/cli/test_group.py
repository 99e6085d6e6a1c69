"""`penstock group …`: the same on penstock and on Apache Kafka."""

import time
from collections.abc import Callable, Iterator

import pytest
from confluent_kafka import Consumer

from tests.cli.conftest import Call


@pytest.fixture
def filled(call: Call, server: str, topic: str, typed: Callable[[bytes], None]) -> str:
    """A topic of two partitions: records of 2026-01-01, 02 and 03 in the first, one of the 2nd in the other."""
    call("topic", "create", topic, "--partitions", "2", "--config", "retention.ms=-1")
    line = '{"value": "v", "partition": %d, "timestamp": "2026-01-0%dT00:00:00Z"}\n'
    typed("".join(line % place for place in ((0, 1), (0, 2), (0, 3), (1, 2))).encode())
    call("produce", topic, "--format", "json")
    return topic


@pytest.fixture
def member(server: str, filled: str) -> Iterator[Consumer]:
    """A member of the group named as the topic, with both partitions."""
    consumer = Consumer(
        {
            "bootstrap.servers": server,
            "group.id": filled,
            "client.id": "somebody",
            "auto.offset.reset": "earliest",
        }
    )
    consumer.subscribe([filled])
    until_s = time.monotonic() + 20
    while len(consumer.assignment()) < 2 and time.monotonic() < until_s:
        consumer.poll(0.05)
    yield consumer
    consumer.close()


def places(call: Call, group: str) -> list[tuple[int, int, int]]:
    (row,) = call("group", "describe", group, "--json").rows
    return [(part["partition"], part["offset"], part["lag"]) for part in row["partitions"]]


@pytest.mark.parametrize(
    ("to", "offsets"),
    [
        ("start", (0, 0)),
        ("end", (3, 1)),
        ("end-1", (2, 0)),
        ("start+2", (2, 1)),
        ("2", (2, 1)),
        ("2026-01-02T00:00:00Z", (1, 0)),
        ("@1767312000001", (2, 1)),
        ("-1s", (3, 1)),
    ],
)
def test_a_group_is_moved_to_any_place(call: Call, filled: str, to: str, offsets: tuple[int, int]) -> None:
    moved = call("group", "seek", filled, "--to", to, "--topic", filled, "--json").rows
    assert [(row["partition"], row["from"], row["to"], row["state"]) for row in moved] == [
        (0, None, offsets[0], "moved"),
        (1, None, offsets[1], "moved"),
    ]
    assert places(call, filled) == [(0, offsets[0], 3 - offsets[0]), (1, offsets[1], 1 - offsets[1])]


def test_a_dry_run_prints_the_plan_and_moves_nothing(call: Call, filled: str) -> None:
    call("group", "seek", filled, "--to", "end", "--topic", filled)
    plan = call("group", "seek", filled, "--to", "start", "--partition", "0", "--dry-run")
    assert plan.lines[0].split() == ["topic", "partition", "from", "to", "change", "state"]
    assert plan.lines[1].split() == [filled, "0", "3", "0", "-3", "would", "move"]
    assert places(call, filled) == [(0, 3, 0), (1, 1, 0)]


def test_groups_are_listed_described_and_deleted(call: Call, filled: str) -> None:
    call("group", "seek", filled, "--to", "start", "--topic", filled)
    (row,) = call("group", "list", filled, "--json").rows
    assert (row["group"], row["state"]) == (filled, "Empty")
    assert call("group", "list", filled, "--state", "Stable", "--json").rows == []
    shown = call("group", "describe", filled)
    assert shown.lines[0] == f"{filled}: Empty, 0 members, lag 4"
    assert shown.lines[3].split() == [filled, "0", "0", "3", "3"]
    would = call("group", "delete", filled, "--dry-run", "--json").rows
    assert would == [{"group": filled, "partitions": 2, "topics": [filled], "state": "would be deleted"}]
    assert call("group", "delete", filled, "--yes").code == 0
    assert call("group", "describe", filled).code == 2


def test_members_are_shown_with_what_they_read(call: Call, filled: str, member: Consumer) -> None:
    (row,) = call("group", "describe", filled, "--json").rows
    assert (row["state"], row["assignor"], row["lag"]) == ("Stable", "range", 0)
    assert [m["client"] for m in row["members"]] == ["somebody"]
    ids = {m["member"] for m in row["members"]}
    assert [(p["partition"], p["member"] in ids) for p in row["partitions"]] == [(0, True), (1, True)]
    assert call("group", "list", filled, "--state", "stable", "--json").rows[0]["group"] == filled
    assert "somebody" in call("group", "describe", filled).out


def test_an_active_group_is_neither_moved_nor_deleted(call: Call, filled: str, member: Consumer) -> None:
    moved = call("group", "seek", filled, "--to", "start", "--topic", filled)
    assert moved.code == 2
    assert f"group {filled} is Stable with 1 clients: somebody" in moved.error
    assert "stop them" in moved.error
    assert call("group", "delete", filled, "--yes").code == 2
    read = call("consume", filled, "--group", filled)
    assert (read.code, "does not join" in read.error) == (2, True)


def test_reading_for_a_group_goes_on_where_it_stands(call: Call, filled: str) -> None:
    first = call("consume", filled, "--group", filled, "--partition", "0", "--count", "2", "--json")
    assert [row["offset"] for row in first.rows] == [0, 1]
    assert places(call, filled) == [(0, 2, 1)]
    rest = call("consume", filled, "--group", filled, "--json")
    assert sorted((row["partition"], row["offset"]) for row in rest.rows) == [(0, 2), (1, 0)]
    assert call("consume", filled, "--group", filled).out == ""


def test_mistakes_are_said_with_their_remedy(call: Call, filled: str) -> None:
    for words, says in (
        (("seek", filled, "--to", "yesterday"), "no place in a topic"),
        (("seek", filled, "--to", "start"), "--topic NAME"),
        (("seek", filled, "--to", "start", "--topic", "missing"), "no topic missing"),
        (("seek", filled, "--to", "start", "--topic", filled, "--partition", "9"), "partition 9"),
        (("describe", "missing"), "no group missing"),
        (("delete", "missing-*", "--yes"), "no group matches"),
    ):
        said = call("group", *words)
        assert (said.code, says in said.error) == (2, True), said.error
