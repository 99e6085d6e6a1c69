"""The ledger's options: how much of the queues is kept in memory, and when its log is made shorter."""

from dataclasses import dataclass
from typing import Final

from penstock.errors import PenstockError

SECTION: Final = "queues"
INNER: Final = ("segment_bytes", "replay_ms")
"""What is neither a flag nor a setting: it trades nothing that an owner could weigh."""


@dataclass(frozen=True)
class LedgerOptions:
    """What an owner may set."""

    segment_bytes: int = 16 * 1024 * 1024
    """How large a file of the queues' log grows, in bytes: room is freed a file at a time."""

    memory_bytes: int = 64 * 1024 * 1024
    """Bytes of queued messages kept in memory, the newest ones and those read last; others are read from the disk."""

    clean_bytes_min: int = 64 * 1024 * 1024
    """Below this size the queues' log is never cleaned, in bytes."""

    live_share_min: float = 0.5
    """Where less than this share of the log's bytes is of messages that wait, those are moved together: a larger one takes
    less of the disk, and writes more."""

    replay_ms: int = 500
    """How much work, in milliseconds, a start may find behind the last snapshot before a new one is made."""

    def __post_init__(self) -> None:
        """Raises PenstockError for what cannot be meant."""
        if self.memory_bytes < 0 or self.clean_bytes_min < 0 or not 0 <= self.live_share_min < 1:
            raise PenstockError(
                "the queues' memory and the size of their log are no less than 0, the share of live bytes is from 0 to below 1",
                remedy="memory_bytes, clean_bytes_min, live_share_min; see penstock up --help",
            )
