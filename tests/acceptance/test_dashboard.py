"""The dashboard in a real browser against a real host: what a person sees and does."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.acceptance.dashboard import (
    HOSTILE,
    SHOWN,
    TOKEN,
    Host,
    browser,
    complaints,
    host,
    page,
    reject,
    start_long,
    start_release,
    status,
    step,
)

__all__ = ["browser", "complaints", "host", "page"]  # fixtures

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


def test_token_opens_the_first_page(page: Page, host: Host) -> None:
    page.get_by_role("button", name="Log out", exact=True).click()

    page.get_by_label("Token").fill(TOKEN)
    page.get_by_role("button", name="Log in").click()

    expect(page.get_by_role("link", name="Flows").first).to_be_visible()


def test_wrong_token_is_refused_with_a_message(page: Page, host: Host) -> None:
    page.get_by_role("button", name="Log out", exact=True).click()

    page.get_by_label("Token").fill("wrong")
    page.get_by_role("button", name="Log in").click()

    expect(page.get_by_role("alert")).not_to_be_empty()
    expect(page.get_by_label("Token")).to_be_visible()


def test_run_is_followed_live_from_its_form_to_the_archive(page: Page, host: Host) -> None:
    start_release(page, host, version="7.1")

    status(page, "running")
    step(page, "Build", "running")
    lines = page.get_by_role("log", name="Output")
    expect(lines).to_contain_text("version 7.1 in green")
    expect(lines).not_to_contain_text("and on it goes")
    page.get_by_role("list", name="Nodes").get_by_role("link", name="Build").click()
    host.go("build")
    expect(lines).to_contain_text("and on it goes")
    step(page, "Sign Off", "waiting for you")
    page.get_by_role("list", name="Nodes").get_by_role("link", name="Sign Off").click()
    expect(page.get_by_role("tabpanel")).to_contain_text("May this be released?")
    page.get_by_label("Anything to note?").fill("fine")
    page.get_by_role("button", name="Approve").click()

    status(page, "good")
    step(page, "Ship", "good")
    page.get_by_role("tab", name="Events").click()
    expect(page.get_by_role("tabpanel")).to_contain_text("RunEnded")
    page.get_by_role("link", name="Now").click()
    recent = page.locator("section", has=page.get_by_role("heading", name="Recent"))
    expect(recent.get_by_role("link", name="release")).to_be_visible()


def test_colour_of_output_is_kept_and_its_escapes_are_not(page: Page, host: Host) -> None:
    start_release(page, host)

    green = page.get_by_role("log", name="Output").get_by_text("in green", exact=True)

    expect(green).to_have_attribute("style", "color: var(--ansi-2);")


def test_rejected_sign_off_ends_the_run_rejected(page: Page, host: Host) -> None:
    host.go("build")
    start_release(page, host)

    reject(page)

    status(page, "rejected")
    step(page, "Sign Off", "bad")
    step(page, "Ship", "never ran")


def test_form_that_waits_is_answered_from_the_first_page(page: Page, host: Host) -> None:
    host.go("build")
    start_release(page, host)
    step(page, "Sign Off", "waiting for you")

    page.goto(host.url)
    waiting = page.get_by_role("region", name="Waiting for you")
    expect(waiting).to_contain_text("May this be released?")
    waiting.get_by_role("button", name="Approve").click()

    expect(waiting).to_be_hidden()
    expect(page.get_by_role("heading", name="Running")).to_have_text("Running")


def test_long_output_is_shown_from_its_end_and_only_what_is_seen(page: Page, host: Host) -> None:
    lines = start_long(page, host)

    expect(lines.get_by_text("100000", exact=True).first).to_be_visible()
    expect(page.get_by_text("100,000 lines")).to_be_visible()
    assert lines.locator(".output-line").count() < 400
    page.evaluate("document.querySelector('.output-lines').scrollTop = 0")
    expect(lines.get_by_text("1", exact=True).first).to_be_visible()
    assert lines.locator(".output-line").count() < 400


def test_address_of_a_line_opens_the_output_there(page: Page, host: Host) -> None:
    lines = start_long(page, host)
    expect(lines.get_by_role("link", name="Line 100000")).to_be_visible()

    page.goto(f"{page.url.split('?')[0]}?node=count&tab=output&line=5000-5002")

    expect(lines.get_by_role("link", name="Line 5000", exact=True)).to_be_visible()
    expect(lines.locator(".is-pointed")).to_have_count(3)
    lines.get_by_role("link", name="Line 5007", exact=True).click()
    expect(lines.locator(".is-pointed")).to_have_text("50075007")
    assert "line=5007" in page.url


def test_colour_that_began_far_above_is_kept(page: Page, host: Host) -> None:
    lines = start_long(page, host)

    page.goto(f"{page.url.split('?')[0]}?node=count&tab=output&line=5000")

    said = lines.get_by_text("5000", exact=True).and_(page.locator("span"))
    expect(said.last).to_have_attribute("style", "color: var(--ansi-2);")


def test_search_looks_through_all_of_an_output(page: Page, host: Host) -> None:
    lines = start_long(page, host)
    expect(lines.get_by_role("link", name="Line 100000")).to_be_visible()

    page.get_by_label("Search output").fill("7770")
    page.get_by_label("Search output").press("Enter")

    expect(page.get_by_text("1 of 20 in all 100000 lines")).to_be_visible()
    expect(lines.get_by_role("link", name="Line 7770", exact=True)).to_be_visible()
    expect(lines.locator("mark").first).to_have_text("7770")
    page.get_by_label("Search output").press("Shift+Enter")
    expect(lines.get_by_role("link", name="Line 97770")).to_be_visible()


def test_output_follows_its_end_until_somebody_scrolls(page: Page, host: Host) -> None:
    page.goto(f"{host.url}/flows/steady")
    page.get_by_role("button", name="Start a run").click()
    lines = page.get_by_role("log", name="Output")
    expect(lines.get_by_role("link", name="Line 200", exact=True)).to_be_visible()

    lines.hover()
    page.mouse.wheel(0, -1500)
    expect(page.get_by_role("button", name="Follow", exact=True)).to_be_visible()
    host.go("build")
    expect(page.get_by_text("400 lines")).to_be_visible()
    expect(lines.get_by_role("link", name="Line 400", exact=True)).to_be_hidden()
    lines.focus()
    page.keyboard.press("End")

    expect(lines.get_by_role("link", name="Line 400", exact=True)).to_be_visible()


def test_slider_shows_a_run_as_it_was_and_comes_back(page: Page, host: Host) -> None:
    host.go("build")
    start_release(page, host)
    step(page, "Sign Off", "waiting for you")

    page.get_by_role("link", name="Timeline").click()
    slider = page.get_by_role("slider", name="Moment of the run")
    slider.focus()
    page.keyboard.press("Home")
    step(page, "Build", "waiting")
    expect(page.get_by_role("button", name="Cancel run")).to_be_hidden()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_text("RunGranted")).to_be_visible()
    assert "seq=2" in page.url
    page.reload()
    step(page, "Build", "waiting")
    page.get_by_role("tab", name="Events").click()
    page.get_by_role("row").filter(has_text="NodeStarted").get_by_role("link").click()
    step(page, "Build", "running")
    page.get_by_role("button", name="Back to now").click()

    step(page, "Build", "good")
    step(page, "Sign Off", "waiting for you")


def test_timeline_names_the_attempts_and_waits_of_nodes(page: Page, host: Host) -> None:
    host.go("build")
    start_release(page, host)
    step(page, "Sign Off", "waiting for you")

    page.get_by_role("link", name="Timeline").click()

    rows = page.get_by_role("group", name="Timeline of the nodes").get_by_role("link")
    expect(rows.filter(has_text="Build")).to_have_attribute(
        "aria-label", re.compile(r"Build: good, .*attempt 1 (< )?\d")
    )
    expect(rows.filter(has_text="Sign Off")).to_have_attribute(
        "aria-label", re.compile(r"Sign Off: waiting for you, .*asked \d")
    )


def test_runs_are_narrowed_by_choices_that_are_in_the_address(page: Page, host: Host) -> None:
    host.go("build")
    start_release(page, host)
    reject(page)
    status(page, "rejected")
    start_long(page, host)

    page.get_by_role("link", name="Runs", exact=True).click()
    runs = page.get_by_role("list", name="Runs")
    expect(runs.get_by_role("listitem")).to_have_count(2)
    page.get_by_label("Result").select_option("bad")
    expect(page.get_by_text("No run matches")).to_be_visible()
    page.get_by_label("Result").select_option("rejected")
    expect(runs.get_by_role("listitem")).to_have_count(1)
    page.reload()
    expect(runs.get_by_role("listitem")).to_contain_text("Release")
    page.get_by_role("button", name="More filters").click()
    page.get_by_label("From").fill("2100-01-01T00:00")

    expect(page.get_by_text("No run matches")).to_be_visible()
    page.get_by_role("link", name="Clear").click()
    expect(runs.get_by_role("listitem")).to_have_count(2)


def test_failing_flow_shows_since_when(page: Page, host: Host) -> None:
    host.go("broken")
    host.go("build")
    start_release(page, host)
    status(page, "bad")
    expect(page.locator(".head")).to_contain_text("Build failed: exit status 1")

    page.get_by_role("link", name="Now").click()
    expect(page.get_by_role("complementary")).to_contain_text("failing since")
    page.get_by_role("complementary").get_by_role("link", name="Release").first.click()

    expect(page.locator(".head")).to_contain_text("1 run")
    expect(page.get_by_role("link", name="h1-1: bad")).to_be_visible()


def test_pending_runs_show_what_they_wait_for(page: Page, host: Host) -> None:
    page.goto(f"{host.url}/flows/elsewhere")
    page.get_by_role("button", name="Start a run").click()
    status(page, "pending")

    page.get_by_role("link", name="Now").click()

    expect(page.get_by_text("waits for a host: h1 lacks the tag moon")).to_be_visible()


def test_wrong_values_are_reported_at_their_fields(page: Page, host: Host) -> None:
    page.goto(f"{host.url}/flows/release")

    page.get_by_label("How many jobs?").fill("many")
    page.get_by_role("button", name="Start a run").click()

    version, jobs = page.get_by_label("Which version?"), page.get_by_label("How many jobs?")
    expect(version).to_have_attribute("aria-invalid", "true")
    expect(version).to_be_focused()
    expect(jobs).to_have_attribute("aria-invalid", "true")
    expect(jobs).to_have_value("many")


def test_trigger_without_a_form_is_a_button(page: Page, host: Host) -> None:
    page.goto(f"{host.url}/flows/release?trigger=bare")

    page.get_by_role("button", name="Start a run").click()

    page.wait_for_url(re.compile(r"/runs/h1-\d+"))
    status(page, "running")


def test_cancel_asks_first_and_names_who_did_it(page: Page, host: Host) -> None:
    start_release(page, host)
    step(page, "Build", "running")

    page.get_by_role("button", name="Cancel run").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Let it run").click()
    status(page, "running")
    page.get_by_role("button", name="Cancel run").click()
    dialog.get_by_label("Why").fill("wrong branch")
    dialog.get_by_role("button", name="Cancel the run").click()

    status(page, "cancelled")
    expect(page.locator(".head")).to_contain_text("cancelled by admin")
    step(page, "Build", "stopped")


def test_hostile_texts_are_text_everywhere(page: Page, host: Host) -> None:
    page.goto(f"{host.url}/flows/hostile")
    field = page.get_by_label(SHOWN)
    field.fill(HOSTILE)
    page.get_by_role("button", name="Start a run").click()

    asked = page.get_by_role("tabpanel")
    expect(asked.get_by_role("heading", name=SHOWN)).to_be_visible()
    page.get_by_role("link", name="Say").first.click()
    page.get_by_role("tab", name="Output").click()
    lines = page.get_by_role("log", name="Output")
    expect(lines).to_contain_text(SHOWN)
    expect(lines).to_contain_text("<script>alert(2)</script> after")
    page.get_by_role("tab", name="Data").click()
    expect(page.get_by_role("tabpanel")).to_contain_text(SHOWN)
    page.get_by_role("tab", name="Events").click()
    expect(page.get_by_role("tabpanel")).to_contain_text("DataAsked")
    assert page.locator("img[src=x]").count() == 0
    assert page.title() != "title"


def test_page_catches_up_after_the_host_was_away(
    page: Page, host: Host, complaints: list[str]
) -> None:
    start_release(page, host)
    lines = page.get_by_role("log", name="Output")
    expect(lines).to_contain_text("in green")

    host.stop()
    expect(page.get_by_text("Not connected.")).to_be_visible()
    host.go("build")
    host.start()

    expect(page.get_by_text("Not connected.")).to_be_hidden(timeout=30_000)
    step(page, "Build", "good")
    step(page, "Sign Off", "waiting for you")
    page.get_by_role("link", name="Build").first.click()
    expect(lines).to_contain_text("and on it goes")
    complaints.clear()  # that nobody answered for a while is what this test is about


def test_graph_draws_nodes_left_to_right_with_their_states(page: Page, host: Host) -> None:
    start_release(page, host)
    graph = page.get_by_role("group", name="Graph of the flow")
    expect(
        graph.get_by_role("link").filter(has=page.get_by_role("img", name="running"))
    ).to_have_count(1)

    names = ("Build", "Sign Off", "Ship", "Released")
    boxes = [graph.get_by_role("link", name=name).bounding_box() for name in names]

    lefts = [box["x"] for box in boxes if box]
    rights = [box["x"] + box["width"] for box in boxes if box]
    assert len(lefts) == len(names)
    assert all(right < left for right, left in zip(rights, lefts[1:], strict=False))


def test_address_opens_the_same_node_and_tab(page: Page, host: Host) -> None:
    start_release(page, host)
    page.get_by_role("link", name="Build").first.click()
    page.get_by_role("tab", name="Data").click()
    expect(page.get_by_role("tabpanel")).to_contain_text("version")

    page.reload()

    expect(page.get_by_role("tab", name="Data")).to_have_attribute("aria-selected", "true")
    expect(page.get_by_role("tabpanel")).to_contain_text("version")
    page.go_back()
    expect(page.get_by_role("button", name="Start a run")).to_be_visible()


def test_keyboard_reaches_tabs_and_log(page: Page, host: Host) -> None:
    start_release(page, host)
    tab = page.get_by_role("tab", name="Output")
    expect(page.get_by_role("log", name="Output")).to_contain_text("in green")

    tab.focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Shift+Tab")
    expect(tab).to_be_focused()
    page.keyboard.press("ArrowRight")

    expect(page.get_by_role("tab", name="Data")).to_be_focused()
    expect(page.get_by_role("tab", name="Data")).to_have_attribute("aria-selected", "true")


def test_phone_shows_one_column_without_scrolling_sideways(page: Page, host: Host) -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    start_release(page, host)
    expect(page.get_by_role("log", name="Output")).to_contain_text("in green")

    wide = page.evaluate("document.documentElement.scrollWidth > innerWidth")

    assert not wide
    expect(page.get_by_role("group", name="Graph of the flow")).to_be_hidden()
    expect(page.get_by_role("list", name="Nodes")).to_be_visible()


def test_config_is_read_again_from_the_hosts_page(page: Page, host: Host) -> None:
    page.goto(f"{host.url}/hosts")

    page.get_by_role("button", name="Read config again").click()

    expect(page.get_by_text("Read again: 5 flows.")).to_be_visible()


def test_run_that_is_not_there_shows_what_to_try(page: Page, host: Host) -> None:
    start_long(page, host)
    start_long(page, host)
    host.post("hosts/h1/prune", {"keep": {"runs": 1}})
    page.goto(f"{host.url}/runs/h1-1")
    removed = page.get_by_role("alert")
    expect(removed).to_contain_text("h1-1 was removed")
    expect(removed).to_contain_text("only the newest run of long is kept")
    expect(removed).to_contain_text("keep in the config decides how long runs stay")
    page.get_by_role("link", name="Hosts").click()
    expect(page.get_by_text(" on disk")).to_have_attribute(
        "title", re.compile("workspaces .* store")
    )
    page.goto(f"{host.url}/runs/h1-999")

    expect(page.get_by_role("alert")).to_contain_text("No run is called h1-999")
    page.get_by_role("link", name="All runs").click()
    expect(page.get_by_role("heading", name="Runs")).to_be_visible()


def test_run_that_waits_for_somebody_reports_it_in_lists(page: Page, host: Host) -> None:
    host.go("build")
    start_release(page, host)
    status(page, "waiting for you")

    waiting = page.get_by_role("main").locator(".row").get_by_role("img", name="waiting for you")
    for path in ("flows", "runs", "flows/release"):
        page.goto(f"{host.url}/{path}")
        expect(waiting).to_have_count(1)


def test_timeline_is_marked_at_round_spans(page: Page) -> None:
    spans = [0.8, 47, 90, 600, 5000, 200_000, 4_000_000]  # s

    marks = page.evaluate(
        "spans => import('/app/ticks.js').then(({spanText, tickStep}) =>"
        " spans.map(s => spanText(tickStep(1000 * s, 6))))",
        spans,
    )

    assert marks == ["200 ms", "10 s", "15 s", "2 m", "15 m", "12 h", "8 d"]


def test_reasons_show_the_time_as_people_read_it(page: Page, host: Host) -> None:
    start_release(page, host)
    step(page, "Build", "running")

    page.get_by_role("tab", name="Why").click()

    expect(page.get_by_role("tabpanel").locator("dd").first).to_have_text(
        re.compile(r"^running since \d\d:\d\d:\d\d$")
    )
