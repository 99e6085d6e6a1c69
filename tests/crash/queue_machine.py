"""Queues on a simulated disk, their clients, and chance: who moves next, when the machine goes down.

Clients are generators: each yields a call and is given its answer. Between two of their moves a turn may end, the disk may
be synced, time may pass; the machine goes down at any change of the disk, in the start too. One seed decides everything.
"""

import contextlib
import random
from collections import Counter
from collections.abc import Callable, Generator
from functools import partial
from typing import Any, TypeAlias

from penstock.broker.broker import Broker, BrokerOptions
from penstock.broker.ledger.options import LedgerOptions
from penstock.calls import Call, Principal
from penstock.calls import queues as q
from penstock.content import Content, Properties
from penstock.errors import Refused
from penstock.later import Later
from penstock.log import Log, LogOptions
from penstock.testing.disk import Crashed, SimulatedDisk
from tests.broker.bench import START, answer_of, numbered
from tests.broker.on_disk import run_errands
from tests.crash.queue_history import QueueHistory, Rest

ME = Principal("guest", "127.0.0.1", "client")
SOURCES = ("classic", "quorum")
COPIES, DEAD, MARKS = "copies", "dead", "marks"
PERSISTENT = Properties.made(delivery_mode=2)
SMALL = {"segment_bytes": 4000, "index_interval_bytes": 300, "checkpoint_bytes": 6000, "open_files_max": 16}
TINY = LedgerOptions(segment_bytes=4096, memory_bytes=4096, clean_bytes_min=4096, replay_ms=0)
"""So that the log is cleaned, snapshots are made, and bodies are fetched from the disk."""
Steps: TypeAlias = Generator[Call, Any, Any]


def messages(queue: str, values: list[str]) -> list[q.Publishing]:
    return [q.Publishing(Content("", queue, PERSISTENT, value.encode()), False) for value in values]


class RefusedError(Exception):
    """Nothing that these clients ask for may be declined."""


def sound(answer: object) -> object:
    if isinstance(answer, Refused):
        raise RefusedError(f"refused: {answer}")
    return answer


def opened() -> Steps:
    client = yield q.OpenClient(ME)
    return (yield q.OpenChannel(ME, client))


def declared() -> Steps:
    """The queues; what a source rejects goes to DEAD."""
    channel = yield from opened()
    for name in (COPIES, DEAD, MARKS):
        yield q.DeclareQueue(ME, channel, name, durable=True)
    letters = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": DEAD}
    for name in SOURCES:
        arguments = {**letters, "x-queue-type": name}
        yield q.DeclareQueue(ME, channel, name, durable=True, arguments=arguments)


class Publisher:
    """Values in batches, each safe before the next but one. What was not confirmed is never sent again."""

    def __init__(self, machine: "Machine", name: str) -> None:
        self.machine, self.name, self.number = machine, name, 0

    def live(self) -> Steps:
        history, chance = self.machine.history, self.machine.chance
        channel = yield from opened()
        while True:
            unsafe: list[str] = []
            for _ in range(chance.choice((1, 1, 2))):
                some = range(self.number, self.number + chance.randint(1, 7))
                self.number = some.stop
                values = [f"{self.name} {number}" for number in some]
                history.send(values)
                unsafe += values
                sent = yield q.Publish(ME, channel, messages(chance.choice(SOURCES), values))
                assert sent == q.Sent(len(values), [], []), sent
            assert (yield q.AwaitSafe(ME, channel)) is None
            history.confirm(unsafe)


class Consumer:
    """Acknowledges most, gives some back, rejects some; dies now and then."""

    def __init__(self, machine: "Machine", queue: str, transacting: bool) -> None:
        self.machine, self.queue, self.transacting = machine, queue, transacting

    def live(self) -> Steps:
        chance = self.machine.chance
        client = yield q.OpenClient(ME)
        channel = yield q.OpenChannel(ME, client)
        if self.transacting:
            yield q.SelectTransaction(ME, channel)
        yield q.SetPrefetch(ME, channel, 40)
        yield q.Subscribe(ME, channel, self.queue)
        while True:
            leased = yield q.Lease(ME, channel, chance.choice((50, 300, 100_000)))
            yield from self._settle(
                channel, [(one.tag, one.content.body.decode()) for one in leased.deliveries]
            )
            if chance.random() < 0.05:
                yield q.CloseClient(ME, client)
                return

    def _settle(self, channel: object, got: list[tuple[int, str]]) -> Steps:
        history, chance, life = self.machine.history, self.machine.chance, self.machine.history.life
        acks, settlements = list[str](), list[q.Settlement]()
        for tag, value in got:
            history.deliver(value, life)
            mark = chance.choices((q.Mark.ACK, q.Mark.REQUEUE, q.Mark.REJECT), (90, 6, 4))[0]
            settlements.append(q.Settlement(tag, False, mark))
            if mark is q.Mark.ACK:
                acks.append(value)
        if chance.random() < 0.05:
            return  # it keeps them until it dies
        assert (yield q.Settle(ME, channel, settlements)) is None
        if self.transacting:
            yield q.Publish(ME, channel, messages(COPIES, acks))
            assert isinstance((yield q.CommitTransaction(ME, channel)), q.Committed)
        else:
            yield q.Publish(ME, channel, messages(MARKS, ["mark"]))
            assert (yield q.AwaitSafe(ME, channel)) is None
        history.settle(acks, self.transacting, life)


class Running:
    """A client: `live` is its life anew after each crash, or each death of its own."""

    def __init__(self, live: Callable[[], Steps]) -> None:
        self.live = live
        self.steps, self.answer, self.waiting = live(), None, False

    def again(self) -> None:
        self.steps, self.answer, self.waiting = self.live(), None, False


class Machine:
    """See the module. `crashes` are survived by `run`."""

    def __init__(self, seed: int, sync: str = "always") -> None:
        self.chance, self.disk, self.now = random.Random(seed), SimulatedDisk(seed), START
        self.options = LogOptions(**SMALL, journal_bytes=(0, 6000, 20_000)[seed % 3], sync=sync)
        self.random, self.counts, self.history = numbered(), Counter[str](), QueueHistory()
        self.start()
        self.alone(declared())
        consumers = [Consumer(self, queue, transacting) for queue in SOURCES for transacting in (False, True)]
        lives = [Publisher(self, f"publisher-{n}").live for n in range(2)] + [one.live for one in consumers]
        self.clients = [Running(live) for live in lives]

    def start(self) -> None:
        self.log = Log.open(self.disk, self.options, self.now)
        self.broker = Broker(self.log, BrokerOptions(ledger=TINY), self.now, self.random)

    # --- moves ---------------------------------------------------------------------------------------------------

    def run(self, crashes: int) -> None:
        """Until the machine went down so many times."""
        for _ in range(crashes):
            self.disk.crash_at = int(self.chance.expovariate(1 / self.chance.choice((10, 60, 250))))
            with contextlib.suppress(Crashed):
                while True:
                    self.move()
            self.crash()

    def move(self) -> None:
        way = self.chance.random()
        if way < 0.7:
            self.step(self.chance.choice(self.clients))
        elif way < 0.88:
            self.end_turn()
        elif way < 0.97:
            self.sync()
        else:
            self.pass_time(self.chance.choice((0.01, 0.3, 1.1)))

    def step(self, client: Running) -> None:
        """Give a client its answer; put the call that it makes then."""
        if client.waiting:
            return
        try:
            call = client.steps.send(client.answer)
        except StopIteration:
            client.again()
            return
        self.counts[type(call).__name__] += 1
        client.waiting = True
        answer = self.broker.answer(call, self.now)
        answered = partial(self._answered, client, client.steps)
        answer.watch(answered) if isinstance(answer, Later) else answered(answer)

    def _answered(self, client: Running, steps: Steps, answer: object) -> None:
        if client.steps is steps:
            client.answer, client.waiting = sound(answer), False

    def end_turn(self) -> None:
        self.broker.settle(self.now, self.chance.random() < 0.4)
        run_errands(self.broker)

    def sync(self) -> None:
        """One round of group commit, in which clients go on."""
        sync = self.log.begin_sync(self.now)
        if sync is None:
            return
        for _ in range(self.chance.choice((0, 0, 1, 5))):
            if self.counts:
                self.move()
        sync.run()
        assert sync.error is None
        self.broker.moved(self.log.end_sync(sync, self.now), self.now)

    def pass_time(self, seconds: float) -> None:
        end_s = self.now.mono_s + seconds
        while (due_s := self.broker.next_wake_s(self.now)) is not None and self.now.mono_s + due_s <= end_s:
            self.now = self.now.after(max(due_s, 0.0005))
            self.broker.tick(self.now)
            self.end_turn()
        self.now = self.now.after(max(0.0, end_s - self.now.mono_s))

    # --- going down ----------------------------------------------------------------------------------------------

    def crash(self) -> None:
        """Down, perhaps again while it starts; all connections are lost."""
        self.go_down()
        while self.chance.random() < 0.3:
            self.disk.crash_at = self.chance.randrange(15)
            with contextlib.suppress(Crashed):
                self.start()
            self.go_down()
        self.disk.crash_at = None
        self.start()
        for client in self.clients:
            client.again()

    def go_down(self) -> None:
        """The machine crashes, or only the process does."""
        self.counts["crashes"] += 1
        self.history.life += 1
        upkeep = self.broker._state.queues.ledger._upkeep
        self.counts.update(moved=upkeep.moved, snapshots=upkeep.snapshots)
        (self.disk.kill if self.chance.random() < 0.25 else self.disk.crash)()

    # --- the end -------------------------------------------------------------------------------------------------

    def finish(self) -> Rest:
        """What is in the queues after one crash more."""
        self.go_down()
        self.disk.crash_at = None
        self.start()
        return Rest(
            [value for queue in SOURCES for value in self.alone(drained(queue))],
            self.alone(drained(COPIES)), self.alone(drained(DEAD)),
        )  # fmt: skip

    def alone(self, steps: Steps) -> Any:
        """Nobody else moves meanwhile; what comes of it."""
        answer = None
        while True:
            try:
                call = steps.send(answer)
            except StopIteration as end:
                return end.value
            found = self.broker.answer(call, self.now)
            self.settled()
            answer = sound(answer_of(found))

    def settled(self) -> None:
        """The turn's end, and all rounds there are to do."""
        self.end_turn()
        while self.broker.needs_sync and (sync := self.log.begin_sync(self.now)) is not None:
            sync.run()
            assert sync.error is None
            self.broker.moved(self.log.end_sync(sync, self.now), self.now)
            self.end_turn()


def drained(queue: str) -> Steps:
    channel = yield from opened()
    found = list[str]()
    while (got := (yield q.Get(ME, channel, queue, True))) is not None:
        found.append(got.delivery.content.body.decode())
    return found
