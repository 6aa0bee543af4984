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


def test_plan_says_what_becomes_of_failed_children(monkeypatch: pytest.MonkeyPatch) -> None:
    below = a_child(run="h2-9", node="task.send", why_new="h3 is away")
    child = a_child(run="h1-2", item=3, taken=["task.pack"], children=[below])
    monkeypatch.setitem(PLAN, "children", [child])
    monkeypatch.setitem(PLAN, "more_children", 7)

    begun = rerun_of(monkeypatch, "--failed")

    assert begun.output.splitlines()[1:4] == [
        "  h1-2 of task.ride[3]: starts again; taken over: task.pack",
        "    h2-9 of task.send: a new child starts instead, since h3 is away",
        "  and 7 more children",
    ]


def a_child(**others: object) -> dict[str, object]:
    made: dict[str, object] = {"node": "task.ride", "item": None, "taken": [], "why_new": ""}
    return {**made, "children": [], **others}
