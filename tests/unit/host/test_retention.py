"""The rule that says which ended runs and workspaces go."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final

from hypothesis import given
from hypothesis import strategies as st

from floe.host.retention import LOOK_S, EndedRun, Expiry, KeepShare, Retention, Wanted, batches
from floe.model.ids import FlowId, Instant
from floe.model.keep import Keep
from floe.model.result import RunResult
from tests.make import NOW

HOUR_MS: Final = 3_600_000
FLOWS: Final = ("build", "deploy")
NO_FLOWS: Final[Mapping[FlowId, Keep]] = {}


def an_ended(number: int = 1, *, hours: float = 2, **fields: object) -> EndedRun:
    """A good run that ended some hours ago."""
    run = EndedRun(
        epoch=1,
        key=f"h1-{number}@k3f9",
        flow=FlowId("build"),
        result="good",
        ended_at=Instant(int(NOW - hours * HOUR_MS)),
    )
    return replace(run, **fields)  # type: ignore[arg-type]  # names are checked by replace


def expired(
    runs: Iterable[EndedRun],
    host: Keep,
    flows: Mapping[FlowId, Keep] = NO_FLOWS,
    shares: tuple[KeepShare, ...] = (),
) -> dict[str, Expiry]:
    """What retention takes of runs, from the newest on: the verdicts by key, also on workspaces."""
    rule = Retention(NOW, host, flows, shares)
    verdicts = {run.key: rule.judge(run) for run in runs}
    return {key: verdict for key, verdict in verdicts.items() if any(verdict)}


def gone(runs: list[EndedRun], host: Keep, flow: Keep | None = None) -> list[str]:
    flows = {FlowId("build"): flow} if flow else {}
    found = expired(runs, host, flows)
    return [key.partition("@")[0] for key, verdict in found.items() if verdict.run]


def spaces_gone(runs: list[EndedRun], host: Keep) -> list[str]:
    found = expired(runs, host)
    return [key.partition("@")[0] for key, verdict in found.items() if verdict.space]


def test_the_newest_runs_of_a_flow_stay() -> None:
    runs = [an_ended(3), an_ended(2), an_ended(1)]

    assert gone(runs, Keep(runs=2)) == ["h1-1"]


def test_runs_are_counted_for_each_flow() -> None:
    runs = [an_ended(3), an_ended(2, flow=FlowId("deploy")), an_ended(1)]

    assert gone(runs, Keep(runs=2)) == []


def test_a_run_goes_after_its_days() -> None:
    runs = [an_ended(2, hours=23), an_ended(1, hours=25)]

    assert gone(runs, Keep(age_s=86_400)) == ["h1-1"]


def test_the_oldest_runs_go_where_a_flow_exceeds_its_bytes() -> None:
    runs = [an_ended(3, bytes=60), an_ended(2, bytes=40), an_ended(1, bytes=1)]

    assert gone(runs, Keep(), Keep(bytes=100)) == ["h1-1"]


def test_the_bytes_of_a_host_are_those_of_all_flows() -> None:
    runs = [an_ended(2, bytes=60), an_ended(1, flow=FlowId("deploy"), bytes=60)]

    assert gone(runs, Keep(bytes=100)) == ["h1-1"]


def test_a_limit_of_the_flow_replaces_that_of_the_host() -> None:
    runs = [an_ended(3), an_ended(2), an_ended(1)]

    assert gone(runs, Keep(runs=1), Keep(runs=2)) == ["h1-1"]


def test_zero_is_no_limit() -> None:
    runs = [an_ended(2, bytes=9), an_ended(1, hours=9_999, bytes=9)]

    assert gone(runs, Keep(runs=1, age_s=1), Keep(runs=0, age_s=0, bytes=0)) == []


def test_a_run_that_a_rerun_shows_stays() -> None:
    runs = [an_ended(2), an_ended(1, is_shown=True)]

    assert gone(runs, Keep(runs=1)) == []


def test_a_workspace_stays_for_an_hour() -> None:
    runs = [an_ended(1, hours=0.9, space_bytes=5)]

    assert spaces_gone(runs, Keep(workspaces="none")) == []


def test_workspaces_of_good_runs_go() -> None:
    runs = [an_ended(2, space_bytes=5), an_ended(1, space_bytes=5, result="bad")]

    assert spaces_gone(runs, Keep(workspaces="failed")) == ["h1-2"]


def test_all_workspaces_go() -> None:
    runs = [an_ended(2, space_bytes=5), an_ended(1, space_bytes=5, result="bad")]

    assert spaces_gone(runs, Keep(workspaces="none")) == ["h1-2", "h1-1"]


def test_a_workspace_that_a_rerun_may_still_take_stays_with_its_run() -> None:
    runs = [an_ended(1, space_bytes=5, is_moving=True)]

    assert expired(runs, Keep(runs=0, age_s=1, bytes=1, workspaces="none")) == {}


def test_a_workspace_goes_before_its_run_where_bytes_are_exceeded() -> None:
    runs = [an_ended(2, bytes=10, space_bytes=80), an_ended(1, bytes=10, space_bytes=80)]

    assert gone(runs, Keep(bytes=100)) == []
    assert spaces_gone(runs, Keep(bytes=100)) == ["h1-1"]


def test_the_reason_names_the_limit() -> None:
    found = expired([an_ended(2), an_ended(1)], Keep(runs=1))

    assert found["h1-1@k3f9"].run == "only the newest run of build is kept (keep: runs)"


RESULTS: st.SearchStrategy[RunResult] = st.sampled_from(["good", "bad", "cancelled"])
LIMITS = st.none() | st.integers(0, 5)
KEEPS = st.builds(
    Keep,
    runs=LIMITS,
    age_s=st.none() | st.integers(0, 20 * 3600),
    bytes=st.none() | st.integers(0, 100),
    workspaces=st.sampled_from([None, "all", "failed", "none"]),
)
ENDED = st.lists(
    st.builds(
        EndedRun,
        key=st.just(""),
        flow=st.sampled_from(FLOWS).map(FlowId),
        result=RESULTS,
        ended_at=st.integers(NOW - 30 * HOUR_MS, NOW).map(Instant),
        bytes=st.integers(0, 30),
        space_bytes=st.none() | st.integers(0, 30),
        is_shown=st.booleans(),
        is_moving=st.booleans(),
    ),
    max_size=12,
).map(lambda runs: [replace(run, key=f"h1-{n}@k3f9") for n, run in enumerate(runs)])
FLOW_KEEPS = st.dictionaries(st.sampled_from(FLOWS).map(FlowId), KEEPS)


@given(runs=ENDED, host=KEEPS, flows=FLOW_KEEPS)
def test_no_run_goes_that_is_shown_or_may_give_its_workspace_away(
    runs: list[EndedRun], host: Keep, flows: dict[FlowId, Keep]
) -> None:
    found = expired(runs, host, flows)

    assert not [r for r in runs if r.is_shown and r.key in found and found[r.key].run]
    assert not [r for r in runs if r.is_moving and r.key in found]


@given(runs=ENDED, host=KEEPS, flows=FLOW_KEEPS)
def test_what_stays_is_within_the_limits(
    runs: list[EndedRun], host: Keep, flows: dict[FlowId, Keep]
) -> None:
    found = expired(runs, host, flows)

    kept = [r for r in runs if not (r.is_shown or r.is_moving) and not found.get(r.key, ("",))[0]]
    for flow in map(FlowId, FLOWS):
        keep = flows.get(flow, Keep()).over(host)
        own = [run for run in kept if run.flow == flow]
        assert not keep.runs or len(own) <= keep.runs
        assert not keep.age_s or all(NOW - run.ended_at <= keep.age_s * 1000 for run in own)
        assert not keep.bytes or _bytes(own, found) <= keep.bytes
    assert not host.bytes or _bytes(kept, found) <= host.bytes


@given(runs=ENDED, host=KEEPS, flows=FLOW_KEEPS)
def test_a_second_look_at_what_stays_finds_nothing(
    runs: list[EndedRun], host: Keep, flows: dict[FlowId, Keep]
) -> None:
    found = expired(runs, host, flows)

    left = [
        replace(run, space_bytes=None) if run.key in found else run
        for run in runs
        if run.key not in found or not found[run.key].run
    ]
    assert expired(left, host, flows) == {}


@given(runs=ENDED, host=KEEPS)
def test_without_limits_nothing_goes(runs: list[EndedRun], host: Keep) -> None:
    assert expired(runs, Keep()) == {}


@given(runs=ENDED)
def test_young_workspaces_go_only_for_their_bytes_or_with_their_run(runs: list[EndedRun]) -> None:
    found = expired(runs, Keep(workspaces="none"))

    young = [run for run in runs if NOW - run.ended_at <= LOOK_S * 1000]
    assert not [run for run in young if run.key in found]


def _bytes(runs: list[EndedRun], found: Mapping[str, tuple[str, str]]) -> int:
    spaces = [r.space_bytes or 0 for r in runs if not found.get(r.key, ("", ""))[1]]
    return sum(run.bytes for run in runs) + sum(spaces)


SHARE: Final = KeepShare(name="flyte", flows=re.compile("flyte-.*"), keep=Keep(runs=0, bytes=100))


def shared_out(runs: list[EndedRun], host: Keep, flow: Keep | None = None) -> dict[str, str]:
    flows = {FlowId("flyte-a"): flow} if flow else {}
    found = expired(runs, host, flows, (SHARE,))
    return {key.partition("@")[0]: verdict.run for key, verdict in found.items() if verdict.run}


def test_the_bytes_of_a_dialect_are_those_of_all_its_flows() -> None:
    runs = [
        an_ended(4, flow=FlowId("flyte-a"), bytes=60),
        an_ended(3, flow=FlowId("build"), bytes=60),
        an_ended(2, flow=FlowId("flyte-b"), bytes=60),
        an_ended(1, flow=FlowId("build"), bytes=60),
    ]

    assert shared_out(runs, Keep(bytes=1000)) == {
        "h1-2": "newer runs of flyte fill 100 bytes (keep: bytes)"
    }


def test_a_limit_of_a_dialect_replaces_that_of_the_host_and_that_of_a_flow_both() -> None:
    runs = [an_ended(number, flow=FlowId("flyte-a")) for number in (3, 2, 1)]

    assert shared_out(runs, Keep(runs=1)) == {}
    assert [*shared_out(runs, Keep(runs=1), Keep(runs=2))] == ["h1-1"]


def test_what_a_person_asks_for_replaces_the_limits_of_a_dialect() -> None:
    runs = [an_ended(number, flow=FlowId("flyte-a"), bytes=60) for number in (2, 1)]
    rule = Wanted(keep=Keep(runs=1, bytes=1000)).rule(NOW, Keep(), {}, (SHARE,))

    assert [rule.judge(run).run for run in runs] == [
        "",
        "only the newest run of flyte-a is kept (keep: runs)",
    ]


def test_bytes_of_a_dialect_are_not_counted_where_a_person_asks_about_one_flow() -> None:
    runs = [an_ended(number, flow=FlowId("flyte-a"), bytes=60) for number in (2, 1)]
    rule = Wanted(flow=FlowId("flyte-a")).rule(NOW, Keep(), {}, (SHARE,))

    assert [rule.judge(run).run for run in runs] == ["", ""]


def test_runs_are_removed_by_their_events_and_a_long_run_alone() -> None:
    counts = (3, 3, 3, 20, 1, 1, 1, 1)
    runs = [(an_ended(number, events=events), "why") for number, events in enumerate(counts)]

    found = [[run.events for run, _ in batch] for batch in batches(runs, 3, 6)]

    assert found == [[3, 3], [3], [20], [1, 1, 1], [1]]
