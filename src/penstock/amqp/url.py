"""Where an AMQP server is, and as whom: ``amqp://user:password@host:port/vhost``, or ``host:port`` alone.

Knows how it is written (RabbitMQ's URI specification); connects to nothing.
"""

import os
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from penstock.errors import PenstockError

DEFAULT = "127.0.0.1:5672"
PORTS = {"amqp": 5672, "amqps": 5671}


@dataclass(frozen=True, slots=True)
class Url:
    """An address. Without a user it is RabbitMQ's guest, whom a server without users lets in.

    `acting`: the user for whom one of penstock's own processes asks; the server holds to that one's rights.
    """

    host: str
    port: int
    user: str = "guest"
    password: str = field(default="guest", repr=False)
    vhost: str = "/"
    tls: bool = False
    acting: str = ""

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


def url_of(text: str = "") -> Url:
    """The address that is meant; empty: PENSTOCK_AMQP, else this computer's. Raises PenstockError, for ``off`` too.

    User and password that it does not name are PENSTOCK_SASL_USER and PENSTOCK_SASL_PASSWORD, else guest.
    """
    text = text or os.environ.get("PENSTOCK_AMQP", "") or DEFAULT
    if text == "off":
        raise PenstockError(
            "the AMQP listener is off: there are no queues", remedy="penstock up --amqp 127.0.0.1:5672"
        )
    try:
        parts = urlsplit(text if "://" in text else f"amqp://{text}")
        port = parts.port or PORTS[parts.scheme]
        if not parts.hostname or parts.query or parts.fragment:
            raise ValueError
    except (ValueError, KeyError):
        raise PenstockError(
            "the AMQP address is none", remedy="as in amqp://user:password@host:5672/vhost, or host:5672"
        ) from None
    user = unquote(parts.username or "") or os.environ.get("PENSTOCK_SASL_USER", "") or "guest"
    password = parts.password
    if password is None:
        password = os.environ.get("PENSTOCK_SASL_PASSWORD", "") or "guest"
    vhost = unquote(parts.path[1:]) or "/"
    return Url(parts.hostname, port, user, unquote(password), vhost, parts.scheme == "amqps")
