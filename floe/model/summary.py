"""The summary of a run: its row in lists."""

from typing import Final

from floe.model.facet import Facet
from floe.model.ids import FlowId, HostId, Instant, NodeId, StoreId
from floe.model.nouns import dataclass, replace
from floe.model.old_reasons import reason_today, result_of_row
from floe.model.result import RunResult
from floe.model.run import Phase, Run, State
from floe.model.search_terms import terms_in
from floe.model.title import title_from


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """A run as lists, API, CLI and feed show it."""

    id: str
    key: str
    """The unique text of the run, `h1-12@k3f9`."""
    flow: FlowId
    ver: int
    state: State
    phase: Phase
    good: bool | None
    result: RunResult | None = None
    """None until the run is over."""
    why: str
    title: str = ""
    """By the flow's `run-name`, else by the run's values; empty if there is nothing to name."""
    terms: str = ""
    """What a search reads of the run's values."""
    host: HostId | None
    store: StoreId | None = None
    """Of that host; None without a host, and in rows of older floes, which did not keep it."""
    adopted_by: HostId
    epoch: int
    seq: int
    trigger: NodeId
    by: str
    pended_at: Instant
    started_at: Instant | None
    ended_at: Instant | None
    rerun_of: str = ""
    """The key of the run that it repeats; empty for a run that a trigger started."""
    digest: str = ""
    """Of its flow; empty until the flow is read, and in rows of older floes."""
    output_bytes: int = 0
    """What its finished attempts printed; 0 until the run is over."""
    ran: int = 0
    """How many of its nodes entered and were not skipped; 0 until the run is over."""
    skipped: int = 0
    """How many were skipped; 0 until the run is over."""
    parent: str = ""
    """The key of the attempt whose child run it is; empty for a run that is no child."""
    awaited: bool = False
    """Whether that attempt ends with it, so that its failure is one of its parent too."""
    label: str = ""
    """The name of its state in the dialect of its flow, else the verdict with which a judged run
    rests; empty for floe's own flows."""
    active_at: Instant | None = None
    """When its last work was stored; for floe's own flows, when it last changed its list. None in
    rows of older floes."""
    due: Instant | None = None
    """When the next pass of a judged run begins by itself; None for no such instant."""
    edition: int = 0
    """How often the row was derived again from the same log, with that of `EDITION`; 0 in rows of
    older floes."""
    facets: tuple[Facet, ...] = ()
    """By which lists find it; none for floe's own flows."""


EDITION: Final = 1
"""Of the rows that this floe derives. A row with the same events and a higher edition replaces one
with a lower edition, also at other hosts."""

WENT_ON: Final = "went on elsewhere: this host had been forgotten"
"""Why the copy of a run at a forgotten host ended: that is no end of the run."""

SEALED_WHY: Final = "it is sealed: floe why shows the reason"

FIELDS: Final = tuple(Summary.__annotations__)
"""Of a row; the columns of a store have the same names and order."""


def completed(row: Summary) -> Summary:
    """The summary that another host sent, with what a host with floe 0.1 leaves out."""
    if row.good is None or row.result is not None:
        return row
    why = reason_today(row.why)
    return replace(row, result=result_of_row(row.good, why), why=why)


def summary_of(run: Run) -> Summary:
    """The summary of a run: its row in lists."""
    is_over = run.phase in ("ended", "packed")
    skipped = sum(node.is_skipped for node in run.nodes.values()) if is_over else 0
    return Summary(
        id=str(run.ref),
        key=run.ref.key,
        flow=run.flow_id,
        ver=run.ver,
        state=run.state,
        phase=run.phase,
        good=run.good if is_over else None,
        result=run.result if is_over else None,
        why=why_of(run),
        title=run.title or ("" if run.sealed else title_from(run.values)),
        terms="" if run.sealed else terms_in(run.values),
        host=run.host,
        store=run.store,
        adopted_by=run.ref.host,
        epoch=run.epoch,
        seq=run.superseded or run.seq,  # events of a branch never outrank the run's own
        trigger=run.trigger,
        by=run.by,
        pended_at=run.pended_at,
        started_at=run.started_at,
        ended_at=run.ended_at,
        rerun_of=run.rerun_of.run if run.rerun_of else "",
        digest=run.digest or "",
        output_bytes=_output_bytes(run) if is_over else 0,
        ran=len(run.nodes) - skipped if is_over else 0,
        skipped=skipped,
        parent=run.parent.key if run.parent else "",
        awaited=run.parent is not None and run.parent.waits,
        label=run.passes.verdict if run.passes is not None else "",
        due=run.passes.due if run.passes is not None and run.phase == "resting" else None,
        active_at=run.ended_at or run.ending_at or run.started_at or run.pended_at,
        edition=EDITION,
    )


def why_of(run: Run) -> str:
    """Why a run ended. Reasons may quote values, so that of a sealed run only names an event."""
    if not run.sealed or run.why in ("", WENT_ON):
        return reason_today(run.why)
    return f"{run.end_tag} ended it" if run.end_tag else SEALED_WHY


def _output_bytes(run: Run) -> int:
    visits = (v for id in run.nodes for v in run.visits(id) if not v.taken_from)
    states = (state for visit in visits for state in visit.parts())
    return sum(attempt.output_bytes for state in states for attempt in state.attempts)
