"""Questions about hosts: why one takes no run, and its figures."""

from tests.hands import Hands, a_hub, settled
from tests.make import a_flow, a_node, an_end

FLOW = a_flow(a_node("build"), an_end(on="task.build.good"))


async def test_draining_host_gives_that_as_the_reason() -> None:
    async with a_hub(FLOW) as hub:
        before = hub.reads.refusal()
        await hub.drain(on=True)
        after = hub.reads.refusal()

    assert (before, after) == ("", "draining: it takes no new runs")


async def test_counts_have_runs_by_phase_and_attempts_under_way() -> None:
    async with a_hub(FLOW, hands=Hands()) as hub:
        await hub.trigger("flow", values={}, by="alice")
        await settled(hub)
        counts = hub.reads.counts()

    assert (dict(counts.runs), counts.flows) == ({"active": 1}, 1)


async def test_host_alone_has_no_others_and_no_problem() -> None:
    async with a_hub(FLOW) as hub:
        assert (hub.reads.others(), hub.reads.fleet().problems()) == ([], {hub.reads.host: []})


async def test_figures_for_other_hosts_name_what_is_pending() -> None:
    async with a_hub(a_flow(host_tags=("gpu",))) as hub:
        await hub.trigger("flow", values={}, by="alice")
        await settled(hub)

        assert hub.reads.about()["pending"] == 1
