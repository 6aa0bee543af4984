"""`floe check`: validate configs and flow-files without starting anything."""

import asyncio
import json
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

import click

from floe.cli.case_files import SUFFIXES, document_of, with_tests
from floe.cli.formats import as_json
from floe.config import check_document, read_local
from floe.config.check_utask import check_utask, check_utask_text, utask_schema
from floe.dialects.notes import Notes
from floe.dialects.registry import dialect, flyte_findings
from floe.dialects.tree import DOCUMENT_BYTES_MAX, decoded
from floe.model.errors import ConfigInvalid, NotFound
from floe.model.finding import Finding, worst_level
from floe.model.visible import visible
from floe.shapes.findings import finding_shape

STDIN: Final = "-"
FLYTE: Final = "flyte"
UTASK: Final = "utask"
FLYTE_SUFFIXES: Final = (*SUFFIXES, ".json")


@click.command()
@click.argument("files", metavar="[FILE]...", nargs=-1)
@click.option(
    "--dialect",
    "dialect_",
    type=click.Choice(("floe", FLYTE, UTASK)),
    default="floe",
    help="Whose documents they are: flows of flyte, in YAML or JSON; templates of uTask.",
)
@click.option("--schema", is_flag=True, help="Print the JSON Schema of documents, for editors.")
@click.option("--json", "json_", is_flag=True, help="Print the findings as JSON.")
@click.pass_context
def command(
    ctx: click.Context, /, files: tuple[str, ...], dialect_: str, schema: bool, json_: bool
) -> None:
    """Validate configs and flow-files; report file:line:col, the mistake and a hint.

    FILE may be a directory (every .yml and .yaml file below it) or - for standard input. Exits with
    1 if any file has an error, with 0 if there are only warnings.

    \b
    Examples:
      floe check default.yml flows/
      git show HEAD:floe.yml | floe check -
      floe check --schema > floe.schema.json
      floe check --dialect utask templates/
      floe check --dialect flyte flows/
    """
    if schema and dialect_ == FLYTE:
        raise click.UsageError("flows of flyte have no JSON Schema yet", ctx)
    if schema:
        shape = utask_schema() if dialect_ == UTASK else dialect().schema()
        click.echo(json.dumps(shape, indent=2))
        return
    if not files:
        raise click.UsageError("name a file to check, or --schema", ctx)
    findings: Sequence[Finding]
    if dialect_ == UTASK:
        count, findings = _utask_findings(files)
    elif dialect_ == FLYTE:
        names = list(_names(files, FLYTE_SUFFIXES))
        count, findings = len(names), [one for name in names for one in _flyte_findings(name)]
    else:
        names = list(_names(files))
        count, findings = len(names), asyncio.run(_findings(names))
    if json_:
        as_json([finding_shape(f) for f in findings])
    else:
        show_findings(count, findings)
    ctx.exit(1 if worst_level(findings) == "error" else 0)


def _names(files: Iterable[str], suffixes: Sequence[str] = SUFFIXES) -> Iterator[str]:
    for name in files:
        if name != STDIN and Path(name).is_dir():
            found = sorted(p for p in Path(name).rglob("*") if p.suffix in suffixes)
            if not found:
                *first, last = suffixes
                what = f"{name} has no {', '.join(first)} or {last} file"
                raise NotFound(what, "name a file, or its folder")
            yield from map(str, found)
        else:
            yield name


async def _findings(names: Sequence[str]) -> list[Finding]:
    from floe.nodes.documents import DocumentFiles

    found: dict[str, Sequence[Finding]] = {}
    texts: dict[str, str] = {}
    for name in names:
        try:
            if name != STDIN and (document := document_of(Path(name))) is not None:
                found[name] = [f for f in with_tests(document).findings if f.file == name]
                continue
            texts[name] = standard_input() if name == STDIN else read_local(name)
        except ConfigInvalid as error:
            found[name] = error.findings
    read = texts if len(texts) > 1 else {}
    flows = [flow for name, text in read.items() for flow in dialect().flows(text, name).flows]
    with tempfile.TemporaryDirectory(prefix="floe-check-") as root:
        documents = DocumentFiles(Path(root))
        for name, text in texts.items():
            others = [flow for flow in flows if flow.origin != name]
            found[name] = (await check_document(text, name, documents, others)).findings
    return [finding for name in names for finding in found[name]]


def _utask_findings(names: Sequence[str]) -> tuple[int, list[Finding]]:
    """How many files of uTask were read, and what is wrong with them, once."""
    checked = [
        check_utask_text(standard_input(), STDIN) if name == STDIN else check_utask(Path(name))
        for name in names
    ]
    findings = dict.fromkeys(finding for one in checked for finding in one.findings)
    return sum(one.files for one in checked), list(findings)


def _flyte_findings(name: str) -> Sequence[Finding]:
    try:
        return flyte_findings(standard_input() if name == STDIN else read_local(name), name)
    except ConfigInvalid as error:
        return error.findings


def standard_input() -> str:
    """The text of standard input, up to the limit of a document. Raises ConfigInvalid."""
    notes = Notes(STDIN)
    text = decoded(sys.stdin.buffer.read(DOCUMENT_BYTES_MAX + 1), notes)
    if text is None:
        raise ConfigInvalid(notes.findings)
    return text


def show_findings(files: int, findings: Sequence[Finding]) -> None:
    """Print findings, and how many there are."""
    for finding in findings:
        colour = "red" if finding.level == "error" else "yellow"
        what, _, hint = visible(str(finding), keep="\n").partition("\n")
        click.secho(what, fg=colour)
        if hint:
            click.echo(hint)
    _sum_up(files, findings)


def _sum_up(files: int, findings: Sequence[Finding]) -> None:
    errors = sum(f.level == "error" for f in findings)
    warnings = len(findings) - errors
    words = ", ".join(
        f"{count} {word}{'' if count == 1 else 's'}"
        for count, word in ((files, "file"), (errors, "error"), (warnings, "warning"))
    )
    click.secho(words, fg="red" if errors else "green", err=True)
