"""Fetch sessions (KIP-227): what a consumer asked for and was told last, so that neither side says it again.

A session belongs to a user, not to a connection. Sessions are bounded in number and in partitions; a full house lets
those go that were silent for long, or that are older and smaller than the new one, as Kafka's FetchSessionCacheShard
does. Kafka's privileged sessions are its followers': there are none here. Knows partitions and what is told of them;
knows no request, no log and no clock.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final, TypeAlias

from penstock.calls import Fetched, FetchPart

NO_SESSION: Final = 0
FIRST_EPOCH: Final = 0
"""A request that names all partitions and would like a session for them."""
NO_EPOCH: Final = -1
"""A request that names all partitions and wants no session."""
LAST_EPOCH: Final = 2**31 - 1
TOPIC_BYTES_MAX: Final = 249
"""No topic has a longer name: a partition of one that is longer is kept in no session."""

Key: TypeAlias = tuple[str | bytes, int]
"""A topic's name, or its id where the client speaks in ids, and the partition."""
Outcome: TypeAlias = Fetched | int
"""What was read, or the error's code."""


@dataclass(frozen=True)
class FetchSessionOptions:
    """How much is remembered."""

    sessions_max: int = 1000
    """Sessions at a time (Kafka's max.incremental.fetch.session.cache.slots); further clients do without one."""
    partitions_max: int = 20_000
    """Partitions of one session; a client that reads more of them names them all in each request."""
    all_partitions_max: int = 100_000
    """Partitions of all sessions together."""
    evictable_s: float = 120.0
    """Silence, and age, before which a session is not let go for another one, in seconds."""


class Lost(Enum):
    """Why a request cannot go on with the session it names."""

    UNKNOWN = "there is no such session, or it is not the user's"
    OTHER_EPOCH = "the session is at another epoch: a request or an answer was lost"
    OTHER_KEYS = "the session names its topics the other way: by ids, or by names"


@dataclass(frozen=True, slots=True)
class Claim:
    """Which session a request wants to go on with, who asks, and when."""

    session_id: int
    epoch: int
    user: str
    by_id: bool
    mono_s: float

    @property
    def full(self) -> bool:
        """Whether the request names all its partitions."""
        return self.epoch in (FIRST_EPOCH, NO_EPOCH)


def key_of(part: FetchPart) -> Key:
    """What tells the partition from the others of its session."""
    return part.topic_id or part.topic, part.partition


def is_nameless(part: FetchPart) -> bool:
    """Whether it is asked for by an id whose topic is not known."""
    return not part.topic and part.topic_id != b""


class Watched:
    """One partition of a session: how it is read, and what its client knows of it."""

    __slots__ = ("heard", "high_watermark", "part", "start_offset")

    def __init__(self, part: FetchPart) -> None:
        self.part = part
        self.heard: Outcome | None = None
        """The last outcome, where hearing it again is no news."""
        self.high_watermark = self.start_offset = -1

    def news(self, outcome: Outcome) -> bool:
        """Whether the client has to hear of it; from now on it knows."""
        if isinstance(outcome, int):
            # -1, so that the partition is told of again when the error is over.
            self.high_watermark = self.start_offset = -1
            self.heard = None
            return True
        full = len(outcome.batches) > 0 or outcome.diverged is not None
        self.heard = None if full else outcome
        high, start = outcome.high_watermark, outcome.start_offset
        if high == self.high_watermark and start == self.start_offset:
            return full
        self.high_watermark, self.start_offset = high, start
        return True


class FetchSession:
    """One session: its partitions in the order in which they are read, those that had records last."""

    __slots__ = (
        "_nameless",
        "_names",
        "_order",
        "begun_s",
        "by_id",
        "epoch",
        "heard_s",
        "session_id",
        "user",
        "watched",
    )

    def __init__(self, session_id: int, claim: Claim) -> None:
        self.session_id, self.user, self.by_id = session_id, claim.user, claim.by_id
        self.begun_s = self.heard_s = claim.mono_s
        self.epoch = FIRST_EPOCH + 1
        self.watched: dict[Key, Watched] = {}
        self._order: tuple[FetchPart, ...] | None = None
        self._nameless: tuple[FetchPart, ...] = ()
        self._names: dict[bytes, str] = {}

    @property
    def parts(self) -> tuple[FetchPart, ...]:
        """How its partitions are read, in their order."""
        if self._order is None:
            self._order = tuple(one.part for one in self.watched.values())
            self._nameless = tuple(part for part in self._order if is_nameless(part))
            self._names = {part.topic_id: part.topic for part in self._order if part.topic and self.by_id}
        return self._order

    @property
    def nameless(self) -> tuple[FetchPart, ...]:
        """What was asked for by an id that no topic had; there may be one now."""
        return self._nameless if self.parts else ()

    @property
    def names(self) -> dict[bytes, str]:
        """The topics' names by their ids, where it knows them."""
        return self._names if self.parts else {}

    def put(self, parts: Iterable[FetchPart], forgotten: Iterable[Key] = ()) -> None:
        """Read these too, or from now on so; then forget some."""
        for part in parts:
            key = key_of(part)
            if key in self.watched:
                self.watched[key].part = part
            else:
                self.watched[key] = Watched(part)
            self._order = None
        for key in forgotten:
            if self.watched.pop(key, None) is not None:
                self._order = None

    def news(self, outcomes: Sequence[Outcome]) -> list[tuple[FetchPart, Outcome]]:
        """What its client has to hear: `outcomes` are those of `parts`. Who had records is read last next time."""
        told = [
            (one, found)
            for one, found in zip(self.watched.values(), outcomes, strict=True)
            if found is not one.heard and one.news(found)
        ]
        for one, found in told:
            if not isinstance(found, int) and len(found.batches):
                key = key_of(one.part)
                self.watched[key] = self.watched.pop(key)
                self._order = None
        return [(one.part, found) for one, found in told]


class FetchSessions:
    """All sessions, those that were silent longest first. `randomness(n)` gives n random bytes."""

    def __init__(
        self, randomness: Callable[[int], bytes] = bytes, options: FetchSessionOptions | None = None
    ) -> None:
        self._randomness, self._options = randomness, options or FetchSessionOptions()
        self._by_id: dict[int, FetchSession] = {}
        self._partitions = self._evicted = self._continued = 0

    def resume(self, claim: Claim) -> FetchSession | Lost | None:
        """The session that the request goes on with, now at its next epoch; None for a request that names everything,
        which ends the session that it names."""
        session = self._by_id.get(claim.session_id)
        if session is not None and session.user != claim.user:
            session = None
        if claim.full:
            if session is not None:
                self.end(session)
            return None
        if session is None:
            return Lost.UNKNOWN
        if session.epoch != claim.epoch:
            return Lost.OTHER_EPOCH
        if session.by_id != claim.by_id:
            return Lost.OTHER_KEYS
        session.epoch = next_epoch(session.epoch)
        session.heard_s = claim.mono_s
        self._by_id[session.session_id] = self._by_id.pop(session.session_id)
        self._continued += 1
        return session

    def change(self, session: FetchSession, parts: Sequence[FetchPart], forgotten: Sequence[Key]) -> bool:
        """What the request adds, changes and forgets; False, and the session is over, where that is too much."""
        before = len(session.watched)
        session.put(parts, forgotten)
        grown = len(session.watched) - before
        if session.session_id in self._by_id:
            self._partitions += grown
        if (grown > 0 and not self._fits(len(session.watched), 0)) or not all(map(_keepable, parts)):
            self.end(session)
            return False
        return True

    def begin(self, claim: Claim, told: Sequence[tuple[FetchPart, Outcome]]) -> int:
        """Make a session of what was read and told; its id, or NO_SESSION where there is no room for it."""
        count = len(told)
        if len(self._by_id) >= self._options.sessions_max and not self._evict(count, claim.mono_s):
            return NO_SESSION
        if not self._fits(count, count) or not all(_keepable(part) for part, _ in told):
            return NO_SESSION
        session = FetchSession(self._new_id(), claim)
        session.put(part for part, _ in told)
        for one, (_, outcome) in zip(session.watched.values(), told, strict=True):
            one.news(outcome)
        self._by_id[session.session_id] = session
        self._partitions += count
        return session.session_id

    def end(self, session: FetchSession) -> None:
        """Forget it, where it is known."""
        if self._by_id.pop(session.session_id, None) is not None:
            self._partitions -= len(session.watched)

    def measures(self) -> dict[str, float]:
        """Gauges and counters by Prometheus name."""
        return {
            "penstock_fetch_sessions": float(len(self._by_id)),
            "penstock_fetch_session_partitions": float(self._partitions),
            "penstock_fetch_session_evictions_total": float(self._evicted),
            "penstock_incremental_fetches_total": float(self._continued),
        }

    def _fits(self, count: int, more: int) -> bool:
        options = self._options
        return count <= options.partitions_max and self._partitions + more <= options.all_partitions_max

    def _evict(self, count: int, mono_s: float) -> bool:
        """Let one go: who is silent for long, or else the smallest of the old ones, if it is smaller than `count`."""
        limit_s = mono_s - self._options.evictable_s
        found = next(iter(self._by_id.values()), None)
        if found is None or found.heard_s >= limit_s:
            old = [one for one in self._by_id.values() if one.begun_s < limit_s and len(one.watched) < count]
            found = min(old, key=lambda one: len(one.watched), default=None)
        if found is None:
            return False
        self.end(found)
        self._evicted += 1
        return True

    def _new_id(self) -> int:
        number = int.from_bytes(self._randomness(4), "big") % LAST_EPOCH
        while number + 1 in self._by_id:
            number = (number + 1) % LAST_EPOCH
        return number + 1


def next_epoch(epoch: int) -> int:
    """Epochs go round, leaving out the one that begins a session."""
    return FIRST_EPOCH + 1 if epoch == LAST_EPOCH else epoch + 1


def _keepable(part: FetchPart) -> bool:
    return len(part.topic) <= TOPIC_BYTES_MAX and len(part.topic.encode()) <= TOPIC_BYTES_MAX
