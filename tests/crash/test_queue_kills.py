"""The broker is killed with SIGKILL at random moments under AMQP clients, and these die too.

Every confirmed message is delivered at least once, one whose acknowledgement was safe never again; what a transaction
acknowledges and publishes is one; a rejected message is dead once (`queue_history.py`).
"""

import contextlib
import os
import random
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from penstock.testing.processes import BrokerProcess
from tests.crash.queue_clients import COPIES, DEAD, SOURCES, Client, Consumer, Publisher, Talker, declare
from tests.crash.queue_history import QueueHistory, Rest

SEEDS = [int(seed) for seed in os.environ.get("PENSTOCK_SEEDS", "3 4 5 6 7").split()]
"""Of the long recipe: five hundred kills."""


@pytest.fixture
def amqp(tmp_path: Path) -> Iterator[BrokerProcess]:
    with BrokerProcess(tmp_path / "data", words=("--amqp", "127.0.0.1:0")) as broker:
        broker.words = ("--amqp", broker.ready["amqp"])  # on the same port when it comes back
        yield broker


class Campaign:
    """One broker, its clients, and the chance that a seed gives."""

    def __init__(self, broker: BrokerProcess, seed: int) -> None:
        self.broker, self.chance, self.history = broker, random.Random(seed), QueueHistory()
        self.slowest_start_s, self.address = 0.0, broker.ready["amqp"]
        declare(self.address)
        self.publishers: list[Client] = [
            Publisher(lambda: self.address, name, self.history, seed) for name in ("ada", "bob", "eve")
        ]
        self.consumers: list[Client] = []
        for number in range(4):
            consumer = Consumer(lambda: self.address, f"consumer-{number}", self.history, seed)
            consumer.queue, consumer.transacting = SOURCES[number % 2], number >= 2
            self.consumers.append(consumer)

    def kill(self) -> None:
        """Once, perhaps again while it starts, and bring it back."""
        self.broker.kill()
        self.history.life += 1
        if self.chance.random() < 0.15:
            process_ends = threading.Timer(self.chance.uniform(0.1, 0.6), self._kill_now)
            process_ends.start()
            with contextlib.suppress(RuntimeError):
                self.broker.start()
            process_ends.join()
            self.broker.kill()
        begun_s = time.monotonic()
        self.broker.start()
        self.slowest_start_s = max(self.slowest_start_s, time.monotonic() - begun_s)

    def _kill_now(self) -> None:
        if self.broker.process is not None:
            self.broker.process.send_signal(signal.SIGKILL)

    def get_on(self, most_s: float) -> None:
        """Wait until every client has done something more."""
        clients = [*self.publishers, *self.consumers]
        before, until_s = [one.steps for one in clients], time.monotonic() + most_s
        while time.monotonic() < until_s and any(
            one.steps == had for one, had in zip(clients, before, strict=True)
        ):
            time.sleep(0.01)

    def end(self) -> Rest:
        """All stop; what is in the queues then."""
        clients = [*self.publishers, *self.consumers]
        for client in clients:
            client.stopping.set()
        for client in clients:
            client.join(90)
        assert [(c.name, c.is_alive(), c.failure) for c in clients] == [(c.name, False, "") for c in clients]
        with contextlib.closing(Talker(self.address)) as peer:
            drained = [value for queue in SOURCES for value in peer.get_all(queue)]
            return Rest(drained, peer.get_all(COPIES), peer.get_all(DEAD))

    def told(self, kills: int, since_s: float) -> str:
        """One line of progress."""
        history = self.history
        return (
            f"{kills} kills in {time.monotonic() - since_s:.0f} s: {len(history.confirmed)} confirmed of {len(history.sent)}, "
            f"{len(history.settled)} settled, {len(history.copied)} copied, {sum(c.lives for c in self.consumers)} lives of "
            f"consumers, slowest start {self.slowest_start_s:.2f} s"
        )


def survive(broker: BrokerProcess, kills: int, seed: int) -> None:
    campaign, begun_s = Campaign(broker, seed), time.monotonic()
    print(f"seed {seed}", flush=True)
    for client in (*campaign.publishers, *campaign.consumers):
        client.start()
    for kill in range(kills):
        if kill % 5:  # every fifth time nobody gets his breath back
            campaign.get_on(3)
        time.sleep(campaign.chance.uniform(0, 0.3))
        campaign.kill()
        if kill % 25 == 24:
            print(campaign.told(kill + 1, begun_s), flush=True)
    campaign.get_on(5)
    rest = campaign.end()
    print(campaign.told(kills, begun_s), f"{len(rest.dead)} dead, {len(rest.drained)} left", flush=True)
    found = campaign.history.anomalies(rest)
    assert found == [], f"seed {seed}: {len(found)} anomalies: {found[:10]}"
    assert len(campaign.history.settled) > 20 * kills, "there was a load between the kills"
    assert len(campaign.history.copied) > 5 * kills


def test_no_promise_is_broken_when_the_broker_is_killed_20_times(amqp: BrokerProcess) -> None:
    survive(amqp, 20, seed=1)


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("seed", SEEDS)
def test_no_promise_is_broken_when_the_broker_is_killed_100_times_over(
    amqp: BrokerProcess, seed: int
) -> None:
    survive(amqp, 100, seed)
