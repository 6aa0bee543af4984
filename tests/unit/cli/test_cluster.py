"""What people are told about hosts that are away: beside what was asked for, not instead of it."""

import json
from typing import Any

import pytest
from click.testing import CliRunner, Result

from floe.cli import runs, watch
from floe.cli.client import Account

AT = Account(url="http://127.0.0.1:1", token="t")
AWAY = {"type": "host", "id": "h3", "state": "away", "seen": "2020-01-01T00:00:00.000Z"}
BACK = {"type": "host", "id": "h3", "state": "here", "seen": "2020-01-01T00:00:00.000Z"}


class Client:
    """A host that always answers the same."""

    at = AT

    def __init__(self, answer: dict[str, Any]) -> None:
        self._answer = answer
        self.asked: dict[str, object] = {}
        """What was asked for last."""

    def get(self, path: str, **query: object) -> dict[str, Any]:
        self.asked = query
        return self._answer


def listed(monkeypatch: pytest.MonkeyPatch, *args: str, **answer: object) -> Result:
    whole = {"runs": [], "next": "", "as_of": {}, "stale": [], **answer}
    monkeypatch.setattr(runs, "connected", lambda: Client(whole))
    return CliRunner().invoke(runs.command, args)


def test_list_names_the_hosts_that_it_may_be_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    as_of = {"h2": "2020-01-01T00:00:00.000Z", "h3": None, "h4": "2020-01-01T00:00:00.000Z"}

    shown = listed(monkeypatch, as_of=as_of, stale=["h2", "h3"])

    first, second, third = shown.stderr.splitlines()
    assert first.startswith("h2 as of ")
    assert second == "h3 has sent nothing yet"
    assert third == "no runs"


def test_list_of_present_hosts_has_no_remarks_about_them(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = listed(monkeypatch, as_of={"h2": "2020-01-01T00:00:00.000Z"})

    assert shown.stderr == "no runs\n"


def test_list_as_json_carries_how_old_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = listed(monkeypatch, "--json", as_of={"h3": None}, stale=["h3"])

    assert json.loads(shown.stdout)["stale"] == ["h3"]
    assert shown.stderr == ""


def test_list_is_narrowed_to_a_host(monkeypatch: pytest.MonkeyPatch) -> None:
    client = Client({"runs": [], "next": "", "as_of": {}, "stale": []})
    monkeypatch.setattr(runs, "connected", lambda: client)

    CliRunner().invoke(runs.command, ["--host", "h2", "--state", "active"])

    assert (client.asked["host"], client.asked["state"]) == ("h2", "active")


def watched(monkeypatch: pytest.MonkeyPatch, *args: str) -> Result:
    """What `floe watch` prints of a host that goes and comes back, until it is interrupted."""

    def frames(*_: object) -> Any:
        for frame in (AWAY, BACK):
            yield json.dumps(frame), frame
        raise KeyboardInterrupt

    monkeypatch.setattr(watch, "connected", lambda: Client({}))
    monkeypatch.setattr(watch, "_frames", frames)
    return CliRunner().invoke(watch.command, args)


def test_watching_names_which_host_is_away_and_when_it_is_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shown = watched(monkeypatch)

    away, back, *_ = shown.stderr.splitlines()
    assert away.startswith("h3 as of ")
    assert back == "h3 is back"
    assert shown.stdout == ""


def test_watching_as_json_passes_on_what_is_reported_of_hosts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shown = watched(monkeypatch, "--json")

    assert [json.loads(line) for line in shown.stdout.splitlines()] == [AWAY, BACK]


class Paths(Client):
    """A host that answers each path by itself."""

    def get(self, path: str, **query: object) -> dict[str, Any]:
        found: dict[str, Any] = self._answer[path]
        return found


def test_list_explains_why_pending_and_active_runs_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    row = {"flow": "deploy", "ver": 1, "good": None, "why": "", "host": None, "by": "ann"}
    times = {"pended_at": "2020-01-01T00:00:00.000Z", "started_at": None, "ended_at": None}
    states = {"h1-1": "pending", "h1-2": "pending", "h1-3": "active"}
    rows = [{**row, **times, "id": id, "state": s, "phase": s} for id, s in states.items()]
    form = {"node": "sign", "title": "May it go?"}
    answers = {
        "runs": {"runs": rows, "next": "", "as_of": {}, "stale": []},
        "pends": {"pends": [{"text": "waits for gpu", "runs": ["h1-1", "h1-2"]}]},
        "forms": {"forms": [{"run": {"id": "h1-3"}, "form": form}]},
    }
    monkeypatch.setattr(runs, "connected", lambda: Paths(answers))

    shown = CliRunner().invoke(runs.command, []).stdout.splitlines()

    assert shown[1].endswith("waits for gpu")
    assert shown[2].endswith("h1-1 needs the same and is before it")
    assert shown[3].endswith("waits for a person: May it go?")


def test_child_runs_are_listed_below_their_parent(monkeypatch: pytest.MonkeyPatch) -> None:
    at = "2020-01-01T00:00:00.000Z"
    row = {"flow": "deploy", "ver": 1, "good": True, "why": "", "host": "h1", "by": "ann"}
    row |= {"state": "archive", "phase": "packed", "pended_at": at}
    row |= {"started_at": at, "ended_at": at}

    def child(id: str, parent: str) -> dict[str, Any]:
        of = {"run": parent, "node": "deploy", "item": None, "waits": True}
        return {**row, "id": id, "parent": of}

    rows = [child("h1-4", "h1-3"), child("h1-3", "h1-1"), {**row, "id": "h1-2"}]
    rows += [{**row, "id": "h1-1", "parent": None}, child("h1-0", "h9-9")]

    shown = listed(monkeypatch, runs=rows).stdout.splitlines()[1:]

    assert [line.split("  deploy")[0].rstrip() for line in shown] == [
        "h1-2",
        "h1-1",
        "└ h1-3",
        "  └ h1-4",
        "h1-0",
    ]
    assert shown[-1].endswith("child of h9-9")
