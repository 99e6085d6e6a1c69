"""The broker is killed with SIGKILL at random moments under idempotent, transactional and reading clients.

A group of three copies committed records, its offsets in the transactions. Killed while it works, while it starts, and
a moment after; clients die too. The whole history is then held against Jepsen's invariants (`history.py`).
"""

import contextlib
import os
import random
import signal
import threading
import time
from collections.abc import Callable, Sequence

import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from penstock.testing.processes import BrokerProcess
from tests.crash.clients import (
    LOAD,
    PARTITIONS,
    SOURCE,
    TARGET,
    Client,
    Copier,
    Follower,
    Load,
    Source,
    read_all,
    reading,
    transactional,
)  # fmt: skip
from tests.crash.history import Final, History, Part, Records

PAUSE_S_MIN, PAUSE_S_MAX = 2.0, 6.0
SEEDS = [int(seed) for seed in os.environ.get("PENSTOCK_SEEDS", "3 4 5 6 7").split()]
"""Of the long recipe: five hundred kills."""


class Campaign:
    """One broker, its clients, and the chance that a seed gives."""

    def __init__(self, broker: BrokerProcess, seed: int) -> None:
        self.broker, self.chance, self.history = broker, random.Random(seed), History()
        self.slowest_start_s = 0.0
        address = broker.address
        self.loads = [Load(address, name, self.history, seed) for name in ("ada", "bob")]
        self.source = Source(address, SOURCE, self.history, seed)
        self.copiers = [Copier(address, f"copier-{n}", self.history, seed) for n in range(3)]
        self.followers = [
            Follower(address, "committed", self.history, True), Follower(address, "all", self.history, False),
        ]  # fmt: skip
        self.clients: list[Client] = [*self.loads, self.source, *self.copiers, *self.followers]

    def begin(self) -> None:
        admin = AdminClient({"bootstrap.servers": self.broker.address, "log_level": 0})
        topics = [
            NewTopic(t, PARTITIONS, 1, config={"segment.bytes": str(1 << 20)}) for t in (LOAD, SOURCE, TARGET)
        ]
        for made in admin.create_topics(topics).values():
            made.result()
        with contextlib.closing(reading(self.broker.address, "copiers", True)) as consumer:
            consumer.commit(
                offsets=[TopicPartition(SOURCE, p, 0) for p in range(PARTITIONS)], asynchronous=False
            )
        for client in self.clients:
            client.start()

    def kill(self) -> None:
        """Once, and bring it back."""
        self.broker.kill()
        if self.chance.random() < 0.15:
            self.kill_while_it_starts(self.chance.uniform(0, 0.4))
        begun_s = time.monotonic()
        self.broker.start()
        self.slowest_start_s = max(self.slowest_start_s, time.monotonic() - begun_s)

    def kill_while_it_starts(self, after_s: float) -> None:
        def end() -> None:
            if self.broker.process is not None:
                self.broker.process.send_signal(signal.SIGKILL)

        timer = threading.Timer(after_s, end)
        timer.start()
        with contextlib.suppress(RuntimeError):  # it was not ready yet
            self.broker.start()
        timer.join()
        self.broker.kill()

    def get_on(self, most_s: float) -> None:
        """Wait until source and group have ended a transaction more: they need a second or two to come back."""
        before, until_s = (self.source.steps, self.copied()), time.monotonic() + most_s
        while time.monotonic() < until_s:
            if self.source.steps > before[0] and self.copied() > before[1]:
                return
            time.sleep(0.01)

    def copied(self) -> int:
        """Transactions of the group."""
        return sum(copier.steps for copier in self.copiers)

    def end(self) -> Final:
        """Writers stop; the group copies and the readers read what is left; then they stop; what there is in the end."""
        address = self.broker.address
        self.stop([*self.loads, self.source])
        transactional(address, SOURCE)  # ends what its last self left open
        filled = read_all(address, committed=True)
        wait_for(lambda: copied_up_to(address, filled), 90)
        self.stop(self.copiers)
        for copier in self.copiers:
            transactional(address, copier.name)
        final = Final(read_all(address, committed=False), read_all(address, committed=True))
        for follower, log in zip(self.followers, (final.committed, final.every), strict=True):
            ends = {part: records[-1][0] + 1 for part, records in log.items() if records}
            wait_for(lambda f=follower, e=ends: all(f.position[part] >= e[part] for part in e), 60)
        self.stop(self.followers)
        return final

    def stop(self, clients: Sequence[Client]) -> None:
        for client in clients:
            client.stopping.set()
        for client in clients:
            client.join(100)
        assert [(c.name, c.is_alive(), c.failure) for c in clients] == [(c.name, False, "") for c in clients]

    def told(self, kills: int, since_s: float) -> str:
        """One line of progress."""
        restarts = sum(client.restarts for client in self.clients)
        return (
            f"{kills} kills in {time.monotonic() - since_s:.0f} s: {len(self.history.acknowledged)} acknowledged, "
            f"{self.source.steps} transactions, {self.copied()} copied, {len(self.history.polls)} polls, "
            f"{restarts} restarts of clients, slowest start {self.slowest_start_s:.2f} s"
        )


def wait_for(true: Callable[[], bool], most_s: float) -> None:
    until_s = time.monotonic() + most_s
    while not true() and time.monotonic() < until_s:
        time.sleep(0.2)


def copied_up_to(address: str, filled: dict[Part, Records]) -> bool:
    """Whether the group's committed offsets are behind the last committed record of each partition."""
    consumer = reading(address, "copiers", True)
    with contextlib.closing(consumer):
        found = consumer.committed([TopicPartition(SOURCE, p) for p in range(PARTITIONS)], 30)
    return all(one.offset > filled[SOURCE, one.partition][-1][0] for one in found)


def survive(broker: BrokerProcess, kills: int, seed: int, budget_s: float) -> None:
    """`budget_s` is for all kills: pauses get shorter when they take too long."""
    campaign, begun_s = Campaign(broker, seed), time.monotonic()
    print(f"seed {seed}", flush=True)
    campaign.begin()
    campaign.get_on(30)
    for kill in range(kills):
        left_s = budget_s * (kill + 1) / kills - (time.monotonic() - begun_s)
        if kill % 5:  # every fifth time nobody gets his breath back
            campaign.get_on(min(PAUSE_S_MAX, max(PAUSE_S_MIN, left_s)))
        time.sleep(campaign.chance.uniform(0, 0.3))
        campaign.kill()
        if kill % 25 == 24:
            print(campaign.told(kill + 1, begun_s), flush=True)
    campaign.get_on(10)
    final = campaign.end()
    print(campaign.told(kills, begun_s), flush=True)
    found = campaign.history.anomalies(final, [(SOURCE, TARGET)])
    assert found == [], f"seed {seed}: {len(found)} anomalies: {found[:10]}"
    assert all(load.steps > kills for load in campaign.loads), "the load made progress between the kills"
    assert campaign.source.steps > kills and campaign.copied() > kills / 3


def test_no_anomaly_when_the_broker_is_killed_20_times(broker: BrokerProcess) -> None:
    survive(broker, 20, seed=1, budget_s=40)


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("seed", SEEDS)
def test_no_anomaly_when_the_broker_is_killed_100_times_over(broker: BrokerProcess, seed: int) -> None:
    survive(broker, 100, seed, budget_s=250)
