"""Logs recorded by an earlier kernel: each folds to the same state and is decided as before."""

import pytest

from floe.model.codec import digest_of
from tests.logs import Log, canonical, cut_of, decided, flows, logs, shape_of, states

LOGS = logs()


def test_corpus_has_at_least_two_hundred_logs() -> None:
    assert len(LOGS) >= 200


def test_flows_keep_their_digests() -> None:
    assert {digest: digest_of(flow) for digest, flow in flows().items()} == {d: d for d in flows()}


@pytest.mark.parametrize("log", LOGS, ids=lambda log: f"{log.name}-{log.ref.key}")
def test_log_folds_to_the_recorded_state(log: Log) -> None:
    *_, last = states(log, flows())

    assert canonical(shape_of(last)) == log.state


@pytest.mark.parametrize("log", LOGS, ids=lambda log: f"{log.name}-{log.ref.key}")
def test_log_that_is_cut_at_each_event_is_decided_as_before(log: Log) -> None:
    assert tuple(map(cut_of, states(log, flows()))) == log.cuts


@pytest.mark.parametrize("log", LOGS, ids=lambda log: f"{log.name}-{log.ref.key}")
def test_recorded_signals_bring_about_the_recorded_events(log: Log) -> None:
    runs = tuple(states(log, flows()))

    for signal in log.continuations:
        events = decided(runs[signal.after - 1], signal.signal, signal.now)
        assert events == log.events[signal.after : signal.after + signal.brings]
