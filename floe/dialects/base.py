"""The port of a dialect: it compiles documents in one language into flows."""

from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import Protocol

from floe.model.case import Case
from floe.model.errors import Finding
from floe.model.flow import Flow
from floe.model.ids import FlowId
from floe.model.nouns import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowText:
    """A flow as its document has it, without secrets."""

    line: int
    """The number of its first line in the document."""
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Compiled:
    """The result of reading a document: its flows and all findings."""

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

    @property
    def errors(self) -> tuple[Finding, ...]:
        """The findings that make a flow unusable."""
        return tuple(f for f in self.findings if f.level == "error")


class Dialect(Protocol):
    """Compiles documents into flows. Bad input becomes findings, never an exception."""

    def flow_file(self, text: str, origin: str, base: Flow) -> Compiled:
        """Read a flow-file on top of `base`, the flow that names it.

        The file overrides name, reuse-space, host-tags, resource-tags, env and tasks, and, if
        given, timeout, on-host-lost and unheard-bad. Triggers are always those of `base`. A
        different id or ver is an error; triggers in the file are a warning.
        """
        ...

    def flows(self, text: str, origin: str) -> Compiled:
        """Read the flows of a host config (`flows:`) or of a document that is one flow.

        `config` reads the `common:` part.
        """
        ...

    def cases(self, text: str, origin: str, flows: Sequence[Flow]) -> Compiled:
        """Read a document that has only tests of these flows."""
        ...

    def schema(self) -> Mapping[str, object]:
        """The JSON Schema of its documents, for editors."""
        ...


def worst(findings: Sequence[Finding]) -> str:
    """The most serious level among findings: `error`, `warning` or an empty text."""
    levels = {f.level for f in findings}
    return "error" if "error" in levels else "warning" if levels else ""
