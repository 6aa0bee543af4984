"""Hosts with shared rows, and requests for them."""

from floe.host.core import HostCore
from floe.host.inputs import CatchUp, Reply, WriteRow
from floe.host.peers.no_peers import NoPeers
from floe.host.shared.table import SharedTable
from floe.host.step import Step
from floe.model.ids import HostId, Instant, Json
from floe.model.shared_row import SharedRow
from tests.make import NOW
from tests.make_core import a_core
from tests.make_hosts import Host, Lose, a_host_core, carry, later, met

H1 = HostId("h1")


def a_table(sequence: str = "s1.1") -> tuple[SharedTable, Step]:
    """A keeper's table without rows, and a step."""
    site = a_core().site
    table, step = SharedTable({}, site.journal), Step(site, NOW, NoPeers())
    table.begin(step, sequence)
    table.open(step)
    return table, step


def three() -> tuple[Host, Host, Host]:
    """h1, which writes the shared rows, and two hosts that copy them."""
    h1, h2, h3 = (a_host_core(name, keeper=H1, peers=2) for name in ("h1", "h2", "h3"))
    settled(h1, h2, h3)
    return h1, h2, h3


def settled(*hosts: Host, rounds: int = 3) -> None:
    """Let hosts exchange messages until none is left."""
    for _ in range(rounds):
        met(*hosts)
        later(2100, *hosts)
        carry(*hosts)


def replaced(old: Host, *others: Host, peers: int = 2) -> Host:
    """A host with the name of another one and an empty store, known to the others."""
    new = a_host_core(old.id, store=f"{old.id}new", keeper=H1, peers=peers)
    new.now = old.now
    settled(new, *others, rounds=6)
    return new


def a_write(
    key: str = "k", value: Json = 1, *, expected: int | None = 0, request: str = ""
) -> WriteRow:
    """A request to write a row."""
    return WriteRow(
        request=request or f"r-{key}-{value}",
        name=("t", key),
        value=value,
        by="alice",
        expected=expected,
    )


class Asking:
    """A request at a host, and the replies that it gets."""

    def __init__(self, host: Host, request: WriteRow | CatchUp) -> None:
        self._replies: list[Reply] = []
        keep = host.keep

        def kept(decided):  # type: ignore[no-untyped-def]
            self._replies += decided.replies
            return keep(decided)

        host.keep = kept  # type: ignore[method-assign]
        host.step(request, ticket=7)

    @property
    def reply(self) -> Reply | None:
        """The reply; None for none yet."""
        assert len(self._replies) <= 1, "a request has one reply"
        return next(iter(self._replies), None)


def asked(
    host: Host, request: WriteRow | CatchUp, *others: Host, lose: Lose = lambda _: False
) -> Reply | None:
    """The reply to a request after the hosts exchanged messages; None for none yet."""
    asking = Asking(host, request)
    carry(host, *others, lose=lose)
    return asking.reply


def answered(host: Host, request: WriteRow | CatchUp, *others: Host) -> Reply:
    """The reply to a request."""
    reply = asked(host, request, *others)
    assert reply is not None
    return reply


def row_of(host: Host | HostCore, key: str = "k") -> SharedRow | None:
    """A row as a host has it."""
    core = host.core if isinstance(host, Host) else host
    return core.shared_rows.get("t", key)


def values(*hosts: Host, key: str = "k") -> list[Json]:
    """The value of a row as each host has it; None for none."""
    return [row.value if (row := row_of(host, key)) else None for host in hosts]


def silent(ms: int, *hosts: Host) -> None:
    """Let time pass while no message arrives."""
    for host in hosts:
        host.now = Instant(host.now + ms)
        host.step()
        host.sent = []
