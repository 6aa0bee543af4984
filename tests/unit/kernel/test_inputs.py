"""What outputs cost on their way, and what a re-run of a changed flow makes of them."""

from dataclasses import replace

from floe.kernel.inputs import givers_of, inputs_of
from floe.kernel.rerun import RerunChoice, rerun_of
from floe.model.flow import Flow
from floe.model.ids import NodeId
from floe.model.run import Run
from floe.model.signal import Activate, Exited, Reported
from tests.make import (
    H1,
    NOW,
    WORKSPACE,
    a_flow,
    a_merge,
    a_node,
    a_pending_run,
    a_run,
    after,
    exited,
    the_key,
)

LENGTH = 64


def a_chain() -> Flow:
    ids = [f"n{number}" for number in range(LENGTH)]
    tags = ["trigger.good", *(f"task.{id}.good" for id in ids)]
    return a_flow(*(a_node(id, on=tag) for id, tag in zip(ids, tags, strict=False)))


def after_chain(name: str) -> Run:
    """The run before its last node ends; each has an output, `{}` in its name is its number."""
    run = a_run(a_chain())
    for number in range(LENGTH - 1):
        report = Exited(status=0, outputs={name.format(number): "u"})
        run = after(run, Reported(key=the_key(run, f"n{number}"), report=report, at=NOW))
    return run


def test_nodes_that_output_nothing_pass_on_the_same_layers() -> None:
    run = a_run(a_chain())
    built = after(run, exited(run, "n0", url="u"))

    run = after(built, exited(built, "n1"))

    assert run.nodes[NodeId("n2")].seen is run.nodes[NodeId("n1")].seen


def test_equal_names_stay_one_layer_however_long_the_run_is() -> None:
    (layer,) = after_chain("url").nodes[NodeId(f"n{LENGTH - 1}")].seen

    assert list(layer) == ["url"]


def test_new_names_at_every_node_make_few_layers() -> None:
    last = after_chain("url{}").nodes[NodeId(f"n{LENGTH - 1}")]

    assert len(last.seen) <= LENGTH.bit_length()
    assert sum(map(len, last.seen)) == LENGTH - 1


def test_node_that_a_later_flow_lacks_gives_nothing() -> None:
    flow = a_flow(
        a_node("build"),
        a_node("check"),
        a_merge("both", ["task.build.good", "task.check.good"]),
        a_node("ship", on="merge.both.good"),
    )
    old = a_run(flow)
    old = after(old, exited(old, "build", url="u"), exited(old, "check", state="ok"))
    old = after(old, exited(old, "ship"))
    later = replace(flow, nodes=tuple(n for n in flow.nodes if n.id != "build"))
    rerun = rerun_of(old, later, RerunChoice(kind="from", node=NodeId("ship")))

    pending = replace(a_pending_run(later), taken=rerun.taken)
    run = after(pending, Activate(host=H1, epoch=1, workspace=WORKSPACE))

    both, ship = run.nodes[NodeId("both")], run.nodes[NodeId("ship")]
    assert inputs_of(run, both) == {"state": "ok"}
    assert inputs_of(run, ship) == {"state": "ok", "url": "u"}
    assert givers_of(run, ship) == {"state": "check", "url": "both"}
