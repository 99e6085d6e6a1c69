"""SCRAM: the transcripts of RFC 5802 and RFC 7677, both sides against each other, and against liars."""

import base64
import hashlib
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from penstock.users import passwords, scram
from penstock.users.scram import HASHES, ScramClient, ScramError, ScramServer, keys_of

RFC_7677 = (
    b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO",
    b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
    b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
    b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
)
RFC_5802 = (
    b"n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL",
    b"r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
    b"c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
    b"v=rmF9pqV8S7suAoZWja4dJRkFsKQ=",
)
TRANSCRIPTS = [("SCRAM-SHA-256", RFC_7677), ("SCRAM-SHA-1", RFC_5802)]


@pytest.fixture(params=TRANSCRIPTS, ids=["RFC 7677", "RFC 5802"])
def said(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setitem(HASHES, "SCRAM-SHA-1", "sha1")  # not offered; the RFC's own example uses it
    return request.param


def nonce_of(message: bytes) -> str:
    return message.decode().split("r=")[1].split(",")[0]


def test_the_server_answers_the_rfcs_client(said: Any) -> None:
    mechanism, (first, challenge, final, proof) = said
    fields = dict(part.split("=", 1) for part in challenge.decode().split(","))
    keys = keys_of(mechanism, "pencil", base64.b64decode(fields["s"]), int(fields["i"]))
    server = ScramServer(mechanism, b"")
    server._nonce = nonce_of(challenge).removeprefix(nonce_of(first))
    assert server.first(first) == "user"
    assert server.challenge(keys) == challenge
    assert server.final(final) == proof


def test_the_client_answers_the_rfcs_server(said: Any) -> None:
    mechanism, (first, challenge, final, proof) = said
    client = ScramClient(mechanism, "user", "pencil", b"")
    client._nonce = nonce_of(first)
    client._bare = f"n=user,r={client._nonce}"
    assert client.first() == first
    assert client.final(challenge) == final
    client.verify(proof)
    with pytest.raises(ScramError, match="does not prove"):
        client.verify(b"v=" + base64.b64encode(bytes(32)))


NAME = st.text(st.characters(exclude_categories=("C",)), min_size=1, max_size=20)


@given(st.sampled_from(sorted(HASHES)), NAME, st.text(max_size=20), st.binary(min_size=1, max_size=20))
@example("SCRAM-SHA-512", "a=b,c", "=,", b"x")
def test_both_sides_agree_on_every_name_and_password(
    mechanism: str, user: str, password: str, nonce: bytes
) -> None:
    keys = keys_of(mechanism, password, b"salt", 4096)
    client, server = ScramClient(mechanism, user, password, nonce), ScramServer(mechanism, b"server")
    assert server.first(client.first()) == user
    client.verify(server.final(client.final(server.challenge(keys))))


def talk(password: str = "right") -> tuple[ScramClient, ScramServer, bytes]:
    client, server = ScramClient("SCRAM-SHA-256", "ada", password, b"c"), ScramServer("SCRAM-SHA-256", b"s")
    server.first(client.first())
    return client, server, client.final(server.challenge(keys_of("SCRAM-SHA-256", "right", b"salt", 4096)))


def test_an_old_librdkafka_that_says_its_part_of_the_nonce_twice_is_refused() -> None:
    class Old(ScramClient):
        def final(self, challenge: bytes) -> bytes:
            nonce = nonce_of(challenge)
            said = super().final(challenge).decode().rpartition(",p=")[0]
            twice = said.replace(nonce, self._nonce + nonce)
            auth = f"{self._bare},{challenge.decode()},{twice}".encode()
            salted = hashlib.pbkdf2_hmac("sha256", b"right", b"salt", 4096)
            key = scram.hmac.digest(salted, b"Client Key", "sha256")
            signed = scram.hmac.digest(hashlib.sha256(key).digest(), auth, "sha256")
            proof = bytes(a ^ b for a, b in zip(key, signed, strict=True))
            return f"{twice},p={base64.b64encode(proof).decode()}".encode()

    client, server = Old("SCRAM-SHA-256", "ada", "right", b"c"), ScramServer("SCRAM-SHA-256", b"s")
    server.first(client.first())
    final = client.final(server.challenge(keys_of("SCRAM-SHA-256", "right", b"salt", 4096)))
    with pytest.raises(ScramError, match="another login"):
        server.final(final)


def test_a_wrong_password_proves_nothing() -> None:
    _, server, final = talk("wrong")
    with pytest.raises(ScramError, match="password is wrong"):
        server.final(final)


@given(st.data())
def test_no_changed_proof_is_taken(data: st.DataObject) -> None:
    _, server, final = talk()
    place = data.draw(st.integers(0, len(final) - 1))
    changed = final[:place] + bytes([final[place] ^ data.draw(st.integers(1, 127))]) + final[place + 1 :]
    with pytest.raises(ScramError):
        server.final(changed)


def test_a_proof_has_one_form() -> None:
    """The last letter before the sign has two bits that no byte holds."""
    _, server, final = talk()
    letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    other = letters[letters.index(final[-2]) ^ 1]
    assert base64.b64decode(final[-44:-2] + bytes([other]) + b"=") == base64.b64decode(final[-44:])
    with pytest.raises(ScramError, match="canonical"):
        server.final(final[:-2] + bytes([other]) + b"=")


@pytest.mark.parametrize("proof", [b"", b"AAAA", b"A" * 44, base64.b64encode(bytes(33))])
def test_a_proof_of_another_length_proves_nothing(proof: bytes) -> None:
    _, server, final = talk()
    with pytest.raises(ScramError):
        server.final(final[: final.index(b",p=") + 3] + proof)


@given(st.binary(max_size=200))
@example(b"p=tls-unique,,n=ada,r=x")
@example(b"n,a=bob,n=ada,r=x")
@example(b"n,,n=ada,r=x,tokenauth=true")
@example(b"n,,m=ext,n=ada,r=x")
@example(b"n,,n=a=zz,r=x")
@example(b"n,,n=,r=x")
@example(b"n,,n=ada,r=")
@example(b"n,,n=" + b"a" * 5000 + b",r=x")
@example(b"n,,n=a,r=x" + b",a=b" * 900 + b",!")
def test_what_is_no_first_message_is_refused(message: bytes) -> None:
    with pytest.raises(ScramError):
        ScramServer("SCRAM-SHA-256", b"s").first(message)


@pytest.mark.parametrize(
    "challenge",
    [b"", b"e=other-error", b"r=bad,s=AAAA,i=4096", b"r=Yw==,s=AAAA,i=4096", b"r=Yw==x,s=AAAA,i=4095",
     b"r=Yw==x,s=AAAA,i=9999999", b"r=Yw==x,s=A,i=4096", b"\xff"],
)  # fmt: skip
def test_the_client_takes_no_weak_and_no_foreign_challenge(challenge: bytes) -> None:
    with pytest.raises(ScramError):
        ScramClient("SCRAM-SHA-256", "ada", "x", b"c").final(challenge)


def test_a_server_that_says_no_is_understood() -> None:
    client, _, _ = talk()
    with pytest.raises(ScramError, match="refuses"):
        client.verify(b"e=invalid-proof")


# --- scrypt -----------------------------------------------------------------------------------------------------------


def test_a_hash_verifies_its_password_alone() -> None:
    text = passwords.hash_password("päß", b"s" * 16)
    assert text.startswith("$scrypt$ln=14,r=8,p=1$")
    assert passwords.verify(text, "päß") and not passwords.verify(text, "pass")
    assert not passwords.verify(passwords.nobodys(b"s" * 16), "")


def test_scrypt_is_the_rfcs() -> None:
    expected = bytes.fromhex(  # RFC 7914, section 12
        "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2"
        "d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887"
    )
    assert passwords._scrypt("pleaseletmein", b"SodiumChloride", (14, 8, 1), 64) == expected


@pytest.mark.parametrize(
    "text",
    ["", "secret", "$scrypt$ln=14,r=8,p=1$$", "$scrypt$ln=30,r=8,p=1$" + "A" * 22 + "$" + "A" * 43,
     "$scrypt$ln=20,r=32,p=1$" + "A" * 22 + "$" + "A" * 43, "$scrypt$ln=14,r=8,p=99$" + "A" * 22 + "$" + "A" * 43],
)  # fmt: skip
def test_a_damaged_or_unaffordable_hash_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="the password's hash"):
        passwords.check_hash(text)


def test_keys_are_those_of_the_definition() -> None:
    keys = keys_of("SCRAM-SHA-256", "pencil", b"salt", 4096)
    salted = hashlib.pbkdf2_hmac("sha256", b"pencil", b"salt", 4096)
    assert keys.stored_key == hashlib.sha256(scram.hmac.digest(salted, b"Client Key", "sha256")).digest()
