"""Filters of `floe runs` that name nothing, and the rows of child runs."""

from typing import Any

import pytest
from click.testing import CliRunner, Result

from floe.cli import runs
from floe.model.errors import NotFound

EMPTY: dict[str, Any] = {"runs": [], "next": "", "as_of": {}, "stale": []}


class Client:
    """A host with two flows, and without runs."""

    def get(self, path: str, **_: object) -> dict[str, Any]:
        if path == "flows":
            return {"flows": [{"id": "mine"}, {"id": "deploy"}]}
        return EMPTY


def listed(monkeypatch: pytest.MonkeyPatch, *words: str) -> Result:
    monkeypatch.setattr(runs, "connected", Client)
    return CliRunner().invoke(runs.command, words)


def test_flow_that_is_mistyped_is_named_with_the_one_that_was_meant(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    error = listed(monkeypatch, "-f", "mien").exception

    assert isinstance(error, NotFound)
    assert (error.what, error.hint) == ("no flow 'mien'", "did you mean `mine`?")


def test_flow_without_runs_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    assert listed(monkeypatch, "-f", "mine@2").stderr == "no runs\n"


def test_result_in_place_of_a_state_names_its_option(monkeypatch: pytest.MonkeyPatch) -> None:
    refused = listed(monkeypatch, "-s", "bad")

    assert "'bad' is a result: write --result bad; states: pending, active, archive" in (
        refused.stderr
    )


def test_parent_is_named_once_in_the_row_of_a_child(monkeypatch: pytest.MonkeyPatch) -> None:
    row = {
        "id": "h1-12",
        "flow": "deploy",
        "ver": 1,
        "state": "archive",
        "phase": "ended",
        "good": False,
        "result": "cancelled",
        "host": "h1",
        "by": "ada",
        "pended_at": "2026-11-29T10:00:00Z",
        "started_at": None,
        "ended_at": "2026-11-29T10:01:00Z",
        "parent": {"run": "h1-11", "node": "roll-out", "item": None, "waits": True},
    }
    whys = ("cancelled by its parent h1-11: Test failed", "cancelled by ada")
    listed_rows = [{**row, "why": why} for why in whys]
    monkeypatch.setattr(Client, "get", lambda *_, **__: {**EMPTY, "runs": listed_rows})

    first, second = listed(monkeypatch).stdout.splitlines()[1:]

    assert first.count("h1-11") == second.count("h1-11") == 1
