"""What polls remember of repositories, and the runs that they start."""

from typing import Any

import pytest
from structlog.testing import capture_logs

from floe.host.inputs import Start
from floe.host.repositories import UNWATCHED_S, wanted_refs
from floe.hub.flows import FlowBook
from floe.model.errors import Theirs
from floe.model.flow import Flow
from floe.model.ids import FlowId
from floe.model.work import Git
from tests.make_triggers import HASHES, URL, Site, a_poll, a_watched, pushed

MAIN = "refs/heads/a"


F = "f" * 40


async def a_known(*flows: Flow) -> Site:
    """A site whose polls have looked once."""
    site = Site(*flows)
    await site.polled()
    return site


CHANGED: dict[str, Flow] = {
    "nothing": a_watched(a_poll()),
    "version": a_watched(a_poll(), ver=2),
    "trigger": a_watched(a_poll("renamed")),
    "flow": a_watched(a_poll(), id=FlowId("renamed")),
    "refs": a_watched(a_poll(refs="refs/heads/*")),
    "exclude-refs": a_watched(a_poll(exclude_refs="refs/heads/b")),
    "period": a_watched(a_poll(period_s=5.0)),
    "slash": a_watched(a_poll(url=URL + "/")),
    "suffix": a_watched(a_poll(url=URL + ".git")),
    "password": a_watched(a_poll(url="https://x:new@example.org/r")),
    "key": a_watched(a_poll(git=Git(url=URL, key_file="/new"))),
    "all": a_watched(a_poll("all", URL + "/", refs=MAIN), ver=3, id=FlowId("all")),
}


def a_mark(*refs: str, watch: str = "flow@1/poll", url: str = URL) -> Any:
    """What older floes stored of a poll."""
    return {("mark", f"{watch}:{url}"): {ref: HASHES[ref] for ref in refs}}


async def test_first_poll_starts_nothing() -> None:
    site = Site(a_watched(a_poll()))

    assert await site.polled() == []


async def test_change_of_a_ref_starts_one_run_for_its_tip() -> None:
    site = await a_known(a_watched(a_poll()))
    site.refs.found[MAIN] = F

    [start] = await site.polled(10)
    again = await site.polled(10)

    assert start.values == {"url": URL, "branch": "a", "ref": MAIN, "hash": F}
    assert start.by == "trigger:poll"
    assert again == []


async def test_new_ref_starts_one_run_and_a_deleted_one_none() -> None:
    site = await a_known(a_watched(a_poll()))
    del site.refs.found["refs/heads/b"]
    site.refs.found["refs/tags/v1"] = F

    assert pushed(await site.polled(10)) == [("flow", "refs/tags/v1", "f")]
    assert await site.polled(10) == []


async def test_first_commit_of_an_empty_repository_starts_a_run() -> None:
    site = Site(a_watched(a_poll()))
    site.refs.found = {}
    await site.polled()
    site.refs.found = {MAIN: F}

    assert pushed(await site.polled(10)) == [("flow", MAIN, "f")]


async def test_force_push_back_to_an_earlier_commit_starts_a_run() -> None:
    site = await a_known(a_watched(a_poll()))
    site.refs.found[MAIN] = F
    await site.polled(10)
    site.refs.found[MAIN] = HASHES[MAIN]

    assert pushed(await site.polled(10)) == [("flow", MAIN, "a")]


@pytest.mark.parametrize("commit", [HASHES[MAIN], F], ids=["same", "other"])
async def test_branch_that_was_deleted_is_new_when_it_is_made_again(commit: str) -> None:
    site = await a_known(a_watched(a_poll()))
    del site.refs.found[MAIN]
    await site.polled(10)
    site.refs.found[MAIN] = commit

    assert pushed(await site.polled(10)) == [("flow", MAIN, commit[0])]


async def test_deleted_branches_leave_no_rows() -> None:
    site = await a_known(a_watched(a_poll()))
    site.refs.found = {MAIN: HASHES[MAIN]}
    await site.polled(10)

    assert [key for kind, key in site.ledger() if kind == "ref"] == [f"{MAIN} {URL}"]


@pytest.mark.parametrize(
    ("pattern", "left"),
    [
        ("refs/heads/.*", ["refs/tags/c"]),
        ("heads", ["refs/heads/a", "refs/heads/b", "refs/tags/c"]),
        ("refs/heads/a|refs/tags/c", ["refs/heads/b"]),
        ("", ["refs/heads/a", "refs/heads/b", "refs/tags/c"]),
    ],
)
def test_excluded_refs_match_as_a_whole(pattern: str, left: list[str]) -> None:
    assert wanted_refs(a_poll(exclude_refs=pattern), HASHES) == left


async def test_mirror_that_is_empty_for_a_moment_starts_nothing() -> None:
    site = await a_known(a_watched(a_poll()))
    for found in ({}, HASHES):
        site.refs.found = dict(found)
        assert await site.polled(10) == []


async def test_mirror_that_fills_by_and_by_starts_nothing() -> None:
    site = await a_known(a_watched(a_poll()))
    for count in (0, 1, 2, 3):
        site.refs.found = dict(sorted(HASHES.items())[:count])
        assert await site.polled(10) == []


async def test_push_to_a_mirror_while_it_was_empty_starts_one_run() -> None:
    site = await a_known(a_watched(a_poll()))
    site.refs.found = {}
    await site.polled(10)
    site.refs.found = HASHES | {MAIN: F}

    assert pushed(await site.polled(10)) == [("flow", MAIN, "f")]


async def test_repository_that_was_away_starts_only_what_was_pushed_meanwhile() -> None:
    site = await a_known(a_watched(a_poll()))
    site.refs.problem = Theirs("no answer")
    await site.polled(10)
    site.refs.problem = None
    site.refs.found[MAIN] = F

    assert pushed(await site.polled(10)) == [("flow", MAIN, "f")]


async def test_ref_that_other_credentials_do_not_see_is_not_new_again() -> None:
    seen = a_watched(a_poll())
    blind = a_watched(a_poll(git=Git(url=URL, key_file="/other")), id=FlowId("blind"))
    site = Site(seen)
    await site.polled()
    site.reload(seen, blind)
    found = dict(HASHES)

    for _ in range(2):  # first the one that sees it all, then the one that does not
        site.refs.found = dict(found)
        site.clock.advance(10)
        first, *others = site.work
        site.work[:] = others
        await first
        del site.refs.found[MAIN]
        await site.polled()

    assert site.starts == []


@pytest.mark.parametrize("how", ["reload", "restart"])
@pytest.mark.parametrize("what", CHANGED)
async def test_push_around_a_change_of_the_config_starts_one_run(what: str, how: str) -> None:
    site = await a_known(a_watched(a_poll()))
    site.refs.found[MAIN] = F

    getattr(site, how)(CHANGED[what])
    starts = await site.polled(10) + await site.polled(10)

    assert [push[1:] for push in pushed(starts)] == [(MAIN, "f")]


@pytest.mark.parametrize("how", ["reload", "restart"])
@pytest.mark.parametrize("what", CHANGED)
async def test_change_of_the_config_alone_starts_nothing(what: str, how: str) -> None:
    site = await a_known(CHANGED[what])

    getattr(site, how)(a_watched(a_poll()))
    starts = await site.polled(10) + await site.polled(10)

    assert starts == []


@pytest.mark.parametrize(
    "narrow", [{"refs": "refs/tags/*"}, {"exclude_refs": "refs/heads/.*"}, {"refs": "refs/x/*"}]
)
async def test_filter_made_wider_starts_nothing_of_what_it_left_out(narrow: Any) -> None:
    site = await a_known(a_watched(a_poll(**narrow)))
    site.refs.found["refs/heads/new"] = F
    await site.polled(10)

    site.reload(a_watched(a_poll()))
    starts = await site.polled(10)

    assert starts == []


async def test_refs_that_nobody_looked_for_are_only_recorded_at_first() -> None:
    site = await a_known(a_watched(a_poll(refs="refs/heads/*")))
    site.refs.found["refs/pull/1/head"] = "1" * 40

    site.reload(a_watched(a_poll(refs="refs/*")))
    first = await site.polled(10)
    site.refs.found["refs/pull/1/head"] = site.refs.found["refs/pull/2/head"] = F
    second = await site.polled(10)

    assert first == []
    assert [ref for _, ref, _ in pushed(second)] == ["refs/pull/1/head", "refs/pull/2/head"]


async def test_push_while_the_flow_was_out_of_the_config_starts_one_run() -> None:
    flow = a_watched(a_poll())
    site = await a_known(flow)
    site.reload()
    site.refs.found[MAIN] = F

    site.restart()
    site.reload(flow)

    assert pushed(await site.polled(10)) == [("flow", MAIN, "f")]


async def test_repository_that_nobody_watched_for_long_is_looked_at_as_new() -> None:
    site = await a_known(a_watched(a_poll()))
    site.reload()
    site.refs.found[MAIN] = F

    site.clock.advance(UNWATCHED_S)
    site.reload(a_watched(a_poll()))

    assert await site.polled() == []


async def test_repository_that_nobody_watches_leaves_no_rows() -> None:
    site = await a_known(a_watched(a_poll()))
    site.reload()

    site.clock.advance(UNWATCHED_S)
    site.reload()

    assert site.ledger() == {}


async def test_each_trigger_gets_its_run_of_a_push() -> None:
    two = a_watched(a_poll(), a_poll("other", URL + "/", period_s=30.0))
    site = await a_known(two, a_watched(a_poll(), id=FlowId("third")))
    site.refs.found[MAIN] = F

    starts = await site.polled(10) + await site.polled(10) + await site.polled(10)

    assert sorted((s.flow.id, s.trigger) for s in starts) == [
        ("flow", "other"),
        ("flow", "poll"),
        ("third", "poll"),
    ]


async def test_trigger_that_looks_seldom_gets_its_run_after_it_was_renamed() -> None:
    often, seldom = a_watched(a_poll(), id=FlowId("often")), a_poll(period_s=3600.0)
    site = await a_known(often, a_watched(seldom))
    site.refs.found[MAIN] = F
    await site.polled(10)

    site.reload(often, a_watched(a_poll("renamed", period_s=3600.0), ver=2))

    assert pushed(await site.polled()) == [("flow", MAIN, "f")]


async def test_new_flow_on_a_known_repository_starts_nothing_for_old_pushes() -> None:
    old = a_watched(a_poll())
    site = await a_known(old)
    site.refs.found[MAIN] = F
    await site.polled(10)

    site.reload(old, a_watched(a_poll(), id=FlowId("new")))

    assert await site.polled(10) == []


@pytest.mark.parametrize("stored", [0, 1, 2, 3, 4])
async def test_death_amid_the_starts_of_a_look_repeats_and_loses_none(stored: int) -> None:
    flow = a_watched(a_poll(exclude_refs="refs/heads/b"))
    other = a_watched(a_poll(refs="refs/heads/b"), id=FlowId("other"))
    site = await a_known(flow, other)
    before = len(site.said)
    site.refs.found = dict.fromkeys(HASHES, F)
    await site.polled(10)

    again = Site(flow, other, ledger=site.ledger(before + stored))
    again.refs.found = dict(site.refs.found)
    await again.polled()

    survived = pushed(w.input for w in site.said[before:][:stored] if isinstance(w.input, Start))
    assert sorted(survived + pushed(again.starts)) == [
        ("flow", MAIN, "f"),
        ("flow", "refs/tags/c", "f"),
        ("other", "refs/heads/b", "f"),
    ]


async def test_restart_starts_nothing_twice() -> None:
    flow = a_watched(a_poll())
    site = await a_known(flow)
    site.refs.found[MAIN] = F
    await site.polled(10)

    site.restart(flow)

    assert await site.polled() == []


async def test_keeper_after_another_keeper_starts_nothing_that_the_other_started() -> None:
    flow = a_watched(a_poll())
    site = Site(flow)
    site.term = 5
    await site.polled()
    site.restart()
    site.refs.found[MAIN] = F

    site.term = 9  # another host kept meanwhile
    site.reload(flow)

    assert await site.polled(10) == []


async def test_keeper_goes_on_after_a_restart() -> None:
    flow = a_watched(a_poll())
    site = Site(flow)
    site.term = 5
    await site.polled()
    site.refs.found[MAIN] = F

    site.restart(flow)

    assert pushed(await site.polled()) == [("flow", MAIN, "f")]


async def test_upgrade_loses_no_push_and_starts_nothing_else() -> None:
    site = Site(a_watched(a_poll()), ledger=a_mark(*HASHES))
    site.refs.found[MAIN] = site.refs.found["refs/heads/new"] = F

    assert pushed(await site.polled()) == [("flow", MAIN, "f"), ("flow", "refs/heads/new", "f")]
    assert not any(kind == "mark" for kind, _ in site.ledger())


@pytest.mark.parametrize(
    "narrow", [{"refs": "refs/heads/a"}, {"exclude_refs": "refs/(heads/b|tags/c)"}]
)
async def test_upgrade_and_then_a_wider_filter_start_nothing(narrow: Any) -> None:
    site = Site(a_watched(a_poll(**narrow)), ledger=a_mark(MAIN))

    first = await site.polled()
    site.reload(a_watched(a_poll()))

    assert first + await site.polled(10) == []


async def test_upgrade_together_with_a_new_version_of_the_flow_loses_no_push() -> None:
    site = Site(a_watched(a_poll(), ver=2), ledger=a_mark(*HASHES))
    site.refs.found[MAIN] = F

    assert pushed(await site.polled()) == [("flow", MAIN, "f")]


async def test_upgrade_takes_the_commits_of_the_newest_version() -> None:
    old = {("mark", f"flow@1/poll:{URL}"): dict.fromkeys(HASHES, "0" * 40)}
    site = Site(a_watched(a_poll(), ver=3), ledger=old | a_mark(*HASHES, watch="flow@2/poll"))

    assert await site.polled() == []


async def test_upgrade_starts_the_run_of_the_poll_that_was_behind() -> None:
    seen = {("mark", f"second@1/poll:{URL}"): HASHES | {MAIN: F}}
    flows = [a_watched(a_poll(), id=FlowId(id)) for id in ("first", "second")]
    site = Site(*flows, ledger=a_mark(*HASHES, watch="first@1/poll") | seen)
    site.refs.found[MAIN] = F

    assert pushed(await site.polled()) == [("first", MAIN, "f")]


async def test_failing_poll_is_shown_logged_once_and_goes_on() -> None:
    site = Site(a_watched(a_poll()))
    await site.polled()
    site.refs.problem = Theirs("no answer")

    with capture_logs() as logs:
        for _ in range(3):
            await site.polled(10)
        shown = dict(site.triggers.problems)
        site.refs.problem = None
        site.refs.found["refs/heads/a"] = "f" * 40
        starts = await site.polled(10)

    assert list(shown.values()) == ["no answer"]
    assert [line["event"] for line in logs] == ["trigger.poll_failed", "trigger.poll_works"]
    assert (site.triggers.problems, len(starts)) == ({}, 1)


async def test_poll_of_a_trigger_that_was_dropped_meanwhile_starts_nothing() -> None:
    site = Site(a_watched(a_poll()))
    await site.polled()
    site.refs.found["refs/heads/a"] = "f" * 40
    site.clock.advance(10)

    site.triggers.watch(FlowBook())

    assert await site.polled() == []


async def test_poll_is_for_the_flow_as_it_is_when_it_answers() -> None:
    site = Site(a_watched(a_poll()))
    await site.polled()
    site.refs.found["refs/heads/a"] = "f" * 40
    site.clock.advance(10)
    newer = a_watched(a_poll(), name="newer")

    site.triggers.watch(FlowBook(flows=(newer,)))
    [start] = await site.polled()

    assert start.flow is newer
    assert start.digest == FlowBook(flows=(newer,)).digest_of(newer)


async def test_poll_of_a_repository_that_was_exchanged_is_thrown_away() -> None:
    site = Site(a_watched(a_poll()))
    site.clock.advance(0)
    other = a_poll(git=Git(url="https://example.org/other.git"))

    site.triggers.watch(FlowBook(flows=(a_watched(other),)))
    await site.polled()
    unmarked = site.ledger()
    await site.polled()

    assert unmarked == {}
    assert [key for kind, key in site.ledger() if kind == "repository"] == [
        "https://example.org/other"
    ]


async def test_slow_poll_is_not_asked_again_meanwhile() -> None:
    site = Site(a_watched(a_poll(period_s=1.0)))

    site.clock.advance(30)

    assert len(site.work) == 1
    await site.polled()
