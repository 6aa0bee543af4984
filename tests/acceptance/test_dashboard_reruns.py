"""Runs that a person starts again in the browser, and how their pages name the earlier run."""

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
  - name: ci
    triggers:
      - name: start
        type: data
        opts:
          form:
            fields:
              - {id: branch, prompt: Which branch?, type: string}
              - {id: jobs, prompt: How many jobs?, type: number, value: 4}
    tasks:
      - name: Build
        type: exec
        listen: trigger.good
        opts: {shell: 'echo "built by $FLOE_RUN" | tee built'}
      - name: Test
        type: exec
        listen: task.build.good
        opts: {shell: 'cat built; [ "$FLOE_IN_BRANCH" = fix ]'}
      - {name: Done, type: end, listen: task.test.good}
"""


@pytest.fixture
def failed(page: Page, host: Host) -> Page:
    """The page of a run whose test failed after a good build."""
    values = {"branch": "main", "jobs": 4}
    host.post("push/data", {"ref": {"id": "ci"}, "form": {"id": "start", "values": values}})
    page.goto(f"{host.url}/runs/h1-1")
    status(page, "bad")
    return page


def test_what_failed_is_started_again_with_an_edited_value(failed: Page) -> None:
    page = failed

    page.get_by_role("button", name="Start again…").click()
    dialog = page.get_by_role("dialog", name="Start ci h1-1 again")
    expect(dialog.get_by_label("What failed, and all nodes after it")).to_be_checked()
    plan = dialog.get_by_role("region", name="What will happen")
    expect(plan.locator("div").filter(has_text="Runs again")).to_contain_text("Test")
    expect(plan.locator("div").filter(has_text="Taken over")).to_contain_text("Build")
    expect(plan).to_contain_text("moved from h1-1 if it starts on h1")
    expect(dialog.get_by_label("Which branch?")).to_have_value("main")
    expect(plan).not_to_contain_text("keep the results")
    dialog.get_by_label("Which branch?").fill("fix")
    expect(plan).to_contain_text("branch: the nodes taken over keep the results")
    dialog.get_by_role("button", name="Start again", exact=True).click()

    page.wait_for_url(re.compile("/runs/h1-2$"))
    status(page, "good")
    head = page.locator(".head")
    expect(head).to_contain_text("workspace of h1-1")
    expect(head.get_by_role("link", name="h1-1", exact=True)).to_be_visible()
    step(page, "from h1-1", "good")
    page.get_by_role("list", name="Nodes").get_by_role("link", name="Build").click()
    expect(page.get_by_role("log", name="Output")).to_contain_text("built by h1-1")
    page.get_by_role("tabpanel").get_by_role("link", name="h1-1", exact=True).click()
    page.wait_for_url(re.compile("/runs/h1-1"))
    status(page, "bad")


def test_node_offers_to_start_from_itself(failed: Page) -> None:
    page = failed
    page.get_by_role("list", name="Nodes").get_by_role("link", name="Build").click()

    page.get_by_role("button", name="Start again from here…").click()

    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_label("From the node")).to_have_value("task.build")
    plan = dialog.get_by_role("region", name="What will happen")
    expect(plan.locator("div").filter(has_text="Runs again")).to_contain_text("Build, Test")
    expect(plan).not_to_contain_text("Taken over")


def test_wrong_value_of_a_re_run_is_reported_at_its_field(failed: Page) -> None:
    page = failed
    page.get_by_role("button", name="Start again…").click()
    dialog = page.get_by_role("dialog")

    dialog.get_by_label("How many jobs?").fill("many")
    dialog.get_by_role("button", name="Start again", exact=True).click()

    jobs = dialog.get_by_label("How many jobs?")
    expect(jobs).to_be_focused()
    expect(jobs).to_have_attribute("aria-invalid", "true")
    expect(dialog.locator(".field-message")).to_have_count(1)


def test_dialog_is_used_by_keyboard_and_gives_the_focus_back(failed: Page) -> None:
    page = failed
    button = page.get_by_role("button", name="Start again…")
    button.focus()

    page.keyboard.press("Enter")
    chosen = page.get_by_role("dialog").get_by_label("What failed, and all nodes after it")
    expect(chosen).to_be_focused()
    page.keyboard.press("Escape")

    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(button).to_be_focused()
    expect(page).to_have_url(re.compile("/runs/h1-1$"))


def test_second_re_run_explains_why_its_workspace_is_empty(failed: Page, host: Host) -> None:
    page = failed
    host.post("runs/h1-1/rerun", {"failed": True})
    moved = "its workspace belongs to the re-run h1-2 now"
    expect(page.locator(".head")).to_contain_text(moved)

    page.goto(f"{host.url}/runs/h1-1?again=failed")

    plan = page.get_by_role("region", name="What will happen")
    expect(plan).to_contain_text("empty: it was moved to h1-2")


@pytest.mark.parametrize("width", [1280, 390])
def test_axe_finds_nothing_wrong_with_a_re_run(failed: Page, host: Host, width: int) -> None:
    page = failed
    page.set_viewport_size({"width": width, "height": 800})

    page.goto(f"{host.url}/runs/h1-1?again=task.test")
    expect(page.get_by_role("region", name="What will happen")).to_contain_text("Taken over")
    dialog = judged(page)
    cut = page.get_by_role("dialog").evaluate("it => it.scrollWidth - it.clientWidth")
    host.post("runs/h1-1/rerun", {"failed": True})
    page.goto(f"{host.url}/runs/h1-2?node=build&tab=data")
    status(page, "bad")
    expect(page.get_by_role("tabpanel")).to_contain_text("was taken over from h1-1")

    assert (dialog, cut, judged(page)) == ([], 0, [])
