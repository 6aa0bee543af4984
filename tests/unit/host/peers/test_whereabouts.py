"""Which host has the log of a run, as far as the lists of a host know."""

from typing import Any

import pytest

from floe.host.peers.forgotten_stores import ForgottenStore
from floe.host.peers.whereabouts import log_host
from floe.model.ids import HostId, Instant, StoreId
from floe.model.summary import Summary
from tests.make_store import a_run, a_summary

H1, H2, H3 = HostId("h1"), HostId("h2"), HostId("h3")
REF = a_run(host="h2", store="aaaa")
GONE = ForgottenStore(at=Instant(0))


def a_row(state: str, **fields: Any) -> Summary:
    """The row of a run that h2 adopted and h3 got."""
    return a_summary(REF, state=state, host=H3, store=StoreId("bbbb"), **fields)


def test_log_of_an_unknown_run_is_at_its_adopter() -> None:
    assert log_host(REF, None, {H2}, {}) == H2


def test_unknown_run_of_an_unknown_host_is_nowhere() -> None:
    assert log_host(REF, None, {H1}, {}) is None


def test_unknown_run_of_a_forgotten_store_is_nowhere() -> None:
    assert log_host(REF, None, {H2}, {"h2@aaaa": GONE}) is None


def test_log_of_a_pending_run_is_at_its_adopter() -> None:
    assert log_host(REF, a_row("pending"), {H2, H3}, {}) == H2


@pytest.mark.parametrize("state", ["active", "archive"])
def test_log_of_a_started_run_is_at_its_grantee(state: str) -> None:
    assert log_host(REF, a_row(state), {H2, H3}, {}) == H3


def test_active_run_of_a_forgotten_grantee_is_at_its_adopter() -> None:
    assert log_host(REF, a_row("active"), {H2}, {"h3@bbbb": GONE}) == H2


def test_archived_run_of_a_forgotten_grantee_stays_there() -> None:
    assert log_host(REF, a_row("archive"), {H2}, {"h3@bbbb": GONE}) == H3
