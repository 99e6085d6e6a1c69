"""What the scenarios cover is enough, each covers something of its own, and the published list says the same."""

from tests.differential import coverage, recorded
from tests.differential.every import DIFFERENCES, EVERY
from tests.differential.page import PAGE, markdown

COUNTED_MIN = 75
"""The issue asks for 60."""


def test_every_scenario_has_its_answers_recorded() -> None:
    assert list(recorded.read()) == sorted(EVERY), "run: make differential"


def test_enough_scenarios_cover_something_that_no_other_does() -> None:
    counted = {name: facts for name, facts in recorded.alone(recorded.read()).items() if facts}
    assert len(counted) >= COUNTED_MIN
    every = [fact for facts in counted.values() for fact in facts]
    assert len(every) == len(set(every)), "a fact counts once"


def test_differences_are_of_scenarios_and_have_their_reason() -> None:
    assert DIFFERENCES.keys() <= EVERY.keys()
    assert all(one.reason for one in DIFFERENCES.values())


def test_the_page_is_fresh() -> None:
    assert PAGE.read_text() == markdown(recorded.read()), "run: make differential"


def test_facts_are_of_the_answer() -> None:
    answer = {"topics": [{"partitions": [{"error_code": 3}, {"error_code": 0}]}]}
    assert coverage.facts(8, {}, answer) == {"OffsetCommit: UNKNOWN_TOPIC_OR_PARTITION", "OffsetCommit: NONE"}
    assert coverage.facts(16, {}, {"groups": []}) == {"ListGroups: NONE"}
    assert coverage.facts(3, {}, None) == {"Metadata: the connection is closed"}
    assert coverage.raw(b"\xff\xff\xff\xfb", None) == "a frame of negative bytes: the connection is closed"
