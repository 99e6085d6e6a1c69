"""What compaction has to be told of transactions; who knows it (the broker) hands it in.

Without it, whatever belongs to a transaction stays whole.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from penstock.log.partition import Partition


class Aborted(NamedTuple):
    """A transaction that was aborted: its producer, its first offset, and that of its marker."""

    producer_id: int
    first_offset: int
    last_offset: int


class Transactions(Protocol):
    """Asked on the log's own thread, when a cleaning begins."""

    def stable_offset(self, partition: "Partition") -> int:
        """The first offset of the oldest open transaction; the durable end where there is none."""

    def aborted(self, partition: "Partition", begin: int, end: int) -> Sequence[Aborted]:
        """The aborted transactions that have records from `begin` up to `end` (exclusive): all of them."""
