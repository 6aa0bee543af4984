"""The hosts of a cluster as people see them: this one, those it heard, those it cannot reach."""

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from floe.host.peers.members import Member
from floe.hub.problems import flows_of, notes, problems
from floe.model.codec import iso
from floe.model.errors import NotFound
from floe.model.flow import Flow
from floe.model.refs import Instant, Json
from floe.peers.base import Seen
from floe.shapes.views import finding_shape

if TYPE_CHECKING:
    from floe.hub.hub import Hub

Shape = dict[str, Any]

FINDINGS_MAX: Final = 20
"""Findings of its config that a host tells others."""


def about(hub: "Hub") -> Mapping[str, Json]:
    """What a host says of itself to people, everywhere the same."""
    book, limit = hub.book, hub.acts.limit()
    return {
        "version": hub.parts.version,
        "started_at": iso(hub.started_at),
        "pending": len(hub.loop.core.table.pends),
        "load": round(os.getloadavg()[0], 2),
        "cpus": os.cpu_count() or 1,
        "commands": hub.parts.acts.commands,
        "commands_at_once": limit.count if limit else hub.parts.acts.commands,
        "commands_why": limit.why if limit else "",
        "running": hub.acts.running(),
        "waiting": len(hub.acts.waiting()),
        "config": {
            "path": book.path,
            "digest": book.digest,
            "loaded_at": iso(book.loaded_at),
            "findings": [finding_shape(f) for f in book.findings[:FINDINGS_MAX]],
        },
        "flows": dict(book.bodies),
        "common": dict(book.common),
    }


def host_shapes(hub: "Hub") -> list[Shape]:
    """All hosts by id, this one first, then the URLs that nobody ever answered at."""
    now = hub.clock.now()
    own = about(hub)
    cluster = hub.loop.core.cluster
    seen = hub.parts.peers.seen() if hub.parts.peers else ()
    said = problems(hub)
    troubles = (*hub.machine.troubles(), *said.get(hub.host.id, ()))
    shapes = [_own_shape(hub, own, now, troubles)]
    if cluster is not None:
        for member in cluster.members.lives():
            at = next((s for s in seen if s.host == member.id), None)
            shapes.append(_shape(hub, member, at, list(said[member.id])))
    known = {shape["id"] for shape in shapes}
    shapes += [_unknown(one) for one in seen if not one.is_self and one.host not in known]
    noted = notes(hub)
    return [{**shape, "notes": list(noted.get(shape["id"], ()))} for shape in shapes]


def flow_of(hub: "Hub", name: str) -> Flow:
    """A flow of this host by `id` or `id@ver`. Raises NotFound, which names a host that has it."""
    try:
        return hub.book.find(name)
    except NotFound:
        cluster = hub.loop.core.cluster
        members = sorted(cluster.members.lives(), key=lambda m: m.stale) if cluster else ()
        flows = flows_of(hub)
        has = [m.id for m in members if any(name in (k, k.partition("@")[0]) for k in flows[m.id])]
        if not has:
            raise
    seen = hub.parts.peers.seen() if hub.parts.peers else ()
    url = next((f": FLOE_URL={one.url}" for one in seen if one.host == has[0] and one.url), "")
    raise NotFound(f"no flow {name[:80]!r} at {hub.host.id}", f"{has[0]} has it, ask there{url}")


def _own_shape(hub: "Hub", own: Mapping[str, Json], now: Instant, problems: Sequence[str]) -> Shape:
    view = hub.view()
    cluster = hub.loop.core.cluster
    return {
        "id": view.id,
        "store": view.store,
        "self": True,
        "keeper": cluster is None or hub.host.keeper == view.id,
        "tags": sorted(view.tags),
        "slots": view.slots,
        "active": view.active,
        "draining": view.draining,
        "seen_at": iso(now),
        "clock_offset_ms": 0,
        "problems": list(problems),
        **_public(own),
    }


def _shape(hub: "Hub", member: Member, at: Seen | None, problems: list[str]) -> Shape:
    if at is not None and at.problem:
        problems.append(at.problem)
    return {
        "id": member.id,
        "store": member.store,
        "self": False,
        "keeper": hub.host.keeper == member.id,
        "tags": sorted(member.tags),
        "slots": member.slots,
        "active": member.active,
        "draining": member.draining,
        "seen_at": iso(member.seen_at),
        "clock_offset_ms": member.skew_ms,
        "problems": problems,
        "url": at.url if at else "",
        **_public(member.about),
    }


def _unknown(one: Seen) -> Shape:
    return {
        "id": one.host or "",
        "store": one.store or "",
        "self": False,
        "keeper": False,
        "tags": [],
        "slots": 0,
        "active": 0,
        "draining": False,
        "seen_at": iso(one.heard_at),
        "clock_offset_ms": 0,
        "problems": [one.problem] if one.problem else ["has not answered yet"],
        "url": one.url or one.caller,
        **_NOTHING,
    }


def _public(told: Mapping[str, Json]) -> Shape:
    configured = told.get("commands", 0)  # which an earlier floe does not tell apart
    known = {**_NOTHING, "commands_at_once": configured, **told}
    return {name: known[name] for name in _NOTHING}


_NOTHING: Final[Mapping[str, Json]] = {
    "version": "",
    "started_at": None,
    "pending": 0,
    "load": 0.0,
    "cpus": 0,
    "commands": 0,
    "commands_at_once": 0,
    "commands_why": "",
    "running": 0,
    "waiting": 0,
    "config": {"path": "", "digest": "", "loaded_at": None, "findings": []},
}
"""What is said of a host that has said nothing."""
