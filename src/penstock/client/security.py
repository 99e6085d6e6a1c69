"""How a client proves who it is, and who the server is: TLS, and SASL by PLAIN or SCRAM.

Knows the exchange of tokens; knows nothing of what is asked once one is in.
"""

import os
import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from penstock.client.errors import KafkaError, failure
from penstock.errors import PenstockError
from penstock.tls import client_context
from penstock.users.scram import HASHES, NONCE_BYTES, ScramClient, ScramError

Ask = Callable[[str, Mapping[str, Any]], Awaitable[Any]]
"""One request by its name and row; its answer."""

MECHANISMS = ("PLAIN", *HASHES)


@dataclass(frozen=True)
class Security:
    """What a client needs to reach a secured server; nothing of it for an open one."""

    tls: bool = False
    """Speak TLS; so does who gives one of the files."""
    tls_ca: str = ""
    """The authorities that may have signed the server's certificate: a PEM file (else the system's)."""
    tls_cert: str = ""
    """The client's own certificate, for servers that let clients in by it: a PEM file."""
    tls_key: str = ""
    """Its private key: a PEM file."""
    sasl_user: str = ""
    """The user to log in as."""
    sasl_password: str = field(default="", repr=False)
    """The user's password."""
    sasl_mechanism: str = "SCRAM-SHA-256"
    """PLAIN (sends the password: only over TLS), SCRAM-SHA-256 or SCRAM-SHA-512."""

    def __post_init__(self) -> None:
        """Refuse a mechanism that is none."""
        if self.sasl_mechanism not in MECHANISMS:
            raise PenstockError(
                f"{self.sasl_mechanism!r} is no way to log in", remedy=f"one of {', '.join(MECHANISMS)}"
            )

    @property
    def context(self) -> ssl.SSLContext | None:
        """The context of a connection, None for one without TLS; raises PenstockError for files that are no good."""
        if self.tls or self.tls_ca or self.tls_cert:
            return _context(self.tls_ca, self.tls_cert, self.tls_key)
        return None


NOTHING = Security()
_context = cache(client_context)


def from_environment(environment: Mapping[str, str] = os.environ) -> Security:
    """``PENSTOCK_TLS_CA``, ``PENSTOCK_SASL_USER``, ``PENSTOCK_SASL_PASSWORD``, …: for a process's own server only."""
    names = ("tls_ca", "tls_cert", "tls_key", "sasl_user", "sasl_password", "sasl_mechanism")
    found = {name: value for name in names if (value := environment.get(f"PENSTOCK_{name.upper()}"))}
    return Security(tls=environment.get("PENSTOCK_TLS", "") in ("1", "true", "yes"), **found)


async def log_in(ask: Ask, security: Security, place: str) -> None:
    """Log in by asking the server at `place`; raises KafkaError where the server, or what it says, is not to be trusted."""
    what = f"log in to {place} as {security.sasl_user}"
    named = await ask("SaslHandshake", {"mechanism": security.sasl_mechanism})
    if named.error_code:
        offered = ", ".join(named.mechanisms)
        raise failure(named.error_code, what, f"{security.sasl_mechanism} is not offered ({offered})")

    async def said(token: bytes) -> bytes:
        answer: Any = await ask("SaslAuthenticate", {"auth_bytes": token})
        if answer.error_code:
            raise failure(answer.error_code, what, answer.error_message)
        return bytes(answer.auth_bytes)

    user, password = security.sasl_user, security.sasl_password
    if security.sasl_mechanism == "PLAIN":
        await said(f"\0{user}\0{password}".encode())
        return
    dialogue = ScramClient(security.sasl_mechanism, user, password, os.urandom(NONCE_BYTES))
    try:
        dialogue.verify(await said(dialogue.final(await said(dialogue.first()))))
    except ScramError as error:
        raise KafkaError("SASL_AUTHENTICATION_FAILED", f"{what}: {error}", code=58) from None
