"""Random transactions and crashes on the simulated disk, held against a model that knows what was promised.

Whatever is read as committed was sent in a transaction whose commit was asked for; whatever was promised is there, once,
in order; nothing of an aborted one is ever seen; a transaction is seen in all its partitions or in none, with its offsets.
"""

import itertools
import random
from collections import Counter
from typing import Any

import pytest

from penstock.broker.broker import BrokerOptions
from penstock.broker.transactions import store as store_module
from penstock.calls import Appended, FetchOffsets, InitProducer, ProducerIdentity
from penstock.errors import Refusal, Refused
from penstock.testing.disk import Crashed

from .bench import ME
from .on_disk import DiskTable
from .writers import Writer, read_committed

PARTITIONS = 3
WRITERS = 3


class Actor:
    """One producer that does one random step at a time and writes down what each transaction may become.

    A transaction's fate is ``open``, ``committed`` or ``aborted`` where the broker said so, ``asked`` where the commit was
    asked for and the answer got lost, ``never`` where no commit was asked for.
    """

    def __init__(self, table: DiskTable, number: int) -> None:
        self.table, self.number = table, number
        self.writer = Writer(table, f"w{number}")
        self.transactions: list[dict[str, Any]] = []
        self.ready = False
        self.open: dict[str, Any] | None = None

    def step(self, chance: random.Random) -> None:
        if not self.ready:
            answer = self.writer.init(timeout_ms=10_000)
            self.ready = isinstance(answer, ProducerIdentity)
            assert self.ready or answer.reason is Refusal.CONCURRENT_TRANSACTIONS
        elif self.open is None:
            self.begin(chance)
        elif chance.random() < 0.7:
            self.send(chance)
        else:
            self.end(chance.random() < 0.6)

    def begin(self, chance: random.Random) -> None:
        parts = chance.sample(range(PARTITIONS), chance.randint(1, PARTITIONS))
        self.open = {
            "number": len(self.transactions),
            "parts": parts,
            "sent": [],
            "fate": "never",
            "offset": None,
        }
        self.transactions.append(self.open)
        if self.lost(self.writer.add(*(("t", part) for part in parts))[0]):
            return
        if chance.random() < 0.5 and not self.lost(self.writer.add_group(f"g{self.number}")):
            self.open["offset"] = self.open["number"]
            self.lost(self.writer.commit_offset(f"g{self.number}", "t", self.open["number"]))

    def send(self, chance: random.Random) -> None:
        assert self.open is not None
        part = chance.choice(self.open["parts"])
        value = f"{self.number} {self.open['number']} {len(self.open['sent'])}"
        self.open["sent"].append((part, value))
        answer = self.writer.send("t", value.encode(), partition=part)
        assert isinstance(answer, Appended | Refused)
        self.lost(answer)

    def end(self, commit: bool) -> None:
        assert self.open is not None
        self.open["fate"] = "asked" if commit else "never"
        answer = self.writer.end(commit)
        if answer is None:
            self.open["fate"] = "committed" if commit else "aborted"
            self.open = None
        else:
            self.open["fate"] = "never"  # it was too late: the transaction had timed out
            assert self.lost(answer)

    def lost(self, answer: object) -> bool:
        """Whether it was fenced by a timeout: then it begins anew."""
        if isinstance(answer, Refused):
            assert answer.reason in (
                Refusal.PRODUCER_FENCED, Refusal.STALE_PRODUCER_EPOCH, Refusal.NOT_IN_TRANSACTION,
                Refusal.BAD_TRANSACTION_STATE, Refusal.CONCURRENT_TRANSACTIONS,
            )  # fmt: skip
            self.ready, self.open = False, None
            return True
        return False

    def crashed(self, chance: random.Random) -> None:
        """The server is back: the client goes on where nothing is in doubt, or is started anew."""
        if self.open is not None:
            in_doubt = self.open["fate"] == "asked" or self.open["sent"] or self.open["offset"] is not None
            if in_doubt or chance.random() < 0.5:
                self.ready, self.open = False, None


def check(table: DiskTable, actors: list[Actor], all_decided: bool = False) -> None:
    """Hold what is read against what was promised. An open transaction hides what stands behind it in its partition."""
    seen = [[value.decode() for _, value in read_committed(table, "t", part)] for part in range(PARTITIONS)]
    for part in range(PARTITIONS):
        assert max(Counter(seen[part]).values(), default=1) == 1, "nothing twice"
    for actor in actors:
        newest_offset = -1
        for one in actor.transactions:
            sent = [(part, value) for part, value in one["sent"]]
            there = [(part, value) for part, value in sent if value in seen[part]]
            if one["fate"] in ("never", "aborted"):
                assert there == [], f"aborted and seen: {one}"
            elif not all_decided:
                continue
            elif one["fate"] == "committed":
                assert there == sent, f"committed and lost: {one}"
            else:
                assert there in ([], sent), f"seen in part: {one}"
            visible = one["fate"] == "committed" or (one["fate"] == "asked" and bool(there))
            if visible and one["offset"] is not None:
                newest_offset = one["offset"]
        for part in range(PARTITIONS):
            mine = [v for v in seen[part] if v.startswith(f"{actor.number} ")]
            assert mine == sorted(mine, key=lambda v: [int(word) for word in v.split()]), "in order"
        if not all_decided:
            continue
        unclear = [one["offset"] for one in actor.transactions if one["fate"] == "asked" and not one["sent"]]
        (found,) = table.ask(FetchOffsets(ME, f"g{actor.number}", (("t", 0),)))
        assert found.offset in {newest_offset, *(n for n in unclear if n is not None and n > newest_offset)}


def finish(table: DiskTable, actors: list[Actor]) -> None:
    """Bring every open transaction to its end: by its timeout."""
    table.later(11)
    table.sync()
    table.later(2)
    table.sync()
    for part in table.log.topics["t"].partitions:
        assert table.broker._state.stable.of(part) == part.end_offset, "everything is decided in the end"
    check(table, actors, all_decided=True)


@pytest.mark.parametrize("seed", range(40))
def test_transactions_over_crashes_keep_their_promise(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "REWRITE_FROM", 40)
    chance = random.Random(seed)
    table = DiskTable(seed, BrokerOptions())
    table.topic("t", PARTITIONS)
    actors = [Actor(table, number) for number in range(WRITERS)]
    for _ in range(6):
        table.crash_after(chance.randint(5, 250))
        try:
            for _ in range(60):
                chance.choice(actors).step(chance)
                if chance.random() < 0.05:
                    table.later(chance.choice((0.1, 3, 11)))
                    table.sync()
        except Crashed:
            table.restart()
            for actor in actors:
                actor.crashed(chance)
        table.disk.crash_at = None
        table.sync()
        check(table, actors)
    finish(table, actors)


def commit_with_a_crash_at(step: int, seed: int) -> tuple[DiskTable, bool, bool]:
    """A transaction over two partitions and a group, the server down at one step of its end: was the end answered?"""
    table = DiskTable(seed)
    table.topic("t", 2)
    writer = Writer(table)
    writer.init(timeout_ms=10_000)
    writer.add(("t", 0), ("t", 1))
    writer.add_group("g")
    writer.send("t", b"a")
    writer.send("t", b"b", partition=1)
    writer.commit_offset("g", "t", 7)
    table.crash_after(step)
    answered = crashed = False
    try:
        answered = writer.end() is None
    except Crashed:
        crashed = True
    table.restart()
    table.sync()
    return table, answered, crashed


def test_a_crash_at_any_step_of_a_commit_ends_in_one_outcome() -> None:
    outcomes = Counter[str]()
    for step, seed in itertools.product(range(30), range(10)):
        table, answered, crashed = commit_with_a_crash_at(step, seed)
        table.later(11)
        table.sync()
        seen = [value for part in (0, 1) for _, value in read_committed(table, "t", part)]
        (found,) = table.ask(FetchOffsets(ME, "g", (("t", 0),), True))
        assert (seen, found.offset) in (([b"a", b"b"], 7), ([], -1)), f"at step {step}"
        assert seen or not answered, f"promised and lost at step {step}"
        outcomes["committed" if seen else "aborted"] += 1
        assert table.settled(InitProducer(ME, "w")).producer_epoch in (1, 2)
        outcomes["not reached"] += not crashed
    assert all(outcomes[way] >= 10 for way in ("committed", "aborted", "not reached")), (
        "crashes came before and after the decision"
    )
