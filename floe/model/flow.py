"""A compiled flow: the result of a dialect, and everything that the kernel knows about it.

Frozen and JSON-shaped, so that it can be stored by digest and pinned to a run.
"""

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import field
from typing import Final, Literal

from floe.model.call import OutsideTexts, OutsideWork
from floe.model.callback import Callback
from floe.model.children import ChildValue, SubFlow
from floe.model.form import Field, Form
from floe.model.http import Http
from floe.model.ids import FlowId, Json, NodeId
from floe.model.keep import NO_KEEP, Keep
from floe.model.loop import FlowLoop, loops_of
from floe.model.notice import Notice
from floe.model.notify import Notify
from floe.model.nouns import dataclass
from floe.model.secret_name import SecretName, SecretUse, secrets_in
from floe.model.ssh import Ssh
from floe.model.states import StateTable
from floe.model.tags import Tag, emitter_of
from floe.model.template import Template, Text, has_template, plain_beginning
from floe.model.work import Exec, Fetch, Git, Work

WhenFull = Literal["queue", "skip", "cancel-older"]
"""What becomes of a run that would be one too many: it waits, it is skipped, or the oldest is
cancelled for it."""
EVENT: Final = "event"
"""The value of a run with the event of a pack that started it."""
OnItemBad = Literal["stop", "finish"]
"""After a bad item: stop begins no further item, finish begins all."""
TriggerType = Literal["data", "timer", "poll-git", "push", "pack-event"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """In a flow: how long to wait before the next attempt, `first_s * factor**n`, up to `max_s`."""

    first_s: float = 1.0
    factor: float = 2.0
    max_s: float = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """In a flow: `max` further attempts after the first, on bad and error."""

    max: int = 0
    backoff: Backoff = Backoff()


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreach:
    """In a flow: a list for whose items a node runs, `values` or what `expression` comes to."""

    values: tuple[Json, ...] = ()
    """As written in the document; of a matrix, its combinations."""
    expression: str = ""
    """Judged when the node enters; empty if the values are written."""
    parallel: int | None = None
    """How many items may be open at once; None for no limit."""
    on_item_bad: OnItemBad = "finish"
    after: tuple[str, ...] = ()
    """In a judged flow: an item may run once the one before it is in one of these states; empty if
    the items do not wait for each other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeat:
    """In a flow: further attempts until a condition is true, at most `max` in all."""

    until: str
    """An expression, which is judged after each attempt that was good or bad."""
    every_s: float
    """From the end of an attempt to the next."""
    max: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """In a flow: a task or merge; enters when a tag of `heard` arrives and its clauses stand."""

    id: NodeId
    cls: Literal["task", "merge"]
    type: str
    """As written in the document: `exec`, `git-checkout`, `all`, …"""
    name: str
    work: Work
    heard: frozenset[Tag] = frozenset()
    """`listen`: a new arrival of one of these tags wakes the node; if empty, the clauses do."""
    needs: tuple[tuple[Tag, ...], ...] = ()
    """`wait`: at least one tag of each clause must stand. A merge of all has many clauses of one
    tag, a merge of any has one clause of many tags."""
    good: tuple[int, ...] = (0,)
    ignore_fail: bool = False
    use_status: bool = False
    timeout_s: float | None = None
    """Per attempt, from `NodeStarted` (a form's from `DataAsked`)."""
    retry: Retry = Retry()
    on_lost: Literal["fail", "retry"] = "fail"
    output_max: int | None = None
    """Bytes; 0 for none; None for the host's default."""
    grace_s: float | None = None
    """Between TERM and KILL; None for the host's default."""
    loop: int = 0
    """The head of a loop enters at most this many times; 0 for a node that is none."""
    foreach: Foreach | None = None
    """None for a node that runs once."""
    repeat: Repeat | None = None
    """Instead of `retry`."""
    condition: str = ""
    """`if`: the expression that skips the node where it is false; empty for none."""
    excused: frozenset[Tag] = frozenset()
    """Tags of skipped nodes that satisfy a clause. A node of which every clause stands by such tags
    alone is skipped too."""
    secrets: tuple[SecretUse, ...] = ()
    """What its command gets besides its environment."""
    prunes: tuple[int, ...] = ()
    """Of a judged flow, as all below: the clauses of `needs`, by index, that prune it when none of
    their tags can come any more."""
    recheck: tuple[str, ...] = ()
    """States in which it runs once more in a pass, before the run would rest."""
    idempotent: bool = False
    """Whether an attempt that was lost may simply run again. If not, its start is on the disk
    before it does anything, so that a loss of power does not repeat it."""
    tries_max: int = 0
    """How many attempts it may have in a run; 0 for no limit."""

    @property
    def secret_names(self) -> frozenset[SecretName]:
        """The secrets that this node of a flow needs."""
        return frozenset((*(use.name for use in self.secrets), *secrets_in(self.work)))

    @property
    def can_skip(self) -> bool:
        """Whether this node of a flow may be skipped although all nodes before it ran."""
        return self.condition != "" or (self.foreach is not None and self.foreach.expression != "")

    @property
    def is_filled(self) -> bool:
        """Whether the work of this node of a flow has templates."""
        match self.work:
            case Exec(argv=argv, env=env):
                return has_template((argv, env))
            case Fetch(url=url, checksum=checksum):
                return has_template((url, checksum))
            case Http(texts=texts) | Callback(request=Http(texts=texts)):
                return has_template(texts)
            case Notify(text=text, subject=subject):
                return has_template((text, subject))
            case Ssh(texts=texts):
                return has_template(texts)
            case OutsideWork(texts=OutsideTexts()):
                return True
            case SubFlow(texts=texts, host=host):
                return texts != () or has_template((host,))
            case _:
                return False

    @property
    def ref(self) -> str:
        """This node of a flow as people write it: `task.build`."""
        return f"{self.cls}.{self.id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class HeardEvent:
    """In a flow: the event of a pack that a trigger listens for, and the values that it gives."""

    pack: str
    event: str
    labels: Mapping[str, str] = field(default_factory=dict)
    """The pack has them all."""
    values: tuple[ChildValue, ...] = ()
    """Further values of the run; their templates see `event`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """In a flow: a trigger, which starts its runs."""

    id: NodeId
    type: TriggerType
    name: str
    form: Form = Form(title="Start")
    """data: the form to fill in."""
    git: Git = Git()
    """Becomes values of the run; poll-git polls its `url` with its `key_file`."""
    period_s: float = 10.0
    """timer and poll-git: seconds."""
    cron: str = ""
    """timer: five fields, instead of `period_s`."""
    timezone: str = "UTC"
    refs: str = "refs/heads/*"
    exclude_refs: str = ""
    """poll-git: a regular expression that must match a whole ref."""
    secret: str = ""
    """push: `$NAME` of the host's environment or `@file`; if empty, the route answers 403."""
    events: tuple[str, ...] = ()
    """push: the events that start runs; empty for `push` alone."""
    branches: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    """push: patterns of branches, tags and changed files, as in `expr.globs`; empty for all."""
    condition: str = ""
    """`if`: the expression without which no run starts where it is false; empty for none."""
    heard: HeardEvent | None = None
    """pack-event: the event that starts runs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOutput:
    """In a flow: an output of its runs."""

    id: str
    value: Template


@dataclass(frozen=True, slots=True, kw_only=True)
class MaxRuns:
    """In a flow: how many of its runs may be active at once in the whole cluster."""

    limit: int
    per: Template | None = None
    """Runs with different texts of this template do not count for each other."""
    when_full: WhenFull = "queue"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """Nodes connected by the tags they issue, and the requirements for a host."""

    id: FlowId
    ver: int
    name: str
    triggers: tuple[Trigger, ...] = ()
    nodes: tuple[Node, ...] = ()
    reuse_space: bool = False
    host_tags: tuple[str, ...] = ()
    resource_tags: tuple[str, ...] = ()
    env: tuple[Text, ...] = ()
    flow_file: str = ""
    """The document to read the nodes from when a run is pended; if empty, they are here."""
    origin: str = ""
    """The document with this flow; a relative `flow_file` starts from it."""
    timeout_s: float | None = None
    """From `RunActivated`."""
    on_host_lost: Literal["fail", "restart"] = "fail"
    unheard_bad: Literal["end", "hold"] = "end"
    max_runs: MaxRuns | None = None
    """None for no limit."""
    run_name: Template | None = None
    """The title of its runs; without it a run's title comes from its values."""
    on_end: tuple[Notice, ...] = ()
    """The notices of its runs when they end; empty for the host's default."""
    inputs: tuple[Field, ...] = ()
    """What every trigger asks for; each trigger's form has these fields too."""
    outputs: tuple[RunOutput, ...] = ()
    """What a run comes to when it ends."""
    strict_shell: bool | None = None
    """`shell` ends at the first command that fails; None for the host's default."""
    keep: Keep = NO_KEEP
    """How long its runs stay, where that differs from the host. The flow in the config counts, not
    the one that a run is pinned to."""
    has_escapes: bool = False
    """Whether `$$` is a dollar in `env` and in arguments. False for flows from floe 0.1, where it
    meant two dollars."""
    inherits: bool = False
    """Whether outputs reach all nodes after theirs. False for flows from floe 0.1, where they
    reached the next nodes only."""
    secrets: tuple[SecretName, ...] = ()
    """The secrets that its nodes may name; empty if the flow does not list them."""
    states: StateTable | None = None
    """The states of its nodes, if it is judged; None for floe's own flows."""
    dialect: str = ""
    """The dialect that derives the labels and facets of its runs; empty for floe's own, which have
    none."""
    seal: bool = False
    """Whether the logs of its runs are encrypted."""
    document: Json = None
    """What its dialect judges its runs by; None for nothing besides the nodes."""
    passwords: tuple[str, ...] = ()
    """The names of values of its runs that floe does not show, if it is judged."""

    by_id: Mapping[NodeId, Node] = field(init=False, repr=False, compare=False)
    """Derived: the nodes by id."""
    hearers: Mapping[Tag, tuple[Node, ...]] = field(init=False, repr=False, compare=False)
    """Derived: the nodes that name a tag in `listen` or `wait`, in document order."""
    loops: tuple[FlowLoop, ...] = field(init=False, repr=False, compare=False)
    """Derived: the loops, of those nodes that lead back to a head."""
    filled: frozenset[NodeId] = field(init=False, repr=False, compare=False)
    """Derived: the nodes whose work has templates."""
    shared_env: tuple[str, ...] = field(init=False, repr=False, compare=False)
    """Derived: the entries of `env` before the first with values, for all commands."""
    filled_env: tuple[Text, ...] = field(init=False, repr=False, compare=False)
    """Derived: the other entries of `env`, for commands of exec tasks: part of their work."""
    followers: Mapping[NodeId, tuple[Node, ...]] = field(init=False, repr=False, compare=False)
    """Derived: the nodes that name any tag of a node; empty if no run of the flow skips a node, and
    it is not judged."""
    order: Mapping[NodeId, int] = field(init=False, repr=False, compare=False)
    """Derived: the places of the nodes in the document, if it is judged."""
    secret_names: frozenset[SecretName] = field(init=False, repr=False, compare=False)
    """Derived: the secrets that a host must have to run it."""

    def __post_init__(self) -> None:
        hearers: dict[Tag, list[Node]] = {}
        for node in self.nodes:
            for tag in dict.fromkeys((*sorted(node.heard), *(t for c in node.needs for t in c))):
                hearers.setdefault(tag, []).append(node)
        object.__setattr__(self, "by_id", {n.id: n for n in self.nodes})
        object.__setattr__(self, "hearers", {t: tuple(ns) for t, ns in hearers.items()})
        object.__setattr__(self, "loops", _loops(self.nodes))
        shared = plain_beginning(self.env)
        filled = self.env[len(shared) :]
        object.__setattr__(self, "shared_env", shared)
        object.__setattr__(self, "filled_env", filled)
        is_filled = {n.id for n in self.nodes if n.is_filled or (filled and type(n.work) is Exec)}
        object.__setattr__(self, "filled", frozenset(is_filled))
        is_judged = self.states is not None
        followers = _followers(self.nodes, hearers, is_judged=is_judged)
        object.__setattr__(self, "followers", followers)
        order = {node.id: at for at, node in enumerate(self.nodes)} if is_judged else {}
        object.__setattr__(self, "order", order)
        named = frozenset(self.secrets).union(*(node.secret_names for node in self.nodes))
        object.__setattr__(self, "secret_names", named)


def _loops(nodes: tuple[Node, ...]) -> tuple[FlowLoop, ...]:
    heads = tuple(node.id for node in nodes if node.loop)
    if not heads:
        return ()
    return loops_of({n.id: n.heard.union(*n.needs) for n in nodes}, heads)


def _followers(
    nodes: tuple[Node, ...], hearers: Mapping[Tag, Iterable[Node]], *, is_judged: bool
) -> dict[NodeId, tuple[Node, ...]]:
    found: dict[NodeId, dict[NodeId, Node]] = {}
    if is_judged or any(node.can_skip for node in nodes):
        for tag, listeners in hearers.items():
            if (emitter := emitter_of(tag)) is not None:
                found.setdefault(emitter, {}).update((n.id, n) for n in listeners)
    return {id: tuple(listeners.values()) for id, listeners in found.items()}
