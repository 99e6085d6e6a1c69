"""Fetch: read record batches, waiting for them where there are none (long poll).

4: isolation level; 5: log start offset; 7: fetch sessions (KIP-227); 9: the client's leader epoch (KIP-320);
11: preferred replica; 12: flexible, the epoch of what was read last (KIP-595); 13: topic ids for names; 15: replica
state is tagged; 16: where the leader is (KIP-951).
"""

from collections.abc import Generator, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any, Final, TypeAlias

from kio.schema.errors import ErrorCode as E

from penstock.calls import Call, DescribeTopics, Fetch, Fetched, FetchPart, TopicInfo
from penstock.errors import Refusal, Refused
from penstock.wire.kafka.encode import Row
from penstock.wire.kafka.fetch_sessions import (
    FIRST_EPOCH,
    NO_EPOCH,
    NO_SESSION,
    Claim,
    FetchSession,
    Key,
    Lost,
    Outcome,
    is_nameless,
    key_of,
)
from penstock.wire.kafka.refusals import code
from penstock.wire.kafka.registry import Request, Steps, api, each, ms

TOPIC_IDS: Final = 13
READ_COMMITTED: Final = 1
LOST: Final = {
    Lost.UNKNOWN: E.fetch_session_id_not_found,
    Lost.OTHER_EPOCH: E.invalid_fetch_session_epoch,
    Lost.OTHER_KEYS: E.fetch_session_topic_id_error,
}
UNREAD: Final = (E.unknown_topic_id, E.unknown_topic_or_partition, E.topic_authorization_failed)
"""Errors of partitions that Kafka does not begin to read: it tells of them after all others."""

Asked: TypeAlias = Sequence[FetchPart]
Told: TypeAlias = Sequence[tuple[FetchPart, Outcome]]
Names: TypeAlias = dict[bytes, str]
"""Topics' names by their ids."""
Errors: TypeAlias = dict[bytes, int]
"""Why there is no topic with an id, by the ids."""


@api(key=1, versions=(4, 16), alone=True)
def fetch(request: Request) -> Steps:
    """Read what the request names, or what its session does; a session tells only what is new."""
    sessions, claim = request.fetch_sessions, _claim(request)
    session = sessions.resume(claim)
    if isinstance(session, Lost):
        return _without(LOST[session])
    if session is not None:
        return (yield from _go_on(request, session))
    asked, errors = yield from _asked(request)
    outcomes = yield from _read(request, asked, errors)
    told = _unread_last(list(zip(asked, outcomes, strict=True)))
    return _answer(request, told, sessions.begin(claim, told) if claim.epoch == FIRST_EPOCH else NO_SESSION)


def _go_on(request: Request, session: FetchSession) -> Steps:
    """Read what the session holds, with the changes that the request makes."""
    epoch = session.epoch
    changed, errors = yield from _asked(request, session)
    if not request.fetch_sessions.change(session, changed, _forgotten(request)):
        return _without(E.fetch_session_id_not_found)
    if not session.watched:  # as Kafka: what the request names and forgets at once is answered all the same
        request.fetch_sessions.end(session)
        left = list(zip(changed, (yield from _read(request, changed, errors)), strict=True))
        return _answer(request, _unread_last(left), NO_SESSION)
    outcomes = yield from _read(request, session.parts, errors)
    if session.epoch != epoch:  # a further request for it came by another connection
        return _without(E.invalid_fetch_session_epoch, session.session_id)
    return _answer(request, _unread_last(session.news(outcomes)), session.session_id)


# --- what is asked for ------------------------------------------------------------------------------------------------


def _claim(request: Request) -> Claim:
    session_id, epoch = request.get("session_id", NO_SESSION), request.get("session_epoch", NO_EPOCH)
    return Claim(session_id, epoch, request.principal.name, request.version >= TOPIC_IDS, request.mono_s)


def _named(request: Request, names: Names) -> list[FetchPart]:
    """What the request names; a partition named twice counts as the last time, as in Kafka."""
    by_id = request.version >= TOPIC_IDS
    parts: dict[Key, FetchPart] = {}
    for topic in request.message.topics:
        topic_id = _id_of(topic) if by_id else b""
        name = names.get(topic_id, "") if by_id else topic.topic
        for p in topic.partitions:
            parts[topic_id or name, p.partition] = FetchPart(
                name, p.partition, p.fetch_offset, p.partition_max_bytes,
                _epoch(p, "current_leader_epoch"), _epoch(p, "last_fetched_epoch"), topic_id,
            )  # fmt: skip
    return list(parts.values())


def _epoch(part: Any, name: str) -> int:
    """Any number below 0 is none here, as in Kafka; other requests are held to what they say."""
    return max(getattr(part, name, -1), -1)


def _forgotten(request: Request) -> list[Key]:
    by_id = request.version >= TOPIC_IDS
    topics = request.get("forgotten_topics_data", ())
    return [
        (_id_of(topic) if by_id else topic.topic, index) for topic in topics for index in topic.partitions
    ]


def _id_of(topic: Any) -> bytes:
    return topic.topic_id.bytes if topic.topic_id else bytes(16)


def _asked(
    request: Request, session: FetchSession | None = None
) -> Generator[Call, Any, tuple[Asked, Errors]]:
    """What is to be read, or changed in the session, with topics' names; and the errors for ids that have none."""
    if request.version < TOPIC_IDS:
        return _named(request, {}), {}
    names = dict(session.names) if session is not None else {}
    nameless = session.nameless if session is not None else ()
    ids = [part.topic_id for part in nameless] + [_id_of(topic) for topic in request.message.topics]
    errors: Errors = {}
    unknown = tuple(dict.fromkeys(topic_id for topic_id in ids if topic_id not in names))
    if unknown:
        found = each((yield DescribeTopics(request.principal, (), unknown)), len(unknown))
        for topic_id, info in zip(unknown, found, strict=True):
            if isinstance(info, TopicInfo):
                names[topic_id] = info.name
            else:
                errors[topic_id] = _unnamed(info)
    known_now = [replace(part, topic=names[part.topic_id]) for part in nameless if part.topic_id in names]
    return [*known_now, *_named(request, names)], errors


def _unnamed(refused: Refused) -> int:
    return E.unknown_topic_id if refused.reason is Refusal.NO_TOPIC else code(DescribeTopics, refused)


# --- what is read -----------------------------------------------------------------------------------------------------


def _read(request: Request, asked: Asked, errors: Errors) -> Generator[Call, Any, list[Outcome]]:
    """One outcome a part; `errors` are those of parts whose topic has no name."""
    q = request.message
    named = tuple(part for part in asked if not is_nameless(part)) if errors else tuple(asked)
    results: Sequence[Any] = ()
    if named:
        committed = q.isolation_level == READ_COMMITTED
        call = Fetch(request.principal, named, q.min_bytes, q.max_bytes, ms(q.max_wait), committed)
        results = each((yield call), len(named))
    read: list[Outcome] = [one if isinstance(one, Fetched) else code(Fetch, one) for one in results]
    if not errors:
        return read
    rest = iter(read)
    return [errors[part.topic_id] if is_nameless(part) else next(rest) for part in asked]


def _unread_last(told: Told) -> Told:
    if not any(outcome in UNREAD for _, outcome in told if isinstance(outcome, int)):
        return told
    return sorted(told, key=lambda one: isinstance(one[1], int) and one[1] in UNREAD)


# --- what is answered -------------------------------------------------------------------------------------------------


def _without(error: int, session_id: int = NO_SESSION) -> Row:
    return {"error_code": error, "session_id": session_id, "responses": []}


def _answer(request: Request, told: Told, session_id: int) -> Row:
    committed = request.message.isolation_level == READ_COMMITTED
    by_id = request.version >= TOPIC_IDS
    topics: list[Row] = []
    for name, parts in groupby(told, key=lambda one: key_of(one[0])[0]):
        rows = [_partition_row(part.partition, outcome, committed) for part, outcome in parts]
        topics.append({"topic_id" if by_id else "topic": name, "partitions": rows})
    return {"session_id": session_id, "responses": topics}


def _partition_row(index: int, outcome: Outcome, committed: bool) -> Row:
    if isinstance(outcome, int):
        return _refused_row(index, outcome)
    row: dict[str, Any] = {
        "partition_index": index,
        "high_watermark": outcome.high_watermark,
        "last_stable_offset": outcome.stable_offset,
        "log_start_offset": outcome.start_offset,
        "aborted_transactions": _aborted(outcome) if committed else None,
        "records": outcome.batches,
    }
    if outcome.diverged is not None:
        row["diverging_epoch"] = {
            "epoch": outcome.diverged.epoch,
            "end_offset": outcome.diverged.end_offset,
        }
    return row


def _aborted(result: Fetched) -> list[Row]:
    return [{"producer_id": producer, "first_offset": offset} for producer, offset in result.aborted]


def _refused_row(index: int, error: int) -> Row:
    # As Kafka: an empty list where the partition is unknown, null for every other refusal.
    aborted = () if error == E.unknown_topic_or_partition else None
    no = {"high_watermark": -1, "aborted_transactions": aborted, "records": b""}
    return {"partition_index": index, "error_code": error, **no}
