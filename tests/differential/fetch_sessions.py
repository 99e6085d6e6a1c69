"""Scenarios of fetch sessions (KIP-227) and of leader epochs in requests (KIP-320, KIP-595).

Session ids are random; an answer shows whether it names the session that the request did.
"""

import uuid
from typing import Any

from penstock import record
from tests.differential.asking import Connection, batch, create, plain, produce

NAMED, BY_ID = 11, 16


class Reader:
    """A client with a fetch session: `fetch` goes on in it. Offsets are the caller's."""

    def __init__(self, c: Connection, version: int = NAMED, wait_ms: int = 100) -> None:
        self.c, self.version, self.wait_ms = c, version, wait_ms
        self.session_id = self.epoch = 0
        self.ids: dict[str, uuid.UUID] = {}

    def topic(self, name: str) -> dict[str, Any]:
        """The topic as this version names it; its id is asked for once."""
        if self.version < 13:
            return {"topic": name}
        if name not in self.ids:
            answer = self.c.ask_whole(3, 12, topics=[{"topic_id": None, "name": name}])
            self.ids[name] = answer.topics[0].topic_id or uuid.uuid5(uuid.NAMESPACE_OID, name)
        return {"topic_id": self.ids[name]}

    def fetch(self, *parts: Any, forget: Any = (), **how: Any) -> Any:
        """(topic, partition, offset, {field: value} or nothing) each; what a client sees of the answer."""
        topics: list[Any] = []
        for name, index, offset, *more in parts:
            part = {"partition": index, "fetch_offset": offset, "partition_max_bytes": 1 << 20}
            if self.version >= 9:
                part["current_leader_epoch"] = -1
            topics.append({**self.topic(name), "partitions": [part | (more[0] if more else {})]})
        fields = {
            "max_wait": self.wait_ms, "min_bytes": 1, "max_bytes": 1 << 20, "topics": topics,
            "session_id": self.session_id, "session_epoch": self.epoch,
            "forgotten_topics_data": [{**self.topic(name), "partitions": [index]} for name, index in forget],
        } | how  # fmt: skip
        if self.version < 15:
            fields["replica_id"] = -1
        asked, answer = fields["session_id"], self.c.ask_whole(1, self.version, **fields)
        if not answer.error_code:
            self.session_id = answer.session_id
            self.epoch = fields["session_epoch"] + 1 if answer.session_id else 0
        named = "none" if not answer.session_id else "same" if answer.session_id == asked else "new"
        return [
            int(answer.error_code),
            named,
            [self.shown(t, p) for t in answer.responses for p in t.partitions],
        ]

    def shown(self, topic: Any, p: Any) -> Any:
        """One partition of an answer."""
        if self.version >= 13:
            name = next((name for name, known in self.ids.items() if known == topic.topic_id), "?")
        else:
            name = topic.topic
        data = p.records or b""
        values = [
            found.value
            for info in record.scan(data)
            for found in record.decode(data[info.position : info.position + info.size])
        ]
        told = [name, p.partition_index, int(p.error_code), p.high_watermark, p.last_stable_offset]
        # Beside an error Kafka writes null or nothing, as it came to notice.
        told += [p.log_start_offset, None if p.error_code else plain(p.aborted_transactions), values]
        if self.version >= 12:
            told.append(plain_epoch(p.diverging_epoch))
        if self.version >= 16:
            told += [int(p.current_leader.leader_id), p.current_leader.leader_epoch]
        return told


def plain_epoch(found: Any) -> Any:
    return [found.epoch, found.end_offset]


def two(c: Connection, topic: str) -> tuple[str, str]:
    """Two topics of two partitions."""
    names = (f"{topic}-a", f"{topic}-b")
    for name in names:
        create(c, name, 2)
    return names


# --- sessions ---------------------------------------------------------------------------------------------------------


def going_on(c: Connection, topic: str, version: int) -> Any:
    a, b = two(c, topic)
    reader = Reader(c, version)
    seen = [reader.fetch((a, 0, 0), (a, 1, 0), (b, 0, 0)), reader.fetch()]
    produce(c, a, batch(b"1"), partition=1)
    seen += [reader.fetch(), reader.fetch((a, 1, 1)), reader.fetch()]
    produce(c, a, batch(b"2"), partition=0)
    produce(c, b, batch(b"3"))
    seen += [reader.fetch(), reader.fetch((b, 0, 1), (a, 0, 1), (b, 1, 0)), reader.fetch()]
    seen += [reader.fetch(forget=[(a, 0), (b, 7)]), reader.fetch(forget=[(a, 1), (b, 0)])]
    produce(c, b, batch(b"4"), partition=1)
    return [*seen, reader.fetch(), reader.fetch(forget=[(b, 1)]), reader.fetch(session_id=0, session_epoch=3)]


def a_session_by_names_tells_what_is_new(c: Connection, topic: str) -> Any:
    return going_on(c, topic, NAMED)


def a_session_by_ids_tells_what_is_new(c: Connection, topic: str) -> Any:
    return going_on(c, topic, BY_ID)


def a_session_is_asked_for_wrongly(c: Connection, topic: str) -> Any:
    create(c, topic)
    reader = Reader(c)
    seen = [reader.fetch((topic, 0, 0))]
    mine = reader.session_id
    wrong: tuple[dict[str, int], ...] = (
        {"session_id": 77},
        {"session_epoch": 5},
        {"session_epoch": -2},
        {"session_id": 0},
    )
    seen += [reader.fetch(**{"session_id": mine, "session_epoch": 1} | how) for how in wrong]
    seen.append(reader.fetch(session_id=mine, session_epoch=1))
    seen.append(reader.fetch(session_id=mine, session_epoch=1))
    return seen


def a_full_fetch_ends_the_session_that_it_names(c: Connection, topic: str) -> Any:
    create(c, topic)
    reader = Reader(c)
    seen = [reader.fetch((topic, 0, 0))]
    first = reader.session_id
    seen.append(reader.fetch((topic, 0, 0), session_epoch=0))
    second = reader.session_id
    seen.append(reader.fetch(session_id=first, session_epoch=1))
    seen.append(reader.fetch((topic, 0, 0), session_id=second, session_epoch=-1))
    seen.append(reader.fetch(session_id=second, session_epoch=1))
    return seen


def a_session_without_partitions(c: Connection, topic: str) -> Any:
    create(c, topic)
    reader = Reader(c)
    return [
        reader.fetch(),
        reader.fetch(),
        reader.fetch(session_id=0, session_epoch=0),
        reader.fetch((topic, 0, 0)),
    ]


def a_session_changes_its_way_of_naming_topics(c: Connection, topic: str) -> Any:
    create(c, topic)
    by_name, by_id = Reader(c, 12), Reader(c, 13)
    seen = [by_name.fetch((topic, 0, 0)), by_id.fetch((topic, 0, 0))]
    seen.append(by_id.fetch(session_id=by_name.session_id, session_epoch=1))
    seen.append(by_name.fetch(session_id=by_id.session_id, session_epoch=1))
    return [*seen, by_name.fetch(), by_id.fetch()]


def a_partition_named_twice_counts_once(c: Connection, topic: str) -> Any:
    create(c, topic)
    produce(c, topic, batch(b"1"))
    produce(c, topic, batch(b"2"))
    reader = Reader(c)
    return [
        reader.fetch((topic, 0, 0), (topic, 0, 1)),
        reader.fetch((topic, 0, 2), (topic, 0, 1), forget=[(topic, 0)]),
    ]


def errors_in_a_session_are_told_until_they_are_over(c: Connection, topic: str) -> Any:
    a, b = two(c, topic)
    reader = Reader(c)
    seen = [reader.fetch((a, 0, 9), (f"{topic}-none", 0, 0), (b, 0, 0), (b, 9, 0))]
    seen += [reader.fetch(), reader.fetch((a, 0, 0)), reader.fetch(forget=[(b, 9)])]
    create(c, f"{topic}-none")
    return [*seen, reader.fetch(), reader.fetch()]


def a_deleted_topic_in_a_session(c: Connection, topic: str) -> Any:
    a, b = two(c, topic)
    seen = []
    for version in (NAMED, BY_ID):
        reader = Reader(c, version)
        seen.append(reader.fetch((a, 0, 0), (b, 0, 0)))
        c.ask(20, 4, topic_names=[a], timeout=5000)
        seen.append(until_told(reader))
        seen.append(reader.fetch()[2])
        create(c, a, 2)
        seen += [until_told(reader, error=0 if version == NAMED else 103), reader.fetch()]
        seen.append(Reader(c, version).fetch((a, 0, 0)))
    return seen


def until_told(reader: Reader, error: int = -1) -> Any:
    """Go on until there is something to hear; a deleted topic may be served for a moment. With `error`: until so."""
    with reader.c.quiet():
        for _ in range(100):
            found = reader.fetch()
            if found[2] and (error < 0 or found[2][0][2] == error):
                return found[2]
    return "nothing"


def the_start_of_the_log_is_told_when_it_moves(c: Connection, topic: str) -> Any:
    create(c, topic)
    for value in (b"1", b"2", b"3"):
        produce(c, topic, batch(value))
    reader = Reader(c)
    seen = [reader.fetch((topic, 0, 3)), reader.fetch()]
    c.ask(21, 2, timeout=5000, topics=[{"name": topic, "partitions": [{"partition_index": 0, "offset": 2}]}])
    return [*seen, reader.fetch(), reader.fetch()]


# --- leader epochs ----------------------------------------------------------------------------------------------------


def a_fetch_with_another_leader_epoch(c: Connection, topic: str) -> Any:
    create(c, topic)
    produce(c, topic, batch(b"1"))
    seen = []
    for version in (NAMED, 12, BY_ID):
        for epoch in (-1, 0, 1, 5, -2):
            reader = Reader(c, version)
            seen.append(reader.fetch((topic, 0, 0, {"current_leader_epoch": epoch}), session_epoch=-1))
            seen.append(reader.fetch((topic, 0, 9, {"current_leader_epoch": epoch}), session_epoch=-1))
    reader = Reader(c, BY_ID)
    seen += [reader.fetch((topic, 0, 0, {"current_leader_epoch": 1})), reader.fetch()]
    return [*seen, reader.fetch((topic, 0, 0, {"current_leader_epoch": 0}))]


def a_fetch_tells_the_epoch_of_what_it_read_last(c: Connection, topic: str) -> Any:
    create(c, topic)
    seen = []
    for _ in range(2):
        for epoch in (-1, 0, 1, -3):
            for offset in (0, 1, 9):
                reader = Reader(c, BY_ID)
                seen.append(reader.fetch((topic, 0, offset, {"last_fetched_epoch": epoch}), session_epoch=-1))
        produce(c, topic, batch(b"1"))
    return seen


def offsets_are_asked_for_with_another_leader_epoch(c: Connection, topic: str) -> Any:
    create(c, topic)
    produce(c, topic, batch(b"1"))
    seen = []
    for version in (4, 9):
        for at_ms in (-1, -2, -3, -4, -5, 1_700_000_000_000):
            for name, index in ((topic, 0), (topic, 5), (f"{topic}-none", 0)):
                for epoch in (-1, 0, 1, -2):
                    part = {"partition_index": index, "current_leader_epoch": epoch, "timestamp": at_ms}
                    topics = [{"name": name, "partitions": [part]}]
                    answer = c.ask(2, version, replica_id=-1, isolation_level=0, topics=topics)
                    seen.append(
                        (version, at_ms, name == topic, index, epoch, answer["topics"][0]["partitions"])
                    )
    return seen


def a_batch_comes_with_a_leader_epoch_of_its_own(c: Connection, topic: str) -> Any:
    create(c, topic)
    odd = bytearray(batch(b"1"))
    odd[12:16] = (7).to_bytes(4, "big")
    written = produce(c, topic, bytes(odd))
    answer = c.ask_whole(
        1, NAMED, replica_id=-1, max_wait=100, min_bytes=1, max_bytes=1 << 20, session_epoch=-1,
        topics=[{"topic": topic, "partitions": [
            {"partition": 0, "fetch_offset": 0, "partition_max_bytes": 1 << 20, "current_leader_epoch": -1}]}],
    )  # fmt: skip
    return [written, bytes(answer.responses[0].partitions[0].records or b"")]


FETCH_SESSIONS = (
    a_session_by_names_tells_what_is_new,
    a_session_by_ids_tells_what_is_new,
    a_session_is_asked_for_wrongly,
    a_full_fetch_ends_the_session_that_it_names,
    a_session_without_partitions,
    a_session_changes_its_way_of_naming_topics,
    a_partition_named_twice_counts_once,
    errors_in_a_session_are_told_until_they_are_over,
    a_deleted_topic_in_a_session,
    the_start_of_the_log_is_told_when_it_moves,
    a_fetch_with_another_leader_epoch,
    a_fetch_tells_the_epoch_of_what_it_read_last,
    offsets_are_asked_for_with_another_leader_epoch,
    a_batch_comes_with_a_leader_epoch_of_its_own,
)
