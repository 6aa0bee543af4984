"""All hosts as one host knows them, and the problems and differences between them as sentences.

Problems of a connection come from the peers, and problems of the machine from the hub.
"""

from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import Final

from floe.host.peers.member import Member
from floe.host.site import SiteSettings
from floe.model.host import HostView
from floe.model.ids import HostId, Instant, Json
from floe.model.nouns import dataclass
from floe.peers.base import Seen

NAMES_MAX: Final = 3
"""Names in one sentence; the sentence counts the rest."""

NO_KEEPER: Final = "names no keeper: no timer fires, and runs with resource tags wait"

Sentences = Mapping[HostId, Sequence[str]]
"""By host, each without a subject."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """The hosts of a cluster, as one of them knows them at one instant."""

    now: Instant
    host: SiteSettings
    """Of this host, as are `view`, `about`, `timed`, `clock` and `troubles`."""
    view: HostView
    about: Mapping[str, Json]
    """The figures that it sends to the other hosts."""
    timed: Sequence[str] = ()
    """`id@ver` of each flow with a timer or a poll."""
    clock: str = ""
    """The problem of its clock; empty for none."""
    troubles: Sequence[str] = ()
    """The problems of its machine."""
    members: Sequence[Member] = ()
    """The other hosts that are known and not forgotten."""
    seen: Sequence[Seen] = ()
    """The configured URLs, and the hosts that called from elsewhere."""
    faults: Sentences = field(default_factory=dict)
    """Problems that the core found, by host."""
    disagreement: str = ""
    """Why the hosts do not agree about their keeper; empty if they do."""

    def problems(self) -> Sentences:
        """The problems of each host; those of this host's machine are left out."""
        own = list(filter(None, (self.clock,)))
        if not self.host.peers:
            return {self.host.id: own}
        own += self.faults.get(self.host.id, ())
        if self.host.keeper is None:
            own.append(NO_KEEPER)
        elif self.disagreement:
            own.append(f"{self.disagreement}: no timer fires, and runs with resource tags wait")
        own += self._never_fired()
        others = {
            member.id: [*self.faults.get(member.id, ()), *self._different_flows(member)]
            for member in self.members
        }
        return {self.host.id: own, **others}

    def notes(self) -> Sentences:
        """The differences between each host's config and others', which may be intended.

        A host that reports no flow may not have read its flows yet, so no flow is missing there.
        """
        flows = self.flows()
        known = sorted({name for own in flows.values() for name in own})
        found: dict[HostId, list[str]] = {host: [] for host in flows}
        for host, own in flows.items():
            if own and (lacks := [name for name in known if name not in own]):
                found[host].append(f"lacks {_named(lacks)}, which other hosts have")
        here = _mapping(self.about.get("common"), {})
        for member in self.members:
            there = _mapping(member.about.get("common"), here)
            if others := sorted(k for k in {*here, *there} if here.get(k) != there.get(k)):
                sentence = f"its `common:` differs from this host's: {_named(others)}"
                found[member.id].append(sentence)
        return found

    def flows(self) -> Mapping[HostId, Mapping[str, Json]]:
        """The flows that each host reports: `id@ver` to a digest."""
        others = {member.id: _mapping(member.about.get("flows"), {}) for member in self.members}
        return {self.host.id: _mapping(self.about.get("flows"), {}), **others}

    def hosts_with(self, flow: str) -> list[HostId]:
        """The other hosts that have a flow, `id` or `id@ver`; those seen lately come first."""
        flows = self.flows()
        members = sorted(self.members, key=lambda member: member.stale)
        return [m.id for m in members if any(flow in (k, k.partition("@")[0]) for k in flows[m.id])]

    def url_of(self, host: HostId) -> str:
        """The configured URL that leads to a host; empty for none."""
        return next((one.url for one in self.seen if one.host == host and one.url), "")

    def _different_flows(self, member: Member) -> list[str]:
        """Flows that have a different body there under the same id and version."""
        here, there = self.flows()[self.host.id], _mapping(member.about.get("flows"), {})
        names = sorted(name for name, digest in there.items() if here.get(name, digest) != digest)
        return (
            [f"has other flows under the same name and version: {_named(names)}"] if names else []
        )

    def _never_fired(self) -> list[str]:
        """Flows of this host with timers or polls that its keeper, which fires them, lacks."""
        keeper = self.host.keeper
        known = self.flows().get(keeper) if keeper else None
        if not known or not (lost := [name for name in self.timed if name not in known]):
            return []
        return [f"keeper {keeper} lacks {_named(lost)}: nothing fires their timers and polls"]


def _mapping(reported: Json, absent: Mapping[str, Json]) -> Mapping[str, Json]:
    """A reported mapping, or `absent`: older versions, and hosts not heard yet, report none."""
    return reported if isinstance(reported, Mapping) else absent


def _named(names: Sequence[str]) -> str:
    more = len(names) - NAMES_MAX
    return ", ".join(names[:NAMES_MAX]) + (f" and {more} more" if more > 0 else "")
