"""One transactional id: its producer, its epoch, and how far its transaction is.

The phases and the ways between them are Kafka's (KIP-98, KIP-360). Knows no log, no call and no time.

    Empty → Ongoing → PrepareCommit → CompleteCommit, or PrepareAbort → CompleteAbort; from complete to Ongoing or Empty
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

Part = tuple[str, int]

EPOCH_MAX = 2**15 - 2
"""The last epoch a producer is given: one more must be left to fence it with."""


class Phase(Enum):
    """A transaction's state: Kafka's number in the log, and its name."""

    EMPTY = 0, "Empty"
    ONGOING = 1, "Ongoing"
    PREPARE_COMMIT = 2, "PrepareCommit"
    PREPARE_ABORT = 3, "PrepareAbort"
    COMPLETE_COMMIT = 4, "CompleteCommit"
    COMPLETE_ABORT = 5, "CompleteAbort"

    @property
    def number(self) -> int:
        """As the log has it."""
        return self.value[0]

    @property
    def shown(self) -> str:
        """As admins see it."""
        return self.value[1]


PREPARED = frozenset({Phase.PREPARE_COMMIT, Phase.PREPARE_ABORT})
COMPLETE_AFTER = {
    Phase.PREPARE_COMMIT: Phase.COMPLETE_COMMIT,
    Phase.PREPARE_ABORT: Phase.COMPLETE_ABORT,
}


@dataclass(frozen=True, slots=True)
class Transaction:
    """`parts` are the partitions written to, each with its end when it was added: no record of ours is older.

    `last_epoch` is the epoch before a bump that the producer itself asked for, -1 after any other: so a bump whose
    answer was lost can be asked for again. `previous_id` is the producer id before the epochs ran out.
    """

    name: str
    producer_id: int
    timeout_ms: int
    epoch: int = -1
    last_epoch: int = -1
    previous_id: int = -1
    phase: Phase = Phase.EMPTY
    parts: Mapping[Part, int] = field(default_factory=dict)
    start_ms: int = -1
    update_ms: int = -1

    @property
    def open(self) -> bool:
        """Whether its records are not decided in every partition yet."""
        return self.phase is Phase.ONGOING or self.phase in PREPARED

    @property
    def committed(self) -> bool:
        """Whether the decision is to commit."""
        return self.phase in (Phase.PREPARE_COMMIT, Phase.COMPLETE_COMMIT)
