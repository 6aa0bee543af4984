"""A store is forgotten: by an operator at one host, and then at every host."""

import pytest

from floe.feed.directory import offered
from floe.host.inputs import Forget, Mark, Packed
from floe.host.peers.members import FORGOTTEN
from floe.model.event import GrantRevoked, GrantSuperseded, RunEnded
from floe.model.ids import HostId
from floe.model.peer_message import Accepted, Forgotten, Offer, Refused
from floe.model.signal import Cancel
from floe.model.summary import summary_of
from tests.make import exited
from tests.make_hosts import GPU, GPU_AGAIN, H2, a_host_core, carry, forget, later, met, of, two


def test_host_that_was_seen_just_now_is_forgotten_by_force_alone() -> None:
    h1, h2 = two()

    refused = forget(h1, h2, force=False)
    known = H2 in h1.core.members
    taken = forget(h1, h2)

    assert refused == "h2 was seen 0 s ago; --force forgets it all the same"
    assert known
    assert (taken, H2 in h1.core.members) == ("", False)
    assert h1.rows("forgotten") == {"h2@h2st0": {"at": h1.now, "expected": 1}}


@pytest.mark.parametrize(
    ("word", "why"),
    [
        (Forget(host=HostId("h1")), "a host does not forget itself; drain it, or stop it"),
        (Forget(host=HostId("h9")), "this host knows no host h9; floe hosts lists them"),
    ],
)
def test_forget_that_is_refused_gives_the_reason(word: Forget, why: str) -> None:
    h1, _ = two()

    [reply] = h1.step(word, ticket=1).replies

    assert (reply.changed, reply.why) == (False, why)


def test_run_of_a_forgotten_host_ends_bad() -> None:
    h1, h2 = two()
    ref = h1.start(GPU)
    carry(h1, h2)

    forget(h1, h2)

    assert isinstance(h1.events(ref)[3], GrantRevoked)
    assert (h1.run(ref).phase, h1.run(ref).why) == ("ended", "lost with host h2")


def test_run_that_restarts_begins_again_elsewhere_and_its_old_branch_is_left() -> None:
    h1, h2 = two()
    ref = h1.start(GPU_AGAIN)
    carry(h1, h2)
    forget(h1, h2)
    h3 = a_host_core("h3", tags=frozenset({"gpu"}))
    met(h1, h3)
    carry(h1, h3)
    h2.step()
    later(3000, h2)

    said = carry(h1, h2)
    stopping = h2.run(ref)
    h2.step(exited(stopping, "build"), run=ref)

    assert of(said, Forgotten)
    assert (h1.run(ref).host, h1.run(ref).epoch) == (HostId("h3"), 3)
    assert isinstance(h2.events(ref)[-1], RunEnded)
    assert any(isinstance(e, GrantSuperseded) for e in h2.events(ref))
    assert h2.rows("owed") == {}
    assert h3.logs[ref][: len(h1.logs[ref])] == h1.logs[ref]


def test_end_that_only_the_lists_of_a_forgotten_host_show_is_no_end_for_the_adopter() -> None:
    h1, h2 = two()
    h3, _ = met(a_host_core("h3"), h2)
    ref = h1.start(GPU_AGAIN)
    carry(h1, h2)
    forget(h3, h2)
    later(2000, h3)
    carry(h3, h2)
    h2.step(exited(h2.run(ref), "build"), run=ref)
    row = summary_of(h2.run(ref))
    h1.step(Mark(rows=(), appends=(offered(row),), promise=False))
    h1.restart()

    forget(h1, h2)

    assert row.state == "archive"
    assert (h1.run(ref).phase, h1.run(ref).revoked) == ("pending", 1)


def test_grant_that_was_never_answered_is_revoked_and_a_cancel_of_it_counts() -> None:
    h1, h2 = two()
    ref = h1.start(GPU_AGAIN)
    h1.step(Cancel(by="bob"), run=ref)

    forget(h1, h2)

    assert h1.run(ref).why == "cancelled by bob"
    assert h1.rows("withdraw") == {}


def test_host_that_was_forgotten_does_not_refuse_what_it_has_begun() -> None:
    h1, h2 = two()
    h3, _ = met(a_host_core("h3"), h2)
    ref = h1.start(GPU)
    offer = next(e for e in h1.sent if isinstance(e.message, Offer))
    carry(h1, h2, lose=lambda e: isinstance(e.message, Accepted))
    forget(h3, h2)
    later(2000, h3)
    carry(h3, h2)
    h2.step(exited(h2.run(ref), "build"), run=ref)
    h2.step(Packed(digests={}), run=ref)

    said = h2.hear(offer).messages

    assert any(isinstance(e, GrantSuperseded) for e in h2.events(ref))
    assert not of([e.message for e in said], Refused)


def test_forget_is_carried_to_every_host() -> None:
    h1, h2 = two()
    h3 = a_host_core("h3", tags=frozenset({"gpu"}), peers=2)
    met(h1, h2, h3)
    ref = h3.start(GPU)
    carry(h1, h2, h3, lose=lambda e: e.to_host == HostId("h3"))
    forget(h1, h2)

    carry(h1, h3)
    later(100, h1, h3)
    carry(h1, h3)

    assert list(h3.rows("forgotten")) == ["h2@h2st0"]
    assert ref not in h2.core.table.runs or h3.run(ref).host != H2


def test_end_owed_to_a_forgotten_adopter_is_dropped() -> None:
    h1, h2 = two()
    ref = h1.start(GPU)
    carry(h1, h2)
    h2.ended(ref)
    h2.sent.clear()

    forget(h2, h1)
    later(10_000, h2)

    assert h2.rows("owed") == {}
    assert not [e for e in h2.sent if e.to_host == HostId("h1")]


def test_run_that_is_started_at_a_forgotten_host_has_a_dead_end() -> None:
    h1, h2 = two()
    assert h2.core.cluster is not None
    before = h2.core.cluster.members.dead_ends()
    forget(h1, h2)
    later(2000, h1)

    carry(h1, h2)

    assert (before, h2.core.cluster.members.dead_ends()) == ([], [FORGOTTEN])
