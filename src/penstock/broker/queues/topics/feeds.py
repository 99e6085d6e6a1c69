"""Queues that a topic feeds: each committed record becomes a message, once.

Where a queue stands in its topic is kept in the ledger, in the same block as the messages made of the records before:
a crash neither loses nor doubles one. A queue takes no more while much is ready in it; the records wait in the topic.
"""

from functools import partial
from typing import TYPE_CHECKING, Any

from penstock.broker.queues.definitions import feed_key
from penstock.broker.queues.exchanges.routes import Route
from penstock.broker.queues.moving.enter import enter
from penstock.broker.queues.queue.queue import Queue
from penstock.broker.queues.topics.reading import read_records
from penstock.broker.queues.topics.records import content_of
from penstock.broker.turns.errands import READING
from penstock.clock import Now
from penstock.later import Later, Steps
from penstock.log import Partition
from penstock.record import Record

if TYPE_CHECKING:
    from penstock.broker.queues.queues import Queues

PIECE = 500
AHEAD_MAX = 10_000
"""Ready messages of a queue above which its topic waits."""


class Feed:
    """One queue's: `positions` by partition; `before` is where they stood when this turn began."""

    __slots__ = ("before", "positions", "queue", "reading")

    def __init__(self, queue: Queue, positions: dict[str, int]) -> None:
        self.queue, self.positions = queue, positions
        self.before: dict[str, int] | None = None
        self.reading = False


class Feeds:
    """Those of one broker."""

    def __init__(self, queues: "Queues") -> None:
        self._queues = queues
        self.by_queue: dict[Queue, Feed] = {}
        self.due: dict[Feed, None] = {}

    def begin(self, queue: Queue) -> None:
        """A new queue: what is produced from now on."""
        topic = self._queues.around.log.topics[str(queue.asked.topic)]
        positions = {str(one.index): one.end_offset for one in topic.partitions}
        self.by_queue[queue] = feed = Feed(queue, positions)
        self._keep(feed)

    def fill(self, queue: Queue, known: Any) -> None:
        """At the start: where the queue stood."""
        self.by_queue[queue] = feed = Feed(queue, dict(known or {}))
        self.due[feed] = None

    def remove(self, queue: Queue) -> None:
        """The queue is gone."""
        feed = self.by_queue.pop(queue, None)
        if feed is not None:
            self.due.pop(feed, None)
            if queue.kept:
                self._queues.ledger.define(feed_key(queue), None)

    def woken(self, topic: str) -> None:
        """There is more in the topic."""
        for queue, feed in self.by_queue.items():
            if queue.asked.topic == topic:
                self.due[feed] = None

    def stirred(self, queue: Queue) -> None:
        """Something went out of the queue."""
        feed = self.by_queue.get(queue)
        if feed is not None and feed.before is None:  # what came in this turn is enough for it
            self.due[feed] = None

    def pull(self, now: Now) -> None:
        """A piece for each queue whose topic may have more; the next when the queue moves, or at the next turn."""
        due, self.due = self.due, {}
        for feed in due:
            topic = self._queues.around.log.topics.get(str(feed.queue.asked.topic))
            if topic is None or feed.queue.gone or feed.reading or len(feed.queue.ready) >= AHEAD_MAX:
                continue
            for partition in topic.partitions:
                position = feed.positions.get(str(partition.index), 0)
                if position < self._queues.around.stable.of(partition):
                    self._read(feed, partition, position, now)
                    break

    def taken_back(self, now: Now) -> None:
        """The turn could not be written: its records are to be read again."""
        for feed in self.by_queue.values():
            if feed.before is not None:
                feed.positions, feed.before = feed.before, None
                self._keep(feed)
                self._queues.around.timers.at(now.mono_s + 1, partial(self._again, feed))

    def settled(self) -> None:
        """The turn was written."""
        for feed in self.by_queue.values():
            feed.before = None

    def _again(self, feed: Feed, now: Now) -> None:
        self.due[feed] = None

    def _read(self, feed: Feed, partition: Partition, position: int, now: Now) -> None:
        def steps() -> Steps[object]:
            return (yield from read_records(self._queues, partition, position, PIECE))

        def done(found: object) -> None:
            feed.reading = False
            if isinstance(found, tuple) and not feed.queue.gone:
                self._take(feed, partition, found, now)

        found = self._queues.around.errands.begin(READING, steps())
        if isinstance(found, Later):
            feed.reading = True
            found.watch(done)
        else:
            done(found)

    def _take(self, feed: Feed, partition: Partition, found: tuple[list[Record], int], now: Now) -> None:
        records, after = found
        route = Route([feed.queue])
        for one in records:
            enter(self._queues, route, content_of(one, feed.queue.name), now)
        feed.before = feed.before or dict(feed.positions)
        feed.positions[str(partition.index)] = after
        self._keep(feed)
        self._queues.around.timers.at(now.mono_s, partial(self._again, feed))

    def _keep(self, feed: Feed) -> None:
        if feed.queue.kept:
            self._queues.ledger.define(feed_key(feed.queue), dict(feed.positions))
