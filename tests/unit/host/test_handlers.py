"""What each input of a single host causes, and what it changes nothing of."""

from dataclasses import replace

import pytest

from floe.expr.template import template_of, template_parts
from floe.host.inputs import FlowRead, Incoming, Packed, SecretNames
from floe.model.codec import digest_of
from floe.model.effect import LoadFlow, PackArchive, StartAction
from floe.model.event import RunActivated, RunGranted, RunPended
from floe.model.flow import MaxRuns
from floe.model.ids import NodeId, RunRef
from floe.model.secret_name import SecretName, SecretUse
from floe.model.signal import Cancel, DataGiven, Exited, FlowUnreadable, Reported
from floe.model.summary import summary_of
from floe.store.base import LedgerWrite
from tests.make import (
    H1,
    NOW,
    STORE,
    a_flow,
    a_form,
    a_node,
    the_key,
)
from tests.make_core import BUILD, a_core, a_start, begun, events_of, phases, snapshot, stepped, to


def test_start_makes_a_pend_with_the_next_serial_and_its_ledger_rows() -> None:
    core = a_core()
    stepped(core, a_start())

    decided = stepped(core, a_start(marks=(LedgerWrite(kind="mark", key="x", value=7),)))

    assert decided.appends[0].run == RunRef(H1, STORE, 2)
    rows = {(row.kind, row.key): row.value for row in decided.ledger}
    assert rows == {("serial", "run"): 2, ("mark", "x"): 7}


def test_flow_is_stored_once_by_its_digest() -> None:
    core = a_core()

    stored = [
        row for _ in range(3) for row in stepped(core, a_start()).ledger if row.kind == "flow"
    ]

    assert [row.key for row in stored] == [digest_of(BUILD)]


def test_start_that_a_host_takes_is_active_in_the_same_step() -> None:
    decided = stepped(a_core(), a_start())

    assert [type(e) for e in events_of(decided)][:3] == [RunPended, RunGranted, RunActivated]
    assert [type(e) for e in decided.effects] == [StartAction]


def test_run_with_a_flow_file_reads_it_first_and_is_placed_after() -> None:
    core = a_core()
    declared = a_flow(flow_file="x.yml", nodes=())

    read = stepped(core, a_start(declared))
    ref = read.appends[0].run
    digest = digest_of(BUILD)
    placed = stepped(core, to(ref, FlowRead(flow=BUILD, digest=digest, source="x.yml@1")))

    assert read.effects == (LoadFlow(ref),)
    assert placed.closed == (LoadFlow(ref),)
    assert core.table.runs[ref].phase == "active"
    assert any(row.kind == "flow" and row.key == digest for row in placed.ledger)


def test_title_is_recorded_with_the_start_and_again_when_a_node_gives_more() -> None:
    core = a_core()
    name = template_of(template_parts("{{ values.version }} at {{ task.build.outputs.url }}"))
    flow = replace(BUILD, run_name=name)
    started = stepped(core, a_start(flow, values={"version": "1.4.2"}))
    [run] = [append.run for append in started.appends]
    exited = Exited(status=0, outputs={"url": "https://h"})

    key = the_key(core.table.runs[run], "build")
    ended = stepped(core, to(run, Reported(key=key, report=exited, at=NOW)))

    rows = [append.summary for append in (*started.appends, *ended.appends)]
    assert [row and row.title for row in rows] == ["1.4.2 at …", "1.4.2 at https://h"]


def test_title_of_a_flow_file_is_recorded_when_the_file_is_read() -> None:
    core = a_core()
    ref = (
        stepped(core, a_start(a_flow(flow_file="x.yml", nodes=()), values={"a": "b"}))
        .appends[0]
        .run
    )
    flow = replace(BUILD, run_name=template_of(template_parts("Run {{ run.id }}")))

    stepped(core, to(ref, FlowRead(flow=flow, digest=digest_of(flow), source="x.yml@1")))

    assert summary_of(core.table.runs[ref]).title == "Run h1-1"


def test_group_is_recorded_with_the_start_or_when_the_flow_file_is_read() -> None:
    core = a_core()
    flow = replace(
        BUILD, max_runs=MaxRuns(limit=1, per=template_of(template_parts("{{ values.a }}")))
    )
    whole = stepped(core, a_start(flow, values={"a": "b"})).appends[0].run
    declared = a_flow(flow_file="x.yml", nodes=(), max_runs=flow.max_runs)

    part = stepped(core, a_start(declared, values={"a": "c"})).appends[0].run
    before = core.table.runs[part].group
    stepped(core, to(part, FlowRead(flow=flow, digest=digest_of(flow), source="x.yml@1")))

    assert core.table.runs[whole].group == "max-runs flow/b"
    assert (before, core.table.runs[part].group) == ("", "max-runs flow/c")


def test_flow_read_late_changes_nothing() -> None:
    core = a_core()
    [run] = begun(core, BUILD)

    word = FlowRead(flow=BUILD, digest=digest_of(BUILD), source="x")
    decided = stepped(core, to(run, word, ticket=1))

    assert (decided.appends, decided.replies[0].changed) == ((), False)


def test_unreadable_flow_file_ends_the_run_bad() -> None:
    core = a_core()
    ref = stepped(core, a_start(a_flow(flow_file="x.yml"))).appends[0].run

    decided = stepped(core, to(ref, FlowUnreadable(why="gone")))

    assert core.table.runs[ref].why == "gone"
    assert decided.effects == (PackArchive(ref),)
    assert core.table.active == 0


def test_draining_host_takes_nothing_until_it_no_longer_drains() -> None:
    core = a_core()
    core.site.draining = True
    [run] = begun(core, BUILD)
    assert (run.phase, core.is_behind) == ("pending", False)

    core.site.draining = False

    assert core.is_behind
    stepped(core)
    assert phases(core, run) == ["active"]


def test_run_waits_until_its_host_has_the_secret() -> None:
    core = a_core()
    node = a_node(secrets=(SecretUse(name=SecretName("NPM_TOKEN")),))
    stepped(core, Incoming(input=SecretNames(names=frozenset())))
    [run] = begun(core, a_flow(node))
    assert phases(core, run) == ["pending"]

    names = frozenset({SecretName("NPM_TOKEN")})
    stepped(core, Incoming(input=SecretNames(names=names)))

    assert phases(core, run) == ["active"]


def test_start_with_a_known_key_is_answered_with_the_first_run() -> None:
    core = a_core()
    first = stepped(core, replace(a_start(once="k"), ticket=1)).replies[0]

    again = stepped(core, replace(a_start(once="k"), ticket=2))

    assert (again.replies[0].run, again.replies[0].changed) == (first.run, False)
    assert (again.appends, again.ledger) == ((), ())


def test_start_with_one_key_twice_in_a_batch_makes_one_run() -> None:
    core = a_core()

    decided = stepped(
        core, replace(a_start(once="k"), ticket=1), replace(a_start(once="k"), ticket=2)
    )

    assert len(core.table.runs) == 1
    assert {reply.run for reply in decided.replies} == set(core.table.runs)


def test_answer_with_a_known_key_is_repeated_and_counts_once() -> None:
    core = a_core()
    [run] = begun(core, a_flow(a_form(), a_node("after", on="task.sign-off.good")))
    word = to(
        run, DataGiven(node=NodeId("sign-off"), values={}, good=True, by="bob"), once="k", ticket=1
    )
    stepped(core, word)

    again = stepped(core, word)

    assert (again.replies[0].changed, again.appends) == (True, ())


def test_answer_to_a_closed_form_changes_nothing_and_reports_it() -> None:
    core = a_core()
    [run] = begun(core, a_flow(a_form()))
    word = DataGiven(node=NodeId("sign-off"), values={}, good=True, by="bob")
    stepped(core, to(run, word))

    again = stepped(core, to(run, word, ticket=1))

    assert (again.replies[0].changed, again.appends) == (False, ())


def test_input_to_a_run_that_is_not_here_is_answered_as_late() -> None:
    decided = stepped(a_core(), to(RunRef(H1, STORE, 9), Cancel(by="bob"), ticket=1))

    assert (decided.replies[0].changed, decided.appends) == (False, ())


def test_packing_twice_changes_nothing() -> None:
    core = a_core()
    [run] = begun(core, BUILD)

    assert stepped(core, to(run, Packed(digests={}))).appends == ()


def test_message_that_cannot_be_written_changes_nothing() -> None:
    core = a_core()
    [run] = begun(core, BUILD)
    before = snapshot(core)
    report = Exited(status=0, outputs={"x": float("nan")})
    bad = Reported(key=the_key(run, "build"), report=report, at=NOW)

    with pytest.raises(ValueError, match="not JSON compliant"):
        stepped(core, a_start(once="k"), to(run, bad))

    assert snapshot(core) == before
