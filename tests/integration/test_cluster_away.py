"""What a host still says of one that is away: what that host sent last, with its age."""

import asyncio

from tests.integration.test_cluster_feed import Cluster, cluster, shown, whole_run
from tests.make_server import DEADLINE_S, Site

__all__ = ["cluster"]  # a fixture


async def forms(site: Site, wanted: list[tuple[str, bool]]) -> list[str]:
    """The hosts that are away, once the open forms are as wanted: runs, and whether each is old."""
    async with asyncio.timeout(DEADLINE_S):
        while True:
            _, shape = await site.get("forms")
            if [(one["run"]["id"], "as_of" in one) for one in shape["forms"]] == wanted:
                assert shape["count"] == len(wanted)
                return list(shape["away"])


async def asked(cluster: Cluster) -> str:
    """A run at h3 whose form and row h1 knows."""
    run = await whole_run(cluster, "h3", "h3")
    await shown(cluster.sites["h1"], {run: "h3"})
    await forms(cluster.sites["h1"], [(run, False)])
    return run


async def test_form_of_a_host_that_is_away_stays_listed_with_its_age(cluster: Cluster) -> None:
    run = await asked(cluster)

    await cluster.stop("h3")

    assert await forms(cluster.sites["h1"], [(run, True)]) == ["h3"]


async def test_form_of_a_host_that_is_away_goes_with_the_end_of_its_run(cluster: Cluster) -> None:
    run = await asked(cluster)
    await cluster.sites["h3"].post(f"runs/{run}/cancel", {})
    await shown(cluster.sites["h1"], {})

    await cluster.stop("h3")

    assert await forms(cluster.sites["h1"], []) == ["h3"]


async def test_run_of_a_host_that_is_away_has_the_graph_of_its_flow(cluster: Cluster) -> None:
    run = await asked(cluster)

    await cluster.stop("h3")
    status, shape = await cluster.sites["h1"].get(f"runs/{run}")

    assert (status, shape["host"], shape["run"]["id"]) == (503, "h3", run)
    assert [node["id"] for node in shape["graph"]["nodes"]][:2] == ["trigger", "build"]
    assert "events" not in shape  # none of them is here
