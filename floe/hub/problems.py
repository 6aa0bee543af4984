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
    from floe.hub.hub import Hub
    from floe.hub.members import Member

log = structlog.get_logger()

LOOK_S: Final = 1.0
"""Seconds between two looks for the log."""

NO_KEEPER: Final = "names no keeper: no timer fires, and runs with resource tags wait"

Problems = Mapping[HostId, Sequence[str]]


def problems(hub: "Hub") -> Problems:
    """By host what is wrong with it, this one among them; empty where it has no others."""
    cluster, now = hub.loop.core.cluster, hub.clock.now()
    if cluster is None:
        return {}
    own = list(cluster.members.own_faults(now))
    if hub.host.keeper is None:
        own.append(NO_KEEPER)
    elif disagreement := cluster.obedience.disagreement():
        own.append(f"{disagreement}: no timer fires, and runs with resource tags wait")
    found: dict[HostId, Sequence[str]] = {hub.host.id: own}
    for member in cluster.members.lives():
        found[member.id] = [*cluster.members.problems(member, now), *_differences(hub, member)]
    return found


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
    here, there = hub.book.bodies, member.about.get("flows")
    if not isinstance(there, Mapping):
        return []
    others = sorted(name for name, digest in there.items() if _is_other(here, name, digest))
    if not others:
        return []
    return [f"has other flows under the same name and version: {', '.join(others)}"]


def _is_other(here: Mapping[str, str], name: str, digest: Json) -> bool:
    return here.get(name, digest) != digest
