"""What the scenarios cover is enough, each covers something of its own, and the published lists say the same."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.amqp.differential.page import RABBITMQ
from tests.beside.comparison import Comparison, alone
from tests.differential.page import KAFKA

COMPARED = pytest.mark.parametrize("compared", [KAFKA, RABBITMQ], ids=["kafka", "rabbitmq"])


@COMPARED
def test_every_scenario_has_its_answers_recorded(compared: Comparison) -> None:
    assert list(compared.answers.read()) == sorted(compared.every), "run: make differential"


@pytest.mark.parametrize(
    ("compared", "least"), [pytest.param(KAFKA, 75, id="kafka"), pytest.param(RABBITMQ, 120, id="rabbitmq")]
)
def test_enough_scenarios_cover_something_that_no_other_does(compared: Comparison, least: int) -> None:
    counted = {name: facts for name, facts in alone(compared.answers.read()).items() if facts}
    assert len(counted) >= least
    every = [fact for facts in counted.values() for fact in facts]
    assert len(every) == len(set(every)), "a fact counts once"


@COMPARED
def test_differences_are_of_scenarios_and_have_their_reason(compared: Comparison) -> None:
    assert compared.differences.keys() <= compared.every.keys()
    assert all(one.reason for one in compared.differences.values())


@COMPARED
def test_the_page_is_fresh(compared: Comparison) -> None:
    assert compared.page.read_text() == compared.markdown(), "run: make differential"


@COMPARED
def test_what_is_written_is_read_back(compared: Comparison, tmp_path: Path) -> None:
    kept = replace(compared.answers, file=tmp_path / "answers.json")
    kept.write(compared.answers.read())
    assert kept.read() == compared.answers.read()
