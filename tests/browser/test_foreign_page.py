"""A page of another origin tries to delete something, in real Chromium: what the guard against forged requests rests on."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests.browser.process import console

pytestmark = pytest.mark.browser

TRYING = """async ([victim, own]) => {
    const said = [];
    const fetched = (url, more) => fetch(url, { method: "DELETE", ...more }).then((a) => a.status, (e) => e.name);
    for (const more of [{}, { mode: "no-cors" }, { credentials: "include" }, { keepalive: true }, { referrerPolicy: "no-referrer" }])
        said.push(await fetched(victim, more));
    said.push(await fetched(own + "/redirect?" + encodeURIComponent(victim), {}));
    said.push(await new Promise((done) => {
        const asked = new XMLHttpRequest();
        asked.open("DELETE", victim);
        asked.onloadend = () => done(asked.status);
        asked.send();
    }));
    const frame = document.body.appendChild(document.createElement("iframe"));
    frame.sandbox = "allow-scripts allow-forms";
    frame.srcdoc = `<form action="${victim}" method="DELETE"></form><script>
        fetch("${victim}", { method: "DELETE" }).catch(() => 0).then(() => { parent.postMessage("over", "*"); document.forms[0].submit(); });
    </script>`;
    await new Promise((done) => addEventListener("message", done, { once: true }));
    return said;
}"""


class Heard(BaseHTTPRequestHandler):
    """Hands out an empty page, redirects where it is told to, and lets every page send everything."""

    requests: list[tuple[str, dict[str, str]]]

    def answer(self) -> None:
        self.requests.append((self.command, {name.lower(): value for name, value in self.headers.items()}))
        _, redirected, target = self.path.partition("/redirect?")
        self.send_response(307 if redirected else 200)
        if redirected:
            self.send_header("location", target.replace("%3A", ":").replace("%2F", "/"))
        for what, allowed in (
            ("Origin", self.headers.get("origin", "*")),
            ("Methods", "DELETE"),
            ("Credentials", "true"),
        ):
            self.send_header(f"Access-Control-Allow-{what}", allowed)
        self.send_header("content-type", "text/html")
        self.send_header("content-length", "0")
        self.end_headers()

    do_GET = do_POST = do_OPTIONS = do_DELETE = answer  # noqa: N815

    def log_message(self, *_: Any) -> None:
        """Not on the test's output."""


@contextmanager
def listener() -> Iterator[tuple[str, list[tuple[str, dict[str, str]]]]]:
    """A server's address, and what it was asked."""
    heard: list[tuple[str, dict[str, str]]] = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Listener", (Heard,), {"requests": heard}))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"127.0.0.1:{server.server_port}", heard
    finally:
        server.shutdown()


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    context = browser.new_context()
    yield context.new_page()
    context.close()


def test_whatever_a_page_tries_its_deletions_say_where_they_come_from(page: Any) -> None:
    with listener() as (home, _), listener() as (victim, heard):
        for own in (home, home.replace("127.0.0.1", "localhost"), victim):
            page.goto(f"http://{own}/")
            heard.clear()
            page.evaluate(TRYING, [f"http://{victim}/api/queues/%2F/q", f"http://{own}"])
            deletions = [headers for method, headers in heard if method == "DELETE"]
            assert len(deletions) >= 6
            assert all("origin" in headers and "sec-fetch-site" in headers for headers in deletions)


def test_none_of_them_gets_through(page: Any) -> None:
    with listener() as (home, _), console("--bootstrap", "127.0.0.1:1") as url:
        page.goto(f"http://{home}/")
        said = page.evaluate(TRYING, [f"{url}/api/topics/t", f"http://{home}"])
        assert set(said) <= {"TypeError", 0}
        metrics = page.request.get(f"{url}/metrics").text()
        assert 'method="OPTIONS"' in metrics and 'method="DELETE"' not in metrics
