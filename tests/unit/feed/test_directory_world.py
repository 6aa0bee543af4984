"""Whatever a channel does to words and whichever hosts are lost, in the end all lists are equal."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from floe.feed import directory as directory_module
from floe.feed.directory import KIND, Directory, DirectorySource, Learned, offered
from floe.host.peers.forgotten_stores import ForgottenStore
from floe.host.peers.lost import as_lost, is_lost
from floe.host.peers.whereabouts import adopter_of, holder_of
from floe.model.ids import HostId, Instant, RunRef, address_of
from floe.model.peer_message import Rows, RowsAfter
from floe.model.summary import Summary
from floe.store.base import Append, Batch, RunQuery
from floe.store.memory import MemoryStore
from tests.make_store import NOON, a_run, a_summary, an_append


@dataclass(eq=False)
class Host:
    """A store and its directory; `post` is what it said and to whom (None: all)."""

    name: HostId
    store: MemoryStore = field(default_factory=MemoryStore)
    directory: Directory = field(default_factory=lambda: Directory(sent=0))
    post: list[tuple[HostId | None, Rows | RowsAfter]] = field(default_factory=list)
    forgotten: dict[str, ForgottenStore] = field(default_factory=dict)
    is_alive: bool = True

    @property
    def source(self) -> DirectorySource:
        return DirectorySource(self.name, self.store.store_id)

    async def restart(self) -> None:
        self.directory = Directory(sent=await self.store.head())
        self.directory.load(await self.store.ledger(KIND))
        self.post.clear()
        await self.end_lost()

    async def write(
        self, run: RunRef, epoch: int, seq: int, state: str, place: DirectorySource
    ) -> Summary:
        """Bring the run's log up to a fact that changes its row."""
        have = len(await self.store.history(run))
        row = a_summary(
            run,
            epoch=epoch,
            seq=seq,
            why=f"{epoch}.{seq}",
            state=state,
            host=place.host,
            store=place.store,
        )
        append = an_append(run, have, seq - have, epoch=epoch, summary=row)
        self.directory.changed(await self.store.append(Batch(appends=(append,))), [row])
        return row

    def step(self) -> None:
        if news := self.directory.news():
            self.post.append((None, news))

    async def learn(self, learned: Learned, source: DirectorySource) -> None:
        if learned.marks:
            appends = tuple(map(self.judged, learned.appends))
            await self.store.append(Batch(appends=appends, ledger=learned.marks))
        if learned.ask:
            self.post.append((source.host, learned.ask))

    def judged(self, append: Append) -> Append:
        assert append.summary is not None
        return replace(append, summary=as_lost(append.summary, self.forgotten))

    async def hear(self, source: DirectorySource, word: Rows | RowsAfter, now: Instant) -> None:
        if isinstance(word, Rows):
            await self.learn(self.directory.receive(source, word, now), source)
        else:
            head = self.directory.head
            changes = await self.store.changes(word.after, directory_module.ROWS_MAX)
            self.post.append((source.host, self.directory.page(word.after, head, changes)))

    async def hear_ping(self, other: "Host", now: Instant) -> None:
        learned = self.directory.saw(other.source, now, other.directory.head)
        await self.learn(learned, other.source)

    async def end_lost(self) -> None:
        """As `Lists` does."""
        page = await self.store.runs(RunQuery(states=frozenset({"pending", "active"}), limit=500))
        lost = [offered(row) for row in page.runs if is_lost(row, self.forgotten)]
        await self.store.append(Batch(appends=tuple(map(self.judged, lost))))
        for row in page.runs:
            if holder_of(row) in self.forgotten and not is_lost(row, self.forgotten):
                self.directory.doubt(DirectorySource(*address_of(adopter_of(row))))

    async def rows(self) -> dict[str, Summary]:
        page = await self.store.runs(RunQuery(limit=500))
        return {row.key: row for row in page.runs}


HOSTS = 3
OPS = st.one_of(
    st.tuples(st.just("write"), st.integers(0, HOSTS - 1), st.integers(0, 5)),
    st.tuples(st.just("end"), st.integers(0, HOSTS - 1), st.integers(0, 5)),
    st.tuples(st.just("tell"), st.integers(0, HOSTS - 1), st.just(0)),
    st.tuples(st.just("ping"), st.integers(0, HOSTS - 1), st.integers(0, HOSTS - 1)),
    st.tuples(st.sampled_from(["lose", "deliver", "double"]), st.integers(0, 9), st.just(0)),
    st.tuples(st.just("restart"), st.integers(0, HOSTS - 1), st.just(0)),
    st.tuples(st.just("forget"), st.integers(0, HOSTS - 1), st.integers(0, HOSTS - 1)),
    st.tuples(st.just("replace"), st.integers(0, HOSTS - 1), st.just(0)),
)


@dataclass
class Truth:
    """A run as it is, and the hosts that decide about it."""

    adopter: Host
    pen: Host
    epoch: int = 0
    seq: int = 0
    is_over: bool = False

    @property
    def is_lost(self) -> bool:
        return not (self.adopter.is_alive or self.pen.is_alive)


@dataclass
class World:
    """Some hosts, the words between them, and what is true of each run."""

    hosts: list[Host]
    now: int = NOON
    air: list[tuple[Host, Host, Rows | RowsAfter]] = field(default_factory=list)
    truth: dict[RunRef, Truth] = field(default_factory=dict)
    gone: dict[str, ForgottenStore] = field(default_factory=dict)

    async def play(self, op: str, one: int, other: int) -> None:
        self.now += 400
        host = self.hosts[one % HOSTS]
        match op:
            case "write" | "end" if host.is_alive:
                await self.write(host, self.run(host, other), is_over=op == "end")
            case "tell" if host.is_alive:
                host.step()
            case "ping" if host.is_alive:
                await self.ping(host, self.hosts[other])
            case "restart" if host.is_alive:
                await host.restart()
            case "forget" if host.is_alive and one != other:
                self.hosts[other].is_alive = False
                dead = {str(self.hosts[other].source): ForgottenStore(at=NOON)}
                self.gone |= dead
                await self.forget(host, dead)
            case "replace" if not host.is_alive:
                self.hosts[one] = Host(host.name)
                await self.hosts[one].store.open()
            case "lose" if self.air:
                self.air.pop(one % len(self.air))
            case "deliver" if self.air:
                await self.deliver(self.air.pop(one % len(self.air)))
            case "double" if self.air:
                await self.deliver(self.air[one % len(self.air)])
        self.send()

    def run(self, host: Host, number: int) -> RunRef:
        """One of the runs there are, else a new one that this host adopts."""
        known = [*self.truth]
        if number < len(known):
            return known[number]
        return a_run(len(known) + 1, host.name, host.store.store_id)

    async def write(self, host: Host, run: RunRef, *, is_over: bool = False) -> None:
        """A host goes on with a run that it has, or that its adopter gives it."""
        true = self.truth.setdefault(run, Truth(host, host))
        if true.is_over or (host is not true.pen and not self.may_move(true)):
            return
        if host is not true.pen:
            true.epoch, true.seq = true.epoch + 1, true.seq + 1
            await true.adopter.write(run, true.epoch, true.seq, "pending", host.source)
        true.pen, true.seq, true.is_over = host, true.seq + 1, is_over
        state = "archive" if is_over else "active"
        row = await host.write(run, true.epoch, true.seq, state, host.source)
        if is_over and host is not true.adopter and true.adopter.is_alive:
            await true.adopter.store.append(Batch(appends=(offered(row),)))
            true.adopter.directory.outdone([row])

    def may_move(self, true: Truth) -> bool:
        """Whether a run is its adopter's to give away."""
        return true.adopter.is_alive and (true.pen is true.adopter or not true.pen.is_alive)

    async def forget(self, host: Host, forgotten: dict[str, ForgottenStore]) -> None:
        """A host hears which stores are forgotten; it takes back what it gave to them."""
        new = {key for key in forgotten if key not in host.forgotten}
        host.forgotten |= forgotten
        for run, true in self.truth.items():
            if true.adopter is host and str(true.pen.source) in new:
                await self.write(host, run)
        if new:
            await host.end_lost()

    async def ping(self, host: Host, other: Host) -> None:
        if host is not other and other.is_alive:
            await self.forget(host, other.forgotten)
            await host.hear_ping(other, Instant(self.now))

    def send(self) -> None:
        for host in self.hosts:
            for to, word in host.post:
                names = [h for h in self.hosts if h is not host and to in (None, h.name)]
                self.air += [(host, hearer, word) for hearer in names]
            host.post.clear()

    async def deliver(self, letter: tuple[Host, Host, Rows | RowsAfter]) -> None:
        sender, hearer, word = letter
        if hearer.is_alive:
            await hearer.hear(sender.source, word, Instant(self.now))

    async def quiet(self, rounds: int) -> None:
        """Nothing is lost any more, and every host is heard now and then.

        What was forgotten at a host that is forgotten itself is said once more.
        """
        for host in self.living:
            await self.forget(host, self.gone)
        for _ in range(rounds):
            self.now += 2_000
            for host in self.living:
                for other in self.living:
                    await self.ping(host, other)
            self.send()
            while self.air:
                await self.deliver(self.air.pop(0))
                self.send()

    @property
    def living(self) -> list[Host]:
        return [host for host in self.hosts if host.is_alive]


async def played(ops: Sequence[tuple[str, int, int]]) -> World:
    """What comes of it all, once every host that is left knows which are not."""
    world = World([Host(HostId(f"h{n + 1}")) for n in range(HOSTS)])
    for host in world.hosts:
        await host.store.open()
    for op in ops:
        await world.play(*op)
    await world.quiet(4)
    return world


# h3 heard of a grant, and not of the end, before the host that had the run was lost.
MISSED = [("write", 0, 0), ("write", 1, 0), ("tell", 0, 0), ("deliver", 1, 0), ("end", 1, 0)]

# An adopter tells of a grant when it knows the end already.
LATE = [("write", 0, 0), ("end", 1, 0), ("forget", 0, 1), ("tell", 0, 0)]


@settings(max_examples=300, deadline=None)
@given(st.lists(OPS, max_size=40), st.sampled_from([1, 2, 500]))
@example([*MISSED, ("forget", 0, 1)], 500)
@example(LATE, 500)
def test_all_directories_are_equal_once_it_is_quiet(
    ops: list[tuple[str, int, int]], rows_max: int
) -> None:
    async def prove() -> None:
        world = await played(ops)
        lasting = {run.key: true for run, true in world.truth.items() if not true.is_lost}
        for host in world.living:
            rows = await host.rows()
            whys = {key: row.why for key, row in rows.items() if key in lasting}
            assert whys == {key: f"{true.epoch}.{true.seq}" for key, true in lasting.items()}
            assert {row.state for key, row in rows.items() if key not in lasting} <= {"archive"}

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(directory_module, "ROWS_MAX", rows_max)
        asyncio.run(prove())
