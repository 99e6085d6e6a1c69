"""A dead letter: a record or message that was given up, with where it came from, why, how often it was tried, and when.

As a record of a dead-letter topic it is the record as it was, with headers more: Kafka Connect's `__connect.errors.*`
(ConnectHeaders, DeadLetterQueueReporter) for origin and exception, `penstock.*` for what Connect has no name for. What
a retry consumer parks between two attempts has the same form, and a time when it is due. RabbitMQ's `x-death` reads
into the same. Knows headers; knows no topic, no client and no queue.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from penstock.record import Record, packed_headers, size_of

CONNECT = "__connect.errors."
OWN = "penstock.letter."
OMITTED = "penstock.value.omitted"
"""The header of a dead letter that would not have fitted with its value: how long that was."""
MESSAGE_MAX, TRACE_MAX = 2_000, 8_000
COUNT_MAX = 1 << 40

FAILED, REFUSED, UNDECODABLE = "failed", "refused", "undecodable"
"""Reasons: every attempt failed; another attempt would not help; the bytes could not be read.

RabbitMQ's, beside them: rejected, expired, maxlen, delivery_limit.
"""

Headers = tuple[tuple[str, bytes | None], ...]


class Origin(NamedTuple):
    """Where a dead letter was first: an offset of a partition, or a queue (then `partition` is -1).

    A tuple, for every record that a consumer reads has one.
    """

    topic: str = ""
    partition: int = -1
    offset: int = -1
    timestamp_ms: int = -1
    queue: str = ""
    exchange: str = ""
    routing_key: str = ""

    def __str__(self) -> str:
        if self.queue:
            return f"queue {self.queue}"
        return f"{self.topic}-{self.partition}@{self.offset}" if self.topic else ""


UNKNOWN = Origin()


@dataclass(frozen=True, slots=True)
class Failing:
    """What went wrong: the exception's class and words, at which stage of whose work (Connect's words for it)."""

    kind: str = ""
    message: str = ""
    trace: str = ""
    stage: str = ""
    function: str = ""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One dead letter. `headers` are the record's own, without those that say why it is here.

    `owner`: who failed on it (a consumer group, a table, an exchange); `attempts`: how often it was tried; `redrives`:
    how often it was sent back already; `via`: the topic through which it gets back to its owner alone, where that is
    not the topic it came from; `due_ms`: when it is tried again, 0 for a letter that is dead; `replaces`: the letter
    that this one is an edited form of. Times are epoch milliseconds, 0 where unknown.
    """

    key: bytes | None
    value: bytes | None
    headers: Headers = ()
    origin: Origin = UNKNOWN
    reason: str = FAILED
    failing: Failing = Failing()
    owner: str = ""
    attempts: int = 1
    first_ms: int = 0
    last_ms: int = 0
    due_ms: int = 0
    redrives: int = 0
    via: str = ""
    replaces: str = ""

    @property
    def group_key(self) -> tuple[str, str, str]:
        """What letters are counted together by: reason, exception, owner."""
        return self.reason, self.failing.kind, self.owner

    def record(self, now_ms: int) -> Record:
        """As a record of a dead-letter topic, or, with `due_ms`, of a retry topic."""
        return Record(self.key, self.value, now_ms, self.headers + tuple(_marks(self)))


_MARKS = (
    *(CONNECT + name for name in (
        "topic", "partition", "offset", "timestamp", "connector.name", "task.id", "stage", "class.name",
        "exception.class.name", "exception.message", "exception.stacktrace",
    )),
    *(OWN + name for name in (
        "reason", "attempts", "first", "last", "due", "redrives", "via", "replaces", "queue", "exchange", "routing.key",
    )),
)  # fmt: skip
"""The headers, in the order in which `_marks` tells their values and `of_record` reads them."""
_TELLING = frozenset(_MARKS)
_OFFSET, _TIMESTAMP, _REDRIVES = CONNECT + "offset", CONNECT + "timestamp", OWN + "redrives"


def _marks(letter: DeadLetter) -> list[tuple[str, bytes]]:
    origin, failing = letter.origin, letter.failing
    connect = (
        origin.topic,
        str(origin.partition) if origin.partition >= 0 else "",
        str(origin.offset) if origin.offset >= 0 else "",
        str(origin.timestamp_ms) if origin.timestamp_ms >= 0 else "",
        letter.owner,
        "0",
        failing.stage,
        failing.function,
        failing.kind,
        failing.message[:MESSAGE_MAX],
        failing.trace[-TRACE_MAX:],
    )
    own = (
        letter.reason,
        str(letter.attempts),
        str(letter.first_ms or ""),
        str(letter.last_ms or ""),
        str(letter.due_ms or ""),
        str(letter.redrives or ""),
        letter.via,
        letter.replaces,
        origin.queue,
        origin.exchange,
        origin.routing_key,
    )
    told = zip(_MARKS, connect + own, strict=True)
    return [(name, text.encode("utf-8", "replace")) for name, text in told if text]


class Mould:
    """The headers of letters that differ in nothing but their record and where that was: the rest is encoded once."""

    def __init__(self, letter: DeadLetter) -> None:
        """`letter` has what they have in common: its origin is without offset and time."""
        marks = _marks(letter)
        self._marks, self._number = packed_headers(marks), len(marks)
        self.bytes_more = len(self._marks) + 200
        """How much larger than its record a letter is, at most."""

    def marks(self, offset: int, timestamp_ms: int, redrives: int) -> tuple[bytes, int]:
        """Those of the letter of a record from this offset, for `packed`: their bytes, and how many."""
        where = [(_OFFSET, b"%d" % offset)]
        if timestamp_ms >= 0:
            where.append((_TIMESTAMP, b"%d" % timestamp_ms))
        if redrives:
            where.append((_REDRIVES, b"%d" % redrives))
        return self._marks + packed_headers(where), self._number + len(where)


def of_record(record: Record) -> DeadLetter:
    """The dead letter that a record of any dead-letter topic is: Connect's own too, which has fewer headers.

    What is missing or makes no sense reads as unknown: whatever wrote the record, it can be looked at and sent back.
    """
    told = {name: _text(value) for name, value in record.headers if name in _TELLING}
    (
        topic, partition, offset, timestamp, owner, _, stage, function, kind, message, trace,
        reason, attempts, first, last, due, redrives, via, replaces, queue, exchange, routing_key,
    ) = [told.get(name, "") for name in _MARKS]  # fmt: skip
    stamp = record.timestamp_ms
    return DeadLetter(
        record.key,
        record.value,
        without_marks(record.headers),
        Origin(
            topic, _number(partition, -1), _number(offset, -1), _number(timestamp, -1),
            queue, exchange, routing_key,
        ),
        reason or _reason(stage),
        Failing(kind, message, trace, stage, function),
        owner,
        _number(attempts, 1),
        _number(first, stamp),
        _number(last, stamp),
        _number(due, 0),
        _number(redrives, 0),
        via,
        replaces,
    )  # fmt: skip


def without_marks(headers: Headers) -> Headers:
    """A record's own headers: those that say why it is a dead letter left out."""
    return tuple(each for each in headers if not each[0].startswith((CONNECT, OWN)))


def fitting(record: Record, bytes_max: int) -> Record:
    """A dead letter that fits: without its stack trace where that is too much, and without key and value at the worst.

    Then it says how long its value was, and where the record was first.
    """
    if size_of(record) <= bytes_max:
        return record
    trace = CONNECT + "exception.stacktrace"
    headers = tuple(each for each in record.headers if each[0] != trace)
    shorter = Record(record.key, record.value, record.timestamp_ms, headers)
    if size_of(shorter) <= bytes_max:
        return shorter
    note = (OMITTED, str(len(record.value or b"")).encode())
    return Record(None, None, record.timestamp_ms, (*headers, note))


def redrives_of(headers: Headers) -> int:
    """How often a record was sent back already."""
    found = [value for name, value in headers if name == _REDRIVES]
    return _number(_text(found[-1]), 0) if found else 0


def of_x_death(
    body: bytes, headers: Mapping[str, Any], deaths: Sequence[Mapping[str, Any]], stamp_ms: int
) -> DeadLetter:
    """The dead letter that a message is whose `x-death` table names these deaths, the newest first, as RabbitMQ does.

    The oldest death says where it was first; the counts are how often it was tried. `time` is in seconds.
    """
    newest, oldest = deaths[0], deaths[-1]
    times_ms = [_count(each.get("time")) * 1000 or stamp_ms for each in deaths]
    kept = tuple(
        (name, value if isinstance(value, bytes) else str(value).encode())
        for name, value in headers.items()
        if name != "x-death" and not name.startswith(("x-first-death-", "x-last-death-"))
    )
    keys = oldest.get("routing-keys")
    origin = Origin(
        queue=str(oldest.get("queue", "")),
        exchange=str(oldest.get("exchange", "")),
        routing_key=str(keys[0]) if isinstance(keys, list) and keys else "",
    )
    return DeadLetter(
        None,
        body,
        kept,
        origin,
        str(newest.get("reason", "rejected")),
        owner=str(newest.get("queue", "")),
        attempts=sum(max(1, _count(each.get("count"))) for each in deaths),
        first_ms=min(times_ms),
        last_ms=max(times_ms),
    )


def _count(found: object) -> int:
    """A number that whoever published a message may have written; 0 for what is none."""
    return min(found, COUNT_MAX) if isinstance(found, int) and found > 0 else 0


def _reason(stage: str) -> str:
    """What Connect's stage comes to, for letters that name no reason."""
    converting = stage.endswith("_CONVERTER") or stage == "KAFKA_CONSUME"
    return UNDECODABLE if converting else FAILED


def _text(value: bytes | None) -> str:
    return (value or b"").decode("utf-8", "replace")


def _number(text: str | None, otherwise: int) -> int:
    digits = (text or "").removeprefix("-")
    return int(text or "") if digits.isascii() and digits.isdecimal() and len(digits) < 19 else otherwise
