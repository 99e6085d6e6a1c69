"""Invariant: no request raises; whatever is answered is whole, in order and no unknown error; the broker stays sound.

A block is one broker and some thousand requests from a seed: repeat a failure by its number.
"""

import os
import time
from collections import Counter

import pytest

from penstock.calls import Appended
from penstock.record import intact, scan
from penstock.wire.kafka.registry import OFFERED
from tests.broker.bench import values_of
from tests.broker.writers import Writer, committed
from tests.fuzz.desk import Desk, counted
from tests.fuzz.making import OFFERS, SASL

BLOCK = 10_000
SHARE_MIN = 1 / 3


def attack(seed: int, requests: int, counts: Counter[str]) -> None:
    """One block; afterwards the broker works, its log is whole, and it starts again on it."""
    desk, sent = Desk(seed, counts), 0
    while sent < requests:
        sent += desk.connection()
    counts["sent"] += sent
    works(desk)
    whole(desk)
    desk.table.log.close(desk.table.now)
    desk.table.restart()
    works(desk)
    whole(desk)


def works(desk: Desk) -> None:
    """A well-behaved client is served."""
    desk.table.topic("after")
    desk.table.append("after", b"one")
    desk.table.sync()
    assert values_of(desk.table.fetch("after", 0)[0])[0] == b"one"
    writer = Writer(desk.table, "after")
    writer.init()
    assert writer.add(("after", 0)) == [None]
    assert isinstance(writer.send("after", b"two"), Appended)
    assert writer.end() is None
    desk.settle(100)  # what was left open times out, and hides nothing any more
    assert committed(desk.table, "after")[-1] == b"two"


def whole(desk: Desk) -> None:
    """Every batch of every partition is sound, and none stands at another's offsets."""
    for topic in desk.table.log.topics.values():
        for one in topic.partitions:
            offset = one.start_offset
            while offset < one.durable_offset:
                data = one.read(offset, 1 << 20, end=one.durable_offset)
                infos = list(scan(data))
                if not infos:
                    break
                for info in infos:
                    assert intact(data[info.position : info.position + info.size])
                    assert info.last_offset >= offset
                    offset = info.last_offset + 1


@pytest.fixture
def tally(monkeypatch: pytest.MonkeyPatch) -> tuple[Counter[str], set[tuple[int, int]]]:
    counts, seen = Counter[str](), set[tuple[int, int]]()
    for key, api in list(OFFERED.items()):
        monkeypatch.setitem(OFFERED, key, counted(api, counts, seen))
    return counts, seen


def test_spoilt_requests_get_nothing_but_protocol_errors(
    tally: tuple[Counter[str], set[tuple[int, int]]],
) -> None:
    counts, seen = tally
    attack(0, 5000, counts)
    assert counts["reached"] >= SHARE_MIN * counts["sent"], counts
    assert {offer for offer in OFFERS if offer[0] not in SASL} <= seen, (
        "every API in every version was reached"
    )


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_a_million_spoilt_requests_get_nothing_but_protocol_errors(
    tally: tuple[Counter[str], set[tuple[int, int]]],
) -> None:
    (counts, seen), begun_s = tally, time.monotonic()
    first = int(os.environ.get("PENSTOCK_SEED", "1"))
    total = int(os.environ.get("PENSTOCK_REQUESTS", "1000000"))
    for seed in range(first, first + total // BLOCK):
        print(f"seed {seed}: {time.monotonic() - begun_s:.0f} s, {dict(counts)}", flush=True)
        attack(seed, BLOCK, counts)
    print(f"{time.monotonic() - begun_s:.0f} s, {dict(counts)}", flush=True)
    assert counts["sent"] >= total
    assert counts["reached"] >= SHARE_MIN * counts["sent"], counts
    assert set(OFFERS) <= seen
