"""The web process under attack: every answer is a refusal, never a failure, and a neighbour's page stays quick."""

import contextlib
import re
import struct
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

import psutil
import pytest

from tests.app.running import running
from tests.hostile import wire
from tests.hostile.http import Http, get, once
from tests.hostile.siege import Memory
from tests.hostile.wire import Line

POST = "/api/topics/posted/records"


@dataclass
class Up:
    """A whole penstock: where it is reached, and its web process."""

    http: str
    kafka: str
    web: psutil.Process


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    with running("up", tmp_path_factory.mktemp("up")) as found:
        kafka = found.until(r"broker +(127\.0\.0\.1:\d+)")[1]
        found.until(r"running; Ctrl-C stops")
        http = re.search(r"http://(127\.0\.0\.1:\d+)", "\n".join(found.lines))
        assert http
        web = next(one for one in found.family() if "penstock.web" in one.cmdline())
        with Line(kafka) as line:
            line.ask(wire.metadata(["posted"]))
        yield Up(http[1], kafka, web)


@contextlib.contextmanager
def siege(up: Up, grown_mib_max: float = 150.0, p99_s: float = 1.5) -> Iterator[None]:
    """A neighbour looks at the status and produces meanwhile."""
    stop, took_s, failures = threading.Event(), [], []

    def look() -> None:
        while not stop.is_set():
            began_s = time.monotonic()
            try:
                get(up.http, "/api/status")
                assert once(up.http, "POST", POST, b'{"value": 1}', Content_Type="application/json") == 200
            except Exception as error:
                failures.append(error)
                return
            took_s.append(time.monotonic() - began_s)
            time.sleep(0.02)

    memory, thread = Memory(up.web), threading.Thread(target=look)
    thread.start()
    try:
        yield
        time.sleep(0.2)
    finally:
        stop.set()
        thread.join(20)
        grown_mib = memory.stop()
    assert failures == []
    assert up.web.is_running()
    assert sorted(took_s)[int(len(took_s) * 0.99)] < p99_s
    assert grown_mib < grown_mib_max, f"the web process grew by {grown_mib:.0f} MiB"


def test_hosts_and_origins_that_are_not_ours_are_refused(up: Up) -> None:
    with siege(up):
        for host in (
            "evil.example",
            "127.0.0.1.evil.example",
            "",
            "localhost.evil",
            "[::ffff:8.8.8.8]",
            "0.0.0.0",
            "\udcff",
        ):
            assert once(up.http, "GET", "/api/status", Host=host) in (400, 403)
        for origin in ("http://evil.example", "null", f"http://{up.http}.evil.example", f"https://{up.http}"):
            assert once(up.http, "GET", "/api/status", Origin=origin) == 403
            body = once(
                up.http, "POST", POST, b'{"value": 1}', Origin=origin, Content_Type="application/json"
            )
            assert body == 403


def test_changes_in_other_content_types_are_refused(up: Up) -> None:
    with siege(up):
        for kind in (
            "text/plain",
            "application/x-www-form-urlencoded",
            "",
            "application/json-ish",
            "multipart/form-data",
        ):
            assert once(up.http, "POST", POST, b'{"value": 1}', Content_Type=kind) == 415


BODIES = {
    "nothing": b"",
    "no JSON": b"{",
    "NaN": b'{"value": NaN}',
    "Infinity": b'{"value": -Infinity}',
    "deep": b'{"value": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "deep and open": b'{"value": ' + b'{"a":' * 100_000,
    "no UTF-8": b'{"value": "\xff\xfe"}',
    "half a surrogate": b'{"value": "\\ud800"}',
    "an unknown field": b'{"value": 1, "other": 2}',
    "a partition of a thousand digits": b'{"value": 1, "partition": ' + b"9" * 1000 + b"}",
    "a partition below zero": b'{"value": 1, "partition": -1}',
    "a name without end": b'{"value": 1, "headers": {"' + b"n" * 900_000 + b'": 1}}',
    "too many records": b'{"records": [' + b",".join([b'{"value":1}'] * 10_001) + b"]}",
    "no records": b'{"records": []}',
    "a number of a hundred thousand digits": b'{"value": ' + b"9" * 100_000 + b"}",
    "an exponent without end": b'{"value": 1e999999999}',
}  # fmt: skip
TAKEN = {
    "a name without end",
    "a number of a hundred thousand digits",
    "an exponent without end",
    "half a surrogate",
}
"""What may be taken: it is JSON."""


@pytest.mark.parametrize("name", BODIES)
def test_a_body_that_cannot_be_meant_is_refused(up: Up, name: str) -> None:
    status = once(up.http, "POST", POST, BODIES[name], Content_Type="application/json")
    assert status in ((200, 400, 413) if name in TAKEN else (400, 413))


def test_bodies_over_the_limit_end_early_whatever_their_length_says(up: Up) -> None:
    with siege(up):
        for length in ("2000000", "99999999999999999999", "-1", "1e3", "0x10"):
            assert once(
                up.http, "POST", POST, b"", Content_Type="application/json", Content_Length=length
            ) in (400, 413)
        head = f"POST {POST} HTTP/1.1\r\nHost: {up.http}\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
        chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
        with Http(up.http) as one:
            one.send(head.encode() + chunk * 64)
            assert one.status() in (413, 0)


def test_requests_that_never_end_do_not_hold_the_others_up(up: Up) -> None:
    head = f"POST {POST} HTTP/1.1\r\nHost: {up.http}\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n".encode()
    with siege(up), contextlib.ExitStack() as opened:
        for start in (b"", b"GET", b"GET / HTTP/1.1\r\nX: ", head, head + b'{"value": '):
            for _ in range(40):
                opened.enter_context(Http(up.http)).send(start)
        time.sleep(1)


def test_heads_over_the_limit_end_the_connection(up: Up) -> None:
    with siege(up):
        for line in (b"X: " + b"x" * 500_000, b"X: y\r\n" * 20_000, b"Cookie: " + b"a=b;" * 50_000):
            with Http(up.http) as one:
                one.send(f"GET / HTTP/1.1\r\nHost: {up.http}\r\n".encode() + line)
                assert one.status() in (0, 400, 431)
        assert once(up.http, "GET", "/" + "x" * 200_000) in (0, 400, 414, 431)


PATHS = (
    "/../../../../etc/passwd", "/..%2f..%2f..%2fetc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/assets/../../../../etc/passwd",
    "//etc/passwd", "/%00", "/assets/%00.js", "/..\\..\\etc\\passwd", "/%c0%ae%c0%ae/etc/passwd", "/\udcff", "/%ff", "/.git/config",
    "/http:%2f%2fevil", "/" + "a/" * 5000, "/~root",
)  # fmt: skip


def test_no_path_leads_out_of_the_console_s_folder(up: Up) -> None:
    with siege(up):
        for path in PATHS:
            with Http(up.http) as one:
                one.send(
                    f"GET {path} HTTP/1.1\r\nHost: {up.http}\r\nConnection: close\r\n\r\n".encode(
                        "utf-8", "surrogateescape"
                    )
                )
                whole = b""
                with contextlib.suppress(ConnectionError):
                    while more := one.socket.recv(65536):
                        whole += more
            assert b"root:" not in whole
            assert not whole.startswith(b"HTTP/1.1 5"), (path[:40], whole[:200])


QUERIES = (
    "/api/topics/posted/records?limit=99999999999999999999", "/api/topics/posted/records?limit=-1",
    "/api/topics/posted/records?offset=9223372036854775808&partition=0", "/api/topics/posted/records?partition=2147483648",
    "/api/topics/posted/records?from=99999999999999999", "/api/topics/posted/records?from=%ff", "/api/topics/%2e%2e/records",
    "/api/topics/posted/records?limit=" + "9" * 5000, "/api/topics/" + "t" * 5000, "/api/topics/posted/records?limit=\u0661",
    "/api/tables/none", "/api/tables/none?filter=a:eq:1", "/api/tables/none/%ff%fe", "/api/groups/" + "g" * 5000,
    "/api/groups/%00", "/api/pipelines/%2e%2e%2f", "/api/status?x=1", "/api/tables?" + "a=b&" * 10_000, "/api/none",
)  # fmt: skip


def test_parameters_out_of_range_are_refused_and_never_fail(up: Up) -> None:
    with siege(up):
        found = {path[:60]: once(up.http, "GET", path) for path in QUERIES}
    assert {path: status for path, status in found.items() if not 400 <= status < 500} == {}


def test_methods_that_nobody_has_are_refused(up: Up) -> None:
    with siege(up):
        for method in ("TRACE", "CONNECT", "PROPFIND", "PUT", "PATCH", "X" * 1000, "GET\x00"):
            assert once(up.http, method, "/api/topics", Content_Type="application/json") in (0, 400, 405, 501)


def test_listeners_that_never_read_are_bounded_and_the_others_are_told(up: Up) -> None:
    with siege(up), contextlib.ExitStack() as opened:
        listeners = [opened.enter_context(Http(up.http)) for _ in range(300)]
        for one in listeners:
            one.send(f"GET /api/flow/events HTTP/1.1\r\nHost: {up.http}\r\n\r\n".encode())
        statuses = [one.status() for one in listeners]
        assert statuses.count(200) == 256
        assert statuses.count(503) == 44
    end_s = time.monotonic() + 10
    while once(up.http, "GET", "/api/flow/events") != 200:
        assert time.monotonic() < end_s, "listeners that are gone still count"


def test_records_that_are_poison_do_not_stop_the_pages(up: Up) -> None:
    """Whatever clients write into the topics that the web process reads: it goes on."""
    poison = [wire.batch(b"\xff" * 1000, 1, codec) for codec in range(5)]
    poison += [
        wire.batch(wire.record(b'{"kind":', b"job/x"), 1),
        wire.batch(wire.record(b"\xff", b"\xff"), 1),
    ]
    poison += [wire.batch(wire.record(b'{"kind":"job","name":5,"tables":[{"name":null}]}', b"job/x"), 1)]
    poison += [
        wire.batch(wire.gzipped(b"\0", 100 << 20), 1, 1),
        wire.batch(wire.record(b"[" * 50_000, b"job/y"), 1),
    ]
    with siege(up, 400, 5.0), Line(up.kafka) as line:  # a batch may open into 256 MiB, which takes its time
        for topic in ("posted", "_penstock.workers", "_penstock.metrics", "_penstock.commands"):
            for batch in poison:
                line.ask(wire.produce(topic, batch))
        for path in ("/api/topics/posted/records", "/api/topics/posted/records?from=start&limit=1000"):
            assert once(up.http, "GET", path) == 200
        for path in ("/api/pipelines", "/api/tables", "/api/flow", "/metrics", "/api/topics", "/api/groups"):
            assert once(up.http, "GET", path) == 200
        seen_ms = get(up.http, "/api/flow")["at_ms"]
        time.sleep(1.5)
        assert get(up.http, "/api/flow")["at_ms"] > seen_ms


def test_requests_by_the_thousand_on_one_connection(up: Up) -> None:
    one_request = f"GET /api/status HTTP/1.1\r\nHost: {up.http}\r\n\r\n".encode()
    with siege(up), Http(up.http) as one:
        one.socket.setsockopt(1, 8, struct.pack("i", 4096))  # SOL_SOCKET, SO_RCVBUF
        one.socket.settimeout(1)
        with contextlib.suppress(TimeoutError, ConnectionError):
            one.socket.sendall(one_request * 20_000)
