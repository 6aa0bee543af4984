"""The port of a dialect: it compiles documents in one language into flows."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import field
from typing import Final, Literal, NamedTuple, Protocol

from floe.model.case import Case
from floe.model.event import Event
from floe.model.facet import Facet
from floe.model.finding import Finding
from floe.model.flow import Flow
from floe.model.ids import FlowId, Json
from floe.model.judging import Question, Verdict
from floe.model.nouns import dataclass
from floe.model.opening import Opened
from floe.model.run import Run
from floe.model.shared_row import SharedRow


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowText:
    """A flow as its document has it, without secrets; every dialect gives it."""

    line: int
    """The number of its first line in the document."""
    text: str
    file: str = ""
    """Its document, where that is not the origin of the flow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownFlows:
    """The flows that flow tasks of a document can name."""

    flows: tuple[Flow, ...] = ()
    unknown: Literal["error", "warning", ""] = ""
    """What a flow that is not among them is; empty where nothing is known about others."""
    unclear: frozenset[str] = frozenset()
    """Ids of other flows about which nothing more is known."""

    def find(self, name: str) -> Flow | None:
        """A flow by `id`, which is its highest version, or `id@ver`."""
        found = (flow for flow in self.flows if name in (flow.id, f"{flow.id}@{flow.ver}"))
        return max(found, key=lambda flow: flow.ver, default=None)

    @property
    def names(self) -> tuple[str, ...]:
        """Their ids, and the ids with versions."""
        return (*sorted({f.id for f in self.flows}), *(f"{f.id}@{f.ver}" for f in self.flows))


NO_FLOWS: Final = KnownFlows()


@dataclass(frozen=True, slots=True, kw_only=True)
class Compiled:
    """What a dialect makes of a document: its flows and all findings."""

    flows: tuple[Flow, ...]
    """The flows without errors; `findings` explains the ones left out."""
    findings: tuple[Finding, ...]
    flow_file_at: Mapping[tuple[FlowId, int], tuple[int, int]] = field(default_factory=dict)
    """By flow id and version: the line and column where the flow names its flow-file, for findings
    about a flow-file that cannot be read."""

    written: Mapping[tuple[FlowId, int], FlowText] = field(default_factory=dict)
    """By flow id and version; without the flows whose secrets could not be hidden."""

    cases: tuple[Case, ...] = ()
    """The tests of the flows, in the order of the document."""

    siblings: KnownFlows = NO_FLOWS
    """The flows that flow tasks of this document can name."""

    @property
    def errors(self) -> tuple[Finding, ...]:
        """The findings of a dialect that make a flow unusable."""
        return tuple(f for f in self.findings if f.level == "error")


class RowReader(Protocol):
    """The port for what a dialect adds to the rows of its runs in lists.

    It sees a run with its flow, and is pure: the same run has the same row at every host, today and
    when the row is derived again. floe's own flows have none.
    """

    def label(self, run: Run) -> str:
        """The name of the state of a run in its dialect."""
        ...

    def facets(self, run: Run) -> Iterable[Facet]:
        """The facts by which lists find a run; at most some hundred (`FACETS_BYTES_MAX`)."""
        ...

    def is_row_changed(self, event: Event) -> bool:
        """Whether an event may change the label or the facets of its run, or counts as work.

        The row is written then. It is also written when the run changes as a whole: its phase,
        result, title or host. In a run with many items not every event should count.
        """
        ...

    def told(self, run: Run) -> Json:
        """What a run says to its parent, beside its label, when it is over or rests."""
        ...


RowReaders = Mapping[str, RowReader]
"""By `Flow.dialect`."""

NO_READERS: Final[RowReaders] = {}


class Dialect(Protocol):
    """The port for dialects, which compile documents into flows.

    Bad input becomes findings, never an exception.
    """

    def flow_file(
        self, text: str, origin: str, base: Flow, known: KnownFlows = NO_FLOWS
    ) -> Compiled:
        """Read a flow-file on top of `base`, the flow that names it.

        `known`: the flows that its flow tasks can name; without them these are not checked.

        The file overrides name, reuse-space, host-tags, resource-tags, env and tasks, and, if
        given, timeout, on-host-lost and unheard-bad. Triggers are always those of `base`. A
        different id or ver is an error; triggers in the file are a warning.
        """
        ...

    def flows(self, text: str, origin: str, others: Sequence[Flow] = ()) -> Compiled:
        """Read the flows of a host config (`flows:`) or of a document that is one flow.

        `others`: flows of other documents, which flow tasks can name too.
        `config` reads the `common:` part.
        """
        ...

    def cases(self, text: str, origin: str, flows: Sequence[Flow]) -> Compiled:
        """Read a document that has only tests of these flows."""
        ...

    def schema(self) -> Mapping[str, object]:
        """The JSON Schema of its documents, for editors."""
        ...

    @property
    def rows(self) -> RowReader | None:
        """What it adds to the rows of its runs; None for nothing."""
        ...


class Evaluator(Protocol):
    """The port for the judgements of a dialect. It is used in a process of its own, with limits.

    It reads nothing but its arguments. `floe.dialects.registry` names it by its module.
    """

    def judge(
        self, run: Run, asks: Sequence[Question], known: Sequence[Verdict], around: Json
    ) -> Iterable[Verdict]:
        """Yield the verdicts of the questions after the `known` ones, in order, each when found.

        `around` is what `EventFlows.around` gave.

        `run` is as it was before all of them, with its flow. Each question sees the effects of the
        verdicts before it, the known ones included; a verdict that `failed` has none.

        An error makes a verdict that failed, and the rest is judged by a new call. A host limits
        the time until each verdict, so an evaluator yields and never collects.
        """
        ...

    def judge_text(self, kind: str, body: Json) -> Json:
        """Judge something for which there is no run yet. `kind` is a word of the dialect."""
        ...

    def open(self, event: Json, flow: Flow, around: Json) -> Opened:
        """Which runs of a flow an event opens. An error makes an answer that failed."""
        ...


class SharedRowReader(Protocol):
    """The port for the rows that all hosts of a cluster share, as a dialect reads them."""

    @property
    def number(self) -> int:
        """The number of the last write: what was read before stays true until it changes."""
        ...

    def of_kind(self, kind: str) -> Sequence[SharedRow]:
        """The rows of a kind that have a value, in the order in which they were written."""
        ...


class Around(NamedTuple):
    """What the judgements of a flow read besides the run and the flow."""

    digest: str
    body: bytes
    """As JSON."""


class EventFlows(Protocol):
    """The port for the flows of a dialect whose runs events may open."""

    async def flows_of(self, event: Json, rows: SharedRowReader) -> Mapping[str, Flow]:
        """The flows that an event concerns, by digest, in the order in which they are judged.

        The events behind it wait meanwhile. Raises FloeError where they cannot be had now: it is
        asked again. Any other error drops the event.
        """
        ...

    def around(self, flow: Flow, digest: str, rows: SharedRowReader) -> Around | None:
        """What the judgements of a flow read of the shared rows; None for nothing. Never raises."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedDialect:
    """In the registry: a dialect of judged flows."""

    evaluator: str
    """Where its evaluator is, as `module:attribute`: evaluator processes import it."""
    rows: RowReader | None = None
    """What it adds to the rows of its runs."""
    events: Callable[[], EventFlows] | None = None
    """Makes the flows whose runs events open, for one host; None for a dialect without events."""
    calls: str = ""
    """Where what carries out its calls is made, as `module:attribute`: see `nodes.calls`."""
