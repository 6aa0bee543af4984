"""The parts of a hub: those that `app` chooses, and those made from what the store kept."""

from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import field
from pathlib import Path
from uuid import uuid4

from floe.dialects.base import EventFlows
from floe.evaluators.base import Evaluators
from floe.host import repositories
from floe.host.core import HostCore
from floe.host.inputs import Incoming, Reply
from floe.host.ledger import INBOX_KINDS, LEDGER_KINDS, SHARED_KINDS
from floe.host.opening_inputs import EventStart, OpeningInput
from floe.host.passed_over import FAULT, PASSED_OVER
from floe.host.retention import KeepShare
from floe.host.site import SiteSettings
from floe.hub.attempts.attempt_outputs import OutputSettings
from floe.hub.attempts.masked_inputs import MaskedInputs
from floe.hub.clock import Clock
from floe.hub.ended.notices import Notices
from floe.hub.flows import FlowBook, FlowFiles, Flows
from floe.hub.history import History
from floe.hub.loop import Loop
from floe.hub.openings.event_inbox import EventInbox
from floe.hub.openings.event_starts import starts_by_event
from floe.hub.triggers import Triggers
from floe.model.ids import FlowId, Key, RunRef
from floe.model.keep import Keep
from floe.model.nouns import dataclass
from floe.model.peer_message import PROTOCOL
from floe.model.run import Run
from floe.model.work import Action
from floe.nodes.base import (
    Executor,
    NoNotifier,
    NoSecrets,
    Notifier,
    Refs,
    Spaces,
    SpaceSizes,
    StoredSecrets,
)
from floe.peers.base import Hello, Peers, Protocols
from floe.places import Places
from floe.store.archive import Archive
from floe.store.base import Batch, LedgerWrite, RunStore
from floe.store.sealing import NO_SEALS, HostSeals


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The parts that a hub needs; `app` chooses them."""

    host: SiteSettings
    attempts: OutputSettings
    store: RunStore
    executors: Mapping[type[Action], Executor]
    refs: Refs
    flow_files: FlowFiles
    clock: Clock
    book: FlowBook
    read_book: Callable[[], Awaitable[FlowBook]]
    """Reads the config again. Raises ConfigInvalid."""
    peers: Peers | None = None
    """The other hosts; None where the config names none."""
    places: Places = field(default_factory=Places)
    """The file systems of this machine."""
    folders: Mapping[str, Path] = field(default_factory=dict)
    """Folders in which runs need room, by their names in a sentence."""
    keep: Keep = field(default_factory=Keep)
    """How long runs and workspaces stay, where their flows do not say."""
    keep_shares: tuple[KeepShare, ...] = ()
    """The same of the flows of a dialect, between those of a flow and those of the host."""
    spaces: Spaces | None = None
    """The workspaces; None where none are to be removed."""
    space_sizes: SpaceSizes | None = None
    archive: Archive | None = None
    """Where ended runs go; None where they stay on this host alone."""
    copies_bytes: int = 0
    """With an archive: bytes of outputs that stay on this host too."""
    version: str = ""
    """Of floe, for people."""
    notifier: Notifier = field(default_factory=NoNotifier)
    """Sends the notices of ended runs."""
    seals: HostSeals = NO_SEALS
    """The keys of sealed runs."""
    secrets: StoredSecrets = field(default_factory=NoSecrets)
    """What commands get by name; its values are masked in all that the host shows."""
    places_without_secrets: bool = False
    """A run is taken although this host lacks a secret; its node ends with an error then."""
    evaluators: Evaluators | None = None
    """The processes that judge runs; None where no dialect needs one."""
    pass_limits: Mapping[FlowId, int] = field(default_factory=dict)
    """How many runs of a judged flow may be in a pass at once on this host, if not all."""
    event_flows: Mapping[str, EventFlows] = field(default_factory=dict)
    """The flows whose runs events open, by dialect."""
    public_url: str = ""
    """The URL of the dashboard for people, without a slash at the end; for links in notices."""
    callbacks_url: str = ""
    """The URL below which calls have their addresses; empty where no client can call this host."""


async def core_of(
    host: SiteSettings,
    store: RunStore,
    clock: Clock,
    named: Callable[[RunRef], str],
    seals: HostSeals = NO_SEALS,
) -> HostCore:
    """The part that decides: a core with everything that the store keeps besides runs."""
    await _go_on(clock, store)
    serial = await store.row("serial", "run")
    fence = await store.row("keeper", "fence")
    term = await store.row("keeper", "term")
    if not isinstance(term, int):
        term = clock.now() // 1000
        row = LedgerWrite(kind="keeper", key="term", value=term)
        await store.append(Batch(ledger=(row,), promise=True))
    kinds = ["drain", "moved", "returned", *SHARED_KINDS, *INBOX_KINDS]
    if host.peers:
        kinds = [kind for kind in LEDGER_KINDS if kind != "floor"]
    kinds += [PASSED_OVER, FAULT]
    return HostCore(
        host,
        store.store_id,
        serial=serial if isinstance(serial, int) else 0,
        fence=fence if isinstance(fence, int) else 0,
        term=term,
        rows={kind: await store.ledger(kind) for kind in kinds},
        named=named,
        seals=seals,
    )


def notices_of(
    parts: Parts,
    history: History,
    output: Callable[[Run, Key], Awaitable[Path]],
    spawn: Callable[[Coroutine[object, object, None]], None],
    put: Callable[[Incoming], None],
    named: Callable[[RunRef], str],
) -> Notices:
    """The part that sends the notices of ended runs."""
    return Notices(
        notifier=parts.notifier,
        store=parts.store,
        history=history,
        clock=parts.clock,
        output=output,
        places=parts.places,
        spawn=spawn,
        put=put,
        masks=parts.secrets.masks,
        named=named,
        public_url=parts.public_url,
    )


def inbox_of(
    parts: Parts,
    core: HostCore,
    ask: Callable[[OpeningInput], Awaitable[Reply]],
    masked: MaskedInputs,
    clock: Clock,
    flows: Flows,
) -> EventInbox:
    """The part that has events judged, and knows which of a host's flows they start."""

    def starts(dialect: str, body: str) -> Sequence[EventStart]:
        return starts_by_event(flows.book, masked, dialect, body)

    return EventInbox(core, parts.evaluators, parts.event_flows, ask, masked, clock, starts)


def hello_of(parts: Parts) -> Hello:
    """This process, as its parts introduce it to other hosts. The store must be open."""
    return Hello(
        host=parts.host.id,
        store=parts.store.store_id,
        process=uuid4().hex,
        version=parts.version,
        protocols=Protocols(PROTOCOL, PROTOCOL),
    )


async def _go_on(clock: Clock, store: RunStore) -> None:
    before = await store.row("clock", "boot")
    clock.go_on(before)
    if (after := clock.row()) != before:
        row = LedgerWrite(kind="clock", key="boot", value=after)
        await store.append(Batch(ledger=(row,)))


async def triggers_of(
    parts: Parts,
    loop: Loop,
    spawn: Callable[[Coroutine[object, object, None]], None],
    put: Callable[[Incoming], None],
    refusal: Callable[[], str],
) -> Triggers:
    """The part for triggers, which knows the ticks and commits handled. The store must be open.

    `refusal` returns why this host takes no run; other hosts of a cluster may still take it.
    """
    rows = {kind: await parts.store.ledger(kind) for kind in repositories.KINDS}

    core = loop.core

    def held_back() -> str:
        if loop.store_problem:  # the inbox would keep each tick until the store takes it
            return f"the store refuses writes: {loop.store_problem}"
        if parts.peers is None and (why := refusal()):
            return why
        if core.may_fire(parts.clock.now()):
            return ""
        return "the keeper had not heard of all other hosts, or they name another one"

    return Triggers(parts.clock, parts.refs, spawn, put, rows, held_back, core.keeper_term)
