"""Lists of runs: what a person wants to know of each, and equal good ones as one line."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.acceptance.dashboard import Host, browser, complaints, host, page
from tests.acceptance.product import until

__all__ = ["browser", "complaints", "host", "page"]  # fixtures

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

CONFIG = """
common: {base-url: /build/api}
flows:
  - name: Every Five
    triggers:
      - {name: Start, type: data}
      - {name: New Year, type: timer, opts: {cron: '0 0 1 1 *'}}
    tasks: [{name: Ping, type: exec, listen: trigger.good, opts: {cmd: 'true'}}]
  - name: App CI
    triggers:
      - {name: Start, type: data, opts: {form: {fields: [{id: branch}]}}}
    tasks: [{name: Unit Tests, type: exec, listen: trigger.good, opts: {cmd: 'false'}}]
"""


def ended(host: Host, flow: str, count: int = 1, **values: object) -> None:
    """Start runs of a flow, one after the other."""
    for _ in range(count):
        run = host.post("push/data", {"ref": {"id": flow}, "form": {"values": values}})["run"]
        until_over(host, run)


def until_over(host: Host, run: str) -> None:
    until(lambda: host.get(f"runs/{run}")["state"] == "archive", f"the end of {run}")


def test_row_names_flow_title_failure_and_person(page: Page, host: Host) -> None:
    ended(host, "app-ci", branch="feature/login")

    for path in ("", "/runs"):
        page.goto(f"{host.url}{path}")
        row = page.get_by_role("main").get_by_role("listitem").filter(has_text="App CI h1-1")
        expect(row.first).to_contain_text("feature/login")
        expect(row.first).to_contain_text("Unit Tests failed: exit status 1")
        expect(row.first).to_contain_text("admin on h1")
    page.set_viewport_size({"width": 1280, "height": 800})
    heads = page.locator(".rows-head > span")
    expect(heads).to_have_text(["", "Flow", "What", "Who", "Took", "Started"])


def test_equal_good_runs_in_a_row_are_one_line_that_opens(page: Page, host: Host) -> None:
    ended(host, "every-five", 4)
    ended(host, "app-ci", branch="main")
    ended(host, "every-five", 2)

    page.goto(f"{host.url}/runs")
    rows = page.get_by_role("list", name="Runs").get_by_role("listitem")
    expect(rows).to_have_count(4)
    expect(rows.nth(3)).to_contain_text("4 good runs")
    page.get_by_role("button", name="Every Five ×4").click()

    expect(rows).to_have_count(8)
    expect(rows.nth(4)).to_contain_text("h1-4")
    page.get_by_role("button", name="Every Five ×4").click()
    expect(rows).to_have_count(4)


def test_empty_page_leads_to_a_first_run(page: Page, host: Host) -> None:
    page.goto(f"{host.url}/flows")
    row = page.get_by_role("listitem").filter(has_text="Every Five")
    expect(row).to_contain_text(re.compile(r"New Year timer 0 0 1 1 \* UTC next in \d+ (days|h)"))
    page.get_by_role("link", name="Now", exact=True).click()

    page.get_by_role("link", name="Start Every Five").click()
    page.get_by_role("button", name="Start a run").click()

    expect(page.locator(".head")).to_contain_text("Every Five h1-1")


def test_graph_of_a_flow_file_is_that_of_the_last_run(page: Page, host: Host) -> None:
    tasks = "tasks: [{name: Compile, type: exec, listen: trigger.good, opts: {cmd: 'true'}}]\n"
    (host.folder / "tasks.yml").write_text(tasks)
    config = host.folder / "config.yml"
    flow = "  - {name: Elsewhere, flow-file: tasks.yml, triggers: [{name: Start, type: data}]}\n"
    config.write_text(CONFIG + flow)
    host.post("hosts/h1/reload", {})
    page.goto(f"{host.url}/flows/elsewhere")
    expect(page.get_by_text("The graph is known once a run has read the flow-file")).to_be_visible()

    ended(host, "elsewhere")
    page.reload()

    expect(page.get_by_role("group", name="Graph of the flow")).to_contain_text("Compile")
    expect(page.get_by_role("link", name="h1-1").first).to_be_visible()
    expect(page.get_by_role("group", name="Nodes of the flow")).to_contain_text("true")
    page.get_by_role("link", name="YAML").click()
    expect(page.locator(".yaml")).to_contain_text("tasks: [{name: Compile, type: exec")
    (host.folder / "tasks.yml").write_text(tasks.replace("true", "false"))
    page.goto(f"{host.url}/flows/elsewhere?definition=yaml")
    expect(page.get_by_text("The text of the flow-file is not shown")).to_be_visible()
    page.goto(f"{host.url}/flows/app-ci?definition=yaml")
    expect(page.locator(".yaml-line").first).to_have_text("- name: App CI")
    expect(page.locator(".yaml")).not_to_contain_text("Elsewhere")
