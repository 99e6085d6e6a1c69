"""Dead letters in the console, over a real broker: found, read, edited, sent back and processed; many, and given up.

A topic's, of a consumer that retries, and a queue's: the seed's example.
"""

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from penstock import Client, Retry, consume
from penstock.consumer.consumer import Consumer
from penstock.consumer.delivery import Delivery
from penstock.record import Record
from penstock.testing.processes import BrokerProcess
from tests.browser.process import console
from tests.dlq.orders import Orders

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
    try:
        with console("--bootstrap", broker_address) as found.url:
            yield found
    finally:
        if found.loop and found.consumer:
            found.loop.call_soon_threadsafe(found.consumer.stop)
        working.join(20)


@contextmanager
def opened(browser: Any, url: str) -> Iterator[Any]:
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.set_default_timeout(15_000)
    said: list[str] = []
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(url + "/dlq")
    yield page
    context.close()
    assert said == []


@pytest.fixture
def page(browser: Any, shop: Shop) -> Iterator[Any]:
    with opened(browser, shop.url) as found:
        yield found


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


def test_a_queue_s_letters_are_found_edited_sent_back_processed_and_given_up(
    browser: Any, tmp_path: Path
) -> None:
    with (
        BrokerProcess(tmp_path, words=("--amqp", "127.0.0.1:0")) as broker,
        Orders(broker.ready["amqp"]) as orders,
        console("--bootstrap", broker.address, "--amqp", broker.ready["amqp"]) as url,
        opened(browser, url) as page,
    ):
        orders.publish({"amount": 1}, {"amount": "many"})
        until(lambda: orders.left("dlq") == 1)
        made = page.request.post(f"{url}/api/topics", data={"name": "shop.dlq", "partitions": 1})
        assert made.status == 201
        page.reload()
        places = page.get_by_role("table", name="Dead letters")
        expect(places.get_by_role("row", name="shop.dlq")).to_contain_text("topic")
        expect(places.get_by_role("row", name="dlq queue")).to_contain_text("1")
        places.get_by_role("link", name="dlq", exact=True).click()

        reasons, letters = (page.get_by_role("table", name=name) for name in ("Reasons", "Letters"))
        expect(page.locator(".headline")).to_contain_text("1 letter waits")
        expect(reasons).to_contain_text("rejected")
        letters.get_by_text('"many"').click()
        panel = page.locator(".panel")
        expect(panel).to_contain_text("queue orders")
        panel.get_by_label("Body").fill('{"amount": 7}')
        panel.get_by_role("button", name="Save as a new letter").click()
        expect(letters).to_contain_text('"amount": 7')
        panel.get_by_role("button", name="Send back to orders").click()
        expect(panel).to_contain_text("It is not in the queue any more.")
        expect(panel).to_contain_text("1 sent back. Done.")
        until(lambda: orders.charged == [1, 7])

        orders.publish({"amount": "few"}, {"amount": "some"}, {"amount": "none"})
        page.get_by_role("link", name="Close").click()
        expect(page.locator(".headline")).to_contain_text("3 letters wait")
        page.get_by_role("link", name="Send all back").click()
        expect(panel).to_contain_text("3 to orders")
        panel.get_by_label("At most").fill("2")
        panel.get_by_label("Letters a second").fill("50")
        panel.get_by_role("button", name="Send 2 letters").click()
        expect(panel).to_contain_text("2 sent back. Done.")
        # They fail again, as they are: sent back once before, which is enough.
        page.get_by_role("link", name="Close").click()
        until(lambda: orders.left("dlq") == 3)
        page.get_by_role("link", name="Send all back").click()
        panel.get_by_label("Leave what was sent back so often").fill("1")
        expect(panel).to_contain_text("2 stay: it was sent back 1 times already")
        panel.get_by_label("To another queue").fill("nowhere")
        expect(panel).to_contain_text("1 stay: no queue takes 'nowhere'")
        expect(panel.get_by_role("button", name="Send 0 letters")).to_be_disabled()
        page.get_by_role("link", name="Close").click()
        page.get_by_role("link", name="Give all up").click()
        panel.get_by_role("button", name="Give up 3 letters").click()
        expect(panel).to_contain_text("Done.")
        expect(page.locator(".headline")).to_contain_text("0 letters wait")
        assert (orders.left("dlq"), orders.charged) == (0, [1, 7])
