"""How a connection opens: header, start, tune, open; who may come in, and what ends it before it began."""

import pytest

from penstock.calls import CheckPassword
from penstock.calls.queues import OpenClient
from penstock.content import encode_table
from penstock.users.directory import ANONYMOUS
from penstock.wire.amqp.methods import frame
from penstock.wire.sasl import Login
from tests.amqp.driving import CAPABILITIES, HEADER, NOW, Client, opened, start_ok, tune_ok

OPEN = frame(0, "connection.open", virtual_host="/")
CLOSED = Login(required=lambda: True)


def closed_to(certified: str = "") -> Client:
    return Client(login=Login(required=lambda: True, certified=certified))


def test_a_connection_opens_step_by_step() -> None:
    client = Client()
    ((_, name, start),) = client.step(HEADER)
    assert name == "connection.start"
    assert (start["version_major"], start["version_minor"]) == (0, 9)
    assert start["mechanisms"] == b"PLAIN AMQPLAIN"
    assert start["server_properties"]["capabilities"]["publisher_confirms"] is True
    tune = {"channel_max": 2047, "frame_max": 131072, "heartbeat": 60}
    assert client.step(start_ok()) == [(0, "connection.tune", tune)]
    assert client.step(tune_ok()) == []
    assert client.step(OPEN) == [(0, "connection.open-ok", {"reserved_1": ""})]
    assert client.session.principal.name == "guest"


def test_all_of_it_may_come_at_once() -> None:
    names = [said[1] for said in Client().step(HEADER, start_ok(), tune_ok(), OPEN, frame(1, "channel.open"))]
    assert names == ["connection.start", "connection.tune", "connection.open-ok", "channel.open-ok"]


@pytest.mark.parametrize("said", [b"AMQP\0\0\x09\x02", b"AMQP\x01\x01\x08\0", b"GET / HT", b"\x16\x03"])
def test_another_protocol_is_told_which_one_is_spoken(said: bytes) -> None:
    client = Client()
    assert client.step(said) == [("header", HEADER)]
    assert client.session.closing


def test_a_password_is_checked_where_there_are_users() -> None:
    client = closed_to()
    (_, said) = client.step(HEADER, start_ok(b"\0ada\0right"))
    assert said[1] == "connection.tune"
    assert client.session.principal.name == "ada"
    assert [call for call in client.broker.asked if isinstance(call, CheckPassword)]


def test_penstock_itself_asks_for_others() -> None:
    client = closed_to()
    assert client.step(HEADER, start_ok(b"bob\0penstock\0right"))[1][1] == "connection.tune"
    assert client.session.principal.name == "bob"


def test_nobody_else_does() -> None:
    client = closed_to()
    assert client.step(HEADER, start_ok(b"bob\0penstock\0wrong"))[1][1] == "connection.close"
    assert client.session.principal.name != "bob"


@pytest.mark.parametrize("said", [b"bob\0ada\0right", b"penstock\0ada\0right", b"ada\0ada\0right"])
def test_that_a_user_acts_for_somebody_is_no_login_as_in_rabbitmq(said: bytes) -> None:
    client = closed_to()
    assert client.step(HEADER, start_ok(said))[1:] == [] and client.session.closing
    assert client.session.principal.name == ANONYMOUS
    assert not client.broker.asked


def test_amqplain_is_a_table() -> None:
    client = closed_to()
    table = encode_table({"LOGIN": "ada", "PASSWORD": "right"})[4:]
    assert client.step(HEADER, start_ok(table, "AMQPLAIN"))[1][1] == "connection.tune"
    assert client.session.principal.name == "ada"


def test_external_is_for_who_has_shown_a_certificate() -> None:
    client = closed_to(certified="ada")
    ((_, _, start),) = client.step(HEADER)
    assert start["mechanisms"] == b"PLAIN AMQPLAIN EXTERNAL"
    assert client.step(start_ok(b"", "EXTERNAL"))[0][1] == "connection.tune"
    assert client.session.principal.name == "ada"


def test_external_without_a_certificate_hangs_up() -> None:
    client = closed_to()
    assert client.step(HEADER, start_ok(b"", "EXTERNAL"))[1:] == []
    assert client.session.closing


@pytest.mark.parametrize("login", [None, Login(required=lambda: True)], ids=["no users", "users"])
def test_a_wrong_password_is_told_to_who_wants_to_know(login: Login | None) -> None:
    client = Client(login=login)
    (_, (channel, name, close)) = client.step(HEADER, start_ok(b"\0guest\0wrong"))
    assert (channel, name, close["reply_code"], close["class_id"]) == (0, "connection.close", 403, 0)
    assert close["reply_text"] == (
        "ACCESS_REFUSED - Login was refused using authentication mechanism PLAIN. "
        "For details see the broker logfile."
    )
    assert not client.session.closing
    client.step(frame(0, "connection.close-ok"))
    assert client.session.closing
    assert client.lose() == []


def test_a_wrong_password_hangs_up_on_others() -> None:
    client = Client()
    assert len(client.step(HEADER, start_ok(b"\0guest\0wrong", authentication_failure_close=False))) == 1
    assert client.session.closing


@pytest.mark.parametrize(
    "said",
    [
        start_ok(b"\0guest\0guest", "FOO"),
        start_ok(b"guest"),
        start_ok(b"\0\0\0\x05x", "AMQPLAIN"),
        tune_ok(),
        OPEN,
        frame(1, "channel.open"),
        frame(0, "connection.tune"),
        b"\x09\0\0\0\0\0\0\xce",
        b"\x01\0\0\0\0\0\x04\0\x0a\0\x0b\0",
        b"\x01\0\0\0\0\xff\xff\0",
    ],
)
def test_what_is_out_of_order_before_the_login_hangs_up(said: bytes) -> None:
    client = Client()
    client.step(HEADER)
    assert client.step(said) == []
    assert client.session.closing
    assert client.session.take_notices()
    assert client.broker.asked == []


@pytest.mark.parametrize(
    "tuned",
    [
        tune_ok(frame_max=100),
        tune_ok(frame_max=200000),
        tune_ok(frame_max=0),
        tune_ok(channel_max=5000),
        tune_ok(channel_max=0),
    ],
)
def test_limits_beyond_the_server_s_hang_up(tuned: bytes) -> None:
    client = Client()
    assert len(client.step(HEADER, start_ok(), tuned, OPEN)) == 2
    assert client.session.closing


def test_a_virtual_host_that_is_not_there_is_told() -> None:
    client = Client()
    client.step(HEADER, start_ok(), tune_ok())
    close = {
        "reply_code": 530,
        "reply_text": "NOT_ALLOWED - vhost nope not found",
        "class_id": 10,
        "method_id": 40,
    }
    assert client.step(frame(0, "connection.open", virtual_host="nope")) == [(0, "connection.close", close)]
    assert client.lose() == []


def test_the_client_says_what_it_is_called() -> None:
    client = Client()
    said = {"capabilities": CAPABILITIES, "connection_name": "mailer"}
    start = frame(
        0, "connection.start-ok", client_properties=said, mechanism="PLAIN", response=b"\0guest\0guest"
    )
    client.step(HEADER, start, tune_ok(), OPEN)
    (entered,) = [call for call in client.broker.asked if isinstance(call, OpenClient)]
    assert entered.name == entered.principal.client_id == "mailer"


def test_who_sends_too_much_before_the_connection_is_open_is_cut_off() -> None:
    client = closed_to()
    client.session.receive(HEADER + start_ok(b"\0ada\0right"), NOW)  # the password is being checked
    client.session.receive(tune_ok(), NOW)
    assert not client.session.closing
    client.session.receive(bytes(70_000), NOW)
    assert client.session.closing


def test_a_connection_that_is_not_opened_in_time_is_cut_off() -> None:
    client = Client()
    client.step(HEADER)
    assert not client.session.tick(NOW)
    client.session.tick(NOW.after(9))
    assert not client.session.closing
    assert client.session.tick(NOW.after(11))
    assert client.session.closing


def test_a_guest_must_go_when_users_come() -> None:
    closed = False
    client = Client(login=Login(required=lambda: closed))
    client.step(HEADER, start_ok(), tune_ok(), OPEN)
    client.session.tick(NOW)
    closed = True
    assert client.session.tick(NOW)
    assert client.session.closing
    assert b"CONNECTION_FORCED" in b"".join(client.session.take_output())
    assert len(client.lose()) == 1


def test_the_broker_lets_go_of_who_is_gone_once() -> None:
    client = opened()
    assert [type(call).__name__ for call in client.lose()] == ["CloseClient"]
    assert client.lose() == []
