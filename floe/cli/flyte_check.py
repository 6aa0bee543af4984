"""`floe flyte check`: what flows of flyte would do silently."""

import click

from floe.cli.check import show_findings
from floe.cli.formats import as_json
from floe.config import read_local
from floe.dialects.registry import flyte_findings
from floe.model.finding import worst_level
from floe.shapes.findings import finding_shape


@click.command()
@click.argument("files", metavar="FILE...", nargs=-1, required=True)
@click.option("--json", "json_", is_flag=True, help="Print the findings as JSON.")
@click.pass_context
def command(ctx: click.Context, /, files: tuple[str, ...], json_: bool) -> None:
    """Check flows of flyte, in YAML or JSON, with their templates.

    A server takes a flow whose templates have mistakes, and its step makes no action. Exits with 1
    if any file has an error, with 0 if there are only warnings.

    \b
    Examples:
      floe flyte check flows/*.yaml
    """
    findings = [finding for file in files for finding in flyte_findings(read_local(file), file)]
    if json_:
        as_json([finding_shape(finding) for finding in findings])
    else:
        show_findings(len(files), findings)
    ctx.exit(1 if worst_level(findings) == "error" else 0)
