"""The pages of hosts, with one host and with several, which are laid over (see `fleet`)."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.acceptance.dashboard import Host, browser, complaints, host, page
from tests.acceptance.fleet import a_host, fleet
from tests.acceptance.test_dashboard_access import judged

__all__ = ["browser", "complaints", "host", "page"]  # fixtures

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


def card(page: Page, name: str) -> Locator:
    """What the page says of a host."""
    return page.get_by_role("article").filter(has=page.get_by_role("heading", name=name))


def test_one_host_is_offered_what_it_can_do(page: Page, host: Host) -> None:
    page.goto(f"{host.url}/hosts")
    expect(card(page, "h1")).to_contain_text("this host")

    acts = card(page, "h1").get_by_role("button")
    expect(acts).to_have_text(["Read config again", "Drain h1…"])
    expect(page.get_by_role("navigation", name="Hosts with a tag")).to_have_count(0)


def test_hosts_with_something_wrong_come_first_and_show_what(page: Page, host: Host) -> None:
    fleet(page)
    page.goto(f"{host.url}/hosts")

    expect(page.get_by_role("heading", level=2)).to_have_text(["h3", "h1", "h2", "Leases"])
    expect(card(page, "h3").get_by_role("img", name="away")).to_be_visible()
    expect(card(page, "h3")).to_contain_text("its runs go on there")
    expect(card(page, "h3")).to_contain_text("its clock is 4.2 s behind")
    expect(card(page, "h2").get_by_role("img", name="well")).to_be_visible()
    expect(page.get_by_text("3 hosts ·")).to_be_visible()


def test_hosts_are_chosen_by_a_tag_that_is_in_the_address(page: Page, host: Host) -> None:
    fleet(page)
    page.goto(f"{host.url}/hosts")

    page.get_by_role("navigation", name="Hosts with a tag").get_by_role("link", name="gpu").click()
    expect(page.get_by_role("article")).to_have_count(1)
    page.reload()

    expect(page.get_by_role("article")).to_have_count(1)
    expect(card(page, "h2")).to_be_visible()


def test_drain_shows_what_it_does_and_asks_for_it_once(page: Page, host: Host) -> None:
    posted = fleet(page)
    page.goto(f"{host.url}/hosts")
    card(page, "h2").get_by_role("button", name="Drain h2…").click()
    dialog = page.get_by_role("dialog", name="Drain h2?")
    expect(dialog).to_contain_text("The 7 runs it has are finished there.")
    dialog.get_by_role("button", name="Leave it").click()
    expect(dialog).to_be_hidden()

    card(page, "h2").get_by_role("button", name="Drain h2…").click()
    dialog.get_by_role("button", name="Drain h2", exact=True).click()

    expect(dialog).to_be_hidden()
    assert posted == [("h2/drain", {"on": True})]


def test_host_that_drains_can_be_undrained(page: Page, host: Host) -> None:
    posted = fleet(page, [a_host("h1", self=True), a_host("h2", draining=True)])
    page.goto(f"{host.url}/hosts")
    expect(card(page, "h2").get_by_role("img", name="draining")).to_be_visible()

    card(page, "h2").get_by_role("button", name="Undrain h2…").click()
    page.get_by_role("dialog").get_by_role("button", name="Undrain h2", exact=True).click()

    expect(page.get_by_role("dialog")).to_be_hidden()
    assert posted == [("h2/drain", {"on": False})]


def test_host_seen_lately_is_forgotten_by_force_alone(page: Page, host: Host) -> None:
    posted = fleet(page)
    page.goto(f"{host.url}/hosts")
    card(page, "h3").get_by_role("button", name="Forget h3…").click()
    dialog = page.get_by_role("dialog", name="Forget h3?")
    expect(dialog).to_contain_text("This cannot be undone.")

    dialog.get_by_label(re.compile("By force")).check()
    dialog.get_by_role("button", name="Forget h3", exact=True).click()

    expect(dialog).to_be_hidden()
    assert posted == [("h3/forget", {"store": "h37c1", "force": True})]


@pytest.mark.parametrize("path", ["", "runs"])
def test_list_names_which_host_it_has_old_rows_of(page: Page, host: Host, path: str) -> None:
    fleet(page)
    page.goto(f"{host.url}/{path}")

    expect(page.get_by_role("main").locator(".behind")).to_have_text(
        re.compile(r"^h3 has not answered since [\d:]+: its runs are shown as they were then\.$")
    )


def test_first_page_shows_what_is_wrong_with_a_host(page: Page, host: Host) -> None:
    fleet(page)
    page.goto(host.url)

    hosts = page.get_by_role("complementary").locator(".host-dots li")

    expect(hosts).to_have_text([re.compile("h3.*not seen for"), re.compile("h1"), re.compile("h2")])


def test_lease_names_holder_fence_and_waiters_in_order(page: Page, host: Host) -> None:
    fleet(page)
    page.goto(f"{host.url}/hosts")

    row = page.get_by_role("group", name="Leases").get_by_role("row").filter(has_text="staging")

    expect(row).to_contain_text("web-shop h2-41 on h2")
    expect(row).to_contain_text("1795000000.12")
    expect(row.get_by_role("time")).to_have_attribute("title", re.compile(r"20\d\d.*, 9 min ago$"))
    expect(row.get_by_role("listitem")).to_have_text(["h1-7", "h3-2", "h2-44"])


@pytest.mark.parametrize("width", [1280, 390])
def test_axe_finds_nothing_wrong_with_several_hosts(page: Page, host: Host, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    fleet(page, None)
    wrong: dict[str, list[str]] = {}

    page.goto(f"{host.url}/hosts?tag=linux")
    expect(card(page, "h3")).to_be_visible()
    wrong["hosts"] = judged(page)
    for name in ("Drain h2", "Forget h3"):
        page.get_by_role("button", name=f"{name}…").click()
        wrong[name] = judged(page)
        page.keyboard.press("Escape")
    page.goto(host.url)
    expect(page.locator(".host-dots li")).to_have_count(3)
    wrong["now"] = judged(page)

    assert not any(wrong.values()), wrong
