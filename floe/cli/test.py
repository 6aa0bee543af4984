"""`floe test`: try flows without running a command."""

import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import click

from floe.cases.differences import Difference, differences
from floe.cases.play import Played, play
from floe.cli.case_files import documents_of, with_tests
from floe.cli.formats import as_json, clean
from floe.model.case import Case
from floe.model.errors import ConfigInvalid, FloeError, NotFound, ValuesInvalid
from floe.model.finding import Finding
from floe.model.flow import Flow
from floe.model.ids import Json


class Tried(NamedTuple):
    """A test that was run."""

    case: Case
    faults: tuple[Difference, ...]
    problem: str
    """Why the run could not begin; empty if it did."""
    played: Played | None
    seconds: float

    @property
    def is_ok(self) -> bool:
        """Whether every expectation of a test was met."""
        return not self.faults and not self.problem


@click.command()
@click.argument("files", metavar="FILE...", nargs=-1, required=True)
@click.option("-k", "only", metavar="TEXT", default="", help="Only tests with TEXT in their name.")
@click.option("--json", "json_", is_flag=True, help="Print the results as JSON.")
@click.option(
    "--junit",
    metavar="PATH",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="Write the results as JUnit XML.",
)
@click.pass_context
def command(
    ctx: click.Context,
    /,
    files: tuple[str, ...],
    only: str,
    json_: bool,
    junit: Path | None,
) -> None:
    """Try flows against their tests, in virtual time: no command runs, and no host is needed.

    FILE is a document with flows, its FILE.test.yml, or a directory (every .yml and .yaml file with
    tests below it). A test stands under `tests:` of its flow or of FILE.test.yml; it gives values
    and outcomes, and says which nodes enter and how the run ends. Exits with 1 if a test fails or
    there is none.

    \b
    Examples:
      floe test release.yml
      floe test -k rollback --junit results.xml flows/
    """
    tried = [_tried(flow, case) for flow, case in _cases(files) if only in case.name]
    if junit is not None:
        from floe.cli.junit import junit_xml

        junit.write_text(junit_xml(tried), encoding="utf-8")
    if json_:
        as_json([_shape(one) for one in tried])
    else:
        for one in tried:
            _print(one)
    if not tried:
        which = f" with {only!r} in its name" if only else ""
        what = f"no test{which} was found"
        raise NotFound(what, "write `tests:` into the flow, or a FILE.test.yml beside it")
    failed = sum(not one.is_ok for one in tried)
    if not json_:
        took = sum(one.seconds for one in tried)
        text = f"{len(tried)} test{'s' * (len(tried) != 1)}, {failed} failed, {took:.2f} s"
        click.secho(text, fg="red" if failed else "green", err=True)
    ctx.exit(1 if failed else 0)


def _cases(files: Iterable[str]) -> Iterator[tuple[Flow, Case]]:
    """The tests of some files, with their flows. Raises ConfigInvalid for errors in any."""
    findings: list[Finding] = []
    found: list[tuple[Flow, Case]] = []
    for path in dict.fromkeys(documents_of(files)):
        compiled = with_tests(path)
        findings += compiled.errors
        flows = {(flow.id, flow.ver): flow for flow in compiled.flows}
        found += [(flows[case.flow, case.ver], case) for case in compiled.cases]
    if findings:
        raise ConfigInvalid(tuple(findings))
    yield from found


def _tried(flow: Flow, case: Case) -> Tried:
    begun = time.perf_counter()
    played: Played | None = None
    faults: tuple[Difference, ...] = ()
    problem = ""
    try:
        played = play(flow, case)
        faults = differences(flow, case.expected, played)
    except ValuesInvalid as error:
        problem = "; ".join(f"{name}: {what}" for name, what in error.fields.items())
    except FloeError as error:
        problem = str(error)
    return Tried(case, faults, problem, played, time.perf_counter() - begun)


def _print(one: Tried) -> None:
    case = one.case
    word, colour = ("ok  ", "green") if one.is_ok else ("FAIL", "red")
    click.echo(f"{click.style(word, fg=colour)} {clean(case.flow)}: {clean(case.name)}")
    if one.is_ok:
        return
    click.echo(f"     {clean(shown_path(case.file))}:{case.line}")
    for line in fault_lines(one):
        colour = {"-": "red", "+": "green"}.get(line.strip()[:1], "")
        click.secho(f"     {clean(line)}", fg=colour or None)


def fault_lines(one: Tried) -> Sequence[str]:
    """What a test that failed found, as lines."""
    if one.problem:
        return (f"the run cannot start: {one.problem}",)
    lines: list[str] = []
    for fault in one.faults:
        lines.append(f"{fault.what}: expected {fault.expected}")
        lines.append(f"{' ' * len(fault.what)}  was      {fault.was}")
        lines += [f"  {line}" for line in fault.lines]
    if one.played and one.played.is_ended and (why := one.played.run.why) not in "\n".join(lines):
        lines.append(f"the run ended {one.played.run.result}: {why}")
    return lines


def shown_path(file: str) -> str:
    """The path of a test's file, below the current folder without that folder."""
    path = Path(file)
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else file


def _shape(one: Tried) -> Json:
    run = one.played.run if one.played else None
    return {
        "name": one.case.name,
        "flow": one.case.flow,
        "file": one.case.file,
        "line": one.case.line,
        "ok": one.is_ok,
        "problem": one.problem,
        "differences": [
            {"what": fault.what, "expected": fault.expected, "was": fault.was}
            for fault in one.faults
        ],
        "result": run.result if run else None,
        "why": (one.played.refused or run.why) if one.played and run else "",
        "seconds": one.played.now / 1000 if one.played else 0,
    }
