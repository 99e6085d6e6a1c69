"""`Retry`: which wait follows which attempt, what is given up at once, and what cannot be meant."""

from datetime import timedelta

import pytest

from penstock.consumer.failures import failing_of, trace_of
from penstock.consumer.names import names_of, settings_of
from penstock.errors import PenstockError
from penstock.retries import Retry, short


def test_the_waits_follow_one_another_and_the_last_serves_for_the_rest() -> None:
    retry = Retry("5s", "1m", timedelta(minutes=10), max_attempts=5)
    assert retry.waits_ms == (5000, 60_000, 600_000)
    assert [retry.tier(attempts) for attempts in range(1, 6)] == [0, 1, 2, 2, None]


def test_by_default_there_is_one_attempt_more_than_waits() -> None:
    assert Retry("5s", "1m").max_attempts == 3
    assert Retry().tier(1) is None


def test_jitter_makes_a_wait_longer_by_up_to_its_share() -> None:
    retry = Retry("10s", jitter=0.2)
    assert [retry.wait_ms(0, chance) for chance in (0.0, 0.5, 1.0)] == [10_000, 11_000, 12_000]
    assert Retry("10s", jitter=0).wait_ms(0, 1.0) == 10_000


def test_fatal_exceptions_and_their_children_are_given_up() -> None:
    retry = Retry("1s", fatal=(LookupError,))
    assert retry.gives_up(KeyError("k"))
    assert not retry.gives_up(ValueError("v"))


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (lambda: Retry("5 parsecs"), "not a duration"),
        (lambda: Retry("31d"), "30 days"),
        (lambda: Retry("0s"), "a wait of 0 ms"),
        (lambda: Retry("1s", max_attempts=0), "max_attempts"),
        (lambda: Retry("1s", max_attempts=1001), "max_attempts"),
        (lambda: Retry(max_attempts=3), "without a wait"),
        (lambda: Retry("1s", jitter=1.5), "jitter"),
        (lambda: Retry("1s", fatal=("ValueError",)), "not a class"),
        (lambda: Retry("1s", fatal=(KeyboardInterrupt,)), "not a class"),
        (lambda: Retry(*["1s"] * 17), "at most 16"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_a_remedy(made: object, said: str) -> None:
    with pytest.raises(PenstockError, match=said) as refused:
        made()  # type: ignore[operator]
    assert refused.value.remedy


@pytest.mark.parametrize(
    ("wait_ms", "written"),
    [(5000, "5s"), (60_000, "1m"), (90_000, "90s"), (1500, "1500ms"), (3_600_000, "1h"), (86_400_000, "1d")],
)
def test_waits_are_named_in_the_largest_whole_unit(wait_ms: int, written: str) -> None:
    assert short(wait_ms) == written


def test_topics_are_named_after_the_topic_and_each_wait_that_is_used() -> None:
    names = names_of("orders", Retry("5s", "1m", "10m", max_attempts=3), keep_order=True)
    assert names.all == ("orders", "orders.retry.5s", "orders.retry.1m", "orders.retry.held")
    assert names.dead == "orders.dlq"
    assert names_of("orders", Retry("5s", dead_letter="dead"), keep_order=False).all == (
        "orders",
        "orders.retry.5s",
    )
    assert names_of("orders", None, keep_order=True).all == ("orders",)


def test_equal_waits_have_topics_of_their_own() -> None:
    names = names_of("t", Retry("5s", "5s", "5s"), keep_order=False)
    assert len(set(names.tiers)) == 3


def test_a_name_that_gets_too_long_is_refused() -> None:
    with pytest.raises(PenstockError, match="too long"):
        names_of("t" * 245, Retry("5s"), keep_order=True)


@pytest.mark.parametrize("dead", ["t", "t.retry.5s", "t.retry.held"])
def test_dead_letters_that_would_be_consumed_again_are_refused(dead: str) -> None:
    with pytest.raises(PenstockError, match="consumed again"):
        names_of("t", Retry("5s", dead_letter=dead), keep_order=True)


def test_retries_outlast_their_waits_and_dead_letters_stay() -> None:
    retry = Retry("1d", "30d")
    made = settings_of(retry, {"max.message.bytes": "1000"}, dead=False)
    assert int(made["retention.ms"]) > 31 * 86_400_000
    assert int(made["max.message.bytes"]) > 1000
    assert settings_of(retry, {}, dead=True)["retention.ms"] == "-1"


def raised(cause: bool) -> Exception:
    try:
        try:
            raise KeyError("inner")
        except KeyError as inner:
            raise ValueError("outer") from (inner if cause else None)
    except ValueError as error:
        return error


def test_a_trace_says_where_and_why_and_what_caused_it() -> None:
    failing = failing_of(raised(True), "shop.charge")
    assert (failing.kind, failing.message, failing.function) == ("ValueError", "outer", "shop.charge")
    assert "KeyError: 'inner'" in failing.trace
    try:
        raise LookupError("plain")
    except LookupError as error:
        plain = trace_of(error)
    assert plain.startswith("Traceback (most recent call last):")
    assert 'raise LookupError("plain")' in plain
    assert plain.endswith("LookupError: plain\n")
    assert trace_of(ValueError("never raised")) == "ValueError: never raised\n"


def test_the_trace_of_a_group_tells_all_that_is_in_it() -> None:
    failing = failing_of(ExceptionGroup("tasks", [ValueError("first"), KeyError("second")]), "f")
    assert failing.message == "tasks (2 sub-exceptions)"
    assert "ValueError: first" in failing.trace
    assert "KeyError: 'second'" in failing.trace


def test_an_exception_that_cannot_say_what_it_is_is_told_as_python_tells_it() -> None:
    class MuteError(Exception):
        def __str__(self) -> str:
            raise RuntimeError("not even this")

    failing = failing_of(MuteError(), "f")
    assert failing.message == "<exception str() failed>"
    assert "MuteError" in failing.trace
