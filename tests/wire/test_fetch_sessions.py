"""Fetch sessions (KIP-227): who goes on says only what changes, and hears only what is new."""

import random
from typing import Any

import pytest

from penstock import calls as c
from penstock.errors import Refusal, Refused
from penstock.record import Record, encode
from penstock.wire.kafka.codec import decode_response
from penstock.wire.kafka.fetch_sessions import (
    LAST_EPOCH,
    Claim,
    FetchSession,
    FetchSessionOptions,
    FetchSessions,
    Lost,
    next_epoch,
)
from penstock.wire.kafka.session import KafkaOptions, KafkaSession
from tests.wire.driving import NOW, feed, frames, request, versions
from tests.wire.fake_broker import FakeBroker

NOBODY, WRONG_EPOCH, WRONG_KEYS = 70, 71, 106


class Reader:
    """A client whose sessions are those of `sessions`; `told` are (topic, partition, error, records' bytes)."""

    def __init__(self, broker: FakeBroker, version: int, sessions: FetchSessions, user: str = "ada") -> None:
        self.broker, self.version = broker, version
        self.session = KafkaSession(
            lambda: ("penstock.test", 9092), c.Principal(user), KafkaOptions(), None, sessions
        )
        self.session_id = self.epoch = self.error = 0
        self.told: list[tuple[str, int, int, int]] = []

    def topic(self, name: str) -> dict[str, Any]:
        known = self.broker.topics.get(name)
        return {"topic": name} | {"topic_id": known.topic_id if known else name.encode().ljust(16, b"?")}

    def fetch(
        self, *parts: tuple[str, int, int], forget: tuple[tuple[str, int], ...] = (), **how: Any
    ) -> "Reader":
        """Ask for (topic, partition, offset) each."""
        topics = [
            {**self.topic(t), "partitions": [{"partition": p, "fetch_offset": o, "partition_max_bytes": 999}]}
            for t, p, o in parts
        ]
        forgotten = [{**self.topic(t), "partitions": [p]} for t, p in forget]
        named = {"session_id": self.session_id, "session_epoch": self.epoch} | how
        data = request(
            1, self.version, max_bytes=9999, topics=topics, forgotten_topics_data=forgotten, **named
        )
        (frame,) = frames(feed(self.session, self.broker, data))
        answer = decode_response(1, self.version, frame)[1]
        names = {info.topic_id: name for name, info in self.broker.topics.items()}
        self.error = answer.error_code
        self.told = [
            (names.get(t.topic_id.bytes, "?") if self.version >= 13 else t.topic, p.partition_index,
             int(p.error_code), len(p.records or b""))
            for t in answer.responses for p in t.partitions
        ]  # fmt: skip
        if not answer.error_code:
            self.session_id, self.epoch = answer.session_id, next_epoch(self.epoch)
        else:
            self.answered_id = answer.session_id
        return self


def write(broker: FakeBroker, topic: str, partition: int = 0) -> int:
    batch = encode([Record(None, b"v", 1)])
    broker.answer(c.Append(c.Principal(), (c.AppendPart(topic, partition, batch),)))
    return len(batch)


# --- the plain case ---------------------------------------------------------------------------------------------------


@versions(1, since=7)
def test_who_goes_on_hears_only_what_is_new(broker: FakeBroker, version: int) -> None:
    reader = Reader(broker, version, FetchSessions())
    assert reader.fetch(("t", 0, 0), ("t", 1, 0)).told == [("t", 0, 0, 0), ("t", 1, 0, 0)]
    assert reader.session_id > 0
    assert reader.fetch().told == []
    size = write(broker, "t", 1)
    assert reader.fetch().told == [("t", 1, 0, size)]
    assert reader.fetch(("t", 1, 1)).told == []
    assert reader.epoch == 4


@versions(1, since=7)
def test_partitions_are_added_and_forgotten_on_the_way(broker: FakeBroker, version: int) -> None:
    reader = Reader(broker, version, FetchSessions())
    reader.fetch(("t", 0, 0))
    assert reader.fetch(("t", 1, 0)).told == [("t", 1, 0, 0)]
    size = write(broker, "t", 0)
    write(broker, "t", 1)
    assert reader.fetch(forget=(("t", 1), ("t", 7))).told == [("t", 0, 0, size)]


@versions(1, since=7)
def test_a_session_without_partitions_is_over(broker: FakeBroker, version: int) -> None:
    sessions = FetchSessions()
    reader = Reader(broker, version, sessions).fetch(("t", 0, 0))
    reader.fetch(forget=(("t", 0),))
    assert (reader.error, reader.session_id, reader.told) == (0, 0, [])
    assert sessions.measures()["penstock_fetch_sessions"] == 0


@versions(1, since=7)
def test_who_had_records_is_read_last_next_time(broker: FakeBroker, version: int) -> None:
    reader = Reader(broker, version, FetchSessions())
    reader.fetch(("t", 0, 0), ("t", 1, 0))
    write(broker, "t", 0)
    reader.fetch()
    call = broker.asked[-1]
    assert isinstance(call, c.Fetch)
    assert [part.partition for part in call.parts] == [0, 1]
    reader.fetch()
    call = broker.asked[-1]
    assert isinstance(call, c.Fetch)
    assert [part.partition for part in call.parts] == [1, 0]


@versions(1, since=7)
def test_an_error_is_told_each_time_and_its_end_once(broker: FakeBroker, version: int) -> None:
    reader = Reader(broker, version, FetchSessions())
    reader.fetch(("t", 0, 5), ("t", 1, 0))
    assert reader.fetch().told == [("t", 0, 1, 0)]
    assert reader.fetch().told == [("t", 0, 1, 0)]
    assert reader.fetch(("t", 0, 0)).told == [("t", 0, 0, 0)]
    assert reader.fetch().told == []


@versions(1, since=7)
def test_a_session_goes_on_over_another_connection(broker: FakeBroker, version: int) -> None:
    sessions = FetchSessions()
    one = Reader(broker, version, sessions).fetch(("t", 0, 0))
    other = Reader(broker, version, sessions)
    other.session_id, other.epoch = one.session_id, one.epoch
    size = write(broker, "t", 0)
    assert other.fetch().told == [("t", 0, 0, size)]


# --- full requests ----------------------------------------------------------------------------------------------------


@versions(1, since=7)
def test_who_wants_no_session_gets_none(broker: FakeBroker, version: int) -> None:
    sessions = FetchSessions()
    assert Reader(broker, version, sessions).fetch(("t", 0, 0), session_epoch=-1).session_id == 0
    assert sessions.measures()["penstock_fetch_sessions"] == 0


@versions(1, since=7)
@pytest.mark.parametrize(("epoch", "kept"), [(0, 1), (-1, 0)])
def test_a_full_request_ends_the_session_that_it_names(
    broker: FakeBroker, version: int, epoch: int, kept: int
) -> None:
    sessions = FetchSessions()
    reader = Reader(broker, version, sessions).fetch(("t", 0, 0))
    first = reader.session_id
    reader.fetch(("t", 0, 0), session_epoch=epoch)
    assert (reader.error, len(reader.told)) == (0, 1)
    assert sessions.measures()["penstock_fetch_sessions"] == kept
    assert reader.fetch(session_id=first + 1, session_epoch=1).error == NOBODY


# --- what is lost -----------------------------------------------------------------------------------------------------


@versions(1, since=7)
def test_a_session_that_is_not_there_or_at_another_epoch_is_refused(broker: FakeBroker, version: int) -> None:
    reader = Reader(broker, version, FetchSessions())
    assert (reader.fetch(session_id=5, session_epoch=3).error, reader.told) == (NOBODY, [])
    reader.fetch(("t", 0, 0), session_epoch=0)
    reader.epoch = 1
    for epoch in (2, 7, -2):
        assert (reader.fetch(session_epoch=epoch).error, reader.answered_id) == (WRONG_EPOCH, 0)
    assert reader.fetch().error == 0


def test_a_session_by_names_does_not_go_on_by_ids(broker: FakeBroker) -> None:
    sessions = FetchSessions()
    one = Reader(broker, 12, sessions).fetch(("t", 0, 0))
    other = Reader(broker, 13, sessions)
    other.session_id, other.epoch = one.session_id, one.epoch
    assert other.fetch().error == WRONG_KEYS
    assert one.fetch().error == 0


def test_a_session_is_nobody_elses(broker: FakeBroker) -> None:
    sessions = FetchSessions()
    ada = Reader(broker, 16, sessions).fetch(("t", 0, 0))
    eve = Reader(broker, 16, sessions, "eve")
    eve.session_id, eve.epoch = ada.session_id, ada.epoch
    assert eve.fetch().error == NOBODY
    eve.fetch(("t", 0, 0), session_epoch=0)
    assert ada.fetch().error == 0


def test_an_answer_is_refused_when_the_session_went_on_meanwhile(broker: FakeBroker) -> None:
    sessions = FetchSessions()
    reader = Reader(broker, 16, sessions).fetch(("t", 0, 0))
    asked = reader.session.receive(request(1, 16, session_id=reader.session_id, session_epoch=1), NOW)
    ((ticket, call),) = asked
    other = Reader(broker, 16, sessions)
    other.session_id, other.epoch = reader.session_id, 2
    assert other.fetch().error == 0
    reader.session.answer(ticket, broker.answer(call))
    (frame,) = frames(b"".join(reader.session.take_output()))
    answer = decode_response(1, 16, frame)[1]
    assert (answer.error_code, answer.session_id) == (WRONG_EPOCH, reader.session_id)


# --- topics by their ids ----------------------------------------------------------------------------------------------


def test_a_name_is_looked_up_once(broker: FakeBroker) -> None:
    reader = Reader(broker, 16, FetchSessions()).fetch(("t", 0, 0))
    broker.asked.clear()
    reader.fetch(("t", 0, 0))
    assert [type(call) for call in broker.asked] == [c.Fetch]


def test_an_unknown_id_is_looked_up_again_until_there_is_a_topic(broker: FakeBroker) -> None:
    reader = Reader(broker, 16, FetchSessions())
    unknown = FakeBroker._topic("u", 1)
    broker.topics["u"] = unknown
    topic_id = reader.topic("u")["topic_id"]
    del broker.topics["u"]
    reader.topic = lambda name: {"topic_id": topic_id if name == "u" else broker.topics[name].topic_id}  # type: ignore[method-assign]
    assert reader.fetch(("u", 0, 0), ("t", 0, 0)).told == [("t", 0, 0, 0), ("?", 0, 100, 0)]
    assert reader.fetch().told == [("?", 0, 100, 0)]
    broker.topics["u"] = unknown
    assert reader.fetch().told == [("u", 0, 0, 0)]
    assert reader.fetch().told == []


def test_who_may_not_know_a_topic_is_told_so_each_time(broker: FakeBroker) -> None:
    reader = Reader(broker, 16, FetchSessions())
    broker.refusing[c.DescribeTopics] = Refused(Refusal.NOT_ALLOWED)
    assert reader.fetch(("t", 0, 0)).told == [("t", 0, 29, 0)]
    assert reader.fetch().told == [("t", 0, 29, 0)]
    del broker.refusing[c.DescribeTopics]
    assert reader.fetch().told == [("t", 0, 0, 0)]


# --- a full house -----------------------------------------------------------------------------------------------------

PARTS = [c.FetchPart("t", index, 0, 1) for index in range(10)]
EMPTY = c.Fetched(b"", 0, 0, 0)


def begun(sessions: FetchSessions, parts: int, at_s: float) -> int:
    return sessions.begin(Claim(0, 0, "ada", False, at_s), [(part, EMPTY) for part in PARTS[:parts]])


def test_only_so_many_sessions_are_kept() -> None:
    sessions = FetchSessions(options=FetchSessionOptions(sessions_max=2))
    assert [begun(sessions, 1, 0.0) for _ in range(3)] == [1, 2, 0]


def test_the_one_that_was_silent_longest_goes() -> None:
    sessions = FetchSessions(random.Random(1).randbytes, FetchSessionOptions(sessions_max=2))
    first, second = begun(sessions, 5, 0.0), begun(sessions, 5, 0.0)
    assert isinstance(sessions.resume(Claim(first, 1, "ada", False, 100.0)), FetchSession)
    assert begun(sessions, 1, 119.0) == 0
    assert begun(sessions, 1, 121.0) > 0
    assert sessions.resume(Claim(second, 1, "ada", False, 121.0)) is Lost.UNKNOWN
    assert isinstance(sessions.resume(Claim(first, 2, "ada", False, 121.0)), FetchSession)
    assert sessions.measures()["penstock_fetch_session_evictions_total"] == 1


def test_a_larger_one_takes_an_old_smaller_ones_place() -> None:
    sessions = FetchSessions(options=FetchSessionOptions(sessions_max=2))
    small, large = begun(sessions, 1, 0.0), begun(sessions, 5, 0.0)
    for session_id in (small, large):
        sessions.resume(Claim(session_id, 1, "ada", False, 130.0))
    assert begun(sessions, 1, 131.0) == 0
    assert begun(sessions, 2, 131.0) > 0
    assert begun(sessions, 3, 131.0) == 0, "the one that came last is too young to go"
    assert isinstance(sessions.resume(Claim(large, 2, "ada", False, 131.0)), FetchSession)
    assert sessions.measures()["penstock_fetch_session_partitions"] == 7


def test_partitions_are_bounded_by_session_and_in_all() -> None:
    options = FetchSessionOptions(partitions_max=4, all_partitions_max=6)
    sessions = FetchSessions(options=options)
    assert [begun(sessions, count, 0.0) for count in (5, 4, 3, 2)] == [0, 1, 0, 2]
    session = sessions.resume(Claim(1, 1, "ada", False, 0.0))
    assert isinstance(session, FetchSession)
    assert sessions.change(session, PARTS[:4], [])
    assert not sessions.change(session, PARTS[:5], [])
    assert sessions.resume(Claim(1, 2, "ada", False, 0.0)) is Lost.UNKNOWN
    assert sessions.measures()["penstock_fetch_session_partitions"] == 2


def test_what_can_be_no_topic_is_kept_in_no_session(broker: FakeBroker) -> None:
    reader = Reader(broker, 12, FetchSessions())
    assert reader.fetch(("x" * 250, 0, 0)).session_id == 0
    reader.fetch(("t", 0, 0), session_epoch=0)
    reader.epoch = 1
    assert reader.fetch(("é" * 125, 0, 0)).error == NOBODY
    assert reader.fetch().error == NOBODY


@pytest.mark.parametrize("seed", range(20))
def test_what_is_counted_is_what_is_kept(seed: int) -> None:
    chance = random.Random(seed)
    options = FetchSessionOptions(sessions_max=5, partitions_max=8, all_partitions_max=20)
    sessions, at_s = FetchSessions(chance.randbytes, options), 0.0
    epochs: dict[int, int] = {}
    for _ in range(300):
        at_s += chance.random() * 30
        if chance.random() < 0.3 or not epochs:
            epochs[begun(sessions, chance.randrange(10), at_s)] = 1
            continue
        number = chance.choice(list(epochs))
        session = sessions.resume(Claim(number, epochs[number], "ada", False, at_s))
        if not isinstance(session, FetchSession):
            del epochs[number]
            continue
        epochs[number] = session.epoch
        gone = [("t", index) for index in range(10) if chance.random() < 0.3]
        sessions.change(session, chance.sample(PARTS, chance.randrange(8)), gone)
        measures = sessions.measures()
        kept = sessions._by_id.values()
        assert measures["penstock_fetch_session_partitions"] == sum(len(one.watched) for one in kept) <= 20
        assert len(kept) <= 5


def test_epochs_go_round() -> None:
    assert (next_epoch(1), next_epoch(LAST_EPOCH)) == (2, 1)
