"""SCRAM (RFC 5802, RFC 7677), both sides, as state machines over whole messages: SHA-256 and SHA-512.

No channel binding (Kafka's clients offer none) and no SASLprep (Kafka does none): a password is its UTF-8. Nonces
are passed in. Knows no users and no transport.
"""

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass
from typing import Final

HASHES: Final = {"SCRAM-SHA-256": "sha256", "SCRAM-SHA-512": "sha512"}
ITERATIONS: Final = 16_384
"""What a new user's keys are made with: the most that Kafka itself allows; RFC 5802 asks for 4096."""
ITERATIONS_MIN: Final = 4096
ITERATIONS_MAX: Final = 1_000_000
SALT_BYTES: Final = 16
NONCE_BYTES: Final = 18
MESSAGE_BYTES_MAX: Final = 4096

_FIRST: Final = re.compile(
    r"([ny],(?:a=([^,]*))?,)(n=([^,]+),r=([\x21-\x2b\x2d-\x7e]+)((?:,[A-Za-z]+=[^,]*)*))"
)
_CHALLENGE: Final = re.compile(r"r=([\x21-\x2b\x2d-\x7e]+),s=([A-Za-z0-9+/=]+),i=([1-9]\d{0,6})(?:,.*)?")
_FINAL: Final = re.compile(
    r"(c=([A-Za-z0-9+/=]+),r=([\x21-\x2b\x2d-\x7e]+)(?:,[a-z]+=[^,]*)*),p=([A-Za-z0-9+/=]+)"
)


class ScramError(ValueError):
    """The other side's message is malformed or does not prove what it should."""


@dataclass(frozen=True)
class ScramKeys:
    """What a server keeps of a password: enough to check a login, not enough to log in (RFC 5802, section 3)."""

    salt: bytes
    iterations: int
    stored_key: bytes
    server_key: bytes


def keys_of(mechanism: str, password: str, salt: bytes, iterations: int = ITERATIONS) -> ScramKeys:
    """The keys of a password."""
    name = HASHES[mechanism]
    salted = hashlib.pbkdf2_hmac(name, password.encode(), salt, iterations)
    stored = hashlib.new(name, hmac.digest(salted, b"Client Key", name)).digest()
    return ScramKeys(salt, iterations, stored, hmac.digest(salted, b"Server Key", name))


class ScramServer:
    """One login on the server's side: `first`, then `challenge`, then `final`."""

    def __init__(self, mechanism: str, nonce: bytes) -> None:
        self._name, self._nonce = HASHES[mechanism], base64.b64encode(nonce).decode()
        self._gs2 = self._auth = ""

    def first(self, message: bytes) -> str:
        """Take the client's first message; the user it names. Raises ScramError."""
        found = _FIRST.fullmatch(_text(message))
        if found is None:
            raise ScramError("the client's first message is malformed")
        self._gs2, authzid, bare, name, nonce, extensions = found.groups()
        user = _unescape(name)
        if authzid and _unescape(authzid) != user:
            raise ScramError("acting as another user is not offered")
        if extensions:
            raise ScramError("extensions (delegation tokens) are not offered")
        self._auth, self._nonce = bare, nonce + self._nonce
        return user

    def challenge(self, keys: ScramKeys) -> bytes:
        """The server's first message."""
        self._keys = keys
        said = f"r={self._nonce},s={base64.b64encode(keys.salt).decode()},i={keys.iterations}"
        self._auth += "," + said
        return said.encode()

    def final(self, message: bytes) -> bytes:
        """Take the client's proof; the server's own. Raises ScramError where it proves nothing."""
        found = _FINAL.fullmatch(_text(message))
        if found is None:
            raise ScramError("the client's final message is malformed")
        unproved, binding, nonce, proof = found.groups()
        # All of it (RFC 5802, section 5.1), as Kafka since CVE-2024-56128: librdkafka before 2.2, which says its own
        # part twice, does not get in by SCRAM, here or there.
        if _unbase64(binding) != self._gs2.encode() or nonce != self._nonce:
            raise ScramError("the client's final message belongs to another login")
        auth = f"{self._auth},{unproved}".encode()
        signature = hmac.digest(self._keys.stored_key, auth, self._name)
        given = _unbase64(proof)
        key = bytes(a ^ b for a, b in zip(given, signature, strict=False))
        stored = hashlib.new(self._name, key).digest()
        if not hmac.compare_digest(stored, self._keys.stored_key) or len(given) != len(signature):
            raise ScramError("the password is wrong")
        return b"v=" + base64.b64encode(hmac.digest(self._keys.server_key, auth, self._name))


class ScramClient:
    """One login on the client's side: `first`, then `final`, then `verify`."""

    def __init__(self, mechanism: str, user: str, password: str, nonce: bytes) -> None:
        self._mechanism, self._name, self._password = mechanism, HASHES[mechanism], password
        self._nonce = base64.b64encode(nonce).decode()
        self._bare = f"n={user.replace('=', '=3D').replace(',', '=2C')},r={self._nonce}"
        self._expected = b""

    def first(self) -> bytes:
        """The client's first message."""
        return f"n,,{self._bare}".encode()

    def final(self, challenge: bytes) -> bytes:
        """The proof, for the server's challenge. Raises ScramError for one that is malformed, weak or too costly."""
        found = _CHALLENGE.fullmatch(_text(challenge))
        if found is None:
            raise ScramError("the server's first message is malformed")
        nonce, salt, iterations = found[1], _unbase64(found[2]), int(found[3])
        if not nonce.startswith(self._nonce) or nonce == self._nonce:
            raise ScramError("the server's first message belongs to another login")
        if not ITERATIONS_MIN <= iterations <= ITERATIONS_MAX:
            raise ScramError(f"the server asks for {iterations} iterations")
        salted = hashlib.pbkdf2_hmac(self._name, self._password.encode(), salt, iterations)
        unproved = f"c=biws,r={nonce}"
        auth = f"{self._bare},{challenge.decode()},{unproved}".encode()
        key = hmac.digest(salted, b"Client Key", self._name)
        signature = hmac.digest(hashlib.new(self._name, key).digest(), auth, self._name)
        proof = base64.b64encode(bytes(a ^ b for a, b in zip(key, signature, strict=True))).decode()
        self._expected = hmac.digest(hmac.digest(salted, b"Server Key", self._name), auth, self._name)
        return f"{unproved},p={proof}".encode()

    def verify(self, said: bytes) -> None:
        """Raises ScramError where the server does not know the password either."""
        value = said.partition(b",")[0]
        if not self._expected or not value.startswith(b"v="):
            raise ScramError("the server refuses the login")
        if not hmac.compare_digest(_unbase64(value[2:].decode("ascii", "replace")), self._expected):
            raise ScramError("the server does not prove that it knows the password")


def _text(message: bytes) -> str:
    if len(message) > MESSAGE_BYTES_MAX:
        raise ScramError("the message is too long")
    try:
        return message.decode()
    except UnicodeDecodeError:
        raise ScramError("the message is not UTF-8") from None


def _unescape(name: str) -> str:
    if re.search("=(?!2C|3D)", name):
        raise ScramError("the user's name is malformed")
    return name.replace("=2C", ",").replace("=3D", "=")


def _unbase64(text: str) -> bytes:
    try:
        found = base64.b64decode(text, validate=True)
    except ValueError:
        raise ScramError("the message is not base64") from None
    # Bits that mean nothing are 0, or one proof has several forms.
    if base64.b64encode(found).decode() != text:
        raise ScramError("the message is not canonical base64")
    return found
