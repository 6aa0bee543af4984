"""Sign-offs: a form says what it is about, a rejection why, and the run who answered."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.acceptance.dashboard import (
    CONFIG,
    TOKEN,
    Host,
    browser,
    complaints,
    page,
    reject,
    start_release,
    status,
    step,
)

__all__ = ["browser", "complaints", "host", "page"]  # fixtures

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

GUARDED = """
  - name: Guarded Release
    triggers: [{name: Start, type: data}]
    tasks:
      - name: Sign Off
        type: data
        listen: trigger.good
        opts:
          form:
            title: May it go?
            approvers: not-starter
            fields: [{id: ticket, prompt: Which ticket?}]
      - {name: Shipped, type: end, listen: task.sign-off.good}
"""


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    host = Host(tmp_path, CONFIG + GUARDED)
    try:
        host.start()
        host.go("build")
        yield host
    finally:
        host.stop()


def waiting(page: Page, host: Host) -> Locator:
    """What the first page shows as waiting for a person."""
    page.goto(host.url)
    return page.get_by_role("region", name="Waiting for you")


def test_card_shows_what_is_signed_off_and_leads_to_the_output(page: Page, host: Host) -> None:
    start_release(page, host, "7.1")
    step(page, "Sign Off", "waiting for you")

    card = waiting(page, host)

    expect(card).to_contain_text("May this be released? version 7.1")
    expect(card).to_contain_text("Version 7.1")
    expect(card.get_by_role("definition").filter(has_text="7.1")).to_be_visible()
    card.get_by_role("link", name="Build").click()
    expect(page.get_by_role("log", name="Output")).to_contain_text("and on it goes")


def test_many_forms_are_rows_that_open(page: Page, host: Host) -> None:
    for version in ("1.0", "2.0", "3.0"):
        form = {"id": "request", "values": {"version": version}}
        host.post("push/data", {"ref": {"id": "release"}, "form": form})

    cards = waiting(page, host)
    expect(cards.get_by_role("group")).to_have_count(3)
    expect(cards.get_by_role("button", name="Approve")).to_have_count(0)
    cards.get_by_text("version 2.0").click()

    expect(cards.get_by_role("button", name="Approve")).to_have_count(1)
    cards.get_by_role("button", name="Approve").click()
    expect(cards.get_by_text("version 2.0")).to_have_count(0)


def test_rejection_asks_why_and_the_run_shows_the_reason(page: Page, host: Host) -> None:
    start_release(page, host)

    page.get_by_role("button", name="Reject…").click()
    page.get_by_role("dialog").get_by_role("button", name="Back to the form").click()
    status(page, "waiting for you")
    reject(page, "wrong branch")

    status(page, "rejected")
    expect(page.locator(".head")).to_contain_text("rejected by admin: wrong branch")


def test_answer_is_shown_with_its_author_on_node_form_and_graph(page: Page, host: Host) -> None:
    start_release(page, host)
    page.get_by_label("Anything to note?").fill("fine")
    page.get_by_role("button", name="Approve").click()
    status(page, "good")

    said = re.compile(r"approved by admin, \d\d:\d\d, remark fine")
    node = page.get_by_role("list", name="Nodes").get_by_role("link", name="Sign Off")
    expect(node).to_contain_text(said)
    graph = page.get_by_role("group", name="Graph of the flow")
    expect(graph.get_by_role("link", name="Sign Off")).to_have_attribute("title", said)
    expect(graph.get_by_role("link", name="Sign Off")).to_contain_text("by admin")
    node.click()
    page.get_by_role("tab", name="Form").click()
    expect(page.get_by_role("tabpanel")).to_contain_text(re.compile("Approved by admin.*fine"))


def test_starter_sees_why_the_form_is_for_a_different_person(page: Page, host: Host) -> None:
    run = str(host.post("push/data", {"ref": {"id": "guarded-release"}})["run"])
    page.goto(f"{host.url}/runs/{run}")
    panel = page.get_by_role("tabpanel")
    expect(panel).to_contain_text("You started this run, so a different person has to answer.")
    expect(panel.get_by_role("button", name="Approve")).to_be_disabled()
    expect(panel.get_by_role("button", name="Reject…")).to_be_disabled()

    token = host.post("login", {"token": TOKEN, "personal": "bob"})["token"]
    page.get_by_role("button", name="Log out").click()
    page.get_by_label("Token").fill(token)
    page.get_by_role("button", name="Log in").click()
    page.get_by_label("Which ticket?").fill("OPS-77")
    page.get_by_role("button", name="Approve").click()

    status(page, "good")
    expect(page.get_by_role("list", name="Nodes")).to_contain_text("approved by admin:bob")


def test_field_that_is_wrong_is_named_once(page: Page, host: Host) -> None:
    token = host.post("login", {"token": TOKEN, "personal": "bob"})["token"]
    run = str(host.post("push/data", {"ref": {"id": "guarded-release"}})["run"])
    page.get_by_role("button", name="Log out").click()
    page.get_by_label("Token").fill(token)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("button", name="Log out")).to_be_visible()
    page.goto(f"{host.url}/runs/{run}")

    page.get_by_role("button", name="Approve").click()

    expect(page.get_by_text("a value is required")).to_have_count(1)
    expect(page.get_by_role("alert")).to_have_text("Not sent: 1 field needs a change.")
