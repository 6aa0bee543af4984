"""Shared rows under faults: the real cores of three hosts, a bad network, clients, one seed.

    python -m tests.sim.shared --seeds 20000
    python -m tests.sim.shared --seed 7 --bug closed-keeper-writes

Hosts crash, are wiped, are forgotten and get a different keeper; appends are refused; messages are
lost, doubled and late. Invariants:

stored_write_is_not_lost      a write that a client knows to be stored is there, or a later one, as
                              long as one store with it is neither wiped nor forgotten
copy_is_a_prefix              a copy has of each row the last write up to its number
one_row_per_number            no two rows of a sequence have one number
revoked_row_stays_so          a host that has had a deletion has no earlier write of the row again
confirmed_write_is_read       a host that has caught up has each write that was confirmed before
request_is_stored_once        a repeated request writes no second row
copies_become_equal           once all is well, all hosts have the keeper's rows
rows_can_be_written           then, at each host
every_request_is_answered     within the time that a client waits
"""

import heapq
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from random import Random
from typing import Any, Final
from unittest.mock import patch

from floe.host.core import HostCore
from floe.host.inputs import CatchUp, Forget, Incoming, Input, Received, Reply, WriteRow
from floe.host.ledger import LEDGER_KINDS
from floe.host.shared import table as table_module
from floe.host.shared.copying import WAIT_MS
from floe.host.shared.table import SHARED
from floe.host.site import SiteSettings
from floe.model.ids import HostId, Instant, Json, StoreId
from floe.model.peer_message import Envelope
from floe.model.shared_row import Name, RowOrigin, SharedRow
from tests.make import NOW
from tests.sim.model_command import play_many
from tests.sim.shared_bugs import BUGS

NAMES: Final = ("h1", "h2", "h3")
KEYS: Final = ("a", "b", "c", "d")
STORM_MS: Final = 15_000
QUIET_MS: Final = 45_000
ACTS: Final = 40
FAULTS: Final = ("crash", "crash", "wipe", "wipe_keeper", "move", "part", "refuse", "forget")
DELETED: Final = 2
"""Deletions that are remembered."""


class Broken(Exception):
    """An invariant was broken."""


class Disk:
    """A store: the rows of its ledger, and what it has had."""

    def __init__(self, store: str, term: int) -> None:
        self.store, self.term = StoreId(store), term
        self.ledger: dict[tuple[str, str], Json] = {}
        self.revoked: dict[Name, int] = {}
        """The newest deletion of each row that it has had, by its order."""

    def rows(self, kind: str) -> dict[str, Json]:
        return {key: value for (k, key), value in self.ledger.items() if k == kind}


class Member:
    """A host: its disk, and its process, if it runs."""

    def __init__(self, name: str, disk: Disk) -> None:
        self.name, self.disk, self.keeper = name, disk, "h1"
        self.core: HostCore | None = None
        self.due: Instant | None = None
        self.refusals = 0


class World:
    """The hosts, the network, the clients and what is true."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.now = int(NOW)
        self.heap: list[tuple[int, int, Any]] = []
        self.count = 0
        self.counts: Counter[str] = Counter()
        self.story: list[str] = []
        self.stores = 0
        self.members = {name: Member(name, self.new_disk(name)) for name in NAMES}
        self.gone: set[tuple[str, StoreId]] = set()
        """Stores that were wiped, or are forgotten."""
        self.lost: list[tuple[str, StoreId]] = []
        """Those that the operator is to forget."""
        self.cut: set[frozenset[str]] = set()
        self.order: dict[RowOrigin, int] = {}
        """The writes, in the order in which keepers stored them."""
        self.logs: dict[str, dict[int, SharedRow]] = {}
        """The rows of each sequence by number."""
        self.confirmed: dict[Name, int] = {}
        """The newest write of each row that a client knows to be stored."""
        self.values: set[tuple[str, Json]] = set()
        self.asked: dict[int, tuple[str, Input, int, dict[Name, int]]] = {}
        """Requests without a reply: host, request, since, and what was confirmed before."""

    def new_disk(self, name: str) -> Disk:
        self.stores += 1
        return Disk(f"{name}s{self.stores}", self.now // 1000)

    def at(self, ms: int, call: Any) -> None:
        self.count += 1
        heapq.heappush(self.heap, (self.now + ms, self.count, call))

    def run(self, until: int) -> None:
        while True:
            dues = [m.due for m in self.members.values() if m.core and m.due is not None]
            due = min([*dues, *(one[0] for one in self.heap[:1])], default=until)
            if due > until:
                break
            self.now = max(self.now, due)
            if self.heap and self.heap[0][0] <= self.now:
                heapq.heappop(self.heap)[2]()
                continue
            for member in self.members.values():
                if member.core and member.due is not None and member.due <= self.now:
                    self.step(member)
        self.now = until

    # --- hosts ---

    def start(self, member: Member) -> None:
        disk = member.disk
        settings = SiteSettings(
            id=HostId(member.name),
            tags=frozenset(),
            workspace_root="/srv",
            peers=len(NAMES) - 1,
            keeper=HostId(member.keeper),
        )
        rows = {kind: disk.rows(kind) for kind in LEDGER_KINDS}
        member.core = HostCore(settings, disk.store, term=disk.term, rows=rows)
        member.core.load(())
        member.due = Instant(self.now)

    def start_again(self, member: Member) -> None:
        if member.core is None:
            self.start(member)

    def stop(self, member: Member) -> None:
        member.core = None
        self.asked = {k: one for k, one in self.asked.items() if one[0] != member.name}

    def step(self, member: Member, *inputs: Incoming) -> None:
        core = member.core
        if core is None:
            return
        result = core.step(inputs, Instant(self.now))
        member.due = result.next_due
        if member.refusals:
            member.refusals -= 1
            core.undo(result)
            member.due = Instant(self.now + 100)
            for one in inputs:
                self.asked.pop(one.ticket, None)
            return
        for row in result.ledger:
            if row.value is None:
                member.disk.ledger.pop((row.kind, row.key), None)
            else:
                member.disk.ledger[row.kind, row.key] = row.value
        if any(row.kind.startswith(SHARED) for row in result.ledger):
            self.stored(member, core)
        if self.random.random() < self.crashes:  # after the append, before anyone learns of it
            self.counts["crash after append"] += 1
            self.stop(member)
            self.at(500, lambda: self.start_again(member))
            return
        for reply in result.replies:
            self.replied(member, reply)
        for envelope in result.messages:
            self.send(member, envelope)

    def send(self, member: Member, envelope: Envelope) -> None:
        for name in NAMES:
            if name == member.name or envelope.to_host not in (None, name):
                continue
            kind = type(envelope.message).__name__
            for _ in range(1 if self.random.random() > self.doubled else 2):
                is_lost = self.random.random() < self.loss
                if is_lost or frozenset((name, member.name)) in self.cut:
                    self.counts[f"lost {kind}"] += 1
                    continue
                late = self.random.random() < 0.1
                ms = self.random.randint(1, 3000 if late and self.loss else 30)
                self.at(ms, lambda name=name: self.receive(name, envelope))

    def receive(self, name: str, envelope: Envelope) -> None:
        self.counts[type(envelope.message).__name__] += 1
        self.step(self.members[name], Incoming(input=Received(envelope=envelope)))

    # --- what is true ---

    def stored(self, member: Member, core: HostCore) -> None:
        table, disk = core.shared_rows, member.disk
        state, (rows, _) = table.state, table.page(0)
        log = self.logs.setdefault(state.sequence, {})
        if state.sequence.startswith(f"{disk.store}."):
            for row in rows:
                if row.origin not in self.order:
                    self.order[row.origin] = len(self.order)
                    if row.value is not None and (row.key, row.value) in self.values:
                        raise Broken(f"request_is_stored_once: {row.key} {row.value}")
                    self.values.add((row.key, row.value))
                if log.setdefault(row.number, row) != row:
                    raise Broken(f"one_row_per_number: {row.number} of {state.sequence}")
            self.note_forgotten_deletions(log, rows, state.number)
        else:
            last: dict[Name, SharedRow] = {}
            for number in sorted(log):
                if number <= state.number:
                    last[log[number].name] = log[number]
            wanted = {
                r.number: r for r in last.values() if r.value is not None or r.number > state.floor
            }
            if {row.number: row for row in rows} != wanted:
                raise Broken(f"copy_is_a_prefix: {member.name} at {state}")
        for row in rows:
            order, revoked = self.order[row.origin], disk.revoked.get(row.name, -1)
            if row.value is not None and order < revoked:
                raise Broken(f"revoked_row_stays_so: {row.key} at {member.name}")
            if row.value is None:
                disk.revoked[row.name] = max(order, revoked)

    def has(self, core: HostCore, name: Name, order: int) -> bool:
        """Whether a copy has a write, or a later one of the row."""
        row = core.shared_rows.get(*name)
        if row is not None:
            return self.order[row.origin] >= order
        origin = next(o for o, n in self.order.items() if n == order)
        seen = core.shared_rows.state.position
        return seen.get(origin.sequence, 0) >= origin.number

    def forgive(self) -> None:
        """What no remaining store has is lost with its disks."""
        for name, order in [*self.confirmed.items()]:
            disks = [
                m.disk for m in self.members.values() if (m.name, m.disk.store) not in self.gone
            ]
            cores = [HostCore(self.settings, d.store, rows=self.shared_of(d)) for d in disks]
            if not any(self.has(core, name, order) for core in cores):
                del self.confirmed[name]
                self.counts["lost with its disks"] += 1

    settings: Final = SiteSettings(id=HostId("h0"), tags=frozenset(), workspace_root="/srv")

    def shared_of(self, disk: Disk) -> dict[str, dict[str, Json]]:
        return {kind: disk.rows(kind) for kind in LEDGER_KINDS}

    # --- clients ---

    def ask(self) -> None:
        member = self.members[self.random.choice(NAMES)]
        if member.core is None:
            return
        self.count += 1
        if self.random.random() < 0.65:
            key, table = self.random.choice(KEYS), member.core.shared_rows
            row = table.get("t", key)
            expected = None if self.random.random() < 0.4 else row.number if row else 0
            value = None if self.random.random() < 0.35 else self.count
            self.write(member, key, value, expected)
            return
        self.put(member, CatchUp())

    def write(self, member: Member, key: str, value: Json, expected: int | None) -> None:
        request = WriteRow(
            request=f"r{self.count}", name=("t", key), value=value, by="alice", expected=expected
        )
        self.put(member, request)

    def put(self, member: Member, request: WriteRow | CatchUp) -> None:
        self.count += 1
        self.asked[self.count] = (member.name, request, self.now, dict(self.confirmed))
        self.step(member, Incoming(input=request, ticket=self.count))

    def replied(self, member: Member, reply: Reply) -> None:
        name, request, since, confirmed = self.asked.pop(reply.ticket, ("", None, 0, {}))
        core = member.core
        if not name or core is None:
            return
        if self.now - since > WAIT_MS + 1000:
            raise Broken(f"every_request_is_answered: after {self.now - since} ms")
        self.counts[f"{type(request).__name__} {'done' if reply.changed else 'refused'}"] += 1
        if not reply.changed:
            if self.is_well:
                raise Broken(f"rows_can_be_written: {member.name}: {reply.why}")
            return
        if isinstance(request, WriteRow):
            row = core.shared_rows.get(*request.name)
            if row is not None and row.value == request.value:
                order = self.order[row.origin]
                self.confirmed[row.name] = max(order, self.confirmed.get(row.name, -1))
        else:
            for row_name, order in confirmed.items():
                if row_name in self.confirmed and not self.has(core, row_name, order):
                    raise Broken(f"confirmed_write_is_read: {row_name} at {member.name}")

    # --- faults ---

    def fault(self) -> None:
        what, member = self.random.choice(FAULTS), self.members[self.random.choice(NAMES)]
        self.counts[what] += 1
        self.story.append(f"{self.now - NOW:6} {what} {member.name}")
        match what:
            case "crash":
                self.stop(member)
                self.at(self.random.randint(100, 4000), lambda: self.start_again(member))
            case "wipe" | "wipe_keeper":
                self.wipe(self.members[member.keeper] if what == "wipe_keeper" else member)
            case "move":
                keeper = self.random.choice(NAMES)
                for one in self.members.values():
                    self.at(self.random.randint(1, 3000), lambda one=one: self.move(one, keeper))
            case "part":
                pair = frozenset(self.random.sample(NAMES, 2))
                self.cut.add(pair)
                self.at(self.random.randint(500, 5000), lambda: self.cut.discard(pair))
            case "refuse":
                member.refusals = self.random.randint(1, 4)
            case _:
                self.forget_lost()

    def wipe(self, member: Member) -> None:
        self.stop(member)
        self.gone.add((member.name, member.disk.store))
        self.lost.append((member.name, member.disk.store))
        member.disk = self.new_disk(member.name)
        self.at(self.random.randint(100, 3000), lambda: self.start_again(member))
        self.forgive()

    def move(self, member: Member, keeper: str) -> None:
        self.stop(member)
        member.keeper = keeper
        self.start(member)

    def forget_lost(self) -> None:
        for name, store in self.lost:
            for member in self.members.values():
                forget = Forget(host=HostId(name), store=store, force=True)
                self.step(member, Incoming(input=forget))

    # --- a trial ---

    loss, doubled, crashes, is_well = 0.0, 0.0, 0.0, False

    def play(self) -> None:
        for member in self.members.values():
            self.start(member)
        self.run(self.now + 8000)
        self.loss, self.doubled = self.random.choice((0.0, 0.1, 0.3)), 0.1
        self.crashes = 0.002
        for _ in range(ACTS):
            self.at(self.random.randint(0, STORM_MS), self.ask)
        for _ in range(self.random.randint(0, 6)):
            self.at(self.random.randint(0, STORM_MS), self.fault)
        self.run(self.now + STORM_MS + 4000)
        self.loss, self.doubled, self.crashes = 0.0, 0.0, 0.0
        self.cut.clear()
        keeper = self.random.choice(NAMES)
        for member in self.members.values():
            member.refusals = 0
            self.move(member, keeper)
        for _ in range(3):
            self.run(self.now + QUIET_MS // 3)
            self.forget_lost()
        self.is_well = True
        for member in self.members.values():
            self.write(member, KEYS[0], None, None)
        self.run(self.now + WAIT_MS + 2100)
        self.over()

    @staticmethod
    def note_forgotten_deletions(
        log: dict[int, SharedRow], rows: Sequence[SharedRow], most: int
    ) -> None:
        """Note deletions that were written and forgotten in one step: no state shows them."""
        there = {row.name for row in rows}
        last = {log[number].name: log[number] for number in sorted(log)}
        for row in last.values():
            if row.value is not None and row.name not in there:
                gap = next(n for n in range(row.number + 1, most + 1) if n not in log)
                log[gap] = replace(row, value=None, number=gap)

    def over(self) -> None:
        """All is well: everything is answered, stored and the same at all hosts."""
        cores = [m.core for m in self.members.values() if m.core]
        if len({repr((c.shared_rows.page(0), c.shared_rows.state.position)) for c in cores}) > 1:
            raise Broken(
                "copies_become_equal: " + "; ".join(str(c.shared_rows.state) for c in cores)
            )
        if self.asked:
            raise Broken(f"every_request_is_answered: {self.asked}")
        for name, order in self.confirmed.items():
            if not self.has(cores[0], name, order):
                raise Broken(f"stored_write_is_not_lost: {name}")


@contextmanager
def with_bug(bug: str) -> Iterator[None]:
    """The rules, without one of them; all of them for no bug."""
    with ExitStack() as stack:
        stack.enter_context(patch.object(table_module, "DELETED_MAX", DELETED))
        for owner, name, wrong in BUGS[bug] if bug else ():
            stack.enter_context(patch.object(owner, name, wrong))
        yield


def play(seed: int, bug: str = "") -> tuple[str, World]:
    """Play a trial; return the invariant that it breaks, empty for none."""
    world = World(seed)
    with with_bug(bug):
        try:
            world.play()
        except Broken as error:
            return str(error), world
    return "", world


def _counted(seed: int, bug: str) -> tuple[str, Counter[str]]:
    broken, world = play(seed, bug)
    return broken, world.counts


def _told(seed: int, bug: str) -> tuple[str, Counter[str]]:
    broken, world = play(seed, bug)
    sys.stdout.write("".join(f"  {line}\n" for line in world.story))
    return broken, world.counts


if __name__ == "__main__":
    sys.exit(play_many(__doc__, _counted, BUGS, _told))
