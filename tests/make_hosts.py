"""Cores of several hosts with their ledgers, and what goes between them, step by step."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from floe.host.asleep import Asleep
from floe.host.core import HostCore
from floe.host.inputs import (
    FLOOR_MAX,
    Forget,
    Incoming,
    Input,
    LogRead,
    Received,
    Start,
    Surroundings,
)
from floe.host.ledger import LEDGER_KINDS
from floe.host.peers.facts import fact_of
from floe.host.site import SiteSettings
from floe.host.step_result import StepResult
from floe.kernel.evolve import fold
from floe.model.codec import digest_of
from floe.model.event import Event
from floe.model.flow import Flow
from floe.model.ids import HostId, Instant, Json, NodeId, RunRef, StoreId
from floe.model.peer_message import Envelope, Message, Offer, Withdraw
from floe.model.run import Run
from floe.model.summary import Summary
from floe.store.base import Record
from tests.make import NOW, a_flow, a_node, an_end, attached, exited

BUILD = a_flow(a_node("build"), an_end())
H2 = HostId("h2")
GPU = a_flow(a_node("build"), an_end(), host_tags=("gpu",))
GPU_AGAIN = a_flow(a_node("build"), an_end(), host_tags=("gpu",), on_host_lost="restart")


@dataclass
class Host:
    """A core with a disk that takes everything."""

    settings: SiteSettings
    store: StoreId
    core: HostCore
    now: Instant = NOW
    ledger: dict[tuple[str, str], Json] = field(default_factory=dict)
    logs: dict[RunRef, list[Record]] = field(default_factory=dict)
    flows: dict[RunRef, Flow] = field(default_factory=dict)
    directory: dict[str, Summary] = field(default_factory=dict)
    sent: list[Envelope] = field(default_factory=list)
    """What nobody has taken yet."""
    due: Instant | None = None

    @property
    def id(self) -> HostId:
        """Its name."""
        return self.settings.id

    def step(self, *words: Input, run: RunRef | None = None, ticket: int = 0) -> StepResult:
        """Say something to it and have it stored; runs that are asleep are read before."""
        addressed = [Incoming(input=w, run=run, ticket=ticket) for w in words]
        if run in self.core.table.runs.asleep:
            self.wake(run)
        while True:
            try:
                return self.keep(self.core.step(addressed, self.now))
            except Asleep as asleep:
                self.wake(asleep.run)

    def wake(self, ref: RunRef) -> Run:
        """Read a run that is asleep, as the hub does."""
        run = self.read_run(ref)
        self.core.wake(ref, run)
        return run

    def read_run(self, ref: RunRef) -> Run:
        """A run as its log has it."""
        return attached(fold(ref, self.events(ref)), self.flows.get(ref))

    def keep(self, decided: StepResult) -> StepResult:
        """Store a decision, and hold its messages for who takes them."""
        for append in decided.appends:
            if append.records:
                log = self.logs.setdefault(append.run, [])
                assert append.after == len(log)
                assert append.epoch >= (log[-1].epoch if log else 0)
                log += append.records
            if append.summary:
                self.directory[append.summary.key] = append.summary
        for row in decided.ledger:
            if row.value is None:
                self.ledger.pop((row.kind, row.key), None)
            else:
                self.ledger[row.kind, row.key] = row.value
        for step in decided.recorded:
            if step.run.flow:
                self.flows[step.run.ref] = step.run.flow
        self.sent += decided.messages
        self.due = decided.next_due
        return decided

    def observe(
        self,
        *,
        about: Mapping[str, Json] | None = None,
        has_gone_back: bool = False,
        expected: int | None = None,
    ) -> None:
        """Give it facts about its surroundings."""
        self.step(
            Surroundings(
                about=about or {},
                head=0 if has_gone_back else None,
                has_gone_back=has_gone_back,
                expected=self.settings.peers if expected is None else expected,
            )
        )

    def settle(self) -> None:
        """Step until no pend is left that could be given."""
        while self.core.is_behind:
            self.step()

    def start(self, flow: Flow = BUILD, **values: Json) -> RunRef:
        """A run of a flow, adopted here."""
        word = Start(
            flow=flow, digest=digest_of(flow), trigger=NodeId("start"), values=values, by="alice"
        )
        return self.step(word).appends[0].run

    def run(self, ref: RunRef) -> Run:
        """A run as it is in the table."""
        return self.core.table.runs[ref]

    def ended(self, ref: RunRef) -> StepResult:
        """The one command of a run ends well."""
        return self.step(exited(self.run(ref), "build"), run=ref)

    def hear(self, envelope: Envelope) -> StepResult:
        """Take a message in, with its floor as the ledger has it."""
        return self.step(self.read(envelope))

    def read(self, envelope: Envelope) -> Received:
        """A message as a word, with its floor."""
        message = envelope.message
        floor: int | None = None
        if isinstance(message, Offer | Withdraw):
            row = self.ledger.get(("floor", message.run))
            floor = row if isinstance(row, int) else None
            ref = RunRef.parse(message.run)
            if ref in self.logs and ref not in self.core.table.runs:
                floor = FLOOR_MAX
        return Received(envelope=envelope, floor=floor)

    def read_logs(self) -> None:
        """Read the logs that the core wants, as the hub does."""
        for ref in self.core.wanted_logs(self.now):
            facts = tuple(map(fact_of, self.logs[ref]))
            self.step(LogRead(facts=facts), run=ref)

    def rows(self, kind: str) -> dict[str, Json]:
        """Rows of a kind."""
        return {key: value for (k, key), value in self.ledger.items() if k == kind}

    def events(self, ref: RunRef) -> list[Event]:
        """A run's log here."""
        return [record.event for record in self.logs.get(ref, [])]

    def restart(self, **others: Any) -> None:
        """A new process on the same disk."""
        settings = {
            f: getattr(self.settings, f)
            for f in ("id", "tags", "slots", "workspace_root", "peers", "keeper")
        }
        self.settings = SiteSettings(**(settings | others))
        fence = self.ledger.get(("keeper", "fence"))
        named = self.core.site.named
        self.core = HostCore(
            self.settings,
            self.store,
            serial=max([r.serial for r in self.logs if r.store == self.store], default=0),
            term=NOW // 1000,
            fence=fence if isinstance(fence, int) else 0,
            rows={kind: self.rows(kind) for kind in LEDGER_KINDS},
            named=named,
        )
        runs = [
            self.read_run(ref)
            for ref in self.logs
            if ("unpacked", ref.key) in self.ledger or self.directory[ref.key].state != "archive"
        ]
        self.core.load(runs, [r for run in runs for r in self.logs[run.ref]])
        self.sent = []


def a_host_core(
    id: str, store: str = "", named: Callable[[RunRef], str] = str, **others: Any
) -> Host:
    """A host of a cluster of two, unless told."""
    store_id = StoreId(store or f"{id}st0")
    made: dict[str, Any] = {
        "id": HostId(id),
        "tags": frozenset(),
        "workspace_root": "/srv",
        "peers": 1,
    }
    settings = SiteSettings(**(made | others))
    return Host(settings, store_id, HostCore(settings, store_id, term=NOW // 1000, named=named))


Lose = Callable[[Envelope], bool]


def carry(*hosts: Host, lose: Lose = lambda _: False, rounds_max: int = 50) -> list[Message]:
    """Bring every message where it is to go until nothing more is said; return them all."""
    by_id = {host.id: host for host in hosts}
    carried: list[Message] = []
    for _ in range(rounds_max):
        envelopes = [e for host in hosts for e in _taken(host)]
        if not envelopes:
            return carried
        for envelope in envelopes:
            if lose(envelope):
                continue
            carried.append(envelope.message)
            for to in _receivers(envelope, by_id):
                to.hear(envelope)
                to.settle()
    raise AssertionError(f"still talking: {carried[-5:]}")


def later(ms: int, *hosts: Host) -> None:
    """Let time pass and each host do what is due."""
    for host in hosts:
        host.now = Instant(host.now + ms)
        host.step()
        host.settle()


def met(*hosts: Host) -> tuple[Host, ...]:
    """The hosts, after they have heard of one another."""
    for host in hosts:
        host.step()
    carry(*hosts)
    return hosts


def two(**others: Any) -> tuple[Host, Host]:
    """h1 without the tag that h2 has."""
    h1, h2 = met(a_host_core("h1"), a_host_core("h2", tags=frozenset({"gpu"}), **others))
    return h1, h2


def forget(host: Host, what: Host, *, force: bool = True) -> str:
    """Forget a host at a different one; why that was refused."""
    forget = Forget(host=what.id, store=what.store, force=force)
    return host.step(forget, ticket=1).replies[0].why


def phase(host: Host, ref: RunRef) -> str:
    """A run's phase as a host has it; `gone` where it is not in the table."""
    run = host.core.table.runs.get(ref)
    return run.phase if run else "gone"


def of(messages: Iterable[Message], kind: type) -> list[Any]:
    """The messages of a kind."""
    return [m for m in messages if isinstance(m, kind)]


def _taken(host: Host) -> list[Envelope]:
    sent, host.sent = host.sent, []
    return sent


def _receivers(envelope: Envelope, hosts: dict[HostId, Host]) -> list[Host]:
    if envelope.to_host is None:
        return [host for id, host in hosts.items() if id != envelope.from_host]
    return [hosts[envelope.to_host]] if envelope.to_host in hosts else []


def read_late(host: Host, ref: RunRef, *others: Host) -> None:
    """Restart a host that cannot read a run, and let it read the run a while later."""
    log = host.logs.pop(ref)
    host.restart()
    later(3000, host, *others)
    carry(host, *others)
    host.logs[ref] = log
    run = attached(fold(ref, host.events(ref)), host.flows.get(ref))
    host.core.read_again(ref, run, log)
