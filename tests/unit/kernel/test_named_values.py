"""Which value of a run each path of a template names."""

from dataclasses import replace

import pytest

from floe.expr.paths import Unknown
from floe.kernel.named_values import named_value
from floe.model.ids import Json, NodeId
from floe.model.outcome import Outcome
from floe.model.run import Run
from floe.model.tags import Tag
from floe.model.taken import NodeTaken
from floe.model.template import Path
from floe.model.work import Exec
from tests.make import NOW, a_flow, a_node, a_pending_run, a_run, after, exited

FLOW = a_flow(a_node("build"), a_node("test", on="task.build.good"))


def value(run: Run, *path: str | int) -> Json:
    return named_value(run, FLOW, path)


def built() -> Run:
    run = a_run(FLOW, {"branch": "main"})
    return after(run, exited(run, "build", url="https://h"))


@pytest.mark.parametrize(
    ("path", "named"),
    [
        (("values", "branch"), "main"),
        (("task", "build", "state"), "good"),
        (("task", "build", "outputs", "url"), "https://h"),
        (("task", "build", "status"), 0),
        (("task", "build", "attempts"), 1),
        (("task", "build", "why"), ""),
        (("run", "id"), "h1-1"),
        (("run", "flow"), "flow"),
        (("run", "ver"), 1),
        (("run", "by"), "alice"),
        (("run", "trigger"), "start"),
        (("trigger", "id"), "start"),
        (("trigger", "type"), "data"),
    ],
    ids=lambda part: ".".join(part) if isinstance(part, tuple) else None,
)
def test_path_names_a_value_of_the_run(path: Path, named: Json) -> None:
    assert value(built(), *path) == named


@pytest.mark.parametrize(
    "path",
    [
        ("values", "tag"),
        ("task", "test", "state"),
        ("task", "deploy", "state"),
        ("task", "build", "outputs", "path"),
        ("run", "host"),
        ("trigger", "name"),
        ("other", "name"),
    ],
    ids=".".join,
)
def test_path_without_a_value_is_unknown(path: Path) -> None:
    with pytest.raises(Unknown):
        value(built(), *path)


def test_pending_rerun_names_what_it_takes_over() -> None:
    taken = NodeTaken(
        at=NOW,
        node=NodeId("build"),
        from_run="h1-1",
        attempt=2,
        work=Exec(argv=("true",)),
        outcome=Outcome(result="good", status=0),
        tag=Tag("task.build.good"),
        good=True,
        outputs={"url": "https://h"},
        output_bytes=0,
        entered_at=NOW,
        started_at=NOW,
        ended_at=NOW,
    )
    run = replace(a_pending_run(FLOW), taken=(taken,))

    assert value(run, "task", "build", "outputs", "url") == "https://h"
    assert value(run, "task", "build", "attempts") == 2
    with pytest.raises(Unknown):
        value(run, "task", "test", "state")
