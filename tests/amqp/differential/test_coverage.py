"""What the scenarios cover is enough, each covers something of its own, and the published list says the same."""

from tests.amqp.differential import coverage, recorded
from tests.amqp.differential.asking import cut, encode
from tests.amqp.differential.every import DIFFERENCES, EVERY
from tests.amqp.differential.page import PAGE, markdown
from tests.differential.recorded import alone

COUNTED_MIN = 120
"""The issue asks for 80."""


def test_every_scenario_has_its_answers_recorded() -> None:
    assert list(recorded.read()) == sorted(EVERY), "run: make differential"


def test_enough_scenarios_cover_something_that_no_other_does() -> None:
    counted = {name: facts for name, facts in alone(recorded.read()).items() if facts}
    assert len(counted) >= COUNTED_MIN
    every = [fact for facts in counted.values() for fact in facts]
    assert len(every) == len(set(every)), "a fact counts once"


def test_differences_are_of_scenarios_and_have_their_reason() -> None:
    assert DIFFERENCES.keys() <= EVERY.keys()
    assert all(one.reason for one in DIFFERENCES.values())


def test_the_page_is_fresh() -> None:
    assert PAGE.read_text() == markdown(recorded.read()), "run: make differential"


def test_what_is_wrong_with_bytes_is_told_by_the_bytes() -> None:
    assert coverage.described(b"GET / HTTP/1.1") == "no protocol header"
    assert coverage.described(cut(9, 0, b"")) == "a frame of no known type"
    assert coverage.described(encode(1, "channel.open", {})[:-1] + b"\0") == "a frame without its end"
    assert coverage.described(encode(1, "basic.qos", {})) == "basic.qos on channel 1"


def test_facts_leave_names_out() -> None:
    text = "NOT_FOUND - no queue 'orders' in vhost '/'"
    said = ["channel.close", {"reply_code": 404, "reply_text": text, "class_id": 50, "method_id": 10}]
    assert coverage.error(said) == "channel.close 404 NOT_FOUND - no queue … in vhost …"
