"""Scenarios of reading: how long a fetch waits, how much it brings, topic ids, and offsets by time."""

import threading
import time
import uuid
from typing import Any

from penstock import record
from tests.beside.running import Scenario
from tests.differential.asking import Connection, batch, create, fetch, produce

NOBODY = uuid.UUID(int=1234567890123456789)


def asked(
    offset: int, partition: int = 0, most: int = 1 << 20, epoch: int = -1, version: int = 11
) -> dict[str, Any]:
    """One partition of a fetch request."""
    return {"partition": partition, "fetch_offset": offset, "partition_max_bytes": most} | (
        {"current_leader_epoch": epoch} if version > 8 else {}
    )


def read(c: Connection, topics: list[Any], version: int = 11, **other: Any) -> Any:
    """Fetch; the answer, with the values in place of the batches."""
    fields: dict[str, Any] = {
        "max_wait": 0,
        "min_bytes": 0,
        "max_bytes": 1 << 20,
        "isolation_level": 0,
        "topics": topics,
    }
    if version > 6:
        fields |= {"session_id": 0, "session_epoch": -1, "forgotten_topics_data": []}
    fields |= {"rack_id": ""} if version > 10 else {}
    fields |= {"replica_id": -1} if version < 15 else {}
    fields |= other
    answer = c.ask(1, version, **fields)
    for topic in answer["responses"]:
        for part in topic["partitions"]:
            data = part.pop("records") or b""
            part["aborted_transactions"] = (
                part["aborted_transactions"] or []
            )  # null or none: readers see no difference
            part["values"] = [
                (found.offset, found.value)
                for info in record.scan(data)
                for found in record.decode(data[info.position : info.position + info.size])
            ]
    return answer


def id_of(c: Connection, topic: str) -> uuid.UUID:
    """The topic's id, as Metadata tells it."""
    found = c.ask_whole(3, 12, topics=[{"name": topic, "topic_id": None}], allow_auto_topic_creation=False)
    return uuid.UUID(bytes=found.topics[0].topic_id.bytes)


def a_fetch_waits_for_what_is_not_there(c: Connection, topic: str) -> Any:
    create(c, topic)
    produce(c, topic, batch(b"a"))
    wanted = [{"topic": topic, "partitions": [asked(1)]}]
    first = read(c, wanted, max_wait=800, min_bytes=1)
    return [first, read(c, [{"topic": topic, "partitions": [asked(0)]}], max_wait=800, min_bytes=1 << 20)]


def a_waiting_fetch_is_woken_by_what_comes(c: Connection, topic: str) -> Any:
    create(c, topic, 2)
    writer = c.other()
    later = threading.Timer(0.3, produce, (writer, topic, batch(b"x" * 100), 1))
    later.start()
    parts = [asked(0), asked(0, partition=1)]
    answer = read(c, [{"topic": topic, "partitions": parts}], max_wait=10_000, min_bytes=50)
    later.join()
    return answer


def a_fetch_that_can_only_fail_does_not_wait(c: Connection, topic: str) -> Any:
    create(c, topic)
    began_s = time.monotonic()
    answer = read(c, [{"topic": topic, "partitions": [asked(7)]}], max_wait=5000, min_bytes=1)
    return [answer, time.monotonic() - began_s < 4]


def the_first_batch_comes_however_large_it_is(c: Connection, topic: str) -> Any:
    create(c, topic, 2)
    for index in (0, 1):
        for value in (b"a", b"b"):
            produce(c, topic, batch(value * 1000), partition=index)
    both = [{"topic": topic, "partitions": [asked(0, most=1500), asked(0, partition=1, most=1500)]}]
    old = [{"topic": topic, "partitions": [asked(0, most=10, version=4)]}]
    return [read(c, both), read(c, both, max_bytes=1500), read(c, both, max_bytes=1), read(c, old, version=4)]


def topics_are_fetched_by_their_id(c: Connection, topic: str) -> Any:
    create(c, topic)
    produce(c, topic, batch(b"a"))
    known, nobody = id_of(c, topic), NOBODY
    return [
        read(c, [{"topic_id": known, "partitions": [asked(0)]}], version=version)["responses"] for version in (13, 15, 16)
    ] + [
        read(c, [{"topic_id": nobody, "partitions": [asked(0)]}], version=13)["responses"],
        read(c, [{"topic_id": known, "partitions": [asked(0, partition=5)]}], version=13)["responses"],
    ]  # fmt: skip


# --- offsets by time ------------------------------------------------------------------------------------------------


def listed(c: Connection, topic: str, *times: int, version: int = 9, epoch: int = -1, level: int = 0) -> Any:
    """ListOffsets; (error, offset, timestamp) each."""
    found = []
    for at_ms in times:
        part = {"partition_index": 0, "timestamp": at_ms} | (
            {"current_leader_epoch": epoch} if version > 3 else {}
        )
        levels = {"isolation_level": level} if version > 1 else {}
        waits = {"timeout": 5000} if version > 9 else {}
        answer = c.ask(
            2, version, replica_id=-1, topics=[{"name": topic, "partitions": [part]}], **levels, **waits
        )
        (got,) = answer["topics"][0]["partitions"]
        found.append((got["error_code"], got["offset"], got["timestamp"]))
    return found


def an_empty_log_has_its_ends_and_no_times(c: Connection, topic: str) -> Any:
    create(c, topic)
    return [listed(c, topic, -1, -2, -3, -4, 0), listed(c, topic, -1, -2, version=1)]


def the_largest_timestamp_is_found(c: Connection, topic: str) -> Any:
    create(c, topic)
    for at_ms in (1_700_000_000_000, 1_700_000_050_000, 1_700_000_010_000):
        produce(c, topic, batch(b"a", b"b", b"c", at_ms=at_ms))
    return [listed(c, topic, -3, version=7), listed(c, topic, -3, version=6)]


def local_and_tiered_offsets_are_asked_for(c: Connection, topic: str) -> Any:
    create(c, topic)
    produce(c, topic, batch(b"a", b"b"))
    return [listed(c, topic, -4, version=8), listed(c, topic, -4, version=7), listed(c, topic, -5, version=9),
            listed(c, topic, -5, version=8), listed(c, topic, -5, version=10)]  # fmt: skip


def a_special_time_that_nobody_knows_is_refused(c: Connection, topic: str) -> Any:
    create(c, topic)
    return [listed(c, topic, -7, -100, version=version) for version in (7, 9)]


def a_partition_listed_twice_is_refused(c: Connection, topic: str) -> Any:
    create(c, topic, 2)
    parts = [{"partition_index": index, "current_leader_epoch": -1, "timestamp": -1} for index in (0, 0, 1)]
    answer = c.ask(2, 9, replica_id=-1, isolation_level=0, topics=[{"name": topic, "partitions": parts}])
    return sorted((p["partition_index"], p["error_code"]) for t in answer["topics"] for p in t["partitions"])


def offsets_of_a_partition_that_is_not_there(c: Connection, topic: str) -> Any:
    create(c, topic)
    part = {"partition_index": 9, "current_leader_epoch": -1, "timestamp": -2}
    answer = c.ask(2, 9, replica_id=-1, isolation_level=0, topics=[{"name": topic, "partitions": [part]}])
    return [answer, listed(c, f"{topic}-unknown", -1, 0)]


def times_are_found_where_the_log_begins_late(c: Connection, topic: str) -> Any:
    create(c, topic)
    for at_ms in (1_700_000_000_000, 1_700_000_010_000):
        produce(c, topic, batch(b"a", b"b", at_ms=at_ms))
    deleted = c.ask(
        21, 2, timeout=5000, topics=[{"name": topic, "partitions": [{"partition_index": 0, "offset": 3}]}]
    )
    return [
        deleted,
        listed(c, topic, -2, -1, 0, 1_700_000_000_001, -3),
        fetch(c, topic, 3),
        fetch(c, topic, 0),
    ]


FETCHING: tuple[Scenario, ...] = (
    a_fetch_waits_for_what_is_not_there,
    a_waiting_fetch_is_woken_by_what_comes,
    a_fetch_that_can_only_fail_does_not_wait,
    the_first_batch_comes_however_large_it_is,
    topics_are_fetched_by_their_id,
    an_empty_log_has_its_ends_and_no_times,
    the_largest_timestamp_is_found,
    local_and_tiered_offsets_are_asked_for,
    a_special_time_that_nobody_knows_is_refused,
    a_partition_listed_twice_is_refused,
    offsets_of_a_partition_that_is_not_there,
    times_are_found_where_the_log_begins_late,
)
