"""Runs that are lost with their hosts are over, and no others are."""

from dataclasses import replace

import pytest

from floe.host.inputs import Forget, Incoming, Mark
from floe.host.peers.forgotten_stores import ForgottenStore
from floe.host.peers.lost import as_lost
from floe.model.ids import HostId, Instant, StoreId
from floe.model.summary import Summary
from floe.store.base import Append
from tests.make_hosts import Host, a_host_core, carry, later, met
from tests.make_store import a_row, a_run, a_summary

H2, H3 = HostId("h2"), HostId("h3")
RUN = a_run(5, host="h2", store="aaaa")
"""Adopted by h2@aaaa."""


def a_row_of_h2(**fields: object) -> Summary:
    return a_summary(RUN, **{"epoch": 1, "seq": 7, **fields})


def at(host: HostId, store: str, state: str = "active", phase: str = "active") -> Summary:
    return a_row_of_h2(state=state, phase=phase, host=host, store=StoreId(store))


PENDED = a_row_of_h2()
AT_HOME = at(H2, "aaaa")
GRANTED = at(H3, "bbbb", "pending", "granted")
AT_H3 = at(H3, "bbbb")

H2_GONE = {"h2@aaaa": ForgottenStore(at=Instant(30))}
H3_GONE = {"h3@bbbb": ForgottenStore(at=Instant(20))}
BOTH_GONE = H2_GONE | H3_GONE


@pytest.mark.parametrize(
    ("row", "forgotten", "why"),
    [
        (PENDED, H2_GONE, "host h2 was forgotten"),
        (AT_HOME, H2_GONE, "host h2 was forgotten"),
        (replace(AT_HOME, phase="ending"), H2_GONE, "host h2 was forgotten"),
        (GRANTED, H2_GONE, "host h2 was forgotten before h3 reported that it has this run"),
        (GRANTED, BOTH_GONE, "host h2 was forgotten"),
        (AT_H3, BOTH_GONE, "host h3 was forgotten"),
    ],
    ids=["pended", "at home", "ending", "granted", "granted to a forgotten one", "elsewhere"],
)
def test_run_that_nobody_is_left_to_go_on_with_is_over(
    row: Summary, forgotten: dict[str, ForgottenStore], why: str
) -> None:
    lost = as_lost(row, forgotten)

    assert (lost.state, lost.phase, lost.good, lost.why) == ("archive", "ended", False, why)
    assert (lost.epoch, lost.seq, lost.ended_at) == (1, 7, 30)


@pytest.mark.parametrize(
    ("row", "forgotten"),
    [
        (AT_H3, H2_GONE),
        (AT_H3, H3_GONE),
        (GRANTED, H3_GONE),
        (at(H3, "cccc"), BOTH_GONE),
        (replace(AT_H3, store=None), BOTH_GONE),
        (at(H2, "aaaa", "archive", "packed"), H2_GONE),
        (PENDED, {"h2@dddd": ForgottenStore(at=Instant(30))}),
    ],
    ids=[
        "goes on where it is",
        "its adopter decides",
        "its adopter grants it again",
        "at another store of that name",
        "at a store that is not known",
        "over",
        "of another store of that name",
    ],
)
def test_run_that_somebody_is_left_for_stays_as_it_is(
    row: Summary, forgotten: dict[str, ForgottenStore]
) -> None:
    assert as_lost(row, forgotten) == row


def test_log_of_a_run_that_never_began_is_with_its_adopter() -> None:
    lost = as_lost(GRANTED, H2_GONE)

    assert (lost.host, lost.store) == (None, None)


# As hosts hear it


def forgetful() -> Host:
    """h1, where h2 was forgotten."""
    h1, _ = met(a_host_core("h1"), a_host_core("h2", "aaaa"))
    h1.step(Forget(host=H2, force=True))
    return h1


def heard(host: Host, *rows: Append) -> list[str]:
    """What the lists of a host say of rows that it hears."""
    word = Incoming(input=Mark(rows=(), appends=rows, promise=False))
    decided = host.core.step([word], host.now)
    return [append.summary.why for append in decided.appends if append.summary]


def test_row_that_is_received_after_the_forget_is_that_of_a_lost_run() -> None:
    assert heard(forgetful(), a_row(RUN)) == ["host h2 was forgotten"]


def test_row_that_is_received_in_the_step_of_the_forget_is_that_of_a_lost_run() -> None:
    h1, _ = met(a_host_core("h1"), a_host_core("h2", "aaaa"))

    decided = h1.step(
        Forget(host=H2, force=True), Mark(rows=(), appends=(a_row(RUN),), promise=False)
    )

    [row] = [append.summary for append in decided.appends]
    assert row is not None
    assert (row.state, row.why) == ("archive", "host h2 was forgotten")


def test_run_that_came_with_a_backup_is_left_to_the_operator() -> None:
    copy = a_host_core("h2", "aaaa", peers=1)
    ref = copy.start()
    copy.store = StoreId("bbbb")
    copy.restart()
    copy.step(Forget(host=H2, store=ref.store, force=True))

    assert heard(copy, a_row(ref, why="held")) == ["held"]


def test_host_that_was_forgotten_is_so_since_the_same_instant_everywhere() -> None:
    h1, h2, h3 = met(a_host_core("h1"), a_host_core("h2"), a_host_core("h3"))
    h1.step(Forget(host=H2, store=h2.store, force=True))
    said_at = h1.now

    later(3000, h1, h3)
    carry(h1, h3)

    gone = {"at": said_at, "expected": 1}
    assert (h1.rows("forgotten"), h3.rows("forgotten")) == ({"h2@h2st0": gone},) * 2


def test_host_that_is_forgotten_once_more_is_so_since_the_first_time() -> None:
    h1, h2 = met(a_host_core("h1"), a_host_core("h2"))
    h1.step(Forget(host=H2, store=h2.store, force=True))
    said_at = h1.now
    h1.observe(expected=2)

    later(3000, h1)
    h1.step(Forget(host=H2, store=h2.store, force=True))

    assert h1.rows("forgotten") == {"h2@h2st0": {"at": said_at, "expected": 2}}
