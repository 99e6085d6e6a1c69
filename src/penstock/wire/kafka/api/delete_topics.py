"""DeleteTopics: delete topics and their records.

1: first kept; 4: flexible; 5: error texts; 6: by topic id too (KIP-516).
"""

from collections import Counter
from typing import Any, Final

from kio.schema.errors import ErrorCode

from penstock.calls import DeleteTopics
from penstock.errors import Refusal, Refused
from penstock.wire.kafka.encode import Row
from penstock.wire.kafka.refusals import code, text
from penstock.wire.kafka.registry import Request, Steps, api, each

BY_ID: Final = 6
TWICE: Final = "the request names the topic more than once"


@api(key=20, versions=(1, 6))
def delete_topics(request: Request) -> Steps:
    """One result a topic, those asked by name first."""
    q = request.message
    if request.version < BY_ID:
        return {"responses": (yield from _by_name(request, list(q.topic_names)))}
    if any((t.name is None) == (t.topic_id is None) for t in q.topics):
        return {"responses": [_contradicting(t) for t in q.topics]}
    named = yield from _by_name(request, [t.name for t in q.topics if t.name is not None])
    found = yield from _by_id(request, [t.topic_id.bytes for t in q.topics if t.topic_id is not None])
    return {"responses": [*named, *found]}


def _once(asked: list[Any]) -> tuple[tuple[Any, ...], list[Any]]:
    """Those that are asked for once, and those that are refused because they are asked for more than once."""
    times = Counter(asked)
    return tuple(one for one in times if times[one] == 1), [one for one in times if times[one] > 1]


def _by_name(request: Request, asked: list[str]) -> Any:
    names, twice = _once(asked)
    refused = [
        {"name": name, "topic_id": bytes(16), "error_code": ErrorCode.invalid_request, "error_message": TWICE}
        for name in twice
    ]
    if not names:
        return refused
    results = each((yield DeleteTopics(request.principal, names)), len(names))
    return refused + [
        {
            "name": name,
            "topic_id": _id_of(result),
            "error_code": code(DeleteTopics, result),
            "error_message": text(result),
        }
        for name, result in zip(names, results, strict=True)
    ]


def _by_id(request: Request, asked: list[bytes]) -> Any:
    ids, twice = _once(asked)
    refused = [
        {"name": None, "topic_id": one, "error_code": ErrorCode.invalid_request, "error_message": TWICE}
        for one in twice
    ]
    if not ids:
        return refused
    results = each((yield DeleteTopics(request.principal, (), ids)), len(ids))
    return refused + [_id_row(topic_id, result) for topic_id, result in zip(ids, results, strict=True)]


def _id_row(topic_id: bytes, result: Any) -> Row:
    if not isinstance(result, Refused):
        return {"name": result.name, "topic_id": topic_id}
    unknown = result.reason is Refusal.NO_TOPIC
    error = ErrorCode.unknown_topic_id if unknown else code(DeleteTopics, result)
    return {"name": None, "topic_id": topic_id, "error_code": error, "error_message": text(result)}


def _id_of(result: Any) -> bytes:
    return bytes(16) if isinstance(result, Refused) else result.topic_id


def _contradicting(topic: Any) -> Row:
    topic_id = topic.topic_id.bytes if topic.topic_id else bytes(16)
    words = "give each topic by its name or by its id"
    return {
        "name": topic.name,
        "topic_id": topic_id,
        "error_code": ErrorCode.invalid_request,
        "error_message": words,
    }
