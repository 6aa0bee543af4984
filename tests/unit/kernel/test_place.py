"""Which host takes a pend, and what the others say."""

import pytest

from floe.kernel.place import HOST_STALE_S, Refusals, place
from floe.model.host import HostView
from floe.model.ids import FlowId, HostId, Instant, RunRef
from floe.model.pend import Pend
from floe.model.secret_name import SecretName
from tests.make import H1, NOW, REF, STORE, a_host, a_pend

OTHER = RunRef(H1, STORE, 3)

NPM = SecretName("NPM_TOKEN")


def refusals_of(pend: Pend, *hosts: HostView, **held: RunRef) -> list[tuple[str, ...]]:
    placed = place(pend, hosts, NOW, held)
    assert isinstance(placed, Refusals)
    return list(placed.by_host.values())


def test_host_with_all_tags_takes_the_run() -> None:
    pend = a_pend(host_tags=frozenset({"go"}))

    assert place(pend, [a_host("h1"), a_host("h2", tags=frozenset({"go", "x"}))], NOW, {}) == "h2"


def test_least_loaded_host_takes_the_run() -> None:
    hosts = [a_host("h1", active=8, slots=16), a_host("h2", active=3, slots=4)]

    assert place(a_pend(), hosts, NOW, {}) == "h1"


def test_preferred_host_takes_the_run_however_loaded_it_is() -> None:
    hosts = [a_host("h1"), a_host("h2", active=63)]

    assert place(a_pend(prefers=HostId("h2")), hosts, NOW, {}) == "h2"
    assert place(a_pend(prefers=HostId("h3")), hosts, NOW, {}) == "h1"


def test_run_goes_where_its_secrets_are() -> None:
    pend = a_pend(secrets=frozenset({NPM}))
    hosts = [a_host("h1", secrets=frozenset()), a_host("h2", secrets=frozenset({NPM}))]

    assert place(pend, hosts, NOW, {}) == "h2"


def test_host_that_takes_runs_without_regard_to_secrets_takes_this_one() -> None:
    assert place(a_pend(secrets=frozenset({NPM})), [a_host(secrets=None)], NOW, {}) == "h1"


def test_run_that_is_not_sealed_needs_no_key() -> None:
    assert place(a_pend(), [a_host(lacks_key="no key 9c1f77a0")], NOW, {}) == "h1"


def test_run_that_began_does_not_continue_on_a_host_of_an_older_floe() -> None:
    old, new = a_host("h1", moves=False), a_host("h2")

    assert place(a_pend(), [old, new], NOW, {}) == "h1"
    assert place(a_pend(begun=True), [old, new], NOW, {}) == "h2"
    assert refusals_of(a_pend(begun=True), old) == [
        ("is of an older floe, which does not continue runs",)
    ]


def test_lowest_id_breaks_a_tie() -> None:
    assert place(a_pend(), [a_host("h2"), a_host("h1"), a_host("h3")], NOW, {}) == "h1"


@pytest.mark.parametrize(
    ("pend", "host", "reason"),
    [
        (a_pend(host_tags=frozenset({"go"})), a_host(), "lacks the tag go (it has none)"),
        (a_pend(host_tags=frozenset({"b", "a"})), a_host(), "lacks the tags a, b (it has none)"),
        (
            a_pend(secrets=frozenset({NPM})),
            a_host(secrets=frozenset({SecretName("OTHER")})),
            "has no secret NPM_TOKEN",
        ),
        (
            a_pend(secrets=frozenset({NPM, SecretName("A")})),
            a_host(secrets=frozenset()),
            "has no secrets A, NPM_TOKEN",
        ),
        (
            a_pend(sealed=True),
            a_host(lacks_key="no key 9c1f77a0"),
            "has no key 9c1f77a0",
        ),
        (
            a_pend(only=HostId("h2"), prefers=HostId("h2")),
            a_host(),
            "does not have the workspace that the run takes over: h2 has it",
        ),
        (
            a_pend(only=HostId("h2")),
            a_host(),
            "is not h2, where the run has to run",
        ),
        (
            a_pend(),
            a_host(draining=True),
            "is draining: it finishes its runs and takes no new ones",
        ),
        (a_pend(), a_host(active=64), "has no free slot (64 of 64 runs)"),
        (
            a_pend(),
            a_host(seen_at=Instant(NOW - 14_000)),
            "was not seen for 14 s",
        ),
        (
            a_pend(resource_tags=("host:nic",)),
            a_host(held={"host:nic": OTHER}),
            "cannot use resource host:nic (h1-3 holds it)",
        ),
        (
            a_pend(reuse_space=True),
            a_host(spaces={FlowId("flow"): OTHER}),
            "cannot use the one workspace of flow flow (h1-3 uses it)",
        ),
        (
            a_pend(refused_by=frozenset({H1})),
            a_host(),
            "returned this run and has not changed since",
        ),
        (
            a_pend(refused_by=frozenset({H1}), never_by=frozenset({H1})),
            a_host(),
            "has an older log of this run, as from a backup, and never takes it",
        ),
    ],
)
def test_host_refuses_and_explains_why(pend: Pend, host: HostView, reason: str) -> None:
    assert refusals_of(pend, host) == [(reason,)]


def test_host_that_lacks_a_tag_names_the_first_of_its_own() -> None:
    host = a_host(tags=frozenset("abcdefgh"))

    assert refusals_of(a_pend(host_tags=frozenset({"go"})), host) == [
        ("lacks the tag go (it has a, b, c, d, e, f, …)",)
    ]


def test_problem_of_a_host_keeps_every_run_away_and_is_reported_first() -> None:
    host = a_host(slots=0, problems=("lost its store",))

    assert refusals_of(a_pend(), host) == [("lost its store", "has no free slot (0 of 0 runs)")]


def test_resource_of_the_cluster_is_refused_by_every_host() -> None:
    refusals = refusals_of(a_pend(resource_tags=("nic",)), a_host("h1"), a_host("h2"), nic=OTHER)

    assert refusals == [("cannot use resource nic (h1-3 holds it)",)] * 2


def test_host_gives_all_its_reasons() -> None:
    pend = a_pend(host_tags=frozenset({"go"}))

    assert refusals_of(pend, a_host(active=2, slots=2)) == [
        ("lacks the tag go (it has none)", "has no free slot (2 of 2 runs)")
    ]


def test_host_without_slots_refuses() -> None:
    assert refusals_of(a_pend(), a_host(slots=0)) == [("has no free slot (0 of 0 runs)",)]


def test_refusals_are_in_order_of_hosts() -> None:
    placed = place(a_pend(), [a_host("h2", slots=0), a_host("h1", slots=0)], NOW, {})

    assert isinstance(placed, Refusals)
    assert list(placed.by_host) == [HostId("h1"), HostId("h2")]


def test_no_host_at_all_refuses() -> None:
    assert place(a_pend(), [], NOW, {}) == Refusals(by_host={})


def test_host_seen_just_now_takes_the_run() -> None:
    seen = Instant(NOW - HOST_STALE_S * 1000 + 1)

    assert place(a_pend(), [a_host(seen_at=seen)], NOW, {}) == "h1"


def test_run_does_not_conflict_with_itself() -> None:
    pend = a_pend(resource_tags=("nic", "host:disk"), reuse_space=True)
    host = a_host(held={"host:disk": REF}, spaces={FlowId("flow"): REF})

    assert place(pend, [host], NOW, {"nic": REF}) == "h1"


def test_workspace_of_another_flow_is_no_conflict() -> None:
    host = a_host(spaces={FlowId("other"): OTHER})

    assert place(a_pend(reuse_space=True), [host], NOW, {}) == "h1"


def test_host_scoped_resource_held_on_another_host_is_no_conflict() -> None:
    hosts = [a_host("h1", held={"host:nic": OTHER}), a_host("h2", active=9)]

    assert place(a_pend(resource_tags=("host:nic",)), hosts, NOW, {}) == "h2"
