"""The adopter's and the pen holder's side of leases: claims, and what is to be released.

A claim is (run, n), n growing with each grant that was revoked. Nothing of it is given back before
the run's last process is gone, and an answer of a keeper that was followed by another, or of a
turn that was given back, is not believed.

Source: docs/cluster-protocol.md, "Leases".
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Literal

from floe.host.leases.base import tags_of
from floe.host.leases.current_keeper import CurrentKeeper
from floe.host.leases.releases import ACQUIRE, RELEASE, Releases
from floe.host.peers.member import Member
from floe.host.peers.outbox import Outbox
from floe.host.rows import Rows
from floe.host.site import Site
from floe.host.step import Step
from floe.host.undoable import Undoable
from floe.model.codec import decode, encode
from floe.model.message import (
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
)
from floe.model.refs import HostId, Instant, RunRef, StoreId, ref_of
from floe.model.run import Run

PARK_MS: Final = 10_000
"""So long a claim holds what no host takes its run for; then it lets others go first."""


State = Literal["asked", "held", "parking", "parked"]
"""asked: it waits. held: its turn has come. parking: it is giving its turn back. parked: it has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingClaim:
    """A claim of a run that waits for a host."""

    number: int
    state: State
    fences: Mapping[str, str] = field(default_factory=dict)
    """held: under these. parking: they are given back."""
    passed: Mapping[str, str] = field(default_factory=dict)
    """What was given back last: a turn with these or lower ones is an old one."""
    at: Instant | None = None
    """held: since when; None: since before this host started."""


class OwnClaims:
    """Claims of runs that were adopted here or run here."""

    def __init__(
        self, site: Site, current_keeper: CurrentKeeper, outbox: Outbox, rows: Rows
    ) -> None:
        self._site = site
        self._current_keeper = current_keeper
        self._outbox = outbox
        self._wishes: Undoable[RunRef, PendingClaim] = Undoable(site.journal)
        self._queued: Undoable[RunRef, Queued] = Undoable(site.journal)
        """What the keeper last said of a claim that waits."""
        for key, shape in rows.get("claim", {}).items():
            ref = ref_of(key)
            if ref is not None and ref.store == site.store and isinstance(shape, Mapping):
                self._wishes.put(ref, replace(decode(PendingClaim, shape), at=None))
        self._releases = Releases(site, outbox, rows)
        for ref, pending in self._wishes.items():
            if pending.state == "parking":
                self._releases.resume_later(ref.key, self._parking(ref, pending))

    def holds(self, ref: RunRef) -> bool:
        """Whether the turn of a run that waits has come."""
        wish = self._wishes.get(ref)
        return wish is not None and wish.state == "held"

    def granted(self) -> list[RunRef]:
        """Runs that wait for a host though their claims are granted."""
        return [ref for ref, wish in self._wishes.items() if wish.state == "held"]

    def place_of(self, ref: RunRef) -> Queued | None:
        """What the keeper last said of a claim that waits; None where it has not answered."""
        return self._queued.get(ref)

    def follow(self, step: Step, keeper: HostId, store: StoreId, term: int) -> None:
        """Follow a keeper under a term: places in the queue of an earlier one no longer count."""
        if self._current_keeper.follow(step, keeper, store, term):
            for ref in tuple(self._queued):
                self._queued.put(ref, None)

    def claims(self) -> list[Claimed]:
        """All that runs adopted here or running here hold, and what they wait for."""
        claims: list[Claimed] = []
        for run in self._site.table.runs.values():
            tags = tags_of(run)
            is_here = self._site.store in (run.ref.store, run.store)  # not of a backup
            if not tags or not is_here or run.superseded or run.phase in ("ended", "packed"):
                continue
            claim = Claim(run=run.ref.key, number=run.revoked + 1)
            fences = {tag: fence for tag, fence in run.fences.items() if tag in tags}
            wish = self._wish(run)
            if fences:
                claims.append(Claimed(claim=claim, fences=fences, tags=tags))
            elif wish is not None and wish.state in ("asked", "held"):
                claims.append(Claimed(claim=claim, fences=wish.fences, tags=tags))
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
        answer = Claims(opening=message.opening, round=message.round, claims=tuple(self.claims()))
        step.send(member.id, member.store, answer)

    # --- asking ---

    def ready(self, step: Step, run: Run) -> dict[str, str] | None:
        """The fences of a run that holds all it needs of the cluster; None where it waits."""
        tags = tags_of(run)
        if not tags:
            return {}
        wish = self._wish(run)
        if wish is None or wish.state in ("asked", "parked"):
            self._ask(step, run, wish, tags)
            step.deliver()
            wish = self._wish(run)
        if wish is None or wish.state != "held":
            return None
        self._put(step, run.ref, None)
        return dict(wish.fences)

    def held(self, step: Step, member: Member, message: Held) -> None:
        """The turn of a claim has come."""
        claim = message.claim
        ref = ref_of(claim.run)
        if ref is None or not self._current_keeper.is_believed(member, message.opening):
            return
        run = self._site.table.runs.get(ref)
        if run is None or run.phase in ("ended", "packed") or ref.store != self._site.store:
            step.send(member.id, member.store, Release(claim=claim, fences={}))
            return
        if run.phase == "pending" and claim.number == run.revoked + 1:
            wish = self._wish(run)
            if wish is not None and _is_old(message.fences, wish.passed):
                return
            passed = wish.passed if wish else {}
            held = PendingClaim(
                number=claim.number,
                state="held",
                fences=dict(message.fences),
                passed=passed,
                at=step.now,
            )
            if wish is None or wish.state != "held" or wish.fences != held.fences:
                self._put(step, ref, held)
                step.retry_pends = True
            self._queued.put(ref, None)
            self._outbox.done(member.id, ACQUIRE, claim.run)
        elif claim.number == run.revoked + 1 and not message.fences.items() <= run.fences.items():
            # Freed by hand, then asked for by a word from before: it has begun, and uses no other.
            step.send(member.id, member.store, Release(claim=claim, fences=message.fences))
            return
        step.send(member.id, member.store, HeldHeard(claim=claim, fences=message.fences))

    def queued(self, step: Step, member: Member, message: Queued) -> None:
        """A claim waits; with a position, until its turn is said."""
        ref = ref_of(message.claim.run)
        if ref is None or member.id != self._site.keeper or ref not in self._wishes:
            return
        if message.position and message.opening != self._current_keeper.term_seen:
            return
        self._queued.put(ref, message)
        if message.position:
            self._outbox.done(member.id, ACQUIRE, message.claim.run)

    # --- giving back ---

    def returned(self, step: Step, run: Run) -> None:
        """A host said no to a run: its claim holds as before."""
        tags = tags_of(run)
        if fences := {tag: f for tag, f in run.fences.items() if tag in tags}:
            wish = PendingClaim(number=run.revoked + 1, state="held", fences=fences, at=step.now)
            self._put(step, run.ref, wish)

    def revoked(self, step: Step, run: Run) -> None:
        """A grant was revoked: the next claim takes over at once what the last one holds."""
        if tags_of(run) and run.phase == "pending":
            self._put(step, run.ref, PendingClaim(number=run.revoked + 1, state="asked"))

    def over(self, step: Step, run: Run) -> None:
        """A run has ended here: what it holds is given back, its last process being gone."""
        tags = tags_of(run)
        if not tags or run.superseded:
            return
        fences = {tag: fence for tag, fence in run.fences.items() if tag in tags}
        is_adopted = run.ref.store == self._site.store
        if run.started_at is not None and fences:
            self._releases.owe(step, run, fences)
        elif is_adopted and (run.revoked or run.ref in self._wishes):
            self._releases.owe(step, run, {})
        if is_adopted:
            self._put(step, run.ref, None)

    def over_elsewhere(self, step: Step, run: Run) -> None:
        """A run has ended where it ran: its adopter says so as well."""
        if tags_of(run):
            self._releases.owe(step, run, {})

    def released(self, step: Step, member: Member, message: Released) -> None:
        """The keeper has taken something back."""
        ref = ref_of(message.claim.run)
        if ref is None:
            return
        self._releases.acknowledged(step, member.id, message)
        wish = self._wishes.get(ref)
        if wish is not None and wish.state == "parking" and wish.fences == message.fences:
            self._outbox.done(member.id, RELEASE, ref.key)
            parked = PendingClaim(number=wish.number, state="parked", passed=wish.fences)
            self._put(step, ref, parked)
            step.retry_pends = True

    def tick(self, step: Step) -> Instant | None:
        """Give back turns that no host could use; return when to look again."""
        self._releases.resume(step)
        dues: list[Instant] = []
        for ref, wish in self._wishes.items():
            run, queued = self._site.table.runs.get(ref), self._queued.get(ref)
            if wish.state == "asked" and run is not None and not (queued and queued.position):
                self._ask(step, run, wish, tags_of(run))
                step.deliver()
            if wish.state != "held":
                continue
            if wish.at is None or wish.at > step.now:
                wish = replace(wish, at=step.now)
                self._wishes.put(ref, wish)
            since = wish.at if wish.at is not None else step.now
            due = Instant(since + PARK_MS)
            if due > step.now:
                dues.append(due)
            elif not step.retry_pends:
                self._park(step, ref, wish)
                step.deliver()
        return min(dues, default=None)

    # --- parts ---

    def _wish(self, run: Run) -> PendingClaim | None:
        wish = self._wishes.get(run.ref)
        return wish if wish is not None and wish.number == run.revoked + 1 else None

    def _put(self, step: Step, ref: RunRef, wish: PendingClaim | None) -> None:
        if wish is None:
            self._queued.put(ref, None)
        if self._wishes.put(ref, wish):
            step.promise_row("claim", ref.key, None if wish is None else encode(wish))

    def _ask(self, step: Step, run: Run, wish: PendingClaim | None, tags: tuple[str, ...]) -> None:
        keeper, key = self._site.keeper, run.ref.key
        if keeper is None or self._current_keeper.disagreement():
            return
        if wish is None or wish.state != "asked":
            passed = wish.passed if wish else {}
            self._put(
                step, run.ref, PendingClaim(number=run.revoked + 1, state="asked", passed=passed)
            )
            self._queued.put(run.ref, None)
        acquire = Acquire(claim=Claim(run=key, number=run.revoked + 1), tags=tags)
        queued = self._queued.get(run.ref)
        if not (queued and queued.position):
            self._outbox.send(step, keeper, None, ACQUIRE, key, acquire)

    def _park(self, step: Step, ref: RunRef, wish: PendingClaim) -> None:
        parking = replace(wish, state="parking", at=None)
        self._put(step, ref, parking)
        self._releases.send(step, ref.key, self._parking(ref, parking))

    def _parking(self, ref: RunRef, wish: PendingClaim) -> Release:
        claim = Claim(run=ref.key, number=wish.number)
        return Release(claim=claim, fences=wish.fences, parked=True)


def _is_old(fences: Mapping[str, str], passed: Mapping[str, str]) -> bool:
    """Whether a turn is one that was given back, or an earlier one."""
    return any(tag in passed and _fence(f) <= _fence(passed[tag]) for tag, f in fences.items())


def _fence(text: str) -> tuple[int, int]:
    term, _, counter = text.partition(".")
    return int(term), int(counter)
