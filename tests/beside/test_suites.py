"""What is known of clients' own suites is told, and each difference has its reason."""

import pytest

from tests.amqp.suites.__main__ import RABBITMQ
from tests.beside.allowed import Suites
from tests.compatibility.suites.__main__ import KAFKA

SUITES = pytest.mark.parametrize("suites", [KAFKA, RABBITMQ], ids=lambda suites: suites.real)


@SUITES
def test_what_fails_here_and_not_there_has_a_reason(suites: Suites) -> None:
    assert suites.unexplained() == []


@SUITES
def test_the_page_is_fresh(suites: Suites) -> None:
    assert suites.page.read_text() == suites.markdown(), "run: make compatibility"
