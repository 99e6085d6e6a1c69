"""Queues that a topic feeds: each committed record becomes a message, once.

Where a queue stands in its topic is kept in the ledger, in the same block as the messages made of the records before:
a crash neither loses nor doubles one. A queue takes no more while much is ready in it; the records wait in the topic,
whose retention they hold back (decision 0009).
"""

from collections.abc import Iterator
from functools import partial
from typing import Any

from penstock.broker.queues.around import Around
from penstock.broker.queues.declared.definitions import feed_key
from penstock.broker.queues.exchanges.routes import Route
from penstock.broker.queues.moving.enter import enter
from penstock.broker.queues.moving.turn import Turn
from penstock.broker.queues.queue.arguments import seconds_of
from penstock.broker.queues.queue.queue import Queue
from penstock.broker.queues.topics.reading import Committed
from penstock.broker.queues.topics.records import content_of
from penstock.broker.turns.errands import READING
from penstock.clock import Now
from penstock.errors import Refused
from penstock.log import Partition, start_after
from penstock.record import Record

PIECE = 500
AHEAD_MAX = 10_000
"""Ready messages of a queue above which its topic waits."""
GIVEN_UP = "penstock_queue_feed_expired_records_total"


class Feed:
    """One queue's, by the key of a partition: `positions` is how far it has read, `before` where that stood when this turn
    began, `safe` what of it is on disk; records below `given_up` are kept for it no longer, `dying` is how many died of that
    in this turn."""

    __slots__ = ("before", "dying", "given_up", "positions", "queue", "reading", "safe")

    def __init__(self, queue: Queue, positions: dict[str, int]) -> None:
        self.queue, self.positions = queue, positions
        self.safe = dict(positions)
        self.given_up: dict[str, int] = {}
        self.before: dict[str, int] | None = None
        self.reading = False
        self.dying = 0


class Feeds:
    """Those of one broker."""

    def __init__(self, turn: Turn, around: Around) -> None:
        self._turn, self._around = turn, around
        self.by_queue: dict[Queue, Feed] = {}
        self.due: dict[Feed, None] = {}
        self._moved: dict[Feed, None] = {}  # in this turn
        self._committed = Committed(around.stable, around.markers)
        around.log.pins = self._pin

    def begin(self, queue: Queue) -> None:
        """A new queue: what is produced from now on."""
        topic = self._around.log.topics[str(queue.asked.topic)]
        self.by_queue[queue] = feed = Feed(queue, {one.key: one.end_offset for one in topic.partitions})
        self._keep(feed)

    def fill(self, queue: Queue, known: Any) -> None:
        """At the start: where the queue stood. Once it was kept by the partitions' numbers alone."""
        topic = self._around.log.topics.get(str(queue.asked.topic))
        found = known or {}
        positions = {
            one.key: found.get(one.key, found.get(str(one.index), 0))
            for one in (topic.partitions if topic is not None else ())
        }
        self.by_queue[queue] = feed = Feed(queue, positions)
        self.due[feed] = None

    def remove(self, queue: Queue) -> None:
        """The queue is gone."""
        feed = self.by_queue.pop(queue, None)
        if feed is not None:
            self.due.pop(feed, None)
            self._moved.pop(feed, None)
            if queue.kept:
                self._turn.ledger.define(feed_key(queue), None)

    def _fed_by(self, topic: str) -> Iterator[Feed]:
        return (feed for queue, feed in self.by_queue.items() if queue.asked.topic == topic)

    # --- taking records -----------------------------------------------------------------------------------------------

    def woken(self, topic: str) -> None:
        """There is more in the topic."""
        self.due.update((feed, None) for feed in self._fed_by(topic))

    @property
    def nothing(self) -> bool:
        """Whether no record was taken in this turn."""
        return not self._moved

    def pull(self, now: Now) -> None:
        """A piece for each queue whose topic may have more; the next when the queue moves, or at the next turn."""
        turn = self._turn
        drawn, turn.drawn = turn.drawn, {}
        for queue in drawn:
            feed = self.by_queue.get(queue)
            if feed is not None and feed.before is None:  # what came in this turn is enough for it
                self.due[feed] = None
        due, self.due = self.due, {}
        for feed in due:
            topic = self._around.log.topics.get(str(feed.queue.asked.topic))
            if topic is None or feed.queue.gone or feed.reading:
                continue
            full = len(feed.queue.ready) >= AHEAD_MAX
            for partition in topic.partitions:
                end = self._around.stable.of(partition)
                if full:
                    end = min(end, feed.given_up.get(partition.key, 0))
                if feed.positions.get(partition.key, 0) < end:
                    self._read(feed, partition, end if full else None, now)
                    break

    def taken_back(self, now: Now) -> None:
        """The turn could not be written: its records are to be read again."""
        moved, self._moved = self._moved, {}
        for feed in moved:
            assert feed.before is not None
            feed.positions, feed.before, feed.dying = feed.before, None, 0
            self._keep(feed)
            self._around.timers.at(now.mono_s + 1, partial(self._again, feed))

    def settled(self, now: Now) -> None:
        """The turn was written."""
        moved, self._moved = self._moved, {}
        for feed in moved:
            feed.before = None
            self._count(feed)
            self._turn.ledger.when_safe(partial(self._is_safe, feed, dict(feed.positions)), now)

    def _is_safe(self, feed: Feed, positions: dict[str, int], refused: Refused | None, now: Now) -> None:
        if refused is None:
            feed.safe = positions

    def _again(self, feed: Feed, now: Now) -> None:
        self.due[feed] = None

    def _read(self, feed: Feed, partition: Partition, give_up: int | None, now: Now) -> None:
        """A piece of what is to be taken, or, with `give_up`, of what is to be given up below that offset."""

        def done(found: object) -> None:
            feed.reading = False
            if isinstance(found, tuple) and not feed.queue.gone:
                records, after = found
                if give_up is None:
                    self._take(feed, records, now)
                else:
                    after = min(after, give_up)
                    self._give_up(feed, [one for one in records if one.offset < give_up])
                self._move(feed, partition, after, now)

        feed.reading = True
        position = feed.positions.get(partition.key, 0)
        steps = self._committed.read(partition, position, PIECE)
        self._around.errands.run(READING, steps).watch(done)

    def _take(self, feed: Feed, records: list[Record], now: Now) -> None:
        route = Route([feed.queue])
        for one in records:
            enter(self._turn, route, content_of(one, feed.queue.name), now)

    def _move(self, feed: Feed, partition: Partition, after: int, now: Now) -> None:
        feed.before = feed.before or dict(feed.positions)
        feed.positions[partition.key] = after
        self._moved[feed] = None
        self._keep(feed)
        self._around.timers.at(now.mono_s, partial(self._again, feed))

    def _keep(self, feed: Feed) -> None:
        if feed.queue.kept:
            self._turn.ledger.define(feed_key(feed.queue), dict(feed.positions))

    # --- holding the topic's retention back ---------------------------------------------------------------------------

    def _pin(self, partition: Partition, target: int, now: Now) -> int:
        """Where the partition may begin, of which retention would forget all below `target`: not behind what a queue has
        still to take, unless it had its time and bytes for that. Then the queue gives that up first."""
        begin = target
        for feed in self._fed_by(partition.topic):
            position = feed.safe.get(partition.key, 0)
            if position >= target:
                continue
            begin = min(begin, position)
            limit = start_after(partition, partition.settings, now, *self._longer(feed.queue))
            if limit > max(feed.positions.get(partition.key, 0), feed.given_up.get(partition.key, 0)):
                feed.given_up[partition.key] = limit
                self.due[feed] = None
        return begin

    def _longer(self, queue: Queue) -> tuple[int, int]:
        """How much longer than its own settings say the queue's topic keeps records for it: milliseconds and bytes."""
        asked, options = queue.asked, self._around.options
        age_s, size = options.pin_age_max_s, options.pin_bytes_max
        if asked.pin_age is not None:
            age_s = min(age_s, seconds_of(asked.pin_age))
        return age_s * 1000, size if asked.pin_bytes is None else min(size, asked.pin_bytes)

    def _give_up(self, feed: Feed, records: list[Record]) -> None:
        """Retention wants the room: what the queue did not take in time dies as what expires in it."""
        for one in records:
            self._turn.dead.add_fresh(feed.queue, "expired", content_of(one, feed.queue.name))
        feed.dying += len(records)

    def _count(self, feed: Feed) -> None:
        """What was given up in a turn that was written."""
        around, queue = self._around, feed.queue
        if feed.dying and not around.counts.sums[GIVEN_UP]:
            where = "dropped" if queue.asked.dead_exchange is None else "dead-lettered"
            around.notices.append(
                f"{queue.spelled} did not take records of topic {queue.asked.topic} in time: they are {where} "
                f"(x-penstock-pin-max-age, x-penstock-pin-max-bytes; counted in {GIVEN_UP})"
            )
        around.counts.add(GIVEN_UP, feed.dying)
        feed.dying = 0
