"""uTask's templates on a host, read at its start and at each reload: they become flows.

Each file is read by itself: where one has mistakes now, the flow that it had before stays.
"""

from collections.abc import Mapping, Sequence
from dataclasses import field, replace
from pathlib import Path
from typing import Final, NamedTuple

from floe.calls.utask.plugins import run_init
from floe.config.utask import UtaskSettings
from floe.config.utask_folders import folders_of, read_folders, read_items
from floe.dialects.base import FlowText
from floe.dialects.utask.catalog import SourceFile
from floe.dialects.utask.compiled import compiled
from floe.dialects.utask.stored import stored_function
from floe.dialects.utask.surroundings import CurrentConfig
from floe.model.finding import Finding
from floe.model.flow import Flow
from floe.model.ids import FlowId, Json, Shape
from floe.model.nouns import dataclass

STAYS: Final = "the template stays as it was before"


class SourceFlow(NamedTuple):
    """A flow, and the file of its template."""

    flow: Flow
    file: SourceFile


@dataclass(frozen=True, slots=True, kw_only=True)
class UtaskReading:
    """What one reading found."""

    flows: tuple[Flow, ...] = ()
    functions: Mapping[str, Shape] = field(default_factory=dict)
    """Documents by name."""
    written: Mapping[tuple[FlowId, int], FlowText] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()


class UtaskInstallation:
    """The templates, functions and items of one host, as they were last read."""

    def __init__(self, settings: UtaskSettings) -> None:
        self._settings = settings
        self._flows: Mapping[str, SourceFlow] = {}
        self.current = CurrentConfig()
        """What its judgements read besides runs and flows."""
        self._last = UtaskReading()

    def read(self) -> UtaskReading:
        """Read all folders. It blocks, and never raises."""
        catalog = read_folders(folders_of(self._settings))
        found = {
            name: SourceFlow(compiled(template, catalog.functions), file)
            for name, (template, file) in catalog.templates.items()
        }
        bad = {one.file for one in catalog.findings if one.level == "error"}
        kept = {
            name: one
            for name, one in self._flows.items()
            if name not in found and not bad.isdisjoint(_paths(one.file))
        }
        items, faults = self._items()
        self._flows = {**found, **kept}
        flows = tuple(one.flow for one in self._flows.values())
        self.current.read(items, self._settings.region, flows)
        self._last = UtaskReading(
            flows=flows,
            functions={name: stored_function(one) for name, one in catalog.functions.items()},
            written={
                (one.flow.id, one.flow.ver): FlowText(
                    line=1, text=one.file.text, file=one.file.name
                )
                for one in self._flows.values()
            },
            findings=(*_with_kept(catalog.findings, kept), *faults),
        )
        return self._last

    def _items(self) -> tuple[Mapping[str, Json], Sequence[Finding]]:
        """What templates see as `.config`, which the init files may change."""
        items: dict[str, Json] = {}
        faults: list[Finding] = []
        if self._settings.items is not None:
            items, faults = read_items(self._settings.items, self._settings.concealed)
        return items, [*faults, *run_init(self._settings.init, items)]

    def last(self, finding: Finding) -> UtaskReading:
        """What was read last, where the folders cannot be read now, as the finding says."""
        return replace(self._last, findings=(finding,))


def _paths(file: SourceFile) -> tuple[str, str]:
    """A file and its folder, which may be away."""
    return file.name, str(Path(file.name).parent)


def _with_kept(findings: Sequence[Finding], kept: Mapping[str, SourceFlow]) -> Sequence[Finding]:
    """The findings, with a word about each template that stays."""
    files = {one.file.name for one in kept.values()}
    return [
        replace(one, hint=f"{one.hint}; {STAYS}" if one.hint else STAYS)
        if one.file in files
        else one
        for one in findings
    ]
