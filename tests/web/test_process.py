"""The web process itself: says it is ready, stops when told or left alone, and stands hostile connections."""

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from penstock.web.__main__ import parse
from penstock.web.http.limits import BoundedHttp
from tests.web.site import serving, world


@contextlib.contextmanager
def web(*words: str) -> Iterator[tuple[subprocess.Popen[bytes], tuple[str, int]]]:
    """A web process without a broker, and where it listens."""
    command = [
        sys.executable,
        "-m",
        "penstock.web",
        "--bootstrap",
        "127.0.0.1:1",
        "--http",
        "127.0.0.1:0",
        *words,
    ]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    try:
        line = process.stdout.readline().decode()
        assert line.startswith("ready http="), process.stderr.read() if process.stderr else line
        host, _, port = line.strip().partition("=")[2].partition(":")
        yield process, (host, int(port))
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def ask(address: tuple[str, int], data: bytes, seconds: float = 5) -> bytes:
    """Send bytes, and read until the server closes or falls silent."""
    with socket.create_connection(address, timeout=seconds) as connection:
        with contextlib.suppress(ConnectionError):
            connection.sendall(data)
        return drain(connection)


def drain(connection: socket.socket) -> bytes:
    got = b""
    with contextlib.suppress(TimeoutError, ConnectionError):
        while piece := connection.recv(65536):
            got += piece
    return got


def get(address: tuple[str, int], path: str, more: str = "") -> bytes:
    return ask(address, f"GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n{more}\r\n".encode())


@pytest.fixture(scope="module")
def address() -> Iterator[tuple[str, int]]:
    with web() as (_, where):
        yield where


def test_it_answers_without_a_broker_and_says_that_none_is_there(address: tuple[str, int]) -> None:
    assert b'{"ok":true}' in get(address, "/healthz")
    assert b'"name":"broker","state":"down"' in get(address, "/api/status")
    assert get(address, "/api/topics").startswith(b"HTTP/1.1 200")


def test_sigterm_stops_it_within_two_seconds_whoever_listens() -> None:
    with web() as (process, where), socket.create_connection(where, timeout=5) as listening:
        listening.sendall(b"GET /api/flow/events HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n")
        assert b"200 OK" in listening.recv(65536)
        began_s = time.monotonic()
        os.kill(process.pid, signal.SIGTERM)
        assert process.wait(5) == 0
        assert time.monotonic() - began_s < 2
        assert drain(listening).endswith(b"0\r\n\r\n"), "the stream ends cleanly"


def test_it_ends_with_its_supervisors_pipe() -> None:
    with web() as (process, _):
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(5) == 0
        process.stdin = None


def test_a_taken_port_is_told_in_one_line_with_a_remedy(address: tuple[str, int]) -> None:
    command = [sys.executable, "-m", "penstock.web", "--http", f"127.0.0.1:{address[1]}"]
    done = subprocess.run(
        command, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=20, check=False
    )
    assert done.returncode == 2
    assert "cannot listen" in done.stderr and "--http" in done.stderr and "Traceback" not in done.stderr


HOSTILE = {
    "nonsense": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 300,
    "an endless path": b"GET /" + b"a" * 300_000,
    "an endless header": b"GET / HTTP/1.1\r\nhost: 127.0.0.1\r\nx: " + b"a" * 300_000,
    "headers without end": b"GET / HTTP/1.1\r\nhost: 127.0.0.1\r\n" + b"x: y\r\n" * 60_000,
    "no host": b"GET / HTTP/1.1\r\n\r\n",
    "two lengths": b"POST /api/topics HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n{}",
    "a length and chunks": b"POST / HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    "a chunk of exabytes": b"POST /api/topics HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
    b"transfer-encoding: chunked\r\n\r\nffffffffffffffff\r\n" + b"a" * 100,
    "a null in the path": b"GET /api/topics/\x00 HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n",
    "a path that is no UTF-8": b"GET /api/topics/%ff%fe HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n",
    "a query of control characters": b"GET /api/tables/x?filter=%00%0a%0d:eq:%ff HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n",
    "an absolute foreign address": b"GET http://evil.example/api/status HTTP/1.1\r\nhost: evil.example\r\nconnection: close\r\n\r\n",
    "a tunnel": b"CONNECT evil.example:443 HTTP/1.1\r\nhost: evil.example:443\r\n\r\n",
    "another protocol": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "a websocket": b"GET /api/flow HTTP/1.1\r\nhost: evil.example\r\nconnection: upgrade\r\nupgrade: websocket\r\n"
    b"sec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
}


@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_bytes_are_refused_and_the_next_request_is_answered(
    address: tuple[str, int], data: bytes
) -> None:
    answer = ask(address, data, 1.5)
    status = int(answer.split(b" ", 2)[1]) if answer else 0
    assert status == 0 or 400 <= status < 500, answer[:200]
    assert b"Traceback" not in answer
    assert b'{"ok":true}' in get(address, "/healthz")


@pytest.mark.anyio
async def test_a_head_that_does_not_end_in_time_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(BoundedHttp, "head_s", 0.3)
    async with world() as found, serving(found) as base:
        port = int(base.rpartition(":")[2])
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /healthz HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n")
        assert b"200 OK" in await reader.read(1000)
        began_s = time.monotonic()
        writer.write(b"GET / HTTP/1.1\r\nhost:")
        assert await asyncio.wait_for(reader.read(), 5) == b""
        assert 0.2 < time.monotonic() - began_s < 3
        writer.close()


def test_many_requests_in_one_write_are_answered_in_order(address: tuple[str, int]) -> None:
    one = b"GET /healthz HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n"
    last = b"GET /healthz HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n"
    assert ask(address, one * 50 + last).count(b'{"ok":true}') == 51


def test_every_option_can_be_given_and_a_wrong_one_says_why() -> None:
    options = parse(["--http", "127.0.0.1:0", "--demo-sql", "x.sql", "--web-clients-max", "9", "--web-allow-hosts", "a,b",
                     "--tables-rows-max", "77", "--web-body-bytes-max", "5000"])  # fmt: skip
    assert (options.demo_sql, options.events.clients_max, options.tables.rows_max) == ("x.sql", 9, 77)
    assert (options.guard.allow_hosts, options.guard.body_bytes_max) == ("a,b", 5000)
    from penstock.errors import PenstockError

    with pytest.raises(PenstockError, match="clients_max takes int"):
        parse(["--web-clients-max", "many"])
