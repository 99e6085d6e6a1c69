"""One queue. Holds what it was declared with, what is ready, and who consumes; what moves messages is elsewhere."""

from collections.abc import Mapping
from typing import Protocol

from penstock.broker.ledger.recovery import Waiting
from penstock.broker.queues.names import spelled, topic_of
from penstock.broker.queues.queue.arguments import QUORUM, STREAM, Asked
from penstock.broker.queues.queue.ready import Ready
from penstock.broker.queues.queue.turns import Turns
from penstock.broker.turns.timers import Timer
from penstock.content import Field

SLACK = 1000
"""Messages above a queue's limit that wait for a consumer which is about to ask for more, before the limit takes them."""


class Owner(Protocol):
    """Who has queues alone."""

    queues: "dict[Queue, None]"


class Queue:
    """`kept`: it is there after a restart. `owner`: who has it alone. `seen`: numbers up to this one were
    handed out before the restart. `gone`: deleted."""

    __slots__ = (
        "acked", "arguments", "asked", "auto_delete", "delivered", "due_ms", "durable", "expiry", "gone", "held",
        "held_bytes", "id", "idle", "is_plain", "is_quorum", "is_stream", "kept", "name", "owner", "owns_topic", "published", "ready",
        "seen", "topic", "turns", "used_s", "vhost", "worked",
    )  # fmt: skip

    def __init__(
        self, number: int, vhost: str, name: str, asked: Asked, arguments: Mapping[str, Field]
    ) -> None:
        self.id, self.vhost, self.name = number, vhost, name
        self.asked, self.arguments = asked, dict(arguments)
        self.durable = self.kept = self.auto_delete = self.gone = False
        self.worked = False
        """Whether it ever had a consumer: not one that looks, nor that takes one message by its number."""
        self.owner: Owner | None = None
        self.ready = Ready(asked.priority_max)
        self.turns = Turns(asked.single_active)
        self.seen, self.held, self.held_bytes = -1, 0, 0
        self.published = self.delivered = self.acked = 0
        self.expiry: Timer | None = None
        self.due_ms = 0
        self.idle: Timer | None = None
        self.used_s = 0.0
        self.is_quorum = asked.kind == QUORUM
        limited = asked.length_max is not None or asked.length_bytes_max is not None
        self.is_stream = asked.kind == STREAM
        self.topic, self.owns_topic = topic_of(name, vhost) if self.is_stream else "", False
        self.is_plain = not limited and asked.ttl_ms is None and not self.is_stream

    @property
    def spelled(self) -> str:
        """As RabbitMQ's texts name it."""
        return spelled("queue", self.name, self.vhost)

    def over(self, more: int = 0, more_bytes: int = 0) -> bool:
        """Whether a limit is passed with this much more."""
        asked = self.asked
        if asked.length_max is not None and len(self.ready) + more > asked.length_max:
            return True
        return asked.length_bytes_max is not None and self.ready.bytes + more_bytes > asked.length_bytes_max

    def limit_waits(self) -> bool:
        """Whether a consumer is about to take what is too much."""
        asked = self.asked
        slack = asked.length_max is None or len(self.ready) <= asked.length_max + SLACK
        return slack and self.turns.wants()


def fill(queue: Queue, waiting: Waiting) -> None:
    """At a start: all that the ledger has of the queue is ready. What was handed out before is told apart by its number."""
    counts, ready = waiting.counts, queue.ready
    queue.seen = waiting.delivered
    if not counts and not ready.priority_max:
        ready.fill(waiting.numbers, waiting.sizes, waiting.expires_ms)
        return
    rows = zip(waiting.numbers, waiting.sizes, waiting.expires_ms, waiting.priorities, strict=True)
    for number, size, expires_ms, priority in rows:
        if number in counts:
            lane = min(priority, ready.priority_max)
            ready.give_back((number, size, expires_ms, counts[number], lane))
        else:
            ready.put(number, size, expires_ms, priority)
