"""Tasks of uTask in a browser: what a person sees of each state, and may do to it."""

import json
import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from floe.cli.client import Account, Client
from floe.model.errors import Conflict
from tests.acceptance.dashboard import TOKEN, Host, browser, complaints, page, status, step
from tests.acceptance.product import until
from tests.acceptance.task_templates import CONFIG, PASSWORD, write_templates
from tests.acceptance.test_dashboard_access import judged

__all__ = ["browser", "complaints", "page"]

pytestmark = pytest.mark.slow

DEPLOY = {"service": "api", "size": "2", "token": PASSWORD, "reason": "we need it"}


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    write_templates(tmp_path)
    host = Host(tmp_path, CONFIG)
    try:
        host.start()
        yield host
    finally:
        host.stop()


def started(host: Host, template: str, label: str, **values: str) -> str:
    """A task that was started by the form of its template, once it is in a state."""
    order = {"ref": {"id": f"utask-{template}"}, "form": {"id": "create", "values": values}}
    run: str = host.post("push/data", order)["run"]
    until(lambda: host.get(f"runs/{run}")["label"] == label, f"a task in {label}")
    return run


def created(host: Host) -> str:
    """A task that a program created, and that no person has taken."""
    with closing(Client(Account(url=f"http://{host.address}/utask", token=TOKEN))) as utask:
        values = {"service": "web", "token": PASSWORD}
        utask.post("task", {"template_name": "deploy", "input": values})
    (run,) = host.get("runs")["runs"]
    return str(run["id"])


def opened(page: Page, host: Host, run: str) -> Locator:
    """The acts on the page of a task."""
    page.goto(f"{host.url}/runs/{run}")
    acts = page.get_by_role("group", name="The task")
    expect(acts).to_be_visible()
    return acts


def facts(page: Page) -> Locator:
    return page.locator(".head-facts")


def test_template_is_started_by_its_form_with_its_password_unseen(page: Page, host: Host) -> None:
    page.goto(f"{host.url}/flows/utask-deploy")
    page.get_by_label("Which service").fill("api")
    page.get_by_label("How large").select_option("2")
    expect(page.get_by_label("Its password")).to_have_attribute("type", "password")
    page.get_by_label("Its password").fill(PASSWORD)
    page.get_by_label("Why").fill("we need it")
    page.get_by_role("button", name="Start a run").click()

    expect(facts(page)).to_contain_text("state BLOCKED")
    step(page, "ask", "bad")
    expect(page.locator("main")).to_contain_text("refused: *** (we need it)")


@pytest.mark.parametrize("tab", ["output", "data", "events", "why"])
def test_password_of_a_task_is_on_no_tab_of_its_page(page: Page, host: Host, tab: str) -> None:
    run = started(host, "deploy", "BLOCKED", **DEPLOY)

    page.goto(f"{host.url}/runs/{run}?node=s0&tab={tab}")
    expect(page.get_by_role("tab", selected=True)).to_have_text(re.compile(tab, re.I))
    expect(page.get_by_role("tabpanel")).not_to_be_empty()

    expect(page.locator("body")).not_to_contain_text(PASSWORD)


def test_password_is_in_no_answer_and_no_line_of_the_log(host: Host) -> None:
    run = started(host, "deploy", "BLOCKED", **DEPLOY)

    answers: list[Any] = [
        host.get(path)
        for path in (
            *("runs", f"runs/{run}", f"runs/{run}/why", f"runs/{run}/events"),
            *(f"runs/{run}/nodes/s0", f"runs/{run}/acts"),
        )
    ]

    assert [one for one in answers if PASSWORD in json.dumps(one)] == []
    assert "***" in json.dumps(answers)
    assert PASSWORD not in host.log.read_text()


def test_task_that_no_person_took_is_resolved_on_its_page(page: Page, host: Host) -> None:
    acts = opened(page, host, created(host))
    expect(acts).to_contain_text("No person has taken it yet")

    acts.get_by_role("button", name="Resolve…").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Why").fill("NO")
    dialog.get_by_role("button", name="Resolve").click()
    expect(dialog.get_by_role("alert")).to_contain_text("field needs a change")
    dialog.get_by_label("Why").fill("go on")
    dialog.get_by_role("button", name="Resolve").click()

    expect(facts(page)).to_contain_text("state BLOCKED")
    expect(acts).to_contain_text("A step refused its values")
    step(page, "ask", "bad")


def test_act_with_the_same_key_is_done_once(host: Host) -> None:
    run = started(host, "spent", "BLOCKED")

    with closing(Client(Account(url=f"http://{host.address}", token=TOKEN))) as api:
        for _ in range(2):
            api.post(f"runs/{run}/acts/pause", {}, "k")
        with pytest.raises(Conflict, match="'pause' is not possible"):
            api.post(f"runs/{run}/acts/pause", {}, "other")


def test_task_that_is_not_to_be_done_ends_as_wontfix(page: Page, host: Host) -> None:
    acts = opened(page, host, created(host))

    acts.get_by_role("button", name="Won't fix…").click()
    page.get_by_role("dialog").get_by_role("button", name="Won't fix").click()

    expect(facts(page)).to_contain_text("state WONTFIX")
    expect(acts).to_be_hidden()


def test_blocked_task_is_paused_and_run_again(page: Page, host: Host) -> None:
    acts = opened(page, host, started(host, "deploy", "BLOCKED", **DEPLOY))

    acts.get_by_role("button", name="Pause").click()
    expect(acts).to_contain_text("Paused: nothing begins until a person runs it again")
    expect(acts.get_by_role("button", name="Pause")).to_have_count(0)
    page.get_by_role("button", name="Run again").click()

    expect(acts).to_contain_text("A step refused its values")


def test_task_that_had_all_its_passes_is_extended(page: Page, host: Host) -> None:
    acts = opened(page, host, started(host, "spent", "BLOCKED"))
    expect(acts).to_contain_text("It had 1 pass, all that it may have by itself.")
    page.get_by_role("tab", name="Why").click()
    expect(page.get_by_role("tabpanel")).to_contain_text("it is down")

    acts.get_by_role("button", name="Extend").click()

    expect(acts).to_contain_text("It had 2 passes")


def test_task_is_started_over_with_other_values_of_its_resolver(page: Page, host: Host) -> None:
    acts = opened(page, host, started(host, "deploy", "BLOCKED", **DEPLOY))

    acts.get_by_role("button", name="Start over…").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Why").fill("once more")
    dialog.get_by_role("button", name="Start over").click()

    expect(dialog).to_be_hidden()
    expect(page.locator("main")).to_contain_text("(once more)")


def test_task_that_waits_shows_what_it_waits_for_and_no_failure(page: Page, host: Host) -> None:
    acts = opened(page, host, started(host, "approval", "WAITING"))

    expect(acts).to_contain_text("It goes on by itself when what it waits for has come")
    status(page, "waiting")
    page.get_by_role("tab", name="Why").click()
    why = page.get_by_role("tabpanel")
    expect(why).to_contain_text("step wait awaits callback:")
    expect(why.locator("dt")).to_have_text("wait")


def test_loop_shows_each_child_and_goes_on_by_itself(page: Page, host: Host) -> None:
    run = started(host, "servers", "RUNNING")
    until(lambda: host.get(f"runs/{run}")["phase"] == "resting", "the end of a pass")
    acts = opened(page, host, run)

    expect(acts).to_contain_text("A step failed and is tried again by itself")
    expect(facts(page)).to_contain_text("goes on")
    row = page.get_by_role("list", name="Nodes").get_by_role("link").filter(has_text="each")
    expect(row).to_contain_text("2 of 3 done")


def test_finished_task_has_its_result_and_no_act(page: Page, host: Host) -> None:
    run = started(host, "greeting", "DONE", who="Ada")

    page.goto(f"{host.url}/runs/{run}?node=result&tab=data")

    expect(page.get_by_role("tabpanel")).to_contain_text("Hello Ada")
    expect(page.get_by_role("group", name="The task")).to_have_count(0)
    expect(page.get_by_role("button", name="Start again…")).to_have_count(0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_page_of_a_task_fits_a_phone(page: Page, host: Host, scheme: str) -> None:
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page.set_viewport_size({"width": 390, "height": 800})
    acts = opened(page, host, created(host))

    acts.get_by_role("button", name="Resolve…").click()

    expect(page.get_by_role("dialog").get_by_label("Why")).to_be_focused()
    assert judged(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") == 390
