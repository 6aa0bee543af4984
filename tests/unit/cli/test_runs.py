"""Filters of `floe runs` that name nothing."""

from typing import Any

import pytest
from click.testing import CliRunner, Result

from floe.cli import runs
from floe.model.errors import NotFound


class Client:
    """A host with two flows, and without runs."""

    def get(self, path: str, **_: object) -> dict[str, Any]:
        if path == "flows":
            return {"flows": [{"id": "mine"}, {"id": "deploy"}]}
        return {"runs": [], "next": "", "as_of": {}, "stale": []}


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
