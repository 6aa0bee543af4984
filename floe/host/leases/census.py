"""How a keeper comes to know what is held: it asks every host before it gives anything.

A keeper with a new store, or that was none meanwhile, opens under a term that no host has seen.
Once open it stays so over restarts, and asks whoever comes later. Claims of forgotten hosts that
nobody has any more are found by asking all again.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from floe.host.peers.members import Member
from floe.host.rows import Book, Journal, Rows
from floe.model.message import Behind, Census, Claims
from floe.model.refs import HostId, Instant, Json, StoreId, place_key

if TYPE_CHECKING:
    from floe.host.core import HubCore
    from floe.host.step import Draft

CENSUS: Final = "census"
"""A kind of letters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """A keeper's state."""

    term: int
    is_open: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """One more asking of all."""

    number: int
    said: tuple[str, ...] = ()
    """Hosts that have answered, as `h2@store`."""
    runs: frozenset[str] = frozenset()
    """Runs of the claims that somebody has."""


class Opening:
    """A keeper's census."""

    def __init__(self, core: "HubCore", journal: Journal, rows: Rows) -> None:
        self._core = core
        self._state: Book[str, State] = Book(journal)
        self._counted: Book[str, int] = Book(journal)
        """Hosts (`h2@store`) and the term under which they answered."""
        self._doubted: Book[str, int] = Book(journal)
        """Hosts that were asked again, and the number of the word that made it so."""
        self._rounds: Book[str, Round] = Book(journal)
        state = rows.get("keeping", {}).get("state")
        if isinstance(state, Mapping) and state["store"] == core.store:  # not of a backup
            term, is_open = state["term"], state["open"]
            assert isinstance(term, int)
            self._state.put("", State(term=term, is_open=bool(is_open)))
        for key, term in rows.get("counted", {}).items():
            if isinstance(term, int):
                self._counted.put(key, term)

    @property
    def term(self) -> int:
        """Of the present opening; 0 where this host never opened."""
        state = self._state.get("")
        return state.term if state else 0

    @property
    def is_open(self) -> bool:
        """Whether everything that is held is known here."""
        state = self._state.get("")
        return state is not None and state.is_open

    @property
    def is_begun(self) -> bool:
        """Whether this host opens, or is open."""
        return "" in self._state

    def begin(self, draft: "Draft", above: int) -> None:
        """Open anew under a term above one that was seen."""
        self._set(draft, State(term=max(self._core.term, above + 1), is_open=False))
        for key in tuple(self._counted):
            self._counted.put(key, None)
            draft.keep("counted", key, None)

    def close(self, draft: "Draft") -> None:
        """Another host is the keeper now."""
        if self._state.put("", None):
            draft.promise_row("keeping", "state", None)

    def ask(self, draft: "Draft") -> None:
        """Ask every host that has not answered."""
        members = draft.cluster.members
        outbox = draft.cluster.outbox
        for member in members.lives():
            if self._has_answered(member.id, member.store) and not self._doubts(member):
                continue
            census = Census(opening=self.term)
            outbox.send(draft, member.id, member.store, CENSUS, "", census)

    def count(self, draft: "Draft", member: Member, claims: Claims) -> bool:
        """A host has answered; return whether that is new and counts."""
        key = place_key(member.id, member.store)
        if claims.opening != self.term or claims.round:
            return False
        draft.cluster.outbox.done(member.id, CENSUS, "")
        if self._counted.get(key) == self.term:
            return False
        self._counted.put(key, self.term)
        draft.promise_row("counted", key, self.term)
        return True

    def missing(self) -> list[str]:
        """Hosts without whose answer nothing can be given."""
        cluster = self._core.cluster
        assert cluster is not None
        known = {m.id: m for m in cluster.members.lives()}
        missing = [str(m.id) for m in known.values() if not self._has_answered(m.id, m.store)]
        others = (known.keys() | cluster.members.gone()) - {self._core.host.id}
        unheard = cluster.members.expected - len(others)
        if unheard > 0:
            missing.append(
                f"{unheard} of the configured hosts, never heard (floe hosts says which),"
            )
        return missing

    def open(self, draft: "Draft") -> None:
        """All have answered."""
        self._set(draft, State(term=self.term, is_open=True))

    def behind(self, draft: "Draft", message: Behind) -> bool:
        """A host has seen a later term; return whether this opening is begun anew."""
        if message.term < self.term or not self.is_begun:
            return False
        self.begin(draft, message.term)
        return True

    def _doubts(self, member: Member) -> bool:
        """Whether a host that has answered says that it obeys another since; told once a word.

        It may have answered the census of a host that the config named in between: then it
        answers this one with the term that is to be passed.
        """
        ping = member.ping
        if ping is None or ping.keeper_store == self._core.store:
            return False
        return self._doubted.put(place_key(member.id, member.store), ping.change)

    def _has_answered(self, host: HostId, store: StoreId) -> bool:
        return self._counted.get(place_key(host, store)) == self.term

    def _set(self, draft: "Draft", state: State) -> None:
        self._state.put("", state)
        row: Json = {"store": self._core.store, "term": state.term, "open": state.is_open}
        draft.promise_row("keeping", "state", row)

    # --- asking all again ---

    def search(self, draft: "Draft") -> None:
        """Ask all whether they have claims whose adopters were forgotten."""
        old = self._rounds.get("")
        number = old.number + 1 if old else 1
        self._rounds.put("", Round(number=number))
        for member in draft.cluster.members.lives():
            census = Census(opening=self.term, round=number)
            draft.send(member.id, member.store, census)

    def found(self, member: Member, claims: Claims) -> frozenset[str] | None:
        """A host has answered; the runs that somebody has once all did, else None."""
        cluster, now = self._core.cluster, self._rounds.get("")
        assert cluster is not None
        if now is None or (claims.opening, claims.round) != (self.term, now.number):
            return None
        said = {*now.said, place_key(member.id, member.store)}
        runs = now.runs | {claimed.claim.run for claimed in claims.claims}
        self._rounds.put("", Round(number=now.number, said=tuple(sorted(said)), runs=runs))
        known = cluster.members.lives()
        all_said = all(place_key(m.id, m.store) in said for m in known)
        return runs if all_said and not self.missing() else None


def knows_all_forgotten(member: Member, forgotten: set[str]) -> bool:
    """Whether a host takes nothing any more from those that were forgotten."""
    return member.ping is not None and forgotten <= set(member.ping.forgotten)


SEARCH_MS: Final = Instant(5000)
"""Between two askings."""
