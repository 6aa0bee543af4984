"""Rows of runs whose flow is of a dialect that adds a label and facets."""

from dataclasses import replace

from floe.host.rows import reader_of, row_of
from floe.host.runs import is_row_changed
from floe.model.codec import decode, encode
from floe.model.flow import Flow
from floe.model.ids import Instant
from floe.model.passes import Passes
from floe.model.peer_message import Ended
from floe.model.summary import Summary, summary_of
from tests.make import (
    NOW,
    a_pending_run,
    a_run,
    after,
    attached,
    exited,
    started,
)
from tests.make_core import BUILD, a_core, a_start, begun, ended, stepped, to
from tests.make_handover import GPU, two
from tests.make_hosts import carry, of
from tests.readers import READERS, SmallReader, of_small

SMALL = of_small(BUILD)


def row(flow: Flow = SMALL, **values: str) -> Summary:
    run = a_run(flow, dict(values))
    return row_of(run, reader_of(run, READERS))


def texts(row: Summary) -> list[str]:
    return [f"{one.row} {one.kind}:{one.key}" for one in row.facets]


def test_row_has_the_label_and_the_facets_of_its_dialect() -> None:
    found = row(env="prod")

    assert found.label == "1 OPEN"
    assert texts(found) == ["1 phase:entered", "1 step:build", "0 tag:env=prod"]


def test_row_of_a_run_of_floe_is_the_summary() -> None:
    run = a_run(BUILD, {"env": "prod"})

    assert reader_of(run, READERS) is None
    assert row_of(run, None) == summary_of(run)
    assert (summary_of(run).label, summary_of(run).facets) == ("", ())


def test_row_of_a_run_whose_flow_is_not_read_has_no_facets() -> None:
    assert reader_of(attached(a_pending_run(), None), READERS) is None


def test_row_of_a_dialect_that_this_host_lacks_has_no_facets() -> None:
    assert reader_of(a_run(replace(SMALL, dialect="newer")), READERS) is None


def test_active_at_is_that_of_the_last_work() -> None:
    run = a_run(SMALL)
    later = Instant(NOW + 5_000)

    run = after(run, started(run, "build", at=later), now=later)

    assert row_of(run, READERS["small"]).active_at == later


def test_active_at_of_a_run_of_floe_changes_with_its_list_alone() -> None:
    run = a_run(BUILD)
    later = Instant(NOW + 5_000)

    run = after(run, started(run, "build", at=later), now=later)

    assert summary_of(run).active_at == NOW
    assert summary_of(after(run, exited(run, "build"), now=later)).active_at == later


def test_event_that_its_dialect_names_writes_the_row_of_a_run() -> None:
    core = a_core(row_readers=READERS)
    small, floe = begun(core, SMALL, BUILD)

    rows = [stepped(core, to(run, started(run, "build"))).appends[0] for run in (small, floe)]

    assert [bool(append.summary) for append in rows] == [True, False]
    assert rows[0].summary
    assert "1 phase:started" in texts(rows[0].summary)


def test_event_that_its_dialect_does_not_name_writes_no_row() -> None:
    core = a_core(row_readers={"small": Silent()})
    (run,) = begun(core, SMALL)

    (append,) = stepped(core, to(run, started(run, "build"))).appends

    assert append.summary is None


def test_row_of_an_ended_run_keeps_its_facets() -> None:
    core = a_core(row_readers=READERS)
    (run,) = begun(core, SMALL)

    (append,) = ended(core, run).appends

    assert append.summary
    assert append.summary.label == "DONE"
    assert "1 phase:settled" in texts(append.summary)


def test_end_that_a_grantee_reports_has_the_facets() -> None:
    h1, h2 = two(row_readers=READERS)
    ref = h1.start(of_small(GPU))
    carry(h1, h2)
    h2.ended(ref)

    (message, *_) = of(carry(h1, h2), Ended)

    assert "1 step:build" in texts(message.row)
    assert h1.directory[ref.key].facets == message.row.facets


def test_row_with_facets_crosses_to_other_hosts_unchanged() -> None:
    found = row(env="prod")

    assert decode(Summary, encode(found)) == found


def test_row_of_an_older_host_has_no_facets() -> None:
    shape = encode(summary_of(a_run()))
    older = {name: value for name, value in shape.items() if name not in NEW}

    found = decode(Summary, older)

    assert (found.label, found.active_at, found.due, found.edition, found.facets) == (
        "", None, None, 0, (),
    )  # fmt: skip


NEW = {"label", "active_at", "due", "edition", "facets"}


class Silent(SmallReader):
    """A dialect of which no event changes the row."""

    def is_row_changed(self, event: object) -> bool:
        """Never."""
        return False


def test_values_of_a_row_are_read_when_it_is_pended() -> None:
    core = a_core(row_readers=READERS)

    (append,) = stepped(core, a_start(SMALL, values={"env": "prod"})).appends

    assert append.summary
    assert "0 tag:env=prod" in texts(append.summary)


def test_row_of_a_resting_run_has_its_verdict_and_when_it_goes_on() -> None:
    due = Instant(NOW + 60_000)
    works = replace(a_run(SMALL), passes=Passes(number=1))
    rests = replace(works, phase="resting", passes=Passes(number=1, verdict="BLOCKED", due=due))

    row = summary_of(rests)

    assert (row.state, row.label, row.due) == ("active", "BLOCKED", due)
    assert summary_of(replace(rests, phase="active")).due is None


def test_new_verdict_of_a_resting_run_changes_its_row() -> None:
    rests = replace(a_run(SMALL), phase="resting", passes=Passes(verdict="BLOCKED"))

    sooner = replace(rests, passes=Passes(verdict="BLOCKED", due=NOW))

    assert is_row_changed(rests, sooner)
    assert not is_row_changed(sooner, sooner)
