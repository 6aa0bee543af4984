"""The page of the inbox: a test event is seen before it is sent, and findings name their places."""

import json
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from floe.dialects.flyte.compiled import flow_id_of
from tests.acceptance.dashboard import HOSTILE, SHOWN, Host, browser, complaints, host, page
from tests.acceptance.test_dashboard_datastore import ask
from tests.acceptance.test_dashboard_phone import SMALL, WIDE
from tests.acceptance.test_dashboard_states import judge

__all__ = ["browser", "complaints", "host", "page"]  # fixtures

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

ASKED = {"packName": "Chat", "name": "Asked"}
SEND = {"packName": "Chat", "name": "Send"}
HELLO = {
    "id": "hello",
    "event": ASKED,
    "command": {**SEND, "input": {"to": "{{ Event.Payload.who }}"}},
}
DEAF: dict[str, Any] = {"id": "deaf", "event": ASKED, "criteria": "{{ false }}", "command": SEND}
BROKEN = {
    "id": "broken",
    "event": ASKED,
    "command": {**SEND, "input": {"text": "first\n{{ Event.Payload.who.name }}"}},
}
LATE: dict[str, Any] = {"id": "late", "event": ASKED, "dependsOn": ["hello"], "command": SEND}
CHAT = {
    "name": "Chat",
    "commands": [{"name": "Send", "events": ["Sent"]}],
    "events": [{"name": "Asked"}],
}


def flyte(host: Host, path: str, body: dict[str, Any]) -> None:
    """Post to flyte's own API of a host."""
    text = json.dumps(body).encode()
    ask(host, "POST", f"/flyte/v1/{path}", text, Content_Type="application/json")


@pytest.fixture
def chat(host: Host) -> Host:
    """A host with a pack and a flow."""
    flyte(host, "packs", CHAT)
    flyte(host, "flows", {"name": "answers", "steps": [HELLO, DEAF, BROKEN, LATE]})
    return host


def try_event(
    page: Page, host: Host, payload: str = '{"who": "ada"}', event: str = "Asked"
) -> Locator:
    """Fill the form of a test event and see what would fire."""
    page.goto(f"{host.url}/inbox?try=1")
    page.get_by_label("Pack", exact=True).fill("Chat")
    page.get_by_label("Event", exact=True).fill(event)
    page.get_by_label("Payload").fill(payload)
    page.get_by_role("button", name="See what would fire").click()
    return page.get_by_role("region", name="Test event")


def step(shown: Locator, name: str) -> Locator:
    return shown.get_by_role("listitem").filter(has_text=f"step {name}")


def runs(host: Host) -> list[Any]:
    found: list[Any] = host.get("runs")["runs"]
    return found


def test_inbox_without_events_says_so_and_offers_to_try_one(page: Page, host: Host) -> None:
    page.goto(f"{host.url}/inbox")

    expect(page.get_by_role("main")).to_contain_text("No event waits.")
    expect(page.get_by_role("main")).to_contain_text("No event has failed")
    page.get_by_role("link", name="Try the event").click()
    expect(page.get_by_label("Payload")).to_be_visible()


def test_each_step_says_what_it_would_make_of_a_test_event(page: Page, chat: Host) -> None:
    shown = try_event(page, chat)

    expect(shown).to_contain_text("1 step would fire")
    expect(step(shown, "hello")).to_contain_text('Chat Send{ "to": "ada" }', use_inner_text=False)
    expect(step(shown, "deaf")).to_contain_text("its criteria are false: {{ false }}")
    expect(step(shown, "late")).to_contain_text("it waits for the result of hello in a run")
    expect(step(shown, "broken")).to_contain_text("command.input.text, line 2, column")
    expect(step(shown, "broken").locator("mark")).to_have_count(1)
    assert runs(chat) == []


def test_event_is_sent_after_it_was_seen_and_its_run_is_linked(page: Page, chat: Host) -> None:
    shown = try_event(page, chat)
    shown.get_by_role("button", name="Send it…").click()

    page.get_by_role("dialog").get_by_role("button", name="Send it").click()

    expect(shown).to_contain_text("It is sent, and opened 1 run")
    shown.get_by_role("link", name="h1-1").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("answers")
    expect(page.get_by_role("main")).to_contain_text("Chat Asked")
    assert [one["by"] for one in runs(chat)] == ["admin"]


def test_changed_event_has_to_be_seen_again_before_it_is_sent(page: Page, chat: Host) -> None:
    shown = try_event(page, chat)
    expect(shown.get_by_role("button", name="Send it…")).to_be_visible()

    page.get_by_label("Payload").fill('{"who": "eve"}')

    expect(shown.get_by_role("button", name="Send it…")).to_have_count(0)


def test_payload_that_is_not_json_is_named_with_its_place(page: Page, chat: Host) -> None:
    shown = try_event(page, chat, '{"who": "ada",}')

    expect(shown.get_by_role("alert")).to_contain_text(
        "The payload is not JSON: line 1, column 15:"
    )


def test_event_that_no_flow_waits_for_names_those_that_flows_wait_for(
    page: Page, chat: Host
) -> None:
    shown = try_event(page, chat, event="Aksed")

    expect(shown).to_contain_text("No flow waits for Aksed of Chat.")
    expect(shown).to_contain_text("Flows wait for: Chat Asked")


def test_event_of_a_pack_that_is_not_registered_is_tried_and_not_sent(
    page: Page, host: Host
) -> None:
    flyte(host, "flows", {"name": "answers", "steps": [HELLO]})

    shown = try_event(page, host)

    expect(shown).to_contain_text("1 step would fire")
    expect(shown).to_contain_text(
        "No pack Chat is registered, so this event can be tried and not sent."
    )
    expect(step(shown, "hello")).to_contain_text("the action would wait for one")


def test_registered_packs_and_their_events_are_offered(page: Page, chat: Host) -> None:
    page.goto(f"{chat.url}/inbox?try=1")
    page.get_by_label("Pack", exact=True).fill("Chat")

    offered = page.locator("datalist option")

    expect(offered.and_(page.locator('[value="Chat"]'))).to_have_count(1)
    expect(offered.and_(page.locator('[value="Asked"]'))).to_have_count(1)
    expect(offered.and_(page.locator('[value="Sent"]'))).to_have_count(1)


def test_payload_has_what_flows_read_of_the_event(page: Page, chat: Host) -> None:
    page.goto(f"{chat.url}/inbox?try=1")
    payload = page.get_by_label("Payload")
    page.get_by_label("Pack", exact=True).fill("Chat")
    page.get_by_label("Event", exact=True).fill("Asked")

    expect(payload).to_have_value('{\n  "who": {\n    "name": ""\n  }\n}')
    payload.fill('{"who": "ada"}')
    page.get_by_label("Event", exact=True).fill("Other")
    expect(payload).to_have_value('{"who": "ada"}')


def test_finding_of_an_event_names_step_template_and_place_once(page: Page, chat: Host) -> None:
    for _ in range(3):
        flyte(chat, "packs/Chat/events", {"event": "Asked", "payload": {"who": "ada"}})
    page.goto(f"{chat.url}/inbox")

    found = page.get_by_role("region", name="Findings").get_by_role("listitem")

    expect(found).to_have_count(1)
    expect(found).to_contain_text("Chat Asked made no action of step broken")
    expect(found).to_contain_text("and 2 times before")
    expect(found).to_contain_text("{{ Event.Payload.who.name }}")
    expect(page.get_by_role("link", name="answers")).to_be_visible()


def test_events_that_wait_are_shown_with_their_age_and_why_they_wait(
    page: Page, chat: Host
) -> None:
    waiting = {
        "host": "h1",
        "waiting": 4000,
        "bytes": 5_000_000,
        "oldest_at": "2026-11-30T07:00:00.000Z",
        "first": [{"at": "2026-11-30T07:00:00.000Z", "bytes": 12, "what": f"Chat {HOSTILE}"}],
        "stuck": "the disk is full",
        "findings": [],
    }

    def answer(route: Route) -> None:
        route.fulfill(json={"inboxes": [waiting], "away": ["h2"]})

    page.route("**/api/inbox", answer)
    page.goto(f"{chat.url}/inbox")

    main = page.get_by_role("main")
    expect(main).to_contain_text("4000 events, 5.0 MB, the oldest since")
    expect(main).to_contain_text("They could not be judged at the last try: the disk is full.")
    expect(main).to_contain_text(f"Chat {SHOWN}")
    expect(main).to_contain_text("h2 does not answer")


def test_page_of_a_flow_offers_its_event_and_has_its_findings(page: Page, chat: Host) -> None:
    flyte(chat, "packs", {**CHAT, "labels": {"env": "prod"}})
    never: dict[str, Any] = {**HELLO, "id": "never", "criteria": "{{ x | nofilter }}"}
    flyte(chat, "flows", {"name": "answers", "steps": [HELLO, never]})
    page.goto(f"{chat.url}/flows/{flow_id_of('answers')}")

    found = page.get_by_role("region", name="Findings").get_by_role("listitem")
    expect(found.first).to_contain_text("step never never makes an action")
    expect(found.first).to_contain_text("there is no filter `nofilter`")
    expect(page.get_by_label("Event", exact=True)).to_have_value("Asked")
    expect(page.get_by_label("Payload")).to_have_value('{\n  "who": ""\n}')
    page.get_by_role("button", name="See what would fire").click()
    shown = page.get_by_role("region", name="Test event")
    expect(shown).to_contain_text("1 step would fire")


def test_hostile_names_and_values_are_text(page: Page, host: Host) -> None:
    command = {"packName": HOSTILE, "name": HOSTILE, "input": {HOSTILE: "{{ Event.Payload.x }}"}}
    steps = [{"id": HOSTILE, "event": ASKED, "command": command}]
    flyte(host, "flows", {"name": HOSTILE, "steps": steps})

    shown = try_event(page, host, json.dumps({"x": HOSTILE}))

    expect(shown.get_by_role("link", name=SHOWN)).to_be_visible()
    expect(step(shown, SHOWN)).to_contain_text(f'"{SHOWN}": "{SHOWN}"')


def test_test_event_is_filled_in_and_sent_by_keyboard(page: Page, chat: Host) -> None:
    page.goto(f"{chat.url}/inbox?try=1")
    page.get_by_label("Pack", exact=True).focus()
    page.keyboard.type("Chat")
    page.keyboard.press("Tab")
    page.keyboard.type("Asked")
    page.keyboard.press("Enter")

    expect(page.get_by_role("region", name="Test event")).to_contain_text("2 steps would fire")


def test_pages_of_the_inbox_fit_a_phone_and_can_be_read(page: Page, chat: Host) -> None:
    flyte(chat, "packs/Chat/events", {"event": "Asked", "payload": {"who": "ada"}})
    page.set_viewport_size({"width": 390, "height": 800})
    shown = try_event(page, chat)
    expect(shown).to_contain_text("1 step would fire")
    expect(page.get_by_role("region", name="Findings")).to_be_visible()

    assert page.evaluate(WIDE) == []
    assert page.evaluate(SMALL) == []
    assert judge(page) == []
