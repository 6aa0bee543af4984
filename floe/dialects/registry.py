"""Every dialect that floe reads, by name. The only module that imports them all."""

from collections.abc import Iterable, Mapping
from typing import Final, Literal, assert_never, get_args

from floe.dialects.base import Dialect, EventFlows, JudgedDialect, RowReader, RowReaders
from floe.dialects.floe.dialect import FloeDialect
from floe.dialects.flyte.compiled import DIALECT
from floe.dialects.flyte.current_flows import CurrentFlows
from floe.dialects.flyte.rows import FlyteRows
from floe.dialects.utask.rows import UtaskRows
from floe.dialects.utask.surroundings import DIALECT as UTASK
from floe.dialects.utask.surroundings import CurrentConfig
from floe.model.finding import Finding
from floe.model.ids import Shape

DialectName = Literal["floe"]

JUDGED: Final[dict[str, JudgedDialect]] = {
    DIALECT: JudgedDialect(
        evaluator="floe.dialects.flyte.evaluator:EVALUATOR",
        rows=FlyteRows(),
        events=CurrentFlows,
    ),
    UTASK: JudgedDialect(
        evaluator="floe.dialects.utask.evaluator:EVALUATOR",
        rows=UtaskRows(),
        events=CurrentConfig,
        calls="floe.calls.utask.calls:actions_of",
    ),
}
"""The dialects of judged flows, by the name that their flows have."""


def dialect(name: DialectName = "floe", *, strict_shell: bool = False) -> Dialect:
    """The reader of one dialect in the registry.

    `strict_shell`: the host's default, for flows that do not set it.
    """
    match name:
        case "floe":
            return FloeDialect(strict_shell=strict_shell)
        case _:
            assert_never(name)


def flyte_findings(
    flow: str | Shape,
    file: str,
    packs: Iterable[Shape] | None = None,
    keys: Iterable[str] | None = None,
) -> tuple[Finding, ...]:
    """What is wrong with a flow of flyte, as YAML or JSON or as its document, and its templates.

    `packs`: the documents with which the packs of its server registered; `keys`: those of the items
    in its datastore. What is not known is not checked.
    """
    from floe.dialects.flyte.checking import checked, checked_document  # a host does not need them
    from floe.dialects.flyte.known import known_server

    known = None if packs is None else known_server(packs, keys)
    if isinstance(flow, str):
        return checked(flow, file, known)
    return checked_document(flow, file, known)


def row_readers() -> RowReaders:
    """What each dialect adds to the rows of its runs, by its name; nothing of floe's own."""
    names: tuple[DialectName, ...] = get_args(DialectName)
    found: dict[str, RowReader | None] = {name: dialect(name).rows for name in names}
    found |= {name: judged.rows for name, judged in JUDGED.items()}
    return {name: rows for name, rows in found.items() if rows}


def evaluators() -> Mapping[str, str]:
    """Where the evaluators of dialects are, by dialect: evaluator processes import them."""
    return {name: judged.evaluator for name, judged in JUDGED.items()}


def event_flows() -> Mapping[str, EventFlows]:
    """The flows whose runs events open, by dialect, for one host."""
    return {name: judged.events() for name, judged in JUDGED.items() if judged.events}


def calls() -> Mapping[str, str]:
    """Where what carries out the calls of dialects is made, by dialect: a host imports it."""
    return {name: judged.calls for name, judged in JUDGED.items() if judged.calls}
