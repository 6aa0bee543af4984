"""The hosts of a cluster as placement sees them.

The view of a peer is as old as its last ping, so what was granted since is added here. A host that
refused a run is not offered it again until its advertised state changes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from floe.host.peers.member import Member
from floe.host.peers.members import Members
from floe.host.site import Site
from floe.host.undoable import Undoable
from floe.kernel.place import HOST_SCOPED
from floe.model.host import HostView
from floe.model.ids import HostId, Instant, RunRef
from floe.model.peer_message import NEVER
from floe.model.run import Run


class Candidates:
    """Views of all hosts, with what was granted to each since its last ping."""

    def __init__(self, site: Site, members: Members) -> None:
        self._site = site
        self._members = members
        self._granted: Undoable[HostId, tuple[RunRef, ...]] = Undoable(site.journal)
        """Runs granted to a host since its last ping, or without an answer yet."""
        self._refused: Undoable[RunRef, dict[HostId, int | None]] = Undoable(site.journal)
        """The hosts that refused a run, each with the number of its advertised state then."""

    @property
    def has_room(self) -> bool:
        """Always: a peer may have room."""
        return True

    def views(self, now: Instant) -> Sequence[HostView]:
        """This host and its peers, each with what was granted to it.

        A host whose store has gone back grants nothing to peers: a run that waits there may
        already have run.
        """
        own = self._site.view(self._members.own_faults(now))
        if self._members.has_gone_back:
            return [own]
        return [own, *map(self._with_keys, map(self._charged, self._members.views()))]

    def _with_keys(self, view: HostView) -> HostView:
        """A peer takes a sealed run if it has the key under which this host offers it."""
        key = self._site.seals.newest
        return view if not key or key in view.keys else replace(view, lacks_key=f"no key {key}")

    def refused(self, ref: RunRef) -> Mapping[HostId, int | None]:
        """Hosts that refused a run and have not changed since, each with its state then."""
        return self._refused.get(ref) or {}

    def granted(self, host: HostId, run: RunRef) -> None:
        """A run was granted to a peer."""
        self._granted.put(host, (*(self._granted.get(host) or ()), run))

    def returned(self, host: HostId, run: Run, change: int | None) -> None:
        """A peer returned a run; `change` is None where the peer could not be reached at all."""
        granted = tuple(r for r in self._granted.get(host) or () if r != run.ref)
        self._granted.put(host, granted or None)
        member = self._members.by_id.get(host)
        if member is None or member.ping is None:
            return
        if change is None or member.ping.change <= change:
            self._refused.put(run.ref, {**(self._refused.get(run.ref) or {}), host: change})

    def pinged(self, member: Member) -> bool:
        """A peer advertised its state, which includes what it has answered of its grants.

        Return whether a pend may now be placed that could not be before.
        """
        runs = self._site.table.runs
        granted = self._granted.get(member.id) or ()
        unanswered = tuple(
            ref
            for ref in granted
            if ref in runs and (runs[ref].phase, runs[ref].host) == ("granted", member.id)
        )
        may_place = self._granted.put(member.id, unanswered or None)
        change = member.ping.change if member.ping else 0
        for ref, hosts in self._refused.items():
            if hosts.get(member.id, change) not in (change, NEVER):
                rest = {host: c for host, c in hosts.items() if host != member.id}
                may_place |= self._refused.put(ref, rest or None)
        return may_place

    def given(self, run: RunRef) -> None:
        """A run is granted to a host: if that returns it, others are tried again, apart from those
        that refuse it permanently."""
        hosts = self._refused.get(run) or {}
        rest: dict[HostId, int | None] = {
            host: change for host, change in hosts.items() if change == NEVER
        }
        self._refused.put(run, rest or None)

    def lost(self, host: HostId) -> None:
        """The store of a host was forgotten: the next one has refused nothing."""
        for ref, hosts in self._refused.items():
            self._refused.put(ref, {h: c for h, c in hosts.items() if h != host} or None)

    def over(self, run: RunRef) -> None:
        """A run no longer waits for a host."""
        self._refused.put(run, None)

    def _charged(self, view: HostView) -> HostView:
        granted = self._granted.get(view.id)
        if not granted:
            return view
        held, spaces = dict(view.held), dict(view.spaces)
        for ref in granted:
            run = self._site.table.runs.get(ref)
            flow = run.flow if run else None
            if run is None or flow is None:
                continue
            held |= {tag: ref for tag in flow.resource_tags if tag.startswith(HOST_SCOPED)}
            if flow.reuse_space:
                spaces[run.flow_id] = ref
        return replace(view, active=view.active + len(granted), held=held, spaces=spaces)
