"""A pipeline's operators and plan, and what someone sees who may not see the flow."""

import re
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Mock

pytestmark = pytest.mark.browser


def test_a_pipeline_s_operators_are_drawn_with_what_they_do_and_keep(open_page: Any) -> None:
    page = open_page("/pipelines/machine")
    steps = page.locator(".steps tbody tr")
    expect(steps).to_have_count(10)
    expect(steps.nth(0)).to_contain_text("readings")
    assert steps.nth(0).locator("a").get_attribute("href") == "/topics/readings"
    busiest = page.locator(".steps .much")
    expect(busiest).to_contain_text("87\u202f%")
    expect(page.locator(".steps tr", has_text="HOP at 30 s")).to_contain_text("2.41\u202fMB")
    sink = page.locator(".steps tr.sink", has_text="machine_now").locator("a")
    assert sink.get_attribute("href") == "/tables/machine_now"
    join = page.locator(".steps tr", has_text="interval join").locator(".threads path")
    assert join.get_attribute("d").count("C") == 2, "two threads come in"


def test_on_a_phone_each_operator_says_in_a_line_what_matters(open_page: Any) -> None:
    page = open_page("/pipelines/machine", phone=True)
    step = page.locator(".steps tr", has_text="HOP at 30 s")
    expect(step.locator(".brief")).to_be_visible()
    expect(step.locator(".brief")).to_contain_text("87\u202f% busy · 341 kept, 2.41\u202fMB")
    assert page.locator(".steps td:visible").count() == 10


def test_the_plan_stands_beside_the_sql_and_the_url_keeps_it(open_page: Any) -> None:
    page = open_page("/pipelines/machine")
    page.get_by_role("link", name="Plan").click()
    expect(page.locator(".plan")).to_contain_text("4 of 5 columns")
    assert page.url.endswith("?view=plan")
    page.get_by_role("link", name="SQL").click()
    expect(page.locator(".sql").first).to_contain_text("INSERT INTO machine_now")


def test_a_plan_that_cannot_be_made_says_why_and_where(open_page: Any) -> None:
    page = open_page("/pipelines/revenue?view=plan", deaf=True)
    wrong = page.locator(".body .refusal", has_text="sensr in n.")
    expect(wrong).to_contain_text("line 15, column 81")


def test_who_may_not_see_the_flow_is_told_so_and_by_whom_it_may_be_granted(
    open_page: Any, mock: Mock
) -> None:
    mock.post("/mock", {"stranger": True, "demo": False})
    try:
        page = open_page("/flow", deaf=True)
        expect(page.get_by_text("The flow is not for everyone")).to_be_visible()
        expect(page.locator(".refusal")).to_contain_text("penstock user allow alice describe cluster")
        expect(page.locator(".link-state")).to_have_text("without the flow")
        page.locator(".teach").get_by_role("link", name="topics").click()
        expect(page.get_by_text("orders").first).to_be_visible()
        assert page.locator(".shell.stale").count() == 0, "what is shown there is not old"
        page.go_back()
        mock.post("/mock", {"stranger": False})
        expect(page.locator(".node").first).to_be_visible(timeout=15_000)
    finally:
        mock.post("/mock", {"stranger": False, "demo": True})


def test_a_file_s_tasks_say_what_became_of_their_calls(open_page: Any) -> None:
    page = open_page("/pipelines/emails")
    tasks = page.get_by_role("table", name="Tasks")
    welcome = tasks.get_by_role("row").filter(has_text="emails:welcome")
    expect(welcome.get_by_role("cell")).to_have_text(
        ["emails:welcome", "emails", re.compile("^4.811$"), "12", re.compile("1$"), "3", "125\u202fms"]
    )
    report = tasks.get_by_role("row").filter(has_text="emails:report")
    expect(report.get_by_role("cell").last).to_have_text("41\u202fµs")
    elsewhere = "/queues/back%2Foffice/reports"  # its queues are in another virtual host
    expect(report.get_by_role("link", name="reports")).to_have_attribute("href", elsewhere)
    given_up = "/dlq/queue%40back%252Foffice%3Areports.dlq"
    expect(report.get_by_role("link", name="2")).to_have_attribute("href", given_up)
    ends = page.get_by_role("table", name="Inputs and outputs")
    expect(ends.get_by_role("link", name="reports")).to_have_attribute("href", elsewhere)
    expect(page.locator("main")).not_to_contain_text("event time behind")
    expect(page.locator("main")).to_contain_text("pipelines/emails.py")
    expect(page.locator(".sql .word").first).to_have_text("from")  # Python's, not SQL's
    expect(welcome.get_by_role("link", name="emails", exact=True)).to_have_attribute(
        "href", "/queues/%2F/emails"
    )
    welcome.get_by_role("link", name="1").click()
    expect(page).to_have_url(re.compile("/dlq/queue%3Aemails.dlq$"))
    expect(page.get_by_role("table", name="Letters")).to_contain_text("ValueError")
