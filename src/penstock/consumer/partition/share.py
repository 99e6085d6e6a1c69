"""One partition of a topic with its retries and what it holds back: what came, what may go, what is to be written.

Records come in by `offer`, outcomes by `settle`; `gather` gives what one transaction is to hold, and `written` takes
where it landed. Knows the order of keys and the rules of `Retry`; knows no server, no clock and no handler.
"""

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from penstock.consumer.delivery import Delivery, Part
from penstock.consumer.failures import failing_of
from penstock.consumer.names import Names
from penstock.consumer.partition.holding import Holding, Move
from penstock.consumer.partition.order import Held, Order, Written
from penstock.consumer.partition.source import Damaged, Source
from penstock.dead_letters import (
    FAILED,
    REFUSED,
    UNDECODABLE,
    DeadLetter,
    Failing,
    Mould,
    Origin,
    fitting,
    of_record,
)
from penstock.errors import PenstockError
from penstock.record import Packed, Record, packed
from penstock.retries import Retry

HELD = "held"
"""The reason of a record that was not tried: an older one of its key waits."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What is the same for all partitions of a topic."""

    names: Names
    retry: Retry
    group: str
    keep_order: bool
    dead_partitions: int
    bytes_max: Mapping[str, int]
    """By topic: how large a record may be."""
    chance: Callable[[], float]
    blocked_bytes: int = 64 * 1024 * 1024
    """How much memory what waits may take before nothing new is taken (see `Order.bytes`)."""


@dataclass(slots=True)
class Gathered:
    """What belongs together: these records are written, and these positions hold, or neither."""

    moves: dict[Part, list[Move | Held]] = field(default_factory=dict)
    """By where they go. The record of a held one is made when it is written (`Share.record_of`), for many are held between
    two commits, and one with all that tells where it is from weighs more than its delivery."""
    positions: dict[Part, int] = field(default_factory=dict)


class Share:
    """`ready` is called with what may be handled; `load` with what must be fetched from the topic of held records."""

    def __init__(
        self,
        number: int,
        rules: Rules | None,
        positions: dict[Part, int],
        ready: Callable[[Delivery], None],
        load: Callable[["Share", Held], None],
    ) -> None:
        self.number, self.rules = number, rules
        self.alive = True
        self.sources = {
            part: Source(part, at)
            for part, at in positions.items()
            if not rules or part[0] != rules.names.held
        }
        self.main = next(iter(self.sources))
        self._ready, self._load = ready, load
        self._waiting: dict[Part, deque[tuple[int, Delivery]]] = {}
        self._told: dict[Part, int] = {}
        self._now_ms = 0
        self._expected: set[tuple[Part, int]] = set()  # retries that block their keys already
        self.crowded = False
        """Whether so much waits that nothing new is taken, until an eighth of it is gone."""
        self.order = Order(ready, self._hold, lambda held: load(self, held))
        self.holding: Holding | None = None
        if rules and rules.keep_order and rules.names.held:
            part = (rules.names.held, number)
            self.holding = Holding(part, positions[part], rules.group, self)
            here = Origin(*self.main)
            self._held = Mould(DeadLetter(None, None, (), here, HELD, owner=rules.group, attempts=0))
            self._held_bytes_max = rules.bytes_max[rules.names.held] - self._held.bytes_more

    # --- before it begins: what an earlier consumer left ---------------------------------------------------------

    def recall(self, part: Part, found: Record) -> None:
        """A record of a retry topic, or of held ones, that was there before: its key is blocked by it."""
        assert self.rules
        if self.holding is not None and part == self.holding.part:
            self.holding.recall(found)
            return
        letter = of_record(found)
        if letter.owner == self.rules.group:
            self._expected.add((part, found.offset))
            self.order.waits(found.key)

    def begin(self) -> None:
        """All that was there is known."""
        if self.holding is not None:
            for held in self.holding.entries.values():
                self.order.holds(held)
        self.order.begin()

    # --- what comes ----------------------------------------------------------------------------------------------

    def goes_on(self, source: Source, offset: int) -> bool:
        """Whether what arrived at this offset follows what was read; not where its topic is another by now.

        Retention may have taken what was to come of the topic itself, but no retry: its key would be blocked for ever.
        """
        return offset == source.fetch_from or (source.part == self.main and offset > source.fetch_from)

    def takes(self, source: Source) -> bool:
        """Whether more records of it may come. What waits for its turn goes on by retries, so those always may."""
        if self.rules is None or source.part != self.main:
            return True
        bytes_max = self.rules.blocked_bytes
        self.crowded = self.order.bytes >= (bytes_max - bytes_max // 8 if self.crowded else bytes_max)
        return not self.crowded

    def offer(self, source: Source, found: Record | Damaged, now_ms: int) -> None:
        """A record was read; in the order of its partition."""
        self._now_ms = now_ms
        if isinstance(found, Damaged):
            self._bury_damaged(source, found, now_ms)
        elif source.part == self.main:
            delivery = Delivery(found, source.part)
            self._begin(source, delivery)
            if self.rules and self.rules.keep_order:
                self.order.arrive(delivery)
            else:
                self._ready(delivery)
        else:
            self._offer_retry(source, found)

    def _offer_retry(self, source: Source, found: Record) -> None:
        assert self.rules
        letter = of_record(found)
        if letter.owner != self.rules.group:
            return  # another group's
        delivery = Delivery(found, source.part, letter.origin, letter)
        self._begin(source, delivery)
        if self.rules.keep_order:
            if (source.part, found.offset) in self._expected:
                self._expected.discard((source.part, found.offset))
            else:  # a letter that was sent back: put there by someone else, just now
                self.order.waits(found.key)
        self._waiting.setdefault(source.part, deque()).append((letter.due_ms, delivery))

    def _begin(self, source: Source, delivery: Delivery) -> None:
        delivery.share = self
        source.begin(delivery)

    def _bury_damaged(self, source: Source, found: Damaged, now_ms: int) -> None:
        if self.rules is None:
            raise PenstockError(
                f"a record batch is damaged: {found.why}",
                place=f"{source.part[0]}-{source.part[1]}@{found.offset}",
                remedy="with retry=Retry(...) it becomes a dead letter, and the consumer goes on",
            )
        record = Record(None, None, found.timestamp_ms, (), found.offset)
        delivery = Delivery(record, source.part)
        self._begin(source, delivery)
        failing = Failing("CorruptRecordException", found.why, found.why, "KAFKA_CONSUME", "")
        letter = self._letter(delivery, failing, UNDECODABLE, now_ms)
        delivery.move = self._to_dead(letter, now_ms)
        delivery.settled = True

    def due(self, now_ms: int) -> int | None:
        """Let go what is due; when the next one is (epoch ms), None where none waits.

        One retry topic's in the order they stand there: chance makes some due a little before their turn, and going
        out of turn would make a gap that whoever takes over goes through again.
        """
        next_ms = []
        for waiting in self._waiting.values():
            while waiting and waiting[0][0] <= now_ms:
                delivery = waiting.popleft()[1]
                if self.rules and self.rules.keep_order:
                    self.order.come_back(delivery)
                else:
                    self._ready(delivery)
            if waiting:
                next_ms.append(waiting[0][0])
        return min(next_ms, default=None)

    # --- what came of it -----------------------------------------------------------------------------------------

    def settle(self, delivery: Delivery, error: BaseException | None, function: str, now_ms: int) -> str:
        """A record was handled, or its handler failed: then it is retried or given up. What became of it, in a word."""
        self._now_ms = now_ms
        waits, outcome = False, "done"
        if error is not None:
            move = self._retried(delivery, error, function, now_ms)
            waits, outcome = move is not None, "retried" if move is not None else "dead"
            delivery.move = move or self._given_up(delivery, error, function, now_ms)
        if delivery.held is not None and self.holding is not None:
            self.holding.let_go(delivery.held, delivery.move)
        else:
            delivery.settled = True
        if self.rules and self.rules.keep_order:
            self.order.finish(delivery, waited=delivery.letter is not None, waits=waits)
        return outcome

    def _retried(self, delivery: Delivery, error: BaseException, function: str, now_ms: int) -> Move | None:
        """Its move to where it waits for the next attempt; None where there is none to come."""
        assert self.rules
        tier = None if self.rules.retry.gives_up(error) else self.rules.retry.tier(delivery.attempt)
        if tier is None:
            return None
        due_ms = now_ms + self.rules.retry.wait_ms(tier, self.rules.chance())
        record = self._letter(delivery, failing_of(error, function), FAILED, now_ms, due_ms).record(now_ms)
        topic = self.rules.names.tiers[tier]
        found = fitting(record, self.rules.bytes_max[topic])
        # A retry must have its value: one that does not fit even without its stack trace is not tried again.
        return Move((topic, self.number), found) if found.value == record.value else None

    def _given_up(self, delivery: Delivery, error: BaseException, function: str, now_ms: int) -> Move:
        assert self.rules
        reason = REFUSED if self.rules.retry.gives_up(error) else FAILED
        letter = self._letter(delivery, failing_of(error, function), reason, now_ms)
        return self._to_dead(letter, now_ms)

    def _hold(self, delivery: Delivery) -> Held:
        """Its later move to the topic of held records; it is settled with that.

        What does not fit there (it came compressed, or someone made that topic) is under way until its turn comes.
        """
        assert self.holding is not None
        assert delivery.key is not None
        held = Held(delivery, delivery.key)
        if delivery.size <= self._held_bytes_max:
            delivery.move, delivery.settled = held, True
        return held

    def record_of(self, move: Move | Held) -> Record | Packed:
        """What is to be written."""
        if isinstance(move, Move):
            return move.record
        delivery = move.delivery
        assert delivery is not None
        marks = self._held.marks(delivery.offset, delivery.timestamp_ms, delivery.redrives)
        # As old as it is, it is written now: retention must not take it for old.
        return packed(delivery.key, delivery.value, delivery.headers, self._now_ms, *marks)

    def _letter(
        self, delivery: Delivery, failing: Failing, reason: str, now_ms: int, due_ms: int = 0
    ) -> DeadLetter:
        assert self.rules
        before = delivery.letter
        return DeadLetter(
            delivery.key, delivery.value, delivery.headers, delivery.origin, reason, failing,
            self.rules.group,
            delivery.attempt,
            before.first_ms if before is not None and before.attempts else now_ms,
            now_ms,
            due_ms,
            redrives=delivery.redrives,
            via=self.rules.names.tiers[0] if self.rules.names.tiers else "",
        )  # fmt: skip

    def _to_dead(self, letter: DeadLetter, now_ms: int) -> Move:
        assert self.rules
        where = self.number % self.rules.dead_partitions
        record = fitting(letter.record(now_ms), self.rules.bytes_max[self.rules.names.dead])
        return Move((self.rules.names.dead, where), record)

    def bytes_max(self, topic: str) -> int:
        """How large a record batch of a topic beside this one may be."""
        assert self.rules
        return self.rules.bytes_max[topic]

    # --- writing it down -----------------------------------------------------------------------------------------

    def gather(self) -> Gathered:
        """What is settled since the last time, without anything unsettled before it."""
        found = Gathered()
        for part, source in self.sources.items():
            self._add(found, [delivery.move for delivery in source.settled() if delivery.move is not None])
            if source.position != self._told.get(part):
                found.positions[part] = self._told[part] = source.position
        if self.holding is not None:
            self._add(found, self.holding.gather(self._now_ms))
            part = self.holding.part
            if self.holding.position != self._told.get(part):
                found.positions[part] = self._told[part] = self.holding.position
        return found

    def _add(self, found: Gathered, moves: Iterable[Move | Held]) -> None:
        for move in moves:
            if isinstance(move, Held):
                assert self.holding is not None
                move.written = Written.COMING
                found.moves.setdefault(self.holding.part, []).append(move)
            else:
                found.moves.setdefault(move.part, []).append(move)

    def expect(self, part: Part, base: int, count: int) -> None:
        """Moves stand at `count` offsets from this one on, and will be committed: retries read there block their keys already."""
        if self.rules and self.rules.keep_order and part[0] in self.rules.names.tiers:
            self._expected |= {(part, offset) for offset in range(base, base + count)}

    def written(self, moves: Iterable[Move | Held], base: int) -> None:
        """Moves are committed, and stand from this offset on."""
        if self.holding is None:
            return
        for offset, held in enumerate(moves, base):
            if not isinstance(held, Held):
                continue
            self.holding.add(held, offset)
            if held.wanted:
                held.wanted = False
                if held.delivery is None:
                    self._load(self, held)
                else:
                    self.order.release(held)

    def loaded(self, held: Held, found: Record) -> None:
        """The record of a held one whose turn it is was fetched."""
        assert self.holding is not None
        held.wanted = False
        self.holding.remember(held, found)
        self.order.release(held)
