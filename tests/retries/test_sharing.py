"""How partitions are shared out, and the bytes in which members say what they had: Kafka's own, by kio."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kio.schema.consumer_protocol_assignment.v1.data import ConsumerProtocolAssignment
from kio.schema.consumer_protocol_subscription.v1.data import ConsumerProtocolSubscription
from kio.serial import entity_reader

from penstock.client.members import sharing

NUMBERS = st.integers(0, 30)
MEMBERS = st.dictionaries(
    st.text("abcdef", min_size=1, max_size=2), st.lists(NUMBERS, max_size=8), min_size=1
)


@given(MEMBERS, NUMBERS, NUMBERS)
def test_every_partition_has_one_member_and_numbers_stay_together(
    had: dict[str, list[int]], orders: int, retries: int
) -> None:
    owned = {name: [("orders", number) for number in numbers] for name, numbers in had.items()}
    shares = sharing.share(owned, {"orders": orders, "orders.retry.5s": retries})
    given = [part for parts in shares.values() for part in parts]
    wanted = [("orders", n) for n in range(orders)] + [("orders.retry.5s", n) for n in range(retries)]
    assert sorted(given) == sorted(wanted)
    numbers = {name: {number for _, number in parts} for name, parts in shares.items()}
    assert sum(map(len, numbers.values())) == max(orders, retries)
    sizes = [len(each) for each in numbers.values()]
    assert max(sizes) - min(sizes) <= 1


def test_members_keep_what_they_had_when_one_comes_and_when_one_goes() -> None:
    topics = {"t": 6}
    first = sharing.share({"a": [], "b": []}, topics)
    same = sharing.share(first, topics)
    assert same == first
    three = sharing.share({**first, "c": []}, topics)
    assert all(set(three[name]) <= set(first[name]) for name in first)
    assert {name: len(parts) for name, parts in three.items()} == {"a": 2, "b": 2, "c": 2}
    two = sharing.share({"a": three["a"], "c": three["c"]}, topics)
    assert set(three["a"]) <= set(two["a"])
    assert set(three["c"]) <= set(two["c"])


def test_the_bytes_are_kafka_s() -> None:
    owned = [("orders", 1), ("orders", 3), ("other", 0)]
    data = sharing.subscription(["orders", "other"], owned)
    read, _ = entity_reader(ConsumerProtocolSubscription)(memoryview(data)[2:], 0)
    assert list(read.topics) == ["orders", "other"]
    assert {p.topic: list(p.partitions) for p in read.owned_partitions} == {"orders": [1, 3], "other": [0]}
    assert sharing.owned_of(data) == owned
    data = sharing.assignment(owned)
    read, _ = entity_reader(ConsumerProtocolAssignment)(memoryview(data)[2:], 0)
    assert {p.topic: list(p.partitions) for p in read.assigned_partitions} == {"orders": [1, 3], "other": [0]}
    assert sharing.assigned_of(data) == owned


@given(st.binary(max_size=60))
def test_nonsense_from_other_members_names_no_partition(data: bytes) -> None:
    assert isinstance(sharing.owned_of(data), list)


@given(st.binary(min_size=1, max_size=40))
def test_a_damaged_assignment_is_refused(data: bytes) -> None:
    try:
        found = sharing.assigned_of(data)
    except ValueError:
        return
    assert isinstance(found, list)


def test_an_assignment_that_claims_more_than_it_has_is_refused() -> None:
    with pytest.raises(ValueError, match="damaged"):
        sharing.assigned_of(struct.pack(">hi", 1, 5))
