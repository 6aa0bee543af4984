"""Which ended runs and workspaces of a host go, and why. The rule alone: no I/O and no clock.

A run that has not ended never comes here.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import field, replace
from typing import Final, NamedTuple

from floe.model.ids import FlowId, Instant
from floe.model.keep import NO_KEEP, Keep
from floe.model.nouns import dataclass
from floe.model.result import RunResult
from floe.model.run import Pruned

EVENT_BYTES: Final = 400
"""What one event of a log takes in the store, with its share of the indices."""

LOOK_S: Final = 3_600
"""Seconds for which a workspace stays after the end of its run, whatever `workspaces` says: people
look into it, and start the run again from one of its nodes."""

BATCH: Final = 40
"""Runs removed in one transaction."""

BATCH_EVENTS: Final = 400
"""The events of their logs: no other input waits for more, unless a single run has more."""

SHOWN_MAX: Final = 100
"""Runs that `RetentionRemovals` names."""

NO_FLOWS: Final[Mapping[FlowId, Keep]] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedRun:
    """An ended run, as retention sees it."""

    key: str
    flow: FlowId
    result: RunResult | None
    ended_at: Instant
    epoch: int
    events: int = 0
    """In its log."""
    bytes: int = 0
    """Of its outputs and its log."""
    space_bytes: int | None = None
    """Of its workspace; None for none."""
    is_shown: bool = False
    """A run that repeats it has not been removed, and shows its outputs."""
    is_lost: bool = False
    """Its log is gone with a store that was forgotten: only its row is here."""
    is_moving: bool = False
    """A run that repeats it has not ended, and may still take its workspace."""
    is_sealed: bool = False
    """With it goes its key."""

    def removed(self, at: Instant, why: str) -> Pruned:
        """The record of its removal."""
        return Pruned(key=self.key, flow=self.flow, at=at, why=why, epoch=self.epoch)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeepShare:
    """The limits of the flows of a dialect, between those of a flow and those of the host."""

    name: str
    """Of the dialect."""
    flows: re.Pattern[str]
    """The ids of its flows."""
    keep: Keep
    """Its `bytes` are those of all its flows together."""


class Expiry(NamedTuple):
    """Why retention takes a run or its workspace, as the end of a sentence; empty: it stays."""

    run: str = ""
    space: str = ""


@dataclass(slots=True)
class Retention:
    """The rule, with what it has kept so far. It is asked about the newest run first."""

    now: Instant
    host: Keep
    """For all flows; its `bytes` are those of all flows together."""
    flows: Mapping[FlowId, Keep] = field(default_factory=lambda: NO_FLOWS)
    """What flows set themselves."""
    shares: tuple[KeepShare, ...] = ()
    _share_of: dict[FlowId, KeepShare | None] = field(default_factory=dict)
    _share_bytes: dict[str, int] = field(default_factory=dict)
    _runs: dict[FlowId, int] = field(default_factory=dict)
    _bytes: dict[FlowId, int] = field(default_factory=dict)
    _all_bytes: int = 0

    def judge(self, run: EndedRun) -> Expiry:
        """Whether a run and its workspace stay."""
        share = self._share(run.flow)
        keep = self.flows.get(run.flow, NO_KEEP).over(share.keep if share else NO_KEEP)
        keep = keep.over(self.host)
        space = self._against_space(run, keep)
        size = 0 if space else run.space_bytes or 0
        why = "" if run.is_shown else self._against(run, keep)
        if not why and not run.is_moving and size:
            space = self._over(run.flow, keep, run.bytes + size)
            size = 0 if space else size
        if why and not run.is_moving:
            return Expiry(why, why if run.space_bytes is not None else "")
        self._runs[run.flow] = self._runs.get(run.flow, 0) + 1
        self._bytes[run.flow] = self._bytes.get(run.flow, 0) + run.bytes + size
        self._all_bytes += run.bytes + size
        if share:
            taken = self._share_bytes.get(share.name, 0)
            self._share_bytes[share.name] = taken + run.bytes + size
        return Expiry("", space)

    def _share(self, flow: FlowId) -> KeepShare | None:
        if flow not in self._share_of:
            found = (share for share in self.shares if share.flows.fullmatch(flow))
            self._share_of[flow] = next(found, None)
        return self._share_of[flow]

    def _against(self, run: EndedRun, keep: Keep) -> str:
        """Why a run goes."""
        if keep.runs and self._runs.get(run.flow, 0) >= keep.runs:
            newest = f"newest {keep.runs} runs" if keep.runs > 1 else "newest run"
            verb = "are" if keep.runs > 1 else "is"
            return f"only the {newest} of {run.flow} {verb} kept (keep: runs)"
        if keep.age_s and self._age_s(run) > keep.age_s:
            return f"it ended more than {_age(keep.age_s)} before (keep: days)"
        return self._over(run.flow, keep, run.bytes)

    def _over(self, flow: FlowId, keep: Keep, more: int) -> str:
        """Which limit of bytes some more would exceed; empty for none."""
        if keep.bytes and self._bytes.get(flow, 0) + more > keep.bytes:
            return f"newer runs of {flow} fill {_size(keep.bytes)} (keep: bytes)"
        share = self._share(flow)
        limit = share.keep.bytes if share else None
        if share and limit and self._share_bytes.get(share.name, 0) + more > limit:
            return f"newer runs of {share.name} fill {_size(limit)} (keep: bytes)"
        if self.host.bytes and self._all_bytes + more > self.host.bytes:
            return f"newer runs of this host fill {_size(self.host.bytes)} (keep: bytes)"
        return ""

    def _against_space(self, run: EndedRun, keep: Keep) -> str:
        """Why the workspace of a run goes, whatever its size."""
        is_due = run.space_bytes is not None and not run.is_moving and self._age_s(run) > LOOK_S
        if is_due and keep.workspaces == "none":
            return "no workspaces are kept (keep: workspaces)"
        if is_due and keep.workspaces == "failed" and run.result == "good":
            return "only workspaces of failed runs are kept (keep: workspaces)"
        return ""

    def _age_s(self, run: EndedRun) -> float:
        return (self.now - run.ended_at) / 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What retention is to remove; by default what the config says."""

    flow: FlowId | None = None
    """Only runs of this flow; None for all."""
    keep: Keep = NO_KEEP
    """Replaces limits of the config."""

    def rule(
        self,
        now: Instant,
        host: Keep,
        flows: Mapping[FlowId, Keep],
        shares: tuple[KeepShare, ...] = (),
    ) -> Retention:
        """The rule for the limits of a host, of dialects and of flows."""
        given = self.keep
        limits = {id: given.over(keep, bytes=True) for id, keep in flows.items()}
        if self.flow is None:
            parts = tuple(
                replace(share, keep=given.over(share.keep, bytes=True)) for share in shares
            )
            return Retention(now, given.over(host, bytes=True), limits, parts)
        only = limits.get(self.flow, given)  # the bytes of other flows are not counted
        parts = tuple(
            replace(share, keep=replace(given.over(share.keep), bytes=None)) for share in shares
        )
        return Retention(now, replace(host, bytes=None), {self.flow: only}, parts)


@dataclass(slots=True, kw_only=True)
class RetentionRemovals:
    """What retention removes: how many runs and workspaces, and some of them."""

    runs: int = 0
    workspaces: int = 0
    bytes: int = 0
    """Of the runs' outputs and logs, and of the workspaces."""
    sealed: int = 0
    """Sealed ones among the runs: with them go their keys."""
    some: list[tuple[str, Expiry]] = field(default_factory=list)
    """The newest of them, by the key of each run."""

    def add(self, run: EndedRun, expiry: Expiry) -> None:
        """Count a run of which something goes by retention."""
        self.runs += bool(expiry.run)
        self.sealed += bool(expiry.run) and run.is_sealed
        self.workspaces += bool(expiry.space)
        self.bytes += run.bytes if expiry.run else 0
        self.bytes += (run.space_bytes or 0) if expiry.space else 0
        if len(self.some) < SHOWN_MAX:
            self.some.append((run.key, expiry))


def batches(
    runs: Iterable[tuple[EndedRun, str]], runs_max: int = BATCH, events_max: int = BATCH_EVENTS
) -> Iterator[Sequence[tuple[EndedRun, str]]]:
    """Expired runs in the parts in which they are removed, in order."""
    batch, events = list[tuple[EndedRun, str]](), 0
    for run, why in runs:
        if batch and (len(batch) == runs_max or events + run.events > events_max):
            yield batch
            batch, events = [], 0
        batch.append((run, why))
        events += run.events
    if batch:
        yield batch


def _age(seconds: float) -> str:
    days = seconds / 86_400
    return f"{days:g} days" if days != 1 else "1 day"


def _size(size: int) -> str:
    for unit, scale in (("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)):
        if size >= scale:
            return f"{size / scale:.4g} {unit}"
    return f"{size} bytes"
