"""The adopter's and the pen holder's side of leases: claims, and what is to be released.

A claim is (run, n), n growing with each grant that was revoked. Nothing of it is given back before
the run's last process is gone, and an answer of a keeper that was followed by another, or of a
turn that was given back, is not believed.

Source: docs/cluster.md, "Leases".
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, Literal

from floe.hub.members import Member, ref_of
from floe.hub.rows import Book, Journal, Rows
from floe.kernel.place import HOST_SCOPED, HOST_STALE_S, Refusals
from floe.model.codec import decode, encode
from floe.model.host import Pend
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
from floe.model.refs import HostId, Instant, RunRef, StoreId
from floe.model.run import Run

if TYPE_CHECKING:
    from floe.hub.core import HubCore
    from floe.hub.draft import Draft

PARK_MS: Final = 10_000
"""So long a claim holds what no host takes its run for; then it lets others go first."""

ACQUIRE: Final = "acquire"
RELEASE: Final = "release"
"""Kinds of letters; the second of owed rows as well."""

State = Literal["asked", "held", "parking", "parked"]
"""asked: it waits. held: its turn has come. parking: it is giving its turn back. parked: it has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """A claim of a run that waits for a host."""

    number: int
    state: State
    fences: Mapping[str, str] = field(default_factory=dict)
    """held: under these. parking: they are given back."""
    passed: Mapping[str, str] = field(default_factory=dict)
    """What was given back last: a turn with these or lower ones is an old one."""
    at: Instant | None = None
    """held: since when; None: since before this host started."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Obeyed:
    """The keeper whose census was answered last."""

    host: HostId
    store: StoreId
    term: int


class Leases:
    """Claims of runs that were adopted here or run here."""

    def __init__(self, core: "HubCore", journal: Journal, rows: Rows) -> None:
        self._core = core
        self._wishes: Book[RunRef, Wish] = Book(journal)
        self._queued: Book[RunRef, Queued] = Book(journal)
        """What the keeper last said of a claim that waits."""
        self._obeyed: Book[str, Obeyed] = Book(journal)
        for key, shape in rows.get("claim", {}).items():
            ref = ref_of(key)
            if ref is not None and ref.store == core.store and isinstance(shape, Mapping):
                self._wishes.put(ref, replace(decode(Wish, shape), at=None))
        obeyed = rows.get("obeyed", {}).get("keeper")
        if isinstance(obeyed, Mapping):
            self._obeyed.put("", decode(Obeyed, obeyed))
        self._owed: Book[str, Release] = Book(journal)
        """What an earlier process was to release, until it is in the outbox or done."""
        for key, row in rows.get("owed", {}).items():
            if key.startswith(f"{RELEASE} ") and isinstance(row, Mapping):
                self._owed.put(key, decode(Release, row))

    def load(self) -> None:
        """Say again what is to be released."""
        keeper, cluster = self._core.host.keeper, self._core.cluster
        assert cluster is not None
        if keeper is None or keeper == self._core.host.id:
            return
        for release in self._owed.values():
            name = _name(release.claim)
            cluster.outbox.put(keeper, None, RELEASE, name, release, Instant(0))
        for ref, wish in self._wishes.items():
            if wish.state == "parking":
                release = self._parking(ref, wish)
                cluster.outbox.put(keeper, None, RELEASE, ref.key, release, Instant(0))

    # --- who keeps ---

    @property
    def keeper_store(self) -> StoreId | None:
        """The store of the configured keeper, if its census was answered here."""
        obeyed = self._obeyed.get("")
        return obeyed.store if obeyed and obeyed.host == self._core.host.keeper else None

    @property
    def term_seen(self) -> int:
        """The highest term of a keeper that was seen here."""
        obeyed = self._obeyed.get("")
        return obeyed.term if obeyed else 0

    def disagreement(self) -> str:
        """Why the hosts are not of one mind about their keeper; empty if they are."""
        keeper, cluster = self._core.host.keeper, self._core.cluster
        assert cluster is not None
        if keeper is None:
            return "no keeper is configured"
        for member in cluster.members.lives():
            if member.stale or member.ping is None:
                continue
            if member.ping.keeper != keeper:
                theirs = member.ping.keeper or "none"
                return (
                    f"the config of {member.id} has keeper {theirs}, "
                    f"that of {self._core.host.id} {keeper}"
                )
            is_mine = keeper == self._core.host.id
            if is_mine and member.ping.keeper_store not in (None, self._core.store):
                return f"{member.id} obeys {keeper} with the store {member.ping.keeper_store}"
        return ""

    def census(self, draft: "Draft", member: Member, message: Census) -> None:
        """A keeper asks what is claimed; it is obeyed from then on."""
        if member.id != self._core.host.keeper:
            return
        old = self._obeyed.get("")
        new = Obeyed(host=member.id, store=member.store, term=message.opening)
        if old is not None and old != new and old.term >= new.term:
            draft.send(member.id, member.store, Behind(term=old.term))
            return
        self._obey(draft, new)
        answer = Claims(opening=message.opening, round=message.round, claims=tuple(self.claims()))
        draft.send(member.id, member.store, answer)

    def obey_self(self, draft: "Draft", term: int) -> list[Claimed]:
        """This host opens as keeper; return what is claimed here."""
        self._obey(draft, Obeyed(host=self._core.host.id, store=self._core.store, term=term))
        return self.claims()

    def _obey(self, draft: "Draft", obeyed: Obeyed) -> None:
        if self._obeyed.put("", obeyed):
            draft.promise_row("obeyed", "keeper", encode(obeyed))
            for ref in tuple(self._queued):
                self._queued.put(ref, None)
            draft.core.table.news = True

    def claims(self) -> list[Claimed]:
        """All that runs adopted here or running here hold, and what they wait for."""
        claims: list[Claimed] = []
        for run in self._core.table.runs.values():
            tags = tags_of(run)
            is_here = self._core.store in (run.ref.store, run.store)  # not of a backup
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

    # --- asking ---

    def ready(self, draft: "Draft", run: Run) -> dict[str, str] | None:
        """The fences of a run that holds all it needs of the cluster; None where it waits."""
        tags = tags_of(run)
        if not tags:
            return {}
        wish = self._wish(run)
        if wish is None or wish.state in ("asked", "parked"):
            self._ask(draft, run, wish, tags)
            wish = self._wish(run)
        if wish is None or wish.state != "held":
            return None
        self._put(draft, run.ref, None)
        return dict(wish.fences)

    def held(self, draft: "Draft", member: Member, message: Held) -> None:
        """The turn of a claim has come."""
        claim, obeyed = message.claim, self._obeyed.get("")
        said_by = Obeyed(host=member.id, store=member.store, term=message.opening)
        ref = ref_of(claim.run)
        if ref is None or obeyed != said_by:
            return
        run = self._core.table.runs.get(ref)
        if run is None or run.phase in ("ended", "packed") or ref.store != self._core.store:
            self._tell(draft, member, Release(claim=claim, fences={}))
            return
        if run.phase == "pending" and claim.number == run.revoked + 1:
            wish = self._wish(run)
            if wish is not None and _is_old(message.fences, wish.passed):
                return
            passed = wish.passed if wish else {}
            held = Wish(
                number=claim.number,
                state="held",
                fences=dict(message.fences),
                passed=passed,
                at=draft.now,
            )
            if wish is None or wish.state != "held" or wish.fences != held.fences:
                self._put(draft, ref, held)
                draft.core.table.news = True
            self._queued.put(ref, None)
            draft.cluster.outbox.done(member.id, ACQUIRE, claim.run)
        self._tell(draft, member, HeldHeard(claim=claim, fences=message.fences))

    def queued(self, draft: "Draft", member: Member, message: Queued) -> None:
        """A claim waits; with a position, until its turn is said."""
        ref = ref_of(message.claim.run)
        if ref is None or member.id != self._core.host.keeper or ref not in self._wishes:
            return
        if message.position and message.opening != self.term_seen:
            return
        self._queued.put(ref, message)
        if message.position:
            draft.cluster.outbox.done(member.id, ACQUIRE, message.claim.run)

    # --- giving back ---

    def returned(self, draft: "Draft", run: Run) -> None:
        """A host said no to a run: its claim holds as before."""
        tags = tags_of(run)
        if fences := {tag: f for tag, f in run.fences.items() if tag in tags}:
            wish = Wish(number=run.revoked + 1, state="held", fences=fences, at=draft.now)
            self._put(draft, run.ref, wish)

    def over(self, draft: "Draft", run: Run) -> None:
        """A run has ended here: what it holds is given back, its last process being gone."""
        tags = tags_of(run)
        if not tags or run.superseded:
            return
        fences = {tag: fence for tag, fence in run.fences.items() if tag in tags}
        is_adopted = run.ref.store == self._core.store
        if run.started_at is not None and fences:
            self._release(draft, run, fences)
        elif is_adopted and (run.revoked or run.ref in self._wishes):
            self._release(draft, run, {})
        if is_adopted:
            self._put(draft, run.ref, None)

    def over_elsewhere(self, draft: "Draft", run: Run) -> None:
        """A run has ended where it ran: its adopter says so as well."""
        if tags_of(run):
            self._release(draft, run, {})

    def released(self, draft: "Draft", member: Member, message: Released) -> None:
        """The keeper has taken something back."""
        claim, outbox = message.claim, draft.cluster.outbox
        ref = ref_of(claim.run)
        if ref is None:
            return
        letter = outbox.get(member.id, RELEASE, _name(claim))
        owed = letter.message if letter else None
        if isinstance(owed, Release) and dict(owed.fences) == dict(message.fences):
            outbox.done(member.id, RELEASE, _name(claim))
            draft.keep("owed", f"{RELEASE} {_name(claim)}", None)
        wish = self._wishes.get(ref)
        if wish is not None and wish.state == "parking" and wish.fences == message.fences:
            outbox.done(member.id, RELEASE, ref.key)
            parked = Wish(number=wish.number, state="parked", passed=wish.fences)
            self._put(draft, ref, parked)
            draft.core.table.news = True

    def tick(self, draft: "Draft") -> Instant | None:
        """Give back turns that no host could use; return when to look again."""
        if self._core.host.keeper == self._core.host.id:
            self._release_here(draft)
        dues: list[Instant] = []
        for ref, wish in self._wishes.items():
            if wish.state != "held":
                continue
            if wish.at is None or wish.at > draft.now:
                wish = replace(wish, at=draft.now)
                self._wishes.put(ref, wish)
            since = wish.at if wish.at is not None else draft.now
            due = Instant(since + PARK_MS)
            if due > draft.now:
                dues.append(due)
            elif not self._core.table.news:
                self._park(draft, ref, wish)
        return min(dues, default=None)

    # --- what is said of it ---

    def verdict(self, pend: Pend, placed: HostId, now: Instant) -> HostId | Refusals:
        """The host, or what keeps the cluster's resources from a run that it would take."""
        tags = tuple(t for t in pend.resource_tags if not t.startswith(HOST_SCOPED))
        wish = self._wishes.get(pend.run)
        if not tags or (wish is not None and wish.state == "held"):
            return placed
        return Refusals(by_host={}, resources=tuple(self._says(pend.run, tags, now)))

    def _says(self, ref: RunRef, tags: tuple[str, ...], now: Instant) -> list[str]:
        cluster, keeper = self._core.cluster, self._core.host.keeper
        assert cluster is not None
        names = f"{'resource' if len(tags) == 1 else 'resources'} {', '.join(tags)}"
        if problem := self.disagreement():
            return [f"{names}: {problem}"]
        queued = self._queued.get(ref)
        if cluster.keeper.is_me and (problem := cluster.keeper.problem()):
            return [f"{names}: {problem}"]
        if queued is not None and queued.why:
            return [f"{names}: keeper {keeper} gives nothing now: {queued.why}"]
        if keeper != self._core.host.id and keeper is not None:
            member = cluster.members.by_id.get(keeper)
            if member is None or member.seen_at is None:
                return [f"{names}: keeper {keeper} was not heard since this host started"]
            if (unseen_s := (now - member.seen_at) // 1000) >= HOST_STALE_S:
                return [f"{names}: keeper {keeper} was not seen for {unseen_s} s"]
        if queued is None:
            return [f"{names}: keeper {keeper} has not answered yet"]
        says = [f"resource {tag}, held by {_short(run)}" for tag, run in queued.holders.items()]
        place = f"{queued.position}. in the queue of keeper {keeper}"
        return [*(says or [names]), place]

    # --- parts ---

    def _wish(self, run: Run) -> Wish | None:
        wish = self._wishes.get(run.ref)
        return wish if wish is not None and wish.number == run.revoked + 1 else None

    def _put(self, draft: "Draft", ref: RunRef, wish: Wish | None) -> None:
        if wish is None:
            self._queued.put(ref, None)
        if self._wishes.put(ref, wish):
            draft.promise_row("claim", ref.key, None if wish is None else encode(wish))

    def _ask(self, draft: "Draft", run: Run, wish: Wish | None, tags: tuple[str, ...]) -> None:
        keeper, key = self._core.host.keeper, run.ref.key
        if keeper is None or self.disagreement():
            return
        if wish is None or wish.state != "asked":
            passed = wish.passed if wish else {}
            self._put(draft, run.ref, Wish(number=run.revoked + 1, state="asked", passed=passed))
            self._queued.put(run.ref, None)
        acquire = Acquire(claim=Claim(run=key, number=run.revoked + 1), tags=tags)
        if keeper == self._core.host.id:
            draft.cluster.keeper.asked(draft, draft.cluster.members.me, acquire)
            return
        queued = self._queued.get(run.ref)
        letter = draft.cluster.outbox.get(keeper, ACQUIRE, key)
        is_waiting = queued is not None and queued.position
        if not is_waiting and (letter is None or letter.message != acquire):
            draft.cluster.outbox.put(keeper, None, ACQUIRE, key, acquire, draft.now)

    def _park(self, draft: "Draft", ref: RunRef, wish: Wish) -> None:
        parking = replace(wish, state="parking", at=None)
        self._put(draft, ref, parking)
        self._to_keeper(draft, ref.key, self._parking(ref, parking))

    def _parking(self, ref: RunRef, wish: Wish) -> Release:
        claim = Claim(run=ref.key, number=wish.number)
        return Release(claim=claim, fences=wish.fences, parked=True)

    def _release(self, draft: "Draft", run: Run, fences: dict[str, str]) -> None:
        """Owe the end of a claim, and of what went before it for its run."""
        claim = Claim(run=run.ref.key, number=run.revoked + 1)
        release = Release(claim=claim, fences=fences)
        keeper = self._core.host.keeper
        if keeper is not None and keeper != self._core.host.id:
            draft.cluster.outbox.done(keeper, ACQUIRE, run.ref.key)
            draft.cluster.outbox.done(keeper, RELEASE, run.ref.key)
        if keeper != self._core.host.id:
            draft.promise_row("owed", f"{RELEASE} {_name(claim)}", encode(release))
        self._to_keeper(draft, _name(claim), release)

    def _release_here(self, draft: "Draft") -> None:
        """Release what was to be said to another keeper before this host became it."""
        for key, release in self._owed.items():
            self._owed.put(key, None)
            draft.keep("owed", key, None)
            self._to_keeper(draft, "", release)
        for ref, wish in self._wishes.items():
            if wish.state == "parking":
                self._to_keeper(draft, "", self._parking(ref, wish))

    def _to_keeper(self, draft: "Draft", name: str, release: Release) -> None:
        keeper = self._core.host.keeper
        if keeper == self._core.host.id:
            draft.cluster.keeper.released(draft, draft.cluster.members.me, release)
        elif keeper is not None:
            draft.cluster.outbox.put(keeper, None, RELEASE, name, release, draft.now)

    def _tell(self, draft: "Draft", member: Member, message: Release | HeldHeard) -> None:
        if member.id != self._core.host.id:
            draft.send(member.id, member.store, message)
        elif isinstance(message, Release):
            draft.cluster.keeper.released(draft, member, message)


def tags_of(run: Run) -> tuple[str, ...]:
    """The resources of the whole cluster that a run needs."""
    tags = run.flow.resource_tags if run.flow else ()
    return tuple(tag for tag in tags if not tag.startswith(HOST_SCOPED))


def _name(claim: Claim) -> str:
    return f"{claim.run}#{claim.number}"


def _short(key: str) -> str:
    ref = ref_of(key)
    return str(ref) if ref else key


def _is_old(fences: Mapping[str, str], passed: Mapping[str, str]) -> bool:
    """Whether a turn is one that was given back, or an earlier one."""
    return any(tag in passed and _fence(f) <= _fence(passed[tag]) for tag, f in fences.items())


def _fence(text: str) -> tuple[int, int]:
    term, _, counter = text.partition(".")
    return int(term), int(counter)
