"""The page of a host's secrets: set, listed, replaced and removed, and never shown."""

import re
from hashlib import sha256

import pytest
from playwright.sync_api import FilePayload, Page, expect

from tests.acceptance.dashboard import Host, browser, complaints, host, page
from tests.acceptance.product import until
from tests.acceptance.test_dashboard_states import judge

__all__ = ["browser", "complaints", "host", "page"]  # fixtures

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

VALUE = "npm-4f9d2c7e81"
KEY = "-----BEGIN KEY-----\nMIIEvQIBADAN\n-----END KEY-----\n"

CONFIG = """
common: {base-url: /build/api}
flows:
  - name: Publish
    triggers: [{name: Start, type: data}]
    tasks:
      - name: Print
        type: exec
        listen: trigger.good
        secrets: [NPM_TOKEN]
        opts: {shell: 'printf %s "$NPM_TOKEN" | sha256sum'}
"""

PASTE = """(input, text) => {
  const clipboardData = new DataTransfer();
  clipboardData.setData("text/plain", text);
  const options = { clipboardData, bubbles: true, cancelable: true };
  input.dispatchEvent(new ClipboardEvent("paste", options));
}"""
"""As a paste from the clipboard, which tests do not share."""


def opened(page: Page, host: Host) -> None:
    page.goto(f"{host.url}/secrets")
    expect(page.get_by_label("Value")).to_be_visible()


def set_(page: Page, name: str, value: str) -> None:
    page.get_by_label("Name").fill(name)
    page.get_by_label("Value").fill(value)
    page.get_by_label("Value").press("Enter")


def choose(page: Page, name: str, data: bytes) -> None:
    file = FilePayload(name=name, mimeType="text/plain", buffer=data)
    page.get_by_label("Or the text of a file").set_input_files(file)


def has_digest(host: Host, value: str) -> bool:
    """Whether a command that gets the secret finds this value."""
    run = host.post("push/data", {"ref": {"id": "publish"}, "form": {"values": {}}})["run"]
    until(lambda: host.get(f"runs/{run}")["state"] == "archive", "the end of the run")
    lines = host.get(f"runs/{run}/nodes/print/log/lines")["lines"]
    return str(lines[0]["text"]).startswith(sha256(value.encode()).hexdigest())


def test_page_without_secrets_says_what_they_are_for_and_which_are_missing(
    page: Page, host: Host
) -> None:
    page.goto(f"{host.url}/hosts")
    page.get_by_role("link", name="Secrets of h1").click()

    main = page.get_by_role("main")
    expect(main).to_contain_text("A secret is a password, token or key that a flow needs")
    expect(main).to_contain_text("No secrets yet")
    missing = page.get_by_role("list", name="Missing secrets").get_by_role("listitem")
    expect(missing).to_have_text(re.compile("^NPM_TOKEN.*named by publish"))
    missing.get_by_role("button", name="Set NPM_TOKEN").click()
    expect(page.get_by_label("Name")).to_have_value("NPM_TOKEN")
    expect(page.get_by_label("Value")).to_be_focused()


def test_secret_is_set_by_keyboard_used_and_shown_nowhere(page: Page, host: Host) -> None:
    opened(page, host)

    page.get_by_label("Name").focus()
    page.keyboard.type("NPM_TOKEN")
    page.keyboard.press("Tab")
    page.keyboard.type(VALUE)
    page.keyboard.press("Enter")

    expect(page.get_by_text("NPM_TOKEN is set.")).to_be_visible()
    listed = page.get_by_role("list", name="Secrets", exact=True).get_by_role("listitem")
    expect(listed).to_have_text(re.compile("^NPM_TOKEN.*set .* by admin.*named by publish"))
    expect(page.get_by_label("Value")).to_have_value("")
    kept = page.evaluate("JSON.stringify([localStorage, sessionStorage, location.href])")
    assert VALUE not in page.content() + kept
    assert has_digest(host, VALUE)


def test_no_browser_fills_in_or_shows_a_value(page: Page, host: Host) -> None:
    opened(page, host)

    value = page.get_by_label("Value")

    expect(value).to_have_attribute("type", "password")
    expect(value).to_have_attribute("autocomplete", "new-password")


def test_file_of_several_lines_is_set_as_it_is(page: Page, host: Host) -> None:
    opened(page, host)
    page.get_by_label("Name").fill("NPM_TOKEN")

    choose(page, "id_ed25519", KEY.encode())
    expect(page.get_by_label("Value")).to_have_attribute("placeholder", "3 lines from id_ed25519")
    page.get_by_role("button", name="Set the secret").click()

    expect(page.get_by_text("NPM_TOKEN is set.")).to_be_visible()
    assert has_digest(host, KEY)


def test_paste_keeps_the_line_ends_of_a_key(page: Page, host: Host) -> None:
    opened(page, host)
    page.get_by_label("Name").fill("NPM_TOKEN")

    page.get_by_label("Value").evaluate(PASTE, KEY)
    expect(page.get_by_label("Value")).to_have_attribute(
        "placeholder", "3 lines from the clipboard"
    )
    page.get_by_role("button", name="Set the secret").click()

    expect(page.get_by_text("NPM_TOKEN is set.")).to_be_visible()
    assert has_digest(host, KEY)


def test_file_without_text_is_refused(page: Page, host: Host) -> None:
    opened(page, host)

    choose(page, "key.der", b"\xff\xfe\x00\x01")

    expect(page.get_by_role("alert")).to_have_text(re.compile("key.der is no UTF-8 text.*base64"))


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("NPM_TOKEN", "12345", "the value has fewer than 6 characters"),
        ("npm", VALUE, "name of a secret"),
    ],
)
def test_refused_secret_says_why_and_keeps_what_was_typed(
    page: Page, host: Host, name: str, value: str, why: str
) -> None:
    opened(page, host)

    set_(page, name, value)

    expect(page.get_by_role("alert")).to_contain_text(why)
    expect(page.get_by_label("Name")).to_have_value(name)
    expect(page.get_by_label("Value")).to_have_value(value)


def test_unknown_host_is_an_error_without_a_form(page: Page, host: Host) -> None:
    page.goto(f"{host.url}/secrets?host=h7")

    expect(page.get_by_role("alert")).to_contain_text("no host h7")
    expect(page.get_by_role("alert")).to_contain_text("this host knows: h1")
    expect(page.get_by_label("Value")).to_have_count(0)


def test_secret_is_replaced_and_removed_after_a_question(page: Page, host: Host) -> None:
    opened(page, host)
    set_(page, "NPM_TOKEN", VALUE)
    expect(page.get_by_text("NPM_TOKEN is set.")).to_be_visible()

    page.get_by_label("Name").fill("NPM_TOKEN")
    page.get_by_label("Value").fill(f"{VALUE}-new")
    page.get_by_role("button", name="Replace NPM_TOKEN").click()
    expect(page.get_by_text("NPM_TOKEN is set.")).to_be_visible()
    assert has_digest(host, f"{VALUE}-new")
    page.get_by_role("button", name="Remove NPM_TOKEN").click()
    dialog = page.get_by_role("dialog", name="Remove NPM_TOKEN from h1?")
    expect(dialog).to_contain_text("Runs that need it wait until a host has it.")
    dialog.get_by_role("button", name="Remove NPM_TOKEN").click()

    expect(page.get_by_text("No secrets yet")).to_be_visible()
    assert host.get("hosts/h1/secrets")["secrets"] == []


def test_axe_finds_nothing_wrong_with_secrets(page: Page, host: Host) -> None:
    opened(page, host)
    empty = judge(page)

    set_(page, "NPM_TOKEN", "12345")
    expect(page.get_by_role("alert")).to_be_visible()
    refused = judge(page)
    page.get_by_label("Value").fill(VALUE)
    page.get_by_role("button", name="Set the secret").click()
    expect(page.get_by_text("NPM_TOKEN is set.")).to_be_visible()
    filled = judge(page)
    page.get_by_role("button", name="Remove NPM_TOKEN").click()
    expect(page.get_by_role("dialog")).to_be_visible()

    assert (empty, refused, filled, judge(page)) == ([], [], [], [])
