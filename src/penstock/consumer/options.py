"""How a consumer behaves: all its limits and times in one place."""

from collections.abc import Callable
from dataclasses import dataclass, field
from random import random

from penstock.client import ClientOptions
from penstock.client.members.membership import MembershipOptions


@dataclass(frozen=True)
class ConsumerOptions:
    """Defaults that suit most; see `penstock.consume` for what is chosen more often."""

    window: int = 1000
    """How many records of a partition are under way at most, from the oldest that is not done."""
    window_bytes: int = 16 * 1024 * 1024
    """How many bytes of them, at most."""
    blocked_bytes: int = 64 * 1024 * 1024
    """How many bytes of memory a partition's blocked keys take at most: some 300, and the key, for each record that waits for its
    next attempt or for an older one of its key. Beyond, nothing new of the partition is taken (what is under way then may be blocked, too)."""
    commit_s: float = 1.0
    """How often positions are committed, in seconds."""
    moves_s: float = 0.1
    """How long a failed record waits to be written to where it is retried, in seconds."""
    drain_s: float = 30.0
    """How long handlers have to finish, at a stop or when partitions are given up, in seconds."""
    stall_s: float = 300.0
    """How long a handler may take, or the server be away, before the consumer fails loudly, in seconds."""
    time_limit_s: float | None = None
    """How long an async handler may take before it is cancelled and its record retried, in seconds."""
    look_s: float = 30.0
    """How often the topic is looked at for new partitions, in seconds."""
    transaction_s: float = 15.0
    """How long the server waits for a transaction of a consumer that died, in seconds."""
    membership: MembershipOptions = field(default_factory=MembershipOptions)
    """How the group hears of this member."""
    client: ClientOptions = field(default_factory=lambda: ClientOptions("penstock-consumer"))
    """How to reach the server."""
    chance: Callable[[], float] = field(default=random, repr=False)
    """Where jitter comes from: uniform in 0..1."""
