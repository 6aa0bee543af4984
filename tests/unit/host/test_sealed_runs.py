"""Sealed runs in the core: their bodies, rows, groups and keys."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from floe.host.core import HostCore
from floe.host.inputs import Incoming, Packed, Prune, RunKeysWrapped
from floe.host.step import CLEAR
from floe.key_file import KeyFile
from floe.model.flow import MaxRuns
from floe.model.ids import Json, RunRef
from floe.model.run import Pruned, Run
from floe.model.summary import SEALED_WHY, WENT_ON, summary_of
from floe.model.template import Template, TemplatePart
from floe.store.base import LedgerWrite
from floe.store.sealing import RUN_KEY, SEALED
from floe.store.seals import RunSeals
from tests.make import NOW, a_flow, a_node, a_run
from tests.make_core import a_core, a_start, begun, ended, stepped, to

SECRET = "4111-4f9d"
FLOW = replace(a_flow(a_node("build")), seal=True)
VALUES: Mapping[str, Json] = {"card": SECRET}


@pytest.fixture
def core(tmp_path: Path) -> HostCore:
    seals = RunSeals(KeyFile(tmp_path / "vault.key"))
    seals.prepare()
    core = a_core()
    core.site.seals = seals
    return core


def rows_of(ledger: tuple[LedgerWrite, ...]) -> dict[str, Json]:
    return {row.key: row.value for row in ledger if row.kind == RUN_KEY}


def test_a_start_makes_the_key_of_a_sealed_run(core: HostCore) -> None:
    decided = stepped(core, a_start(FLOW, values=VALUES))

    [(key, row)] = rows_of(decided.ledger).items()
    assert core.site.seals.row(RunRef.parse(key)) == row
    assert row


def test_bodies_of_a_sealed_run_are_sealed_but_for_the_hand_over(core: HostCore) -> None:
    decided = stepped(core, a_start(FLOW, values=VALUES))

    for step in decided.recorded:
        body = step.record.body
        is_clear = isinstance(step.record.event, CLEAR)
        assert isinstance(body, str) if is_clear else bytes(body[:1]) == SEALED  # type: ignore[arg-type]  # bytes, then


def test_rows_of_a_sealed_run_have_no_values(core: HostCore) -> None:
    decided = stepped(core, a_start(FLOW, values=VALUES))

    rows = [append.summary for append in decided.appends if append.summary]
    assert [(row.title, row.terms) for row in rows] == [("", "")]


@pytest.mark.parametrize(("tag", "why"), [("task.build.bad", "task.build.bad ended it")])
def test_row_names_the_event_that_ended_a_sealed_run(tag: str, why: str) -> None:
    run = over(end_tag=tag)

    assert summary_of(run).why == why


def test_row_of_a_sealed_run_that_no_event_ended_says_where_its_reason_is() -> None:
    assert summary_of(over()).why == SEALED_WHY


def test_row_of_a_sealed_run_that_went_on_elsewhere_says_so() -> None:
    assert summary_of(replace(over(), why=WENT_ON)).why == WENT_ON


def over(**fields: object) -> Run:
    run = replace(a_run(), sealed=True, phase="ended", good=False, result="bad", why=SECRET)
    return replace(run, **fields)  # type: ignore[arg-type]  # the fields of a run


def test_the_group_of_a_sealed_run_shows_no_value(core: HostCore) -> None:
    flow = replace(
        FLOW,
        max_runs=MaxRuns(limit=1, per=Template(parts=(TemplatePart(path=("values", "card")),))),
    )

    decided = stepped(core, a_start(flow, values=VALUES))

    groups = [step.run.group for step in decided.recorded]
    assert all(SECRET not in group for group in groups)


def test_no_run_is_started_without_a_key(tmp_path: Path) -> None:
    core = a_core()

    decided = stepped(core, replace(a_start(FLOW, values=VALUES), ticket=1))

    [reply] = decided.replies
    assert (reply.run, reply.why) == (None, "its run cannot be sealed: this host keeps no keys")
    assert decided.appends == ()


def test_a_run_that_cannot_be_read_holds_its_resources_until_it_is_read() -> None:
    table = a_core().table
    flow = replace(FLOW, resource_tags=("nic",), reuse_space=True)
    run = a_run(flow)

    table.reserve(run.ref, flow)

    assert (table.held, table.spaces) == ({"nic": run.ref}, {flow.id: run.ref})
    table.reload(run.ref, None)
    assert (table.held, table.spaces) == ({}, {})


def removed(core: HostCore) -> tuple[Run, Incoming]:
    """A sealed run that is packed, and the request to remove it."""
    [run] = begun(core, FLOW)
    ended(core, run)
    stepped(core, to(run, Packed(digests={})))
    gone = Pruned(key=run.ref.key, flow=run.flow_id, at=NOW, why="it was old")
    return run, Incoming(input=Prune(runs=(gone,)), ticket=1)


def test_a_removal_drops_the_key(core: HostCore) -> None:
    run, removal = removed(core)

    decided = stepped(core, removal)

    assert rows_of(decided.ledger) == {run.ref.key: None}


def test_a_key_that_is_wrapped_again_is_kept(core: HostCore) -> None:
    [run] = begun(core, FLOW)

    decided = stepped(core, Incoming(input=RunKeysWrapped(rows={run.ref.key: "k2 data"})))

    assert rows_of(decided.ledger) == {run.ref.key: "k2 data"}
    assert decided.promise


def test_a_key_of_a_removed_run_that_is_wrapped_again_is_not_kept(core: HostCore) -> None:
    run, removal = removed(core)
    stepped(core, removal)
    core.site.seals.forget([run.ref.key])  # type: ignore[attr-defined]  # of the shell

    decided = stepped(core, Incoming(input=RunKeysWrapped(rows={run.ref.key: "k2 data"})))

    assert decided.ledger == ()
