"""A broker on a table: time by hand, a sync when the test says so, answers unwrapped."""

from collections.abc import Callable
from itertools import count
from typing import Any

from penstock import record
from penstock.broker.broker import Broker, BrokerOptions
from penstock.calls import (
    Append,
    AppendPart,
    Call,
    CreateTopics,
    Fetch,
    FetchPart,
    NewTopic,
    Principal,
)
from penstock.clock import Now
from penstock.later import Later
from penstock.record import Record

from .fake_log import FakeLog

ME = Principal("me", "127.0.0.1", "client")
START = Now(1000.0, 1_700_000_000_000)


def numbered() -> Callable[[int], bytes]:
    """A source of randomness that counts: member ids are different and the same in every run."""
    numbers = count(1)
    return lambda size: next(numbers).to_bytes(size, "big")


class Table:
    """`ask` returns the answer, or the Later of it; `settled` runs a sync first and insists on an answer."""

    def __init__(self, log: Any = None, options: BrokerOptions | None = None, now: Now = START) -> None:
        self.log: Any = log if log is not None else FakeLog()
        self.now = now
        self.broker = Broker(self.log, options or BrokerOptions(), now, numbered())

    def ask(self, call: Call) -> Any:
        answer = self.broker.answer(call, self.now)
        return answer_of(answer) if isinstance(answer, Later) and answer.done else answer

    def settled(self, call: Call) -> Any:
        answer = self.broker.answer(call, self.now)
        self.sync()
        return answer_of(answer)

    def sync(self) -> None:
        while self.broker.needs_sync:
            self.broker.moved(self.log.sync(), self.now)

    def later(self, seconds: float) -> None:
        """Let time pass as the driver does: from one due moment to the next."""
        end = self.now.after(seconds)
        while (
            due_s := self.broker.next_wake_s(self.now)
        ) is not None and self.now.mono_s + due_s <= end.mono_s:
            self.now = self.now.after(max(due_s, 0.0005))
            self.broker.tick(self.now)
        self.now = end if end.mono_s > self.now.mono_s else self.now
        self.broker.tick(self.now)

    def topic(self, name: str, partitions: int = 1, **configs: str) -> None:
        dotted = {key.replace("_", "."): value for key, value in configs.items()}
        self.ask(CreateTopics(ME, (NewTopic(name, partitions, 1, dotted),)))

    def append(self, topic: str, *values: bytes, acks: int = -1, partition: int = 0, **batch: Any) -> Any:
        return self.ask(Append(ME, (AppendPart(topic, partition, batch_of(*values, **batch)),), acks))

    def fetch(self, topic: str, offset: int, partition: int = 0, **limits: int) -> Any:
        return self.ask(Fetch(ME, (FetchPart(topic, partition, offset, 1 << 20),), **limits))


def answer_of(answer: Any) -> Any:
    """The answer of a Later, which must be there; anything else is its own answer."""
    if not isinstance(answer, Later):
        return answer
    assert answer.done, "no answer yet"
    got: list[Any] = []
    answer.watch(got.append)
    return got[0]


def batch_of(*values: bytes, at_ms: int = START.wall_ms, key: bytes | None = None, **batch: Any) -> bytes:
    return record.encode([Record(key, value, at_ms) for value in values], **batch)


def values_of(fetched: Any) -> list[bytes | None]:
    return [one.value for one in record.decode(fetched.batches)]
