"""What is printed of an event that is tried."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from floe.cli import flyte_try

EVENT = {"pack": "Chat", "event": "Asked", "payload": {"who": "ada"}}
FIRES: dict[str, Any] = {
    "step": "hello",
    "number": 1,
    "outcome": "fires",
    "why": "",
    "action": {
        "pack": "Chat",
        "labels": {"env": "prod"},
        "command": "Send",
        "input": {"to": "ada"},
        "context": {},
        "waits": "no pack Chat is registered: the action would wait for one",
    },
}
DEAF = {"step": "", "number": 2, "outcome": "criteria", "why": "its criteria are false: {{ x }}"}
BROKEN = {
    "step": "broken",
    "number": 3,
    "outcome": "fault",
    "why": "no",
    "fault": {
        "place": "command.input",
        "what": "a text has no member `name`",
        "hint": "",
        "template": "{{ Event.Payload.who.name }}",
        "lines": 1,
        "line": 1,
        "column": 4,
        "cut": 0,
    },
}


NOTHING: dict[str, Any] = {"more": 0, "starts": []}


class Client:
    """A host that has judged an event."""

    def __init__(self, flows: list[Any], runs: list[str]) -> None:
        self._flows, self._runs = flows, runs
        self.posts: list[tuple[str, object]] = []

    def post(self, path: str, body: object) -> dict[str, Any]:
        self.posts.append((path, body))
        if path.endswith("send"):
            return {"judged": True, "runs": self._runs}
        near = [{"pack": "Chat", "event": "Asked"}]
        return {**EVENT, "registered": True, "flows": self._flows, "near": near, **NOTHING}


def tried(
    monkeypatch: pytest.MonkeyPatch,
    steps: list[Any],
    *options: str,
    text: str = json.dumps(EVENT),
) -> Result:
    flows = [{"id": "flyte-1", "name": "answers", "steps": steps}] if steps else []
    client = Client(flows, ["h1-1"])
    monkeypatch.setattr(flyte_try, "connected", lambda: client)
    return CliRunner().invoke(flyte_try.command, ["-", *options], input=text)


def test_each_step_has_what_the_event_comes_to(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = tried(monkeypatch, [FIRES, DEAF])

    assert shown.exit_code == 0
    assert shown.output.splitlines() == [
        "answers",
        "  hello: fires",
        "    Chat Send env=prod",
        '    {"to": "ada"}',
        "    no pack Chat is registered: the action would wait for one",
        "  step 2, which has no id: does not fire: criteria",
        "    its criteria are false: {{ x }}",
    ]


def test_template_that_fails_has_its_place_and_the_exit_code_1(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shown = tried(monkeypatch, [BROKEN])

    assert shown.exit_code == 1
    assert "    command.input, line 1, column 4: a text has no member `name`" in shown.output
    assert "    {{ Event.Payload.who.name }}" in shown.output


def test_event_is_sent_on_demand_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "sent" not in tried(monkeypatch, [FIRES]).output
    assert "sent: it opened h1-1" in tried(monkeypatch, [FIRES], "--send").output


def test_event_that_no_flow_waits_for_names_those_that_flows_wait_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shown = tried(monkeypatch, [])

    assert shown.output.splitlines() == [
        "no flow waits for Asked of Chat",
        "flows wait for: Chat Asked",
    ]


def test_reply_is_printed_as_json(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = tried(monkeypatch, [FIRES], "--send", "--json")

    assert json.loads(shown.output)["sent"]["runs"] == ["h1-1"]


@pytest.mark.parametrize("text", ["", "{", "[]", '"x"'])
def test_file_that_has_no_object_is_refused(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    shown = tried(monkeypatch, [], text=text)

    assert shown.exit_code == 1
    assert shown.exception is not None


def test_event_is_read_from_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    client = Client([], [])
    monkeypatch.setattr(flyte_try, "connected", lambda: client)
    file = tmp_path / "event.json"
    file.write_text(json.dumps(EVENT))

    CliRunner().invoke(flyte_try.command, [str(file)])

    assert client.posts == [("flyte/events/try", EVENT)]
