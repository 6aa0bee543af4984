"""The leases of the runs that are active at this host."""

from collections.abc import Iterator

from floe.host.leases.base import Lease
from floe.host.site import Site
from floe.kernel.place import HOST_SCOPED


def own_leases(site: Site, *, of_cluster: bool = True) -> Iterator[Lease]:
    """What the runs of this host hold; `of_cluster`: the resources of the whole cluster, too."""
    table = site.table
    pends = sorted(table.pends.values(), key=lambda pend: table.runs[pend.run].pended_at)
    for tag, ref in table.held.items():
        is_own = tag.startswith(HOST_SCOPED)
        if is_own or of_cluster:
            run, host = table.runs[ref], site.id if is_own else None
            waiting = tuple(p.run.key for p in pends if tag in p.resource_tags)
            fence = run.fences.get(tag, "")
            yield Lease("resource", tag, ref.key, host, fence, run.started_at, waiting)
    for group, refs in table.groups.items() if of_cluster else ():
        for ref in sorted(refs):
            run = table.runs[ref]
            waiting = tuple(r.key for r in table.grouped_pends.get(group, ()))
            fence = run.fences.get(group, "")
            yield Lease("resource", group, ref.key, None, fence, run.started_at, waiting)
    for flow, ref in table.spaces.items():
        waiting = tuple(p.run.key for p in pends if p.reuse_space and p.flow == flow)
        since = table.runs[ref].started_at
        yield Lease("workspace", flow, ref.key, site.id, "", since, waiting)
