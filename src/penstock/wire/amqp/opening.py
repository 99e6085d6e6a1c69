"""How a connection opens: the protocol's header, start, tune, open; and who the client is.

PLAIN, AMQPLAIN, and EXTERNAL for who has shown a certificate. While there are no users, guest with the password guest
comes in, as with a new RabbitMQ. Knows no sockets and no users: a `Login` asks by calls.
"""

from collections.abc import Generator
from dataclasses import replace
from typing import Any, Final

from penstock.calls import Call
from penstock.content import Field, table_at
from penstock.errors import Refused
from penstock.users.directory import ITSELF
from penstock.version import __version__
from penstock.wire.amqp.channels.channel import Connection
from penstock.wire.amqp.methods import KEYS, Values, frame
from penstock.wire.amqp.refusals import AmqpError, HangUpError
from penstock.wire.sasl import Entered

PROTOCOL: Final = b"AMQP\0\0\x09\x01"
FRAME_BYTES_MIN: Final = 4096
GUEST: Final = ("", "guest", "guest")
"""For whom one acts (nobody), who one is, and the password."""
CAPABILITIES: Final = (
    "publisher_confirms", "exchange_exchange_bindings", "basic.nack", "consumer_cancel_notify",
    "connection.blocked", "consumer_priorities", "authentication_failure_close", "per_consumer_qos",
    "direct_reply_to",
)  # fmt: skip
SERVER: Final[dict[str, Field]] = {
    "capabilities": dict.fromkeys(CAPABILITIES, True),
    "copyright": "The penstock authors",
    # Clients choose by these whose rules hold (kombu: what basic.qos with global means), so they name whom we follow.
    "product": "RabbitMQ",
    "version": "3.10.8",
    "platform": f"penstock {__version__}",
    "information": "penstock answers as RabbitMQ 3.10 does",
}
_AFTER: Final = {"connection.start-ok": "connection.tune-ok", "connection.tune-ok": "connection.open"}


class Opening:
    """How far a connection has come. `expected` is the method that may come next."""

    def __init__(self, session: Connection) -> None:
        self._session = session
        self._header = b""
        self.expected = ""

    def header(self, data: bytes) -> bytes:
        """The client's first 8 bytes; what follows them. Another protocol is told which one is spoken."""
        if self.expected:
            return data
        session, known = self._session, len(self._header)
        self._header += data[: 8 - known]
        if not PROTOCOL.startswith(self._header):
            session.write(PROTOCOL)
            raise HangUpError(f"it speaks another protocol: {self._header!r}")
        if len(self._header) == 8:
            self.expected = "connection.start-ok"
            session.write(self._start())
        return data[8 - known :]

    def _start(self) -> bytes:
        mechanisms = " ".join([*PASSWORDS, *([CERTIFICATE] if self._session.login.entered else [])])
        return frame(
            0, "connection.start", version_major=0, version_minor=9,
            server_properties=SERVER | {"cluster_name": self._session.options.cluster_name},
            mechanisms=mechanisms.encode(), locales=b"en_US",
        )  # fmt: skip

    def check(self, key: int) -> None:
        """Whether a method may come now. Raises HangUpError."""
        if key not in (KEYS.get(self.expected), KEYS["connection.close"]):
            raise HangUpError(f"a method out of order (expected {self.expected or 'the header'})")

    def passed(self) -> None:
        """The expected method came, and is good."""
        self.expected = _AFTER[self.expected]

    def tells(self, error: AmqpError) -> bool:
        """Whether the client is told of an error, or just left."""
        if self.expected == "connection.start-ok":
            return error.code == 403 and self._session.knows("authentication_failure_close")
        return self.expected == "connection.open" and error.key == KEYS["connection.open"]


# --- who it is ----------------------------------------------------------------------------------------------------------


def meet(session: Connection, values: Values) -> None:
    """Remember what the client says of itself."""
    properties = values["client_properties"]
    capabilities = properties.get("capabilities")
    if isinstance(capabilities, dict):
        session.capabilities = frozenset(name for name, on in capabilities.items() if on is True)
    name = properties.get("connection_name") or properties.get("product") or ""
    session.principal = replace(session.principal, client_id=name[:255] if isinstance(name, str) else "")


def log_in(session: Connection, mechanism: str, response: bytes) -> Generator[Call, Any, None]:
    """Raises AmqpError for who may not come in."""
    login = session.login
    if mechanism == CERTIFICATE and login.entered:
        session.principal = replace(session.principal, name=login.user)
        return
    said = PASSWORDS[mechanism](response) if mechanism in PASSWORDS else None
    if said is None:
        raise HangUpError(f"no login that is understood, by {mechanism[:80]!r}")
    if not login.pending and not login.entered and said == GUEST:
        session.principal = replace(session.principal, name=GUEST[1])
        return
    login.choose("PLAIN")
    outcome = yield from login.take(session.principal, "\0".join(said).encode("utf-8", "replace"))
    if not isinstance(outcome, Entered):
        if isinstance(outcome, Refused):
            words = f"Login was refused using authentication mechanism {mechanism}. For details see the broker logfile."
            raise AmqpError("ACCESS_REFUSED", words)
        raise HangUpError("the login went on for too long")
    session.principal = replace(session.principal, name=outcome.user)


def _plain(response: bytes) -> tuple[str, str, str] | None:
    """Only penstock's own processes act for others: RabbitMQ knows nobody who does, and takes it for no login."""
    parts = response.decode("utf-8", "replace").split("\0")
    if len(parts) != 3 or (parts[0] and parts[1] != ITSELF):
        return None
    return parts[0], parts[1], parts[2]


def _amqplain(response: bytes) -> tuple[str, str, str] | None:
    try:
        table, _ = table_at(len(response).to_bytes(4, "big") + response, 0)
    except (ValueError, IndexError):
        return None
    if "LOGIN" not in table or "PASSWORD" not in table:
        return None
    user, password = (
        value if isinstance(value, str) else "" for value in (table["LOGIN"], table["PASSWORD"])
    )
    return "", user, password  # what is no text is a wrong one


PASSWORDS: Final = {"PLAIN": _plain, "AMQPLAIN": _amqplain}
"""The mechanisms with a password: what they say of who one is, in GUEST's order; None where they do not."""
CERTIFICATE: Final = "EXTERNAL"
"""The mechanism of who has shown a certificate."""
