"""What stands in the queues now: every message with its place and holders, what was said of deliveries, definitions.

Changed by turns as they come and by blocks as they are read again, in the same way. Knows neither log nor disk.
"""

import json
from array import array
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain, compress, repeat

from penstock.broker.ledger import block as blocks
from penstock.broker.ledger.block import Block
from penstock.broker.ledger.columns import numbers
from penstock.broker.ledger.standing.holders import Holders, read
from penstock.broker.ledger.standing.pages import Page, Pages, Rows
from penstock.broker.ledger.standing.stripes import Stripes

Definition = dict[str, object]
_SWEEP_FROM = 4096


class Standing:
    """`counts`: how often a message came back, by (queue, number); `delivered`: the highest number handed out by queue."""

    def __init__(self) -> None:
        self.pages, self.holders, self.stripes = Pages(), Holders(), Stripes()
        self.counts: dict[tuple[int, int], int] = {}
        self.delivered: dict[int, int] = {}
        self.definitions: dict[str, Definition] = {}
        self.next_number = 0
        self._sweep_at = _SWEEP_FROM

    # --- one thing ------------------------------------------------------------------------------------------------------

    def let_go(self, queue: int, number: int) -> bool:
        """The queue holds the message no more; whether that must be written down."""
        found = self.pages.find(number)
        if found is None:
            return False
        page, row = found
        holders = self.holders
        held = page.holders[row]
        rest = 0 if holders.only[held] == queue else holders.without(held, queue)
        if rest == held:
            return False
        page.holders[row] = rest
        if self.counts:
            self.counts.pop((queue, number), None)
        if not rest:
            self.stripes.less(page.wheres[row])
            self.pages.lost(page)
        return holders.kept[held]

    def let_go_many(self, queue: int, numbers: "array[int]") -> "array[int]":
        """The same of many, each named once, in the order of their numbers; those that must be written down."""
        told, at = array("Q"), 0
        while at < len(numbers):
            page = self.pages.page_of(numbers[at])
            stop = bisect_right(numbers, page.numbers[-1], at) if page is not None else at
            if page is None or stop == at:  # it is not here
                at += 1
                continue
            some = numbers[at:stop]
            if not self._let_go_run(page, queue, some, told):
                self._let_go_rows(page, queue, page.rows(some), told)
            at = stop
        return told

    def _let_go_rows(self, page: Page, queue: int, rows: list[int], told: "array[int]") -> None:
        """Rows of a page, wherever they stand in it."""
        held, lost = list(map(page.holders.__getitem__, rows)), 0
        for one in set(held):
            rest = self.holders.without(one, queue)
            if rest == one:
                continue
            some = [row for row, its in zip(rows, held, strict=True) if its == one]
            for row in some:
                page.holders[row] = rest
            if self.holders.kept[one]:
                told.extend(map(page.numbers.__getitem__, some))
            for number in map(page.numbers.__getitem__, some) if self.counts else ():
                self.counts.pop((queue, number), None)
            if not rest:
                lost += len(some)
                for offset, count in Counter(map(page.wheres.__getitem__, some)).items():
                    self.stripes.less(offset, count)
        if lost:
            self.pages.lost(page, lost)

    def _let_go_run(self, page: Page, queue: int, some: "array[int]", told: "array[int]") -> bool:
        """All of them at once, if they stand together and the same queues hold them; whether they did."""
        row = page.find(some[0])
        stop = row + len(some)
        held = page.holders[row:stop]
        if row < 0 or self.counts or not page.stand_together(row, some) or held.count(held[0]) < len(held):
            return False
        rest = self.holders.without(held[0], queue)
        if rest == held[0]:
            return True
        page.holders[row:stop] = array("I", [rest]) * len(some)
        if self.holders.kept[held[0]]:
            told.extend(some)
        if not rest:
            for offset, count in Counter(page.wheres[row:stop]).items():
                self.stripes.less(offset, count)
            self.pages.lost(page, len(some))
        return True

    def drop(self, queue: int) -> None:
        """The queue holds nothing any more."""
        self.delivered.pop(queue, None)
        for key in [key for key in self.counts if key[0] == queue]:
            del self.counts[key]
        for page in list(self.pages):
            affected = {held for held in set(page.holders) if queue in self.holders.queues[held]}
            if affected:
                self._drop_in(page, queue, affected)

    def _drop_in(self, page: Page, queue: int, affected: set[int]) -> None:
        rest = {held: self.holders.without(held, queue) for held in affected}
        gone = 0
        for row, held in enumerate(page.holders):
            if held in affected:
                page.holders[row] = rest[held]
                if not rest[held]:
                    self.stripes.less(page.wheres[row])
                    gone += 1
        if gone:
            self.pages.lost(page, gone)

    def move(self, number: int, offset: int, place: int) -> bool:
        """The message stands in another block from now on; whether anybody holds it."""
        found = self.pages.find(number)
        if found is None:
            return False
        page, row = found
        if not page.holders[row] or page.wheres[row] >= offset:
            return False  # a snapshot knew of it, or of a later place
        self.stripes.less(page.wheres[row])
        page.wheres[row], page.places[row] = offset, place
        return True

    def stands(self, number: int, offset: int) -> bool:
        """Whether somebody holds the message and it is in the block at this offset."""
        found = self.pages.find(number)
        return found is not None and found[0].wheres[found[1]] == offset and found[0].holders[found[1]] != 0

    def loaded(self, end: int) -> None:
        """All is read that there is: blocks up to `end`. A snapshot may know of later ones, which a crash took back."""
        for page in list(self.pages):
            if page.wheres and max(page.wheres) >= end:
                for row, where in enumerate(page.wheres):
                    page.holders[row] *= where < end
            gone = page.holders.count(0) + page.live - len(page.holders)
            if gone:
                self.pages.lost(page, gone)
        self.stripes.recount(compress(page.wheres, page.holders) for page in self.pages)

    def sweep(self) -> None:
        """Forget sets of holders that no message has, once there are many."""
        if len(self.holders) > self._sweep_at:
            self.holders.sweep(set(chain.from_iterable(map(set, (page.holders for page in self.pages)))))
            self._sweep_at = max(_SWEEP_FROM, 2 * len(self.holders))

    # --- a block --------------------------------------------------------------------------------------------------------

    def add(self, offset: int, size: int, rows: Rows) -> None:
        """The messages of a new block. `rows` has the columns that are not known from its place."""
        sizes, held = rows.columns
        count = len(sizes)
        columns = array("Q", repeat(offset, count)), array("I", range(count)), sizes, held
        dead = held.count(0)
        whole = Rows(rows.numbers, columns, rows.expires, rows.priorities)
        self.pages.extend(_only_held(whole) if dead else whole)
        self.stripes.add(offset, size, max(1, count - dead), count - dead)
        self.next_number = max(self.next_number, rows.numbers[-1] + 1)

    def replay(self, block: Block) -> None:
        """What a block says, of the log as it is read again."""
        columns = block.columns
        if blocks.NUMBERS in columns:
            self.stripes.add(block.offset, block.size, len(block), 0)
            for place, number in enumerate(block.numbers):
                self.move(number, block.offset, place)
        elif blocks.FIRST in columns:
            self._replay_messages(block)
        else:
            self.stripes.add(block.offset, block.size, 0, 0)
        queues, those = _column(columns, blocks.SETTLED_QUEUES, "I"), _column(columns, blocks.SETTLED, "Q")
        if queues and queues.count(queues[0]) == len(queues):
            self.let_go_many(queues[0], array("Q", sorted(those)))
        else:
            for queue, number in zip(queues, those, strict=True):
                self.let_go(queue, number)
        for queue, number, count in _tuples(_column(columns, blocks.RETURNED, "Q"), 3):
            self.returned(queue, number, count)
        for queue, number in _tuples(_column(columns, blocks.DELIVERED, "Q"), 2):
            self.delivered[queue] = max(number, self.delivered.get(queue, 0))
        for queue in _column(columns, blocks.DROPPED, "I"):
            self.drop(queue)
        if blocks.DEFINITIONS in columns:
            self.define(json.loads(bytes(columns[blocks.DEFINITIONS])))

    def _replay_messages(self, block: Block) -> None:
        first, count = blocks.first_of(block.columns[blocks.FIRST])
        kept = (self.holders.of(some, True) if keep else 0 for keep, some in _sets(block))
        table = [0, *kept]
        of = _column(block.columns, blocks.SET_OF, "I")
        held = array("I", map(table.__getitem__, of or repeat(1, count)))
        expires = _column(block.columns, blocks.EXPIRES, "q") or None
        priorities = bytes(block.columns.get(blocks.PRIORITIES, b"")) or None
        rows = Rows(range(first, first + count), (block.sizes, held), expires, priorities)
        self.add(block.offset, block.size, rows)

    def returned(self, queue: int, number: int, count: int) -> None:
        """A message came back to its queue for the `count`th time."""
        found = self.pages.find(number)
        if found is not None and queue in self.holders.queues[found[0].holders[found[1]]]:
            self.counts[queue, number] = count

    def define(self, changes: Mapping[str, Definition | None]) -> None:
        """Definitions that are new, or gone."""
        for key, value in changes.items():
            if value is None:
                self.definitions.pop(key, None)
            else:
                self.definitions[key] = value


def _only_held(rows: Rows) -> Rows:
    """Without the rows that nobody holds."""
    held = rows.columns[-1]
    columns = [array(column.typecode, compress(column, held)) for column in rows.columns]
    expires = array("q", compress(rows.expires, held)) if rows.expires is not None else None
    priorities = bytes(compress(rows.priorities, held)) if rows.priorities is not None else None
    return Rows(array("Q", compress(rows.numbers, held)), columns, expires, priorities)


def _sets(block: Block) -> list[tuple[bool, tuple[int, ...]]]:
    return read(_column(block.columns, blocks.SETS, "I"))


def _column(columns: Mapping[int, memoryview], number: int, code: str) -> "array[int]":
    return numbers(code, columns.get(number, b""))


def _tuples(column: Iterable[int], size: int) -> Iterator[tuple[int, ...]]:
    values = iter(column)
    return zip(*[values] * size, strict=True)
