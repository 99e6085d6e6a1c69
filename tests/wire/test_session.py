"""One Kafka session by its bytes: order, pipelining, and every way to go wrong."""

import random
from typing import Any

import pytest

from penstock import calls as c
from penstock.clock import Now
from penstock.errors import Refusal, Refused
from penstock.record import Record, encode
from penstock.wire.kafka.codec import decode_response
from penstock.wire.kafka.registry import OFFERED
from penstock.wire.kafka.session import REQUEST_COST_BYTES, KafkaSession
from tests.wire.driving import NOW, ask, feed, frames, new_session, request, run
from tests.wire.fake_broker import FakeBroker

BATCH = encode([Record(b"k", b"v", 1)])


def produce(correlation_id: int, acks: int = -1, topic: str = "t", batch: bytes = BATCH) -> bytes:
    parts = [{"index": 0, "records": batch}]
    topics = [{"name": topic, "partition_data": parts}]
    return request(0, 9, correlation_id, acks=acks, topic_data=topics)


def fetch(correlation_id: int, offset: int = 0) -> bytes:
    parts = [{"partition": 0, "fetch_offset": offset, "partition_max_bytes": 1000}]
    return request(1, 11, correlation_id, max_bytes=1000, topics=[{"topic": "t", "partitions": parts}])


def heartbeat(correlation_id: int) -> bytes:
    return request(12, 0, correlation_id, group_id="g", member_id="m")


def correlation_ids(output: bytes) -> list[int]:
    return [int.from_bytes(frame[:4], "big") for frame in frames(output)]


def closed_because(session: KafkaSession) -> str:
    assert session.closing
    (notice,) = session.take_notices()
    return notice.message


# --- the plain case ---------------------------------------------------------------------------------------------


def test_a_request_becomes_a_call_that_says_who_asks() -> None:
    session = new_session()
    ((_, call),) = session.receive(heartbeat(1), NOW)
    principal = c.Principal("ANONYMOUS", "10.0.0.1", "test")
    assert call == c.Heartbeat(principal, "g", "m", None, 0)


def test_pipelined_requests_are_answered_in_their_order() -> None:
    output = feed(
        new_session(), FakeBroker(t=1), produce(1) + heartbeat(2) + fetch(3) + produce(4) + heartbeat(5)
    )
    assert correlation_ids(output) == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("seed", range(20))
def test_answers_in_any_order_come_out_in_the_order_of_the_requests(seed: int) -> None:
    chance, session = random.Random(seed), new_session()
    waiting = session.receive(b"".join(heartbeat(n) for n in range(30)), NOW)
    output = b""
    while waiting:
        ticket, _ = waiting.pop(chance.randrange(len(waiting)))
        waiting += session.answer(ticket, None)
        if chance.random() < 0.3:
            output += b"".join(session.take_output())
    assert correlation_ids(output + b"".join(session.take_output())) == list(range(30))
    assert session.bytes_in_flight == 0


def test_produce_requests_are_on_their_way_together() -> None:
    assert len(new_session().receive(produce(1) + produce(2) + produce(3), NOW)) == 3


def test_a_fetch_waits_until_all_before_it_is_answered() -> None:
    session = new_session()
    ((first, _),) = session.receive(produce(1) + fetch(2) + heartbeat(3), NOW)
    started = session.answer(first, [c.Appended(0)])
    assert [type(call) for _, call in started] == [c.Fetch, c.Heartbeat]


def test_at_most_so_many_requests_are_worked_on_at_a_time() -> None:
    session = new_session(pipeline_max=4)
    asked = session.receive(b"".join(heartbeat(n) for n in range(10)), NOW)
    assert len(asked) == 4
    run(session, FakeBroker(), asked)
    assert correlation_ids(b"".join(session.take_output())) == list(range(10))


def test_the_client_id_may_change_from_request_to_request() -> None:
    session = new_session()
    data = request(12, 0, 1, "one") + request(12, 0, 2, "two") + request(12, 0, 3, None)
    assert [call.principal.client_id for _, call in session.receive(data, NOW)] == ["one", "two", ""]


def test_bytes_in_flight_count_what_waits_for_an_answer() -> None:
    session, data = new_session(), produce(1)
    ((ticket, _),) = session.receive(data, NOW)
    assert session.bytes_in_flight == len(data) - 4 + REQUEST_COST_BYTES
    session.answer(ticket, [c.Appended(0)])
    assert session.bytes_in_flight == 0


# --- acks = 0 -----------------------------------------------------------------------------------------------------


def test_produce_without_acknowledgement_has_no_response() -> None:
    broker = FakeBroker(t=1)
    output = feed(new_session(), broker, produce(1, acks=0) + heartbeat(2))
    assert correlation_ids(output) == [2]
    assert broker.end("t", 0) == 1


def test_produce_without_acknowledgement_that_fails_closes_the_connection() -> None:
    session = new_session()
    assert feed(session, FakeBroker(), produce(1, acks=0) + heartbeat(2)) == b""
    assert "without acknowledgement" in closed_because(session)


# --- versions -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", [5, 99, 32767, -1])
def test_an_unknown_version_of_api_versions_is_answered_in_the_first_form(version: int) -> None:
    frame = b"\0\x12" + version.to_bytes(2, "big", signed=True) + b"\0\0\0\x07anything"
    session = new_session()
    output = feed(session, FakeBroker(), len(frame).to_bytes(4, "big") + frame + heartbeat(8))
    first, second = frames(output)
    correlation_id, response = decode_response(18, 0, first)
    assert (correlation_id, response.error_code) == (7, 35)
    assert [(a.api_key, a.min_version, a.max_version) for a in response.api_keys] == [(18, 0, 4)]
    assert decode_response(12, 0, second)[0] == 8


@pytest.mark.parametrize("version", range(5))
def test_api_versions_tells_the_registry(version: int) -> None:
    fields = {"client_software_name": "a-client", "client_software_version": "1.2"}
    response = ask(FakeBroker(), 18, version, **fields)
    told = {a.api_key: (a.min_version, a.max_version) for a in response.api_keys}
    assert told == {key: (api.announced, api.highest) for key, api in OFFERED.items()}
    assert told[0] == (0, 11)


@pytest.mark.parametrize("name", ["", "-a", "a b", "a\n"])
def test_a_client_whose_name_is_none_is_refused(name: str) -> None:
    fields = {"client_software_name": name, "client_software_version": "1"}
    assert ask(FakeBroker(), 18, 3, **fields).error_code == 42


@pytest.mark.parametrize(
    ("key", "version"), [(0, 2), (0, 12), (1, 17), (12, 5), (68, 1), (24, 4), (27, 0), (-1, 0), (999, 3)]
)
def test_an_unknown_api_or_version_closes_the_connection(key: int, version: int) -> None:
    session = new_session()
    frame = key.to_bytes(2, "big", signed=True) + version.to_bytes(2, "big") + bytes(20)
    assert feed(session, FakeBroker(), len(frame).to_bytes(4, "big") + frame) == b""
    assert "not offered" in closed_because(session)


# --- the refusals -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "data",
    [
        b"\x7f\xff\xff\xff",
        b"\xff\xff\xff\xff",
        b"\0\0\0\0",
        b"\0\0\0\x04\0\x12\0\0",
        b"\0\0\0\x0c\0\x03\0\x01\0\0\0\1\0\x50ab",
        b"\0\0\0\x13" + request(3, 9, 1, topics=[{"name": "t"}])[4:23],
        b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(512),
    ],
    ids=["huge", "negative", "empty", "no-header", "client-id", "cut-body", "http", "tls"],
)
def test_what_is_not_kafka_closes_the_connection_with_a_notice(data: bytes) -> None:
    session, broker = new_session(), FakeBroker()
    assert feed(session, broker, data) == b""
    assert closed_because(session)
    assert broker.asked == []


CUT = b"\0\0\0\x13" + request(3, 9, 1, topics=[{"name": "t"}])[4:23]
UNKNOWN = b"\0\0\0\x08\x03\xe7\0\0\0\0\0\x09"
ENDS = {"frame": b"\xff\xff\xff\xff", "api": UNKNOWN, "body": CUT, "no-ack": produce(9, acks=0, topic="u")}
ends = pytest.mark.parametrize("bad", ENDS.values(), ids=ENDS)


@ends
def test_what_came_before_a_malformed_request_is_answered_and_what_came_after_is_not(bad: bytes) -> None:
    session, broker = new_session(), FakeBroker(t=1)
    run(session, broker, session.receive(heartbeat(1) + produce(2) + fetch(3) + bad + produce(4), NOW))
    assert correlation_ids(b"".join(session.take_output())) == [1, 2, 3]
    assert closed_because(session)
    assert session.receive(produce(5), NOW) == []
    assert session.bytes_in_flight == 0


@ends
def test_the_connection_stays_open_until_what_came_before_is_answered(bad: bytes) -> None:
    session, broker = new_session(), FakeBroker(t=1)
    waiting = session.receive(produce(1) + produce(2) + bad, NOW)
    for ticket, call in waiting[2:]:  # the produce request without acknowledgement
        session.answer(ticket, broker.answer(call))
    for count, (ticket, call) in enumerate(waiting[:2]):
        assert (session.closing, session.take_output()) == (False, [])
        session.receive(heartbeat(7), NOW)
        session.tick(NOW.after(1000))
        more = session.answer(ticket, broker.answer(call))
        assert more == []
        assert len(correlation_ids(b"".join(session.take_output()))) == 1, count
        if count == 0:
            assert not session.closing
    assert closed_because(session)
    assert session.bytes_in_flight == 0


def test_what_waits_for_another_turn_is_answered_before_the_end_too() -> None:
    session, broker = new_session(turn_requests_max=2), FakeBroker(t=1)
    run(session, broker, session.receive(b"".join(map(heartbeat, range(5))) + b"\xff\xff\xff\xff", NOW))
    answered = correlation_ids(b"".join(session.take_output()))
    while session.stalled:
        assert not session.closing
        run(session, broker, session.go_on())
        answered += correlation_ids(b"".join(session.take_output()))
    assert answered == [0, 1, 2, 3, 4]
    assert session.closing


def test_a_request_larger_than_allowed_is_refused_before_it_is_read() -> None:
    session = new_session(request_bytes_max=1000)
    assert session.receive((1001).to_bytes(4, "big"), NOW) == []
    assert "1001 bytes" in closed_because(session)


def test_a_call_that_is_refused_whole_is_refused_for_every_part() -> None:
    broker = FakeBroker(t=2)
    broker.refusing[c.ListOffsets] = Refused(Refusal.SHUTTING_DOWN)
    parts: list[Any] = [{"partition_index": n, "timestamp": -1} for n in range(2)]
    response = ask(broker, 2, 7, topics=[{"name": "t", "partitions": parts}])
    assert [p.error_code for p in response.topics[0].partitions] == [6, 6]


# --- time ---------------------------------------------------------------------------------------------------------


def test_a_silent_connection_is_closed_and_a_waiting_one_is_not() -> None:
    silent, waiting = new_session(idle_s=10), new_session(idle_s=10)
    for session in (silent, waiting):
        session.tick(NOW)
    waiting.receive(fetch(1), NOW)
    for session in (silent, waiting):
        session.tick(NOW.after(9))
        assert not session.closing
        session.tick(NOW.after(11))
    assert (silent.closing, waiting.closing) == (True, False)


def test_a_wall_clock_that_steps_back_closes_nothing() -> None:
    session = new_session(idle_s=10)
    session.receive(heartbeat(1), NOW)
    session.tick(Now(NOW.mono_s + 1, 0))
    assert not session.closing
