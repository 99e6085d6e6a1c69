"""A whole broker on a simulated disk behind real sessions, as the driver works them, without sockets and clocks.

Counts what was sent, what reached an API's function, and what was answered; every answer is read to its last byte.
"""

import dataclasses
import random
from collections import Counter
from typing import Any

from penstock.broker.broker import BrokerOptions
from penstock.calls import Call, Principal
from penstock.later import Later
from penstock.wire.frames import Frames
from penstock.wire.kafka.registry import OFFERED, Api, Request
from penstock.wire.kafka.session import REQUEST_COST_BYTES, KafkaOptions, KafkaSession
from tests.broker.on_disk import DiskTable, run_errands
from tests.fuzz.making import Maker, spoilt
from tests.fuzz.reading import codes, read_response
from tests.log.compacting import run_clean

OPTIONS = BrokerOptions(
    partitions_max=200, groups_max=30, group_members_max=10, producers_max=20, transactional_ids_max=30,
    message_bytes_max=100_000,
)  # fmt: skip
UNKNOWN_SERVER_ERROR = -1
OUT = {"JoinGroup": 25, "SyncGroup": 25, "Heartbeat": 25, "EndTxn": 90}
"""Errors that say that whoever asked is nobody any more."""


class Desk:
    """One broker, any number of connections, one after the other."""

    def __init__(self, seed: int, counts: Counter[str]) -> None:
        self.chance, self.counts = random.Random(seed), counts
        self.table = DiskTable(seed, OPTIONS)
        self.maker = Maker(self.chance)
        self.well = Counter[int]()
        self.topics()

    def topics(self) -> None:
        """Those that requests mostly name."""
        for name, more in (("t", {}), ("u", {}), ("c", {"cleanup_policy": "compact", "segment_ms": "1000"})):
            self.table.topic(name, 3, **more)

    def connection(self) -> int:
        """One client from hello to good-bye; how many requests it sent."""
        line = Line(self)
        sent = [self.one() for _ in range(self.chance.choice((1, 2, 5, 10)))]
        if all(rest is not None for _, (_, rest) in sent):  # else an id may be another's
            line.asked = {number: rest for _, (number, rest) in sent if rest is not None}
        data = b"".join(one[0] for one in sent)
        if self.chance.random() < 0.05:
            data = data[: self.chance.randrange(len(data) + 1)]  # hangs up in the middle
        places = sorted(self.chance.randrange(len(data) + 1) for _ in range(self.chance.choice((0, 0, 1, 3))))
        for start, end in zip([0, *places], [*places, len(data)], strict=True):
            line.feed(data[start:end])
        if self.chance.random() < 0.7:
            line.await_answers()
        line.hang_up()
        if self.chance.random() < 0.1:
            self.settle(self.chance.choice((0.1, 3, 40)))
        return len(sent)

    def one(self) -> tuple[bytes, tuple[int, tuple[int, int, dict[str, Any]] | None]]:
        """A request and, by its correlation id, what it is; None where the id itself may be spoilt."""
        frame, key, version, row = self.maker.request()
        about = self.maker.numbers, (key, version, row)
        way = self.chance.random()
        if way < 0.72:
            return frame, about
        if way < 0.96:
            return spoilt(self.chance, frame, 14), about
        return spoilt(self.chance, frame, 0), (self.maker.numbers, None)

    def settle(self, seconds: float = 0.0) -> None:
        """What the driver does between turns: sync, timers, retention, compaction."""
        run_errands(self.table.broker)
        self.table.sync()
        if seconds:
            self.table.later(seconds)
            self.table.sync()
        if self.chance.random() < 0.01:
            self.topics()
            self.table.log.retain(self.table.now)
            run_clean(self.table.log, self.table.now)
        self.table.broker.take_notices()


class Line:
    """One connection, worked as `serve.connection` works it."""

    def __init__(self, desk: Desk) -> None:
        self.desk, self.sent, self.newest = desk, 0, 0
        self.session = KafkaSession(lambda: ("here", 1), Principal(host="10.0.0.1"), KafkaOptions())
        self.asked: dict[int, tuple[int, int, dict[str, Any]]] = {}
        self.waiting: dict[Later[Any], Call] = {}
        self.frames = Frames(1 << 30)
        self.gone = False
        self.calls: list[tuple[Any, Call]] = []

    def feed(self, data: bytes) -> None:
        self.sent += len(data)
        self.put(self.session.receive(data, self.desk.table.now))
        while self.session.stalled and not self.session.closing:
            self.take()
            self.put(self.session.go_on())
        self.settle()
        assert 0 <= self.session.bytes_in_flight <= self.sent * (1 + REQUEST_COST_BYTES // 8)

    def settle(self, seconds: float = 0.0) -> None:
        """The end of a turn, and of those that follow from it."""
        self.desk.settle(seconds)
        while self.calls:
            self.put([])
            self.desk.settle()
        self.take()

    def put(self, asked: list[tuple[Any, Call]]) -> None:
        self.calls += asked
        while self.calls:
            ticket, call = self.calls.pop(0)
            self.desk.counts["calls"] += 1
            answer = self.desk.table.broker.answer(call, self.desk.table.now)
            if isinstance(answer, Later):
                self.waiting[answer] = call
                answer.watch(lambda value, t=ticket, one=answer: self.answered(t, one, value))
            else:
                self.calls += self.session.answer(ticket, answer)

    def answered(self, ticket: Any, later: Later[Any], value: Any) -> None:
        self.waiting.pop(later, None)
        if (
            not self.gone
        ):  # the broker is in the middle of something: what follows waits until it has come to its end
            self.calls += self.session.answer(ticket, value)

    def await_answers(self) -> None:
        """Whatever is asked is answered in time, the longest wait being a fetch's or a rebalance's."""
        for wait_s in (0.05, 0.1, 0.3, 1, 1, 1, 5, 10, 50, *[100] * 20):
            if self.session.closing or not self.session.bytes_in_flight:
                break
            self.settle(wait_s)
        patient = self.session.closing or not self.session.bytes_in_flight
        assert patient or any(map(endless, self.waiting.values())), f"never answered: {self.waiting.values()}"

    def take(self) -> None:
        for data in self.session.take_output():
            for frame in self.frames.feed(bytes(data)):
                self.read(frame)
        self.session.take_notices()

    def read(self, frame: memoryview) -> None:
        number = int.from_bytes(frame[:4], "big", signed=True)
        about = self.asked.pop(number, None)
        self.desk.counts["answers"] += 1
        if about is None:
            return
        assert number > self.newest, "answers come in the order of the requests"
        self.newest = number
        key, version, row = about
        message = read_response(key, version, bytes(frame))
        found = codes(message)
        self.desk.counts["without error"] += not any(found)
        self.desk.well.update([key] if not any(found) else ())
        for code in found:
            assert code != UNKNOWN_SERVER_ERROR, f"API {key} version {version}: {row}"
        self.learn(key, row, message)

    def learn(self, key: int, row: dict[str, Any], message: dict[str, Any]) -> None:
        maker, name = self.desk.maker, OFFERED[key].name
        if name == "InitProducerId" and message["producer_id"] >= 0:
            maker.producers.append(
                (row["transactional_id"], message["producer_id"], message["producer_epoch"])
            )
        elif name == "JoinGroup" and message["member_id"]:
            maker.members.append((row["group_id"], message["member_id"], message["generation_id"]))
        elif name in OUT and OUT[name] in codes(message):
            known = maker.producers if name == "EndTxn" else maker.members
            del known[-1 if len(known) > 1 else 1 :]
        elif message.get("session_id"):
            maker.sessions.append(message["session_id"])
        elif name in ("Metadata", "CreateTopics"):
            maker.topic_ids += [topic["topic_id"] for topic in message["topics"] if "topic_id" in topic]
        for known in (maker.producers, maker.members, maker.topic_ids, maker.sessions):
            del known[2:-8]

    def hang_up(self) -> None:
        self.gone = True
        for later in list(self.waiting):
            self.desk.table.broker.drop(later)
        self.waiting.clear()
        self.desk.counts["closed"] += self.session.closing


def endless(call: Call) -> bool:
    """Clients may ask for waits of weeks; these are not waited for."""
    times = ("wait_ms", "rebalance_timeout_ms", "timeout_ms", "transaction_timeout_ms")
    return any(getattr(call, name, 0) > 10**6 for name in times)


def counted(api: Api, counts: Counter[str], seen: set[tuple[int, int]]) -> Api:
    """The API, with every request counted that is decoded and handed to it."""

    def run(request: Request) -> Any:
        counts["reached"] += 1
        seen.add((api.key, request.version))
        return api.run(request)

    return dataclasses.replace(api, run=run)
