"""Records of topics that are to be delivered later: in the ledger until they are due, then appended in that order.

A topic's are held as by a queue that nobody sees. One leaves it only once it is safe in its partition: a crash between
appends it twice, and never loses it. Due is what the wall clock says, which may be set: it is looked at now and then.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import groupby
from typing import Any, NamedTuple

from penstock import record
from penstock.broker.ledger.ledger import Ledger
from penstock.broker.ledger.recovery import Recovered
from penstock.broker.queues.around import Around
from penstock.broker.queues.declared.definitions import postponed_id, postponed_key
from penstock.broker.queues.delaying.parked import Parked
from penstock.broker.queues.moving.contents import Contents
from penstock.broker.records.durable import DISK_ERRORS
from penstock.broker.turns.errands import READING
from penstock.broker.turns.timers import Timer
from penstock.clock import Now
from penstock.content import NO_PROPERTIES, Content
from penstock.errors import Refused
from penstock.log import Partition, Topic

PIECE_RECORDS = 500
PIECE_BYTES = 4 * 1024 * 1024
BATCH_BYTES = 512 * 1024
RETRY_S = 1.0
LOOK_S = 5.0
"""How long a clock that was set forward may go unnoticed, in seconds."""

Row = tuple[int, int, int]
"""Moment, number, size."""
Piece = tuple[Row, Content]


class Later(NamedTuple):
    """One record for a partition: `batch` has it alone and unpacked, `codec` is how it came."""

    partition: int
    due_ms: int
    codec: int
    batch: bytes


class Park:
    """One topic's: `id` is its number in the ledger; `coming` are batches that are not written yet, `leaving` those that
    are not safe in their partitions yet."""

    __slots__ = ("coming", "due_ms", "gone", "id", "leaving", "parked", "reading", "timer", "topic_id")

    def __init__(self, topic_id: bytes, number: int) -> None:
        self.topic_id, self.id = topic_id, number
        self.parked = Parked()
        self.coming: dict[Coming, None] = {}
        self.leaving: dict[int, Row] = {}
        self.timer: Timer | None = None
        self.due_ms = 0
        self.reading = self.gone = False


class Coming:
    """What is kept back of one batch; the rest of it is not in its partition yet."""

    __slots__ = ("park", "rows")

    def __init__(self, park: Park) -> None:
        self.park = park
        self.rows: list[Row] = []


class Postponed:
    """Those of one broker. `since`: where partitions ended at the start; `again`: batches from before then whose
    records were kept again."""

    def __init__(
        self,
        ledger: Ledger,
        around: Around,
        contents: Contents,
        next_id: Callable[[], int],
        write: Callable[[Now], None],
    ) -> None:
        self._ledger, self._around, self._contents = ledger, around, contents
        self._next_id, self._end_turn = next_id, write
        self.parks: dict[bytes, Park] = {}
        self.since: dict[Partition, int] = {}
        self.again: set[tuple[Partition, int]] = set()

    def __len__(self) -> int:
        return sum(len(park.parked) + len(park.leaving) for park in self.parks.values())

    def fill(self, recovered: Recovered, now: Now) -> int:
        """At the start: take what the ledger has; the highest number that it knows. Topics may be gone by now."""
        last = 0
        log = self._around.log
        for key in recovered.definitions:
            topic_id = postponed_id(key)
            if topic_id is not None and topic_id not in log.by_id:
                self._ledger.define(key, None)
        for topic in log.topics.values():
            if "penstock.delay.enable" in topic.configs:
                self.since.update((partition, partition.end_offset) for partition in topic.partitions)
            known: Any = recovered.definitions.get(postponed_key(topic.topic_id))
            if known is None:
                continue
            last = max(last, known["id"])
            park = self.parks[topic.topic_id] = Park(topic.topic_id, known["id"])
            waiting = recovered.queues.pop(park.id, None)
            if waiting is not None:
                park.parked.put_many(zip(waiting.expires_ms, waiting.numbers, waiting.sizes, strict=True))
            self._arm(park, now)
        return last

    # --- coming -------------------------------------------------------------------------------------------------------

    def begin(self, topic_id: bytes) -> Coming:
        """For a batch of this topic: end it by `park` or `undo`."""
        park = self.parks.get(topic_id)
        if park is None:
            park = self.parks[topic_id] = Park(topic_id, self._next_id())
            self._ledger.define(postponed_key(topic_id), {"id": park.id})
        coming = Coming(park)
        park.coming[coming] = None
        return coming

    def keep(self, coming: Coming, some: Sequence[Later], now: Now) -> Refused | None:
        """Write some of it to the ledger at once; why there is no room for them, or None."""
        ledger, park = self._ledger, coming.park
        rows: list[Row] = []
        for one in some:
            content = Content(str(one.codec), str(one.partition), NO_PROPERTIES, one.batch)
            rows.append((one.due_ms, ledger.add(content, (park.id,), one.due_ms), len(one.batch)))
        failed: list[Refused] = []
        ledger.when_safe(lambda refused, now: failed.append(refused) if refused else None, now)
        self._end_turn(now)
        if failed:
            return failed[0]
        coming.rows += rows
        return None

    def park(self, coming: Coming, now: Now) -> None:
        """Its batch is written: they come when they are due."""
        park = coming.park
        del park.coming[coming]
        park.parked.put_many(coming.rows)
        if not park.gone and (not park.due_ms or park.parked.next_ms() < park.due_ms):
            self._arm(park, now)

    def undo(self, coming: Coming) -> None:
        """Its batch could not be written: they are not to come after all."""
        park = coming.park
        del park.coming[coming]
        if not park.gone:
            self._ledger.settle_many(park.id, [number for _, number, _ in coming.rows])

    def remove(self, topic: Topic) -> None:
        """The topic goes, with what is kept back for it."""
        for partition in topic.partitions:
            self.since.pop(partition, None)
        self.again = {mark for mark in self.again if mark[0].topic_id != topic.topic_id}
        park = self.parks.pop(topic.topic_id, None)
        if park is None:
            return
        park.gone = True
        if park.timer is not None:
            park.timer.cancel()
        coming = (number for one in park.coming for _, number, _ in one.rows)
        self._ledger.drop(park.id, [*park.parked.numbers(), *coming, *park.leaving])
        self._ledger.define(postponed_key(topic.topic_id), None)

    # --- going --------------------------------------------------------------------------------------------------------

    def _arm(self, park: Park, now: Now, least_s: float = 0.0) -> None:
        if park.timer is not None:
            park.timer.cancel()
        park.due_ms = park.parked.next_ms()
        if park.due_ms:
            wait_s = min(LOOK_S, max(least_s, (park.due_ms - now.wall_ms) / 1000))
            park.timer = self._around.timers.at(now.mono_s + wait_s, partial(self._release, park))

    def _release(self, park: Park, now: Now) -> None:
        if park.reading or park.gone:
            return
        rows = park.parked.take(now.wall_ms, PIECE_RECORDS, PIECE_BYTES)
        if not rows:
            self._arm(park, now)
            return
        park.leaving.update((row[1], row) for row in rows)
        park.reading = True

        def found(contents: object) -> None:
            park.reading = False
            if not park.gone:
                failed = self._append(park, rows, contents if isinstance(contents, list) else None, now)
                self._arm(park, now, RETRY_S if failed else 0.0)

        steps = self._contents.of([number for _, number, _ in rows])
        self._around.errands.run(READING, steps).watch(found)

    def _append(self, park: Park, rows: list[Row], contents: list[Content | None] | None, now: Now) -> bool:
        """Append each to its partition, some together; whether some of it failed, which is tried again."""
        topic = self._around.log.by_id.get(park.topic_id)
        if contents is None or topic is None:
            self._put_back(park, rows)
            return True
        by_partition: dict[int, list[Piece]] = {}
        for row, content in zip(rows, contents, strict=True):
            if content is None:  # damaged, which was said
                park.leaving.pop(row[1], None)
                self._ledger.settle(park.id, row[1])
            else:
                by_partition.setdefault(int(content.routing_key), []).append((row, content))
        bytes_max = min(BATCH_BYTES, int(topic.configs.get("max.message.bytes", BATCH_BYTES)))
        failed = False
        for index, pieces in by_partition.items():
            at = 0
            for some in _together(pieces, bytes_max):
                if not self._write(park, topic, index, some, now):
                    self._put_back(park, [row for row, _ in pieces[at:]])
                    failed = True
                    break
                at += len(some)
        return failed

    def _write(self, park: Park, topic: Topic, index: int, some: list[Piece], now: Now) -> bool:
        around, partition = self._around, topic.partitions[index]
        records = [one for _, content in some for one in record.decode(content.body)]
        batch = bytearray(record.encode(records, codec=int(some[0][1].exchange)))
        if topic.configs.get("message.timestamp.type") == "LogAppendTime":
            record.stamp_append_time(batch, record.info_at(batch, 0), now.wall_ms)
        try:
            partition.append(batch, [record.info_at(batch, 0)], now)
        except DISK_ERRORS:
            return False
        around.durability.appended(partition, now)
        around.counts.add("penstock_appended_bytes_total", len(batch))
        around.counts.add("penstock_appended_records_total", len(records))
        around.counts.add("penstock_topic_delayed_records_delivered_total", len(records))
        numbers = [row[1] for row, _ in some]
        around.durability.when(partition, partition.end_offset, partial(self._there, park, numbers), now)
        return True

    def _there(self, park: Park, numbers: list[int], refused: Refused | None, now: Now) -> None:
        """They are safe in their partition; or that was deleted."""
        if refused is None and not park.gone:
            for number in numbers:
                park.leaving.pop(number, None)
            self._ledger.settle_many(park.id, numbers)

    def _put_back(self, park: Park, rows: Sequence[Row]) -> None:
        for row in rows:
            park.leaving.pop(row[1], None)
            park.parked.put(*row)


def _together(pieces: list[Piece], bytes_max: int) -> Iterator[list[Piece]]:
    """What makes one batch each: of one codec, and not larger than that, unless one record is."""
    for _, alike in groupby(pieces, lambda one: one[1].exchange):
        some: list[Piece] = []
        size = 0
        for one in alike:
            if some and size + one[0][2] > bytes_max:
                yield some
                some, size = [], 0
            some.append(one)
            size += one[0][2]
        yield some
