"""Every transactional id: in `__transaction_state` on disk, and in memory what of it is durable.

A change is seen once it is safe; until then the id is `changing`, and refuses further ones. The topic is kept short
without compaction, as that of the committed offsets is. Knows the internal topic; decides nothing.
"""

from collections.abc import Callable
from contextlib import suppress
from functools import partial

from penstock.broker.options import BrokerOptions
from penstock.broker.records.durable import DISK_ERRORS
from penstock.broker.topics.internal import TRANSACTION_STATE, InternalTopics
from penstock.broker.transactions.format import decode, decode_key, encode, tombstone
from penstock.broker.transactions.transaction import Transaction
from penstock.clock import Now
from penstock.errors import PenstockError, Refused
from penstock.record import Record

REWRITE_FROM = 5_000
REWRITE_RATIO = 4

Then = Callable[[Refused | None, Now], None]


class Transactions:
    """Transactional ids by name. `changing` holds what is on its way to the disk, None for an id being made."""

    def __init__(self, internal: InternalTopics, options: BrokerOptions) -> None:
        self.by_name: dict[str, Transaction] = {}
        self.changing: dict[str, Transaction | None] = {}
        self._internal, self._options = internal, options
        self._rewriting = False
        self._load()

    @property
    def full(self) -> bool:
        """Whether no further id is taken."""
        return len(self.by_name) + len(self.changing) >= self._options.transactional_ids_max

    def change(self, new: Transaction, then: Then, now: Now) -> None:
        """Write a step down; `then` is called when it holds, or with why it does not."""
        self.changing[new.name] = new

        def written(refused: Refused | None, now: Now) -> None:
            del self.changing[new.name]
            if refused is None:
                self.by_name[new.name] = new
                self._rewrite_if_long(now)
            then(refused, now)

        self._write(encode(new, now.wall_ms), written, now)

    def change_at_once(self, new: Transaction, then: Then, now: Now) -> None:
        """As `change`, for a step that repeats itself after a crash: it holds before it is safe.

        What follows stands behind it in the log, so nothing that is safe can rest on it while it is not.
        """
        before, self.by_name[new.name] = self.by_name[new.name], new

        def written(refused: Refused | None, now: Now) -> None:
            if refused is not None and self.by_name[new.name] is new:
                self.by_name[new.name] = before
            then(refused, now)

        self._write(encode(new, now.wall_ms), written, now)

    def forget(self, name: str, now: Now) -> None:
        """The id is not known any more."""
        before = self.by_name.pop(name)

        def written(refused: Refused | None, now: Now) -> None:
            if refused is not None:
                self.by_name.setdefault(name, before)

        self._write(tombstone(name, now.wall_ms), written, now)

    def _write(self, record: Record, then: Then, now: Now) -> None:
        self._internal.write(TRANSACTION_STATE, 0, [record], then, now)

    # --- start and upkeep ----------------------------------------------------------------------------------------

    def _load(self) -> None:
        for stored in self._internal.read(TRANSACTION_STATE, 0):
            try:
                name = decode_key(stored.key or b"")
                if name is not None and stored.value is not None:
                    self.by_name[name] = decode(name, stored.value)
                elif name is not None:
                    self.by_name.pop(name, None)
            except ValueError as error:
                raise PenstockError(
                    f"{TRANSACTION_STATE} cannot be read: {error}",
                    remedy="start the version that wrote this data directory",
                ) from None

    def _rewrite_if_long(self, now: Now) -> None:
        """When the topic holds many times more records than there are ids, write all again and cut off the rest."""
        topic = self._internal.partitions(TRANSACTION_STATE)[0]
        length = topic.end_offset - topic.start_offset
        if self._rewriting or length < max(REWRITE_FROM, REWRITE_RATIO * len(self.by_name)):
            return
        # Steps that are not safe yet stand before the copy in the log, so the copy must have them.
        present = self.by_name | {name: new for name, new in self.changing.items() if new is not None}
        self._rewriting = True
        records = [encode(each, now.wall_ms) for each in present.values()]
        self._internal.write(TRANSACTION_STATE, 0, records, partial(self._rewritten, topic.end_offset), now)

    def _rewritten(self, begin: int, refused: Refused | None, now: Now) -> None:
        self._rewriting = False
        if refused is None:
            with suppress(*DISK_ERRORS):  # then it stays long; a failed disk stops the server anyway
                self._internal.partitions(TRANSACTION_STATE)[0].truncate_before(begin)
