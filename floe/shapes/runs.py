"""Runs as JSON: in a list, on a page, and the answer to `floe why`."""

from collections.abc import Callable

from floe.host.by_hand import is_by_hand
from floe.kernel.result import failed_nodes
from floe.model.codec import iso
from floe.model.host import AsOf
from floe.model.ids import RunRef, Shape
from floe.model.run import Run
from floe.model.secret import without_secrets
from floe.model.summary import Summary
from floe.model.why import Why
from floe.shapes.children import children_shape, parent_shape
from floe.shapes.flows import graph_shape
from floe.shapes.forms import about, open_forms
from floe.shapes.nodes import node_shape
from floe.shapes.passwords import without_passwords

Named = Callable[[RunRef], str]
"""Gives the name of a run: `RunNames.of`."""


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
        "result": row.result,
        "why": row.why,
        "title": row.title,
        "host": row.host,
        "adopted_by": row.adopted_by,
        "epoch": row.epoch,
        "seq": row.seq,
        "trigger": row.trigger,
        "by": row.by,
        "pended_at": iso(row.pended_at),
        "started_at": iso(row.started_at),
        "ended_at": iso(row.ended_at),
        "ran": row.ran,
        "skipped": row.skipped,
        "parent": parent_shape(row, named),
        "label": row.label,
        "active_at": iso(row.active_at),
        "due": iso(row.due),
    }


def as_of_shape(as_of: AsOf) -> Shape:
    """The age of a list of runs: the last message of each other host, and the stale ones."""
    return {
        "as_of": {host: iso(at) for host, at in as_of.seen.items()},
        "stale": list(as_of.stale),
    }


def run_shape(run: Run, row: Summary, named: Named, moved_to: str = "") -> Shape:
    """A run as a page shows it: its row, values, graph, nodes and open forms.

    `moved_to`: the name of the re-run that took its workspace.
    """
    flow = run.flow
    shape: Shape = {
        **summary_shape(row, named),
        "values": dict(run.values),
        "outputs": without_secrets(run.outputs),
        "about": about(run),
        "workspace": run.workspace,
        "passes": run.passes.number if run.passes else None,
        "moved_from": run.moved_from,
        "moved_to": moved_to,
        "by_hand": is_by_hand(run),
        "rerun_of": named(RunRef.parse(run.rerun_of.run)) if run.rerun_of else None,
        "children": children_shape(run, named),
        "cancelled_by": run.cancelled_by,
        "failed": list(failed_nodes(run, flow)) if flow else [],
        "standing": list(run.standing),
        "graph": graph_shape(flow) if flow else {"nodes": [], "edges": []},
        "nodes": [node_shape(run, node) for node in flow.nodes] if flow else [],
        "forms": open_forms(run),
    }
    return without_passwords(run, shape)


def why_shape(run: Run, why: Why, named: Named) -> Shape:
    """Why a run waits or ended, as `floe why` gets it."""
    shape: Shape = {
        "run": named(run.ref),
        "state": run.state,
        "text": why.text,
        "hosts": [{"host": h, "reasons": list(r)} for h, r in why.hosts.items()],
        "waiting": [{"node": n, "for": list(w)} for n, w in why.waiting.items()],
        "never": [{"node": n, "tags": list(s.tags), "why": s.why} for n, s in why.never.items()],
        "skipped": [{"node": n, "why": reason} for n, reason in why.skipped.items()],
    }
    return without_passwords(run, shape)
