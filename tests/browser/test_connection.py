"""The console and its server part and meet again: nothing is asked while hidden, nothing is missed, nothing is hidden from people."""

import re
import time
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Mock

pytestmark = pytest.mark.browser

# A real tab cannot be hidden in headless Chromium: the page is told so in the way a browser tells it.
HIDE = """(state) => { Object.defineProperty(document, 'visibilityState', { value: state, configurable: true });
  document.dispatchEvent(new Event('visibilitychange')); }"""


def rows_shown(page: Any) -> dict[str, str]:
    rows = page.locator("table[aria-label^='Rows of'] tbody tr").all()
    return {(cells := row.locator("td").all_inner_texts())[1]: cells[-1] for row in rows}


def test_a_hidden_tab_asks_for_nothing_and_resumes_by_token(open_page: Any, mock: Mock) -> None:
    page = open_page("/tables/machine_now")
    page.get_by_text("disk.read").first.wait_for()
    page.evaluate(HIDE, "hidden")
    page.wait_for_timeout(400)
    mock.post("/mock", {})
    page.wait_for_timeout(3000)
    assert mock.get("/mock")["seen"] == {}
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.evaluate(HIDE, "visible")
    page.wait_for_timeout(1500)
    assert [u for u in asked if re.search(r"machine_now/changes\?since=\d+$", u)], asked
    expect(page.locator(".link-state")).to_contain_text("live")


def test_the_chart_has_what_happened_while_the_tab_was_hidden(open_page: Any) -> None:
    page = open_page("/")
    page.locator(".chips button").first.wait_for()
    page.evaluate(HIDE, "hidden")
    page.wait_for_timeout(4000)
    page.evaluate(HIDE, "visible")
    page.wait_for_timeout(1500)
    # A gap of four seconds would be drawn as a break: the reading under the pointer proves that there is none.
    box = page.locator(".chart .u-over").bounding_box()
    said = set()
    for back_s in (3, 4, 5):
        page.mouse.move(box["x"] + box["width"] * (1 - back_s / 120), box["y"] + 20)
        said.add(page.locator(".chart .reading").inner_text())
    assert all("cpu" in text for text in said) and len(said) >= 2


def test_a_lost_server_is_said_and_found_again(open_page: Any, mock: Mock) -> None:
    page = open_page("/tables/machine_now", deaf=True)
    page.get_by_text("disk.read").first.wait_for()
    mock.kill()
    expect(page.locator(".link-state")).to_contain_text(
        re.compile(r"lost since \d+.s, resuming"), timeout=8000
    )
    page.wait_for_timeout(3500)
    assert "disk.read" in page.locator("main").inner_text(), "what was known stays to be seen"
    expect(page.locator(".shell.stale"), "and looks stale").to_have_count(1, timeout=8000)
    mock.start()
    expect(page.locator(".link-state")).to_contain_text("live", timeout=10_000)
    expect(page.locator(".shell.stale")).to_have_count(0)
    # The mock begins anew, so its old token is void: reset, snapshot, changes.
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        truth = {row["sensor"]: row["window_end"] for row in mock.get("/api/tables/machine_now")["rows"]}
        if rows_shown(page) == truth:
            return
        page.wait_for_timeout(200)
    assert rows_shown(page) == truth


def test_a_table_that_is_cut_often_shows_what_the_server_has(open_page: Any, mock: Mock) -> None:
    page = open_page("/tables/machine_now")
    page.get_by_text("disk.read").first.wait_for()
    for _ in range(12):
        page.evaluate(HIDE, "hidden")
        page.wait_for_timeout(80)
        page.evaluate(HIDE, "visible")
        page.wait_for_timeout(170)
    deadline = time.monotonic() + 8
    same = False
    while not same and time.monotonic() < deadline:
        truth = {row["sensor"]: row["window_end"] for row in mock.get("/api/tables/machine_now")["rows"]}
        same = rows_shown(page) == truth
        page.wait_for_timeout(100)
    assert same


def test_any_number_of_windows_stays_live(browser: Any, mock: Mock) -> None:
    # A browser opens six connections to a server: five windows with four streams each must not starve one another.
    context = browser.new_context()
    try:
        pages = [context.new_page() for _ in range(5)]
        for page in pages:
            page.goto(mock.url + "/")
            page.locator(".chips button", has_text="cpu.2").wait_for()
        for page in pages:
            before = page.locator(".chips").inner_text()
            expect(page.locator(".chips")).not_to_have_text(before, timeout=6000)
            expect(page.locator(".link-state")).to_contain_text("live")
        pages[0].close()
        pages[1].goto(mock.url + "/topics")
        expect(pages[1].locator("tbody tr").first).to_be_visible()
    finally:
        context.close()


def test_leaving_a_page_closes_its_stream(open_page: Any) -> None:
    page = open_page("/tables/machine_now")
    page.get_by_text("disk.read").first.wait_for()
    with page.expect_event("requestfailed", lambda r: "machine_now/changes" in r.url):
        page.get_by_role("link", name="Groups").click()
