"""Tasks under `app.test`: no server, no sleep, time by hand."""

import asyncio
from typing import Any

import pytest

from penstock import App, Retry
from penstock.dead_letters import FAILED, REFUSED
from penstock.errors import PenstockError


def test_a_task_runs_when_it_is_sent_and_later_when_it_is_due() -> None:
    app, welcomed = App("shop"), list[str]()

    @app.task(queue="emails")
    async def welcome(user: str) -> None:
        welcomed.append(user)

    with app.test() as t:
        welcome.send("ada")
        assert welcomed == ["ada"]
        welcome.send_later("1h", "grace")
        t.advance("59 min")
        assert (welcomed, t.waiting("emails")) == (["ada"], 1)
        t.advance("1 min")
        assert (welcomed, t.waiting("emails")) == (["ada", "grace"], 0)


def test_a_failing_task_is_tried_again_after_each_wait_and_then_given_up_with_its_reason() -> None:
    app, tried = App("shop"), list[str]()

    @app.task(queue="emails", retry=Retry("5s", "1m", dead_letter="emails.dlq"))
    def welcome(user: str) -> None:
        tried.append(t.now.isoformat()[11:])
        raise OSError("no mail today")

    with app.test(start="2026-01-01T00:00:00Z") as t:
        welcome.send("ada")
        assert t.waiting("emails") == 1
        t.advance("5s")
        assert t.letters("emails.dlq") == []
        t.advance("1m")
        (letter,) = t.letters("emails.dlq")
    assert len(tried) == 3
    assert (letter.reason, letter.failing.kind, letter.failing.message) == (
        FAILED,
        "OSError",
        "no mail today",
    )
    assert (letter.attempts, letter.origin.queue, letter.owner) == (3, "emails", "welcome")
    assert letter.last_ms - letter.first_ms == 65_000
    assert letter.value == b'{"args":["ada"],"kwargs":{}}'


def test_what_another_attempt_does_not_mend_is_given_up_at_once() -> None:
    app = App("shop")

    @app.task(queue="emails", retry=Retry("5s", fatal=(ValueError,)))
    async def welcome(user: str) -> None:
        raise ValueError(user)

    with app.test() as t:
        welcome.send("ada")
        (letter,) = t.letters("emails.dlq")
        assert (letter.reason, letter.attempts, t.waiting("emails")) == (REFUSED, 1, 0)


def test_tasks_send_tasks_and_results_are_rows_of_pipelines() -> None:
    app = App("shop")

    @app.task(queue="sums", result="sums.done")
    def add(a: int, b: int) -> dict[str, int]:
        return {"sum": a + b}

    @app.task(queue="starts")
    async def start(upto: int) -> None:
        for number in range(upto):
            await add.send(number, b=1)

    app.topic("sums.done", {"sum": int}).to("all_sums")
    with app.test() as t:
        asyncio.run(_awaited(start, 3))
        assert [row["sum"] for row in t.results("sums.done")] == [1, 2, 3]
        assert t.read("all_sums") == [(1,), (2,), (3,)]


async def _awaited(task: Any, *args: Any) -> None:
    await task.send(*args)


def test_wrong_arguments_and_wrong_declarations_are_refused_when_they_are_made() -> None:
    app = App("shop")

    @app.task(queue="emails")
    def welcome(user: str) -> str:
        return user

    assert welcome("ada") == "ada"
    for wrong in (welcome.send, lambda: welcome.send("ada", to=1), lambda: welcome.send(object())):  # type: ignore[call-arg, arg-type]
        with pytest.raises(PenstockError):
            wrong()
    for words in ({"queue": ""}, {"queue": "q", "concurrency": -1}, {"queue": "q", "time_limit": "1s"}):
        with pytest.raises(PenstockError):
            app.task(name="other", **words)(lambda: None)  # type: ignore[arg-type]
    with pytest.raises(PenstockError, match="already"):
        app.task(queue="x", name="welcome")(lambda: None)
