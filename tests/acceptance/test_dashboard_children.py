"""Runs below other runs in a real browser: folded in lists, and linked with each other."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.acceptance.dashboard import Host, browser, complaints, host, page, status, step
from tests.acceptance.test_dashboard_access import judged

__all__ = ["browser", "complaints", "host", "page"]  # fixtures

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

CONFIG = """
common: {base-url: /build/api}
flows:
  - name: Release
    triggers: [{name: Start, type: data}]
    tasks:
      - name: Deploy
        type: flow
        listen: trigger.good
        opts: {flow: install, values: {where: moon}}
  - name: Install
    triggers: [{name: Start, type: data, opts: {form: {fields: [{id: where}]}}}]
    tasks:
      - {name: Fetch, type: exec, listen: trigger.good, opts: {cmd: 'true'}}
      - name: Copy
        type: exec
        listen: task.fetch.good
        opts: {shell: 'until [ -e "$GO/build" ]; do sleep 0.02; done; exit 3'}
"""


def start(page: Page, host: Host) -> None:
    page.goto(f"{host.url}/flows/release")
    page.get_by_role("button", name="Start a run").click()
    page.wait_for_url("**/runs/h1-1")
    expect(page.get_by_role("heading", name="Release h1-1")).to_be_visible()


def runs(page: Page) -> Locator:
    return page.get_by_role("list", name="Runs", exact=True).get_by_role("listitem")


def test_graph_leads_to_the_child_and_the_child_back_to_its_parent(page: Page, host: Host) -> None:
    start(page, host)

    page.get_by_title(re.compile("Deploy: running, opens h1-2")).click()
    page.wait_for_url("**/runs/h1-2")
    step(page, "Copy", "running")
    expect(page.locator(".head-facts")).to_contain_text("child of h1-1")
    page.get_by_role("link", name="h1-1", exact=True).click()

    page.wait_for_url("**/runs/h1-1?node=deploy")
    expect(page.get_by_role("heading", name="Release h1-1")).to_be_visible()


def test_node_lists_its_child_live(page: Page, host: Host) -> None:
    start(page, host)
    child = page.get_by_role("list", name="Child runs").get_by_role("listitem")
    expect(child.get_by_role("img", name="running")).to_be_visible()

    host.go("build")

    expect(child.get_by_role("img", name="bad")).to_be_visible()
    expect(child).to_contain_text("Copy failed: exit status 3")
    assert judged(page) == []


def test_plan_of_a_re_run_names_what_is_taken_over_of_the_child(page: Page, host: Host) -> None:
    host.go("build")
    start(page, host)
    status(page, "bad")

    page.get_by_role("button", name="Start again…").click()

    plan = page.get_by_role("region", name="What will happen")
    expect(plan.locator("div").filter(has_text="Children").first).to_contain_text(
        "h1-2 of Deploy: starts again; taken over: task.fetch"
    )
    assert judged(page) == []


def test_list_folds_child_runs_below_their_parent(page: Page, host: Host) -> None:
    host.go("build")
    start(page, host)
    status(page, "bad")

    page.goto(f"{host.url}/runs")
    expect(runs(page)).to_have_count(1)
    page.get_by_role("button", name="1 child run, 1 not good").click()

    expect(runs(page)).to_have_count(2)
    expect(runs(page).nth(1)).to_contain_text("Install h1-2")
    assert judged(page) == []


def test_search_finds_a_child_run(page: Page, host: Host) -> None:
    host.go("build")
    start(page, host)
    status(page, "bad")

    page.goto(f"{host.url}/runs?text=moon")

    expect(runs(page).filter(has_text="Install h1-2")).to_contain_text("child of h1-1")


def test_failed_child_does_not_make_its_flow_failing(page: Page, host: Host) -> None:
    host.go("build")
    start(page, host)
    status(page, "bad")

    page.goto(host.url)

    failing = page.locator(".failing li")
    expect(failing).to_have_count(1)
    expect(failing).to_contain_text("Release")
