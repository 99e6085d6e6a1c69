"""What people do in the console: look around with the keyboard, sort, produce, delete, load a core, change the theme."""

import re
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Mock

pytestmark = pytest.mark.browser


def test_the_palette_goes_anywhere_and_back_comes_back(open_page: Any) -> None:
    page = open_page("/flow")
    page.locator(".node").first.wait_for()
    page.keyboard.press("Control+k")
    page.keyboard.type("machnow")
    expect(page.locator(".palette li[aria-selected=true]")).to_contain_text("machine_now")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/tables/machine_now$"))
    page.go_back()
    expect(page).to_have_url(re.compile(r"/flow$"))
    expect(page.locator(".node").first).to_be_visible()


def test_escape_closes_what_is_open(open_page: Any) -> None:
    page = open_page("/flow")
    page.locator(".node", has_text="readings").click()
    expect(page.locator(".panel")).to_contain_text("Open the topic")
    page.keyboard.press("Control+k")
    page.keyboard.press("Escape")
    expect(page.locator(".palette")).to_have_count(0)
    expect(page.locator(".panel")).to_have_count(1)
    page.keyboard.press("Escape")
    expect(page.locator(".panel")).to_have_count(0)


def test_a_slash_searches_the_page_and_the_url_keeps_it(open_page: Any) -> None:
    page = open_page("/topics")
    page.locator("tbody tr").first.wait_for()
    page.keyboard.press("/")
    page.keyboard.type("mach")
    expect(page.locator("tbody tr")).to_have_count(2)
    expect(page).to_have_url(re.compile("q=mach"))
    page.reload()
    expect(page.locator("tbody tr")).to_have_count(2)


def test_sorting_is_kept_in_the_url(open_page: Any) -> None:
    page = open_page("/topics")
    page.get_by_role("button", name="Records").click()
    expect(page.locator("tbody tr").first).to_contain_text("readings")
    expect(page).to_have_url(re.compile("sort=-records"))
    page.reload()
    expect(page.locator("th[aria-sort=descending]")).to_contain_text("Records")


def test_a_virtual_host_is_chosen_where_there_are_several(open_page: Any) -> None:
    page = open_page("/queues")
    rows = page.get_by_role("table", name="Queues").locator("tbody tr")
    expect(rows).to_have_count(3)
    page.get_by_label("Virtual host").select_option("shop")
    expect(page).to_have_url(re.compile(r"/queues\?vhost=shop$"))
    expect(rows).to_have_count(1)
    page.get_by_role("link", name="Create a queue").click()
    expect(page.locator(".panel").get_by_label("Virtual host")).to_have_value("shop")
    page.get_by_role("link", name="Dead letters").click()
    rows = page.get_by_role("table", name="Dead letters").locator("tbody tr")
    expect(rows).to_have_count(3)
    page.get_by_label("Virtual host").select_option("shop")
    expect(rows).to_have_count(1)
    rows.get_by_role("link", name="a/b.dlq").click()
    expect(page.locator(".headline")).to_contain_text("a queue in shop")


def test_a_name_stays_readable_beside_a_panel_and_on_a_phone(open_page: Any) -> None:
    def widths(page: Any) -> list[float]:
        names = page.locator("main .grid tbody tr td:first-child")
        names.first.wait_for()
        return [names.nth(at).bounding_box()["width"] for at in range(names.count())]

    assert min(widths(open_page("/queues?open=new-queue"))) >= 150
    for path in ("/queues", "/dlq", "/pipelines", "/pipelines/emails"):
        assert (path, min(widths(open_page(path, phone=True))) >= 70) == (path, True)


def test_arrows_walk_a_table_and_enter_opens_the_row(open_page: Any) -> None:
    page = open_page("/topics?sort=name")
    page.locator("tbody tr").first.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(page.locator("tr:focus")).to_contain_text("machine_band")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/topics/machine_band$"))


def test_a_long_table_draws_only_what_is_looked_at(open_page: Any, mock: Mock) -> None:
    for start in range(0, 600, 100):
        records = [{"value": f"row {start + i}"} for i in range(100)]
        mock.post("/api/topics/empty/records", {"records": records})
    page = open_page("/topics/empty?at=start")
    expect(page.locator("table[aria-label^=Records]")).to_have_attribute("aria-rowcount", "100")
    assert page.locator("table[aria-label^=Records] tbody tr").count() < 60
    page.locator("table[aria-label^=Records] tbody tr").nth(1).focus()
    page.keyboard.press("End")
    expect(page.locator("tr:focus")).to_contain_text("row 99")


def test_what_transactions_took_back_is_shown_when_it_is_asked_for(open_page: Any, mock: Mock) -> None:
    mock.post("/mock", {"aborted": "taken-back"})
    mock.post("/api/topics", {"name": "taken-back"})
    mock.post("/api/topics/taken-back/records", {"records": [{"value": f"row {i}"} for i in range(4)]})
    page = open_page("/topics/taken-back?at=start")
    rows = page.locator("table[aria-label^=Records] tbody tr")
    expect(rows).to_have_text([re.compile("row 0$"), re.compile("row 2$")])
    page.get_by_label("uncommitted too").check()
    expect(rows).to_have_text(
        [
            re.compile("row 0$"),
            re.compile("⟨aborted⟩ row 1$"),
            re.compile("row 2$"),
            re.compile("⟨aborted⟩ row 3$"),
        ]
    )
    rows.nth(1).click()
    expect(page.locator(".panel")).to_contain_text("Its transaction was aborted")
    page.get_by_label("uncommitted too").uncheck()
    expect(rows).to_have_count(2)
    page.goto(page.url.partition("/topics")[0] + "/topics/orders")
    expect(page.locator("table[aria-label^=Records] tbody tr").first).to_be_visible()
    expect(page.get_by_label("uncommitted too")).to_have_count(0)


def test_a_record_is_produced_and_looked_at(open_page: Any, mock: Mock) -> None:
    page = open_page("/topics/orders?open=produce:orders")
    page.get_by_label("Key").fill("k-1")
    page.get_by_label("Value", exact=True).fill('{"made": "here"}')
    page.get_by_label("Headers", exact=True).fill("origin: console")
    page.get_by_role("button", name="Send").click()
    page.get_by_role("link", name=re.compile("partition 0, offset")).click()
    panel = page.locator(".panel")
    expect(panel).to_contain_text('"made": "here"')
    expect(panel).to_contain_text("k-1")
    expect(panel).to_contain_text("console")


def test_a_topic_is_created_and_deleting_it_names_what_it_destroys(open_page: Any, mock: Mock) -> None:
    page = open_page("/topics?open=new-topic")
    create = page.get_by_role("button", name="Create", exact=True)
    page.get_by_label("Name").fill("bad name!")
    expect(create).to_be_disabled()
    page.get_by_label("Name").fill("short-lived")
    page.get_by_label("Partitions").fill("2")
    create.click()
    expect(page).to_have_url(re.compile("/topics/short-lived$"))
    mock.post("/api/topics/short-lived/records", {"value": "one"})
    page.get_by_role("link", name="Delete").click()
    panel = page.locator(".panel")
    expect(panel).to_contain_text("1 record in 2 partitions of short-lived")
    button = panel.get_by_role("button", name="Delete short-lived")
    expect(button).to_be_disabled()
    panel.get_by_label("Type the topic's name").fill("short-lived")
    button.click()
    expect(page).to_have_url(re.compile("/topics$"))
    assert "short-lived" not in [t["name"] for t in mock.get("/api/topics")]


def test_a_refusal_is_shown_with_its_remedy(open_page: Any) -> None:
    page = open_page("/topics?open=new-topic", deaf=True)
    page.get_by_label("Name").fill("readings")
    page.get_by_role("button", name="Create", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("exists already")
    expect(page.get_by_role("alert")).to_contain_text("Choose another name")


def test_a_pipelines_error_is_marked_at_its_line_and_column(open_page: Any) -> None:
    page = open_page("/pipelines/revenue")
    expect(page.locator(".sql .line.wrong")).to_contain_text("JOIN machine_band b")
    expect(page.locator(".sql .squiggle")).to_have_text("sensr")
    expect(page.locator(".sql .saying")).to_contain_text("did you mean sensor?")


def test_loading_a_core_raises_the_flag_within_two_seconds(open_page: Any) -> None:
    page = open_page("/")
    page.locator(".chips button", has_text="cpu.2").wait_for()
    page.get_by_role("button", name=re.compile("Load a core")).click()
    expect(page.locator(".flag")).to_contain_text("cpu", timeout=2500)
    expect(page.locator(".demo-alerts li").first).to_contain_text("cpu", timeout=2500)
    expect(page.get_by_role("button", name=re.compile("A core is loaded"))).to_be_disabled()


def test_an_event_of_ones_own_is_one_copy_away(open_page: Any) -> None:
    page = open_page("/", permissions=["clipboard-read", "clipboard-write"])
    box = page.locator(".demo-send")
    for word, part in (
        ("kcat", "kcat -P -b 127.0.0.1:9092"),
        ("Python", "confluent_kafka"),
        ("curl", "/api/topics/readings/records"),
    ):
        box.get_by_role("tab", name=word).click()
        box.get_by_role("button", name="Copy").click()
        expect(box.get_by_role("button", name="Copied")).to_be_visible()
        assert part in page.evaluate("navigator.clipboard.readText()")
        page.wait_for_timeout(1700)


def test_the_theme_is_switched_and_kept(open_page: Any) -> None:
    page = open_page("/flow")
    ground = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(ground)
    page.get_by_role("button", name="Switch between light and dark").click()
    assert page.evaluate(ground) != light
    page.reload()
    page.locator(".node").first.wait_for()
    assert page.evaluate(ground) != light
