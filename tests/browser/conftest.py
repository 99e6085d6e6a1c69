"""The console in real headless Chromium, over the mock of the API: a server of its own on a free port for each module."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
STATIC = ROOT / "src" / "penstock" / "web" / "static"
CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
ARGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
START_S = 20


class Mock:
    """The mock API as a process: it can be killed and started again on the same port."""

    def __init__(self) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.process: subprocess.Popen[bytes] | None = None
        self.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        command = [sys.executable, str(ROOT / "ui" / "mock"), "--port", str(self.port)]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise AssertionError(
                    f"the mock ended: {self.process.stderr and self.process.stderr.read()!r}"
                )
            try:
                self.get("/mock")
                return
            except OSError:
                time.sleep(0.1)
        raise AssertionError("the mock does not answer")

    def kill(self) -> None:
        if self.process:
            os.kill(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None

    def get(self, path: str) -> Any:
        with urllib.request.urlopen(self.url + path, timeout=5) as answer:
            return json.load(answer)

    def post(self, path: str, body: Any) -> Any:
        request = urllib.request.Request(
            self.url + path, json.dumps(body).encode(), {"content-type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=5) as answer:
            return json.load(answer)


@pytest.fixture(scope="package")
def browser() -> Iterator[Any]:
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if not Path(CHROMIUM).exists():
        pytest.skip("Debian's Chromium is not installed (apt install chromium)")
    if not (STATIC / "index.html").exists():
        pytest.skip("the console is not built: cd ui && npm ci && npm run build")
    with sync_api.sync_playwright() as play:
        chromium = play.chromium.launch(executable_path=CHROMIUM, args=ARGS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def mock(browser: Any) -> Iterator[Mock]:
    server = Mock()
    yield server
    server.kill()


@pytest.fixture
def open_page(browser: Any, mock: Mock) -> Iterator[Any]:
    """Opens pages; whatever the page complains of fails the test, unless it was told to expect it."""
    contexts: list[Any] = []
    said: list[str] = []

    def make(
        path: str = "/", *, phone: bool = False, dark: bool = False, deaf: bool = False, **options: Any
    ) -> Any:
        if mock.process is None:
            mock.start()  # a test that failed while its server was away takes no other with it
        size = {"width": 390, "height": 844} if phone else {"width": 1440, "height": 900}
        scheme = "dark" if dark else "light"
        context = browser.new_context(viewport=size, color_scheme=scheme, **options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(10_000)
        if not deaf:
            page.on("pageerror", lambda error: said.append(f"{path}: {error}"))
            page.on(
                "console",
                lambda line: line.type in ("error", "warning") and said.append(f"{path}: {line.text}"),
            )
        page.goto(mock.url + path)
        return page

    yield make
    for context in contexts:
        context.close()
    assert said == []
