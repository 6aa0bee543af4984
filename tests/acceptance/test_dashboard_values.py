"""Values survive the browser: what is typed and shown is what commands and the API have."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from playwright.sync_api import Locator, Page, expect

from floe.model.ids import Json
from tests.acceptance.dashboard import Host, browser, complaints, page, status

__all__ = ["browser", "complaints", "page"]  # fixtures

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

LARGE = 9007199254740993
"""2^53 + 1, which no number of JavaScript is."""
LONG = "0.12345678901234567890123456789"
EMOJI = "👩\u200d👩\u200d👧 𝄞 é e\u0301"
TRICKS = "a\u202eb\u200bc"
CRLF = "one\r\ntwo\r\n\r\nthree"
MEANINGFUL = [
    "__proto__",
    "constructor",
    "toString",
    "valueOf",
    "hasOwnProperty",
    "querySelector",
    "childNodes",
    "parentNode",
    "insertBefore",
    "submit",
    "action",
    "elements",
]
"""Names that an object, or an element of a form, has anyway."""

PREFILLED: dict[str, tuple[str, Json]] = {
    "large": ("number", LARGE),
    "largest": ("number", 2**63 - 1),
    "negative": ("number", -LARGE),
    "fraction": ("number", 1.0),
    "small": ("number", 1e-7),
    "spaces": ("string", "  a  b  "),
    "emoji": ("string", EMOJI),
    "tricks": ("string", TRICKS),
    "lines": ("text", CRLF),
    "mixed": ("text", "one\r\ntwo\nthree\rfour"),
    "end": ("text", "ends with a line\n"),
    "blank": ("string", ""),
    "digits": ("string", "9007199254740993.10"),
    "pick": ("choice", "b "),
}
FORM = [
    {"id": id, "type": type, "value": value, "required": False}
    | ({"choices": ["b", "b ", "\u202eb", "\\u202eb"]} if type == "choice" else {})
    for id, (type, value) in PREFILLED.items()
]
FLOWS: list[dict[str, Any]] = [
    {
        "id": id,
        "triggers": [{"id": "start", "type": "data", "opts": {"form": {"fields": fields}}}],
        "tasks": [
            {
                "id": "constructor",
                "type": "exec",
                "listen": "trigger.good",
                "opts": {"shell": f'cp "$FLOE_INPUT" "$GO/{id}.json"; {outputs}'},
            },
            {"id": "done", "type": "end", "listen": "task.constructor.good"},
        ],
    }
    for id, fields, outputs in [
        ("prefilled", FORM, "true"),
        (
            "meaningful",
            [{"id": id, "required": False} for id in MEANINGFUL],
            'for n in __proto__ constructor toString; do echo "$n=  $n " >> "$FLOE_OUTPUTS"; done',
        ),
        (
            "typed",
            [
                {"id": "number", "type": "number", "required": False},
                {"id": "string", "required": False},
                {"id": "text", "type": "text", "required": False},
            ],
            "true",
        ),
    ]
]


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    host = Host(tmp_path, yaml.safe_dump({"flows": FLOWS}, allow_unicode=False))
    try:
        host.start()
        yield host
    finally:
        host.stop()


def started(page: Page, host: Host, flow: str) -> dict[str, Json]:
    """Press the button and wait for the end; what the command was given."""
    page.get_by_role("button", name="Start a run").click()
    page.wait_for_url(re.compile(r"/runs/h1-\d+"))
    status(page, "good")
    given: dict[str, Json] = json.loads((host.folder / f"{flow}.json").read_text())
    return given


def shown(page: Page, title: str = "In") -> dict[str, str]:
    """What the run's page shows of the values of its command."""
    page.get_by_role("list", name="Nodes").get_by_role("link", name="constructor").click()
    page.get_by_role("tab", name="Data").click()
    part = page.locator("section.values", has=page.get_by_role("heading", name=title, exact=True))
    expect(part.locator("dt").first).to_be_visible()
    names, values = (part.locator(tag).all_text_contents() for tag in ("dt", "dd"))
    return dict(zip(names, values, strict=True))


def field(page: Page, name: str) -> Locator:
    """The input of a form's field."""
    return page.get_by_label(re.compile(f"^{name}\\b"))


def test_prefilled_values_that_nobody_touched_are_as_they_were(page: Page, host: Host) -> None:
    page.goto(f"{host.url}/flows/prefilled")

    given = started(page, host, "prefilled")

    assert given == {id: value for id, (_, value) in PREFILLED.items()}
    assert [type(given[id]) for id in ("large", "fraction")] == [int, float]


def test_values_are_shown_with_every_digit(page: Page, host: Host) -> None:
    page.goto(f"{host.url}/flows/prefilled")
    assert field(page, "large").input_value() == str(LARGE)
    started(page, host, "prefilled")

    seen = shown(page)

    assert [seen[id] for id in ("large", "largest", "negative")] == [
        str(LARGE),
        str(2**63 - 1),
        str(-LARGE),
    ]
    assert (seen["fraction"], seen["small"]) == ("1.0", "1e-07")


def test_blanks_at_the_ends_and_an_empty_text_are_shown(page: Page, host: Host) -> None:
    page.goto(f"{host.url}/flows/prefilled")
    started(page, host, "prefilled")

    seen = shown(page)

    assert (seen["spaces"], seen["emoji"], seen["blank"]) == ("  a  b  ", EMOJI, "empty")


@pytest.mark.parametrize("typed", [str(LARGE), str(1 - 2**63), LONG, "-" + LONG, "1e-400"])
def test_typed_number_keeps_every_digit(page: Page, host: Host, typed: str) -> None:
    page.goto(f"{host.url}/flows/typed")
    field(page, "number").fill(typed)

    given = started(page, host, "typed")

    assert str(given["number"]) == typed
    assert shown(page)["number"] == typed


def test_number_that_no_host_can_hold_is_refused_at_its_field(page: Page, host: Host) -> None:
    page.goto(f"{host.url}/flows/typed")
    field(page, "number").fill("9" * 30)
    page.get_by_role("button", name="Start a run").click()

    expect(page.locator(".field-message")).to_be_visible()


@pytest.mark.parametrize(
    "typed", ["  both ends  ", " ", EMOJI, TRICKS, "\u2028", "\\u202e", "null", "\ttab"]
)
def test_typed_text_arrives_as_typed(page: Page, host: Host, typed: str) -> None:
    page.goto(f"{host.url}/flows/typed")
    field(page, "string").fill(typed)
    field(page, "text").fill(f"{typed}\n{typed}\n")

    given = started(page, host, "typed")

    assert (given["string"], given["text"]) == (typed, f"{typed}\n{typed}\n")


def test_half_of_a_character_is_refused_at_its_field(page: Page, host: Host) -> None:
    page.goto(f"{host.url}/flows/typed")
    field(page, "string").evaluate(
        "e => { e.value = 'a\\ud83d'; e.dispatchEvent(new Event('input', {bubbles: true})) }"
    )
    page.get_by_role("button", name="Start a run").click()

    expect(page.locator(".field-message")).to_be_visible()


def test_number_that_nobody_gave_is_missing_and_a_text_is_empty(page: Page, host: Host) -> None:
    page.goto(f"{host.url}/flows/typed")

    assert started(page, host, "typed") == {"string": "", "text": ""}


def test_emptied_number_shows_the_value_that_counts_then(page: Page, host: Host) -> None:
    page.goto(f"{host.url}/flows/prefilled")
    large = field(page, "large")
    large.fill("")

    expect(large).to_have_attribute("placeholder", str(LARGE))
    assert started(page, host, "prefilled")["large"] == LARGE


def test_emptied_text_is_empty(page: Page, host: Host) -> None:
    page.goto(f"{host.url}/flows/prefilled")
    field(page, "spaces").fill("")

    assert started(page, host, "prefilled")["spaces"] == ""


@pytest.mark.parametrize(
    ("name", "keys", "becomes"),
    [
        ("lines", ["End", "!"], "one!\r\ntwo\r\n\r\nthree"),
        ("lines", ["End", "Enter", "x"], "one\r\nx\r\ntwo\r\n\r\nthree"),
        ("lines", ["Control+End", "!"], CRLF + "!"),
        ("mixed", ["Control+End", "!"], "one\r\ntwo\nthree\rfour!"),
        ("tricks", ["Home", "x"], "x" + TRICKS),
        ("tricks", ["End", "x"], TRICKS + "x"),
        ("emoji", ["End", "x"], EMOJI + "x"),
    ],
)
def test_edited_text_is_changed_where_it_was_edited_alone(
    page: Page, host: Host, name: str, keys: list[str], becomes: str
) -> None:
    page.goto(f"{host.url}/flows/prefilled")
    field(page, name).focus()
    page.keyboard.press("Control+Home")
    for key in keys:
        page.keyboard.press(key)

    assert started(page, host, "prefilled")[name] == becomes


@pytest.mark.parametrize("at", range(4))
def test_choices_that_look_the_same_are_distinguished(page: Page, host: Host, at: int) -> None:
    page.goto(f"{host.url}/flows/prefilled")
    field(page, "pick").select_option(index=at)

    assert started(page, host, "prefilled")["pick"] == ["b", "b ", "\u202eb", "\\u202eb"][at]


def test_names_that_mean_something_to_javascript_are_names(page: Page, host: Host) -> None:
    page.goto(f"{host.url}/flows/meaningful")
    for name in MEANINGFUL:
        field(page, name).fill(f" {name} ")

    given = started(page, host, "meaningful")

    assert given == {name: f" {name} " for name in MEANINGFUL}
    assert shown(page) == given


def test_outputs_with_such_names_are_shown(page: Page, host: Host) -> None:
    page.goto(f"{host.url}/flows/meaningful")
    started(page, host, "meaningful")

    assert shown(page, "Out") == {
        name: f"  {name} " for name in ("__proto__", "constructor", "toString")
    }


def test_field_with_such_a_name_shows_its_error(page: Page, host: Host) -> None:
    page.goto(f"{host.url}/flows/meaningful")
    expect(field(page, "constructor")).not_to_have_attribute("aria-invalid", "true")
    assert page.locator(".field-message").count() == 0
