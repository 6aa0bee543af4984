"""The metrics of a host, for Prometheus.

Written by hand: a dozen gauges need no registry, and prometheus_client takes longer to import than
the rest of the server.

Source: Prometheus docs, "Text-based format".
"""

from collections.abc import Iterator, Mapping
from typing import Final

from aiohttp import web

import floe
from floe.hub.hub import Hub
from floe.model.run import Phase
from floe.server.app_keys import HUB
from floe.server.fields import query

PHASES: Final[tuple[Phase, ...]] = (
    "reading",
    "pending",
    "granted",
    "active",
    "resting",
    "ending",
    "ended",
)
"""Of a run that is not archived."""


async def index(request: web.Request) -> web.Response:
    """All metrics, as gauges."""
    query(request).done()
    text = "".join(f"{line}\n" for line in _lines(request.app[HUB]))
    headers = {"Content-Type": "text/plain; version=0.0.4; charset=utf-8"}
    return web.Response(body=text.encode(), headers=headers)


def _lines(hub: Hub) -> Iterator[str]:
    counts = hub.reads.counts()
    labels = _labels(version=floe.__version__, host=hub.reads.host)
    yield from _gauge("floe_info", "Version and host.", {labels: 1})
    yield from _gauge(
        "floe_runs",
        "Runs that are not archived, by phase.",
        {_labels(phase=phase): counts.runs[phase] for phase in PHASES},
    )
    yield from _gauge("floe_slots", "Runs this host executes at once.", {"": counts.slots})
    yield from _gauge(
        "floe_commands",
        "Attempts that run, and that wait for a free slot.",
        {
            _labels(state="running"): counts.running,
            _labels(state="waiting"): counts.waiting,
        },
    )
    evaluators = counts.evaluators
    yield from _gauge(
        "floe_evaluators",
        "Processes that judge runs: at most, running, and killed since the start.",
        {
            _labels(state="most"): evaluators.most,
            _labels(state="running"): evaluators.running,
            _labels(state="killed"): evaluators.killed,
        },
    )
    yield from _gauge(
        "floe_judgements", "Judgements under way or waiting.", {"": evaluators.waiting}
    )
    inbox = hub.inbox
    yield from _gauge(
        "floe_outside_events", "Outside events that wait for their runs.", {"": inbox.waiting}
    )
    yield from _gauge("floe_inbox", "Inputs that wait for the writer.", {"": counts.inbox})
    yield from _gauge("floe_feed_clients", "Listeners of the feed.", {"": counts.listeners})
    yield from _gauge("floe_events", "Position of the newest event.", {"": counts.events})
    yield from _gauge("floe_flows", "Flows in the config.", {"": counts.flows})
    yield from _gauge("floe_pruned_runs", "Runs removed since the start.", {"": counts.pruned})
    if use := counts.disk:
        yield from _gauge(
            "floe_disk_bytes",
            "What the host's files take, at the last look.",
            {
                _labels(of="workspaces"): use.workspaces,
                _labels(of="outputs"): use.outputs,
                _labels(of="store"): use.store,
            },
        )
    yield from _gauge("floe_uptime_seconds", "Since the host was started.", {"": counts.up_s})


def _gauge(name: str, what: str, values: Mapping[str, float]) -> Iterator[str]:
    yield f"# HELP {name} {what}"
    yield f"# TYPE {name} gauge"
    for labels, value in values.items():
        yield f"{name}{labels} {value:g}" if value < 1e6 else f"{name}{labels} {value!r}"


def _labels(**labels: str) -> str:
    inside = ",".join(f'{k}="{_escaped(v)}"' for k, v in labels.items())
    return f"{{{inside}}}"


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
