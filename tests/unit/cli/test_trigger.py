"""What is printed of a run that is waited for."""

from typing import Any

import pytest
from click.testing import CliRunner, Result

from floe.cli import trigger
from floe.cli.client import Account

WHY = {
    "run": "h1-1",
    "text": "waits for a host: h1: lacks the tag build",
    "hosts": [{"host": "h1", "reasons": ["lacks the tag build"]}],
    "waiting": [],
    "never": [],
}


class Client:
    """A host with a run that is pending for a number of looks, and then over."""

    at = Account(url="http://127.0.0.1:1", token="t")

    def __init__(self, pending_looks: int) -> None:
        self._looks_left = pending_looks

    def post(self, path: str, body: object, once: str = "") -> dict[str, Any]:
        return {"run": "h1-1"}

    def get(self, path: str, **query: Any) -> dict[str, Any]:
        if path.endswith("/why"):
            return WHY
        if not path.endswith("/events"):
            is_over = self._looks_left <= 0
            state = {"state": "archive", "good": True} if is_over else {"state": "pending"}
            return {"id": "h1-1", "seq": 1, "why": "done", "nodes": [], "forms": []} | state
        if query["after"] == 0:
            return {"events": [{}]}
        self._looks_left -= 1
        return {"events": [] if self._looks_left > 0 else [{}]}


def waited(monkeypatch: pytest.MonkeyPatch, looks: int, *args: str) -> Result:
    monkeypatch.setattr(trigger, "connected", lambda: Client(looks))
    monkeypatch.setattr(trigger, "LOOKS_S", (0.0,))
    return CliRunner().invoke(trigger.command, ["build", "--wait", *args])


def test_a_run_that_does_not_begin_explains_once_why(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = waited(monkeypatch, 8 * trigger.WAITING_LOOKS)

    assert shown.exit_code == 0, shown.output
    assert shown.stdout.splitlines() == [
        "h1-1",
        "h1-1 waits for a host",
        "  h1  lacks the tag build",
        "    try: start a host with --tags build",
        "h1-1 good",
    ]


def test_a_run_that_begins_soon_reports_nothing_of_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = waited(monkeypatch, trigger.WAITING_LOOKS)

    assert shown.stdout.splitlines() == ["h1-1", "h1-1 good"]


def test_a_run_that_is_waited_for_as_json_is_all_that_is_printed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shown = waited(monkeypatch, 8 * trigger.WAITING_LOOKS, "--json")

    assert "waits for" not in shown.stdout
