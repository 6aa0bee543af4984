"""The host that keeps the cluster's resources: who holds them, and whose turn it is.

Nothing expires by a clock. What is held ends by its release, by a forget or by an operator.

Source: docs/cluster-protocol.md, "Leases".
"""

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from floe.host.inputs import Free
from floe.host.leases.census import SEARCH_MS, Opening, knows_all_forgotten
from floe.host.leases.holdings import Holding, Holdings
from floe.host.peers.members import GONE_BACK, Member, ref_of
from floe.host.rows import Book, Journal, Rows
from floe.model.message import (
    Acquire,
    Behind,
    Claim,
    Claims,
    Held,
    HeldHeard,
    Queued,
    Release,
    Released,
)
from floe.model.refs import HostId, Instant, StoreId

if TYPE_CHECKING:
    from floe.host.core import HubCore
    from floe.host.step import Draft

TURN: Final = "turn"
"""A kind of letters: Held."""


class Keeper:
    """The keeper's part of a host; without work where the config names another."""

    def __init__(self, core: "HubCore", journal: Journal, rows: Rows) -> None:
        self._core = core
        self.holdings = Holdings(journal, rows)
        self.opening = Opening(core, journal, rows)
        self._searched: Book[str, Instant] = Book(journal)
        self._calm: Book[str, bool] = Book(journal)
        """Whether all that is free was given and all turns were said since something was wrong."""

    @property
    def is_me(self) -> bool:
        """Whether the config names this host."""
        return self._core.host.keeper == self._core.host.id

    def problem(self) -> str:
        """Why nothing is given now; empty if something may be."""
        cluster = self._core.cluster
        assert cluster is not None
        if not self.is_me:
            return f"{self._core.host.id} is not the keeper"
        if cluster.members.has_gone_back:
            return f"{self._core.host.id} {GONE_BACK}"
        if not self.opening.is_open:
            missing = ", ".join(self.opening.missing())
            return f"it counts what is held: {missing or 'nobody'} has not answered"
        return cluster.obedience.disagreement()

    def is_at_work(self, now: Instant) -> bool:
        """Whether this host gives resources and fires timers now."""
        cluster = self._core.cluster
        assert cluster is not None
        return not self.problem() and not cluster.members.own_faults(now)

    # --- messages ---

    def asked(self, draft: "Draft", member: Member, message: Acquire) -> None:
        """A claim, for the first time or again."""
        claim, tags = message.claim, message.tags
        ref = ref_of(claim.run)
        if ref is None or ref[:2] != (member.id, member.store) or not tags:
            return
        if problem := self.problem():
            answer = Queued(claim=claim, position=0, holders={}, why=problem)
            draft.send(ref.host, ref.store, answer)
            return
        old = self.holdings.by_run.get(claim.run)
        if old is not None and old.claim.number > claim.number:
            return
        if old is None:
            self.holdings.add(draft, claim, tags)
        elif old.claim.number < claim.number:
            self._take_over(draft, old, claim, tags)
        elif old.parked:
            self.holdings.put(draft, replace(old, parked=False))
        self.turn(draft)
        now = self.holdings.by_run[claim.run]
        if now.fences:
            self._say_turn(draft, now)
        else:
            draft.send(ref.host, ref.store, self._queued(now))

    def held_heard(self, draft: "Draft", member: Member, message: HeldHeard) -> None:
        """An adopter knows that its claim holds."""
        holding = self.holdings.by_run.get(message.claim.run)
        if holding is None or holding.claim != message.claim:
            return
        if dict(holding.fences) == dict(message.fences):
            self._drop_letter(draft, holding)
            if holding.fences and not holding.known:
                self.holdings.put(draft, replace(holding, known=True))

    def released(self, draft: "Draft", member: Member, message: Release) -> None:
        """A claim is over, or gives way for now."""
        answer = Released(claim=message.claim, fences=message.fences)
        old = self.holdings.by_run.get(message.claim.run)
        if old is not None and self.is_me and _is_meant(old, message):
            self._drop_letter(draft, old)
            if message.parked:
                parked = replace(old, fences={}, parked=True, since=draft.now, known=False)
                self.holdings.put(draft, parked)
            else:
                self.holdings.remove(draft, message.claim.run)
            self.turn(draft)
        draft.send(member.id, member.store, answer)

    def free(self, draft: "Draft", word: Free) -> str:
        """An operator takes a resource from its holder; why not, empty if so."""
        if not self.is_me:
            keeper = self._core.host.keeper
            return f"{keeper} keeps the resources" if keeper else "no keeper is configured"
        holders = self.holdings.holders(word.tag)
        runs = [r for r in holders if word.run in ("", r)]
        if not runs:
            others = ", ".join(draft.core.called(r) for r in holders)
            return f"{others or 'nobody'} holds {word.tag}"
        for run in runs:
            old = self.holdings.by_run[run]
            self._drop_letter(draft, old)
            if rest := {tag: fence for tag, fence in old.fences.items() if tag != word.tag}:
                self.holdings.put(draft, replace(old, fences=rest, known=True))
            else:
                self.holdings.remove(draft, run)
        self.turn(draft)
        return ""

    def lost(self, draft: "Draft", host: HostId, store: StoreId) -> None:
        """A host was forgotten: what it waits for it waits for no more."""
        for run, holding in self.holdings.by_run.items():
            ref = ref_of(run)
            if ref is not None and ref[:2] == (host, store) and not holding.fences:
                self.holdings.remove(draft, run)
        self.turn(draft)

    # --- the census ---

    def answered(self, draft: "Draft", member: Member, message: Claims) -> None:
        """A host has said what it claims."""
        if not self.is_me or not self.opening.is_begun:
            return
        if message.round:
            runs = self.opening.found(member, message)
            if runs is not None:
                self._free_orphans(draft, runs)
        elif self.opening.count(draft, member, message):
            for claimed in message.claims:
                self.holdings.merge(draft, claimed)
            self._calm.put("", None)

    def behind(self, draft: "Draft", member: Member, message: Behind) -> None:
        """A host has seen a later term."""
        if self.is_me and self.opening.behind(draft, message):
            self._begin(draft)

    def tick(self, draft: "Draft") -> None:
        """Open, close, and say whose turn it is."""
        opening = self.opening
        if not self.is_me:
            if opening.is_begun:
                opening.close(draft)
                self.holdings.clear(draft)
            return
        if not opening.is_begun:
            opening.begin(draft, draft.cluster.obedience.term_seen)
            self._begin(draft)
        opening.ask(draft)
        if not opening.is_open and not opening.missing():
            opening.open(draft)
            draft.core.table.news = True
        if self.problem():
            self._calm.put("", None)
        elif self._calm.put("", True):
            self.turn(draft)
            for holding in self.holdings.by_run.values():
                if holding.fences and not holding.known:
                    self._say_turn(draft, holding)
        if opening.is_open:
            self._search(draft)

    def next_due(self, now: Instant) -> Instant | None:
        """When to ask all for claims that nobody may have; None where there are none."""
        searched = self._searched.get("")
        if searched is None or not self._orphans():
            return None
        return max(Instant(searched + SEARCH_MS), Instant(now + 1000))

    def turn(self, draft: "Draft") -> None:
        """Give what is free to whose turn it is."""
        if self.problem():
            return
        while (holding := self.holdings.ready()) is not None:
            self._say_turn(draft, self._give(draft, holding))

    def _begin(self, draft: "Draft") -> None:
        """What is held is told by every host, this one included."""
        self.holdings.clear(draft)
        for claimed in draft.cluster.obedience.obey_self(draft, self.opening.term):
            self.holdings.merge(draft, claimed)

    def _give(self, draft: "Draft", holding: Holding) -> Holding:
        core = self._core
        fences: dict[str, str] = {}
        for tag in holding.tags:
            core.fence += 1
            fences[tag] = f"{self.opening.term}.{core.fence}"
        draft.promise_row("keeper", "fence", core.fence)
        given = replace(holding, fences=fences, since=draft.now, parked=False, known=False)
        return self.holdings.put(draft, given)

    def _take_over(self, draft: "Draft", old: Holding, claim: Claim, tags: tuple[str, ...]) -> None:
        """What a run held is its own again, unless somebody else said to hold it as well."""
        self._drop_letter(draft, old)
        new = replace(old, claim=claim, tags=tags, parked=False, known=False)
        is_alone = all(self.holdings.holders(tag) == (claim.run,) for tag in tags)
        if is_alone and old.fences.keys() == set(tags):
            self._give(draft, new)
        else:
            self.holdings.put(draft, replace(new, fences={}))

    def _free_orphans(self, draft: "Draft", runs: frozenset[str]) -> None:
        own = {c.claim.run for c in draft.cluster.leases.claims()}
        for run in self._orphans():
            if run not in runs and run not in own:
                self._drop_letter(draft, self.holdings.by_run[run])
                self.holdings.remove(draft, run)
        self.turn(draft)

    def _search(self, draft: "Draft") -> None:
        last, members = self._searched.get(""), draft.cluster.members
        if last is not None and 0 <= draft.now - last < SEARCH_MS:
            return
        forgotten = set(members.forgotten)
        if self._orphans() and all(knows_all_forgotten(m, forgotten) for m in members.lives()):
            self._searched.put("", draft.now)
            self.opening.search(draft)

    def _orphans(self) -> list[str]:
        """Runs that hold something and whose adopters were forgotten."""
        cluster = self._core.cluster
        assert cluster is not None
        held = [run for run, holding in self.holdings.by_run.items() if holding.fences]
        refs = [(run, ref_of(run)) for run in held]
        return [r for r, ref in refs if ref and cluster.members.is_known_gone(*ref[:2])]

    # --- answers ---

    def _queued(self, holding: Holding) -> Queued:
        holders = {tag: runs[0] for tag in holding.tags if (runs := self.holdings.holders(tag))}
        return Queued(
            claim=holding.claim,
            position=self.holdings.position(holding),
            holders=holders,
            opening=self.opening.term,
        )

    def _say_turn(self, draft: "Draft", holding: Holding) -> None:
        ref = ref_of(holding.claim.run)
        if ref is None or draft.cluster.members.is_known_gone(*ref[:2]):
            return
        held = Held(claim=holding.claim, fences=dict(holding.fences), opening=self.opening.term)
        draft.cluster.outbox.send(draft, ref.host, ref.store, TURN, holding.claim.run, held)

    def _drop_letter(self, draft: "Draft", holding: Holding) -> None:
        if ref := ref_of(holding.claim.run):
            draft.cluster.outbox.done(ref.host, TURN, holding.claim.run)


def _is_meant(holding: Holding, release: Release) -> bool:
    if release.fences:
        given_back = release.fences.items() >= holding.fences.items()  # but for what was freed
        return bool(holding.fences) and holding.claim == release.claim and given_back
    return holding.claim.number <= release.claim.number
