"""AMQP clients that publish and consume through every death of the broker, and die themselves, over bare sockets.

A consumer that dies hangs up in the midst of something, as the kernel does for a killed process.
"""

import contextlib
import random
import struct
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

from bench.amqp.peer import PERSISTENT, Peer

from penstock.wire.amqp.methods import METHODS, decode, frame
from tests.amqp.driving import publish
from tests.crash.queue_history import QueueHistory

SOURCES = ("classic", "quorum")
COPIES, DEAD, MARKS = "copies", "dead", "marks"
PREFETCH, BATCH_MAX = 20, 40
_HEAD = struct.Struct(">BHI")


class DiesError(Exception):
    """The client is killed now."""


class Talker(Peer):
    """A client that takes deliveries and confirms as they come. `held_values` are (tag, value), not looked at yet."""

    def __init__(self, address: str) -> None:
        self.held_values: list[tuple[int, str]] = []
        self.published = self.safe_up_to = 0
        self._singles: set[int] = set()
        super().__init__(address)

    def say(self, *data: bytes) -> None:
        self.socket.sendall(b"".join(data))

    def publish(self, queue: str, values: list[str]) -> bytes:
        self.published += len(values)
        return b"".join(publish(1, queue, value.encode(), PERSISTENT) for value in values)

    def until_safe(self) -> None:
        """Until all that was published is confirmed."""
        while self.safe_up_to < self.published:
            self.one()

    def until(self, name: str) -> dict[str, Any]:
        while True:
            method, fields = self.one()
            if method == name:
                return fields

    def one(self) -> tuple[str, dict[str, Any]]:
        """The next method; one that carries a message comes with it as `value`."""
        kind, payload = self._frame()
        assert kind == 1, "a content without a method"
        method = METHODS[int.from_bytes(payload[:4], "big")]
        fields = dict(decode(method, payload))
        if method.name in ("basic.deliver", "basic.get-ok"):
            _, header = self._frame()
            size = int.from_bytes(header[4:12], "big")
            fields["value"] = self._frame()[1].decode()
            assert len(fields["value"]) == size
        if method.name == "basic.deliver":
            self.held_values.append((fields["delivery_tag"], fields["value"]))
        elif method.name == "basic.ack":
            self._confirm(fields["delivery_tag"], fields["multiple"])
        elif method.name in ("channel.close", "connection.close", "basic.nack", "basic.cancel"):
            raise AssertionError(f"{method.name}: {fields}")
        return method.name, fields

    def _confirm(self, tag: int, multiple: bool) -> None:
        if multiple:
            self.safe_up_to = max(self.safe_up_to, tag)
        self._singles.add(tag)
        while self.safe_up_to + 1 in self._singles:
            self.safe_up_to += 1

    def _frame(self) -> tuple[int, bytes]:
        while len(self.held) < 8 or len(self.held) < 8 + _HEAD.unpack_from(self.held)[2]:
            self.take()
        kind, _, size = _HEAD.unpack_from(self.held)
        payload = bytes(self.held[7 : 7 + size])
        del self.held[: 8 + size]
        return kind, payload

    def get_all(self, queue: str) -> list[str]:
        """What is in a queue, taken out of it."""
        found = []
        while True:
            self.say(frame(1, "basic.get", queue=queue, no_ack=True))
            method, fields = self.one()
            if method == "basic.get-empty":
                return found
            found.append(fields["value"])


def declare(address: str) -> None:
    """The queues; what a source rejects goes to DEAD."""
    peer = Talker(address)
    for queue in (COPIES, DEAD, MARKS):
        peer.declare(queue)
    letters = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": DEAD}
    for queue in SOURCES:
        peer.ask("queue.declare", queue=queue, durable=True, arguments={**letters, "x-queue-type": queue})
    peer.close()


class Client(threading.Thread, ABC):
    """Works until told to stop, whatever becomes of its connections."""

    def __init__(self, address: Callable[[], str], name: str, history: QueueHistory, seed: int) -> None:
        super().__init__(name=name, daemon=True)
        self.address, self.history, self.chance = address, history, random.Random(f"{name} {seed}")
        self.stopping = threading.Event()
        self.failure, self.steps, self.lives, self.life = "", 0, 0, 0

    def run(self) -> None:
        try:
            while not self.stopping.is_set():
                with contextlib.suppress(OSError, DiesError):
                    self.live()
                self.stopping.wait(0.02)
        except BaseException as error:
            self.failure = repr(error)

    def live(self) -> None:
        """One connection."""
        self.life = self.history.life
        with contextlib.closing(Talker(self.address())) as peer:
            self.lives += 1
            self.work(peer)

    @abstractmethod
    def work(self, peer: Talker) -> None:
        """Until its connection breaks, or it is told to stop."""


class Publisher(Client):
    """Values in batches, each confirmed before the next. What was not confirmed is never sent again."""

    number = 0

    def work(self, peer: Talker) -> None:
        peer.ask("confirm.select")
        while not self.stopping.is_set():
            some = range(self.number, self.number + self.chance.randint(1, BATCH_MAX))
            self.number = some.stop
            values = [f"{self.name} {number}" for number in some]
            self.history.send(values)
            peer.say(peer.publish(self.chance.choice(SOURCES), values))
            peer.until_safe()
            self.history.confirm(values)
            self.steps += 1


class Consumer(Client):
    """Acknowledges most, gives some back, rejects some; dies now and then, before or after it said so."""

    queue, transacting = "", False

    def work(self, peer: Talker) -> None:
        peer.ask("tx.select" if self.transacting else "confirm.select")
        peer.ask("basic.qos", prefetch_count=PREFETCH)
        peer.say(frame(1, "basic.consume", queue=self.queue, consumer_tag="c"))
        peer.until("basic.consume-ok")
        while not self.stopping.is_set():
            if not peer.held_values:
                peer.socket.settimeout(0.3)
                try:
                    peer.one()
                except TimeoutError:
                    continue  # nothing of a frame is lost: `take` keeps what came
                finally:
                    peer.socket.settimeout(60)
            self.settle(peer)

    def settle(self, peer: Talker) -> None:
        some, peer.held_values = peer.held_values, []
        acks, words = list[str](), list[bytes]()
        for tag, value in some:
            self.history.deliver(value, self.life)
            fate = self.chance.random()
            if fate < 0.03:
                words.append(frame(1, "basic.nack", delivery_tag=tag, requeue=True))
            elif fate < 0.06:
                words.append(frame(1, "basic.reject", delivery_tag=tag))
            else:
                words.append(frame(1, "basic.ack", delivery_tag=tag))
                acks.append(value)
        if self.chance.random() < 0.02:
            raise DiesError
        peer.say(*words, peer.publish(*((COPIES, acks) if self.transacting else (MARKS, ["mark"]))))
        if self.transacting:
            peer.say(frame(1, "tx.commit"))
        if self.chance.random() < 0.02:
            raise DiesError
        if self.transacting:
            peer.until("tx.commit-ok")
        else:
            peer.until_safe()
        self.history.settle(acks, self.transacting, self.life)
        self.steps += 1
