"""The flows that simulated clusters run: each kind of exclusive tag, merges, retries, forms,
conditions, items, repetitions and loops."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from floe.kernel.skipping import with_excuses
from floe.model.children import SubFlow
from floe.model.codec import digest_of
from floe.model.flow import Backoff, Flow, Foreach, MaxRuns, Node, Repeat, Retry, Trigger
from floe.model.ids import FlowId, NodeId
from tests.make import a_flow, a_form, a_merge, a_node, a_timer, an_end


@dataclass(frozen=True, slots=True)
class Kind:
    """A flow and how often it is triggered beside the others."""

    flow: Flow
    weight: int


def _flow(id: str, *nodes: Node, **others: Any) -> Flow:
    return a_flow(*(nodes or (a_node(), an_end())), id=FlowId(id), name=id, **others)


def _trigger(**others: Any) -> Trigger:
    return Trigger(id=NodeId("start"), type="data", name="start", **others)


_QUICK = Retry(max=2, backoff=Backoff(first_s=0.1, factor=2.0, max_s=1.0))


def _release(id: str, work: SubFlow, timeout_s: float | None = None, **others: Any) -> Flow:
    """A flow that builds, and then runs a flow as a child."""
    go = a_node("go", work, on="task.build.good", timeout_s=timeout_s)
    return _flow(id, a_node(), go, an_end(on="task.go.good"), **others)


_LINUX: Final[dict[str, Any]] = {"host_tags": ("linux",)}


def _resting(id: str, form: Node, **others: Any) -> Flow:
    """A flow that waits for a person, and then runs a command."""
    ship = a_node("ship", on="task.sign-off.good", ignore_fail=True)
    return _flow(id, form, ship, an_end(on="task.ship.good"), **_LINUX, **others)


MOVING_FLOWS: Final = ("approve", "agree", "sleep")
"""Flows whose runs move."""

KINDS: Final = (
    Kind(_flow("plain"), 4),
    Kind(
        _flow(
            "chain",
            a_node("build", retry=_QUICK, on_lost="retry"),
            a_node("test", on="task.build.good"),
            an_end(on="task.test.good"),
        ),
        2,
    ),
    Kind(
        _flow(
            "fan",
            a_node("left"),
            a_node("right", ignore_fail=True),
            a_merge("both", ["task.left.good", "task.right.good"]),
            an_end(on="merge.both.good"),
        ),
        2,
    ),
    Kind(_flow("linux", host_tags=("linux",)), 3),
    Kind(_flow("arm", host_tags=("arm",), resource_tags=("db",)), 2),
    Kind(_flow("db", resource_tags=("db",)), 4),
    Kind(_flow("lab", resource_tags=("db", "lab"), on_host_lost="restart"), 3),
    Kind(_flow("nic", resource_tags=("host:nic",)), 3),
    Kind(_flow("space", reuse_space=True), 3),
    Kind(_flow("all", host_tags=("linux",), resource_tags=("lab", "host:nic")), 2),
    Kind(_flow("again", on_host_lost="restart"), 3),
    Kind(
        _flow(
            "sign",
            a_form(timeout_s=3.0),
            a_node("ship", on="task.sign-off.good"),
            an_end(on="task.ship.good"),
            resource_tags=("lab",),
        ),
        1,
    ),
    Kind(_flow("pause", a_timer("rest", 0.4), an_end(on="task.rest.good"), timeout_s=2.0), 1),
    Kind(
        _flow(
            "retest",
            a_merge("round", ["trigger.good", "task.unit.bad", "task.lint.bad"], "any", loop=3),
            a_node("unit", on="merge.round.good"),
            a_node("lint", on="merge.round.good"),
            a_merge("both", ["task.unit.good", "task.lint.good"]),
            an_end(on="merge.both.good"),
        ),
        1,
    ),
    Kind(
        _flow(
            "health",
            a_node("up", repeat=Repeat(until="status == 0", every_s=0.2, max=3), on_lost="retry"),
            an_end(on="task.up.good"),
        ),
        1,
    ),
    Kind(_flow("file"), 2),
    Kind(_flow("moon", host_tags=("moon",)), 1),
    Kind(_flow("pair", max_runs=MaxRuns(limit=2), on_host_lost="restart"), 2),
    Kind(_flow("skip", max_runs=MaxRuns(limit=1, when_full="skip")), 1),
    Kind(_flow("newest", max_runs=MaxRuns(limit=1, when_full="cancel-older")), 2),
    Kind(
        _flow(
            "items",
            a_node(
                "test",
                foreach=Foreach(values=("eu", "us", "ap"), parallel=2),
                retry=_QUICK,
                on_lost="retry",
            ),
            an_end(on="task.test.good"),
            on_host_lost="restart",
        ),
        1,
    ),
    Kind(
        _flow(
            "choose",
            *with_excuses(
                [
                    a_node("unit"),
                    a_node("lint", condition="values.n % 3 == 0"),
                    a_node("scan", on="task.lint.good"),
                    a_merge("tests", ["task.unit.good", "task.scan.good"]),
                    a_node("ship", on="merge.tests.good", condition="values.n % 2 == 0"),
                    a_node("undo", on="task.ship.bad", condition="task.ship.status != 0"),
                    a_node("save", on="task.undo.good", ignore_fail=True),
                    a_merge("all", ["task.ship.good", "task.scan.good"]),
                    an_end(on="merge.all.good"),
                ]
            ),
            on_host_lost="restart",
        ),
        1,
    ),
    Kind(_flow("gate", triggers=(_trigger(condition="values.n % 2 == 0"),)), 1),
    Kind(
        _flow(
            "fleet",
            a_merge("round", ["trigger.good", "task.probe.bad"], "any", loop=2),
            a_node(
                "patch",
                on="merge.round.good",
                foreach=Foreach(values=("h1", "h2", "h3"), parallel=1, on_item_bad="stop"),
            ),
            a_node(
                "probe",
                on="task.patch.good",
                repeat=Repeat(until="status == 0", every_s=0.1, max=2),
            ),
            a_node("page", on="task.patch.bad", condition="values.n % 2 == 1"),
            an_end(on="task.probe.good"),
            unheard_bad="hold",
        ),
        1,
    ),
    Kind(_release("release", SubFlow(flow="plain")), 1),
    Kind(_release("far", SubFlow(flow="linux")), 1),
    Kind(_release("nested", SubFlow(flow="release"), timeout_s=4.0), 1),
    Kind(_release("free", SubFlow(flow="fan", wait=False)), 1),
    Kind(
        _flow(
            "spread",
            a_node(
                "go",
                SubFlow(flow="plain"),
                foreach=Foreach(values=("a", "b", "c"), parallel=2),
                retry=_QUICK,
            ),
            an_end(on="task.go.good"),
        ),
        1,
    ),
    Kind(_release("held", SubFlow(flow="db"), resource_tags=("db",)), 1),
    Kind(_release("redo", SubFlow(flow="linux"), on_host_lost="restart"), 1),
    Kind(_resting("approve", a_form(timeout_s=4.0), on_host_lost="restart"), 2),
    Kind(_resting("agree", a_form(timeout_s=4.0)), 2),
    Kind(_flow("sleep", a_timer("rest", 1.5), a_form(on="task.rest.good"), **_LINUX), 2),
)
"""`moon` asks for a tag that no host has; `file` is read from a flow-file first."""

NOBODY: Final = FlowId("moon")
"""Waits for ever, and says so."""

FLOWS: Final[Mapping[str, Flow]] = {digest_of(k.flow): k.flow for k in KINDS}
"""Every compiled flow by its digest."""

DIGESTS: Final[Mapping[FlowId, str]] = {flow.id: digest for digest, flow in FLOWS.items()}

FLOW_FILES: Final[Mapping[FlowId, Flow]] = {
    FlowId("file"): a_flow(id=FlowId("file"), name="file", flow_file="flow.yml")
}
"""What the config says of flows whose nodes are still to be read."""

SPREAD: Final = FlowId("spread")
"""Has a child for each item."""

REDO: Final = FlowId("redo")
"""Has a child, and starts again when its host is lost."""

CHILD_FLOWS: Final = tuple(
    kind.flow.id for kind in KINDS if any(isinstance(n.work, SubFlow) for n in kind.flow.nodes)
)
"""Flows with child runs."""
