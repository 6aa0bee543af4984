"""A run whose log might not fit in an offer stays where it is."""

from dataclasses import replace

import pytest

from floe.host.inputs import Drain
from tests.make import a_flow, a_form
from tests.make_hosts import carry, phase
from tests.unit.host.peers.test_moves import ANSWER, at_h2, drain, why

TWO_FORMS = a_flow(a_form(), a_form("b", on="task.sign-off.good"), host_tags=("gpu",))


def test_log_is_measured_in_bytes() -> None:
    h1, h2, h3, ref = at_h2(TWO_FORMS)
    h2.step(replace(ANSWER, values={"text": "日" * 3_000_000}), run=ref)

    drain(h2, h1, h3)

    assert phase(h2, ref) == "active"
    assert why(h2, ref) == "has a log that is too long to move"


def test_what_a_run_did_before_it_moved_counts_for_its_next_move(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    h1, h2, h3, ref = at_h2(TWO_FORMS)
    h2.step(replace(ANSWER, values={"text": "a" * 50_000}), run=ref)
    drain(h2, h1, h3)
    carry(h1, h2, h3)
    h2.step(Drain(on=False))
    carry(h1, h2, h3)
    monkeypatch.setattr("floe.host.peers.moves.LOG_BYTES_MAX", 40_000)

    drain(h3, h1, h2)

    assert why(h3, ref) == "has a log that is too long to move"
