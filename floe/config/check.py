"""Checks whole documents: `common:`, flows and their flow-files."""

from collections.abc import Sequence
from typing import Final

from floe.config.common import read_common
from floe.config.utask import read_utask
from floe.dialects.base import NO_FLOWS, Compiled, Dialect, KnownFlows
from floe.dialects.floe.vocabulary import (
    COMMON_STRICT_SHELL,
    COMMON_UTASK,
    HOSTS,
    KEEPER,
)
from floe.dialects.notes import Notes
from floe.dialects.registry import dialect
from floe.model.errors import FloeError
from floe.model.finding import Finding
from floe.model.flow import Flow
from floe.model.work import Git
from floe.nodes.base import Documents

NO_KEEPER: Final = "several hosts but no `keeper`: runs get no resource tags, and no timer fires"


async def check_document(
    text: str, origin: str, documents: Documents | None = None, others: Sequence[Flow] = ()
) -> Compiled:
    """Check a whole document: `common:`, flows and, through `documents`, their flow-files.

    `others`: flows of other documents, which flow tasks can name too. A flow-file that cannot
    be read here is a warning.
    """
    notes = Notes(origin)
    common = read_common(text, notes)
    if common[HOSTS] and not common[KEEPER]:
        notes.warning(common.at_of(HOSTS), NO_KEEPER, "keeper: the name of one of the hosts")
    reader = dialect(strict_shell=common[COMMON_STRICT_SHELL])
    compiled = reader.flows(text, origin, others)
    findings = [*notes.findings, *compiled.findings]
    if COMMON_UTASK in common:
        from floe.config.utask_folders import findings_of_folders  # few configs need it

        findings += findings_of_folders(read_utask(common, Notes(origin)))
    if documents is not None:
        for flow in compiled.flows:
            if flow.flow_file:
                findings += await _flow_file_findings(flow, compiled, reader, documents)
    return Compiled(flows=compiled.flows, findings=tuple(dict.fromkeys(findings)))


async def _flow_file_findings(
    flow: Flow, compiled: Compiled, reader: Dialect, documents: Documents
) -> Sequence[Finding]:
    try:
        compiled_file = await read_flow_file(flow, reader, documents, compiled.siblings)
    except FloeError as e:
        line, col = compiled.flow_file_at[flow.id, flow.ver]
        what = f"the flow-file of `{flow.id}` cannot be read here: {e.what}"
        finding = Finding(
            file=flow.origin, line=line, col=col, what=what, hint=e.hint, level="warning"
        )
        return (finding,)
    return compiled_file.findings


async def read_flow_file(
    flow: Flow, reader: Dialect, documents: Documents, known: KnownFlows = NO_FLOWS
) -> Compiled:
    """Check a flow-file: the flow with its nodes, outside of a run. Raises FloeError."""
    git = next((trigger.git for trigger in flow.triggers if trigger.git.url), Git())
    found = await documents.read(flow.flow_file, relative_to=flow.origin, git=git)
    return reader.flow_file(found.text, found.origin, flow, known)
