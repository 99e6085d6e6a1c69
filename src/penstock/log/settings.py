"""What is set for the log and for a topic: how long records stay, how large segments grow, which names are allowed.

Knows Kafka's names of the settings that concern a log; knows no topic and nothing of files.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

_NAME = re.compile(r"[A-Za-z0-9._-]{1,249}")
_DAY_MS = 24 * 3600 * 1000
_FOR_EVER_MS = 2**63 - 1
_POSITION_MAX = 2**31 - 1  # positions in an index have four bytes


@dataclass(frozen=True)
class LogOptions:
    """How the log keeps records. A topic's own configuration goes before the defaults given here."""

    sync: str = "always"
    """When records are made safe on disk: always (before they are acknowledged), interval, or never (when the
    operating system likes)."""
    sync_interval_ms: int = 1000
    """How often records are made safe under sync = interval, in milliseconds."""
    segment_bytes: int = 1024 * 1024 * 1024
    """How large a segment grows before a new one begins, in bytes (a topic's segment.bytes)."""
    segment_ms: int = 7 * 24 * 3600 * 1000
    """How old a segment grows before a new one begins, in milliseconds (a topic's segment.ms)."""
    retention_ms: int = 7 * 24 * 3600 * 1000
    """How long records are kept, in milliseconds; -1 is for ever (a topic's retention.ms)."""
    retention_bytes: int = -1
    """How many bytes of each partition are kept; -1 is without limit (a topic's retention.bytes)."""
    index_interval_bytes: int = 4096
    """How many bytes of records lie between two entries of a segment's index."""
    open_files_max: int = 4096
    """How many segments are open at once, as far as the operating system allows."""
    compaction_bytes: int = 64 * 1024 * 1024
    """How much memory compaction takes for the keys it looks at; more keys take more rounds."""
    journal_bytes: int = 128 * 1024 * 1024
    """How large the journal grows that makes many partitions safe at once; 0 is without a journal."""
    checkpoint_bytes: int = 64 * 1024 * 1024
    """After how many new bytes it is noted what is known to be whole; a start after a crash reads at most these."""
    checkpoint_ms: int = 30_000
    """After how much time that is noted at the latest, in milliseconds."""


class Settings:
    """A topic's configuration as the log reads it. Raises ValueError for a number that is none."""

    __slots__ = (
        "compaction_lag_max_ms", "compaction_lag_min_ms", "compacts", "delete_retention_ms", "deletes", "dirty_ratio",
        "retention_bytes", "retention_ms", "segment_bytes", "segment_ms",
    )  # fmt: skip

    def __init__(self, configs: Mapping[str, str], options: LogOptions) -> None:
        def number(name: str, default: int) -> int:
            text = configs.get(name)
            return default if text is None else int(text)

        self.segment_bytes = min(number("segment.bytes", options.segment_bytes), _POSITION_MAX)
        self.segment_ms = number("segment.ms", options.segment_ms)
        self.retention_ms = number("retention.ms", options.retention_ms)
        self.retention_bytes = number("retention.bytes", options.retention_bytes)
        policies = [policy.strip() for policy in configs.get("cleanup.policy", "delete").split(",")]
        self.compacts, self.deletes = "compact" in policies, "delete" in policies
        self.delete_retention_ms = number("delete.retention.ms", _DAY_MS)
        self.dirty_ratio = float(configs.get("min.cleanable.dirty.ratio", 0.5))
        self.compaction_lag_min_ms = number("min.compaction.lag.ms", 0)
        lag_ms = number("max.compaction.lag.ms", _FOR_EVER_MS)
        self.compaction_lag_max_ms = lag_ms if lag_ms < _FOR_EVER_MS else None
        if self.compacts:
            self.segment_ms = min(self.segment_ms, lag_ms)  # what is in the last segment is never compacted


def valid_name(name: str) -> bool:
    """Whether Kafka allows the name, which also is part of a folder's name."""
    return bool(_NAME.fullmatch(name)) and name not in (".", "..")
