"""The removal of ended runs and of flows: what must stay is left out."""

from dataclasses import replace

from floe.host.core import HostCore
from floe.host.inputs import Incoming, Mark, Packed, Prune
from floe.host.rerun_plan import RerunRequest, RerunSource
from floe.model.codec import digest_of
from floe.model.ids import FlowId, RunRef
from floe.model.run import Pruned, Run
from floe.store.base import LedgerWrite
from tests.make import NOW
from tests.make_core import BUILD, a_core, a_start, begun, ended, stepped, to


def a_removal(run: RunRef) -> Pruned:
    return Pruned(key=run.key, flow=FlowId("build"), at=NOW, why="it was old")


def an_archived(core: HostCore) -> Run:
    """A run that has ended and is packed."""
    [run] = begun(core, BUILD)
    ended(core, run)
    stepped(core, to(run, Packed(digests={})))
    return run


def asked(*runs: RunRef, flows: tuple[str, ...] = ()) -> Incoming:
    return Incoming(input=Prune(runs=tuple(map(a_removal, runs)), flows=flows), ticket=1)


def test_an_archived_run_is_removed_with_a_note_of_its_files() -> None:
    core = a_core()
    run = an_archived(core)

    decided = stepped(core, asked(run.ref))

    assert decided.prunes == decided.removals == (a_removal(run.ref),)
    assert decided.ledger == (
        LedgerWrite(kind="sweep", key=run.ref.key, value="build"),
        LedgerWrite(kind="notified", key=run.ref.key, value=None),
        LedgerWrite(kind="late-notes", key=run.ref.key, value=None),
    )
    assert decided.promise
    assert decided.replies[0].removed == (run.ref.key,)


def test_a_row_whose_log_is_gone_with_its_host_is_removed_here_alone() -> None:
    lost = a_removal(RunRef.parse("h2-7@aaaa"))

    decided = stepped(a_core(), Incoming(input=Prune(lost=(lost,)), ticket=1))

    assert decided.prunes == (lost,)
    assert decided.removals == ()


def test_a_run_that_is_not_archived_stays() -> None:
    core = a_core()
    [active] = begun(core, BUILD)

    decided = stepped(core, asked(active.ref))

    assert decided.prunes == ()
    assert decided.replies[0].removed == ()


def test_a_run_that_an_unfinished_run_repeats_stays() -> None:
    core = a_core()
    run = an_archived(core)
    again = RerunSource(
        run=replace(run, phase="packed"), name="h1-1", flow=BUILD, digest="sha256:1"
    )
    start = again.start(RerunRequest(values={}), by="bob", once="")
    stepped(core, Incoming(input=start))

    assert stepped(core, asked(run.ref)).prunes == ()


def again_of(run: Run) -> Incoming:
    """The request to start an archived run again, prepared from its log."""
    old = RerunSource(run=replace(run, phase="packed"), name="h1-1", flow=BUILD, digest="sha256:1")
    return Incoming(input=old.start(RerunRequest(values={}), by="bob", once=""), ticket=1)


def test_a_run_whose_re_run_ended_since_the_removal_was_prepared_stays() -> None:
    core = a_core()
    old = an_archived(core)
    again = stepped(core, again_of(old)).appends[0].run
    ended(core, core.table.runs[again])
    stepped(core, to(core.table.runs[again], Packed(digests={})))

    assert stepped(core, asked(old.ref)).prunes == ()


def test_a_run_whose_re_run_is_removed_can_be_removed() -> None:
    core = a_core()
    old = an_archived(core)
    again = stepped(core, again_of(old)).appends[0].run
    ended(core, core.table.runs[again])
    stepped(core, to(core.table.runs[again], Packed(digests={})))
    stepped(core, asked(again))

    assert stepped(core, asked(old.ref)).prunes == (a_removal(old.ref),)


def test_a_run_that_was_removed_since_its_re_run_was_prepared_is_not_repeated() -> None:
    core = a_core()
    old = an_archived(core)
    again = again_of(old)
    stepped(core, asked(old.ref))

    decided = stepped(core, again)

    assert decided.appends == ()
    assert decided.replies[0].run is None


def test_a_flow_that_a_run_of_this_process_needs_stays() -> None:
    core = a_core()
    stepped(core, a_start(BUILD))

    decided = stepped(core, asked(flows=(digest_of(BUILD), "sha256:old")))

    assert decided.ledger == (LedgerWrite(kind="flow", key="sha256:old", value=None),)


def test_the_removal_of_a_run_that_was_adopted_here_is_reported_further() -> None:
    core = a_core()
    own = an_archived(core)
    other = RunRef.parse("h2-7@aaaa")
    removals = (a_removal(own.ref), a_removal(other))

    decided = stepped(core, Incoming(input=Mark(rows=(), prunes=removals)))

    assert decided.prunes == removals
    assert decided.removals == removals[:1]
    assert [row.key for row in decided.ledger] == [own.ref.key]
