"""What five real clients and a real Kafka said to each other: our bytes beside Kafka's; recorded by `record_kafka.py`."""

import dataclasses
import datetime
import uuid
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from penstock.calls import Principal, TopicInfo
from penstock.wire.kafka.codec import decode_header, decode_request, decode_response, encode_response, peek
from penstock.wire.kafka.fetch_sessions import FetchSessions
from penstock.wire.kafka.registry import OFFERED
from penstock.wire.kafka.session import KafkaOptions, KafkaSession
from tests.wire.driving import feed, frames
from tests.wire.fake_broker import FakeBroker
from tests.wire.test_transcripts import events

TRANSCRIPTS = sorted(Path(__file__).parent.glob("transcripts/kafka/*.txt"))
transcripts = pytest.mark.parametrize("path", TRANSCRIPTS, ids=lambda p: p.stem)

Exchange = tuple[int, int, int, bytes, bytes]
"""Connection, API key, version, request, response; whole frames."""


def exchanges(path: Path) -> list[Exchange]:
    """Requests with their responses, in the order of the requests."""
    waiting: dict[int, list[list[Any]]] = defaultdict(list)
    found: list[list[Any]] = []
    for number, way, data in events(path)[1]:
        if way == ">":
            key, version, _ = peek(memoryview(data)[4:])
            found.append([number, key, version, data, b""])
            waiting[number].append(found[-1])
        else:
            waiting[number].pop(0)[4] = data
    return [(n, k, v, asked, told) for n, k, v, asked, told in found if told]


def row_of(value: Any) -> Any:
    """kio's message as the plain values that the encoder takes."""
    if dataclasses.is_dataclass(value):
        return {field.name: row_of(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, tuple):
        return [row_of(one) for one in value]
    if isinstance(value, datetime.timedelta):
        return value // datetime.timedelta(milliseconds=1)
    if isinstance(value, datetime.datetime):
        return round(value.timestamp() * 1000)
    return value.bytes if isinstance(value, uuid.UUID) else value


def test_every_client_is_there() -> None:
    assert [p.stem for p in TRANSCRIPTS] == ["aiokafka", "java", "kafka_python", "kcat", "librdkafka"]


@transcripts
def test_every_request_is_read(path: Path) -> None:
    for _, key, version, asked, _ in exchanges(path):
        frame = memoryview(asked)[4:]
        header = decode_header(frame)
        assert (OFFERED[key].read or decode_request)(header, frame, 1000)
        assert header.version == version


@transcripts
def test_what_kafka_wrote_is_read_and_written_again_to_the_byte(path: Path) -> None:
    for _, key, version, _, told in exchanges(path):
        (frame,) = frames(told)
        correlation_id, response = decode_response(key, version, frame)
        row = row_of(response)
        nullable = {name: row[name] for name in row if row[name] is None}
        assert b"".join(encode_response(key, version, correlation_id, {**nullable, **filled(row)})) == told


def filled(row: dict[str, Any]) -> dict[str, Any]:
    """Nulls stay where null is written as such; ids and times get their wire form."""
    out: dict[str, Any] = {}
    for name, value in row.items():
        if value is None and name in ("topic_id", "log_append_time"):
            continue
        if isinstance(value, dict):
            out[name] = filled(value)
        elif isinstance(value, list):
            out[name] = [filled(one) if isinstance(one, dict) else one for one in value]
        else:
            out[name] = value
    return out


# --- the same requests, answered by us ------------------------------------------------------------------------------

MASKED = {
    "member_id",
    "leader",
    "producer_id",
    "cluster_id",
    "topic_id",
    "api_keys",
    "error_message",
    "configs",
}
"""What two servers name each in their own way."""
FEATURES = {"supported_features", "finalized_features", "finalized_features_epoch"}


def masked(row: Any) -> Any:
    if isinstance(row, dict):
        return {name: masked(value) for name, value in row.items() if name not in MASKED | FEATURES}
    if isinstance(row, list):
        rows = [masked(one) for one in row]
        return (
            sorted(rows, key=lambda one: one.get("name", "")) if rows and isinstance(rows[0], dict) else rows
        )
    return row


def topics_of(path: Path) -> dict[str, TopicInfo]:
    """The topics as they were in Kafka when the recording began."""
    found = {name: FakeBroker._topic(name, 1, name != "events") for name in ("__consumer_offsets", "events")}
    for _, key, version, _, told in exchanges(path):
        topics = decode_response(key, version, told[4:])[1].topics if key == 3 and version >= 10 else ()
        for topic in topics:
            if topic.topic_id and topic.name in found:
                found[topic.name] = dataclasses.replace(found[topic.name], topic_id=topic.topic_id.bytes)
    return found


def session_ids(path: Path) -> list[int]:
    """The fetch sessions that Kafka began, in their order."""
    told = (
        getattr(decode_response(key, version, told[4:])[1], "session_id", 0)
        for _, key, version, _, told in exchanges(path)
        if key == 1
    )
    return [number for number in dict.fromkeys(told) if number]


@transcripts
def test_we_answer_as_kafka_did(path: Path) -> None:
    port, broker = events(path)[0], FakeBroker()
    broker.topics = topics_of(path)
    begun = iter([number - 1 for number in session_ids(path)])
    fetch_sessions = FetchSessions(lambda size: next(begun).to_bytes(size, "big"))
    sessions: dict[int, KafkaSession] = {}
    differing = []
    for number, key, version, asked, told in exchanges(path):
        fresh = KafkaSession(lambda: ("127.0.0.1", port), Principal(), KafkaOptions(), None, fetch_sessions)
        (answer,) = frames(feed(sessions.setdefault(number, fresh), broker, asked))
        ours, theirs = (masked(row_of(decode_response(key, version, m)[1])) for m in (answer, told[4:]))
        if ours != theirs:
            differing.append((OFFERED[key].name, version, ours, theirs))
    assert differing == []


def test_the_java_client_goes_on_in_its_fetch_session_and_ends_it() -> None:
    path = next(path for path in TRANSCRIPTS if path.stem == "java")
    (session_id,) = session_ids(path)
    asked = [
        decode_request(decode_header(frame), frame)
        for _, key, _, data, _ in exchanges(path)
        if key == 1 and (frame := memoryview(data)[4:])
    ]
    assert [(q.session_id, q.session_epoch) for q in asked] == [(0, 0), (session_id, 1), (session_id, -1)]
