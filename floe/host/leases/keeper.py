"""The keeper of the cluster's resources: which claim holds which, and which is next.

Nothing expires by a clock. A claim ends by its release, by a forget or by an operator.

Source: docs/cluster-protocol.md, "Leases".
"""

from dataclasses import replace
from typing import Final

from floe.host.inputs import Free
from floe.host.leases.census import SEARCH_MS, KeeperCensus, knows_all_forgotten
from floe.host.leases.current_keeper import CurrentKeeper
from floe.host.leases.own_claims import OwnClaims
from floe.host.leases.table import LeaseEntry, LeaseTable
from floe.host.ledger import LedgerRows
from floe.host.peers.member import GONE_BACK, Member
from floe.host.peers.members import Members
from floe.host.peers.outbox import Outbox
from floe.host.site import Site
from floe.host.step import Step
from floe.host.undoable import Undoable
from floe.model.ids import HostId, Instant, StoreId, ref_of
from floe.model.peer_message import (
    Acquire,
    Behind,
    Claim,
    Claims,
    Held,
    HeldHeard,
    Queued,
    Release,
    Released,
    Yield,
)

HELD: Final = "turn"
"""A kind of messages in the outbox: Held."""

YIELD: Final = "yield"
"""A kind of messages in the outbox: Yield."""


class Keeper:
    """The keeper; it has no work at a host that the config does not name as the keeper."""

    def __init__(
        self,
        site: Site,
        members: Members,
        current_keeper: CurrentKeeper,
        claims: OwnClaims,
        outbox: Outbox,
        rows: LedgerRows,
    ) -> None:
        self._site = site
        self._members = members
        self._current_keeper = current_keeper
        self._claims = claims
        self._outbox = outbox
        self.table = LeaseTable(site.journal, rows)
        self.census = KeeperCensus(site, members, outbox, rows)
        self._searched: Undoable[str, Instant] = Undoable(site.journal)
        self._calm: Undoable[str, bool] = Undoable(site.journal)
        """Whether all that was free is granted, and all grants are sent, since the last problem."""

    @property
    def is_me(self) -> bool:
        """Whether the config names this host."""
        return self._site.keeper == self._site.id

    def problem(self) -> str:
        """Why nothing is granted now; empty if something may be."""
        if not self.is_me:
            return f"{self._site.id} is not the keeper"
        if self._members.has_gone_back:
            return f"{self._site.id} {GONE_BACK}"
        if not self.census.is_open:
            missing = ", ".join(self.census.missing())
            return "it counts what is held" + (f": {missing} has not answered" if missing else "")
        return self._current_keeper.disagreement()

    def is_at_work(self, now: Instant) -> bool:
        """Whether this host grants resources and fires timers now."""
        return not self.problem() and not self._members.own_faults(now)

    # --- messages ---

    def acquire(self, step: Step, member: Member, message: Acquire) -> None:
        """A host claims resources for a run, for the first time or again."""
        claim, tags = message.claim, message.tags
        ref = ref_of(claim.run)
        if ref is None or ref.adopter != (member.id, member.store) or not tags:
            return
        if problem := self.problem():
            answer = Queued(claim=claim, position=0, holders={}, why=problem)
            step.send(ref.host, ref.store, answer)
            return
        old = self.table.by_run.get(claim.run)
        if old is not None and old.claim.number > claim.number:
            return
        if old is None:
            self.table.add(step, claim, tags, message.group)
        elif old.claim.number < claim.number:
            self._take_over(step, old, claim, tags)
        elif old.parked:
            self.table.put(step, replace(old, parked=False))
        self.grant_free(step)
        now = self.table.by_run[claim.run]
        self._make_room(step, now)
        if now.fences:
            self._send_held(step, now)
        else:
            step.send(ref.host, ref.store, self._queued(now))

    def held_heard(self, step: Step, member: Member, message: HeldHeard) -> None:
        """An adopter knows that its claim is granted."""
        entry = self.table.by_run.get(message.claim.run)
        if entry is None or entry.claim != message.claim:
            return
        if dict(entry.fences) == dict(message.fences):
            self._stop_sending(step, entry)
            if entry.fences and not entry.known:
                self.table.put(step, replace(entry, known=True))

    def released(self, step: Step, member: Member, message: Release) -> None:
        """A claim is over, or is parked. Only the keeper that knows all claims acknowledges it: to
        others the host owes it until then."""
        if not self.is_me:
            return
        old = self.table.by_run.get(message.claim.run)
        if old is not None and _is_meant(old, message):
            self._stop_sending(step, old)
            if message.parked:
                parked = replace(old, fences={}, parked=True, since=step.now, known=False)
                self.table.put(step, parked)
                self._make_room(step, parked)
            else:
                self.table.remove(step, message.claim.run)
            self.grant_free(step)
        if self.census.is_open:
            step.send(member.id, member.store, Released(claim=message.claim, fences=message.fences))

    def free(self, step: Step, request: Free) -> str:
        """An operator takes a resource from its holder; return why not, empty if it did."""
        if not self.is_me:
            keeper = self._site.keeper
            return f"{keeper} keeps the resources" if keeper else "no keeper is configured"
        holders = self.table.holders(request.tag)
        runs = [r for r in holders if request.run in ("", r)]
        if not runs:
            others = ", ".join(self._site.called(r) for r in holders)
            return f"{others or 'no run'} holds {request.tag}"
        for run in runs:
            old = self.table.by_run[run]
            self._stop_sending(step, old)
            if rest := {tag: fence for tag, fence in old.fences.items() if tag != request.tag}:
                self.table.put(step, replace(old, fences=rest, known=True))
            else:
                self.table.remove(step, run)
        self.grant_free(step)
        return ""

    def lost(self, step: Step, host: HostId, store: StoreId) -> None:
        """A host was forgotten: remove its claims that wait."""
        for run, entry in self.table.by_run.items():
            ref = ref_of(run)
            if ref is not None and ref.adopter == (host, store) and not entry.fences:
                self.table.remove(step, run)
        self.grant_free(step)

    # --- the census ---

    def answered(self, step: Step, member: Member, message: Claims) -> None:
        """A host answered the census, or a search for orphans."""
        if not self.is_me or not self.census.is_begun:
            return
        if message.round:
            runs = self.census.found(member, message)
            if runs is not None:
                self._free_orphans(step, runs)
        elif self.census.count(step, member, message):
            for claimed in message.claims:
                self.table.merge(step, claimed)
            self._calm.put("", None)

    def behind(self, step: Step, member: Member, message: Behind) -> None:
        """A host has followed a keeper under a later term."""
        if self.is_me and self.census.behind(step, message):
            self._begin(step)

    def tick(self, step: Step) -> None:
        """Begin or end the census, and grant what is free once it is complete."""
        census = self.census
        if not self.is_me:
            if census.is_begun:
                census.close(step)
                self.table.clear(step)
            return
        if not census.is_begun:
            census.begin(step, self._current_keeper.term_seen)
            self._begin(step)
        census.ask(step)
        if not census.is_open and not census.missing():
            census.open(step)
            step.retry_pends = True
        if self.problem():
            self._calm.put("", None)
        elif self._calm.put("", True):
            self.grant_free(step)
            for entry in self.table.by_run.values():
                if entry.fences and not entry.known:
                    self._send_held(step, entry)
                self._make_room(step, entry)
        if census.is_open:
            self._search(step)

    def next_due(self, now: Instant) -> Instant | None:
        """When to search for claims that no host has any more; None where there may be none."""
        searched = self._searched.get("")
        if searched is None or not self._orphans():
            return None
        return max(Instant(searched + SEARCH_MS), Instant(now + 1000))

    def grant_free(self, step: Step) -> None:
        """Grant what is free to the claims that are next."""
        if self.problem():
            return
        while (entry := self.table.ready()) is not None:
            self._send_held(step, self._grant(step, entry))

    def _begin(self, step: Step) -> None:
        """Forget all claims: every host reports its own, this one first."""
        self.table.clear(step)
        self._claims.follow(step, self._site.id, self._site.store, self.census.term)
        for claimed in self._claims.claims():
            self.table.merge(step, claimed)

    def _grant(self, step: Step, entry: LeaseEntry) -> LeaseEntry:
        fences = step.new_fences(self.census.term, entry.tags)
        given = replace(entry, fences=fences, since=step.now, parked=False, known=False)
        return self.table.put(step, given)

    def _take_over(self, step: Step, old: LeaseEntry, claim: Claim, tags: tuple[str, ...]) -> None:
        """A run keeps what its last claim held, unless a second run reported to hold it, too."""
        self._stop_sending(step, old)
        new = replace(old, claim=claim, tags=tags, parked=False, known=False)
        is_free = all(len(self.table.holders(tag)) <= new.places(tag) for tag in tags)
        if is_free and old.fences.keys() == set(tags):
            self._grant(step, new)
        else:
            self.table.put(step, replace(new, fences={}))

    def _free_orphans(self, step: Step, runs: frozenset[str]) -> None:
        own = {c.claim.run for c in self._claims.claims()}
        for run in self._orphans():
            if run not in runs and run not in own:
                self._stop_sending(step, self.table.by_run[run])
                self.table.remove(step, run)
        self.grant_free(step)

    def _search(self, step: Step) -> None:
        last, members = self._searched.get(""), self._members
        if last is not None and 0 <= step.now - last < SEARCH_MS:
            return
        forgotten = set(members.forgotten)
        if self._orphans() and all(knows_all_forgotten(m, forgotten) for m in members.lives()):
            self._searched.put("", step.now)
            self.census.search(step)

    def _orphans(self) -> list[str]:
        """Runs that hold something and whose adopters were forgotten."""
        held = [run for run, entry in self.table.by_run.items() if entry.fences]
        refs = [(run, ref_of(run)) for run in held]
        return [r for r, ref in refs if ref and self._members.is_known_gone(*ref.adopter)]

    # --- answers ---

    def _queued(self, entry: LeaseEntry) -> Queued:
        holders = {tag: runs[0] for tag in entry.tags if (runs := self.table.holders(tag))}
        return Queued(
            claim=entry.claim,
            position=self.table.position(entry),
            holders=holders,
            opening=self.census.term,
            full=self._full(entry),
        )

    def _full(self, entry: LeaseEntry) -> str:
        """The first run of the group, if there are enough before this one; else empty."""
        if entry.group is None:
            return ""
        before = [
            other
            for other in self.table.members(entry.group.tag)
            if other.fences or other.arrival < entry.arrival
        ]
        return before[0].claim.run if len(before) >= entry.group.limit else ""

    def _make_room(self, step: Step, entry: LeaseEntry) -> None:
        """End the oldest runs of a group that is too large, if a newer one asks for that."""
        group = entry.group
        if group is None or group.when_full != "cancel-older":
            return
        members = self.table.members(group.tag)
        for old in members[: -group.limit]:
            ref = ref_of(old.claim.run)
            if ref is not None and not self._members.is_known_gone(*ref.adopter):
                by = members[-1].claim.run
                order = Yield(claim=old.claim, by=by, opening=self.census.term)
                self._outbox.send(step, ref.host, ref.store, YIELD, old.claim.run, order)

    def _send_held(self, step: Step, entry: LeaseEntry) -> None:
        ref = ref_of(entry.claim.run)
        if ref is None or self._members.is_known_gone(*ref.adopter):
            return
        held = Held(claim=entry.claim, fences=dict(entry.fences), opening=self.census.term)
        self._outbox.send(step, ref.host, ref.store, HELD, entry.claim.run, held)

    def _stop_sending(self, step: Step, entry: LeaseEntry) -> None:
        if ref := ref_of(entry.claim.run):
            self._outbox.done(ref.host, HELD, entry.claim.run)
            self._outbox.done(ref.host, YIELD, entry.claim.run)


def _is_meant(entry: LeaseEntry, release: Release) -> bool:
    if release.fences:
        given_back = release.fences.items() >= entry.fences.items()  # but for what was freed
        return bool(entry.fences) and entry.claim == release.claim and given_back
    return entry.claim.number <= release.claim.number
