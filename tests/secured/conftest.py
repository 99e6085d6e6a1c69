"""One secured broker for the folder: two users, two roles, TLS on one listener, none on the other."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from penstock.testing.processes import BrokerProcess
from penstock.users import change, file
from penstock.users.directory import Directory
from penstock.users.rules import parse_rule
from tests.secured.certificates import Authority, Pair

PASSWORD = "päss wörd"
RULES = (
    "allow read topic:open-*",
    "allow write topic:open-*",
    "allow create topic:open-*",
    "allow all group:open-*",
)


def counted(size: int) -> bytes:
    return bytes(range(size))


def people() -> Directory:
    """ada may do everything, bob what RULES say, and whoever has the certificate of carol the same."""
    made = Directory()
    for rule in RULES:
        made = change.add_rule(made, "role:openers", parse_rule(rule))
    made = change.add_user(made, "ada", PASSWORD, ("admin",), counted)
    made = change.add_user(made, "bob", PASSWORD, ("openers",), counted)
    return change.add_user(made, "carol", None, ("openers",), counted)


@dataclass
class Secured:
    """`plain` and `tls` are the same broker's addresses."""

    plain: str
    tls: str
    authority: Authority
    carol: Pair
    users: Path
    process: BrokerProcess


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="session")
def secured(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> Iterator[Secured]:
    folder = tmp_path_factory.mktemp("secured")
    users = folder / file.FILE_NAME
    file.write(users, people())
    server = authority.sign("server", "DNS:localhost", "IP:127.0.0.1")
    carol = authority.sign("carol")
    words = (
        "--tls-cert", str(server.cert), "--tls-key", str(server.key), "--tls-ca", str(authority.ca),
        "--inner", "127.0.0.1:0",
    )  # fmt: skip
    with BrokerProcess(folder, words=words) as process:
        yield Secured(process.ready["inner"], process.address, authority, carol, users, process)
