"""A hub that is closed and opened again on the same store, at every moment of a run."""

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from floe.host.inputs import Incoming
from floe.hub import history, life
from floe.hub import loop as loop_module
from floe.hub.attempts.attempt_outputs import OutputSettings
from floe.hub.flows import FlowBook
from floe.hub.hub import Hub
from floe.model.errors import ConfigInvalid, Conflict, NotFound, StoreFailed, ValuesInvalid, World
from floe.model.event import NodeStarted, RunEnded, RunPended
from floe.model.finding import Finding
from floe.model.flow import Backoff, Retry, Trigger
from floe.model.form import Field, Form
from floe.model.ids import FlowId, Instant, Json, Key, NodeId
from floe.model.signal import Exited, TimerFired
from floe.model.summary import Summary
from floe.model.work import Git
from floe.nodes.base import Job, OnReport
from floe.store.base import RunQuery, RunStore
from floe.store.memory import MemoryStore
from floe.store.sqlite import SqliteStore
from tests.hands import (
    ANY_COMMIT,
    Documents,
    HandClock,
    Hands,
    NoRefs,
    RefusingStore,
    a_hub,
    live,
    over,
    parts_of,
    until,
)
from tests.make import a_flow, a_form, a_node, a_timer, an_end

CHAIN = a_flow(a_node("a"), a_node("b", on="task.a.good"), an_end(on="task.b.good"))
FORM = a_flow(a_form(), a_node("b", on="task.sign-off.good"), an_end(on="task.b.good"))
RETRIED = a_flow(a_node("a", retry=Retry(max=1, backoff=Backoff(first_s=60.0))), an_end("x"))
PAUSED = a_flow(a_timer("pause"), an_end(on="task.pause.good"))
FROM_FILE = a_flow(flow_file="x.yml", id=FlowId("flow"))
FORM_WITH_FIELDS = a_flow(
    id=FlowId("asks"),
    triggers=(
        Trigger(
            id=NodeId("start"),
            type="data",
            name="start",
            form=Form(title="Start", fields=(Field(id="tag", prompt="Tag"),)),
            git=Git(url="u", branch="main", key_file="/key"),
        ),
    ),
)
X_YML = (
    "id: flow\nver: 1\ntasks: [{name: a, listen: trigger.good, type: exec, opts: {cmd: date}}]\n"
)


class Host:
    """What of a host stays when its hub does not: store, clock and, anew each time, hands."""

    def __init__(self, store: RunStore) -> None:
        self.store = store
        self.clock = HandClock()
        self.refs = NoRefs()
        self.documents = Documents(**{"x.yml": X_YML})
        self.hands = Hands()

    @asynccontextmanager
    async def hub(self, *flows: Any, **others: Any) -> AsyncIterator[Hub]:
        self.hands = Hands()
        made: dict[str, Any] = {
            "store": self.store,
            "clock": self.clock,
            "refs": self.refs,
            "documents": self.documents,
            "hands": self.hands,
        }
        async with a_hub(*flows, **(made | others)) as hub:
            await hub.loop.wait_idle()
            yield hub


@pytest.fixture(params=["memory", "local"])
def host(request: pytest.FixtureRequest, tmp_path: Path) -> Host:
    return Host(MemoryStore() if request.param == "memory" else SqliteStore(tmp_path / "store"))


async def started(hub: Hub, flow: str = "flow", **values: Json) -> str:
    return (await hub.trigger(flow, values=values, by="alice")).id


async def stored(hub: Hub, run: str) -> Summary:
    await until(over(hub, run))
    await hub.loop.wait_idle()
    return await hub.reads.summary(hub.reads.ref(run))


# --- opening again ---


async def test_pending_run_is_placed_by_the_next_hub(host: Host) -> None:
    async with host.hub(a_flow(host_tags=("gpu",))) as hub:
        run = await started(hub)

    async with host.hub(host={"tags": frozenset({"gpu"})}):
        assert [str(key.run) for key in host.hands.started] == [run]


async def test_attempt_that_was_started_is_found_again_and_not_started_twice(host: Host) -> None:
    async with host.hub(CHAIN) as hub:
        run = await started(hub)
        await until(lambda: host.hands.started)
        await hub.loop.wait_idle()
    [key] = host.hands.started

    async with host.hub(CHAIN) as hub:
        job = host.hands.actions[key]
        swept = host.hands.swept
        host.hands.exit("a")
        await until(lambda: len(host.hands.started) == 2)
        host.hands.exit("b")
        row = await stored(hub, run)
        events = [s.record.event for s in await hub.reads.events(run)]

    assert (job.started, swept, row.good) == (True, frozenset({key}), True)
    assert [e.node for e in events if isinstance(e, NodeStarted)] == ["a", "b"]


async def test_attempt_whose_start_is_not_recorded_is_offered_as_new(host: Host) -> None:
    class Silent(Hands):
        def start(self, job: Job, on_report: OnReport) -> None:
            self.started.append(job.key)

    silent = Silent()
    async with host.hub(CHAIN, hands=silent) as hub:
        await started(hub)
        await until(lambda: silent.started)

    async with host.hub(CHAIN):
        assert not host.hands.actions[silent.started[0]].started


async def test_form_is_answered_right_after_a_restart(host: Host) -> None:
    async with host.hub(FORM) as hub:
        run = await started(hub)
        await until(lambda: "sign-off" in live_nodes(hub, run))

    async with host.hub() as hub:
        await hub.give(run, "sign-off", {"ok": True}, by="bob")
        await until(lambda: host.hands.started)
        host.hands.exit("b")

        assert (await stored(hub, run)).good


async def test_retry_that_came_due_meanwhile_starts_at_once_and_once(host: Host) -> None:
    async with host.hub(RETRIED) as hub:
        run = await started(hub)
        await until(lambda: host.hands.started)
        host.hands.exit("a", 1)
        await hub.loop.wait_idle()
    host.clock.slip(3600)

    async with host.hub(RETRIED) as hub:
        host.clock.advance(0)
        await until(lambda: host.hands.started)
        host.clock.advance(3600)
        await hub.loop.wait_idle()
        host.hands.exit("a", 1)

        assert not (await stored(hub, run)).good
    assert [key.attempt for key in host.hands.started] == [2]


async def test_timer_task_that_came_due_meanwhile_ends(host: Host) -> None:
    async with host.hub(PAUSED) as hub:
        run = await started(hub)
        await hub.loop.wait_idle()
    host.clock.slip(61)

    async with host.hub(PAUSED) as hub:
        host.clock.advance(0)

        assert (await stored(hub, run)).good


async def test_timer_task_that_is_not_due_waits_its_whole_time(host: Host) -> None:
    async with host.hub(PAUSED) as hub:
        run = await started(hub)
        await hub.loop.wait_idle()
    host.clock.slip(30)

    async with host.hub(PAUSED) as hub:
        host.clock.advance(29)
        await hub.loop.wait_idle()
        early = live(hub, run)
        host.clock.advance(1)
        row = await stored(hub, run)

    assert early
    assert row.good


async def test_flow_file_that_was_being_read_is_read_by_the_next_hub(host: Host) -> None:
    class Slow(Documents):
        async def read(self, name: str, *, relative_to: str = "", git: Git = ANY_COMMIT) -> Any:
            self.reads += 1
            await asyncio.Event().wait()

    slow = Slow()
    async with host.hub(FROM_FILE, documents=slow) as hub:
        run = await started(hub)
        await until(lambda: slow.reads)

    async with host.hub(FROM_FILE) as hub:
        await until(lambda: host.hands.started)
        host.hands.exit("a")

        assert (await stored(hub, run)).good


async def test_run_whose_flow_left_the_config_while_it_was_read_ends_with_the_cause(
    host: Host,
) -> None:
    host.documents.texts.clear()
    async with host.hub(FROM_FILE) as hub:
        run = await started(hub)
        row = await stored(hub, run)

    assert row.why == "no flow-file: no document x.yml"
    assert host.documents.reads == 3


async def test_ended_run_that_was_not_packed_is_packed_by_the_next_hub(
    host: Host, tmp_path: Path
) -> None:
    settings = OutputSettings(root=tmp_path)
    gate = asyncio.Event()

    async with host.hub(a_flow(), attempts=settings) as hub:

        async def never(ref: object) -> None:
            await gate.wait()

        hub.effects._pack = never  # type: ignore[method-assign]  # the process dies before it packs
        run = await started(hub)
        await until(lambda: host.hands.started)
        path = host.hands.actions[host.hands.started[0]].output
        path.parent.mkdir(parents=True)
        path.write_bytes(b"hello")
        host.hands.report("build", Exited(status=0, outputs={}, output_bytes=5))
        await hub.loop.wait_idle()
        before = live(hub, run)

    async with host.hub(a_flow(), attempts=settings) as hub:
        await stored(hub, run)
        at = await hub.reads.run(run)

    assert before
    assert before.phase == "ended"
    assert at.phase == "packed"
    assert at.digests == {"build.1.1": "sha256:" + hashlib.sha256(b"hello").hexdigest()}


@pytest.mark.parametrize(
    ("put", "digests"),
    [
        (lambda path: path.write_bytes(b"hello and more"), [hashlib.sha256(b"hello").hexdigest()]),
        (lambda path: path.write_bytes(b"hell"), []),
        (os.mkfifo, []),
        (Path.mkdir, []),
        (lambda path: path.symlink_to("/dev/zero"), []),
        (lambda path: None, []),
    ],
    ids=["longer", "shorter", "a pipe", "a folder", "a link to what never ends", "gone"],
)
async def test_run_is_packed_whatever_became_of_an_output(
    host: Host, tmp_path: Path, put: Callable[[Path], object], digests: list[str]
) -> None:
    async with host.hub(a_flow(), attempts=OutputSettings(root=tmp_path)) as hub:
        run = await started(hub)
        await until(lambda: host.hands.started)
        path = host.hands.actions[host.hands.started[0]].output
        path.parent.mkdir(parents=True)
        put(path)
        host.hands.report("build", Exited(status=0, outputs={}, output_bytes=5))
        await stored(hub, run)
        at = await hub.reads.run(run)

    assert at.phase == "packed"
    assert list(at.digests.values()) == [f"sha256:{digest}" for digest in digests]


async def test_run_that_was_being_stopped_is_stopped_by_the_next_hub(host: Host) -> None:
    class Deaf(Hands):
        def stop(self, key: Key) -> None:
            self.stopped.append(key)

    deaf = Deaf()
    async with host.hub(CHAIN, hands=deaf) as hub:
        run = await started(hub)
        await until(lambda: deaf.started)
        await hub.loop.wait_idle()
        await hub.cancel(run, by="bob")

    async with host.hub(CHAIN) as hub:
        row = await stored(hub, run)

    assert host.hands.stopped == host.hands.started == deaf.started
    assert host.hands.actions[deaf.started[0]].started
    assert row.why == "cancelled by bob"


async def test_finished_attempts_are_forgotten_and_nothing_is_kept(host: Host) -> None:
    async with host.hub(CHAIN) as hub:
        run = await started(hub)
        for count, node in enumerate(("a", "b"), 1):
            await until(partial(has_started, host, count))
            host.hands.exit(node)
        await stored(hub, run)
        table = hub.loop.core.table

        kept: Sequence[object] = (hub.effects._begun, table._owed, table.runs, table.pends)
        assert list(kept) == [{}] * 4
        assert len(hub.timers) == 0
    assert host.hands.forgotten == host.hands.started


async def test_attempt_that_is_over_is_forgotten_when_the_next_is_due_at_once(host: Host) -> None:
    async with host.hub(RETRIED) as hub:
        run = await started(hub)
        await until(lambda: host.hands.started)
        [first] = host.hands.started
        await hub.loop.wait_idle()
        host.hands.exit("a", 1)
        signal = TimerFired(key=first, kind="retry")
        hub.loop.put(Incoming(input=signal, run=hub.reads.ref(run)))
        await until(lambda: len(host.hands.started) == 2)

        assert host.hands.forgotten == [first]
        assert list(hub.effects._begun) == host.hands.started[1:]


async def test_serials_go_on_after_a_restart(host: Host) -> None:
    async with host.hub(CHAIN) as hub:
        first = await started(hub)

    async with host.hub(CHAIN) as hub:
        assert [first, await started(hub)] == ["h1-1", "h1-2"]


async def test_key_of_a_request_is_known_after_a_restart(host: Host) -> None:
    async with host.hub(CHAIN) as hub:
        first = await hub.trigger("flow", values={}, by="alice", once="k")

    async with host.hub(CHAIN) as hub:
        again = await hub.trigger("flow", values={}, by="alice", once="k")

        assert again.id == first.id
        assert len(hub.loop.core.table.runs) == 1


async def test_fences_grow_over_restarts(host: Host) -> None:
    resource = a_flow(resource_tags=("nic",))
    async with host.hub(resource) as hub:
        run = await started(hub)
        await until(lambda: host.hands.started)
        host.hands.exit("build")
        await stored(hub, run)
        first = (await hub.reads.run(run)).fences["nic"]

    async with host.hub(resource) as hub:
        second = (await hub.reads.run(await started(hub))).fences["nic"]

    term, counter = first.split(".")
    assert second == f"{term}.{int(counter) + 1}"


async def test_more_runs_than_a_page_are_all_taken_up(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("floe.hub.history.PAGE", 3)
    async with host.hub(a_flow(host_tags=("gpu",))) as hub:
        runs = [await started(hub) for _ in range(8)]

    async with host.hub(host={"tags": frozenset({"gpu"})}):
        assert [str(key.run) for key in host.hands.started] == runs


async def test_tick_that_fired_is_not_repeated_after_a_restart(host: Host) -> None:
    tick = Trigger(id=NodeId("tick"), type="timer", name="tick", period_s=60.0)
    flow = a_flow(triggers=(tick,))
    async with host.hub(flow) as hub:
        host.clock.advance(60)
        await until(lambda: host.hands.started)

    async with host.hub(flow) as hub:
        await hub.loop.wait_idle()
        again = len((await hub.reads.runs(RunQuery())).runs)
        host.clock.advance(60)
        await until(lambda: len(host.hands.started) == 2)  # the first, found again, and the new

        assert again == 1
        assert hub.triggers.next_due(flow, tick) == Instant(host.clock.now() + 60_000)


async def test_commit_on_a_branch_starts_one_run_whatever_restarts(host: Host) -> None:
    poll = Trigger(id=NodeId("poll"), type="poll-git", name="poll", git=Git(url="u"))
    flow = a_flow(triggers=(poll,))
    host.refs.found = {"refs/heads/main": "a" * 40}
    for commit in ("a", "b", "b", "b"):
        host.refs.found = {"refs/heads/main": commit * 40}
        looks = host.refs.looks
        async with host.hub(flow) as hub:
            host.clock.advance(0)
            await until(partial(has_looked, host, looks + 1))
            await asyncio.sleep(0)
            await hub.loop.wait_idle()

    async with host.hub(flow) as hub:
        [run] = (await hub.reads.runs(RunQuery())).runs
        values = (await hub.reads.run(run.id)).values

    assert values == {"url": "u", "branch": "main", "ref": "refs/heads/main", "hash": "b" * 40}


# --- cancelling ---


async def test_run_is_cancelled_while_its_flow_file_is_read(host: Host) -> None:
    class Slow(Documents):
        async def read(self, name: str, *, relative_to: str = "", git: Git = ANY_COMMIT) -> Any:
            await asyncio.Event().wait()

    async with host.hub(FROM_FILE, documents=Slow()) as hub:
        run = await started(hub)
        await hub.cancel(run, by="bob")

        assert (await stored(hub, run)).why == "cancelled by bob"


async def test_run_is_cancelled_while_it_waits_for_a_host(host: Host) -> None:
    async with host.hub(a_flow(host_tags=("gpu",))) as hub:
        run = await started(hub)
        await hub.cancel(run, by="bob", why="too late")

        assert (await stored(hub, run)).why == "cancelled by bob: too late"
        assert hub.loop.core.table.pends == {}


@pytest.mark.parametrize("flow", [FORM, PAUSED], ids=["form", "timer"])
async def test_run_is_cancelled_while_nothing_of_it_runs(host: Host, flow: Any) -> None:
    async with host.hub(flow) as hub:
        run = await started(hub)
        await hub.cancel(run, by="bob")

        assert not (await stored(hub, run)).good
        assert len(hub.timers) == 0 or flow is PAUSED


async def test_run_is_cancelled_while_a_retry_is_armed(host: Host) -> None:
    async with host.hub(RETRIED) as hub:
        run = await started(hub)
        await until(lambda: host.hands.started)
        host.hands.exit("a", 1)
        await hub.loop.wait_idle()
        await hub.cancel(run, by="bob")
        await stored(hub, run)
        host.clock.advance(3600)
        await hub.loop.wait_idle()

    assert [key.attempt for key in host.hands.started] == [1]


async def test_run_is_cancelled_once_and_stops_its_commands(host: Host) -> None:
    async with host.hub(CHAIN) as hub:
        run = await started(hub)
        await until(lambda: host.hands.started)
        await hub.cancel(run, by="bob", once="k")
        again = await hub.cancel(run, by="bob", once="k")
        row = await stored(hub, run)
        with pytest.raises(Conflict, match="is over"):
            await hub.cancel(run, by="carol")

    assert host.hands.stopped == host.hands.started
    assert again.id == run
    assert (row.good, row.why) == (False, "cancelled by bob")


async def test_node_that_would_start_in_the_step_that_cancels_is_never_begun(host: Host) -> None:
    async with host.hub(CHAIN) as hub:
        run = await started(hub)
        await until(lambda: host.hands.started)
        await hub.loop.wait_idle()
        host.hands.exit("a")
        hub.cancel_nowait(run, by="bob")
        await stored(hub, run)
        at = await hub.reads.run(run)

    outcome = at.nodes[NodeId("b")].outcome
    assert outcome
    assert outcome.result == "stopped"
    assert [key.node for key in host.hands.started] == ["a"]


# --- hands that fail ---


async def test_start_that_fails_is_an_error_of_the_node_and_not_of_the_host(host: Host) -> None:
    async with host.hub(CHAIN) as hub:
        host.hands.refusal = RuntimeError("no more processes")
        with capture_logs() as logs:
            run = await started(hub)
            row = await stored(hub, run)
        host.hands.refusal = None
        other = await started(hub)
        await until(lambda: host.hands.started)

        assert other
    assert "could not start: no more processes" in row.why
    assert "attempt.not_started" in [line["event"] for line in logs]


async def test_work_that_this_host_has_no_hands_for_is_an_error_of_the_node(host: Host) -> None:
    async with host.hub(CHAIN, executors={}) as hub:
        run = await started(hub)

        assert "could not start" in (await stored(hub, run)).why


async def test_stop_that_fails_ends_the_run_all_the_same(host: Host) -> None:
    async with host.hub(CHAIN) as hub:
        run = await started(hub)
        await until(lambda: host.hands.started)
        await hub.loop.wait_idle()
        host.hands.refusal = RuntimeError("lost the warden")
        await hub.cancel(run, by="bob")

        assert (await stored(hub, run)).why == "cancelled by bob"


async def test_hands_that_do_not_open_are_a_clean_error_and_the_store_is_closed(
    host: Host,
) -> None:
    first, second = Hands(), Hands()
    second.opening = World("no warden", "start it")
    flow = a_flow()
    parts = parts_of(flow, store=host.store)
    kind, *others = parts.executors
    kinds = {kind: first, **dict.fromkeys(others, second)}

    with pytest.raises(World, match="no warden"):
        await Hub(replace(parts, executors=kinds)).__aenter__()

    assert not first.is_open
    with pytest.raises(StoreFailed):
        await host.store.head()


async def test_store_that_cannot_be_read_is_a_clean_error(host: Host) -> None:
    hands = Hands()
    store = host.store

    async def broken(kind: str) -> Mapping[str, Json]:
        raise StoreFailed("the disk is gone")

    store.ledger = broken  # type: ignore[method-assign]  # the disk goes between two reads
    with pytest.raises(StoreFailed, match="the disk is gone"):
        await Hub(parts_of(store=store, hands=hands)).__aenter__()

    assert not hands.is_open


# --- closing ---


async def test_closing_is_quick_idempotent_and_leaves_no_task(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(life, "CLOSE_S", 3600.0)  # so long a drain takes that is stuck
    poll = Trigger(id=NodeId("poll"), type="poll-git", name="poll", git=Git(url="u"))
    before = asyncio.all_tasks()
    hub = Hub(parts_of(CHAIN, a_flow(triggers=(poll,), id=FlowId("p")), store=host.store))

    await hub.__aenter__()
    await started(hub)
    async with asyncio.timeout(60):
        await hub.__aexit__(None, None, None)
        await hub.__aexit__(None, None, None)

    assert asyncio.all_tasks() == before


async def test_hub_may_be_closed_before_it_was_opened(host: Host) -> None:
    await Hub(parts_of(store=host.store)).__aexit__(None, None, None)


async def test_error_of_who_uses_a_hub_comes_out_as_it_is(host: Host) -> None:
    with pytest.raises(KeyError):
        async with host.hub():
            raise KeyError("mine")


async def test_report_while_the_executors_close_begins_nothing(host: Host) -> None:
    class Late(Hands):
        async def close(self) -> None:
            self.is_open = False
            for node in ("a", "b"):
                if any(key.node == node for key in self._on_report):
                    self.exit(node)
            for _ in range(20):
                await asyncio.sleep(0)

    late = Late()
    async with host.hub(CHAIN, hands=late) as hub:
        run = await started(hub)
        await until(lambda: late.started)

    async with host.hub(CHAIN) as hub:
        at = live(hub, run)
    assert at
    assert at.nodes[NodeId("a")].phase == "started"


async def test_bug_in_a_task_ends_the_hub_and_is_seen(host: Host) -> None:
    async def bug() -> None:
        raise RuntimeError("a bug")

    async def life() -> None:
        async with host.hub(CHAIN) as hub:
            hub._tasks.spawn(bug())
            await asyncio.Event().wait()

    with pytest.raises(BaseExceptionGroup) as caught:
        await life()

    assert caught.group_contains(RuntimeError, match="a bug")
    with pytest.raises(StoreFailed):
        await host.store.head()


# --- what others ask ---


async def test_unknown_things_are_not_found(host: Host) -> None:
    async with host.hub(CHAIN, FORM_WITH_FIELDS) as hub:
        run = await started(hub)
        for asked in (
            hub.reads.run("h1-99"),
            hub.reads.events("h1-99"),
            hub.reads.why("h1-99"),
            hub.cancel("h1-99", by="bob"),
            hub.trigger("flwo", values={}, by="alice"),
            hub.trigger("flow", trigger="no", values={}, by="alice"),
            hub.give(run, "a", {}, by="alice"),
        ):
            with pytest.raises(NotFound):
                await asked


async def test_values_are_checked_against_the_form_and_lie_over_the_repository(host: Host) -> None:
    async with host.hub(FORM_WITH_FIELDS) as hub:
        with pytest.raises(ValuesInvalid):
            await started(hub, "asks")
        run = await hub.reads.run(await started(hub, "asks", tag="v1"))

    assert run.values == {"url": "u", "branch": "main", "tag": "v1"}


async def test_answer_that_comes_second_is_a_conflict(host: Host) -> None:
    async with host.hub(FORM) as hub:
        run = await started(hub)
        answers = [hub.give(run, "sign-off", {"ok": True}, by=by) for by in ("bob", "carol")]

        results = await asyncio.gather(*answers, return_exceptions=True)

    assert sorted(type(r).__name__ for r in results) == ["Conflict", "Done"]


async def test_rejected_form_needs_no_values_and_is_bad(host: Host) -> None:
    async with host.hub(FORM) as hub:
        run = await started(hub)
        await hub.give(run, "task.sign-off", {}, good=False, by="bob")

        assert (await stored(hub, run)).why == "sign off was rejected by bob"


async def test_waiting_run_names_who_holds_what_it_needs(host: Host) -> None:
    resource = a_flow(resource_tags=("nic",))
    async with host.hub(resource) as hub:
        await started(hub)
        waiter = await started(hub)

        assert "cannot use resource nic (h1-1 holds it)" in (await hub.reads.why(waiter)).text


async def test_attempt_that_waits_for_a_place_reports_it(host: Host) -> None:
    class Full(Hands):
        def start(self, job: Job, on_report: OnReport) -> None:
            self.in_line.append(job.key)

    async with host.hub(CHAIN, hands=Full()) as hub:
        run = await started(hub)
        await hub.loop.wait_idle()

        assert "a place among the commands of h1" in (await hub.reads.why(run)).text


@pytest.mark.parametrize("bound", ["PACKED_MAX", "PACKED_EVENTS"])
async def test_archived_runs_are_kept_folded_up_to_a_bound(
    host: Host, bound: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with host.hub(a_flow(an_end(on="trigger.good"))) as hub:
        runs = [await started(hub) for _ in range(8)]
        for run in runs:
            await until(over(hub, run))
        await hub.loop.wait_idle()
        size = (await hub.reads.run(runs[0])).seq
        monkeypatch.setattr(history, bound, 3 if bound == "PACKED_MAX" else 3 * size)

        folded = [await hub.reads.run(run) for run in (*runs, runs[-1])]

        assert folded[-1] is folded[-2]
        assert len(hub.history._packed) == 3


async def test_config_that_is_refused_keeps_the_flows_and_shows_its_findings(host: Host) -> None:
    finding = Finding(file="x.yml", line=3, col=1, what="broken")

    async def broken() -> FlowBook:
        raise ConfigInvalid([finding])

    async with host.hub(CHAIN, read_book=broken) as hub:
        with hub.feed.subscribe() as listener:
            with pytest.raises(ConfigInvalid):
                await hub.reload()
            told = [frame.text for frame in await listener.take()]

        assert hub.flows.book.findings == (finding,)
        assert hub.flows.book.find("flow") == CHAIN
        assert await started(hub)
    assert told == ['{"type":"flows"}']


async def test_config_that_is_taken_replaces_flows_and_triggers(host: Host) -> None:
    tick = Trigger(id=NodeId("tick"), type="timer", name="tick", period_s=60.0)
    newer = a_flow(id=FlowId("newer"), triggers=(tick,))

    async def read() -> FlowBook:
        return FlowBook(flows=(newer,))

    async with host.hub(CHAIN, read_book=read) as hub:
        run = await started(hub)
        await hub.reload()
        host.clock.advance(60)
        await until(lambda: len(host.hands.started) == 2)
        with suppress(NotFound):
            assert not await started(hub)
        at = await hub.reads.run(run)

    assert at.flow == CHAIN


async def test_five_hundred_runs_in_a_moment_all_end(host: Host) -> None:
    async with host.hub(a_flow(a_node(), an_end()), hands=Hands(at_once=0)) as hub:
        async with asyncio.TaskGroup() as tasks:
            for _ in range(500):
                tasks.create_task(started(hub))
        await until(lambda: not hub.loop.core.table.runs)

        page = await hub.reads.runs(RunQuery(limit=500))

    assert {(row.phase, row.good) for row in page.runs} <= {("packed", True), ("ended", True)}
    assert len(page.runs) == 500


async def test_everything_happens_once_over_crashes_of_the_store(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(loop_module, "STORE_RETRY_S", 0.001)
    store = RefusingStore()
    host = Host(store)
    async with host.hub(a_flow(a_node(), an_end()), hands=Hands(at_once=0)) as hub:
        for number in range(30):
            store.refusals = number % 3
            with suppress(StoreFailed):
                await started(hub)
        await until(lambda: not hub.loop.core.table.runs)
        await hub.loop.wait_idle()
        events = [s.record.event for s in await store.tail(0)]

    pended = sum(isinstance(e, RunPended) for e in events)
    assert pended >= 10
    assert sum(isinstance(e, RunEnded) for e in events) == pended
    assert sum(isinstance(e, NodeStarted) for e in events) == pended


def has_started(host: Host, count: int) -> bool:
    return len(host.hands.started) == count


def has_looked(host: Host, count: int) -> bool:
    return host.refs.looks == count


def live_nodes(hub: Hub, run: str) -> Sequence[str]:
    at = live(hub, run)
    return list(at.nodes) if at else []
