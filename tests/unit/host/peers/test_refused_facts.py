"""Events of a run at a peer that do not continue its log here are refused, whole, with a reason."""

import json
from dataclasses import replace

import pytest

from floe.host.peers.facts import fact_of
from floe.model.ids import RunRef
from floe.model.peer_message import Fact, Rested, Returned
from tests.make_hosts import Host, phase
from tests.unit.host.peers.test_moves import at_h2
from tests.unit.host.peers.test_moves_upgrade import tell

RETURNED = {"at": 1, "epoch": 1}


def next_fact(host: Host, ref: RunRef, event: str, body: dict[str, object], more: int = 1) -> Fact:
    """A fact some events after the last one that a host has."""
    seq = host.run(ref).seq + more
    return Fact(epoch=1, seq=seq, event=event, body=json.dumps(body))


def kept(host: Host, ref: RunRef) -> tuple[str, int]:
    """The phase of a run, and the number of its events."""
    return phase(host, ref), len(host.logs[ref])


@pytest.mark.parametrize(
    ("event", "body", "more"),
    [
        ("NodeGrown", {"at": 1}, 1),
        ("RunReturned", RETURNED, 1),
        ("RunActivated", {"at": 1, "host": "h3", "epoch": 7, "workspace": ""}, 1),
        ("RunActivated", {"at": 1, "host": "h3", "epoch": 1, "workspace": ""}, 1),
        ("CancelAsked", {"at": 1, "by": "bob"}, 2),
    ],
)
def test_rested_with_events_that_do_not_fit_changes_nothing(
    event: str, body: dict[str, object], more: int
) -> None:
    h1, h2, _, ref = at_h2()
    before = kept(h1, ref)
    fact = next_fact(h1, ref, event, body, more)

    decided = tell(h2, h1, Rested(run=ref.key, epoch=1, facts=(fact,)))

    assert kept(h1, ref) == before
    assert (len(decided.refused), decided.messages) == (1, ())


@pytest.mark.parametrize("kind", ["NodeEntered", "DataAsked"])
def test_event_of_a_node_that_the_flow_lacks_is_refused(kind: str) -> None:
    h1, h2, _, ref = at_h2()
    facts = [fact_of(record) for record in h2.logs[ref]]
    body = next(json.loads(fact.body) for fact in facts if fact.event == kind)
    fact = next_fact(h1, ref, kind, {**body, "node": "nosuch"})
    before = kept(h1, ref)

    decided = tell(h2, h1, Rested(run=ref.key, epoch=1, facts=(fact,)))

    assert kept(h1, ref) == before
    assert (len(decided.refused), decided.messages) == (1, ())


def test_good_events_before_one_that_does_not_fold_are_not_kept() -> None:
    h1, h2, _, ref = at_h2()
    facts = tuple(fact_of(record) for record in h2.logs[ref])[h1.run(ref).seq :]
    last = replace(fact_of(h1.logs[ref][0]), epoch=1, seq=facts[-1].seq + 1)
    before = kept(h1, ref)

    decided = tell(h2, h1, Rested(run=ref.key, epoch=1, facts=(*facts, last)))

    assert (len(facts) > 0, kept(h1, ref)) == (True, before)
    assert "a run begins once" in decided.refused[0]


def test_returned_without_a_return_is_refused() -> None:
    h1, h2, _, ref = at_h2()
    facts = tuple(fact_of(record) for record in h2.logs[ref])

    decided = tell(h2, h1, Returned(run=ref.key, epoch=1, facts=facts))

    assert phase(h1, ref) == "active"
    assert (len(decided.refused), decided.messages) == (1, ())


def test_returned_with_nothing_is_refused() -> None:
    h1, h2, _, ref = at_h2()

    decided = tell(h2, h1, Returned(run=ref.key, epoch=1, facts=()))

    assert (len(decided.refused), decided.messages) == (1, ())
