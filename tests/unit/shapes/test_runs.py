"""Runs as JSON: with the names that their readers use, and without a flow that is not read."""

from floe.model.host import AsOf
from floe.model.ids import HostId, NodeId
from floe.model.summary import summary_of
from floe.model.why import Why
from floe.shapes.runs import as_of_shape, run_shape, summary_shape, why_shape
from tests.make import NOW, a_pending_run, a_run, attached


def test_run_has_the_name_that_the_caller_gives_and_keeps_its_key() -> None:
    run = a_run()

    shape = summary_shape(summary_of(run), lambda ref: f"{ref}@full")

    assert (shape["id"], shape["key"]) == (f"{run.ref}@full", run.ref.key)


def test_run_whose_flow_file_is_not_read_has_an_empty_graph() -> None:
    run = attached(a_pending_run(), None)
    shape = run_shape(run, summary_of(run), str)

    assert (shape["graph"], shape["nodes"]) == ({"nodes": [], "edges": []}, [])


def test_reasons_of_why_are_listed_by_host_and_by_node() -> None:
    why = Why(
        text="waits",
        hosts={HostId("h2"): ("lacks the tag gpu",)},
        waiting={NodeId("merge"): ("task.build.good",)},
    )

    shape = why_shape(a_pending_run(), why, str)

    assert shape["hosts"] == [{"host": "h2", "reasons": ["lacks the tag gpu"]}]
    assert shape["waiting"] == [{"node": "merge", "for": ["task.build.good"]}]


def test_age_of_a_list_names_hosts_that_are_stale() -> None:
    shape = as_of_shape(AsOf(seen={HostId("h2"): NOW}, stale=(HostId("h2"),)))

    assert (list(shape["as_of"]), shape["stale"]) == (["h2"], ["h2"])
