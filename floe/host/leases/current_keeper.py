"""Which keeper this host obeys: the configured one, under the term of the last census.

What a keeper said before a later census is not believed, and where hosts name different keepers
nothing is given.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from floe.host.peers.members import Member
from floe.host.rows import Book, Journal, Rows
from floe.model.codec import decode, encode
from floe.model.message import Behind, Census, Claimed, Claims
from floe.model.refs import HostId, StoreId

if TYPE_CHECKING:
    from floe.host.core import HubCore
    from floe.host.step import Draft


@dataclass(frozen=True, slots=True, kw_only=True)
class Obeyed:
    """The keeper whose census was answered last."""

    host: HostId
    store: StoreId
    term: int


class Obedience:
    """The keeper as this host knows it."""

    def __init__(self, core: "HubCore", journal: Journal, rows: Rows) -> None:
        self._core = core
        self._obeyed: Book[str, Obeyed] = Book(journal)
        obeyed = rows.get("obeyed", {}).get("keeper")
        if isinstance(obeyed, Mapping):
            self._obeyed.put("", decode(Obeyed, obeyed))

    def is_believed(self, member: Member, term: int) -> bool:
        """Whether a turn that a host says under a term is the present keeper's."""
        said_by = Obeyed(host=member.id, store=member.store, term=term)
        return self._obeyed.get("") == said_by

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

    def outlived(self, member: Member) -> bool:
        """Whether a word comes from the store that a keeper had before the one it has now.

        What such a store gave its own runs was not in the census of the new one.
        """
        obeyed = self._obeyed.get("")
        return obeyed is not None and obeyed.host == member.id and obeyed.store != member.store

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
        cluster = draft.cluster
        old = self._obeyed.get("")
        new = Obeyed(host=member.id, store=member.store, term=message.opening)
        if old is not None and old != new and old.term >= new.term:
            draft.send(member.id, member.store, Behind(term=old.term))
            return
        self._obey(draft, new)
        answer = Claims(
            opening=message.opening, round=message.round, claims=tuple(cluster.leases.claims())
        )
        draft.send(member.id, member.store, answer)

    def obey_self(self, draft: "Draft", term: int) -> list[Claimed]:
        """This host opens as keeper; return what is claimed here."""
        self._obey(draft, Obeyed(host=self._core.host.id, store=self._core.store, term=term))
        return draft.cluster.leases.claims()

    def _obey(self, draft: "Draft", obeyed: Obeyed) -> None:
        if self._obeyed.put("", obeyed):
            draft.promise_row("obeyed", "keeper", encode(obeyed))
            draft.cluster.leases.forget_places()
            draft.core.table.news = True
