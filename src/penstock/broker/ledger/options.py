"""The ledger's options: how much of the queues is kept in memory, and when its log is made shorter."""

from dataclasses import dataclass


@dataclass(frozen=True)
class LedgerOptions:
    """What an owner may set."""

    segment_bytes: int = 16 * 1024 * 1024
    """How large a file of the queues' log grows, in bytes: room is freed a file at a time."""

    memory_bytes: int = 64 * 1024 * 1024
    """Bytes of messages kept in memory, the newest ones and those read last; others are read from the disk."""

    clean_bytes_min: int = 64 * 1024 * 1024
    """Below this size the queues' log is never cleaned, in bytes."""

    live_share_min: float = 0.5
    """Where less than this share of the log's bytes is of messages that wait, those are moved together."""

    replay_ms: int = 500
    """How much work, in milliseconds, a start may find behind the last snapshot before a new one is made."""
