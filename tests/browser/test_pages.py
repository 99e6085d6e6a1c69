"""Every page opens: wide and on a phone, light and dark, without complaint, sideways scrolling or text too pale to read."""

import gzip
from typing import Any

import pytest

from tests.browser.conftest import STATIC, Mock

pytestmark = pytest.mark.browser

PAGES = {
    "/": "Load a core for 10\u202fs",
    "/flow": "machine_band",
    "/flow?open=pipeline:revenue": "Open the pipeline",
    "/topics": "readings",
    "/topics/orders": "Read by",
    "/topics/orders?at=start&open=record:orders:0:1": "customer",
    "/topics/empty": "Send the first one",
    "/topics?open=new-topic": "Compacted",
    "/topics/orders?open=delete-topic:orders": "This destroys",
    "/pipelines": "revenue",
    "/pipelines/revenue": "did you mean sensor",
    "/pipelines/emails": "emails:welcome",
    "/pipelines/machine": "interval join",
    "/pipelines/machine?view=plan": "As it runs",
    "/tables": "machine_now",
    "/tables/machine_now": "disk.read",
    "/groups": "billing",
    "/groups/billing": "billing-1",
    "/queues": "emails.dead",
    "/queues/%2F/emails": "mailer-1",
    "/queues/%2F/emails?open=message:%252F:emails:3": "with the routing key",
    "/queues/shop/a%2Fb": "quorum queue, in shop",
    "/queues?open=new-queue": "anything but",
    "/queues?vhost=shop": "a/b",
    "/dlq": "a/b.dlq",
    "/dlq/orders.dlq": "builtins.ValueError",
    "/dlq/orders.dlq?open=letter:orders.dlq:0:1": "Send back to orders",
    "/dlq/queue%3Aemails.dlq?open=redrive:queue:emails.dlq": "1 to orders",
    "/dlq/queue%40shop%3Aa%2Fb.dlq": "a queue in shop",
    "/nowhere": "There is nothing at",
}
FIRST_VIEW_BYTES_MAX = 200_000

# The ratio of WCAG 2.2, 1.4.3, of every text on the page against the nearest ground behind it.
PALE = """() => {
  const parse = (c) => { const m = c.match(/[\\d.]+/g).map(Number); return [m[0], m[1], m[2], m[3] ?? 1]; };
  const lum = ([r, g, b]) => { const f = (v) => { v /= 255; return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; };
    return 0.2126 * f(r) + 0.7152 * f(g) + 0.0722 * f(b); };
  const ground = (e) => { for (; e; e = e.parentElement) { const c = parse(getComputedStyle(e).backgroundColor); if (c[3] > 0.9) return c; }
    return parse(getComputedStyle(document.body).backgroundColor); };
  const bad = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const e = walk.currentNode.parentElement;
    if (!walk.currentNode.data.trim() || !e.checkVisibility() || e.closest("script, svg, .hidden, :disabled")) continue;
    const [a, b] = [lum(parse(getComputedStyle(e).color)), lum(ground(e))].sort((x, y) => y - x);
    if ((a + 0.05) / (b + 0.05) < 4.5) bad.push(walk.currentNode.data.trim().slice(0, 40));
  }
  return bad; }"""


@pytest.mark.parametrize("phone", [False, True], ids=["wide", "phone"])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_every_page_opens_and_can_be_read(open_page: Any, mock: Mock, phone: bool, dark: bool) -> None:
    page = open_page("/", phone=phone, dark=dark)
    for path, words in PAGES.items():
        page.goto(mock.url + path)
        page.get_by_text(words).first.wait_for()
        sideways = page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        inner = page.evaluate("(m => m.scrollWidth - m.clientWidth)(document.querySelector('main'))")
        assert (path, sideways, inner) == (path, 0, 0)
        assert (path, page.evaluate(PALE)) == (path, [])


def test_the_first_view_is_under_200_kb_gzipped(open_page: Any) -> None:
    files = [f for f in STATIC.rglob("*") if f.is_file()]
    assert sum(len(gzip.compress(f.read_bytes())) for f in files) < FIRST_VIEW_BYTES_MAX
    loaded = open_page("/flow").evaluate(
        "performance.getEntriesByType('resource').map((e) => new URL(e.name).origin)"
    )
    assert len(set(loaded)) == 1, "nothing comes from elsewhere"


def test_the_home_page_shows_each_node_with_its_rate_and_its_trouble(open_page: Any) -> None:
    page = open_page("/flow")
    assert "110\u202f/s" in page.locator(".node.topic", has_text="readings").inner_text()
    assert page.locator(".node.pipeline.error").inner_text().startswith("revenue")
    first, second = page.locator(".troubles li").all()
    assert "billing" in first.inner_text() and "Write n.sensor" in second.inner_text()
    assert page.locator(".arrow.busy .pulse").count() > 0


def test_an_arrow_is_thicker_the_more_passes(open_page: Any) -> None:
    page = open_page("/flow")
    page.locator(".arrow.busy").first.wait_for(state="attached")
    widths = page.evaluate(
        "[...document.querySelectorAll('.arrow .pipe')].map((e) => parseFloat(e.style.strokeWidth))"
    )
    assert max(widths) > min(widths) + 1


def test_nodes_stay_where_they_are_while_numbers_change(open_page: Any) -> None:
    page = open_page("/flow")
    places = "[...document.querySelectorAll('.node')].map((e) => e.textContent.match(/[a-z_ ]+/)[0] + JSON.stringify(e.getBoundingClientRect()))"
    page.locator(".node").first.wait_for()
    before = page.evaluate(places)
    page.wait_for_timeout(2500)
    assert page.evaluate(places) == before


def test_hostile_text_in_a_record_stays_text(open_page: Any, mock: Mock) -> None:
    bad = "<img src=x onerror=\"document.title='taken'\"><script>document.title='taken'</script>"
    mock.post("/api/topics/orders/records", {"key": bad, "value": {"name": bad}, "headers": {bad: bad}})
    end = mock.get("/api/topics/orders")["partitions"][0]["end"]
    page = open_page(f"/topics/orders?partition=0&at={end - 20}")
    page.get_by_text("onerror").first.click()
    page.locator(".panel .json").first.wait_for()
    assert page.locator("main img, .panel img, .panel script").count() == 0
    assert "taken" not in page.title()


def test_a_large_number_in_a_record_keeps_its_last_digit(open_page: Any, mock: Mock) -> None:
    mock.post("/api/topics/empty/records", {"value": '{"id":9007199254740993}'})
    page = open_page("/topics/empty?open=record:empty:0:0")
    page.locator(".panel .json").last.wait_for()
    assert '"id": 9007199254740993' in page.locator(".panel .json").last.inner_text()


def test_with_reduced_motion_nothing_is_animated(open_page: Any) -> None:
    page = open_page("/flow", reduced_motion="reduce")
    page.locator(".arrow.busy").first.wait_for(state="attached")
    assert page.evaluate("document.getAnimations().length") == 0
    offsets = "[...document.querySelectorAll('.pulse')].map((e) => e.style.strokeDashoffset)"
    before = page.evaluate(offsets)
    page.wait_for_timeout(500)
    assert page.evaluate(offsets) == before


def test_an_empty_project_is_told_how_to_start(open_page: Any, mock: Mock) -> None:
    mock.post("/mock", {"empty": True, "demo": False})
    try:
        page = open_page("/")
        page.get_by_text("Nothing flows yet").wait_for()
        assert "kcat -P" in page.locator(".snippet").first.inner_text()
        assert "penstock up my-app" in page.locator(".snippet").last.inner_text()
    finally:
        mock.post("/mock", {"empty": False, "demo": True})
