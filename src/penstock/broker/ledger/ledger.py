"""The ledger of all queues: gathers what a turn of the loop did to messages, writes it as one block, finds it again.

A message is in the log once, however many queues hold it, and its number is the same for all of them. What is settled
in the turn in which it came is never written. Knows queues as numbers; knows nothing of their order or rules.
"""

from array import array
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import repeat

from penstock.broker.ledger import snapshot
from penstock.broker.ledger.block import Block, block
from penstock.broker.ledger.bodies import Bodies
from penstock.broker.ledger.options import LedgerOptions
from penstock.broker.ledger.recovery import Recovered, recovered, replay
from penstock.broker.ledger.standing.pages import Page, Rows
from penstock.broker.ledger.standing.standing import Definition, Standing
from penstock.broker.ledger.turn import Then, Turn
from penstock.broker.ledger.upkeep import IDLE_S, SLICE_S, Upkeep
from penstock.broker.records.durable import DISK_ERRORS, Durability, refused_by
from penstock.broker.topics.internal import QUEUES, InternalTopics
from penstock.broker.turns.errands import READING, Errands
from penstock.clock import Now
from penstock.content import Content
from penstock.errors import PenstockError, Refused
from penstock.later import Steps
from penstock.log import Cold, Partition
from penstock.record import info_at

TakenBack = Callable[[range, Sequence[tuple[int, int]], Refused], None]
"""Told when a turn could not be written: the numbers of its messages, which are in no queue any more, and what was
settled `as_one` with them, as (queue, number), which is not settled."""


class DamagedError(Exception):
    """The block that message `number` stands in cannot be read."""

    def __init__(self, number: int, why: str) -> None:
        super().__init__(f"message {number} is damaged: {why}")
        self.number = number


EVER = str(2**63 - 1)
RETRY_S = 0.2
_DROP_FROM = 1000  # of fewer messages it is cheaper to tell each than to look through all pages


class Ledger:
    """`taken_back` is to be set by whoever adds messages; it is called in `flush`, before those who wait for it."""

    def __init__(
        self,
        internal: InternalTopics,
        durability: Durability,
        options: LedgerOptions,
        notices: list[str],
        errands: Errands | None = None,
    ) -> None:
        """Without `errands`, whatever upkeep finds far away is waited for."""
        internal.own[QUEUES] = (
            2,
            {
                "cleanup.policy": "delete", "retention.ms": "-1", "retention.bytes": "-1", "segment.ms": EVER,
                "segment.bytes": str(options.segment_bytes),
            },
        )  # fmt: skip
        self._internal, self._durability, self._notices = internal, durability, notices
        self._errands = errands
        self.taken_back: TakenBack = _nobody
        self._standing = Standing()
        self._bodies = Bodies(options.memory_bytes)
        self._upkeep = Upkeep(internal.log, self._standing, self._bodies, options)
        self._turn = Turn(0)
        self._done: dict[int, array[int]] = {}  # by queue: let go of in this turn, and not looked up yet
        self._fetching = False
        self._as_one = False
        self._retry_s = 0.0  # the disk was full: what nobody waits for is not tried again before
        self._safe_end = 0  # when all below is safe, so is all that must be

    # --- at a start -----------------------------------------------------------------------------------------------------

    def load(self, now: Now) -> Recovered:
        """Read what there is, once, before anything else. Raises PenstockError where the topic is somebody else's."""
        partitions = self._internal.partitions(QUEUES)
        if len(partitions) == 1:
            raise PenstockError(
                f"the topic {QUEUES} was made by somebody else, and its name is taken for the queues",
                remedy="delete it with the version that was used until now",
            )
        if partitions:
            self._read(partitions[0], partitions[1], now)
        self._turn = Turn(self._standing.next_number)
        return recovered(self._standing)

    def _read(self, partition: Partition, pieces: Partition, now: Now) -> None:
        standing, upkeep = self._standing, self._upkeep
        found = snapshot.load(standing, pieces)
        if found is None and partition.start_offset:
            self._notices.append(
                f"{QUEUES}: no whole snapshot was found, so queues that were made before its blocks are lost: "
                "restore the data directory from a backup if they are needed"
            )
        base = found if found is not None else partition.start_offset
        size = replay(standing, partition, base, self._notices)
        standing.loaded(partition.end_offset)
        upkeep.started(min(base, partition.end_offset), size)
        if base > partition.end_offset:  # new blocks would stand where a snapshot thinks they are read
            upkeep.snapshot_now(partition, pieces, standing.next_number, now)

    # --- gathering ------------------------------------------------------------------------------------------------------

    def define(self, key: str, value: Definition | None) -> None:
        """Something durable that is no message, as what JSON can hold; None: it is gone."""
        self._standing.define({key: value})
        self._turn.definitions[key] = value
        self._turn.urgent = True

    def add(
        self,
        content: Content,
        queues: Sequence[int],
        expires_ms: int = 0,
        priority: int = 0,
        keep: bool = True,
    ) -> int:
        """A new message that these queues hold, each named once; its number. `keep`: it must survive a restart."""
        turn = self._turn
        place = len(turn.contents)
        turn.contents.append(content)
        turn.bytes += len(content.body)
        turn.holders.append(self._standing.holders.of(queues, keep))
        if expires_ms:
            turn.expires[place] = expires_ms
        if priority:
            turn.priorities[place] = priority
        if keep:
            turn.urgent = True
        return turn.first + place

    def add_alike(
        self, contents: Sequence[Content], size: int, queues: Sequence[int], priority: int, keep: bool
    ) -> int:
        """Messages without expiration, of `size` bytes together, that the same queues hold; the number of the first."""
        turn = self._turn
        place = len(turn.contents)
        turn.contents += contents
        turn.bytes += size
        turn.holders.extend(repeat(self._standing.holders.of(queues, keep), len(contents)))
        if priority:
            turn.priorities.update(dict.fromkeys(range(place, len(turn.contents)), priority))
        if keep:
            turn.urgent = True
        return turn.first + place

    def settle(self, queue: int, number: int) -> None:
        """This queue lets go of the message. Harmless where it does not hold it."""
        turn = self._turn
        if number >= turn.first:
            place = number - turn.first
            turn.holders[place] = self._standing.holders.without(turn.holders[place], queue)
        elif self._as_one:
            turn.together.append((queue, number))
            turn.urgent = True
        elif self._standing.let_go(queue, number):
            turn.settled_queues.append(queue)
            turn.settled.append(number)
            turn.urgent = True

    def settle_many(self, queue: int, numbers: Sequence[int]) -> None:
        """The same of many messages, before anybody is told what is safe, or the turn ends."""
        if not numbers:
            return
        if self._as_one or max(numbers) >= self._turn.first:
            for number in numbers:
                self.settle(queue, number)
        else:
            self._done.setdefault(queue, array("Q")).extend(numbers)

    def _let_go(self) -> None:
        """What `settle_many` was told of in the turn: many consumers' together often are all that stood in a row."""
        turn, done, self._done = self._turn, self._done, {}
        for queue, numbers in done.items():
            told = self._standing.let_go_many(queue, array("Q", sorted(set(numbers))))
            if told:
                turn.settled.extend(told)
                turn.settled_queues.extend(array("I", [queue]) * len(told))
                turn.urgent = True

    def drop(self, queue: int, numbers: Sequence[int]) -> None:
        """The queue is gone for good, its number is never used again; `numbers` is all that it held."""
        self._standing.delivered.pop(queue, None)
        if len(numbers) < _DROP_FROM:
            self.settle_many(queue, numbers)
            return
        self._done.pop(queue, None)
        turn, holders = self._turn, self._standing.holders
        for place, held in enumerate(turn.holders):
            turn.holders[place] = holders.without(held, queue)
        self._standing.drop(queue)
        turn.dropped.append(queue)
        turn.urgent = True

    @contextmanager
    def as_one(self) -> Iterator[None]:
        """What is settled inside is settled only if the turn's messages are written (`taken_back` says if not)."""
        self._as_one = True
        try:
            yield
        finally:
            self._as_one = False

    def returned(self, queue: int, number: int, count: int) -> None:
        """The message came back to its queue for the `count`th time."""
        self._standing.returned(queue, number, count)
        self._turn.returned[queue, number] = count

    def delivered(self, queue: int, number: int) -> None:
        """The highest number that the queue has handed out."""
        if number > self._standing.delivered.get(queue, -1):
            self._standing.delivered[queue] = self._turn.delivered[queue] = number

    def when_safe(self, then: Then, now: Now) -> None:
        """Call `then` once all that was gathered so far is safe, or with why it never will be; perhaps at once."""
        self._let_go()
        if self._turn.urgent:
            self._turn.waiting.append(then)
            return
        partition = self._partition()
        if partition is None:
            then(None, now)
        else:
            self._durability.when(partition, self._safe_end, then, now)

    def safe_point(self) -> tuple[Partition, int] | None:
        """Up to where the ledger must be on disk for all that is written to be safe; None where nothing ever was."""
        partition = self._partition()
        return None if partition is None else (partition, self._safe_end)

    @property
    def may_go_on(self) -> bool:
        """Whether what was gathered may as well be written with the next turn."""
        return self._turn.may_go_on

    @property
    def urgent(self) -> bool:
        """Whether what was gathered must be written, and be safe before anybody is told."""
        return self._turn.urgent

    # --- writing --------------------------------------------------------------------------------------------------------

    def flush(self, now: Now, failed: Refused | None = None) -> bool:
        """The end of a turn: what was gathered becomes one block; whether upkeep has something to look at.

        Asks for a sync where something of it must be safe. With `failed` something that belongs to the turn could not be
        written elsewhere: it is taken back as if there were no room for the block.
        """
        if self._done:
            self._let_go()
        turn = self._turn
        if not turn:
            return False
        if now.mono_s < self._retry_s and not (turn.contents or turn.together or turn.waiting):
            return True  # the disk was full a moment ago, and what is told again grows
        rows = turn.rows()
        columns = turn.columns(self._standing.holders, rows)
        if not columns:  # all of it was over within the turn
            self._turn = Turn(turn.first + len(turn.contents))
            self._answer(turn, now)
            return False
        if failed is not None:
            self._take_back(turn, failed, now)
            return True
        try:
            partition = self._internal.ensure(QUEUES, 2, now).partitions[0]
            batch = block(columns, now.wall_ms)
            offset = partition.append(batch, [info_at(batch, 0)], now)
        except DISK_ERRORS as error:
            self._retry_s = now.mono_s + RETRY_S
            self._take_back(turn, refused_by(error), now)
            return True
        self._retry_s = 0.0
        self._turn = Turn(turn.first + len(turn.contents))
        self._note(turn, rows, offset, batch)
        if turn.urgent:
            self._safe_end = partition.end_offset
            self._durability.appended(partition, now)
        self._answer(turn, now)
        return True

    def _note(self, turn: Turn, rows: Rows, offset: int, batch: bytearray) -> None:
        """The block stands in the log."""
        standing = self._standing
        if any(turn.holders):
            standing.add(offset, len(batch), rows)
            self._bodies.keep(offset, batch)
        else:
            standing.stripes.add(offset, len(batch), 0, 0)
        for queue, number in turn.together:
            standing.let_go(queue, number)
        self._upkeep.written(len(batch), len(turn.contents), len(turn.settled) + len(turn.together))

    def _answer(self, turn: Turn, now: Now) -> None:
        if not turn.waiting:
            return
        partition = self._partition()
        for then in turn.waiting:
            if partition is None:
                then(None, now)
            else:
                self._durability.when(partition, self._safe_end, then, now)

    def _take_back(self, turn: Turn, refused: Refused, now: Now) -> None:
        """There was no room: the turn's messages are gone, the rest is written when there is."""
        self._turn = turn.after_failure()
        self.taken_back(range(turn.first, self._turn.first), turn.together, refused)
        for then in turn.waiting:
            then(refused, now)

    # --- reading --------------------------------------------------------------------------------------------------------

    def contents(self, numbers: Sequence[int], patient: bool = False) -> list[Content]:
        """The messages of these numbers, which somebody holds.

        Raises Cold where they are far away: fetch, ask again; after some times of that, ask `patient`, which waits for
        the disk. Raises DamagedError for a message whose block cannot be read any more: settle it, and go on.
        """
        turn, pages, bodies = self._turn, self._standing.pages, self._bodies
        partition = self._partition()
        found: list[Content] = []
        last: Block | None = None
        for number in numbers:
            if number >= turn.first:
                found.append(turn.contents[number - turn.first])
                continue
            page, row = pages.find(number) or _missing(number)
            offset = page.wheres[row]
            if last is None or last.offset != offset:
                assert partition is not None
                try:
                    last = bodies.block(partition, offset, patient)
                except ValueError as error:
                    raise DamagedError(number, str(error)) from None
            found.append(last.content(page.places[row]))
        return found

    # --- the topic ------------------------------------------------------------------------------------------------------

    def _partition(self) -> Partition | None:
        partitions = self._internal.partitions(QUEUES)
        return partitions[0] if partitions else None

    # --- upkeep ---------------------------------------------------------------------------------------------------------

    def upkeep(self, now: Now) -> float | None:
        """A slice of what keeps the log short; in how many seconds the next is wanted, None: once something was written."""
        self.flush(now)
        partitions = self._internal.partitions(QUEUES)
        if not partitions:
            return None
        if self._turn or self._fetching:
            return IDLE_S  # what could not be written is not safe
        try:
            return self._upkeep.slice(partitions[0], partitions[1], self._turn.first, now)
        except Cold as cold:
            self._fetch(cold)
        except ValueError as error:
            self._upkeep.stop()
            self._notices.append(
                f"{QUEUES}: a damaged block cannot be moved, so the log is not cleaned any more ({error})"
            )
        return SLICE_S

    def _fetch(self, cold: Cold) -> None:
        if self._errands is None:
            cold.fetch()
            return

        def steps() -> Steps[object]:
            try:
                yield cold.fetch
            finally:
                self._fetching = False
            return None

        self._fetching = True
        self._errands.begin(READING, steps())

    def measures(self) -> dict[str, float]:
        """Gauges by Prometheus name."""
        return {
            "penstock_queue_messages": self._standing.pages.live,
            "penstock_queue_log_bytes": sum(one.size_bytes for one in self._internal.partitions(QUEUES)),
            "penstock_queue_live_bytes": self._standing.stripes.live_bytes,
            "penstock_queue_memory_bytes": self._bodies.held_bytes,
            "penstock_queue_moved_total": self._upkeep.moved,
            "penstock_queue_snapshots_total": self._upkeep.snapshots,
        }


def _missing(number: int) -> tuple[Page, int]:
    raise LookupError(f"no queue holds message {number}")


def _nobody(numbers: range, together: Sequence[tuple[int, int]], refused: Refused) -> None:
    """Nobody has asked to be told."""
