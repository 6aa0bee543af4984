"""What is printed of a run that is waited for."""

from collections.abc import Sequence
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
            return {
                "id": "h1-1",
                "seq": 1,
                "why": "done",
                "nodes": [],
                "forms": [],
                "children": [],
            } | state
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


NODE = {"id": "test", "ref": "task.test", "name": "Test", "state": "good"}


def changes(
    capsys: pytest.CaptureFixture[str], *looks: dict[str, Any], children: Sequence[Any] = ()
) -> list[str]:
    """What is printed of a node that is looked at several times."""
    seen: dict[tuple[str, int], trigger.Seen] = {}
    for look in looks:
        run = {"id": "h1-1", "nodes": [{**NODE, **look}], "forms": [], "children": children}
        trigger._print_changes(run, seen, set())
    return [line.strip() for line in capsys.readouterr().out.splitlines()]


def test_visit_that_passed_between_two_looks_is_printed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    first = {"state": "bad", "status": 1, "ended_at": "2026-11-29T10:00:01Z"}
    second = {"state": "good", "visit": 2, "ended_at": "2026-11-29T10:00:02Z"}

    assert changes(capsys, {**second, "visits": [first]}) == [
        "task.test  bad  exit status 1",
        "task.test  good visit 2",
    ]


def test_attempt_that_fails_like_the_one_before_is_not_printed_again(
    capsys: pytest.CaptureFixture[str],
) -> None:
    refused = {"state": "retrying", "why": "refused"}

    looks = [{**refused, "attempt": number} for number in (1, 2, 3)]

    assert changes(capsys, *looks) == ["task.test  retrying  refused"]


def test_attempt_that_fails_for_a_different_reason_is_printed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    looks = [{"state": "retrying", "attempt": n, "why": f"answered {500 + n}"} for n in (1, 2)]

    assert changes(capsys, *looks) == [
        "task.test  retrying  answered 501",
        "task.test  retrying #2  answered 502",
    ]


def test_child_run_of_a_running_task_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    child = {"node": "test", "item": None, "run": "h1-2"}

    assert changes(capsys, {"state": "running"}, children=[child]) == [
        "task.test  running  child h1-2"
    ]
