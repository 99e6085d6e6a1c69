"""Dead letters in the console, over a real broker: found, read, edited, sent back and processed; many, and given up."""

import asyncio
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from playwright.sync_api import expect

from penstock import Client, Retry, consume
from penstock.consumer.consumer import Consumer
from penstock.consumer.delivery import Delivery
from penstock.record import Record

pytestmark = pytest.mark.browser


@dataclass
class Shop:
    """A topic whose consumer wants numbers, and a console."""

    bootstrap: str
    topic: str
    url: str = ""
    charged: list[int] = field(default_factory=list)
    consumer: Consumer | None = None
    loop: asyncio.AbstractEventLoop | None = None

    def charge(self, delivery: Delivery) -> None:
        self.charged.append(int(delivery.json()["amount"]))

    def produce(self, *values: Any) -> None:
        async def go() -> None:
            async with Client(self.bootstrap) as client:
                await client.create_topic(self.topic, 1, exist_ok=True)
                now_ms = int(time.time() * 1000)
                records = [Record(b"k%d" % i, json.dumps(v).encode(), now_ms) for i, v in enumerate(values)]
                await client.produce(self.topic, records)

        # Not here: playwright has a loop of its own in this thread.
        producing = threading.Thread(target=lambda: asyncio.run(go()))
        producing.start()
        producing.join(20)

    def work(self) -> None:
        async def go() -> None:
            self.loop = asyncio.get_running_loop()
            retry = Retry("50ms", dead_letter=f"{self.topic}.dlq")
            self.consumer = consume(
                self.topic, group=f"{self.topic}.billing", retry=retry, bootstrap=self.bootstrap
            )
            await self.consumer.work(self.charge)

        asyncio.run(go())


@pytest.fixture
def shop(broker_address: str) -> Iterator[Shop]:
    found = Shop(broker_address, f"shop{time.time_ns()}")
    found.produce({"amount": 1}, {"amount": "many"}, {"amount": 3}, {"amount": "few"})
    working = threading.Thread(target=found.work, daemon=True)
    working.start()
    words = [sys.executable, "-m", "penstock.web", "--bootstrap", broker_address, "--http", "127.0.0.1:0"]
    web = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert web.stdout
        found.url = "http://" + web.stdout.readline().decode().split("http=")[1].strip()
        yield found
    finally:
        web.terminate()
        web.wait(20)
        if found.loop and found.consumer:
            found.loop.call_soon_threadsafe(found.consumer.stop)
        working.join(20)


@pytest.fixture
def page(browser: Any, shop: Shop) -> Iterator[Any]:
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.set_default_timeout(15_000)
    said: list[str] = []
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(shop.url + "/dlq")
    yield page
    context.close()
    assert said == []


def until(true: Any, seconds: float = 20) -> None:
    end_s = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end_s
        time.sleep(0.05)


def test_what_failed_is_found_read_edited_sent_back_and_processed(shop: Shop, page: Any) -> None:
    page.get_by_role("link", name=f"{shop.topic}.dlq").click()
    reasons = page.get_by_role("table", name="Reasons")
    expect(reasons).to_contain_text("ValueError")
    expect(reasons).to_contain_text(f"{shop.topic}.billing")
    page.get_by_role("table", name="Letters").get_by_text('"many"').click()
    panel = page.locator(".panel")
    expect(panel).to_contain_text("invalid literal for int()")
    expect(panel).to_contain_text(f"{shop.topic}-0@1")
    send = panel.get_by_role("button", name="Send back")
    panel.get_by_label("Body").fill('{"amount": 7}')
    expect(send).to_be_disabled()
    panel.get_by_role("button", name="Save as a new letter").click()
    expect(panel.get_by_label("Body")).to_have_value('{"amount": 7}')
    send.click()
    expect(panel.get_by_role("status").first).to_contain_text("sent back")
    until(lambda: 7 in shop.charged)
    assert sorted(shop.charged) == [1, 3, 7]
    page.get_by_label("State").select_option("replaced")
    expect(page.get_by_role("table", name="Letters")).to_contain_text('"many"')


def test_all_of_a_reason_are_sent_back_after_a_look_or_given_up(shop: Shop, page: Any) -> None:
    page.get_by_role("link", name=f"{shop.topic}.dlq").click()
    expect(page.locator(".headline")).to_contain_text("2 letters wait")
    page.get_by_role("table", name="Reasons").get_by_text("ValueError").click()
    page.get_by_role("link", name="Send these back").click()
    panel = page.locator(".panel")
    expect(panel).to_contain_text(f"2 to {shop.topic}.retry.50ms")
    panel.get_by_label("Letters a second").fill("50")
    panel.get_by_role("button", name="Send 2 letters").click()
    expect(panel).to_contain_text("Done.")
    # They fail again, as they are: two new letters, sent back once before.
    page.get_by_role("link", name="Close").click()
    expect(page.locator(".headline")).to_contain_text("2 letters wait")
    page.get_by_role("link", name="Give these up").click()
    panel.get_by_role("button", name="Give up 2 letters").click()
    expect(panel).to_contain_text("Done.")
    expect(page.locator(".headline")).to_contain_text("0 letters wait")
    assert sorted(shop.charged) == [1, 3]
