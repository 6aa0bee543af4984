"""Hosts as JSON: this host, the other hosts, and the URLs that no host ever answered at."""

from collections.abc import Mapping, Sequence
from typing import Final

from floe.host.peers.member import Member
from floe.model.codec import iso
from floe.model.ids import Json, Shape
from floe.peers.base import Seen
from floe.shapes.fleet import Fleet


def host_shapes(fleet: Fleet) -> list[Shape]:
    """This host, the others by id, then the URLs that no host ever answered at."""
    problems = fleet.problems()
    own = (*fleet.troubles, *problems[fleet.host.id])
    shapes = [_own_shape(fleet, own)]
    for member in fleet.members:
        at = next((one for one in fleet.seen if one.host == member.id), None)
        connection = [at.problem] if at is not None and at.problem else []
        shapes.append(_shape(fleet, member, at, [*problems[member.id], *connection]))
    known = {shape["id"] for shape in shapes}
    shapes += [_unknown(one) for one in fleet.seen if not one.is_self and one.host not in known]
    notes = fleet.notes()
    return [{**shape, "notes": list(notes.get(shape["id"], ()))} for shape in shapes]


def _own_shape(fleet: Fleet, problems: Sequence[str]) -> Shape:
    view = fleet.view
    return {
        "id": view.id,
        "store": view.store,
        "self": True,
        "keeper": not fleet.host.peers or fleet.host.keeper == view.id,
        "tags": sorted(view.tags),
        "slots": view.slots,
        "active": view.active,
        "draining": view.draining,
        "seen_at": iso(fleet.now),
        "clock_offset_ms": 0,
        "problems": list(problems),
        **_figures(fleet.about),
    }


def _shape(fleet: Fleet, member: Member, at: Seen | None, problems: Sequence[str]) -> Shape:
    return {
        "id": member.id,
        "store": member.store,
        "self": False,
        "keeper": fleet.host.keeper == member.id,
        "tags": sorted(member.tags),
        "slots": member.slots,
        "active": member.active,
        "draining": member.draining,
        "seen_at": iso(member.seen_at),
        "clock_offset_ms": member.skew_ms,
        "problems": list(problems),
        "url": at.url if at else "",
        **_figures(member.about),
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
        "seen_at": iso(one.received_at),
        "clock_offset_ms": 0,
        "problems": [one.problem] if one.problem else ["has not answered yet"],
        "url": one.url or one.caller,
        **_NOTHING,
    }


def _figures(reported: Mapping[str, Json]) -> Shape:
    configured = reported.get("commands", 0)  # an earlier version does not tell the two apart
    known = {**_NOTHING, "commands_at_once": configured, **reported}
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
    "judging": 0,
    "disk": None,
    "staying": (),
    "config": {"path": "", "digest": "", "loaded_at": None, "findings": []},
}
"""The figures of a host that has reported none."""
