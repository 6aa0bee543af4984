"""Runs, flows and findings as API, CLI and feed show them: JSON shapes, made in one place."""

from collections.abc import Callable, Mapping
from typing import Any

from floe.kernel.graph import graph_of
from floe.kernel.inputs import visible
from floe.kernel.owed import wait_due
from floe.model.codec import encode, iso
from floe.model.errors import Finding
from floe.model.flow import Ask, Flow, Form, Node, Trigger, Wait
from floe.model.host import AsOf, Why
from floe.model.refs import Instant, RunRef
from floe.model.run import Attempt, NodeState, Run, Summary, summary_of

Shape = dict[str, Any]

Named = Callable[[RunRef], str]
"""What a run is called: `RunNames.of`."""


def summary_shape(row: Summary, named: Named) -> Shape:
    """A run in a list."""
    return {
        "id": named(RunRef.parse(row.key)),
        "key": row.key,
        "flow": row.flow,
        "ver": row.ver,
        "state": row.state,
        "phase": row.phase,
        "good": row.good,
        "why": row.why,
        "host": row.host,
        "adopted_by": row.adopted_by,
        "epoch": row.epoch,
        "seq": row.seq,
        "trigger": row.trigger,
        "by": row.by,
        "pended_at": iso(row.pended_at),
        "started_at": iso(row.started_at),
        "ended_at": iso(row.ended_at),
    }


def as_of_shape(as_of: AsOf) -> Shape:
    """How old a list is: when each other host was heard last, and which ones too long ago."""
    return {
        "as_of": {host: iso(at) for host, at in as_of.seen.items()},
        "stale": list(as_of.stale),
    }


def run_shape(run: Run, named: Named) -> Shape:
    """A run as a page shows it: its summary, values, graph, nodes and open forms."""
    flow = run.flow
    return {
        **summary_shape(summary_of(run), named),
        "values": dict(run.values),
        "workspace": run.workspace,
        "cancelled_by": run.cancelled_by,
        "standing": list(run.standing),
        "graph": graph_shape(flow) if flow else {"nodes": [], "edges": []},
        "nodes": [node_shape(run, node) for node in flow.nodes] if flow else [],
        "forms": open_forms(run),
    }


def open_forms(run: Run) -> list[Shape]:
    """The forms of a run that wait for somebody."""
    asking = [(id, run.nodes[id]) for id in run.nodes if id in run.open]
    return [
        {"node": id, **form_shape(state.work.form), "asked_at": iso(state.asked_at)}
        for id, state in asking
        if state.phase == "asking" and isinstance(state.work, Ask)
    ]


def node_shape(run: Run, node: Node) -> Shape:
    """A node of a run, whether it has entered or not."""
    state = run.nodes.get(node.id)
    shape: Shape = {
        "id": node.id,
        "ref": node.ref,
        "class": node.cls,
        "type": node.type,
        "name": node.name,
        "state": state_word(run, state),
    }
    if state is None:
        return shape
    outcome = state.outcome
    last = outcome or (state.attempts[-1].outcome if state.attempts else None)
    shape |= {
        "tag": state.tag,
        "good": state.good if state.tag else None,
        "status": last.status if last else None,
        "why": last.why if last else "",
        "attempt": state.attempt,
        "entered_at": iso(state.entered_at),
        "queued_at": iso(state.queued_at),
        "started_at": iso(state.started_at),
        "asked_at": iso(state.asked_at),
        "due": iso(state.due or wait_due(run, node.id)),
        "ended_at": iso(state.settled_at),
        "by": state.by,
        "output_bytes": state.output_bytes,
        "outputs": dict(state.outputs),
        "attempts": [attempt_shape(a) for a in state.attempts],
    }
    return shape


def node_change(before: Run | None, run: Run, node: Node) -> Shape:
    """What an event changed of a node, for the feed: a listener lays it over what it has.

    Left out, since the rest says it: an only attempt, and `queued_at` where it is `entered_at`.
    """
    old = {**_UNTOLD, **(node_shape(before, node) if before else {})}
    new = node_shape(run, node)
    if new.get("queued_at") == new.get("entered_at"):
        del new["queued_at"]
    if len(new["attempts"]) == 1:
        del new["attempts"]
    named = {"id": node.id, "ref": node.ref, "state": new["state"]}
    return named | {k: v for k, v in new.items() if k not in old or v != old[k]}


_UNTOLD: Mapping[str, object] = {
    "class": None,
    "type": None,
    "name": None,
    "tag": None,
    "good": None,
    "status": None,
    "why": "",
    "attempt": 1,
    "started_at": None,
    "asked_at": None,
    "due": None,
    "ended_at": None,
    "by": "",
    "output_bytes": 0,
    "outputs": {},
    "attempts": [],
}
"""What a listener takes a node to have while it was told nothing else."""


def node_page(run: Run, node: Node) -> Shape:
    """A node with what went in and the work it does."""
    state = run.nodes.get(node.id)
    return {
        **node_shape(run, node),
        "inputs": dict(visible(run, state.sources)) if state else {},
        "work": {"kind": type(node.work).__name__, **encode(state.work if state else node.work)},
    }


def state_word(run: Run, state: NodeState | None) -> str:
    """One word for a node's state."""
    if state is None:
        return "never" if run.state == "archive" else "waiting"
    if state.outcome is not None and state.phase == "settled":
        return state.outcome.result
    if isinstance(state.work, Wait):
        return "waiting"  # for its time, which no host does for it
    return _WORDS[state.phase]


_WORDS: Mapping[str, str] = {
    "entered": "queued",
    "started": "running",
    "asking": "asking",
    "armed": "retrying",
}


def attempt_shape(attempt: Attempt) -> Shape:
    """A finished attempt of a node."""
    return {
        "attempt": attempt.attempt,
        "result": attempt.outcome.result,
        "status": attempt.outcome.status,
        "why": attempt.outcome.why,
        "started_at": iso(attempt.started_at),
        "ended_at": iso(attempt.ended_at),
        "output_bytes": attempt.output_bytes,
    }


def flow_shape(flow: Flow) -> Shape:
    """A flow in a list; the server adds what the host knows of it."""
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
        "env": list(flow.env),
        "timeout_s": flow.timeout_s,
        "on_host_lost": flow.on_host_lost,
        "unheard_bad": flow.unheard_bad,
    }


def trigger_shape(trigger: Trigger, next_due: Instant | None, problem: str = "") -> Shape:
    """A trigger, when it is due next, and what is wrong with it now."""
    git = encode(trigger.git)
    return {
        "id": trigger.id,
        "type": trigger.type,
        "name": trigger.name,
        "form": form_shape(trigger.form) if trigger.type == "data" else None,
        "period_s": trigger.period_s if trigger.type in ("timer", "poll-git") else None,
        "cron": trigger.cron,
        "timezone": trigger.timezone,
        "next_due": iso(next_due),
        "problem": problem,
        "git": {k.replace("_", "-"): v for k, v in git.items() if k != "key_file"},
    }


def form_shape(form: Form) -> Shape:
    """A form and its fields."""
    return {
        "title": form.title,
        "fields": [
            {
                "id": f.id,
                "prompt": f.prompt,
                "type": f.type,
                "value": f.value,
                "required": f.required,
                "choices": list(f.choices),
            }
            for f in form.fields
        ],
    }


def graph_shape(flow: Flow) -> Shape:
    """A flow as a picture: nodes with their levels, edges with their tags."""
    graph = graph_of(flow)
    trigger = {"id": "trigger", "ref": "trigger", "class": "trigger", "type": "trigger"}
    return {
        "nodes": [
            {**trigger, "name": "trigger", "level": 0, "listen": [], "wait": []},
            *(
                {
                    "id": node.id,
                    "ref": node.ref,
                    "class": node.cls,
                    "type": node.type,
                    "name": node.name,
                    "level": graph.levels.get(node.id, 0),
                    "listen": sorted(node.heard),
                    "wait": [tag for clause in node.needs for tag in clause],
                    "timeout_s": node.timeout_s,
                    "retry_max": node.retry.max,
                }
                for node in flow.nodes
            ),
        ],
        "edges": [
            {"from": e.source or "trigger", "to": e.target, "tag": e.tag} for e in graph.edges
        ],
    }


def why_shape(run: Run, why: Why, named: Named) -> Shape:
    """The answer to `floe why`."""
    return {
        "run": named(run.ref),
        "state": run.state,
        "text": why.text,
        "hosts": [{"host": h, "reasons": list(r)} for h, r in why.hosts.items()],
        "waiting": [{"node": n, "for": list(w)} for n, w in why.waiting.items()],
        "never": [{"node": n, "tags": list(t)} for n, t in why.never.items()],
    }


def finding_shape(finding: Finding) -> Shape:
    """One finding in a document."""
    return {
        "file": finding.file,
        "line": finding.line,
        "col": finding.col,
        "level": finding.level,
        "what": finding.what,
        "hint": finding.hint,
    }
