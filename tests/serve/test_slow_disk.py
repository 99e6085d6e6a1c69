"""A disk that takes its time holds up who asked for what is on it, and nobody else."""

import asyncio
import os
import time

from penstock.broker.broker import Broker, BrokerOptions
from penstock.calls import (
    Append,
    AppendPart,
    CreateTopics,
    Fetch,
    FetchPart,
    ListOffsets,
    NewTopic,
    OffsetsPart,
    Principal,
)
from penstock.later import Later
from penstock.log import Log, LogOptions, RealDisk
from penstock.record import Record, encode
from penstock.serve.clocks import read_clocks
from penstock.serve.errands import ErrandRuns

ME = Principal("me")
SLOW_S = 0.3


class SlowDisk(RealDisk):
    """Nothing is in memory before it was read once, which takes SLOW_S."""

    def __init__(self, root):
        super().__init__(root)
        self.near, self.slow = set(), False

    def peek(self, fd, size, position):
        return super().peek(fd, size, position) if position in self.near or not self.slow else None

    def read(self, fd, size, position):
        if self.slow and position not in self.near:
            time.sleep(SLOW_S)
            self.near.add(position)
        return super().read(fd, size, position)


async def answer_and_lag(broker, call):
    """The answer, how long it took, and the longest that the loop was held up meanwhile."""
    runs = ErrandRuns(lambda: None)
    begun_s = looked_s = time.monotonic()
    lag_s = 0.0
    try:
        answer = broker.answer(call, read_clocks())
        runs.add(broker.take_errands())
        while isinstance(answer, Later) and not answer.done:
            await asyncio.sleep(0.005)
            lag_s, looked_s = max(lag_s, time.monotonic() - looked_s), time.monotonic()
    finally:
        runs.close()
    got = [answer]
    if isinstance(answer, Later):
        answer.watch(got.append)
    return got[-1], time.monotonic() - begun_s, lag_s


def test_fetches_and_searches_of_what_is_on_the_disk_hold_up_nobody(tmp_path):
    disk = SlowDisk(tmp_path)
    now = read_clocks()
    log = Log.open(disk, LogOptions(sync="never"), now)
    broker = Broker(log, BrokerOptions(), now, os.urandom)
    broker.answer(CreateTopics(ME, (NewTopic("t", 1, 1, {}),)), now)
    for number in range(20):
        batch = encode([Record(None, b"x" * 3000, 1000 + number)])
        broker.answer(Append(ME, (AppendPart("t", 0, batch),), 1), now)
    disk.slow = True
    for call in (
        Fetch(ME, (FetchPart("t", 0, 0, 40_000),)),
        ListOffsets(ME, (OffsetsPart("t", 0, 1015),)),
    ):
        (found,), took_s, lag_s = asyncio.run(answer_and_lag(broker, call))
        assert getattr(found, "batches", b"x") and getattr(found, "offset", 15) == 15
        assert took_s >= SLOW_S
        assert lag_s < SLOW_S / 2, f"the loop was held up for {lag_s:.2f} s"
    assert broker.measures()["penstock_errands"] == 0
    log.close(now)
