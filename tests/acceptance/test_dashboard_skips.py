"""A run with skipped nodes in a real browser: how many ran, which did not, and why."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.acceptance.dashboard import Host, browser, complaints, host, page, status, step
from tests.acceptance.test_dashboard_access import judged

__all__ = ["browser", "complaints", "host", "page"]  # fixtures

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

CONFIG = """
common: {base-url: /build/api}
flows:
  - name: Deploy
    triggers:
      - {name: Start, type: data, opts: {form: {fields: [{id: env, value: test}]}}}
    tasks:
      - {name: Build, type: exec, listen: trigger.good, opts: {shell: echo built}}
      - name: Ship
        type: exec
        listen: task.build.good
        if: values.env == 'prod'
        opts: {shell: echo shipped}
      - {name: Announce, type: exec, listen: task.ship.good, opts: {shell: echo announced}}
"""

WHY = "skipped, since values.env was 'test'"


def start(page: Page, host: Host, env: str) -> None:
    page.goto(f"{host.url}/flows/deploy")
    page.get_by_label("env").fill(env)
    page.get_by_role("button", name="Start a run").click()
    status(page, "good")


def test_list_and_page_of_a_run_tell_how_many_nodes_ran(page: Page, host: Host) -> None:
    start(page, host, "test")

    expect(page.locator(".head-facts")).to_contain_text("1 of 3 ran")
    for path in ("", "/runs", "/flows/deploy"):
        page.goto(f"{host.url}{path}")
        row = page.get_by_role("main").get_by_role("listitem").filter(has_text="h1-1").last
        expect(row).to_contain_text("1 of 3 ran")


def test_run_without_skipped_nodes_has_no_figure(page: Page, host: Host) -> None:
    start(page, host, "prod")

    step(page, "Announce", "good")
    expect(page.locator(".head-facts")).not_to_contain_text("ran")


def test_skipped_node_is_dashed_and_gives_its_reason(page: Page, host: Host) -> None:
    start(page, host, "test")

    step(page, "Ship", "skipped")
    row = page.get_by_role("list", name="Nodes").get_by_role("link").filter(has_text="Ship")
    expect(row).to_contain_text(WHY)
    expect(row).to_have_css("border-left-style", "dashed")
    node = page.get_by_role("group", name="Graph of the flow").get_by_title(f"Ship: {WHY}")
    expect(node).to_have_css("border-top-style", "dashed")
    assert judged(page) == []


def test_why_lists_every_skipped_node(page: Page, host: Host) -> None:
    start(page, host, "test")

    page.get_by_role("list", name="Nodes").get_by_role("link").filter(has_text="Announce").click()

    expect(page).to_have_url(re.compile("tab=why"))
    skipped = page.locator(".why section").filter(has_text="Skipped")
    expect(skipped.locator("dt")).to_have_text(["task.ship", "task.announce"])
    expect(skipped.locator("dd").first).to_have_text("since values.env was 'test'")
