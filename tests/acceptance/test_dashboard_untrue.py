"""The dashboard says nothing untrue: what is unknown or old or stands still is shown as such."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, Literal

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.acceptance.dashboard import (
    CONFIG,
    Host,
    browser,
    complaints,
    page,
    start_release,
    status,
    step,
)
from tests.acceptance.fleet import a_host, ago, answer, fleet, runs_at_h3
from tests.acceptance.test_dashboard_access import still

__all__ = ["browser", "complaints", "page"]  # fixtures

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

FLAKY: Final = """
  - name: Flaky
    triggers: [{name: Start, type: data}]
    tasks:
      - name: Dump
        type: exec
        listen: trigger.good
        retry: {max: 3, backoff: 3s}
        opts: {shell: "echo try; test -e $GO/second || { touch $GO/second; exit 1; }"}
      - {name: Done, type: end, listen: task.dump.good}
"""
"""A command that succeeds at its second attempt."""

CONTRAST: Final = """async () => {
  const { legible } = await import("/app/colour.js");
  const box = document.createElement("div");
  const sheet = document.createElement("canvas");
  const canvas = sheet.getContext("2d", { willReadFrequently: true });
  document.body.append(box);
  const painted = (colour) => {
    box.style.color = "";
    box.style.color = colour;
    canvas.fillStyle = getComputedStyle(box).color;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b] = [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3)
      .map((part) => part / 255)
      .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05;
  };
  const levels = [0, 40, 95, 135, 175, 215, 255];
  const cube = levels.flatMap((r) =>
    levels.flatMap((g) => levels.map((b) => `rgb(${r} ${g} ${b})`)),
  );
  const names = Array.from({ length: 16 }, (_, at) => `var(--ansi-${at})`);
  const wrong = [];
  const judge = (text, back) => {
    const [a, b] = [painted(legible(text, back) || "var(--ink)"), painted(back || "var(--sunken)")];
    const contrast = Math.max(a, b) / Math.min(a, b);
    if (contrast < 4.5) wrong.push(`${text} on ${back}: ${contrast.toFixed(2)}`);
  };
  for (const colour of [...cube, ...names]) {
    judge(colour, "");
    judge("", colour);
    judge("rgb(255 175 0)", colour);
    judge("var(--ansi-2)", colour);
  }
  return wrong;
}"""
"""Text and background colours of which one cannot be read, as Chromium paints them."""


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    host = Host(tmp_path, CONFIG + FLAKY)
    try:
        host.start()
        yield host
    finally:
        host.go("build")
        host.go("end")
        host.stop()


def card(page: Page, name: str) -> Locator:
    """What the page says of a host."""
    return page.get_by_role("article").filter(has=page.get_by_role("heading", name=name))


def test_page_without_a_connection_stands_still(
    page: Page, host: Host, complaints: list[str]
) -> None:
    page.emulate_media(reduced_motion="no-preference")
    start_release(page, host)
    step(page, "Build", "running")
    expect(page.locator(".live-dot")).to_be_visible()
    moving = "document.getAnimations().filter((one) => one.playState === 'running').length"
    page.wait_for_function(f"{moving} > 0")

    host.stop()

    banner = page.locator(".banner")
    expect(banner).to_contain_text("This page shows the state of")
    expect(page.locator(".live-dot")).to_have_count(0)
    facts, tries = page.locator(".head-facts").inner_text(), banner.inner_text()
    expect(banner).not_to_have_text(tries)
    expect(banner).to_contain_text("Trying again")
    assert page.locator(".head-facts").inner_text() == facts
    assert page.evaluate(moving) == 0
    page.goto("about:blank")  # so that it tries no more
    complaints.clear()  # the host is away on purpose
    host.start()


def test_host_with_a_bad_config_is_not_well_and_names_which_flows_go_on(
    page: Page, host: Host
) -> None:
    config = host.folder / "config.yml"
    config.write_text(config.read_text().replace("type: end", "type: ends"))
    page.goto(f"{host.url}/hosts")

    card(page, "h1").get_by_role("button", name="Read config again").click()

    card_of_h1 = card(page, "h1")
    expect(card_of_h1.get_by_text("the flows of")).to_contain_text("go on")
    expect(card_of_h1.get_by_role("img", name="troubled")).to_be_visible()
    page.goto(host.url)
    dots = page.get_by_role("complementary").locator(".host-dots")
    expect(dots).to_contain_text("its config has")
    expect(dots.get_by_role("img", name="troubled")).to_be_visible()


def test_node_has_the_time_of_all_attempts_and_each_its_result(page: Page, host: Host) -> None:
    form: dict[str, Any] = {"id": "start", "values": {}}
    run = host.post("push/data", {"ref": {"id": "flaky"}, "form": form})["run"]
    page.goto(f"{host.url}/runs/{run}?node=dump&tab=output")
    status(page, "good")

    attempts = page.get_by_role("group", name="Attempts").get_by_role("link")
    expect(attempts.nth(0).get_by_role("img", name="bad")).to_be_visible()
    expect(attempts.nth(1).get_by_role("img", name="good")).to_be_visible()
    expect(page.get_by_text("1 line ·")).to_be_visible()
    page.get_by_role("link", name="Timeline").click()
    expect(page.locator(".slider")).to_contain_text("end · ")
    took = page.get_by_role("list", name="Nodes").get_by_role("link", name="Dump")
    expect(took.locator(".step-took")).not_to_contain_text("ms")


def test_leases_are_not_known_while_their_keeper_is_away(page: Page, host: Host) -> None:
    def not_known(route: Route) -> None:
        answer(route, {"leases": [], "problem": "the keeper a1 is away", "away": "a1"})

    page.route("**/build/api/leases", not_known)
    page.goto(f"{host.url}/hosts")

    expect(page.get_by_text("Not known while a1 is away")).to_be_visible()
    expect(page.get_by_text("Nothing is held")).to_have_count(0)


def test_form_of_a_host_that_is_away_stays_with_its_age(page: Page, host: Host) -> None:
    host.go("build")
    start_release(page, host)
    step(page, "Sign Off", "waiting for you")

    def aged(route: Route) -> None:
        given = route.fetch().json()
        answer(route, {**given, "forms": [{**one, "as_of": ago(40)} for one in given["forms"]]})

    page.route("**/build/api/forms", aged)
    page.goto(host.url)

    asked = page.get_by_role("region", name="Waiting for you")
    expect(asked).to_contain_text("May this be released?")
    expect(asked).to_contain_text("can be answered once it is back")
    expect(asked.get_by_role("button", name="Approve")).to_have_count(0)
    expect(page.locator("li.row.is-asking")).to_be_visible()


def test_run_of_a_host_that_is_away_shows_what_is_known(page: Page, host: Host) -> None:
    host.go("build")
    start_release(page, host)
    step(page, "Sign Off", "waiting for you")
    run = host.get("runs/h1-1")
    row = {**host.get("runs")["runs"][0], "state": "archive", "phase": "packed", "good": True}
    kept = {"run": row, "graph": run["graph"], "events": host.get("runs/h1-1/events")["events"]}

    def away(route: Route) -> None:
        told = {"status": 503, "title": "h3 is away", "host": "h3", "as_of": ago(40), **kept}
        route.fulfill(status=503, body=json.dumps(told), content_type="application/problem+json")

    page.route("**/build/api/runs/h1-1", away)
    page.reload()

    expect(page.get_by_text("h3 has not answered since")).to_be_visible()
    expect(page.get_by_role("group", name="Graph of the flow")).to_contain_text("Sign Off")
    expect(page.get_by_role("group", name="Events known here")).to_contain_text("RunActivated")
    expect(page.get_by_text("may be running")).to_have_count(0)


def a_second_passes(page: Page) -> None:
    """Wait until what the page counts has been counted on."""
    page.evaluate("async () => { window.counted = (await import('/app/time.js')).now; }")
    page.wait_for_function(
        "(before) => counted.value >= before + 2000", arg=page.evaluate("counted.value")
    )


@pytest.mark.parametrize("path", ["", "runs"])
def test_run_of_a_host_that_is_away_does_not_count_on_in_a_list(
    page: Page, host: Host, path: str
) -> None:
    start_release(page, host)
    step(page, "Build", "running")
    runs_at_h3(page, host.get("runs")["runs"][0])

    page.goto(f"{host.url}/{path}")

    row = page.locator("li.row.is-running")
    expect(row).to_contain_text("h3 is away: as of")
    expect(row.get_by_role("img", name="last known: running")).to_be_visible()
    took = row.locator(".row-took").inner_text()
    a_second_passes(page)
    assert row.locator(".row-took").inner_text() == took


def test_run_of_a_host_that_is_away_says_that_its_events_are_not_known_here(
    page: Page, host: Host
) -> None:
    start_release(page, host)
    step(page, "Build", "running")
    runs_at_h3(page, host.get("runs")["runs"][0])

    page.goto(f"{host.url}/runs/h1-1")

    expect(page.get_by_text("None of its events is known here")).to_contain_text("h3")
    status(page, "last known: running")
    facts = page.locator(".head-facts").inner_text()
    a_second_passes(page)
    assert page.locator(".head-facts").inner_text() == facts


def test_run_of_a_host_that_is_away_is_no_wider_than_a_phone(page: Page, host: Host) -> None:
    page.set_viewport_size({"width": 390, "height": 800})
    host.go("build")
    start_release(page, host)
    step(page, "Sign Off", "waiting for you")
    runs_at_h3(page, host.get("runs")["runs"][0])

    page.goto(f"{host.url}/runs/h1-1")

    status(page, "last known: waiting for you")
    assert page.evaluate("document.documentElement.scrollWidth") == 390


def test_draining_is_set_apart_from_the_slots(page: Page, host: Host) -> None:
    fleet(page, [a_host("h1", self=True), a_host("h2", draining=True)])
    page.goto(host.url)

    expect(page.locator(".host-dots")).to_contain_text("slots · draining")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_colour_of_an_output_can_be_read(
    page: Page, host: Host, theme: Literal["light", "dark"]
) -> None:
    still(page, theme)

    assert page.evaluate(CONTRAST) == []
