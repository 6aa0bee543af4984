"""What ended runs owe to people: stored with the end, tried until sent or given up."""

from dataclasses import replace
from typing import Any

import pytest

from floe.expr.template import template_of, template_parts
from floe.host.inputs import Incoming, Start
from floe.host.run_notices import (
    NOTICE_GIVE_UP_S,
    NOTICE_RETRY_S,
    NOTICES,
    NOTIFIED,
    after_try,
    failed_output,
    is_recovery,
    message_of,
    notice_rows,
    without_unwanted,
)
from floe.model.codec import decode
from floe.model.event import RunEnded
from floe.model.flow import Flow
from floe.model.ids import Instant, RunRef, StoreId
from floe.model.notice import NoticeMessage, OwedNotices
from floe.model.run import Run
from floe.model.signal import Cancel, Reported, Stopped
from floe.model.summary import Summary, summary_of
from tests.make import H1, NOW, a_flow, a_form, a_node, a_run, after, an_end, exited, the_key
from tests.make_core import a_core, begun, ended, stepped, to
from tests.make_hosts import carry, two
from tests.make_notices import a_notice, owed_notices
from tests.make_store import a_summary

SLACK = a_notice()
GOOD = a_notice(when=("good",), channel="webhook")
TOLD = a_flow(a_node("build"), an_end(), on_end=(SLACK, GOOD))


def an_ended_run(flow: Flow, status: int = 1, **values: Any) -> Run:
    """A run of a flow whose one command ended."""
    run = a_run(flow, values)
    run = after(run, replace(exited(run, "build", status)))
    assert run.phase == "ended"
    return run


def said(run: Run, text: str = "", **others: Any) -> NoticeMessage:
    """What a notice says about a run."""
    template = template_of(template_parts(text)) if text else None
    made: dict[str, Any] = {
        "number": 0,
        "name": "h1-1",
        "link": "https://ci/app/dash/runs/h1-1",
        "recovered": False,
        "lines": ("last",),
    }
    return message_of(run, summary_of(run), a_notice(text=template), **(made | others))


# --- what is owed ---


def test_notices_are_owed_in_the_step_that_ends_the_run() -> None:
    core = a_core()
    [run] = begun(core, TOLD)

    decided = ended(core, run)

    [row] = [row for row in decided.ledger if row.kind == NOTICES]
    assert any(isinstance(step.record.event, RunEnded) for step in decided.recorded)
    assert decided.promise
    assert decided.notices == (row,)
    assert isinstance(row.value, dict)
    assert [one.notice for one in decode(OwedNotices, row.value).notices] == [SLACK, GOOD]


def test_run_owes_no_notice_about_other_results() -> None:
    core = a_core()
    [run] = begun(core, TOLD)
    stepped(core, to(run, Cancel(by="bob", why="")))

    report = Reported(key=the_key(core.table.runs[run.ref], "build"), report=Stopped(), at=NOW)
    decided = stepped(core, to(run, report))

    assert any(isinstance(step.record.event, RunEnded) for step in decided.recorded)
    assert decided.notices == ()


def test_flow_without_notices_owes_those_of_the_host() -> None:
    core = a_core(on_end=(SLACK,))
    [run] = begun(core, a_flow(a_node("build"), an_end()))

    [row] = ended(core, run).notices

    assert row.key == run.ref.key


def test_host_that_notifies_nobody_owes_nothing() -> None:
    core = a_core(on_end=(SLACK,), notifies=False)
    [run] = begun(core, TOLD)

    assert ended(core, run).notices == ()


def test_host_where_the_run_ended_owes_its_notices_and_no_other() -> None:
    h1, h2 = two()
    ref = h1.start(a_flow(a_node("build"), an_end(), host_tags=("gpu",), on_end=(GOOD,)))
    carry(h1, h2)

    h2.ended(ref)
    carry(h1, h2)

    assert (h1.rows(NOTICES), list(h2.rows(NOTICES))) == ({}, [ref.key])


# --- recoveries ---


def row(serial: int, result: str, ended_at: int) -> Summary:
    return a_summary(
        RunRef(H1, StoreId("k3f9"), serial),
        state="archive",
        phase="packed",
        good=result == "good",
        result=result,
        ended_at=Instant(ended_at),
    )


@pytest.mark.parametrize(
    ("others", "is_one"),
    [
        ([], False),
        ([("bad", 5)], True),
        ([("stalled", 5)], True),
        ([("good", 5)], False),
        ([("bad", 4), ("good", 5)], False),
        ([("good", 4), ("bad", 5)], True),
        ([("bad", 4), ("cancelled", 5), ("rejected", 6)], True),
        ([("bad", 11)], False),
    ],
)
def test_recovery_is_a_good_run_whose_predecessor_was_bad(
    others: list[tuple[str, int]], is_one: bool
) -> None:
    rows = [row(serial, result, at) for serial, (result, at) in enumerate(others, 1)]

    assert is_recovery(row(9, "good", 10), [*rows, row(9, "good", 10)]) is is_one
    assert not is_recovery(row(9, "bad", 10), rows)


def test_notice_of_recoveries_is_dropped_where_there_is_none() -> None:
    notices = owed_notices(SLACK, GOOD)

    kept = without_unwanted(notices, row(1, "good", 1), recovered=False)

    assert [one.notice for one in kept.notices] == [GOOD]
    assert without_unwanted(notices, row(1, "good", 1), recovered=True) == notices


# --- tries ---


def test_sent_notice_leaves_the_owed_ones_and_stays_as_a_record() -> None:
    sent = after_try(owed_notices(), 0, NOW)

    owed, kept = notice_rows("h1-1@k3f9", sent)

    assert (owed.kind, owed.value) == (NOTICES, None)
    assert kept.kind == NOTIFIED
    assert isinstance(kept.value, dict)
    assert decode(OwedNotices, kept.value) == sent


def test_nothing_is_kept_of_a_run_that_notifies_nobody() -> None:
    rows = notice_rows("h1-1@k3f9", OwedNotices(ended_at=NOW, notices=()))

    assert [one.value for one in rows] == [None, None]


def test_failed_try_is_repeated_later_and_later() -> None:
    notices, waits = owed_notices(), []
    for _ in range(len(NOTICE_RETRY_S) + 1):
        notices = after_try(notices, 0, NOW, why="503")
        due = notices.notices[0].due
        assert due is not None
        waits.append((due - NOW) // 1000)

    assert waits == [*NOTICE_RETRY_S, NOTICE_RETRY_S[-1]]
    assert notices.is_open


def test_notice_is_given_up_hours_after_the_end() -> None:
    late = Instant(NOW + NOTICE_GIVE_UP_S * 1000)

    given_up = after_try(owed_notices(), 0, late, why="503")

    assert (given_up.notices[0].state, given_up.notices[0].why) == ("failed", "503")
    assert not given_up.is_open


def test_final_refusal_is_not_repeated() -> None:
    refused = after_try(owed_notices(SLACK, GOOD), 1, NOW, why="404", is_final=True)

    assert [one.state for one in refused.notices] == ["owed", "failed"]


# --- what is said ---


def test_message_shows_what_happened_and_has_the_same_id_at_each_try() -> None:
    run = an_ended_run(a_flow(a_node("build", name="Unit Tests"), name="Build"), branch="main")

    message = said(run)

    assert message == said(run)
    assert message.id == f"{run.ref.key}/1"
    assert (message.flow, message.title, message.result) == ("Build", "main", "bad")
    assert message.why == "Unit Tests failed: exit status 1"
    assert (message.lines, message.text) == (("last",), "")


def test_text_names_the_run_and_its_values_and_no_secret() -> None:
    run = an_ended_run(a_flow(a_node("build")), branch="main", token="t0p")
    text = (
        "{{ run.result }} {{ run.title }} {{ values.branch }} {{ values.token }} {{ run.link }} "
        "{{ run.lines }} {{ task.build.status }} {{ values.nope }} https://u:pw@host/x"
    )

    assert said(run, text).text == (
        "bad main main *** https://ci/app/dash/runs/h1-1 last 1 … https://***@host/x"
    )


def test_output_of_the_node_that_failed_is_quoted() -> None:
    printed = a_run(a_flow(a_node("build")))
    report = exited(printed, "build", 1)
    printed = after(printed, replace(report, report=replace(report.report, output_bytes=5)))
    silent = an_ended_run(a_flow(a_node("build")))
    good = an_ended_run(a_flow(a_node("build"), an_end()), 0)

    assert failed_output(printed) == the_key(printed, "build")
    assert (failed_output(silent), failed_output(good)) == (None, None)


def test_run_whose_flow_is_gone_is_reported_by_its_id() -> None:
    run = replace(an_ended_run(a_flow(a_node("build"))), flow=None)

    assert (said(run, "text").flow, said(run, "text").text) == ("flow", "")
    assert failed_output(run) is None


def test_cancel_of_a_run_with_a_form_owes_the_notices_of_cancelled_runs() -> None:
    cancelled = a_notice(when=("cancelled",))
    core = a_core()
    flow = a_flow(a_form(), on_end=(SLACK, cancelled))
    [run] = begun(core, flow)

    [owed] = stepped(core, to(run, Cancel(by="bob", why=""))).notices

    assert isinstance(owed.value, dict)
    assert [one.notice for one in decode(OwedNotices, owed.value).notices] == [cancelled]


def test_pending_run_that_is_cancelled_owes_them_too() -> None:
    core = a_core()
    flow = a_flow(a_node("build"), host_tags=("gpu",), on_end=(a_notice(when=("cancelled",)),))
    start = Start(flow=flow, digest="sha256:x", trigger=flow.triggers[0].id, values={}, by="al")
    ref = stepped(core, Incoming(input=start)).appends[0].run

    [owed] = stepped(core, Incoming(input=Cancel(by="bob", why=""), run=ref)).notices

    assert owed.key == ref.key
