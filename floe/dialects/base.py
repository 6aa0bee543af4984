"""The port of a dialect: a document in some language to flows of floe's one engine."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from floe.model.errors import Finding
from floe.model.flow import Flow
from floe.model.refs import FlowId


@dataclass(frozen=True, slots=True, kw_only=True)
class Compiled:
    """What a document came to: its flows, and everything to be said about it."""

    flows: tuple[Flow, ...]
    """Those without errors; a broken one is left out and told in `findings`."""
    findings: tuple[Finding, ...]
    flow_file_at: Mapping[tuple[FlowId, int], tuple[int, int]] = field(default_factory=dict)
    """Line and column where a flow, by id and version, names its flow-file: for who looks
    whether it can be read."""

    @property
    def errors(self) -> tuple[Finding, ...]:
        """The findings that make a flow unusable."""
        return tuple(f for f in self.findings if f.level == "error")


class Dialect(Protocol):
    """Turns documents into flows; total: bad input is findings, never an exception."""

    def flow_file(self, text: str, origin: str, base: Flow) -> Compiled:
        """Read a flow-file over the flow that names it.

        It overrides name, reuse-space, host-tags, resource-tags, env and tasks (and timeout,
        on-host-lost, unheard-bad where given); triggers stay those of `base`. A different id or
        ver is an error; triggers in it are a warning.
        """
        ...

    def flows(self, text: str, origin: str) -> Compiled:
        """Read the flows of a host config (`flows:`) or of a document that is one flow.

        What it says of `common:` belongs to `config`.
        """
        ...

    def schema(self) -> Mapping[str, object]:
        """The JSON Schema of its documents, for editors."""
        ...


def worst(findings: Sequence[Finding]) -> str:
    """`error`, `warning` or nothing: the gravest level among findings."""
    levels = {f.level for f in findings}
    return "error" if "error" in levels else "warning" if levels else ""
