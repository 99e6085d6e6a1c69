"""Addresses to listen on: parsing, the loopback rule, and who holds a port that is taken."""

import socket
from dataclasses import dataclass

from penstock.errors import PenstockError

LOOPBACK = ("127.0.0.1", "localhost", "::1")
ANYWHERE = ("0.0.0.0", "::")
"""Where one can listen, but not connect to."""


@dataclass(frozen=True)
class Address:
    """Where a listener stands; `port` 0 asks for any free one."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_address(text: str, flag: str, *, secured: bool = False) -> Address | None:
    """``HOST:PORT``, ``PORT`` or ``off`` (None).

    Raises PenstockError for anything else, and for an address other machines could reach where this is not `secured`:
    until users and TLS are configured penstock listens on loopback only.
    """
    if text == "off":
        return None
    host, _, port = text.rpartition(":")
    host = host.strip("[]") or "127.0.0.1"
    if not port.isdecimal() or int(port) > 65535:
        raise PenstockError(
            f"{flag} takes HOST:PORT, PORT or off, not {text!r}", remedy=f"for example {flag} 127.0.0.1:9092"
        )
    if not secured and not is_loopback(host):
        raise PenstockError(
            f"{flag} {text}: other machines could reach this address, which takes both users and TLS",
            remedy="penstock user add NAME, and --tls-cert and --tls-key (docs/security.md); or listen on 127.0.0.1",
        )
    return Address("127.0.0.1" if host == "localhost" else host, int(port))


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches it."""
    return host in LOOPBACK or host.startswith("127.")


def parse_advertised(text: str, bound: Address, flag: str) -> Address:
    """What clients are told to connect to: as given, or where the listener stands; raises PenstockError."""
    host, _, port = text.rpartition(":")
    host = host.strip("[]")
    if not text and bound.host not in ANYWHERE:
        return bound
    if not host or host in ANYWHERE or not port.isdecimal() or not 0 < int(port) < 65536:
        raise PenstockError(
            f"clients need a HOST:PORT to connect to, not {text or str(bound)!r}",
            remedy=f"for example {flag} kafka.example.com:9092",
        )
    return Address(host, int(port))


def is_free(address: Address) -> bool:
    """Whether nobody listens there."""
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address.host, address.port))
        except OSError:
            return False
    return True


def next_free(address: Address) -> Address:
    """The address itself, or the next port nobody listens on; raises PenstockError where 100 in a row are taken."""
    for port in range(address.port, min(address.port + 100, 65536)):
        if is_free(Address(address.host, port)):
            return Address(address.host, port)
    raise taken(address, "")


def taken(address: Address, flag: str) -> PenstockError:
    """The error for a port in use: which process holds it, and what to do."""
    return PenstockError(
        f"port {address.port} on {address.host} is in use{_holder(address.port)}",
        remedy=f"stop that process, or choose another port: {flag} {address.host}:{address.port + 1}",
    )


def _holder(port: int) -> str:
    import psutil

    try:
        for found in psutil.net_connections("tcp"):
            if found.status == psutil.CONN_LISTEN and found.laddr.port == port and found.pid:
                return f" by {psutil.Process(found.pid).name()} (process {found.pid})"
    except (psutil.Error, OSError):
        pass  # without the right to look, the port alone has to do
    return ""
