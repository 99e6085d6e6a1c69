"""Passwords are checked away from the loop; failures look alike, come late, and are told of without flooding the log."""

import pytest

from penstock.broker.access.logins import FAILURE_S, WAITING_MAX
from penstock.broker.turns.seldom import NOTICE_S
from penstock.calls import CheckPassword, EndLogin, FindScram, Principal
from penstock.errors import Refusal, Refused
from penstock.later import Later
from penstock.users.directory import Directory, User
from penstock.users.passwords import hash_password
from penstock.users.scram import keys_of

from .bench import Table, answer_of

WHO = Principal("", "10.0.0.7")
HASH = hash_password("secret", b"s" * 16)
KEYS = keys_of("SCRAM-SHA-256", "secret", b"salt" * 4, 4096)
NOBODY = ("nobody", "secret")


@pytest.fixture
def table() -> Table:
    made = Table()
    ada = User("ada", password=HASH, scram={"SCRAM-SHA-256": KEYS})
    made.broker.use_users(Directory({"ada": ada, "cert": User("cert")}))
    return made


def work(table: Table) -> int:
    """Do what a thread would; how much there was."""
    todo = table.broker.take_work()
    for one in todo:
        one.done(one.run(), table.now)
    return len(todo)


def test_a_right_password_is_checked_once_and_then_known(table: Table) -> None:
    asked = table.broker.answer(CheckPassword(WHO, "ada", "secret"), table.now)
    assert isinstance(asked, Later) and not asked.done
    assert work(table) == 1 and answer_of(asked) is True
    assert table.broker.answer(CheckPassword(WHO, "ada", "secret"), table.now) is True
    assert work(table) == 0


def test_a_changed_password_is_checked_anew(table: Table) -> None:
    table.broker.answer(CheckPassword(WHO, "ada", "secret"), table.now)
    work(table)
    table.broker.use_users(Directory({"ada": User("ada", password=hash_password("other", b"t" * 16))}))
    asked = table.broker.answer(CheckPassword(WHO, "ada", "secret"), table.now)
    assert isinstance(asked, Later) and work(table) == 1
    table.later(FAILURE_S)
    assert answer_of(asked).reason is Refusal.LOGIN_FAILED


@pytest.mark.parametrize(("user", "password"), [("ada", "wrong"), NOBODY, ("cert", ""), ("", "")])
def test_every_failure_costs_a_check_comes_late_and_says_the_same(
    table: Table, user: str, password: str
) -> None:
    asked = table.broker.answer(CheckPassword(WHO, user, password), table.now)
    assert isinstance(asked, Later) and work(table) == 1
    table.later(FAILURE_S - 0.1)
    assert not asked.done
    table.later(0.2)
    assert answer_of(asked) == Refused(Refusal.LOGIN_FAILED)
    assert table.broker.measures()["penstock_failed_logins_total"] == 1


def test_too_many_at_once_are_told_to_come_back(table: Table) -> None:
    for _ in range(WAITING_MAX):
        table.broker.answer(CheckPassword(WHO, *NOBODY), table.now)
    refused = table.broker.answer(CheckPassword(WHO, "ada", "secret"), table.now)
    assert isinstance(refused, Refused) and refused.reason is Refusal.BUSY
    for one in table.broker.take_work():
        one.done(False, table.now)
    assert isinstance(table.broker.answer(CheckPassword(WHO, "ada", "secret"), table.now), Later)


def test_who_was_let_in_before_is_let_in_while_others_guess(table: Table) -> None:
    table.broker.answer(CheckPassword(WHO, "ada", "secret"), table.now)
    work(table)
    for _ in range(WAITING_MAX):
        table.broker.answer(CheckPassword(WHO, *NOBODY), table.now)
    assert table.broker.answer(CheckPassword(WHO, "ada", "secret"), table.now) is True


def test_a_thousand_failures_are_a_few_lines_in_the_log(table: Table) -> None:
    for _ in range(1000):
        table.broker.answer(EndLogin(WHO, "SCRAM-SHA-256", "eve\n", False), table.now)
        table.later(0.02)
    notices = table.broker.take_notices()
    assert notices[0] == "a login failed: 'eve\\n' from 10.0.0.7 by SCRAM-SHA-256"
    assert 2 <= len(notices) <= 1000 * 0.02 / NOTICE_S + 1
    assert "logins failed, the last one: 'eve" in notices[1]


def test_a_good_login_is_not_slowed_down(table: Table) -> None:
    assert table.broker.answer(EndLogin(WHO, "SCRAM-SHA-256", "ada", True), table.now) is None
    assert table.broker.measures()["penstock_logins_total"] == 1


def test_nobody_has_keys_too_and_the_same_salt_each_time(table: Table) -> None:
    assert table.ask(FindScram(WHO, "SCRAM-SHA-256", "ada")) == KEYS
    one, other = (table.ask(FindScram(WHO, "SCRAM-SHA-512", "nobody")) for _ in range(2))
    assert one.salt == other.salt and one.iterations == other.iterations
    assert len(one.stored_key) == 64 and one.stored_key != other.stored_key
    assert table.ask(FindScram(WHO, "SCRAM-SHA-512", "somebody")).salt != one.salt
    assert table.ask(FindScram(WHO, "SCRAM-MD5", "ada")).reason is Refusal.UNSUPPORTED


def test_a_password_does_not_stand_in_a_calls_text() -> None:
    assert "secret" not in repr(CheckPassword(WHO, "ada", "secret"))
    assert HASH not in repr(User("ada", password=HASH))
