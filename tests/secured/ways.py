"""The ways into a secured broker, and each client's words for them."""

import ssl
from dataclasses import dataclass
from typing import Any

from tests.secured.conftest import PASSWORD, Secured


@dataclass(frozen=True)
class Way:
    """A security protocol in Kafka's words, and a mechanism where it is SASL."""

    protocol: str
    mechanism: str = ""

    def __str__(self) -> str:
        return f"{self.protocol} {self.mechanism}".strip()

    def address(self, secured: Secured) -> str:
        return secured.tls if "SSL" in self.protocol else secured.plain

    @property
    def tls(self) -> bool:
        return "SSL" in self.protocol

    @property
    def topic(self) -> str:
        return "open-" + str(self).lower().replace(" ", "-").replace("_", "-")


WAYS = (
    Way("SASL_PLAINTEXT", "PLAIN"),
    Way("SASL_PLAINTEXT", "SCRAM-SHA-256"),
    Way("SASL_PLAINTEXT", "SCRAM-SHA-512"),
    Way("SASL_SSL", "PLAIN"),
    Way("SASL_SSL", "SCRAM-SHA-512"),
    Way("SSL"),
)


def librdkafka(way: Way, secured: Secured, user: str = "bob", password: str = PASSWORD) -> dict[str, Any]:
    """For confluent-kafka and kcat."""
    words: dict[str, Any] = {"bootstrap.servers": way.address(secured), "security.protocol": way.protocol}
    if way.mechanism:
        words |= {"sasl.mechanism": way.mechanism, "sasl.username": user, "sasl.password": password}
    if way.tls:
        words["ssl.ca.location"] = str(secured.authority.ca)
    if way.protocol == "SSL":
        pair = secured.carol
        words |= {"ssl.certificate.location": str(pair.cert), "ssl.key.location": str(pair.key)}
    return words


def context(way: Way, secured: Secured) -> ssl.SSLContext | None:
    if not way.tls:
        return None
    made = ssl.create_default_context(cafile=str(secured.authority.ca))
    if way.protocol == "SSL":
        made.load_cert_chain(secured.carol.cert, secured.carol.key)
    return made


def python(way: Way, secured: Secured, user: str = "bob", password: str = PASSWORD) -> dict[str, Any]:
    """For kafka-python and aiokafka."""
    words: dict[str, Any] = {"bootstrap_servers": way.address(secured), "security_protocol": way.protocol}
    if way.mechanism:
        words |= {
            "sasl_mechanism": way.mechanism,
            "sasl_plain_username": user,
            "sasl_plain_password": password,
        }
    return words | ({"ssl_context": context(way, secured)} if way.tls else {})


def java(way: Way, secured: Secured, user: str = "bob", password: str = PASSWORD) -> dict[str, str]:
    """For Kafka's own client."""
    words = {"bootstrap.servers": way.address(secured), "security.protocol": way.protocol}
    if way.mechanism:
        module = "plain.PlainLoginModule" if way.mechanism == "PLAIN" else "scram.ScramLoginModule"
        entry = f'org.apache.kafka.common.security.{module} required username="{user}" password="{password}";'
        words |= {"sasl.mechanism": way.mechanism, "sasl.jaas.config": entry}
    if way.tls:
        trust = {"location": str(secured.authority.trust), "password": "secret", "type": "PKCS12"}
        words |= {f"ssl.truststore.{name}": value for name, value in trust.items()}
    if way.protocol == "SSL":
        key = {"location": str(secured.carol.store), "password": "secret", "type": "PKCS12"}
        words |= {f"ssl.keystore.{name}": value for name, value in key.items()} | {
            "ssl.key.password": "secret"
        }
    return words
