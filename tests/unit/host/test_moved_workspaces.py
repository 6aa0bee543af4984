"""Which re-run takes the workspace of an earlier run, and what is remembered of it."""

from typing import Any

from floe.host import step
from floe.host.core import HostCore
from floe.host.inputs import Drain, Incoming
from floe.host.site import MOVED_MAX, SiteSettings
from floe.model.flow import Flow
from floe.model.ids import RunRef
from floe.model.signal import Cancel
from floe.model.taken import RerunOf
from tests.make import H1, STORE, a_flow, a_form, a_node
from tests.make_core import BUILD, a_core, a_start, begun, ended, stepped, to

ASKS_FIRST = a_flow(a_form(), a_node("build", on="task.sign-off.good"))


def a_rerun(of: RunRef, flow: Flow = BUILD, **others: Any) -> Incoming:
    """The request to start a run again, in its workspace."""
    made: dict[str, Any] = {"run": of.key, "host": H1, "workspace": f"/srv/spaces/{of}"}
    return a_start(flow, rerun_of=RerunOf(**(made | others)))


def over(core: HostCore) -> RunRef:
    """A run that has ended."""
    [run] = begun(core, BUILD)
    ended(core, run)
    return run.ref


def moved_from(core: HostCore, *refs: RunRef) -> list[str]:
    return [core.table.runs[ref].moved_from for ref in refs]


def test_first_of_two_re_runs_that_were_requested_together_takes_the_workspace() -> None:
    core = a_core()
    old = over(core)
    stepped(core, Incoming(input=Drain(on=True)))
    first, second = (stepped(core, a_rerun(old)).appends[0].run for _ in range(2))

    stepped(core, Incoming(input=Drain(on=False)))

    assert moved_from(core, first, second) == [f"/srv/spaces/{old}", ""]


def test_move_is_remembered_after_a_restart() -> None:
    core = a_core()
    old = over(core)
    result = stepped(core, a_rerun(old))
    rows = {one.key: one.value for one in result.ledger if one.kind == "moved"}

    again = HostCore(
        SiteSettings(id=H1, tags=frozenset(), workspace_root="/srv"),
        STORE,
        serial=2,
        rows={"moved": rows},
    )

    new = result.appends[0].run
    assert again.site.moved.get(old.key) == new.key
    late = stepped(again, a_rerun(old)).appends[0].run
    assert moved_from(again, late) == [""]


def test_re_run_that_is_cancelled_before_its_first_command_gives_the_workspace_back() -> None:
    core = a_core()
    old = over(core)
    first = stepped(core, a_rerun(old, ASKS_FIRST)).appends[0].run

    result = stepped(core, to(first, Cancel(by="alice")))

    assert [(r.key, r.value) for r in result.ledger if r.kind == "moved"] == [(old.key, None)]
    second = stepped(core, a_rerun(old)).appends[0].run
    assert moved_from(core, second) == [f"/srv/spaces/{old}"]


def test_re_run_that_is_cancelled_after_a_command_keeps_the_workspace() -> None:
    core = a_core()
    old = over(core)
    first = stepped(core, a_rerun(old)).appends[0].run

    ended(core, core.table.runs[first])

    assert core.site.moved.get(old.key) == first.key


def test_workspace_of_a_different_host_is_not_taken() -> None:
    core = a_core()
    old = over(core)

    result = stepped(core, a_rerun(old, host="h2"))

    assert moved_from(core, result.appends[0].run) == [""]
    assert [one for one in result.ledger if one.kind == "moved"] == []


def test_oldest_move_is_forgotten_once_there_are_many(monkeypatch: Any) -> None:
    assert MOVED_MAX > 1000
    monkeypatch.setattr(step, "MOVED_MAX", 1)
    core = a_core()
    first, second = over(core), over(core)
    stepped(core, a_rerun(first))

    rows = {
        one.key: one.value for one in stepped(core, a_rerun(second)).ledger if one.kind == "moved"
    }

    assert list(core.site.moved) == [second.key]
    assert rows[first.key] is None
