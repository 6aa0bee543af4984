"""The pages of the datastore: items are found, looked at, edited, and never overwritten unseen."""

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import quote
from urllib.request import Request, urlopen

import pytest
from playwright.sync_api import FilePayload, Page, expect

from tests.acceptance.dashboard import (
    HOSTILE,
    SHOWN,
    TOKEN,
    Host,
    browser,
    complaints,
    host,
    page,
)
from tests.acceptance.test_dashboard_phone import SMALL, WIDE
from tests.acceptance.test_dashboard_states import judge

__all__ = ["browser", "complaints", "host", "page"]  # fixtures

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

JSON = "application/json"
TEAMS = b'{"web": "#web"}'


def ask(host: Host, method: str, path: str, body: bytes | None = None, **headers: str) -> bytes:
    """Ask the API with a body as it is; a path with a slash first is not below the base-url."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    address = f"http://{host.address}{'' if path[0] == '/' else '/build/api/'}{path}"
    request = Request(address, body, {"X-Floe-Auth": TOKEN, **named}, method=method)
    with urlopen(request) as answer:  # the address is the host's
        return bytes(answer.read())


def store(host: Host, key: str, body: bytes, kind: str = JSON, description: str = "") -> None:
    path = f"flyte/items/{quote(key, safe='')}?description={quote(description)}"
    ask(host, "PUT", path, body, Content_Type=kind)


def content(host: Host, key: str) -> bytes:
    return ask(host, "GET", f"flyte/items/{quote(key, safe='')}/content")


def facts(host: Host, key: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(ask(host, "GET", f"flyte/items/{quote(key, safe='')}"))
    return found


def edit(page: Page, host: Host, key: str, text: str) -> None:
    """Open the editor of an item and type, without saving."""
    page.goto(f"{host.url}/datastore/{quote(key, safe='')}?edit=1")
    page.get_by_label("Content", exact=True).fill(text)


def save(page: Page) -> None:
    page.get_by_role("button", name="Save", exact=True).click()


def test_datastore_without_items_says_what_it_is_for_and_how_to_begin(
    page: Page, host: Host
) -> None:
    page.goto(f"{host.url}/datastore")

    expect(page.get_by_role("main")).to_contain_text("No items yet")
    expect(page.get_by_role("main")).to_contain_text("curl -X PUT -F 'value=@teams.json")
    page.get_by_role("link", name="Add the first one").click()
    expect(page.get_by_role("textbox", name="Key")).to_be_visible()


def test_item_is_added_by_keyboard_and_shown(page: Page, host: Host) -> None:
    page.goto(f"{host.url}/datastore?new=1")

    page.get_by_role("textbox", name="Key").focus()
    page.keyboard.type("owners/web team")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.type("Who is called")
    page.keyboard.press("Tab")
    page.keyboard.type('{"name": "ada"}')
    for _ in range(2):
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")

    expect(page.get_by_role("heading", name="owners/web team")).to_be_visible()
    expect(page.get_by_role("figure", name="Content")).to_have_text('{"name": "ada"}')
    assert content(host, "owners/web team") == b'{"name": "ada"}'
    assert facts(host, "owners/web team")["description"] == "Who is called"


def test_text_that_is_not_json_is_not_sent_and_its_place_is_named(page: Page, host: Host) -> None:
    store(host, "teams", TEAMS)
    edit(page, host, "teams", '{"web": 1,\n "db" 2}')

    save(page)

    expect(page.get_by_role("alert")).to_have_text(
        "This is not JSON: line 2, column 7: a colon is missing."
    )
    expect(page.get_by_label("Content", exact=True)).to_be_focused()
    assert content(host, "teams") == TEAMS


def test_json_that_no_template_can_read_is_pointed_out(page: Page, host: Host) -> None:
    store(host, "teams", TEAMS)

    edit(page, host, "teams", "[1, 2]")

    expect(page.get_by_text("Templates read JSON items as objects")).to_be_visible()


def test_edit_that_races_is_refused_and_loses_nothing_typed(page: Page, host: Host) -> None:
    store(host, "teams", TEAMS)
    edit(page, host, "teams", '{"mine": 1}')
    store(host, "teams", b'{"theirs": 2}')

    save(page)

    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("teams was changed by admin meanwhile.")
    expect(alert.locator("pre")).to_have_text('{"theirs": 2}')
    expect(page.get_by_label("Content", exact=True)).to_have_value('{"mine": 1}')
    assert content(host, "teams") == b'{"theirs": 2}'
    page.get_by_role("button", name="Save mine in its place").click()
    expect(page.get_by_role("figure", name="Content")).to_have_text('{"mine": 1}')
    assert content(host, "teams") == b'{"mine": 1}'


def test_other_edit_can_be_taken_instead(page: Page, host: Host) -> None:
    store(host, "teams", TEAMS)
    edit(page, host, "teams", '{"mine": 1}')
    store(host, "teams", b'{"theirs": 2}')

    save(page)
    page.get_by_role("button", name="Drop mine and edit that").click()

    expect(page.get_by_label("Content", exact=True)).to_have_value('{"theirs": 2}')


def test_item_that_was_deleted_meanwhile_can_be_added_again(page: Page, host: Host) -> None:
    store(host, "teams", TEAMS)
    edit(page, host, "teams", '{"mine": 1}')
    ask(host, "DELETE", "flyte/items/teams")

    save(page)
    expect(page.get_by_role("alert")).to_contain_text("teams was deleted meanwhile")
    page.get_by_role("button", name="Add mine again").click()

    expect(page.get_by_role("figure", name="Content")).to_have_text('{"mine": 1}')


def test_new_item_never_replaces_one_with_its_key(page: Page, host: Host) -> None:
    store(host, "teams", TEAMS)
    page.goto(f"{host.url}/datastore?new=1")
    page.get_by_role("textbox", name="Key").fill("teams")
    page.get_by_label("Content", exact=True).fill('{"mine": 1}')

    page.get_by_role("button", name="Add the item").click()

    expect(page.get_by_role("alert")).to_contain_text("teams was added by admin meanwhile")
    assert content(host, "teams") == TEAMS


def test_what_was_typed_is_there_again_after_a_look_at_another_page(page: Page, host: Host) -> None:
    store(host, "teams", TEAMS)
    edit(page, host, "teams", '{"half": ')

    page.get_by_role("link", name="Runs").click()
    page.go_back()

    expect(page.get_by_label("Content", exact=True)).to_have_value('{"half": ')
    expect(page.get_by_text("What you typed before is here again.")).to_be_visible()
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("figure", name="Content")).to_have_text(TEAMS.decode())


def test_binary_item_is_shown_as_such_and_downloaded_whole(page: Page, host: Host) -> None:
    picture = bytes(range(256)) * 8
    store(host, "logo", picture, "image/png")
    page.goto(f"{host.url}/datastore/logo")

    expect(page.get_by_text("Binary, 2.0 kB: it is not shown.")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    assert Path(download.value.path()).read_bytes() == picture


def test_file_replaces_a_binary_item(page: Page, host: Host) -> None:
    store(host, "logo", b"\x00\x01", "image/png")
    page.goto(f"{host.url}/datastore/logo?edit=1")
    file = FilePayload(name="new.png", mimeType="image/png", buffer=b"\x00\x02")

    page.get_by_label("Or the content of a file").set_input_files(file)
    save(page)

    expect(page.get_by_text("Binary, 2 B")).to_be_visible()
    assert content(host, "logo") == b"\x00\x02"


def test_hidden_characters_and_line_ends_survive_an_edit_elsewhere(page: Page, host: Host) -> None:
    text = "first\r\nsecond \u202e hidden\r\n"
    store(host, "notes", text.encode(), "text/plain; charset=utf-8")
    page.goto(f"{host.url}/datastore/notes?edit=1")
    field = page.get_by_label("Content", exact=True)

    field.fill(field.input_value().replace("first", "1st"))
    save(page)

    expect(page.get_by_role("figure", name="Content")).to_contain_text("1st")
    assert content(host, "notes") == text.replace("first", "1st").encode()


def test_item_of_two_megabytes_is_shown_in_part_and_edited(page: Page, host: Host) -> None:
    text = "0123456789 abc\n" * 130_000
    store(host, "large", text.encode(), "text/plain")
    page.goto(f"{host.url}/datastore/large")

    expect(page.get_by_text("The first 20.0 kB of 1.9 MB are shown.")).to_be_visible()
    page.get_by_role("link", name="Edit").click()
    page.get_by_label("Content", exact=True).focus()
    page.keyboard.press("Control+End")
    page.keyboard.type("end")
    save(page)

    expect(page.get_by_role("figure", name="Content")).to_be_visible()
    assert content(host, "large") == f"{text}end".encode()


def test_hostile_key_is_text_and_opens(page: Page, host: Host) -> None:
    key = f"a/b c?#{{}}%2F{HOSTILE}"
    store(host, key, b'"<script>alert(1)</script>"', JSON, HOSTILE)
    page.goto(f"{host.url}/datastore")

    page.get_by_role("link", name=f"a/b c?#{{}}%2F{SHOWN}").click()

    expect(page.get_by_role("heading", name=f"a/b c?#{{}}%2F{SHOWN}")).to_be_visible()
    expect(page.get_by_role("figure", name="Content")).to_have_text('"<script>alert(1)</script>"')


def test_item_is_deleted_once_that_is_confirmed(page: Page, host: Host) -> None:
    store(host, "teams", TEAMS)
    page.goto(f"{host.url}/datastore/teams")

    page.get_by_role("button", name="Delete…").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete teams").click()

    expect(page.get_by_text("No items yet")).to_be_visible()


def test_thousand_items_are_searched(page: Page, host: Host) -> None:
    for number in range(1000):
        store(host, f"owner-{number:04}", b"{}", JSON, f"Team {number}")
    page.goto(f"{host.url}/datastore")

    rows = page.get_by_role("list", name="Items").get_by_role("listitem")
    expect(rows).to_have_count(200)
    page.keyboard.press("/")
    page.keyboard.type("team 999")
    expect(rows).to_have_count(1)
    expect(page.get_by_text("1 of 1000 items")).to_be_visible()
    expect(page).to_have_url(re.compile("text=team"))


@pytest.mark.parametrize(
    "path", ["datastore", "datastore?new=1", "datastore/teams", "datastore/teams?edit=1"]
)
def test_pages_of_the_datastore_fit_a_phone_and_can_be_read(
    page: Page, host: Host, path: str
) -> None:
    store(host, "teams", TEAMS, description="Channels " * 30)
    store(host, "x" * 500, b"\x00", "image/png")
    page.set_viewport_size({"width": 390, "height": 800})
    page.goto(f"{host.url}/{path}")
    expect(page.locator("main h1")).to_have_count(1)
    expect(page.get_by_text("Loading")).to_have_count(0)

    assert page.evaluate(WIDE) == []
    assert page.evaluate(SMALL) == []
    assert judge(page) == []
