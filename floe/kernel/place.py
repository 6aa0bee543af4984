"""Chooses the host for a pend, or gives the reasons why none can take it, in words for people."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from floe.model.host import HostView
from floe.model.ids import HostId, Instant, RunRef
from floe.model.nouns import dataclass
from floe.model.pend import Pend

HOST_STALE_S: Final = 10
"""Hosts ping each other every 2 s; after five missed pings a host gets no runs."""

TAGS_MAX: Final = 6
"""How many tags of a host a reason names."""

HOST_SCOPED: Final = "host:"
"""Resource tags with this prefix are exclusive per host, all others per cluster."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusals:
    """Why a run has no place: the reasons of each host not to take it, in order of ids."""

    by_host: Mapping[HostId, tuple[str, ...]]
    resources: tuple[str, ...] = ()
    """Reasons why it does not get the cluster's resources, although a host would take it."""


def place(
    pend: Pend,
    hosts: Sequence[HostView],
    now: Instant,
    held: Mapping[str, RunRef],
    named: Callable[[RunRef], str] = str,
) -> HostId | Refusals:
    """Choose the host for a pend, or give the reasons why none can take it.

    `held` maps the cluster's resource tags to the runs that hold them; `named` formats a run for
    the reasons. Hosts unseen for `HOST_STALE_S` are refused. Of several hosts the preferred one is
    chosen, else the least loaded, else the one with the lowest id: equal inputs give equal answers.

    Source: host and resource tags as in the floe README, "Life cycle of a flow".
    """
    refusals = {
        host.id: tuple(_refusals(pend, host, now, held, named))
        for host in sorted(hosts, key=_by_id)
    }
    free = [host for host in hosts if not refusals[host.id]]
    if not free:
        return Refusals(by_host=refusals)
    prefers = pend.prefers
    return min(free, key=lambda h: (h.id != prefers, h.active / h.slots, h.id)).id


def _refusals(
    pend: Pend,
    host: HostView,
    now: Instant,
    held: Mapping[str, RunRef],
    named: Callable[[RunRef], str],
) -> Iterator[str]:
    yield from host.problems
    if pend.only not in (None, host.id):
        yield (
            f"does not have the workspace that the run takes over: {pend.only} has it"
            if pend.prefers == pend.only
            else f"is not {pend.only}, where the run has to run"
        )
    if absent := sorted(pend.host_tags - host.tags):
        has = ", ".join(sorted(host.tags)[:TAGS_MAX]) or "none"
        has += ", …" if len(host.tags) > TAGS_MAX else ""
        tags = "tag" if len(absent) == 1 else "tags"
        yield f"lacks the {tags} {', '.join(absent)} (it has {has})"
    if host.secrets is not None and (absent_ones := sorted(pend.secrets - host.secrets)):
        secrets = "secret" if len(absent_ones) == 1 else "secrets"
        yield f"has no {secrets} {', '.join(absent_ones)}"
    if pend.sealed and host.lacks_key:
        yield f"has {host.lacks_key}"
    if pend.begun and not host.moves:
        yield "is of an older floe, which does not continue runs"
    if host.draining:
        yield "is draining: it finishes its runs and takes no new ones"
    unseen_s = 0 if host.seen_at is None else (now - host.seen_at) // 1000
    if unseen_s >= HOST_STALE_S:
        yield f"was not seen for {unseen_s} s"
    if host.active >= host.slots:
        yield f"has no free slot ({host.active} of {host.slots} runs)"
    for tag in pend.resource_tags:
        holder = (host.held if tag.startswith(HOST_SCOPED) else held).get(tag, pend.run)
        if holder != pend.run:
            yield f"cannot use resource {tag} ({named(holder)} holds it)"
    if pend.reuse_space and (user := host.spaces.get(pend.flow, pend.run)) != pend.run:
        yield f"cannot use the one workspace of flow {pend.flow} ({named(user)} uses it)"
    if host.id in pend.never_by:
        yield "has an older log of this run, as from a backup, and never takes it"
    elif host.id in pend.refused_by:
        yield "returned this run and has not changed since"


def _by_id(host: HostView) -> HostId:
    return host.id
