"""Logging in over Kafka: PLAIN and SCRAM as clients do it, whole and cut anywhere, and nothing before it is done."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock import calls as c
from penstock.clock import Now
from penstock.errors import Refusal, Refused
from penstock.users.scram import ScramClient, keys_of
from penstock.wire.kafka.codec import decode_response
from penstock.wire.kafka.session import WAITING_BEFORE_LOGIN, KafkaOptions, KafkaSession
from penstock.wire.sasl import Login
from tests.wire.driving import NOW, feed, frames, request
from tests.wire.fake_broker import FakeBroker

HANDSHAKE, AUTHENTICATE, METADATA, VERSIONS = 17, 36, 3, 18
KEYS = {name: keys_of(name, "secret", b"salt", 4096) for name in ("SCRAM-SHA-256", "SCRAM-SHA-512")}
PLAIN = b"\0ada\0secret"


class Asked(FakeBroker):
    """Knows one user, ada, whose password is secret."""

    def answer(self, call: c.Call) -> Any:
        if isinstance(call, c.CheckPassword):
            self.asked.append(call)
            right = (call.user, call.password) == ("ada", "secret")
            return self.refusing.get(c.CheckPassword) or right or Refused(Refusal.LOGIN_FAILED)
        if isinstance(call, c.FindScram):
            return KEYS[call.mechanism]
        if isinstance(call, c.EndLogin):
            self.asked.append(call)
            return None
        return super().answer(call)

    @property
    def ended(self) -> list[tuple[str, str, bool]]:
        return [(q.mechanism, q.user, q.good) for q in self.asked if isinstance(q, c.EndLogin)]


@pytest.fixture
def broker() -> Asked:
    return Asked(t=1)


class Talk:
    """A session that has to log in, and its bytes."""

    def __init__(
        self, broker: FakeBroker, required: bool = True, certified: str = "", **options: Any
    ) -> None:
        self.broker, self.required, self.users = broker, required, {"ada"}
        self.login = Login(
            lambda size: b"n" * size, lambda: self.required, certified, lambda user: user in self.users
        )
        principal = c.Principal(host="10.0.0.1")
        self.session = KafkaSession(
            lambda: ("penstock.test", 9092), principal, KafkaOptions(**options), self.login
        )

    def ask(self, key: int, version: int, **fields: Any) -> Any:
        out = feed(self.session, self.broker, request(key, version, 7, **fields))
        (frame,) = frames(out)
        return decode_response(key, version, frame)[1]

    def handshake(self, mechanism: str, version: int = 1) -> Any:
        return self.ask(HANDSHAKE, version, mechanism=mechanism)

    def token(self, token: bytes, version: int = 2) -> Any:
        return self.ask(AUTHENTICATE, version, auth_bytes=token)

    def enter(self) -> "Talk":
        assert self.handshake("PLAIN").error_code == self.token(PLAIN).error_code == 0
        return self


# --- the plain case ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", [0, 1, 2])
def test_plain(broker: Asked, version: int) -> None:
    talk = Talk(broker)
    found = talk.handshake("PLAIN")
    assert found.error_code == 0 and found.mechanisms == ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")
    found = talk.token(PLAIN, version)
    assert (found.error_code, found.error_message, found.auth_bytes) == (0, None, b"")
    talk.ask(METADATA, 4, topics=[])
    assert broker.asked[-1].principal == c.Principal("ada", "10.0.0.1", "test")


@pytest.mark.parametrize("mechanism", sorted(KEYS))
def test_scram(broker: Asked, mechanism: str) -> None:
    talk, client = Talk(broker), ScramClient(mechanism, "ada", "secret", b"mine")
    talk.handshake(mechanism)
    challenge = talk.token(client.first())
    assert challenge.error_code == 0 and not talk.login.entered
    client.verify(talk.token(client.final(challenge.auth_bytes)).auth_bytes)
    talk.ask(METADATA, 4, topics=[])
    assert broker.asked[-1].principal.name == "ada" and broker.ended == [(mechanism, "ada", True)]


def test_tokens_without_headers_follow_the_first_handshake(broker: Asked) -> None:
    """As librdkafka and old clients do where the server knows no SaslAuthenticate."""
    talk, client = Talk(broker), ScramClient("SCRAM-SHA-512", "ada", "secret", b"mine")
    talk.handshake("SCRAM-SHA-512", 0)

    def bare(token: bytes) -> bytes:
        (frame,) = frames(feed(talk.session, broker, len(token).to_bytes(4, "big") + token))
        return bytes(frame)

    client.verify(bare(client.final(bare(client.first()))))
    assert talk.ask(METADATA, 4, topics=[]).controller_id == 1


def test_a_failed_bare_login_is_a_closed_connection(broker: Asked) -> None:
    talk = Talk(broker)
    talk.handshake("PLAIN", 0)
    assert feed(talk.session, broker, b"\0\0\0\x05\0a\0b\0") == b"" and talk.session.closing


def test_whoever_a_certificate_names_needs_no_password(broker: Asked) -> None:
    talk = Talk(broker, certified="cn of ada")
    talk.ask(METADATA, 4, topics=[])
    assert broker.asked[-1].principal.name == "cn of ada"


def test_where_nobody_must_log_in_one_may(broker: Asked) -> None:
    talk = Talk(broker, required=False)
    talk.ask(METADATA, 4, topics=[])
    assert broker.asked[-1].principal.name == "ANONYMOUS"
    talk.enter().ask(METADATA, 4, topics=[])
    assert broker.asked[-1].principal.name == "ada"


@given(st.data())
def test_a_login_cut_anywhere_is_the_same(data: st.DataObject) -> None:
    broker = Asked(t=1)
    talk = Talk(broker)
    whole = request(VERSIONS, 0, 1) + request(HANDSHAKE, 1, 2, mechanism="PLAIN")
    whole += request(AUTHENTICATE, 2, 3, auth_bytes=PLAIN) + request(METADATA, 4, 4, topics=[])
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=5)))
    out = b""
    for start, end in zip([0, *cuts], [*cuts, len(whole)], strict=True):
        out += feed(talk.session, broker, whole[start:end])
    assert [int.from_bytes(frame[:4], "big") for frame in frames(out)] == [1, 2, 3, 4]
    assert talk.login.user == "ada"


# --- refusals ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", [0, 1, 3, 8, 10, 19, 22])
def test_before_the_login_only_the_login_is_answered(broker: Asked, key: int) -> None:
    talk = Talk(broker)
    assert talk.ask(VERSIONS, 3, client_software_name="a", client_software_version="1").error_code == 0
    assert feed(talk.session, broker, request(key, 4)) == b"" and talk.session.closing
    assert broker.asked == []
    assert "before the login" in talk.session.take_notices()[0].message


def test_users_who_appear_later_shut_out_who_is_not_in(broker: Asked) -> None:
    talk = Talk(broker, required=False)
    talk.ask(METADATA, 4, topics=[])
    talk.required = True
    assert feed(talk.session, broker, request(METADATA, 4, topics=[])) == b"" and talk.session.closing


@pytest.mark.parametrize(
    "token",
    [b"", b"x", b"\0", b"\0\0", b"\0ada\0", b"\0\0secret", b"\0ada\0wrong", b"bob\0ada\0secret", b"\0ada\0secret\0",
     b"\xff\0ada\0secret", b"\0ada\0" + b"x" * 9000],
)  # fmt: skip
def test_every_bad_plain_token_gets_the_same_answer_and_the_end(broker: Asked, token: bytes) -> None:
    talk = Talk(broker)
    talk.handshake("PLAIN")
    found = talk.token(token)
    assert (found.error_code, found.auth_bytes) == (58, b"") and talk.session.closing
    assert found.error_message == "Authentication failed: Invalid username or password"
    told = [q for q in broker.asked if isinstance(q, c.CheckPassword | c.EndLogin)]
    assert len(told) == 1  # each failure is counted, once


@given(st.binary(max_size=100), st.sampled_from(["SCRAM-SHA-256", "SCRAM-SHA-512", "PLAIN"]), st.booleans())
def test_no_garbage_enters(token: bytes, mechanism: str, second: bool) -> None:
    broker = Asked(t=1)
    talk = Talk(broker)
    talk.handshake(mechanism)
    if second and mechanism != "PLAIN":
        talk.token(ScramClient(mechanism, "ada", "secret", b"mine").first())
    found = talk.token(token)
    assert found.error_code == 58 or not talk.login.entered
    assert not talk.login.entered


def test_a_wrong_scram_password_is_told_in_kafkas_words(broker: Asked) -> None:
    talk, client = Talk(broker), ScramClient("SCRAM-SHA-256", "ada", "wrong", b"mine")
    talk.handshake("SCRAM-SHA-256")
    found = talk.token(client.final(talk.token(client.first()).auth_bytes))
    assert found.error_code == 58 and found.error_message.endswith("SASL mechanism SCRAM-SHA-256")
    assert broker.ended == [("SCRAM-SHA-256", "ada", False)] and talk.session.closing


def test_an_unknown_mechanism_is_refused_with_those_there_are(broker: Asked) -> None:
    talk = Talk(broker)
    found = talk.handshake("GSSAPI")
    assert found.error_code == 33 and "PLAIN" in found.mechanisms and talk.session.closing


def test_tokens_need_a_handshake_and_nobody_enters_twice(broker: Asked) -> None:
    talk = Talk(broker)
    assert (
        feed(talk.session, broker, request(AUTHENTICATE, 1, auth_bytes=PLAIN)) == b"" and talk.session.closing
    )
    talk = Talk(broker).enter()
    assert talk.handshake("PLAIN").error_code == 34 and talk.session.closing
    talk = Talk(broker).enter()
    assert talk.token(PLAIN).error_code == 34 and talk.session.closing


def test_a_login_that_is_put_off_is_a_lost_connection(broker: Asked) -> None:
    broker.refusing[c.CheckPassword] = Refused(Refusal.BUSY, "64 logins wait")
    talk = Talk(broker)
    talk.handshake("PLAIN")
    assert (
        feed(talk.session, broker, request(AUTHENTICATE, 1, auth_bytes=PLAIN)) == b"" and talk.session.closing
    )


# --- bounds -----------------------------------------------------------------------------------------------------------


def test_a_large_request_is_taken_only_after_the_login(broker: Asked) -> None:
    announced = (100_000).to_bytes(4, "big")
    talk = Talk(broker)
    feed(talk.session, broker, announced)
    assert talk.session.closing
    talk = Talk(broker).enter()
    feed(talk.session, broker, announced)
    assert not talk.session.closing


def test_who_does_not_log_in_in_time_is_cut_off(broker: Asked) -> None:
    talk = Talk(broker, login_s=30.0)
    for second in range(0, 40, 5):  # it speaks all the time, and says nothing
        feed(talk.session, broker, request(VERSIONS, 0))
        talk.session.tick(Now(NOW.mono_s + second, 0))
        assert talk.session.closing == (second > 30)
    inside = Talk(broker).enter()
    inside.session.tick(NOW)
    inside.session.tick(Now(NOW.mono_s + 100, 0))
    assert not inside.session.closing


def test_a_flood_before_the_login_is_cut_off(broker: Asked) -> None:
    talk = Talk(broker)
    talk.handshake("PLAIN")
    # The password is being checked: nothing behind it begins, and little of it is kept.
    talk.session.receive(request(AUTHENTICATE, 1, auth_bytes=PLAIN), NOW)
    for _ in range(WAITING_BEFORE_LOGIN):
        assert talk.session.receive(request(VERSIONS, 0), NOW) == [] and not talk.session.closing
    talk.session.receive(request(VERSIONS, 0), NOW)
    assert talk.session.closing


# --- users that go ----------------------------------------------------------------------------------------------------


def test_a_removed_users_connection_is_closed(broker: Asked) -> None:
    talk = Talk(broker).enter()
    talk.session.tick(NOW)
    assert not talk.session.closing
    talk.users.clear()
    talk.session.tick(NOW)
    assert talk.session.closing
    assert [notice.message for notice in talk.session.take_notices()] == [
        "closed the connection: the user ada was removed"
    ]


def test_who_was_removed_while_the_password_was_checked_is_closed_too(broker: Asked) -> None:
    talk = Talk(broker)
    talk.users.clear()
    talk.enter().session.tick(NOW)
    assert talk.session.closing


@pytest.mark.parametrize("user", ["ada", "nobody"])
def test_a_certificates_connection_ends_with_the_user_if_there_was_one(broker: Asked, user: str) -> None:
    talk = Talk(broker, certified=user)
    talk.session.tick(NOW)
    talk.users.clear()
    talk.session.tick(NOW)
    assert talk.session.closing == (user == "ada")


def test_who_never_had_to_log_in_stays(broker: Asked) -> None:
    talk = Talk(broker, required=False)
    talk.users.clear()
    talk.session.tick(NOW)
    assert not talk.session.closing
