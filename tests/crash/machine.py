"""One machine with a broker on a simulated disk, its clients, and chance: who moves next, when it goes down.

Between two moves of clients the disk may be synced, time may pass, logs may be cleaned; the machine goes down at any
change of the disk, and again while it starts. Knows what clients yield; knows nothing of what they do.
"""

import contextlib
import random
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from penstock.broker.broker import Broker, BrokerOptions
from penstock.calls import Call, CreateTopics, NewTopic
from penstock.later import Later
from penstock.log import Log, LogOptions
from penstock.testing.disk import Crashed, SimulatedDisk
from tests.broker.bench import ME, START, answer_of, numbered
from tests.broker.on_disk import run_errands
from tests.crash import simulated as s
from tests.crash.history import Final, History, Part, Records
from tests.log.compacting import run_clean

SMALL = {
    "segment_bytes": 4000, "index_interval_bytes": 300, "checkpoint_bytes": 6000, "open_files_max": 16,
}  # fmt: skip
TOPICS = (s.LOAD, s.SOURCE, s.TARGET)


@dataclass
class Running:
    """A client and the answers it waits for; `None` in `answers` is one that is not there yet."""

    name: str
    steps: Any
    answers: list[Any] = field(default_factory=list)
    waiting: int = 0
    over: bool = False


class Machine:
    """See the module. `crashes` are survived by `run`."""

    def __init__(self, seed: int, sync: str = "always") -> None:
        self.chance = random.Random(seed)
        self.disk, self.now = SimulatedDisk(seed), START
        self.options = LogOptions(**SMALL, journal_bytes=(0, 6000, 20_000)[seed % 3], sync=sync)
        self.random, self.counts = numbered(), Counter[str]()
        self.life = 0
        self.counted = dict.fromkeys(range(s.PARTITIONS), (0, 0))
        self.history, self.writers = History(), s.Stopping()
        self.start()
        topics = tuple(NewTopic(name, s.PARTITIONS, 1) for name in TOPICS)
        self.broker.answer(CreateTopics(ME, topics), self.now)
        self.sync()
        self.copiers = [s.Copier(self.history, f"copier-{n}", self.chance) for n in range(3)]
        write = [s.load(self.history, f"load-{n}", self.chance, self.writers) for n in range(4)]
        write.append(s.source(self.history, self.chance, self.writers))
        read = [s.follower(self.history, committed) for committed in (True, False)]
        self.writing = [Running("writer", steps) for steps in write]
        self.copying = [Running("copier", copier.run()) for copier in self.copiers]
        self.reading = [Running("reader", steps) for steps in read]

    def start(self) -> None:
        self.log = Log.open(self.disk, self.options, self.now)
        self.broker = Broker(self.log, BrokerOptions(), self.now, self.random)

    # --- moves ---------------------------------------------------------------------------------------------------

    def run(self, crashes: int) -> None:
        """Until the machine went down so many times."""
        for _ in range(crashes):
            self.disk.crash_at = int(self.chance.expovariate(1 / self.chance.choice((20, 150, 400))))
            with contextlib.suppress(Crashed):
                while True:
                    self.move([*self.writing, *self.copying, *self.reading])
            self.crash()

    def move(self, clients: list[Running]) -> None:
        way = self.chance.random()
        if way < 0.8:
            self.step(self.chance.choice(clients))
        elif way < 0.95:
            self.sync()
        elif way < 0.99:
            self.pass_time(self.chance.choice((0.001, 0.05, 0.2, 0.2)))
        elif way < 0.995:
            self.pass_time(self.chance.choice((3, 7, 11)))
        else:
            run_clean(self.log, self.now)

    def step(self, client: Running) -> None:
        """Give a client its answers; put the calls that it makes then."""
        if client.over or client.waiting:
            return
        try:
            calls = client.steps.send(client.answers or None)
        except StopIteration:
            client.over = True
            return
        client.answers, client.waiting = [s.LOST] * len(calls), len(calls)
        for place, call in enumerate(calls):
            self.put(client, place, call)
        run_errands(self.broker)

    def put(self, client: Running, place: int, call: Call) -> None:
        self.counts[type(call).__name__] += 1
        life = self.life

        def answered(answer: Any) -> None:
            if life == self.life:
                client.answers[place] = answer
                client.waiting -= 1

        answer = self.broker.answer(call, self.now)
        answer.watch(answered) if isinstance(answer, Later) else answered(answer)

    def sync(self) -> None:
        """One round of group commit, in which clients go on; or all rounds there are to do."""
        sync = self.log.begin_sync(self.now)
        if sync is None:
            return
        for _ in range(self.chance.choice((0, 0, 1, 5))):
            if self.life:  # the topics are there
                self.step(self.chance.choice([*self.writing, *self.copying]))
        sync.run()
        assert sync.error is None
        self.broker.moved(self.log.end_sync(sync, self.now), self.now)

    def pass_time(self, seconds: float) -> None:
        end_s = self.now.mono_s + seconds
        while (due_s := self.broker.next_wake_s(self.now)) is not None and self.now.mono_s + due_s <= end_s:
            self.now = self.now.after(max(due_s, 0.0005))
            self.broker.tick(self.now)
        self.now = self.now.after(max(0.0, end_s - self.now.mono_s))
        self.broker.tick(self.now)

    # --- going down ----------------------------------------------------------------------------------------------

    def crash(self) -> None:
        """Down, perhaps again while it starts; whoever waits hears that his connection is lost."""
        self.life += 1
        self.counts["crashes"] += 1
        self.go_down()
        while self.chance.random() < 0.3:
            self.disk.crash_at = self.chance.randrange(15)
            with contextlib.suppress(Crashed):
                self.start()
            self.go_down()
            self.counts["crashes"] += 1
        self.start()
        for client in (*self.writing, *self.copying, *self.reading):
            client.waiting = 0

    def go_down(self) -> None:
        """The machine crashes, or only the process does."""
        if self.chance.random() < 0.25:
            self.disk.kill()
        else:
            self.disk.crash()

    # --- the end -------------------------------------------------------------------------------------------------

    def finish(self) -> Final:
        """Writers come to their end, all is copied and read; what stands in the log then."""
        self.disk.crash_at, self.writers.stopping = None, True
        self.until(lambda: all(one.over for one in self.writing), self.writing, "writers end")
        filled = self.read_all(committed=True)
        want = sum(len(records) for part, records in filled.items() if part[0] == s.SOURCE)
        self.until(lambda: self.count(s.TARGET) >= want, self.copying, "all is copied")
        self.pass_time(2 * s.TRANSACTION_MS / 1000)  # what copiers left open is ended
        self.sync_all()
        final = Final(self.read_all(committed=False), self.read_all(committed=True))
        for _ in range(400):
            self.move(self.reading)
        return final

    def until(self, true: Any, clients: list[Running], what: str) -> None:
        for _ in range(3000):
            if true():
                return
            for _ in range(10):
                self.move(clients)
            self.sync_all()
        raise AssertionError(f"never: {what}")

    def sync_all(self) -> None:
        while self.broker.needs_sync:
            self.sync()

    def count(self, topic: str) -> int:
        """How many committed records there are; reads on from the last time."""
        for index, (records, at) in self.counted.items():
            more, after = self.read_part(topic, index, True, at)
            self.counted[index] = records + len(more), after
        return sum(records for records, _ in self.counted.values())

    def read_all(self, committed: bool) -> dict[Part, Records]:
        """Every record up to the end or the last stable offset."""
        found: dict[Part, Records] = {}
        for topic in TOPICS:
            for index in range(s.PARTITIONS):
                found[topic, index], _ = self.read_part(topic, index, committed)
        return found

    def read_part(self, topic: str, index: int, committed: bool, offset: int = 0) -> tuple[Records, int]:
        found: Records = []
        while True:
            part = s.c.FetchPart(topic, index, offset, 1 << 20)
            answers = self.broker.answer(
                s.c.Fetch(ME, (part,), wait_ms=0, bytes_min=0, committed_only=committed), self.now
            )
            run_errands(self.broker)
            (answer,) = answer_of(answers)
            records, after = s.records_of(answer, offset, committed)
            found += records
            if after == offset:
                return found, offset
            offset = after
