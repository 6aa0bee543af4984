"""The removal of what is not kept, by a hub with a store and folders."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from floe.host.removal import SWEEP
from floe.host.rerun_plan import RerunRequest
from floe.host.retention import LOOK_S, Wanted
from floe.hub.attempts.attempt_outputs import OutputSettings
from floe.hub.ended import pruning
from floe.hub.hub import Hub
from floe.model.errors import NotFound, Removed
from floe.model.ids import FlowId
from floe.model.keep import Keep
from floe.nodes.base import Space
from floe.nodes.space_sizes import MeasuredSpaces
from floe.nodes.workspaces import Workspaces
from floe.store.base import Batch, LedgerWrite, RunQuery
from floe.store.memory import MemoryStore
from tests.hands import HandClock, Hands, a_hub, over, settled, until
from tests.make import a_flow, a_node, an_end

FLOW = a_flow(a_node("build"), an_end(on="task.build.good"))
KEEP_ONE = Keep(runs=1)


class Disk:
    """The folders of a host that outlive its hub, and its store."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.store = MemoryStore()
        self.clock = HandClock()
        self.spaces = Workspaces(root)

    @asynccontextmanager
    async def hub(self, **others: Any) -> AsyncIterator[Hub]:
        made: dict[str, Any] = {
            "hands": Hands(),
            "store": self.store,
            "clock": self.clock,
            "attempts": OutputSettings(root=self.root),
            "spaces": self.spaces,
            "space_sizes": MeasuredSpaces(self.spaces),
        }
        async with a_hub(FLOW, **(made | others)) as hub:
            yield hub

    def output(self, run: str) -> Path:
        return self.root / "runs" / run

    def space(self, run: str) -> Path:
        return self.spaces.path(Space("flow", run))


@pytest.fixture
def disk(tmp_path: Path) -> Disk:
    return Disk(tmp_path)


async def an_ended(hub: Hub, disk: Disk, hands: Hands, once: str = "") -> str:
    """A run that ended good and left a file of output and a workspace; its key."""
    run = (await hub.trigger("flow", values={}, by="alice", once=once)).row
    await settled(hub)
    hands.exit("build")
    await until(over(hub, run.id))
    await settled(hub)
    disk.output(run.key).mkdir(parents=True)
    (disk.output(run.key) / "build.1.1.log").write_text("built\n")
    disk.spaces._own()
    disk.space(run.key).mkdir(parents=True)
    (disk.space(run.key) / "built").write_text("x" * 5000)
    disk.clock.slip(1)
    return run.key


async def ended(hub: Hub, disk: Disk, hands: Hands, count: int) -> Sequence[str]:
    return [await an_ended(hub, disk, hands) for _ in range(count)]


async def test_a_run_goes_with_its_log_row_output_and_workspace(disk: Disk) -> None:
    hands = Hands()
    async with disk.hub(hands=hands, keep=KEEP_ONE) as hub:
        old, new = await ended(hub, disk, hands, 2)
        with capture_logs() as logs:
            await hub.pruning.prune(Wanted())
        await settled(hub)

        with pytest.raises(Removed, match="only the newest run of flow is kept"):
            await hub.reads.run(old)
        assert (await hub.reads.run(new)).good
        assert await disk.store.ledger(SWEEP) == {}

    kept = [path.exists() for run in (old, new) for path in (disk.output(run), disk.space(run))]
    assert kept == [False, False, True, True]
    assert [line["runs"] for line in logs if line["event"] == "runs.pruned"] == [1]


async def test_request_that_is_repeated_after_the_removal_of_its_run_starts_nothing(
    disk: Disk,
) -> None:
    hands = Hands()
    async with disk.hub(hands=hands, keep=KEEP_ONE) as hub:
        await an_ended(hub, disk, hands, once="delivery-1")
        await an_ended(hub, disk, hands)
        await hub.pruning.prune(Wanted())
        await settled(hub)

    async with disk.hub(hands=hands, keep=KEEP_ONE) as hub:
        with pytest.raises(Removed, match="only the newest run of flow is kept"):
            await hub.trigger("flow", values={}, by="alice", once="delivery-1")
        assert len((await hub.reads.runs(RunQuery())).runs) == 1


async def test_a_dry_run_removes_nothing(disk: Disk) -> None:
    hands = Hands()
    async with disk.hub(hands=hands, keep=KEEP_ONE) as hub:
        old, _ = await ended(hub, disk, hands, 2)

        found = await hub.reads.prunable(Wanted())

        assert (found.runs, found.workspaces) == (1, 1)
        assert [key for key, _ in found.some] == [old]
        assert (await hub.reads.run(old)).good


async def test_limits_of_a_request_replace_those_of_the_config(disk: Disk) -> None:
    hands = Hands()
    async with disk.hub(hands=hands) as hub:
        await ended(hub, disk, hands, 3)

        found = await hub.reads.prunable(Wanted(flow=FlowId("flow"), keep=Keep(runs=1)))

    assert found.runs == 2


async def test_the_flow_in_the_config_overrides_the_host(disk: Disk) -> None:
    hands = Hands()
    async with disk.hub(hands=hands, keep=KEEP_ONE) as hub:
        await ended(hub, disk, hands, 3)
        flow = a_flow(*FLOW.nodes, keep=Keep(runs=2))
        hub.flows.book = type(hub.flows.book)(flows=(flow,))

        assert (await hub.reads.prunable(Wanted())).runs == 1


async def test_active_runs_stay(disk: Disk) -> None:
    async with disk.hub(keep=Keep(age_s=1)) as hub:
        run = (await hub.trigger("flow", values={}, by="alice")).row.key
        await settled(hub)
        disk.clock.slip(9)

        assert (await hub.pruning.prune(Wanted())).runs == 0
        assert (await hub.reads.run(run)).state == "active"


async def test_a_run_that_owes_a_notice_stays(disk: Disk) -> None:
    hands = Hands()
    async with disk.hub(hands=hands, keep=KEEP_ONE) as hub:
        old, _ = await ended(hub, disk, hands, 2)
        owed = LedgerWrite(kind="notices", key=old, value={})
        await disk.store.append(Batch(ledger=(owed,)))

        assert (await hub.reads.prunable(Wanted())).runs == 0


async def test_a_run_stays_while_a_run_that_repeats_it_does(disk: Disk) -> None:
    hands = Hands()
    async with disk.hub(hands=hands, keep=Keep(age_s=5)) as hub:
        old = await an_ended(hub, disk, hands)
        disk.clock.slip(9)
        await hub.rerun(old, RerunRequest(values={}), by="bob")
        await settled(hub)

        assert (await hub.pruning.prune(Wanted())).runs == 0
        hands.exit("build")
        await until(lambda: not hub.loop.core.table.runs)
        await settled(hub)
        assert (await hub.pruning.prune(Wanted())).runs == 0

        disk.clock.slip(9)
        assert (await hub.pruning.prune(Wanted())).runs == 1  # the run that repeats
        assert (await hub.pruning.prune(Wanted())).runs == 1


async def test_only_the_workspace_of_a_good_run_goes(disk: Disk) -> None:
    hands = Hands()
    async with disk.hub(hands=hands, keep=Keep(workspaces="failed")) as hub:
        run = await an_ended(hub, disk, hands)
        disk.clock.slip(LOOK_S + 1)

        found = await hub.pruning.prune(Wanted())

        assert (found.runs, found.workspaces) == (0, 1)
        assert (await hub.reads.run(run)).good
    assert not disk.space(run).exists()
    assert disk.output(run).exists()


async def test_files_that_an_earlier_process_left_are_deleted_at_the_start(
    disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pruning, "START_S", 0)
    hands = Hands()
    async with disk.hub(hands=hands) as hub:
        run = await an_ended(hub, disk, hands)
    note = LedgerWrite(kind=SWEEP, key=run, value="flow")
    await disk.store.open()
    await disk.store.append(Batch(ledger=(note,)))

    async with disk.hub():
        await until(lambda: not disk.store._ledger[SWEEP])

    assert not disk.output(run).exists()
    assert not disk.space(run).exists()


async def test_a_number_that_was_never_given_is_not_found(disk: Disk) -> None:
    async with disk.hub() as hub:
        with pytest.raises(NotFound):
            await hub.reads.run("h1-1")


async def test_a_run_whose_removal_is_forgotten_is_still_known_to_be_removed(disk: Disk) -> None:
    hands = Hands()
    async with disk.hub(hands=hands, keep=KEEP_ONE) as hub:
        old, _ = await ended(hub, disk, hands, 2)
        await hub.pruning.prune(Wanted())
        disk.store._pruned.clear()

        with pytest.raises(Removed, match="no longer known"):
            await hub.reads.run(old)


async def test_a_stored_flow_goes_with_the_last_run_that_needs_it(disk: Disk) -> None:
    hands = Hands()
    async with disk.hub(hands=hands) as hub:
        await an_ended(hub, disk, hands)
    await disk.store.open()
    unused = LedgerWrite(kind="flow", key="sha256:old", value={"id": "flow"})
    await disk.store.append(Batch(ledger=(unused,)))

    async with disk.hub() as hub:
        await hub.pruning.prune(Wanted())
        await settled(hub)

        assert list(await disk.store.ledger("flow")) == list(hub.flows.book.digests.values())


async def test_disk_use_is_measured(disk: Disk) -> None:
    hands = Hands()
    async with disk.hub(hands=hands) as hub:
        assert hub.reads.about()["disk"] is None
        await an_ended(hub, disk, hands)
        await hub.pruning.prune(Wanted())

        use = hub.reads.counts().disk

    assert use is not None
    assert use.workspaces >= 5000


async def test_a_request_is_answered_when_all_is_removed(
    disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pruning, "ASKED_S", 60.0)
    hands = Hands()
    async with disk.hub(hands=hands, keep=KEEP_ONE) as hub:
        old, _ = await ended(hub, disk, hands, 2)

        assert await hub.prune(Wanted())
        with pytest.raises(Removed):
            await hub.reads.run(old)
