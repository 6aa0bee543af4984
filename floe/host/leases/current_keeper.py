"""The keeper that this host follows: the configured one, under the term of the last census.

A message from before a later census does not count. While hosts name different keepers, nothing is
granted.
"""

from collections.abc import Mapping

from floe.host.ledger import LedgerRows
from floe.host.peers.member import Member
from floe.host.peers.members import Members
from floe.host.site import Site
from floe.host.step import Step
from floe.host.undoable import Undoable
from floe.model.codec import decode, encode
from floe.model.ids import HostId, StoreId
from floe.model.nouns import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Obeyed:
    """The current keeper of this host: the last one whose census it answered."""

    host: HostId
    store: StoreId
    term: int


class CurrentKeeper:
    """The keeper as this host knows it."""

    def __init__(self, site: Site, members: Members, rows: LedgerRows) -> None:
        self._site = site
        self._members = members
        self._obeyed: Undoable[str, Obeyed] = Undoable(site.journal)
        obeyed = rows.get("obeyed", {}).get("keeper")
        if isinstance(obeyed, Mapping):
            self._obeyed.put("", decode(Obeyed, obeyed))

    def is_believed(self, member: Member, term: int) -> bool:
        """Whether a grant that a host sent under a term is the present keeper's."""
        sender = Obeyed(host=member.id, store=member.store, term=term)
        return self._obeyed.get("") == sender

    @property
    def keeper_store(self) -> StoreId | None:
        """The store of the configured keeper, if its census was answered here."""
        obeyed = self._obeyed.get("")
        return obeyed.store if obeyed and obeyed.host == self._site.keeper else None

    @property
    def term_seen(self) -> int:
        """The highest term of a keeper that was seen here."""
        obeyed = self._obeyed.get("")
        return obeyed.term if obeyed else 0

    def outlived(self, member: Member) -> bool:
        """Whether a message comes from the store that the keeper had before its present one.

        The census of the new store did not count what the old store granted to its own runs.
        """
        obeyed = self._obeyed.get("")
        return obeyed is not None and obeyed.host == member.id and obeyed.store != member.store

    def disagreement(self) -> str:
        """How hosts disagree about their keeper; empty if they agree."""
        keeper = self._site.keeper
        if keeper is None:
            return "no keeper is configured"
        for member in self._members.lives():
            if member.stale or member.ping is None:
                continue
            if member.ping.keeper != keeper:
                theirs = member.ping.keeper or "none"
                return (
                    f"the config of {member.id} has keeper {theirs}, "
                    f"that of {self._site.id} {keeper}"
                )
            is_mine = keeper == self._site.id
            if is_mine and member.ping.keeper_store not in (None, self._site.store):
                return f"{member.id} obeys {keeper} with the store {member.ping.keeper_store}"
        return ""

    def term_above(self, host: HostId, store: StoreId, term: int) -> int:
        """The term of a different keeper that keeps this one from being followed; 0 for none."""
        old, new = self._obeyed.get(""), Obeyed(host=host, store=store, term=term)
        return old.term if old is not None and old != new and old.term >= term else 0

    def follow(self, step: Step, host: HostId, store: StoreId, term: int) -> bool:
        """Follow a keeper under a term from now on; return whether that is a change."""
        obeyed = Obeyed(host=host, store=store, term=term)
        if not self._obeyed.put("", obeyed):
            return False
        step.promise_row("obeyed", "keeper", encode(obeyed))
        step.retry_pends = True
        return True
