"""This host as all parts of its core know it: its settings, its store, its runs and its names.

A part takes the site and the other parts that it uses as constructor arguments, and nothing else.
"""

from collections.abc import Callable, Mapping
from dataclasses import field
from typing import Final

from floe.dialects.base import RowReaders
from floe.host.inbox import Inbox
from floe.host.inputs import ChildrenLeft
from floe.host.ledger import NO_LEDGER, LedgerRows
from floe.host.passed_over import PassedOver
from floe.host.peers.returned_copies import ReturnedCopies
from floe.host.runs import RunTable
from floe.host.undoable import Undoable, UndoJournal
from floe.host.void_takes import VoidTakes
from floe.model.call import HandedWork
from floe.model.flow import Flow
from floe.model.host import HostView
from floe.model.ids import HostId, RunRef, StoreId, ref_of
from floe.model.notice import Notice
from floe.model.nouns import dataclass
from floe.model.run import Run
from floe.model.secret_name import SecretName
from floe.store.sealing import NO_SEALS, Seals

ONCE_MAX: Final = 10_000
"""Idempotency keys kept in memory, for requests that arrive together; the shell looks older ones up
in the ledger first."""

MOVED_MAX: Final = 10_000
"""Moved workspaces that are remembered; the oldest are forgotten first."""

RECENT_MAX: Final = 10_000
"""Re-runs and removed runs of this process that are remembered, for requests and removals that were
prepared from an earlier state of the store; the oldest are forgotten first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteSettings:
    """The settings of this site, the host."""

    id: HostId
    tags: frozenset[str]
    slots: int = 64
    """Runs active at once."""
    workspace_root: str
    """Absolute. Workspaces are `<root>/spaces/<flow>/ws/<run key>`, or `…/ws/single`."""
    peers: int = 0
    """The number of other hosts in the config; 0 for a single host."""
    keeper: HostId | None = None
    """The host that grants the cluster's resources and fires its timers."""
    rest_ms: int = 5000
    """A run that waits for less than this reports nothing to its adopter."""
    packs_at_end: bool = False
    """Whether a run without output is packed in the step that ends it. With a bucket it is not: its
    copy comes first."""
    notifies: bool = True
    """Whether ended runs send notices; those of `floe run` send none."""
    on_end: tuple[Notice, ...] = ()
    """The notices of runs whose flow has none of its own."""
    row_readers: RowReaders = field(default_factory=dict)
    """What dialects add to the rows of their runs."""
    secrets: frozenset[SecretName] | None = None
    """The secrets at its start. None: runs are placed without regard to them, as in `floe run`; a
    node without its secret ends with an error."""


class Site:
    """The identity of this host and the state that its parts share."""

    def __init__(
        self,
        settings: SiteSettings,
        store: StoreId,
        *,
        serial: int = 0,
        term: int = 0,
        fence: int = 0,
        rows: LedgerRows = NO_LEDGER,
        named: Callable[[RunRef], str] = str,
        seals: Seals = NO_SEALS,
    ) -> None:
        """`serial` is the number of the newest run, `term` the seconds from 1970 to the making of
        the store, `fence` the last fencing counter, `named` gives the name of a run in reasons."""
        self.settings = settings
        self.id = settings.id
        self.store = store
        self.keeper = settings.keeper
        self.serial = serial
        self.term = term
        self.fence = fence
        self.named = named
        self.seals = seals
        self.unreadable: Mapping[RunRef, str] = {}
        """Sealed runs that are not in the table, since their keys are missing, and why: this host
        answers nothing about them until the keys are back."""
        self.table = RunTable(store)
        self.journal = UndoJournal()
        self.draining = "host" in rows.get("drain", {})
        self.troubles: tuple[str, ...] = ()
        """Problems of the machine that keep every run away from this host, in sentences."""
        self.hosts: Mapping[HostId, frozenset[str]] = {settings.id: settings.tags}
        """The tags of this host and of its peers."""
        self.secrets = settings.secrets
        """The names of those that it has now."""
        self.once: Undoable[str, RunRef] = Undoable(self.journal)
        """Runs by the idempotency keys of the requests that changed them."""
        self.handed: Undoable[str, HandedWork] = Undoable(self.journal)
        """The outside work that takers got through this process, by take."""
        self.void_takes = VoidTakes(rows, self.journal)
        self.passed_over = PassedOver(rows, self.journal)
        self.inbox = Inbox(rows, self.journal)
        self.moved: Undoable[str, str] = Undoable(self.journal)
        """The re-run that took the workspace of an earlier run, both by key."""
        for old, new in rows.get("moved", {}).items():
            self.moved.put(old, str(new))
        self.returned = ReturnedCopies(rows, self.journal)
        self.child_rows: Undoable[str, bool] = Undoable(self.journal)
        """The parents, by key, whose children are to be read: see `child_news`."""
        for key in rows.get("child-rows", {}):
            self.child_rows.put(key, True)
        self.repeats: Undoable[str, str] = Undoable(self.journal)
        """By the re-runs of this process the runs that they repeat, both by key."""
        self.removed: Undoable[str, bool] = Undoable(self.journal)
        """The runs that this process removed, by key."""
        self.children_left: Undoable[RunRef, ChildrenLeft] = Undoable(self.journal)
        """Of parents that start again, the children that were left when the hub last read them."""
        self.flows_stored: Undoable[str, bool] = Undoable(self.journal)
        """Digests of the flows that are in the store."""
        self.journal.take()  # what was read is no change of a step

    def is_self(self, host: HostId | None, store: StoreId | None) -> bool:
        """Whether an address is this host's."""
        return host == self.id and (store is None or store == self.store)

    @property
    def has_room(self) -> bool:
        """Whether this host can take any run at all now."""
        settings = self.settings
        return not self.troubles and not self.draining and self.table.active < settings.slots

    def drain(self, *, on: bool) -> None:
        """Take no new runs, or take them again."""
        before = self.draining
        self.journal.undos.append(lambda: self._set_draining(before))
        self.draining = on

    def know_peers(self, tags: Mapping[HostId, frozenset[str]]) -> None:
        """Keep the tags of the peers."""
        before = self.hosts
        self.journal.undos.append(lambda: self._set_hosts(before))
        self.hosts = {self.id: self.settings.tags, **tags}

    def remember_once(self, key: str, ref: RunRef) -> None:
        """Keep the run that a request with an idempotency key led to."""
        self.once.put_newest(key, ref, ONCE_MAX)

    def view(self, problems: tuple[str, ...] = ()) -> HostView:
        """This host as placement sees it, with these problems besides its machine's."""
        settings, table = self.settings, self.table
        return HostView(
            id=self.id,
            store=self.store,
            tags=settings.tags,
            slots=settings.slots,
            active=table.active,
            draining=self.draining,
            held={t: r for t, r in table.held.items() if t.startswith("host:")},
            spaces=dict(table.spaces),
            problems=(*self.troubles, *problems),
            secrets=self.secrets,
            keys=self.seals.known,
        )

    def called(self, key: str) -> str:
        """The name, in reasons, of the run with a key that a peer gave."""
        ref = ref_of(key)
        return self.named(ref) if ref else key

    def is_held_back(self, run: Run) -> bool:
        """Whether an operator has to decide about a run: the store from which this one was copied
        adopted or ran it, and may have continued it since."""
        is_over = run.state == "archive"
        return run.ref.store != self.store and self.table.is_foreign(run) and not is_over

    def _set_hosts(self, hosts: Mapping[HostId, frozenset[str]]) -> None:
        self.hosts = hosts

    def _set_draining(self, on: bool) -> None:
        self.draining = on


def workspace_of(root: str, flow: Flow, ref: RunRef) -> str:
    """The folder of the workspace of a run that is granted in a step.

    Source: floe README, "Workspace"; the original's layout.
    """
    return f"{root}/spaces/{flow.id}/ws/{'single' if flow.reuse_space else ref.key}"
