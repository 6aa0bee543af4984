"""The census of a keeper: it asks every host for its claims before it grants anything.

A keeper with a new store, or one that was not the keeper for a while, takes a term that no host has
seen. A complete census stays complete over restarts; hosts that come later are asked, too. A search
asks all hosts again, to find claims of forgotten hosts that no host has any more.
"""

from collections.abc import Mapping
from typing import Final

from floe.host.ledger import LedgerRows
from floe.host.peers.member import Member
from floe.host.peers.members import Members
from floe.host.peers.outbox import Outbox
from floe.host.site import Site
from floe.host.step import Step
from floe.host.undoable import Undoable
from floe.model.ids import HostId, Instant, Json, StoreId, address_key
from floe.model.nouns import dataclass
from floe.model.peer_message import Behind, Census, Claims

CENSUS: Final = "census"
"""A kind of messages in the outbox."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CensusState:
    """The state of a census."""

    term: int
    is_open: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CensusRound:
    """One round of a census."""

    number: int
    answered: tuple[str, ...] = ()
    """Hosts that have answered, as `h2@store`."""
    runs: frozenset[str] = frozenset()
    """Runs with claims that a host has."""


class KeeperCensus:
    """The census of this host as a keeper."""

    def __init__(self, site: Site, members: Members, outbox: Outbox, rows: LedgerRows) -> None:
        self._site = site
        self._members = members
        self._outbox = outbox
        self._state: Undoable[str, CensusState] = Undoable(site.journal)
        self._counted: Undoable[str, int] = Undoable(site.journal)
        """Hosts (`h2@store`) and the term under which they answered."""
        self._doubted: Undoable[str, int] = Undoable(site.journal)
        """Hosts that were asked again, and the number of the ping that gave the reason."""
        self._rounds: Undoable[str, CensusRound] = Undoable(site.journal)
        state = rows.get("keeping", {}).get("state")
        if isinstance(state, Mapping) and state["store"] == site.store:  # not of a backup
            term, is_open = state["term"], state["open"]
            assert isinstance(term, int)
            self._state.put("", CensusState(term=term, is_open=bool(is_open)))
        for key, term in rows.get("counted", {}).items():
            if isinstance(term, int):
                self._counted.put(key, term)

    @property
    def term(self) -> int:
        """Of the present census; 0 where this host never began one."""
        state = self._state.get("")
        return state.term if state else 0

    @property
    def is_open(self) -> bool:
        """Whether the census is complete: all that is held is known here."""
        state = self._state.get("")
        return state is not None and state.is_open

    @property
    def is_begun(self) -> bool:
        """Whether this host has begun a census."""
        return "" in self._state

    def begin(self, step: Step, above: int) -> None:
        """Begin again, under a term above one that was seen."""
        self._set(step, CensusState(term=max(self._site.term, above + 1), is_open=False))
        for key in tuple(self._counted):
            self._counted.put(key, None)
            step.keep("counted", key, None)

    def close(self, step: Step) -> None:
        """A different host is the keeper now."""
        if self._state.put("", None):
            step.promise_row("keeping", "state", None)

    def ask(self, step: Step) -> None:
        """Ask every host that has not answered."""
        for member in self._members.lives():
            if self._has_answered(member.id, member.store) and not self._doubts(member):
                continue
            census = Census(opening=self.term)
            self._outbox.send(step, member.id, member.store, CENSUS, "", census)

    def count(self, step: Step, member: Member, claims: Claims) -> bool:
        """A host has answered; return whether its answer is new and counts."""
        key = address_key(member.id, member.store)
        if claims.opening != self.term or claims.round:
            return False
        self._outbox.done(member.id, CENSUS, "")
        if self._counted.get(key) == self.term:
            return False
        self._counted.put(key, self.term)
        step.promise_row("counted", key, self.term)
        return True

    def missing(self) -> list[str]:
        """Hosts that have to answer before anything can be granted."""
        known = {m.id: m for m in self._members.lives()}
        missing = [str(m.id) for m in known.values() if not self._has_answered(m.id, m.store)]
        others = (known.keys() | self._members.gone()) - {self._site.id}
        silent = self._members.expected - len(others)
        if silent > 0:
            missing.append(f"{silent} of the configured hosts (floe hosts shows which)")
        return missing

    def open(self, step: Step) -> None:
        """All hosts have answered: the census is complete."""
        self._set(step, CensusState(term=self.term, is_open=True))

    def behind(self, step: Step, message: Behind) -> bool:
        """A host has seen a later term; return whether the census begins again."""
        if message.term < self.term or not self.is_begun:
            return False
        self.begin(step, message.term)
        return True

    def _doubts(self, member: Member) -> bool:
        """Whether a host that has answered reports a different keeper; True once for each ping.

        It may have answered a host that the config named in between: then it answers this one
        with the term that this one has to exceed.
        """
        ping = member.ping
        if ping is None or ping.keeper_store == self._site.store:
            return False
        return self._doubted.put(address_key(member.id, member.store), ping.change)

    def _has_answered(self, host: HostId, store: StoreId) -> bool:
        return self._counted.get(address_key(host, store)) == self.term

    def _set(self, step: Step, state: CensusState) -> None:
        self._state.put("", state)
        row: Json = {"store": self._site.store, "term": state.term, "open": state.is_open}
        step.promise_row("keeping", "state", row)

    # --- asking all again ---

    def search(self, step: Step) -> None:
        """Ask all hosts for claims whose adopters were forgotten."""
        old = self._rounds.get("")
        number = old.number + 1 if old else 1
        self._rounds.put("", CensusRound(number=number))
        for member in self._members.lives():
            census = Census(opening=self.term, round=number)
            step.send(member.id, member.store, census)

    def found(self, member: Member, claims: Claims) -> frozenset[str] | None:
        """A host answered a search; return the runs with claims once all have, else None."""
        now = self._rounds.get("")
        if now is None or (claims.opening, claims.round) != (self.term, now.number):
            return None
        answered = {*now.answered, address_key(member.id, member.store)}
        runs = now.runs | {claimed.claim.run for claimed in claims.claims}
        self._rounds.put(
            "", CensusRound(number=now.number, answered=tuple(sorted(answered)), runs=runs)
        )
        known = self._members.lives()
        is_complete = all(address_key(m.id, m.store) in answered for m in known)
        return runs if is_complete and not self.missing() else None


def knows_all_forgotten(member: Member, forgotten: set[str]) -> bool:
    """Whether a host's answer to a census counts: it accepts nothing from any forgotten host."""
    return member.ping is not None and forgotten <= set(member.ping.forgotten)


SEARCH_MS: Final = Instant(5000)
"""Between two searches."""
