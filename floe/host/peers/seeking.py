"""Outside work of other hosts, for a taker that asks this host.

This host asks a peer which work fits, and takes one by its key. It repeats both until they are
answered. What it does not wait for any longer it gives back, also until that is answered.
"""

from dataclasses import replace
from typing import Final

from floe.host.inputs import GiveBack, Reply, TakeOldest
from floe.host.peers.member import Member
from floe.host.peers.members import Members
from floe.host.peers.outbox import Outbox
from floe.host.site import Site
from floe.host.step import Step
from floe.host.takes import give_back, hand_over, make_void, take, take_oldest, taken_before
from floe.host.undoable import Undoable
from floe.model.call import HandedWork
from floe.model.errors import IdInvalid
from floe.model.ids import HostId, Instant, Key, ref_of
from floe.model.nouns import dataclass
from floe.model.signal import TakeWork
from floe.model.take_message import FoundWork, SeekWork, Take, Taken, Untake, Untaken

SEEK_MS: Final = 2000
"""How long a taker waits for the work of other hosts."""

FOUND_MAX: Final = 8
"""Keys in one answer: each may be taken by a different taker meanwhile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seek:
    """A taker that waits for the work of other hosts."""

    wanted: TakeOldest
    ticket: int
    until: Instant
    host: HostId
    """The host that is asked now."""
    hosts: tuple[HostId, ...]
    """Those to ask after it; this host may be among them."""
    key: str = ""
    """What is being taken there; empty while it is asked what it has."""
    keys: tuple[str, ...] = ()
    """What to take if that is gone."""


class Seeking:
    """Takes the work of other hosts for the takers of this one, and theirs here."""

    def __init__(self, site: Site, members: Members, outbox: Outbox) -> None:
        self._site = site
        self._members = members
        self._outbox = outbox
        self._seeks: Undoable[str, Seek] = Undoable(site.journal)
        """By the names of their takes."""

    # --- for the takers of this host ---

    def begin(self, step: Step, wanted: TakeOldest, ticket: int) -> bool:
        """Ask the host with the oldest work of a queue, or with what this take got before; False
        if that is this host, or none."""
        hosts = self._hosts_with(wanted.queue)
        if wanted.run:
            at = wanted.run_at
            hosts = (at,) if at is not None and at in self._members.by_id else ()
        if not hosts or hosts[0] == self._site.id:
            return False
        until = Instant(step.now + SEEK_MS)
        seek = Seek(wanted=wanted, ticket=ticket, until=until, host=hosts[0], hosts=hosts[1:])
        self._ask(step, seek)
        return True

    def found(self, step: Step, member: Member, message: FoundWork) -> None:
        """A host says which work fits."""
        seek = self._seeks.get(message.take)
        if seek is not None and message.run != seek.wanted.run:
            return  # it answers an earlier question
        self._outbox.done(member.id, "seek", message.take)
        if seek is not None and seek.host == member.id and not seek.key:
            self._try(step, replace(seek, keys=message.keys))

    def taken(self, step: Step, member: Member, message: Taken) -> None:
        """A host says whether a take got its work."""
        self._outbox.done(member.id, "take", _name(message.key, message.take))
        seek = self._seeks.get(message.take)
        if seek is None or (seek.host, seek.key) != (member.id, message.key):
            return  # it is being given back, or its taker has it
        work = message.work
        if work is None:
            self._try(step, seek)
            return
        if (work.key, work.take) != (message.key, message.take) or _key(work.key) is None:
            step.refused.append(f"work {work.key} from {member.id}, in place of {message.key}")
            self._owe(step, member.id, message.key, message.take)
            self._try(step, seek)
            return
        hand_over(step, seek.wanted, HandedWork(work=work, host=member.id))
        self._end(step, seek, found=True)

    def give_back(self, step: Step, wanted: GiveBack) -> bool:
        """Give back what a take got, or is to get, at other hosts; False if this is the host."""
        if seek := self._seeks.get(wanted.take):
            self._end(step, seek, found=False)
            return True
        handed = self._site.handed.get(wanted.take)
        if handed is None or handed.host == self._site.id:
            return False
        self._owe(step, handed.host, handed.work.key, wanted.take)
        return True

    def void(self, step: Step, take: str) -> bool:
        """A taker repeats a take of which this host knows nothing: a process of it before this one
        may have got work for it, which is offered again. False where it has no peers."""
        hosts = [*self._members.by_id]
        if not hosts:
            return False
        if seek := self._seeks.get(take):
            self._end(step, seek, found=False)
        if make_void(step, self._site.id, take, hosts):
            self._tell_void(step.now)
        return True

    def _tell_void(self, now: Instant) -> None:
        for host, void in self._site.void_takes.owed(self._site.id):
            member, name = self._members.by_id.get(host), _name("", void)
            if member is not None and self._outbox.get(host, "untake", name) is None:
                message = Untake(key="", take=void)
                self._outbox.put(host, member.store, "untake", name, message, now)

    def load(self) -> None:
        """Continue after a start."""
        self._tell_void(Instant(0))

    def tick(self, step: Step) -> Instant | None:
        """End what took too long; return when the next one does."""
        for seek in self._seeks.values():
            if seek.until <= step.now:
                is_open = seek.wanted.run or (seek.wanted.once and seek.key)
                why = f"{seek.host} has not answered" if is_open else ""
                self._end(step, seek, found=False, why=why)
        return min((seek.until for seek in self._seeks.values()), default=None)

    # --- for takers at other hosts ---

    def sought(self, step: Step, member: Member, message: SeekWork) -> None:
        """A host asks which work of this one fits."""
        if message.run:
            step.send(member.id, member.store, self._found_again(message))
            return
        offers = self._site.table.offers
        fitting = offers.fitting(message.queue, message.labels, message.name)
        keys = tuple(str(offer.key) for offer, _ in zip(fitting, range(FOUND_MAX), strict=False))
        step.send(member.id, member.store, FoundWork(take=message.take, keys=keys))

    def _found_again(self, message: SeekWork) -> FoundWork:
        """The work that a take has here; none if it has it no more."""
        ref = ref_of(message.run)
        run = self._site.table.runs.get(ref) if ref else None
        if run is None or self._site.table.is_foreign(run):
            return FoundWork(take=message.take, run=message.run)
        work = taken_before(run, message.take)
        return FoundWork(take=message.take, keys=(work.key,) if work else (), run=message.run)

    def take(self, step: Step, member: Member, message: Take) -> None:
        """A host takes work for its taker. A refusal is final: this take is void for this work."""
        work = None
        if key := _key(message.key):
            signal = TakeWork(key=key, take=message.take, by=message.by, through=member.id)
            if not (work := take(step, signal)):
                give_back(step, key, message.take)
        step.send(member.id, member.store, Taken(key=message.key, take=message.take, work=work))

    def untake(self, step: Step, member: Member, message: Untake) -> None:
        """A host gives work back that its taker never got."""
        if not message.key:
            make_void(step, member.id, message.take)
        elif key := _key(message.key):
            give_back(step, key, message.take)
        step.send(member.id, member.store, Untaken(key=message.key, take=message.take))

    def untaken(self, step: Step, member: Member, message: Untaken) -> None:
        """A host has stored that a take is void."""
        self._outbox.done(member.id, "untake", _name(message.key, message.take))
        if not message.key:
            step.ledger += self._site.void_takes.stored(self._site.id, message.take, member.id)

    # --- one seek ---

    def _hosts_with(self, queue: str) -> tuple[HostId, ...]:
        """The hosts that offer work in a queue, oldest first, by the clock of this one."""
        own = self._site.table.offers.oldest().get(queue)
        found = [] if own is None else [(own, self._site.id)]
        for member in self._members.by_id.values():
            ping = member.ping
            if ping is not None and not member.stale and member.other is None:
                since = ping.queues.get(queue)
                found += [] if since is None else [(Instant(since - member.skew_ms), member.id)]
        return tuple(host for _, host in sorted(found))

    def _ask(self, step: Step, seek: Seek) -> None:
        """Ask the host of a seek which of its work fits."""
        wanted = seek.wanted
        self._seeks.put(wanted.take, seek)
        message = SeekWork(
            take=wanted.take,
            queue=wanted.queue,
            labels=wanted.labels,
            name=wanted.name,
            run=wanted.run,
        )
        store = self._members.by_id[seek.host].store
        self._outbox.send(step, seek.host, store, "seek", wanted.take, message)

    def _try(self, step: Step, seek: Seek) -> None:
        """Take the next work of the host of a seek, or ask the next host."""
        wanted = seek.wanted
        if seek.keys:
            key, *keys = seek.keys
            self._seeks.put(wanted.take, replace(seek, key=key, keys=tuple(keys)))
            message = Take(key=key, take=wanted.take, by=wanted.by)
            store = self._members.by_id[seek.host].store
            self._outbox.send(step, seek.host, store, "take", _name(key, wanted.take), message)
            return
        for at, host in enumerate(seek.hosts):
            if host == self._site.id and take_oldest(step, wanted):
                self._end(step, seek, found=True)
                return
            if host in self._members.by_id:
                again = replace(seek, host=host, hosts=seek.hosts[at + 1 :], key="", keys=())
                self._ask(step, again)
                return
        self._end(step, replace(seek, key=""), found=False)

    def _end(self, step: Step, seek: Seek, *, found: bool, why: str = "") -> None:
        """Answer the taker. What was to be taken and has no answer yet is given back, unless the
        take got it before: its taker asks again."""
        take = seek.wanted.take
        self._seeks.put(take, None)
        self._outbox.done(seek.host, "seek", take)
        if seek.wanted.run:
            self._outbox.done(seek.host, "take", _name(seek.key, take))
        elif seek.key and not found:
            self._owe(step, seek.host, seek.key, take)
        handed = self._site.handed.get(take) if found else None
        work = handed.work if handed else None
        reply = Reply(ticket=seek.ticket, run=None, changed=found, taken=work, why=why)
        step.replies.append(reply)

    def _owe(self, step: Step, host: HostId, key: str, take: str) -> None:
        """Give work back to its host until that has stored it."""
        self._outbox.done(host, "take", _name(key, take))
        if member := self._members.by_id.get(host):
            message = Untake(key=key, take=take)
            self._outbox.send(step, host, member.store, "untake", _name(key, take), message)


def _name(key: str, take: str) -> str:
    return f"{key} {take}"


def _key(text: str) -> Key | None:
    """A key from a different host; None for a text that is no key."""
    try:
        return Key.parse(text)
    except IdInvalid:
        return None
