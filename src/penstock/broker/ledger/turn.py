"""What is gathered in one turn of the loop, until it becomes a block.

Knows numbers, holders and contents; knows no log.
"""

import json
from array import array
from collections.abc import Callable
from itertools import chain

from penstock.broker.ledger import block as blocks
from penstock.broker.ledger.columns import packed
from penstock.broker.ledger.standing.holders import Holders, written
from penstock.broker.ledger.standing.pages import Rows
from penstock.broker.ledger.standing.standing import Definition
from penstock.calls import Bytes
from penstock.clock import Now
from penstock.content import NO_PROPERTIES, Content
from penstock.errors import Refused

Then = Callable[[Refused | None, Now], None]
_NOTHING = Content("", "", NO_PROPERTIES, b"")


LONG_MESSAGES, LONG_BYTES = 2000, 1024 * 1024


class Turn:
    """Messages from number `first` on, and what happened to older ones. `bytes` are the bodies'; `urgent`: something of it
    must be safe."""

    __slots__ = (
        "bytes", "contents", "definitions", "delivered", "dropped", "expires", "first", "holders", "priorities", "returned", "settled",
        "settled_queues", "together", "urgent", "waiting",
    )  # fmt: skip

    def __init__(self, first: int) -> None:
        self.first = first
        self.contents: list[Content] = []
        self.bytes = 0
        self.holders = array("I")
        self.expires: dict[int, int] = {}
        self.priorities: dict[int, int] = {}
        self.settled_queues, self.settled = array("I"), array("Q")
        self.together: list[tuple[int, int]] = []  # settled as one with this turn's messages, or not at all
        self.returned: dict[tuple[int, int], int] = {}
        self.delivered: dict[int, int] = {}
        self.dropped: list[int] = []
        self.definitions: dict[str, Definition | None] = {}
        self.urgent = False
        self.waiting: list[Then] = []

    def __bool__(self) -> bool:
        """Whether there is anything to be written."""
        return bool(
            self.contents or self.settled or self.together or self.returned or self.delivered or self.dropped
            or self.definitions
        )  # fmt: skip

    @property
    def may_go_on(self) -> bool:
        """Whether it may become one with the next: nothing in it but messages. Whose acknowledgement was taken in must not
        get the message again, though the process be killed before the disk syncs: that one goes to the log at once."""
        short = len(self.contents) < LONG_MESSAGES and self.bytes < LONG_BYTES
        return short and not (self.settled or self.together or self.dropped or self.definitions)

    def after_failure(self) -> "Turn":
        """The next turn, where this one could not be written: what holds all the same is told again."""
        again = Turn(self.first + len(self.contents))
        again.settled_queues, again.settled = self.settled_queues, self.settled
        again.returned, again.delivered, again.dropped = self.returned, self.delivered, self.dropped
        again.definitions, again.urgent = self.definitions, True
        return again

    def rows(self) -> Rows:
        """The messages' sizes, holders, expirations and priorities."""
        count, expires, priorities = len(self.contents), None, None
        if self.expires:
            expires = array("q", bytes(8 * count))
            for place, at_ms in self.expires.items():
                expires[place] = at_ms
        if self.priorities:
            priorities = bytearray(count)
            for place, priority in self.priorities.items():
                priorities[place] = priority
        sizes = array("I", [len(content.body) for content in self.contents])
        return Rows(range(self.first, self.first + count), (sizes, self.holders), expires, priorities)

    def columns(self, holders: Holders, rows: Rows) -> dict[int, Bytes]:
        """The block's columns."""
        columns = self._messages(holders, rows) if any(self.holders) else {}
        if self.settled or self.together:
            queues, settled = zip(*self.together, strict=True) if self.together else ((), ())
            columns[blocks.SETTLED_QUEUES] = packed(self.settled_queues + array("I", queues))
            columns[blocks.SETTLED] = packed(self.settled + array("Q", settled))
        if self.returned:
            triples = ((*key, count) for key, count in self.returned.items())
            columns[blocks.RETURNED] = packed(array("Q", chain.from_iterable(triples)))
        if self.delivered:
            columns[blocks.DELIVERED] = packed(array("Q", chain.from_iterable(self.delivered.items())))
        if self.dropped:
            columns[blocks.DROPPED] = packed(array("I", self.dropped))
        if self.definitions:
            columns[blocks.DEFINITIONS] = json.dumps(self.definitions, separators=(",", ":")).encode()
        return columns

    def _messages(self, holders: Holders, rows: Rows) -> dict[int, Bytes]:
        contents = self.contents
        sets = dict.fromkeys(self.holders)
        if 0 in sets:  # settled before it was ever written: only its number is left
            del sets[0]
            contents = [one if held else _NOTHING for one, held in zip(contents, self.holders, strict=True)]
        columns = blocks.message_columns(contents)
        columns[blocks.FIRST] = blocks.first_column(self.first, len(contents))
        columns[blocks.SETS] = packed(written((holders.kept[held], holders.queues[held]) for held in sets))
        if len(sets) > 1 or contents is not self.contents:
            table = {held: place for place, held in enumerate(sets, 1)} | {0: 0}
            columns[blocks.SET_OF] = packed(array("I", map(table.__getitem__, self.holders)))
        if rows.expires is not None:
            columns[blocks.EXPIRES] = packed(rows.expires)
        if rows.priorities is not None:
            columns[blocks.PRIORITIES] = rows.priorities
        return columns
