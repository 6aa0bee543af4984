"""A node with items in a real browser: one node that opens into its items."""

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
  - name: Matrix
    triggers: [{name: Start, type: data}]
    tasks:
      - name: Test
        type: exec
        listen: trigger.good
        foreach: [eu, us, ap]
        opts:
          shell: |
            echo "tests of $FLOE_ITEM"
            [ "$FLOE_ITEM" != us ] || exit 7
            [ "$FLOE_ITEM" != ap ] || until [ -e "$GO/build" ]; do sleep 0.02; done

  - name: Rounds
    triggers:
      - name: Start
        type: data
        opts: {form: {fields: [{id: places, prompt: Where?, type: list}]}}
    tasks:
      - name: Test
        type: exec
        listen: [trigger.good, task.fix.good]
        loop: {max: 2}
        foreach: values.places
        opts:
          shell: |
            [ -e fixed ] || { echo "$FLOE_ITEM is ill"; exit 1; }
            echo "$FLOE_ITEM is well"
      - {name: Fix, type: exec, listen: task.test.bad, opts: {shell: touch fixed}}

  - name: Wide
    triggers: [{name: Start, type: data}]
    tasks:
      - name: Many
        type: exec
        listen: trigger.good
        foreach: ALL
        parallel: 1
        on-item-bad: stop
        opts: {shell: 'echo "number $FLOE_ITEM"; exit 1'}
""".replace("ALL", str(list(range(1000))))


def items(page: Page) -> Locator:
    return page.get_by_role("list", name="Items").get_by_role("link")


def start(page: Page, host: Host, flow: str) -> None:
    page.goto(f"{host.url}/flows/{flow}")
    page.get_by_role("button", name="Start a run").click()


def test_items_of_an_earlier_visit_are_opened_for_a_list_that_a_person_wrote(
    page: Page, host: Host
) -> None:
    page.goto(f"{host.url}/flows/rounds")
    page.get_by_label("Where?").fill("eu\nus")
    page.get_by_role("button", name="Start a run").click()
    status(page, "good")
    page.get_by_role("list", name="Nodes").get_by_role("link").filter(has_text="Test").click()
    output = page.get_by_role("log", name="Output")
    expect(output).to_contain_text("us is well")

    page.get_by_role("group", name="Visits").get_by_role("link", name="visit 1").click()
    page.get_by_role("link", name="1: us, bad").click()

    expect(output).to_contain_text("us is ill")
    assert judged(page) == []


def test_node_opens_into_its_items_and_each_has_its_output(page: Page, host: Host) -> None:
    start(page, host, "matrix")
    step(page, "Test", "running")
    row = page.get_by_role("list", name="Nodes").get_by_role("link").filter(has_text="Test")
    expect(row).to_contain_text("2 of 3 done, 1 failed")
    row.click()
    output = page.get_by_role("log", name="Output")
    expect(output).to_contain_text("tests of us")

    page.get_by_role("link", name="2: ap, running").click()
    expect(output).to_contain_text("tests of ap")
    host.go("build")

    expect(page.get_by_role("link", name="2: ap, good")).to_be_visible()
    expect(row).to_contain_text("3 of 3 done, 1 failed")
    assert judged(page) == []


def test_list_of_a_thousand_items_shows_each_and_the_failed_one_first(
    page: Page, host: Host
) -> None:
    start(page, host, "wide")
    step(page, "Many", "bad")

    page.get_by_role("list", name="Nodes").get_by_role("link").filter(has_text="Many").click()

    expect(page.get_by_role("log", name="Output")).to_contain_text("number 0")
    expect(items(page)).to_have_count(1000)
    expect(page.get_by_role("link", name="0: 0, bad")).to_have_attribute("aria-current", "true")


def test_failed_item_shows_its_last_lines_below_the_headline(page: Page, host: Host) -> None:
    start(page, host, "wide")

    end = page.get_by_role("region", name="The end of the output of Many[0]")
    expect(end).to_contain_text("number 0")
    end.get_by_role("link", name="Output of Many[0]").click()

    expect(page).to_have_url(re.compile("item=0"))


def test_items_are_filtered_by_state_and_found_by_name(page: Page, host: Host) -> None:
    start(page, host, "wide")
    step(page, "Many", "bad")
    states = page.get_by_role("group", name="States of the items")

    states.get_by_role("link", name="failed 1").click()
    failed = items(page).all_inner_texts()
    states.get_by_role("link", name="all 1000").click()
    page.get_by_role("searchbox", name="Search items").fill("99")
    expect(items(page)).to_have_count(19)
    found = items(page).all_inner_texts()

    assert failed == ["0"]
    assert found[:3] == ["99", "199", "299"]
    assert "named=99" in page.url
    assert judged(page) == []


def test_items_are_one_stop_of_the_tab_key_and_arrows_move_inside(page: Page, host: Host) -> None:
    start(page, host, "wide")
    step(page, "Many", "bad")
    page.get_by_role("link", name="0: 0, bad").focus()

    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("link", name="2: 2, never ran")).to_be_focused()
    page.keyboard.press("End")
    expect(page.get_by_role("link", name="999: 999, never ran")).to_be_focused()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")

    expect(page.get_by_role("link", name="1: 1, never ran")).to_have_attribute(
        "aria-current", "true"
    )
    assert page.locator('.item[tabindex="0"]').count() == 1


def test_rerun_of_what_failed_names_the_items_that_run_again(page: Page, host: Host) -> None:
    host.go("build")
    start(page, host, "matrix")
    step(page, "Test", "bad")

    page.get_by_role("button", name="Start what failed again…").click()

    expect(page.get_by_role("region", name="What will happen")).to_contain_text(
        "Test (1 of 3 items)"
    )
    page.get_by_role("dialog").get_by_role("button", name="Start again").click()
    page.wait_for_url("**/runs/h1-2")
    step(page, "Test", "bad")
    page.get_by_role("link", name="0: eu, good").click()
    expect(page.get_by_role("log", name="Output")).to_contain_text("tests of eu")


def test_item_is_chosen_in_a_small_list_on_a_phone(page: Page, host: Host) -> None:
    start(page, host, "wide")
    step(page, "Many", "bad")
    page.set_viewport_size({"width": 390, "height": 800})

    page.goto(f"{page.url}?node=many&tab=output&item=700")

    page.get_by_role("list", name="Items").scroll_into_view_if_needed()
    expect(page.get_by_role("link", name="700: 700, never ran")).to_be_in_viewport()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
