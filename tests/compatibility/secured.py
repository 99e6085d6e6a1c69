"""Both servers with listeners that ask for a login, for TLS, or for both: the same user on each.

Knows how each is set up; knows nothing of what is run against them.
"""

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench.oracle import kafka as oracle

from penstock.testing.processes import BrokerProcess
from penstock.users import change, file
from penstock.users.directory import Directory
from tests.compatibility.clients.verbs import Place
from tests.secured.certificates import Authority, Pair

USER, PASSWORD = "ada", "a pass phrase"
MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")


def places(plain: str, encrypted: str, both: str, authority: Authority) -> dict[str, Place]:
    """What a row of the scorecard may need, by its name there."""
    logins = {m: Place(plain, m, USER, PASSWORD) for m in MECHANISMS}
    trusted = Place(both, "SCRAM-SHA-512", USER, PASSWORD, authority=str(authority.ca))
    return {
        **logins,
        "TLS": Place(encrypted, authority=str(authority.ca)),
        "TLS+SCRAM-SHA-512": trusted,
    }


def certificates(home: str) -> tuple[Authority, Pair]:
    authority = Authority(Path(home, "authority"))
    return authority, authority.sign("server", "DNS:localhost", "IP:127.0.0.1")


@contextlib.contextmanager
def penstock() -> Iterator[dict[str, Place]]:
    """One broker with users on a plain and a TLS listener, one with TLS and no users."""
    with tempfile.TemporaryDirectory(prefix="compatibility-") as home:
        authority, server = certificates(home)
        users = Path(home, "users.toml")
        file.write(users, change.add_user(Directory(), USER, PASSWORD, ("admin",), os.urandom))
        tls = ("--tls-cert", str(server.cert), "--tls-key", str(server.key))
        asking = BrokerProcess(
            Path(home, "asking"), words=(*tls, "--users", str(users), "--inner", "127.0.0.1:0")
        )
        with asking, BrokerProcess(Path(home, "open"), words=tls) as anyone:
            yield places(asking.ready["inner"], anyone.address, asking.address, authority)


@contextlib.contextmanager
def kafka() -> Iterator[dict[str, Place]]:
    """Apache Kafka with four listeners; its SCRAM users are made by its admin API."""
    from confluent_kafka import admin

    with tempfile.TemporaryDirectory(prefix="compatibility-") as home:
        authority, server = certificates(home)
        keys = Path(home, "server.pem")
        keys.write_text(server.key.read_text() + server.cert.read_text())
        login, encrypted, both = (oracle.free_port() for _ in range(3))
        with oracle.kafka(settings_of(keys, (login, encrypted, both))) as address:
            asked = admin.AdminClient({"bootstrap.servers": address})
            for kind in (admin.ScramMechanism.SCRAM_SHA_256, admin.ScramMechanism.SCRAM_SHA_512):
                keys_of = admin.ScramCredentialInfo(kind, 4096)
                wanted = admin.UserScramCredentialUpsertion(USER, keys_of, PASSWORD.encode())
                for done in asked.alter_user_scram_credentials([wanted]).values():
                    done.result(30)
            yield places(*(f"127.0.0.1:{port}" for port in (login, encrypted, both)), authority)


def settings_of(keys: Path, ports: tuple[int, int, int]) -> dict[str, str]:
    """Kafka's words for a plain listener, one with logins, one with TLS, one with both."""
    names = ("SASL_PLAINTEXT", "SSL", "SASL_SSL")
    listeners = ",".join(f"{name}://127.0.0.1:{port}" for name, port in zip(names, ports, strict=True))
    module = "org.apache.kafka.common.security"
    settings = {
        "listeners": f"PLAINTEXT://127.0.0.1:{{port}},CONTROLLER://127.0.0.1:{{controller}},{listeners}",
        "advertised.listeners": f"PLAINTEXT://127.0.0.1:{{port}},{listeners}",
        "listener.security.protocol.map": ",".join(f"{n}:{n}" for n in ("PLAINTEXT", *names))
        + ",CONTROLLER:PLAINTEXT",
        "sasl.enabled.mechanisms": ",".join(MECHANISMS),
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(keys),
    }
    for listener in ("sasl_plaintext", "sasl_ssl"):
        at = f"listener.name.{listener}"
        settings[f"{at}.plain.sasl.jaas.config"] = (
            f'{module}.plain.PlainLoginModule required user_{USER}="{PASSWORD}";'
        )
        for mechanism in ("scram-sha-256", "scram-sha-512"):
            settings[f"{at}.{mechanism}.sasl.jaas.config"] = f"{module}.scram.ScramLoginModule required;"
    return settings


SECURED = {"kafka": kafka, "penstock": penstock}
