"""What a dead letter looks like as a record, whoever wrote it: penstock, Kafka Connect, RabbitMQ, or nobody known."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from penstock.dead_letters import (
    FAILED,
    OMITTED,
    UNDECODABLE,
    DeadLetter,
    Failing,
    Mould,
    Origin,
    fitting,
    of_record,
    of_x_death,
    redrives_of,
    without_marks,
)
from penstock.record import Record, decode, encode, packed

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
TIMES = st.integers(0, 2**45)
HEADERS = st.lists(st.tuples(st.sampled_from(["trace", "h"]), st.none() | st.binary(max_size=5)), max_size=3)
LETTERS = st.builds(
    DeadLetter,
    st.none() | st.binary(max_size=9),
    st.none() | st.binary(max_size=9),
    HEADERS.map(tuple),
    st.builds(Origin, TEXTS, st.integers(-1, 99), st.integers(-1, 2**50), st.integers(-1, 2**45), TEXTS, TEXTS, TEXTS),
    st.sampled_from([FAILED, UNDECODABLE, "expired"]),
    st.builds(Failing, TEXTS, TEXTS, TEXTS, st.sampled_from(["TASK_PUT", "TRANSFORMATION"]), TEXTS),
    TEXTS,
    st.integers(0, 999),
    st.integers(1, 2**45),
    st.integers(1, 2**45),
    TIMES,
    st.integers(0, 99),
    TEXTS,
    TEXTS,
)  # fmt: skip


@given(LETTERS)
def test_a_letter_written_as_a_record_reads_as_it_was(letter: DeadLetter) -> None:
    record = letter.record(5)
    assert of_record(record) == letter
    assert without_marks(record.headers) == letter.headers
    assert redrives_of(record.headers) == letter.redrives


@given(LETTERS, st.integers(0, 2**50), st.integers(-1, 2**45), st.integers(0, 9))
def test_letters_of_one_mould_read_as_if_each_were_written_by_itself(
    letter: DeadLetter, offset: int, timestamp_ms: int, redrives: int
) -> None:
    common = replace(letter, origin=letter.origin._replace(offset=-1, timestamp_ms=-1), redrives=0)
    origin = letter.origin._replace(offset=offset, timestamp_ms=timestamp_ms)
    marks = Mould(common).marks(offset, timestamp_ms, redrives)
    (written,) = decode(encode([packed(letter.key, letter.value, letter.headers, 5, *marks)]))
    assert of_record(written) == replace(letter, origin=origin, redrives=redrives)
    assert redrives_of(written.headers) == redrives


@given(
    st.lists(
        st.tuples(
            TEXTS.map("__connect.errors.".__add__) | TEXTS.map("penstock.letter.".__add__),
            st.none() | st.binary(),
        )
    )
)
def test_whatever_headers_say_a_letter_can_be_looked_at(headers: list[tuple[str, bytes | None]]) -> None:
    letter = of_record(Record(b"k", b"v", 7, tuple(headers)))
    assert (letter.key, letter.value) == (b"k", b"v")


def test_numbers_that_are_none_read_as_unknown() -> None:
    for text in (b"\xff", b"many", b"--1", b"1" * 40, "٣".encode(), b""):
        headers = (("penstock.letter.attempts", text), ("__connect.errors.offset", text))
        letter = of_record(Record(None, None, 7, headers))
        assert (letter.attempts, letter.origin.offset) == (1, -1)


def test_kafka_connect_s_own_letters_are_read_with_a_reason_by_their_stage() -> None:
    headers = (
        ("__connect.errors.topic", b"orders"), ("__connect.errors.partition", b"2"),
        ("__connect.errors.offset", b"77"), ("__connect.errors.connector.name", b"sink"),
        ("__connect.errors.stage", b"VALUE_CONVERTER"),
        ("__connect.errors.exception.class.name", b"org.apache.kafka.connect.errors.DataException"),
        ("__connect.errors.exception.message", b"no schema"),
    )  # fmt: skip
    letter = of_record(Record(b"k", b"v", 1234, headers))
    assert str(letter.origin) == "orders-2@77"
    assert letter.group_key == ("undecodable", "org.apache.kafka.connect.errors.DataException", "sink")
    assert (letter.first_ms, letter.attempts) == (1234, 1)
    put = of_record(Record(b"k", b"v", 1, (("__connect.errors.stage", b"TASK_PUT"),)))
    assert put.reason == "failed"


def test_a_record_without_any_header_is_a_letter_of_unknown_origin() -> None:
    letter = of_record(Record(b"k", b"v", 9))
    assert (letter.reason, str(letter.origin), letter.owner) == ("failed", "", "")


def test_rabbitmq_s_x_death_says_where_a_message_was_first_and_how_often_it_died() -> None:
    deaths = [
        {"reason": "expired", "queue": "wait", "exchange": "", "routing-keys": ["wait"], "count": 3, "time": 20},
        {"reason": "rejected", "queue": "orders", "exchange": "shop", "routing-keys": ["new"], "count": 3, "time": 10},
    ]  # fmt: skip
    headers = {"x-death": deaths, "x-first-death-queue": "orders", "tenant": "a", "n": 5}
    letter = of_x_death(b"body", headers, deaths, 99)
    assert str(letter.origin) == "queue orders"
    assert (letter.origin.exchange, letter.origin.routing_key) == ("shop", "new")
    assert (letter.reason, letter.owner, letter.attempts) == ("expired", "wait", 6)
    assert (letter.first_ms, letter.last_ms) == (10_000, 20_000)
    assert letter.headers == (("tenant", b"a"), ("n", b"5"))
    assert of_record(letter.record(1)) == letter


def test_a_letter_that_is_too_large_loses_its_stack_trace_first_and_then_its_value() -> None:
    letter = DeadLetter(b"k", b"v" * 1000, failing=Failing("E", "m", "t" * 5000), origin=Origin("t", 0, 1))
    record = letter.record(1)
    assert fitting(record, 100_000) is record
    shorter = fitting(record, 3000)
    assert (of_record(shorter).value, of_record(shorter).failing.trace) == (b"v" * 1000, "")
    least = fitting(record, 800)
    assert (least.key, least.value) == (None, None)
    assert dict(least.headers)[OMITTED] == b"1000"
    assert str(of_record(least).origin) == "t-0@1"
