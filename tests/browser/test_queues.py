"""Queues in the console, over a real broker: made, filled, looked at, consumed, purged, deleted; and a server without any."""

import asyncio
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from penstock.amqp import connect, url_of
from penstock.testing.processes import BrokerProcess
from tests.browser.process import console

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def queue_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrokerProcess]:
    words = ("--amqp", "127.0.0.1:0")
    with BrokerProcess(tmp_path_factory.mktemp("queues"), words=words) as broker:
        yield broker


@pytest.fixture
def opened(browser: Any) -> Iterator[Any]:
    contexts: list[Any] = []
    said: list[str] = []

    def make(url: str) -> Any:
        contexts.append(browser.new_context(viewport={"width": 1440, "height": 900}))
        page = contexts[-1].new_page()
        page.set_default_timeout(15_000)
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto(url)
        return page

    yield make
    for context in contexts:
        context.close()
    assert said == []


@contextmanager
def consumer(address: str, queue: str) -> Iterator[None]:
    """Someone who holds the first message of a queue."""
    holding, over = threading.Event(), threading.Event()

    async def work() -> None:
        connection = await connect(url_of(address), name="a mailer")
        channel = await connection.channel()
        await channel.call("basic.qos", prefetch_count=1)
        await channel.consume(queue, lambda got: holding.set() if got else None)
        await asyncio.to_thread(over.wait)
        await connection.close()

    # Not here: playwright has a loop of its own in this thread.
    working = threading.Thread(target=lambda: asyncio.run(work()))
    working.start()
    assert holding.wait(10)
    try:
        yield
    finally:
        over.set()
        working.join(20)


def publish(page: Any, *bodies: str) -> None:
    page.get_by_role("link", name="Publish").click()
    for number, body in enumerate(bodies):
        page.get_by_label("Body", exact=True).fill(body)
        page.get_by_label("Headers", exact=True).fill("source: console")
        page.locator(".panel").get_by_role("button", name="Publish").click()
        words = "Published, and safe" if not number else f"{number + 1} published"
        expect(page.locator(".panel").get_by_role("status")).to_contain_text(words)
    page.get_by_role("link", name="Close").click()


def test_a_queue_is_made_filled_looked_at_purged_and_deleted(
    queue_broker: BrokerProcess, opened: Any, tmp_path: Path
) -> None:
    amqp = queue_broker.ready["amqp"]
    with console("--bootstrap", queue_broker.address, "--amqp", amqp) as url:
        page = opened(f"{url}/queues")
        expect(page.locator("main")).to_contain_text("No queue yet")
        page.get_by_role("link", name="Create a queue").click()
        page.get_by_label("Name").fill("e/mails")
        page.get_by_label("At most so many messages").fill("100")
        page.get_by_role("button", name="Create", exact=True).click()
        expect(page).to_have_url(re.compile("/queues/%2F/e%2Fmails$"))
        expect(page.locator("main")).to_contain_text("This queue holds no messages yet")
        expect(page.locator("main")).to_contain_text("x-max-length")
        publish(page, '{"to": "ada"}', '{"to": "bob"}', "<b>three</b>")
        messages = page.get_by_role("table", name="Messages of e/mails").locator("tbody tr")
        expect(messages).to_have_count(3)
        messages.first.focus()
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")
        expect(page.locator(".panel")).to_contain_text('"to": "bob"')
        expect(page.locator(".panel")).to_contain_text("console")
        page.keyboard.press("Escape")
        with consumer(amqp, "e/mails"):
            expect(page.get_by_role("table", name="Consumers")).to_contain_text("a mailer")
            expect(messages).to_have_count(2)
            page.screenshot(path=str(tmp_path / "queue.png"))
            page.get_by_role("link", name="Queues").click()
            row = page.get_by_role("row").filter(has_text="e/mails")
            expect(row.locator("td").nth(5)).to_have_text(re.compile(r"^\s*2$"))
            expect(row.locator("td").nth(6)).to_have_text("1")
            page.get_by_role("button", name="Ready").click()
            expect(page).to_have_url(re.compile("sort=-ready"))
            page.screenshot(path=str(tmp_path / "queues.png"))
            row.get_by_role("link").click()
        page.get_by_role("link", name="Purge").click()
        page.get_by_role("button", name="Purge 3 messages").click()
        expect(page.locator("main")).to_contain_text("Nothing is ready")
        page.get_by_role("link", name="Delete").click()
        delete = page.get_by_role("button", name="Delete e/mails")
        expect(delete).to_be_disabled()
        page.get_by_label("Type the queue's name").fill("e/mails")
        delete.click()
        expect(page).to_have_url(re.compile("/queues$"))
        expect(page.locator("main")).to_contain_text("No queue yet")


def test_a_server_without_queues_says_so(opened: Any) -> None:
    with console("--bootstrap", "127.0.0.1:1") as url:
        expect(opened(f"{url}/queues").get_by_role("alert")).to_contain_text("no queues")
