"""Flows as JSON: in a list, on a page, and as a graph."""

from collections.abc import Sequence
from typing import Final

from floe.dialects.base import FlowText
from floe.expr.template import as_written
from floe.kernel.graph import graph_of
from floe.kernel.match import without_excused
from floe.model.codec import encode, iso
from floe.model.flow import Flow, MaxRuns, Trigger
from floe.model.ids import Instant, NodeId, Shape
from floe.model.start_form import form_of
from floe.model.tags import TRIGGER_GOOD
from floe.shapes.forms import form_shape
from floe.shapes.work import text_shape, work_shape

TRIGGERS_MAX: Final = 2
"""Triggers that the first node of a graph names."""


def flow_shape(flow: Flow) -> Shape:
    """A flow in a list; the server adds the flow's state at the host."""
    return {
        "id": flow.id,
        "ver": flow.ver,
        "name": flow.name,
        "host_tags": list(flow.host_tags),
        "resource_tags": list(flow.resource_tags),
        "reuse_space": flow.reuse_space,
        "flow_file": flow.flow_file,
        "triggers": [trigger_shape(t, None) for t in flow.triggers],
    }


def flow_page(flow: Flow) -> Shape:
    """A flow as its page shows it."""
    return {
        **flow_shape(flow),
        "graph": graph_shape(flow),
        "env": [*map(text_shape, flow.env)],
        "timeout_s": flow.timeout_s,
        "on_host_lost": flow.on_host_lost,
        "max_runs": max_runs_shape(flow.max_runs) if flow.max_runs else None,
        "unheard_bad": flow.unheard_bad,
    }


def definition_shape(flow: Flow, file: str, source: FlowText | None) -> Shape:
    """The work of a flow's nodes, and the flow as it is written in a file."""
    text = {"file": file, "line": source.line, "text": source.text} if source else None
    works = [{"ref": node.ref, "work": work_shape(node.work)} for node in flow.nodes]
    return {"works": works, "written": text}


def max_runs_shape(limit: MaxRuns) -> Shape:
    """The limit of a flow's runs; `per` as it is written."""
    per = as_written(limit.per) if limit.per else ""
    return {"limit": limit.limit, "per": per, "when_full": limit.when_full}


def trigger_shape(
    trigger: Trigger,
    next_due: Instant | None,
    problem: str = "",
    passed_over: Sequence[Shape] = (),
) -> Shape:
    """A trigger, its next due instant, its present problem, and the deliveries it passed over."""
    git = encode(trigger.git)
    return {
        "id": trigger.id,
        "type": trigger.type,
        "name": trigger.name,
        "form": form_shape(form_of(trigger)),
        "period_s": trigger.period_s if trigger.type in ("timer", "poll-git") else None,
        "cron": trigger.cron,
        "timezone": trigger.timezone,
        "next_due": iso(next_due),
        "problem": problem,
        "passed_over": list(passed_over),
        "git": {k.replace("_", "-"): v for k, v in git.items() if k != "key_file"},
    }


def graph_shape(flow: Flow) -> Shape:
    """A flow as a picture: nodes with their levels, edges with their tags."""
    graph = graph_of(flow)
    trigger = {"id": "trigger", "ref": "trigger", "class": "trigger", "type": "trigger"}
    return {
        "nodes": [
            {**trigger, "name": _triggers(flow), "level": 0, "listen": [], "wait": []},
            *(
                {
                    "id": node.id,
                    "ref": node.ref,
                    "class": node.cls,
                    "type": node.type,
                    "name": node.name,
                    "level": graph.levels.get(node.id, 0),
                    "listen": sorted(node.heard),
                    "wait": [tag for clause in node.needs for tag in without_excused(node, clause)],
                    "timeout_s": node.timeout_s,
                    "retry_max": node.retry.max,
                    **({"foreach": True} if node.foreach else {}),
                    **({"loop_max": node.loop} if node.loop else {}),
                    **({"repeat": encode(node.repeat)} if node.repeat else {}),
                }
                for node in flow.nodes
            ),
        ],
        "edges": [
            *({"from": "trigger", "to": id, "tag": TRIGGER_GOOD} for id in _first_nodes(flow)),
            *({"from": e.source or "trigger", "to": e.target, "tag": e.tag} for e in graph.edges),
        ],
    }


def _first_nodes(flow: Flow) -> list[NodeId]:
    """The nodes of a judged flow that wait for no other: they listen to no tag of the trigger."""
    return [node.id for node in flow.nodes if not node.needs] if flow.states is not None else []


def _triggers(flow: Flow) -> str:
    """The names of a flow's triggers, for the one node that stands for them."""
    names = [trigger.name or trigger.id for trigger in flow.triggers]
    more = len(names) - TRIGGERS_MAX
    return " or ".join(names[:TRIGGERS_MAX]) + (f" or {more} more" if more > 0 else "") or "trigger"
