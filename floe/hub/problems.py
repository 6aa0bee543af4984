"""What is wrong among the hosts, in sentences: shown to people, and logged once, not per look.

What is wrong with a connection is the peers' to say and to log.
"""

import asyncio
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

import structlog

from floe.model.refs import HostId, Json

if TYPE_CHECKING:
    from floe.host.peers.members import Member
    from floe.hub.hub import Hub

log = structlog.get_logger()

LOOK_S: Final = 1.0
"""Seconds between two looks for the log."""

NAMES_MAX: Final = 3
"""Names in one sentence; of more it says how many."""

NO_KEEPER: Final = "names no keeper: no timer fires, and runs with resource tags wait"

Problems = Mapping[HostId, Sequence[str]]


def problems(hub: "Hub") -> Problems:
    """By host what is wrong with it, this one among them."""
    cluster, now = hub.loop.core.cluster, hub.clock.now()
    own = list(filter(None, (hub.clock.problem(),)))
    if cluster is None:
        return {hub.host.id: own}
    own += cluster.members.own_faults(now)
    if hub.host.keeper is None:
        own.append(NO_KEEPER)
    elif disagreement := cluster.obedience.disagreement():
        own.append(f"{disagreement}: no timer fires, and runs with resource tags wait")
    own += _never_fired(hub)
    found: dict[HostId, Sequence[str]] = {hub.host.id: own}
    for member in cluster.members.lives():
        found[member.id] = [*cluster.members.problems(member, now), *_differences(hub, member)]
    return found


def notes(hub: "Hub") -> Problems:
    """By host how its config differs from others'; that may be meant, so nothing is wrong.

    A host that tells of no flow may have read none yet: that it lacks them is not said.
    """
    flows = flows_of(hub)
    known = sorted({name for own in flows.values() for name in own})
    found: dict[HostId, list[str]] = {host: [] for host in flows}
    for host, own in flows.items():
        if own and (lacks := [name for name in known if name not in own]):
            found[host].append(f"lacks {_named(lacks)}, which other hosts have")
    cluster, here = hub.loop.core.cluster, hub.book.common
    for member in cluster.members.lives() if cluster else ():
        there = _mapping(member.about.get("common"), here)
        if others := sorted(k for k in {*here, *there} if here.get(k) != there.get(k)):
            found[member.id].append(f"its `common:` differs from this host's: {_named(others)}")
    return found


def flows_of(hub: "Hub") -> Mapping[HostId, Mapping[str, Json]]:
    """The flows of each host that tells of them: `id@ver` to a digest."""
    cluster = hub.loop.core.cluster
    members = cluster.members.lives() if cluster else ()
    others = {member.id: _mapping(member.about.get("flows"), {}) for member in members}
    return {hub.host.id: hub.book.bodies, **others}


async def keep_logged(hub: "Hub") -> None:
    """Log what begins to be wrong and what is over, until cancelled."""
    known: dict[tuple[HostId, str], str] = {}
    while True:
        now = {
            (host, _without_numbers(problem)): problem
            for host, said in problems(hub).items()
            for problem in said
        }
        for key in now.keys() - known.keys():
            log.warning("cluster.problem", host=key[0], problem=now[key])
        for key in known.keys() - now.keys():
            log.info("cluster.problem_over", host=key[0], problem=known[key])
        known = now
        await asyncio.sleep(LOOK_S)


def _without_numbers(problem: str) -> str:
    """The same for a problem that only counts on."""
    return re.sub(r"\d+", "#", problem)


def _differences(hub: "Hub", member: "Member") -> list[str]:
    """Flows that have another body there under the same id and version."""
    here, there = hub.book.bodies, _mapping(member.about.get("flows"), {})
    others = sorted(name for name, digest in there.items() if here.get(name, digest) != digest)
    return [f"has other flows under the same name and version: {_named(others)}"] if others else []


def _never_fired(hub: "Hub") -> list[str]:
    """Flows of this host with triggers that their keeper is to fire, and does not know."""
    keeper = hub.host.keeper
    known = flows_of(hub).get(keeper) if keeper else None
    fired = [f for f in hub.book.flows if any(t.type in ("timer", "poll-git") for t in f.triggers)]
    lost = [name for f in fired if (name := f"{f.id}@{f.ver}") not in (known or (name,))]
    says = f"keeper {keeper} lacks {_named(lost)}: nothing fires their timers and polls"
    return [says] if lost else []


def _mapping(told: Json, absent: Mapping[str, Json]) -> Mapping[str, Json]:
    """What a host tells, or what stands for it where an older floe or a silent one does not."""
    return told if isinstance(told, Mapping) else absent


def _named(names: Sequence[str]) -> str:
    more = len(names) - NAMES_MAX
    return ", ".join(names[:NAMES_MAX]) + (f" and {more} more" if more > 0 else "")
