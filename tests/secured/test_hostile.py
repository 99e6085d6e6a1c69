"""Whoever is not let in: garbage, floods of wrong passwords, silence; and what an owner changes while they try."""

import os
import socket
import struct
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import Producer

from penstock.testing.processes import BrokerProcess
from penstock.users import change, file
from penstock.users.directory import Directory
from tests.secured.conftest import PASSWORD, Secured, people
from tests.secured.ways import WAYS, librdkafka

GUESSERS = 20
SLOWEST_S = 1.5


def request(key: int, version: int, body: bytes) -> bytes:
    data = struct.pack(">hhih", key, version, 1, -1) + body
    return len(data).to_bytes(4, "big") + data


def connected(address: str) -> socket.socket:
    host, port = address.rsplit(":", 1)
    return socket.create_connection((host, int(port)), timeout=15)


def answers(line: socket.socket) -> bytes:
    """All that comes until the connection is closed."""
    found = b""
    try:
        while chunk := line.recv(65536):
            found += chunk
    except ConnectionResetError:
        pass
    return found


HANDSHAKE = request(17, 1, struct.pack(">h", 5) + b"PLAIN")


def authenticate(token: bytes) -> bytes:
    return request(36, 0, struct.pack(">i", len(token)) + token)


@pytest.mark.parametrize(
    "data",
    [request(3, 1, b"\xff\xff\xff\xff"), HANDSHAKE + authenticate(b"\0" * 8000), HANDSHAKE + authenticate(b"\xff" * 60_000),
     HANDSHAKE + struct.pack(">i", 70_000), HANDSHAKE * 2, authenticate(b"\0bob\0x"), os.urandom(64), b"GET / HTTP/1.1\r\n\r\n",
     HANDSHAKE + request(36, 0, b"\x7f\xff\xff\xff"), HANDSHAKE + request(36, 2, b"\xff\xff\xff\xff\x0f"),
     request(17, 1, b"\x7f\xff") + HANDSHAKE, HANDSHAKE + authenticate(b"\0bob\0wrong") + HANDSHAKE * 200],
    ids=range(12),
)  # fmt: skip
def test_garbage_ends_its_own_connection_and_nothing_else(data: bytes, secured: Secured) -> None:
    with connected(secured.plain) as line:
        line.sendall(data)
        line.shutdown(socket.SHUT_WR) if len(data) < 70 else None
        assert len(answers(line)) < 2000
    with connected(secured.plain) as line:
        line.sendall(request(18, 0, b""))
        assert len(line.recv(4)) == 4


@pytest.mark.slow
def test_no_tls_handshake_is_waited_for_without_end(secured: Secured) -> None:
    lines = [connected(secured.tls) for _ in range(50)]
    began_s = time.monotonic()
    for line in lines:
        assert answers(line) == b""  # each is cut off by itself
        line.close()
    assert time.monotonic() - began_s < 14


def guess(address: str, count: int, done: list[int]) -> None:
    """PLAIN logins with wrong passwords, one connection each, as fast as they are refused."""
    for number in range(count):
        with connected(address) as line:
            line.sendall(HANDSHAKE + authenticate(b"\0bob\0guess-%d" % number))
            answers(line)
        done.append(number)


@pytest.mark.parametrize("guesses", [100, pytest.param(1000, marks=pytest.mark.slow)])
def test_wrong_passwords_without_end_beside_a_healthy_client(guesses: int, secured: Secured) -> None:
    """Who is in stays fast; who was in before comes in at once; whoever comes by SCRAM waits for nobody."""
    words = librdkafka(WAYS[0], secured) | {"linger.ms": 0}

    def sent(producer: Producer) -> float:
        began_s, errors = time.monotonic(), []
        producer.produce("open-siege", b"x", on_delivery=lambda error, _: errors.append(error))
        while not errors and time.monotonic() - began_s < 20:
            producer.poll(0.01)
        assert errors == [None]
        return time.monotonic() - began_s

    healthy = Producer(words)
    sent(healthy)
    done: list[int] = []
    guessers = [
        threading.Thread(target=guess, args=(secured.plain, guesses // GUESSERS, done))
        for _ in range(GUESSERS)
    ]
    for thread in guessers:
        thread.start()
    taken_s, back_s, scram_s = [], [], []
    while any(thread.is_alive() for thread in guessers):
        taken_s.append(sent(healthy))
        back_s.append(sent(Producer(words)))
        scram_s.append(sent(Producer(librdkafka(WAYS[1], secured))))
        time.sleep(0.2)
    assert len(done) == guesses and len(taken_s) > guesses // 50
    for name, found in (("in", taken_s), ("back by PLAIN", back_s), ("SCRAM", scram_s)):
        median_s, worst_s = sorted(found)[len(found) // 2], max(found)
        print(f"{name}: median {median_s * 1000:.0f} ms, worst {worst_s * 1000:.0f} ms of {len(found)}")
        assert median_s < SLOWEST_S, found


# --- what changes while it runs ---------------------------------------------------------------------------------------


@pytest.fixture
def process(tmp_path: Path) -> Iterator[BrokerProcess]:
    with BrokerProcess(tmp_path) as started:
        yield started


def answered(address: str, user: str, password: str) -> str:
    """What a client that asks for the topics meets: in, refused, or shut out."""
    words = {"bootstrap.servers": address, "log_level": 0, "socket.timeout.ms": 3000}
    if user:
        words |= {"security.protocol": "SASL_PLAINTEXT", "sasl.mechanism": "SCRAM-SHA-256"}
        words |= {"sasl.username": user, "sasl.password": password}
    met: list[str] = []
    producer = Producer({**words, "error_cb": lambda error: met.append(error.name())})
    producer.produce(
        "open-live", b"x", on_delivery=lambda error, _: met.append(error.name() if error else "in")
    )
    until_s = time.monotonic() + 10
    while not met and time.monotonic() < until_s:
        producer.poll(0.05)
    producer.purge()
    return {"_TRANSPORT": "shut out", "_ALL_BROKERS_DOWN": "shut out"}.get(met[0], met[0])


def becomes(expected: str, address: str, user: str = "", password: str = "") -> None:
    until_s = time.monotonic() + 15
    while (found := answered(address, user, password)) != expected and time.monotonic() < until_s:
        time.sleep(0.1)
    assert found == expected


def test_the_users_file_is_taken_over_while_clients_are_connected(process: BrokerProcess) -> None:
    address, users = process.address, process.data_dir / file.FILE_NAME
    becomes("in", address)
    file.write(users, people())
    becomes("shut out", address)
    becomes("in", address, "bob", PASSWORD)
    file.write(users, change.set_password(people(), "bob", "other", os.urandom))
    becomes("_AUTHENTICATION", address, "bob", PASSWORD)
    becomes("in", address, "bob", "other")
    users.write_text(users.read_text() + "damage\n")
    time.sleep(1)
    becomes("in", address, "bob", "other")  # what is damaged changes nothing
    file.write(users, change.remove(people(), "role:openers"))
    becomes("TOPIC_AUTHORIZATION_FAILED", address, "bob", PASSWORD)
    users.unlink()
    becomes("_AUTHENTICATION", address, "ada", PASSWORD)
    becomes("shut out", address)  # what was closed is not opened by whoever deletes a file
    process.stop()
    process.start()
    becomes("in", process.address)


def test_the_connection_of_a_removed_user_is_closed(process: BrokerProcess) -> None:
    users = process.data_dir / file.FILE_NAME
    file.write(users, people())
    becomes("in", process.address, "bob", PASSWORD)
    with connected(process.address) as bobs, connected(process.address) as adas:
        for line, user in ((bobs, "bob"), (adas, "ada")):
            line.sendall(HANDSHAKE + authenticate(f"\0{user}\0{PASSWORD}".encode()))
            assert line.recv(65536)
        time.sleep(1.5)
        file.write(users, change.remove(people(), "bob"))
        answers(bobs)
        adas.sendall(request(18, 0, b""))
        assert adas.recv(65536), "nobody else's is"


def test_a_damaged_users_file_stops_the_start_with_its_line(tmp_path: Path) -> None:
    (tmp_path / file.FILE_NAME).write_text(file.render(Directory()) + "damage\n")
    with pytest.raises(RuntimeError, match="code 2"):
        BrokerProcess(tmp_path).start()


@pytest.mark.parametrize(
    "words", [(), ("--tls-cert", "server"), ("users",)], ids=["nothing", "no users", "no TLS"]
)
def test_other_machines_are_let_near_only_with_users_and_tls(
    words: tuple[str, ...], tmp_path: Path, secured: Secured
) -> None:
    flags: tuple[str, ...] = ()
    if "--tls-cert" in words:
        pair = secured.authority.sign("server")
        flags = ("--tls-cert", str(pair.cert), "--tls-key", str(pair.key))
    if "users" in words:
        file.write(tmp_path / file.FILE_NAME, people())
    process = BrokerProcess(tmp_path, words=flags)
    process.address = "0.0.0.0:0"
    with pytest.raises(RuntimeError, match="code 2"):
        process.start()


def test_with_both_every_address_is_listened_on_and_another_is_told(tmp_path: Path, secured: Secured) -> None:
    file.write(tmp_path / file.FILE_NAME, people())
    pair = secured.authority.sign("server", "DNS:localhost", "IP:127.0.0.1")
    flags = ("--tls-cert", str(pair.cert), "--tls-key", str(pair.key), "--advertised", "localhost:1234")
    process = BrokerProcess(tmp_path, words=flags)
    process.address = "0.0.0.0:0"
    with process:
        assert process.address.startswith("0.0.0.0:")
        port = process.address.rpartition(":")[2]
        words = librdkafka(WAYS[4], secured) | {"bootstrap.servers": f"127.0.0.1:{port}"}
        told = Producer(words).list_topics(timeout=10).brokers
        assert [f"{one.host}:{one.port}" for one in told.values()] == ["localhost:1234"]
