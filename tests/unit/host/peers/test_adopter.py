"""The adopter's side of the hand-over: offers, cancels and restarts."""

from floe.feed.directory import offered
from floe.host.inputs import Mark
from floe.model.event import RunActivated, RunEnded, RunGranted
from floe.model.ids import HostId
from floe.model.peer_message import EndedStored, Offer, Withdraw
from floe.model.signal import Cancel
from floe.model.summary import summary_of
from tests.make_handover import GPU, two
from tests.make_hosts import a_host_core, carry, later, met, of, phase, read_late


def test_run_goes_to_the_host_that_has_its_tags_and_its_end_comes_back() -> None:
    h1, h2 = two()
    ref = h1.start(GPU)

    carry(h1, h2)
    at_h1 = h1.run(ref)
    h2.ended(ref)
    said = carry(h1, h2)

    assert (at_h1.phase, at_h1.host) == ("active", HostId("h2"))
    assert h1.logs[ref] == h2.logs[ref][:3]
    assert [type(e) for e in h1.events(ref)][1:] == [RunGranted, RunActivated]
    assert isinstance(h2.events(ref)[-1], RunEnded)
    assert (h1.directory[ref.key].state, h1.directory[ref.key].good) == ("archive", True)
    assert ref not in h1.core.table.runs
    assert of(said, EndedStored)
    assert h2.rows("owed") == {}


def test_end_that_a_list_shows_first_is_reported_after_a_restart() -> None:
    h1, h2 = two()
    ref = h1.start(GPU)
    carry(h1, h2)
    h2.ended(ref)
    row = summary_of(h2.run(ref))
    h1.step(Mark(rows=(), appends=(offered(row),), promise=False))
    listed = h1.directory[ref.key].state
    h1.restart()

    loaded = h1.run(ref).phase
    carry(h1, h2)

    assert (listed, loaded) == ("active", "active")
    assert (h1.directory[ref.key].state, h1.directory[ref.key].good) == ("archive", True)


def test_end_of_a_run_whose_key_is_missing_is_kept_for_when_it_is_back() -> None:
    h1, h2 = two()
    ref = h1.start(GPU)
    carry(h1, h2)
    h1.core.table.reload(ref, None)
    h1.core.site.unreadable = {ref: "its key is missing"}
    h2.ended(ref)
    row = summary_of(h2.run(ref))
    h1.step(Mark(rows=(), appends=(offered(row),), promise=False))

    said = carry(h1, h2)
    listed = h1.directory[ref.key].state

    assert of(said, EndedStored) == []
    assert listed == "active"
    assert h2.rows("owed") != {}


def test_offer_that_is_lost_is_sent_again_until_it_is_answered() -> None:
    h1, h2 = two()
    ref = h1.start(GPU)
    carry(h1, h2, lose=lambda e: isinstance(e.message, Offer))

    later(200, h1, h2)
    said = carry(h1, h2)
    later(10_000, h1, h2)
    after = carry(h1, h2)

    assert len(of(said, Offer)) == 1
    assert h1.run(ref).phase == "active"
    assert of(after, Offer) == []


def test_cancel_while_granted_is_answered_by_a_withdrawal() -> None:
    h1, h2 = two()
    ref = h1.start(GPU)
    h1.sent.clear()

    h1.step(Cancel(by="bob"), run=ref)
    withheld = [type(e) for e in h1.events(ref)]
    said = carry(h1, h2)

    assert withheld[-1] is RunGranted
    assert len(of(said, Withdraw)) == 1
    assert h1.run(ref).why == "cancelled by bob"
    assert h2.rows("floor") == {ref.key: 1}


def test_cancel_of_a_run_that_began_elsewhere_reaches_it() -> None:
    h1, h2 = two()
    ref = h1.start(GPU)
    carry(h1, h2)

    h1.step(Cancel(by="bob"), run=ref)
    carry(h1, h2)

    assert h2.run(ref).phase == "ending"


def test_restarted_adopter_offers_again_and_restarted_grantee_reports_the_end_again() -> None:
    h1, h2 = two()
    ref = h1.start(GPU)
    h1.restart()
    met(h1, h2)
    started = h2.run(ref).phase
    h2.ended(ref)

    h2.restart()
    said = carry(*met(h1, h2))
    later(300, h1, h2)
    said += carry(h1, h2)

    assert started == "active"
    assert h1.directory[ref.key].state == "archive"
    assert h2.rows("owed") == {}
    assert ref not in h1.core.table.runs


def test_granted_run_is_offered_again_once_it_can_be_read() -> None:
    h1, h2 = two()
    ref = h1.start(GPU)
    h1.sent.clear()

    read_late(h1, ref, h2)
    later(3000, h1, h2)
    carry(h1, h2)

    assert phase(h2, ref) == "active"


def test_pending_run_is_offered_with_its_log_once_it_can_be_read() -> None:
    h1, h2 = a_host_core("h1"), a_host_core("h2", tags=frozenset({"gpu"}))
    ref = h1.start(GPU)

    read_late(h1, ref)
    carry(*met(h1, h2))

    assert h1.logs[ref] == h2.logs[ref][:3]
    assert phase(h2, ref) == "active"


def test_undo_after_a_run_was_read_keeps_its_log() -> None:
    h1, h2 = a_host_core("h1"), a_host_core("h2", tags=frozenset({"gpu"}))
    ref = h1.start(GPU)
    read_late(h1, ref)

    h1.core.undo(h1.core.step([], h1.now))
    carry(*met(h1, h2))

    assert phase(h2, ref) == "active"
