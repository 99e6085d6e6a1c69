"""The queues' options: how long a topic keeps records for a queue that it feeds."""

from dataclasses import dataclass


@dataclass(frozen=True)
class QueueOptions:
    """What an owner may set."""

    pin_age_max_s: int = 7 * 24 * 3600
    """How much longer than its retention.ms a topic keeps a record that a queue it feeds has not taken, in seconds, where
    the queue's argument x-penstock-pin-max-age does not say."""

    pin_bytes_max: int = 1024 * 1024 * 1024
    """How many bytes of each partition above its retention.bytes a topic keeps for such a queue, where the queue's argument
    x-penstock-pin-max-bytes does not say."""
