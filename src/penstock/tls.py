"""TLS, for every listener and client: contexts from files, and whom a certificate was made out to.

TLS 1.2 and newer, with Python's choice of ciphers. Knows files and certificates; knows no users and no protocol.
"""

import ssl
from dataclasses import dataclass
from typing import Any

from penstock.errors import PenstockError

HOW = "docs/security.md shows how to make certificates"


@dataclass(frozen=True)
class TlsOptions:
    """The files of TLS, in PEM."""

    cert: str = ""
    """The server's certificate, followed by those that lead to its authority: a PEM file. Switches TLS on."""
    key: str = ""
    """The certificate's private key: a PEM file."""
    ca: str = ""
    """The authorities whose certificates let clients in, as the user that the certificate's common name says."""


def server_context(options: TlsOptions) -> ssl.SSLContext | None:
    """The context of a listener, None without a certificate; raises PenstockError for files that are no good."""
    if not options.cert:
        if options.key or options.ca:
            raise PenstockError("--tls-key and --tls-ca are of use only with --tls-cert", remedy=HOW)
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    load_pair(context, options.cert, options.key)
    if options.ca:
        load_authorities(context, options.ca)
        # Optional: who shows no certificate logs in by a password; who shows one that is not signed is cut off.
        context.verify_mode = ssl.CERT_OPTIONAL
    return context


def client_context(ca: str, cert: str = "", key: str = "") -> ssl.SSLContext:
    """The context of a client that trusts `ca` (empty: the system's authorities); raises PenstockError."""
    context = ssl.create_default_context()
    if ca:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        load_authorities(context, ca)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if cert:
        load_pair(context, cert, key)
    return context


def load_pair(context: ssl.SSLContext, cert: str, key: str) -> None:
    """Load a certificate and its key; again, when they were renewed. Raises PenstockError."""
    try:
        # No question for a passphrase on a terminal that a server does not have.
        context.load_cert_chain(cert, key or None, password=lambda: b"")
    except (OSError, ValueError) as error:
        what = error.strerror if isinstance(error, FileNotFoundError | PermissionError) else error
        raise PenstockError(
            f"the certificate and its key are no good: {what}", place=key or cert, remedy=HOW
        ) from None


def load_authorities(context: ssl.SSLContext, ca: str) -> None:
    """Trust the authorities in a file. Raises PenstockError."""
    try:
        context.load_verify_locations(ca)
    except (OSError, ValueError) as error:
        raise PenstockError(f"the authorities' file is no good: {error}", place=ca, remedy=HOW) from None


def name_of(connection: Any) -> str:
    """The common name of the certificate that a TLS connection's other side has proved to be its own, or nothing.

    A subject with several common names has none: which of them counts would depend on who looks.
    """
    certificate = connection.getpeercert() if connection is not None else None
    if not certificate:
        return ""
    names = [value for part in certificate.get("subject", ()) for key, value in part if key == "commonName"]
    return names[0] if len(names) == 1 else ""
