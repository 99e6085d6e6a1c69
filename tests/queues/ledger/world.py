"""Random work on a ledger beside a plain model, on a disk that loses, tears and reorders what was not synced.

What must hold after any crash: the standing is the one after some turn, none older than the last that was said to be
safe. Turns are counted; the model after each is kept.
"""

import random
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, field

from penstock.broker.ledger.options import LedgerOptions
from penstock.clock import Now
from penstock.errors import Refusal, Refused
from penstock.log import LogOptions

from .bench import SMALL, Bench, message

QUEUES = (1, 2, 3)


@dataclass
class Model:
    """Messages by number: body and the queues that hold them; transient ones are not in here."""

    holders: dict[int, set[int]] = field(default_factory=dict)
    bodies: dict[int, bytes] = field(default_factory=dict)
    definitions: dict[str, dict[str, object]] = field(default_factory=dict)

    def queues(self) -> dict[int, list[int]]:
        return {q: held for q in QUEUES if (held := sorted(n for n, qs in self.holders.items() if q in qs))}


class World:
    """One ledger's lives."""

    def __init__(self, seed: int, options: LedgerOptions = SMALL) -> None:
        self.chance = random.Random(seed)
        self.bench = Bench(seed, options, LogOptions(journal_bytes=(0, 1 << 20)[seed % 2]))
        self.bench.ledger.taken_back = self.taken_back
        self.model = Model()
        self.transient: dict[int, bytes] = {}
        self.every: dict[int, bytes] = {}
        self.after: list[Model] = [deepcopy(self.model)]  # by turn; the first is the one after the start
        self.safe = 0  # the newest turn that was said to be safe

    # --- moves ----------------------------------------------------------------------------------------------------------

    def add(self) -> None:
        for _ in range(self.chance.choice((1, 1, 3, 20))):
            queues = tuple(self.chance.sample(QUEUES, self.chance.choice((1, 1, 1, 2, 3))))
            body = self.chance.randbytes(self.chance.choice((0, 5, 60, 400)))
            keep = self.chance.random() < 0.8
            content = message(body, key=self.chance.choice("abc"), priority=self.chance.randrange(3))
            number = self.bench.ledger.add(content, queues, keep=keep)
            if keep:
                self.model.holders[number] = set(queues)
                self.model.bodies[number] = self.every[number] = body
            else:
                self.transient[number] = body

    def _settle(self, queue: int, number: int) -> None:
        self.bench.ledger.settle(queue, number)
        holders = self.model.holders.get(number, set())
        holders.discard(queue)
        if not holders:
            self.model.holders.pop(number, None)
            self.model.bodies.pop(number, None)

    def settle(self) -> None:
        """Mostly the oldest, as queues are."""
        for queue, held in self.model.queues().items():
            some = held[: self.chance.randrange(8)] + self.chance.sample(held, min(len(held), 1))
            for number in some:
                self._settle(queue, number)

    def settle_range(self) -> None:
        for queue, held in self.model.queues().items():
            if self.chance.random() < 0.3:
                some = held[: self.chance.randrange(len(held) + 1)]
                self.bench.ledger.settle_many(queue, some)
                for number in some:
                    self._settle(queue, number)

    def exchange(self) -> None:
        """A transaction: one message for some others."""
        with self.bench.ledger.as_one():
            self.settle()
            self.add()

    def taken_back(self, numbers: Sequence[int], pairs: Sequence[tuple[int, int]], why: Refused) -> None:
        assert why.reason is Refusal.DISK_FULL
        for number in numbers:
            self.model.holders.pop(number, None)
            self.model.bodies.pop(number, None)
            self.transient.pop(number, None)
        for queue, number in pairs:
            self.model.holders.setdefault(number, set()).add(queue)
            self.model.bodies[number] = self.every[number]

    def fill_disk(self) -> None:
        """Little room is left, for a while."""
        self.bench.disk.room = self.chance.choice((0, 100, 2000))
        for _ in range(self.chance.randrange(8)):
            getattr(
                self, self.chance.choice(("add", "settle", "exchange", "define", "turn", "sync", "upkeep"))
            )()
        self.bench.disk.room = None
        self.bench.now = self.bench.now.after(60)

    def forget_transient(self) -> None:
        for number in self.chance.sample(sorted(self.transient), len(self.transient) // 2):
            for queue in QUEUES:
                self.bench.ledger.settle(queue, number)
            del self.transient[number]

    def define(self) -> None:
        key, value = self.chance.choice("xyz"), self.chance.choice((None, {"n": self.chance.randrange(99)}))
        self.bench.ledger.define(key, value)
        if value is None:
            self.model.definitions.pop(key, None)
        else:
            self.model.definitions[key] = value

    def tell(self) -> None:
        for queue, held in self.model.queues().items():
            self.bench.ledger.delivered(queue, held[0])
            self.bench.ledger.returned(queue, held[0], self.chance.randrange(5))

    def turn(self) -> None:
        """The end of a turn; what it did becomes one more state that a crash may leave."""
        turn = len(self.after)

        def told(refused: Refused | None, now: Now) -> None:
            if refused is None:
                self.safe = max(self.safe, turn)
            else:
                assert self.bench.disk.room is not None

        self.after.append(deepcopy(self.model))
        self.bench.ledger.when_safe(told, self.bench.now)
        self.bench.ledger.flush(self.bench.now)
        self.after[turn] = deepcopy(self.model)  # what there was no room for is taken back

    def sync(self) -> None:
        self.bench.sync()

    def upkeep(self) -> None:
        self.turn()
        for _ in range(self.chance.choice((1, 5, 40))):
            self.bench.ledger.upkeep(self.bench.now)
            self.bench.now = self.bench.now.after(0.1)
            if self.chance.random() < 0.5:
                self.bench.sync()

    def read(self) -> None:
        self.bench.disk.cold = self.chance.choice((0.0, 0.5))
        bodies = self.model.bodies | self.transient
        numbers = self.chance.sample(sorted(bodies), min(len(bodies), 10))
        assert self.bench.bodies(numbers) == [bodies[number] for number in numbers]
        self.bench.disk.cold = 0.0

    # --- after a crash ----------------------------------------------------------------------------------------------------

    def recover(self, power: bool = True) -> None:
        self.bench.disk.room = None
        if power:
            self.bench.restart()
        else:
            self.bench.kill()
        self.bench.ledger.taken_back = self.taken_back
        assert self.bench.notices == [], self.bench.notices
        found = {queue: list(waiting.numbers) for queue, waiting in self.bench.found.queues.items()}
        definitions = self.bench.found.definitions
        allowed = self.after[self.safe :]
        fits = [one for one in allowed if one.queues() == found and one.definitions == definitions]
        assert fits, (self.safe, len(self.after), found, [one.queues() for one in allowed])
        self.model = deepcopy(fits[-1])
        numbers = sorted(self.model.bodies)
        assert self.bench.bodies(numbers) == [self.model.bodies[number] for number in numbers]
        for waiting in self.bench.found.queues.values():
            assert list(waiting.sizes) == [len(self.model.bodies[number]) for number in waiting.numbers]
        self.transient = {}
        self.after, self.safe = [deepcopy(self.model)], 0


MOVES = (
    "add", "add", "settle", "settle", "settle_range", "exchange", "fill_disk", "forget_transient", "define", "tell", "turn", "turn", "sync", "sync",
    "upkeep", "read",
)  # fmt: skip
