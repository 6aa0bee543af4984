"""What `floe rerun` prints of a re-run that is refused, and of one that begins."""

from typing import Any

import pytest
from click.testing import CliRunner, Result

from floe.cli import rerun
from floe.model.errors import ValuesInvalid

PLAN = {
    "run": "h1-1",
    "taken": [],
    "again": ["task.build"],
    "new": [],
    "workspace": {"host": "", "why_empty": "it was removed"},
}


class Client:
    """A host that refuses values for `env`."""

    def get(self, path: str, **_: object) -> dict[str, Any]:
        return PLAN

    def post(self, path: str, body: dict[str, Any], once: str) -> dict[str, Any]:
        if "env" in body["values"]:
            raise ValuesInvalid({"env": "one of test, prod is expected"})
        return {"run": "h1-2"}


def rerun_of(monkeypatch: pytest.MonkeyPatch, *words: str) -> Result:
    monkeypatch.setattr(rerun, "connected", Client)
    return CliRunner().invoke(rerun.command, ["h1-1", *words])


def test_plan_is_not_printed_where_a_value_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    refused = rerun_of(monkeypatch, "-d", "env=nope")

    assert isinstance(refused.exception, ValuesInvalid)
    assert refused.output == ""


def test_plan_is_printed_before_the_run_that_follows_it(monkeypatch: pytest.MonkeyPatch) -> None:
    begun = rerun_of(monkeypatch)

    assert begun.output.splitlines() == [
        "  runs again: task.build",
        "  workspace: empty, since it was removed",
        "h1-2",
    ]
