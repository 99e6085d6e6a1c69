"""What a feature asks of a client. A verb that a client's library does not have raises NotOffered with the reason."""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

WAIT_S = 30.0
"""How long anything may take before the feature has failed."""

BEAT_MS = 300
"""How often members beat: a rebalance takes a few beats, the clients' own 3 s only make the run longer."""


class NotOffered(Exception):  # noqa: N818  # a verdict, not an error
    """The client (not the server) has no such thing."""


@dataclass(frozen=True)
class Place:
    """Where a server is, and how to be let in."""

    address: str
    mechanism: str = ""
    user: str = ""
    password: str = ""
    authority: str = ""
    """The file of the certificate authority; where given, the connection is TLS."""

    @property
    def protocol(self) -> str:
        return ("SASL_" if self.mechanism else "") + ("SSL" if self.authority else "PLAINTEXT")


@dataclass(frozen=True)
class Sent:
    """A record to produce; `at_ms` is None where the client's clock is to be used."""

    value: bytes | None
    key: bytes | None = None
    headers: tuple[tuple[str, bytes], ...] = ()
    at_ms: int | None = None
    partition: int = 0


@dataclass(frozen=True)
class Seen:
    """A record as a consumer got it."""

    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    at_ms: int
    headers: tuple[tuple[str, bytes], ...] = ()


class Member(ABC):
    """A consumer in a group, polling in the background until closed."""

    @abstractmethod
    def assigned(self) -> set[int]:
        """The partitions it has at this moment."""

    @abstractmethod
    def seen(self) -> list[bytes | None]:
        """The values it has got so far."""

    @abstractmethod
    def close(self) -> None:
        """Commit, leave the group and stop."""


@dataclass
class Client:
    """The verbs; each client overrides what it has. Topics are polled from their beginning unless said otherwise."""

    place: Place
    name: str = field(default="", init=False)
    library: str = field(default="", init=False)

    @staticmethod
    def missing() -> str:
        """Why this client cannot run on this machine; empty where it can."""
        return ""

    def close(self) -> None:
        """Let go of what it holds."""

    def produce(
        self, topic: str, records: Sequence[Sent], codec: str = "none", idempotent: bool = False
    ) -> list[int]:
        """Send and wait for all acknowledgements (acks=all); the offsets, in order. Settings must allow 2 MB records."""
        raise NotOffered("no producer")

    def read(self, topic: str, count: int, *, committed: bool = False, start: int = 0) -> list[Seen]:
        """Partition 0 from an offset until `count` records have come, without a group."""
        raise NotOffered("no consumer without a group")

    def member(self, topic: str, group: str, strategy: str = "range", instance: str = "") -> Member:
        """Join a group; `strategy` is range, sticky or cooperative-sticky."""
        raise NotOffered("no groups")

    def transact(
        self, name: str, topic: str, records: Sequence[Sent], commit: bool, offsets: tuple[str, str, int] | None = None
    ) -> None:  # fmt: skip
        """One transaction under a transactional id; `offsets` (group, topic, offset of partition 0) go with it."""
        raise NotOffered("no transactions")

    def fenced(self, name: str, topic: str) -> bool:
        """Begin under an id, begin a second producer under it, and see whether the first is refused."""
        raise NotOffered("no transactions")

    def create(self, topic: str, partitions: int = 1, configs: Mapping[str, str] | None = None) -> None:
        """Create a topic with one replica."""
        raise NotOffered("no admin client")

    def delete(self, topic: str) -> None:
        """Delete a topic."""
        raise NotOffered("no admin client")

    def partitions(self, topic: str) -> int:
        """How many partitions a topic has; 0 where there is none."""
        raise NotOffered("no admin client")

    def configs(self, topic: str) -> dict[str, str]:
        """A topic's settings."""
        raise NotOffered("no admin client")

    def configure(self, topic: str, configs: Mapping[str, str]) -> None:
        """Change settings, incrementally where the client can."""
        raise NotOffered("no admin client")

    def grow(self, topic: str, partitions: int) -> None:
        """Raise the number of partitions."""
        raise NotOffered("no admin client")

    def delete_records(self, topic: str, before: int) -> int:
        """Delete partition 0's records below an offset; the new first offset."""
        raise NotOffered("no admin client")

    def group_state(self, group: str) -> str:
        """A group's state in lower case as describing tells it; nothing where listing does not name the group."""
        raise NotOffered("no admin client")

    def delete_group(self, group: str) -> None:
        """Delete a group."""
        raise NotOffered("no admin client")

    def group_offset(self, group: str, topic: str) -> int:
        """What a group has committed for partition 0; -1 where nothing."""
        raise NotOffered("no admin client")

    def set_group_offset(self, group: str, topic: str, offset: int) -> None:
        """Commit for a group without members."""
        raise NotOffered("no admin client")

    def offset_at(self, topic: str, at_ms: int) -> int:
        """The first offset of partition 0 at or after a time; -1 earliest and -2 latest are written as such."""
        raise NotOffered("no offsets by time")


def until(true: Callable[[], Any], what: str, seconds: float = WAIT_S) -> Any:
    """Wait until something holds; its value. Raises AssertionError that says what did not come."""
    until_s = time.monotonic() + seconds
    while not (value := true()):
        if time.monotonic() > until_s:
            raise AssertionError(f"{what} did not come in {seconds:.0f} s")
        time.sleep(0.05)
    return value
