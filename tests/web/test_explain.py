"""Plans explained over HTTP: in a process of its own, one at a time."""

import asyncio

import pytest

from penstock.web.api import explain
from tests.sql.test_explain import AS_IT_RUNS, JOINED, SUMMED, TABLES
from tests.web.site import World

pytestmark = pytest.mark.anyio
PATH = "/api/sql/explain"


async def test_a_script_s_plan_is_told_before_and_after_the_rules(here: World) -> None:
    told = await here.send("POST", PATH, {"script": TABLES + JOINED + ";" + SUMMED})
    assert told["running"] == AS_IT_RUNS
    assert told["written"].startswith("Sink sold [print]\n  Project item, name, price")


async def test_a_wrong_script_is_refused_at_its_line(here: World) -> None:
    told = await here.send("POST", PATH, {"script": TABLES + "INSERT INTO sold SELECT nme FROM items"}, 400)
    assert (told["line"], told["column"]) == (8, 25) and "name" in told["remedy"]


async def test_a_body_without_a_script_and_one_too_long_are_refused(here: World) -> None:
    await here.send("POST", PATH, {"sql": "x"}, 400)
    await here.send("POST", PATH, {"script": "-" * 200_001}, 413)


async def test_what_takes_too_long_is_ended(here: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(explain, "ANSWER_S", 0.05)
    told = await here.send("POST", PATH, {"script": TABLES + SUMMED}, 503)
    assert "too long" in told["error"]
    assert here.site.scripts == 0


async def test_more_than_a_few_at_once_are_told_to_come_again(
    here: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(explain, "ANSWER_S", 0.3)
    asked = [here.http.post(PATH, json={"script": TABLES}) for _ in range(explain.SCRIPTS_MAX + 2)]
    answers = await asyncio.gather(*asked)
    busy = [answer for answer in answers if "others" in answer.json()["error"]]
    assert len(busy) == 2 and {answer.status_code for answer in answers} == {503}
