"""Tables of pairs: numbers in the order of first sight, whatever table gives them."""

from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.engine.kernels import hashing
from tests.engine.streams import NO_SHRINKING


@settings(max_examples=30, deadline=None, phases=NO_SHRINKING)
@given(st.integers(0, 2**32), st.integers(1, 5000))
def test_pairs_are_numbered_in_the_order_of_first_sight(seed: int, spread: int) -> None:
    random, table, known = np.random.default_rng(seed), hashing.PairTable(seed % 3 * 1000), {}
    for size in (1, 3000, 10, 2000):
        a, b = random.integers(-spread, spread, size) << 32, random.integers(0, 3, size)
        numbers, fresh = table.number(a, b)
        before = len(known)
        for pair, number in zip(zip(a.tolist(), b.tolist(), strict=True), numbers.tolist(), strict=True):
            assert known.setdefault(pair, len(known)) == number
        assert numbers[fresh].tolist() == list(range(before, len(known)))


@settings(max_examples=50, deadline=None, phases=NO_SHRINKING)
@given(
    st.integers(0, 2**32),
    st.integers(1, 50_000),
    st.integers(-(2**40), 2**40),
    st.integers(1, 3000),
    st.sampled_from([1, 6]),
)
def test_pairs_that_are_close_are_numbered_as_any_others(
    seed: int, wide: int, least: int, size: int, deep: int
) -> None:
    random = np.random.default_rng(seed)
    ways = hashing.places_of(wide, least, deep, deep * wide), hashing.places_of(2**40, least, deep, 3 * size)
    assert [type(way) for way in ways] == [hashing.Places, hashing.Hashed]
    pairs = hashing.PairTable()
    for _ in range(3):
        a, b = random.integers(0, wide, size), least + random.integers(0, deep, size)
        expected = pairs.number(a, b)[0].tolist()
        assert [way.of(a, b).tolist() for way in ways] == [expected, expected]
    for way in ways:
        numbers, ends = way.taken()
        assert numbers.tolist() == np.argsort(pairs.b, kind="stable").tolist()
        a, b = way.pairs(numbers)
        assert (a.tolist(), b.tolist()) == (pairs.a[numbers].tolist(), pairs.b[numbers].tolist())
        assert [len(set(b[begin:end].tolist())) for begin, end in pairwise([0, *ends])] == [1] * len(
            set(b.tolist())
        )


def test_pairs_that_are_there_are_found_again_and_others_come_behind_them() -> None:
    table = hashing.PairTable()
    table.number(np.arange(9), np.arange(9))
    a, b = np.arange(5000) % 70, np.arange(5000) // 70
    table.fill(a, b)
    numbers, fresh = table.number(np.append(a[::-1], -1), np.append(b[::-1], 0))
    assert numbers.tolist() == [*range(4999, -1, -1), 5000]
    assert fresh.tolist() == [5000]
