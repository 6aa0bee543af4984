"""The claims of this host's runs to resources of the cluster.

A claim is (run, n), and n grows with each grant that was revoked. A claim is not released before
the last process of its run is gone. This host ignores a grant by a keeper that a different one has
replaced, and a late copy of a grant that it has already given back.

Source: docs/cluster-protocol.md, "Leases".
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from floe.host.leases.base import tags_of
from floe.host.leases.current_keeper import CurrentKeeper
from floe.host.leases.groups import group_limit, limit_of, skip
from floe.host.leases.pending import PendingClaim
from floe.host.leases.releases import ACQUIRE, RELEASE, Releases
from floe.host.ledger import LedgerRows
from floe.host.peers.member import Member
from floe.host.peers.outbox import Outbox
from floe.host.shared.table import SharedTable
from floe.host.site import Site
from floe.host.step import Step
from floe.host.undoable import Undoable
from floe.model.codec import decode, encode
from floe.model.ids import HostId, Instant, RunRef, StoreId, ref_of
from floe.model.peer_message import (
    Acquire,
    Behind,
    Census,
    Claim,
    Claimed,
    Claims,
    Held,
    HeldHeard,
    Queued,
    Release,
    Released,
    Yield,
)
from floe.model.run import Run

PARK_MS: Final = 10_000
"""A run that no host takes within this time gives its resources back, and others go first."""


class OwnClaims:
    """The claims of runs that this host adopted or runs."""

    def __init__(
        self,
        site: Site,
        current_keeper: CurrentKeeper,
        outbox: Outbox,
        shared: SharedTable,
        rows: LedgerRows,
    ) -> None:
        self._shared = shared
        self._site = site
        self._current_keeper = current_keeper
        self._outbox = outbox
        self._pending: Undoable[RunRef, PendingClaim] = Undoable(site.journal)
        self._queued: Undoable[RunRef, Queued] = Undoable(site.journal)
        """The last report of the keeper about a claim that waits."""
        for key, shape in rows.get("claim", {}).items():
            ref = ref_of(key)
            if ref is not None and ref.store == site.store and isinstance(shape, Mapping):
                self._pending.put(ref, replace(decode(PendingClaim, shape), at=None))
        self._releases = Releases(site, outbox, rows)
        for ref, pending in self._pending.items():
            if pending.state == "parking":
                self._releases.resume_later(ref.key, self._parking(ref, pending))

    def holds(self, ref: RunRef) -> bool:
        """Whether the claim of a run that waits for a host is granted."""
        pending = self._pending.get(ref)
        return pending is not None and pending.state == "held"

    def granted(self) -> list[RunRef]:
        """Runs that wait for a host though their claims are granted."""
        return [ref for ref, pending in self._pending.items() if pending.state == "held"]

    def queued_of(self, ref: RunRef) -> Queued | None:
        """The last report of the keeper about a claim that waits; None without an answer."""
        return self._queued.get(ref)

    def follow(self, step: Step, keeper: HostId, store: StoreId, term: int) -> None:
        """Follow a keeper under a term: places in the queue of an earlier one no longer count."""
        if self._current_keeper.follow(step, keeper, store, term):
            for ref in tuple(self._queued):
                self._queued.put(ref, None)

    def claims(self) -> list[Claimed]:
        """All that runs of this host hold, and what they wait for."""
        claims: list[Claimed] = []
        for run in self._site.table.runs.values():
            tags = tags_of(run)
            is_here = self._site.store in (run.ref.store, run.store)  # not of a backup
            if not tags or not is_here or run.superseded or run.phase in ("ended", "packed"):
                continue
            claim, group = Claim(run=run.ref.key, number=run.revoked + 1), group_limit(run)
            fences = {tag: fence for tag, fence in run.fences.items() if tag in tags}
            pending = self._pending_of(run)
            if fences:
                claims.append(Claimed(claim=claim, fences=fences, tags=tags, group=group))
            elif pending is not None and pending.state in ("asked", "held"):
                claims.append(Claimed(claim=claim, fences=pending.fences, tags=tags, group=group))
        return claims

    def counted(self, step: Step, member: Member, message: Census) -> None:
        """A keeper counts all claims; this host follows it from then on."""
        if member.id != self._site.keeper:
            return
        keeper = (member.id, member.store, message.opening)
        if above := self._current_keeper.term_above(*keeper):
            step.send(member.id, member.store, Behind(term=above))
            return
        self.follow(step, *keeper)
        answer = Claims(
            opening=message.opening,
            round=message.round,
            claims=tuple(self.claims()),
            shared=self._shared.state.position,
        )
        step.send(member.id, member.store, answer)

    # --- asking ---

    def pended(self, step: Step, run: Run) -> None:
        """A run of a group waits for a host. Claim at once if it may be skipped, or end others: no
        host may have room for it before."""
        limit = limit_of(run)
        if limit and limit.when_full != "queue" and self._pending_of(run) is None:
            self._ask(step, run, None, tags_of(run))
            step.deliver()

    def ready(self, step: Step, run: Run) -> dict[str, str] | None:
        """The fences of a run that holds all that it needs of the cluster; None where it waits."""
        tags = tags_of(run)
        if not tags:
            return {}
        pending = self._pending_of(run)
        if pending is None or pending.state in ("asked", "parked"):
            self._ask(step, run, pending, tags)
            step.deliver()
            pending = self._pending_of(run)
        if pending is None or pending.state != "held":
            return None
        self._put(step, run.ref, None)
        return dict(pending.fences)

    def held(self, step: Step, member: Member, message: Held) -> None:
        """The keeper has granted a claim."""
        claim = message.claim
        ref = ref_of(claim.run)
        if ref is None or not self._current_keeper.is_believed(member, message.opening):
            return
        run = self._site.table.runs.get(ref)
        if run is None or run.phase in ("ended", "packed") or ref.store != self._site.store:
            step.send(member.id, member.store, Release(claim=claim, fences={}))
            return
        if run.phase == "pending" and claim.number == run.revoked + 1:
            pending = self._pending_of(run)
            if pending is not None and pending.has_passed(message.fences):
                return
            passed = pending.passed if pending else {}
            held = PendingClaim(
                number=claim.number,
                state="held",
                fences=dict(message.fences),
                passed=passed,
                at=step.now,
            )
            if pending is None or pending.state != "held" or pending.fences != held.fences:
                self._put(step, ref, held)
                step.retry_pends = True
            self._queued.put(ref, None)
            self._outbox.done(member.id, ACQUIRE, claim.run)
        elif claim.number == run.revoked + 1 and not message.fences.items() <= run.fences.items():
            # An operator freed it, then an old request asked again: the run began without it.
            step.send(member.id, member.store, Release(claim=claim, fences=message.fences))
            return
        step.send(member.id, member.store, HeldHeard(claim=claim, fences=message.fences))

    def queued(self, step: Step, member: Member, message: Queued) -> None:
        """A claim waits. With a position, the keeper reports its grant unasked."""
        ref = ref_of(message.claim.run)
        if ref is None or member.id != self._site.keeper or ref not in self._pending:
            return
        if message.position and message.opening != self._current_keeper.term_seen:
            return
        self._queued.put(ref, message)
        if message.position:
            self._outbox.done(member.id, ACQUIRE, message.claim.run)
        run = self._site.table.runs.get(ref)
        limit = limit_of(run) if run else None
        if run and limit and limit.when_full == "skip" and message.full:
            step.decide(run, skip(self._site.called(message.full), limit.limit))

    def yielded(self, step: Step, member: Member, message: Yield) -> Run | None:
        """The keeper asks for the end of a run; return the run, if it is not over."""
        ref = ref_of(message.claim.run)
        if ref is None or not self._current_keeper.is_believed(member, message.opening):
            return None
        run = self._site.table.runs.get(ref)
        if run is not None and run.phase not in ("ended", "packed"):
            return run
        step.send(member.id, member.store, Release(claim=message.claim, fences={}))
        return None

    # --- giving back ---

    def returned(self, step: Step, run: Run) -> None:
        """A host returned a run: its claim holds as before."""
        tags = tags_of(run)
        if fences := {tag: f for tag, f in run.fences.items() if tag in tags}:
            pending = PendingClaim(number=run.revoked + 1, state="held", fences=fences, at=step.now)
            self._put(step, run.ref, pending)

    def revoked(self, step: Step, run: Run) -> None:
        """A grant was revoked: the next claim takes over what the last one holds."""
        if tags_of(run) and run.phase == "pending":
            self._put(step, run.ref, PendingClaim(number=run.revoked + 1, state="asked"))

    def over(self, step: Step, run: Run) -> None:
        """A run ended here, and its last process is gone: release what it holds."""
        tags = tags_of(run)
        if not tags or run.superseded:
            return
        fences = {tag: fence for tag, fence in run.fences.items() if tag in tags}
        is_adopted = run.ref.store == self._site.store
        if run.started_at is not None and fences:
            self._releases.owe(step, run, fences)
        elif is_adopted and (run.revoked or run.ref in self._pending):
            self._releases.owe(step, run, {})
        if is_adopted:
            self._put(step, run.ref, None)

    def over_elsewhere(self, step: Step, run: Run) -> None:
        """A run that this host adopted ended at a peer: end its claim, too."""
        if tags_of(run):
            self._releases.owe(step, run, {})

    def released(self, step: Step, member: Member, message: Released) -> None:
        """The keeper has stored a release."""
        ref = ref_of(message.claim.run)
        if ref is None:
            return
        self._releases.acknowledged(step, member.id, message)
        pending = self._pending.get(ref)
        if pending is not None and pending.state == "parking" and pending.fences == message.fences:
            self._outbox.done(member.id, RELEASE, ref.key)
            parked = PendingClaim(number=pending.number, state="parked", passed=pending.fences)
            self._put(step, ref, parked)
            step.retry_pends = True

    def tick(self, step: Step) -> Instant | None:
        """Give back grants that no host could use; return when to look again."""
        self._releases.resume(step)
        dues: list[Instant] = []
        for ref, pending in self._pending.items():
            run, queued = self._site.table.runs.get(ref), self._queued.get(ref)
            if pending.state == "asked" and run is not None and not (queued and queued.position):
                self._ask(step, run, pending, tags_of(run))
                step.deliver()
            if pending.state != "held":
                continue
            if pending.at is None or pending.at > step.now:
                pending = replace(pending, at=step.now)
                self._pending.put(ref, pending)
            since = pending.at if pending.at is not None else step.now
            due = Instant(since + PARK_MS)
            if due > step.now:
                dues.append(due)
            elif not step.retry_pends:
                self._park(step, ref, pending)
                step.deliver()
        return min(dues, default=None)

    # --- parts ---

    def _pending_of(self, run: Run) -> PendingClaim | None:
        pending = self._pending.get(run.ref)
        return pending if pending is not None and pending.number == run.revoked + 1 else None

    def _put(self, step: Step, ref: RunRef, pending: PendingClaim | None) -> None:
        if pending is None:
            self._queued.put(ref, None)
        if self._pending.put(ref, pending):
            step.promise_row("claim", ref.key, None if pending is None else encode(pending))

    def _ask(
        self, step: Step, run: Run, pending: PendingClaim | None, tags: tuple[str, ...]
    ) -> None:
        keeper, key = self._site.keeper, run.ref.key
        if keeper is None or self._current_keeper.disagreement():
            return
        if pending is None or pending.state != "asked":
            passed = pending.passed if pending else {}
            self._put(
                step, run.ref, PendingClaim(number=run.revoked + 1, state="asked", passed=passed)
            )
            self._queued.put(run.ref, None)
        claim = Claim(run=key, number=run.revoked + 1)
        acquire = Acquire(claim=claim, tags=tags, group=group_limit(run))
        queued = self._queued.get(run.ref)
        if not (queued and queued.position):
            self._outbox.send(step, keeper, None, ACQUIRE, key, acquire)

    def _park(self, step: Step, ref: RunRef, pending: PendingClaim) -> None:
        parking = replace(pending, state="parking", at=None)
        self._put(step, ref, parking)
        self._releases.send(step, ref.key, self._parking(ref, parking))

    def _parking(self, ref: RunRef, pending: PendingClaim) -> Release:
        claim = Claim(run=ref.key, number=pending.number)
        return Release(claim=claim, fences=pending.fences, parked=True)
