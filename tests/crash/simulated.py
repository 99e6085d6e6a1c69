"""The kill campaign's clients once more, on a whole broker over a disk that loses and tears what was not synced.

Each client is a generator that yields calls, several where a real one would have several under way, and is sent their
answers, or `LOST` where the machine went down before; whom it crashes, and when, is left to one seed.
"""

import random
from collections.abc import Generator, Iterator
from typing import Any, Final

from penstock import calls as c
from penstock import record
from penstock.errors import Refusal, Refused
from penstock.record import Record
from tests.broker.bench import ME, START
from tests.crash.history import History, Poll, Records

PARTITIONS = 3
LOAD, SOURCE, TARGET, GROUP = "load", "source", "target", "copiers"
LOST: Final = "lost"
SESSION_MS = 6000
TRANSACTION_MS = 10_000

Steps = Generator[list[c.Call], list[Any], Any]
Client = Generator[list[c.Call], list[Any], None]


class BeginAnewError(Exception):
    """The client is of no use any more: a new one takes its place."""


def packed(values: list[str], **marks: Any) -> bytes:
    return record.encode([Record(None, value.encode(), START.wall_ms) for value in values], **marks)


def ask(call: c.Call) -> Steps:
    """One answer; the call is made again until there is one."""
    while True:
        (answer,) = yield [call]
        if answer is not LOST:
            return answer


def init(name: str | None) -> Steps:
    """A producer id and epoch; what an earlier self left open is ended first."""
    while True:
        answer = yield from ask(c.InitProducer(ME, name, TRANSACTION_MS))
        if isinstance(answer, c.ProducerIdentity):
            return answer.producer_id, answer.producer_epoch


def load(history: History, name: str, chance: random.Random, world: "Stopping") -> Client:
    """An idempotent producer with up to three batches under way; what is lost it sends again, until all is acknowledged."""
    producer_id, epoch = yield from init(None)
    partition, number, sequence = int(name[-1]) % PARTITIONS, 0, 0
    while not world.stopping:
        batches: list[tuple[list[str], c.Call]] = []
        for _ in range(chance.choice((1, 1, 3))):
            values = [f"{name} {number + each}" for each in range(chance.choice((1, 2, 4)))]
            marks = {"producer_id": producer_id, "producer_epoch": epoch, "base_sequence": sequence}
            part = c.AppendPart(LOAD, partition, packed(values, **marks))
            batches.append((values, c.Append(ME, (part,), -1, 10**9)))
            number, sequence = number + len(values), sequence + len(values)
            history.sent.update(values)
        while batches:
            answers = yield [call for _, call in batches]
            for (values, _), answer in zip(batches, answers, strict=True):
                if answer is not LOST:
                    assert isinstance(answer[0], c.Appended), f"refused: {answer}"
                    for each, value in enumerate(values):
                        history.told(value, LOAD, partition, answer[0].base_offset + each)
            batches = [one for one, answer in zip(batches, answers, strict=True) if answer is LOST]


class Stopping:
    """Whether writers are to come to their end."""

    stopping = False


class Transactional:
    """A transactional producer: what it sends, and how its transactions end."""

    def __init__(self, name: str) -> None:
        self.name = name

    def begin(self) -> Steps:
        self.producer_id, self.epoch = yield from init(self.name)
        self.sequences = dict.fromkeys(range(PARTITIONS), 0)

    def ok(self, *made: c.Call) -> Steps:
        """All of them answered without any refusal."""
        for answer in (yield list(made)):
            parts = answer if isinstance(answer, list) else [answer]
            if answer is LOST or any(isinstance(one, Refused) for one in parts):
                raise BeginAnewError(str(answer))

    def add(self, topic: str, partitions: list[int]) -> Steps:
        parts = tuple((topic, one) for one in partitions)
        yield from self.ok(c.AddPartitions(ME, self.name, self.producer_id, self.epoch, parts))

    def append(self, topic: str, partition: int, values: list[str]) -> c.Call:
        marks = {"producer_id": self.producer_id, "producer_epoch": self.epoch, "transactional": True}
        batch = packed(values, **marks, base_sequence=self.sequences[partition])
        self.sequences[partition] += len(values)
        return c.Append(ME, (c.AppendPart(topic, partition, batch),), -1, 10**9, self.name)

    def end(self, commit: bool, chance: random.Random) -> Steps:
        """Where its answer is lost it is asked again, as clients do, or a new self takes over."""
        while True:
            (answer,) = yield [c.EndTransaction(ME, self.name, self.producer_id, self.epoch, commit)]
            if answer is None:
                return
            if answer is not LOST and answer.reason is Refusal.CONCURRENT_TRANSACTIONS:
                continue
            if answer is not LOST or chance.random() < 0.5:
                raise BeginAnewError(str(answer))


def source(history: History, chance: random.Random, world: Stopping) -> Client:
    """Transactions over all partitions; some are aborted, some left behind."""
    self, number = Transactional(SOURCE), 0
    while not world.stopping:
        yield from self.begin()
        try:
            while not world.stopping:
                values = [f"{SOURCE} {number + each}" for each in range(2 * PARTITIONS)]
                number += len(values)
                history.sent.update(values)
                yield from one_transaction(history, self, values, chance)
        except BeginAnewError:
            continue
    yield from self.begin()  # what it left open is ended


def one_transaction(history: History, self: Transactional, values: list[str], chance: random.Random) -> Steps:
    fate = "aborted"
    try:
        yield from self.add(SOURCE, list(range(PARTITIONS)))
        for part in (0, PARTITIONS):
            appends = [
                self.append(SOURCE, at, [value])
                for at, value in enumerate(values[part : part + PARTITIONS])
            ]  # fmt: skip
            yield from self.ok(*appends)
        if chance.random() < 0.05:
            raise BeginAnewError("it dies")
        commit = chance.random() < 0.7
        fate = "unknown" if commit else "aborted"
        yield from self.end(commit, chance)
        fate = "committed" if commit else "aborted"
    finally:
        history.ended(SOURCE, values, fate)


class Copier:
    """One of three in a group that copy the source's partitions to the target's, offsets in the transactions."""

    def __init__(self, history: History, name: str, chance: random.Random) -> None:
        self.history, self.chance, self.producer = history, chance, Transactional(name)
        self.copied = 0

    def run(self) -> Client:
        while True:
            yield from self.producer.begin()
            self.member = ""
            try:
                while True:
                    yield from self.join()
                    yield from self.copy()
            except BeginAnewError:
                if self.chance.random() < 0.3:
                    yield from ask(c.LeaveGroup(ME, GROUP, ((self.member, None),)))

    def join(self) -> Steps:
        """A generation and its share of the partitions, from where the group stands."""
        while True:
            call = c.JoinGroup(
                ME, GROUP, self.member, None, "consumer", (("range", b""),), SESSION_MS, SESSION_MS, True
            )
            answer = yield from ask(call)
            if isinstance(answer, Refused) and answer.reason is Refusal.MEMBER_ID_REQUIRED:
                self.member = answer.detail
            elif isinstance(answer, Refused):
                raise BeginAnewError(str(answer))
            else:
                break
        self.member, self.generation = answer.member_id, answer.generation
        shares = {one.member_id: b"" for one in answer.members}
        for partition in range(PARTITIONS) if shares else ():
            shares[sorted(shares)[partition % len(shares)]] += bytes([partition])
        synced = yield from ask(
            c.SyncGroup(ME, GROUP, self.member, None, self.generation, tuple(shares.items()))
        )
        if isinstance(synced, Refused):
            self.mine: dict[int, int] = {}
            if synced.reason is not Refusal.REBALANCING:
                raise BeginAnewError(str(synced))
            return
        yield from self.positions(list(synced.assignment))

    def positions(self, mine: list[int]) -> Steps:
        while True:
            found = yield from ask(c.FetchOffsets(ME, GROUP, tuple((SOURCE, p) for p in mine), True))
            if not any(isinstance(one, Refused) or one.unstable for one in found):
                break
        self.mine = {one.partition: max(one.offset, 0) for one in found}

    def copy(self) -> Steps:
        """Until the group rebalances."""
        while True:
            answer = yield from ask(c.Heartbeat(ME, GROUP, self.member, None, self.generation))
            if answer is not None and answer.reason is Refusal.REBALANCING:
                return
            if answer is not None:
                raise BeginAnewError(str(answer))
            polled = yield from poll(self.history, SOURCE, self.mine, True, "")
            if polled:
                yield from self.write(polled)

    def write(self, polled: dict[int, tuple[Records, int]]) -> Steps:
        yield from self.producer.add(TARGET, list(polled))
        yield from self.producer.ok(
            *[
                self.producer.append(TARGET, partition, [value for _, value in records])
                for partition, (records, _) in polled.items()
            ]
        )
        ids = self.producer.name, self.producer.producer_id, self.producer.epoch
        yield from self.producer.ok(c.AddGroup(ME, *ids, GROUP))
        commits = tuple(c.OffsetCommit(SOURCE, partition, after) for partition, (_, after) in polled.items())
        yield from self.producer.ok(
            c.CommitOffsetsLater(ME, *ids, GROUP, self.member, None, self.generation, commits)
        )
        yield from self.producer.end(True, self.chance)
        self.mine |= {partition: after for partition, (_, after) in polled.items()}
        self.copied += 1


def poll(history: History, topic: str, positions: dict[int, int], committed: bool, reader: str) -> Steps:
    """One fetch of some partitions of a topic: records and the next offset of each that has some."""
    if not positions:
        return {}
    parts = tuple(c.FetchPart(topic, partition, at, 600) for partition, at in positions.items())
    answers = yield from ask(c.Fetch(ME, parts, wait_ms=0, committed_only=committed))
    found = {}
    for part, answer in zip(parts, answers, strict=True):
        assert isinstance(answer, c.Fetched), answer
        records, after = records_of(answer, part.offset, committed)
        positions[part.partition] = after
        if records:
            found[part.partition] = records, after
            history.polls.append(Poll(committed, (topic, part.partition), records, reader))
    return found


def records_of(answer: Any, offset: int, committed: bool) -> tuple[Records, int]:
    """Data records from `offset` on, filtered as clients do, and where to read on."""
    found: Records = []
    waiting = sorted(answer.aborted, key=lambda each: each[1]) if committed else []
    aborted = set[int]()
    for info in record.scan(answer.batches):
        while waiting and waiting[0][1] <= info.last_offset:
            aborted.add(waiting.pop(0)[0])
        batch = bytes(answer.batches[info.position : info.position + info.size])
        if info.control:
            (marker,) = record.decode(batch)
            if marker.key == b"\0\0\0\0":
                aborted.discard(info.producer_id)
        elif not (info.transactional and info.producer_id in aborted):
            found += [
                (r.offset, (r.value or b"").decode()) for r in record.decode(batch) if r.offset >= offset
            ]
        offset = max(offset, info.last_offset + 1)
    return found, offset


def follower(history: History, committed: bool) -> Iterator[Any]:
    """Reads everything on and on, whatever happens."""
    positions = {topic: dict.fromkeys(range(PARTITIONS), 0) for topic in (LOAD, SOURCE, TARGET)}
    while True:
        for topic, mine in positions.items():
            yield from poll(history, topic, mine, committed, "committed" if committed else "all")
