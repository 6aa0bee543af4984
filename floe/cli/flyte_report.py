"""The report of an import: for people, and as JSON."""

from collections.abc import Mapping, Sequence
from typing import Final

import click

from floe.cli.flyte_sides import KINDS
from floe.cli.flyte_transfer import STATES, ImportReport, State
from floe.cli.formats import clean, table
from floe.dialects.registry import flyte_findings
from floe.model.finding import Finding
from floe.model.ids import Shape
from floe.shapes.findings import finding_shape

SHOWN_MAX: Final = 50
"""Lines about elements that were not imported, and about findings, that people see."""

EXTRA_MAX: Final = 10
"""Names of elements that the target has alone, which people see."""

_COLOURS: Final[Mapping[State, str]] = {"differs": "yellow", "failed": "red"}


def findings_of(report: ImportReport) -> dict[str, Sequence[Finding]]:
    """What is wrong with the flows that were read, by name; only those with findings."""
    found: dict[str, Sequence[Finding]] = {}
    is_known = "packs" in report.read and not any(
        one.kind == "packs" and one.state == "failed" for one in report.done
    )
    packs = list(report.read["packs"].values()) if is_known else None
    keys = report.read.get("items")
    for name, document in report.read.get("flows", {}).items():
        if findings := flyte_findings(document, name, packs, keys):
            found[name] = findings
    return found


def import_shape(
    report: ImportReport,
    findings: Mapping[str, Sequence[Finding]],
    source: str,
    target: str,
    *,
    is_dry: bool,
) -> Shape:
    """The report as JSON."""
    shape: Shape = {"from": source, "into": target, "dry_run": is_dry, "whole": report.is_whole}
    shape["stopped"] = str(report.stopped) if report.stopped else ""
    shape["lists"] = {kind: str(error) for kind, error in report.lists}
    shape["only_in_target"] = {kind: report.extra.get(kind, []) for kind in KINDS}
    for kind in KINDS:
        shape[kind] = [
            {"name": one.name, "state": one.state, "why": one.why}
            | (
                {"findings": [finding_shape(it) for it in findings.get(one.name, ())]}
                if kind == "flows"
                else {}
            )
            for one in report.done
            if one.kind == kind
        ]
    return shape


def show_import(
    report: ImportReport,
    findings: Mapping[str, Sequence[Finding]],
    source: str,
    target: str,
    *,
    is_dry: bool,
) -> None:
    """Print the report."""
    done = "would import" if is_dry else "imported"
    click.echo(clean(f"{done} from {source} into {target}"))
    counts = {(kind, state): 0 for kind in KINDS for state in STATES}
    for one in report.done:
        counts[one.kind, one.state] += 1
    table(
        ("", *(state.upper() for state in STATES)),
        [(kind, *(str(counts[kind, state]) for state in STATES)) for kind in KINDS],
    )
    for kind, error in report.lists:
        click.secho(clean(f"{kind}: none was imported: {error}"), fg="red")
    bad = [one for one in report.done if one.why]
    for one in bad[:SHOWN_MAX]:
        text = clean(f"{one.kind[:-1]} {one.name} {one.state}: {one.why}")
        click.secho(text, fg=_COLOURS.get(one.state))
    _more(len(bad))
    for kind, names in report.extra.items():
        if names:
            shown = ", ".join(names[:EXTRA_MAX]) + (", …" if len(names) > EXTRA_MAX else "")
            click.echo(clean(f"{kind} that only {target} has, {len(names)}: {shown}"))
    _show_findings(findings)


def _show_findings(findings: Mapping[str, Sequence[Finding]]) -> None:
    lines = [finding for found in findings.values() for finding in found]
    if lines:
        count = f"{len(findings)} flow{'' if len(findings) == 1 else 's'}"
        click.echo(f"\nfindings of {count}, which the original never shows:")
    for finding in lines[:SHOWN_MAX]:
        click.secho(clean(str(finding).partition("\n")[0]), fg="yellow")
        if finding.hint:
            click.echo(clean(f"    try: {finding.hint}"))
    _more(len(lines))


def _more(count: int) -> None:
    if count > SHOWN_MAX:
        click.echo(f"… {count - SHOWN_MAX} more: --json has all")
