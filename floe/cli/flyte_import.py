"""`floe flyte import`: bring what a running server of flyte has into a host, or into a folder."""

from contextlib import closing
from pathlib import Path

import click

from floe.cli.client import account, token_of
from floe.cli.commands import complain, exit_code
from floe.cli.flyte_api import FlyteApi
from floe.cli.flyte_folder import FolderSide, SourceFolder
from floe.cli.flyte_report import findings_of, import_shape, show_import
from floe.cli.flyte_sides import KINDS, FloeHostSide, FlyteServerSide, Kind, Side, WritableSide
from floe.cli.flyte_transfer import FlyteImport
from floe.cli.formats import as_json


@click.command(name="import")
@click.argument("url", metavar="URL|DIR")
@click.option(
    "--into", metavar="DIR", help="Write files into a folder, for git, instead of to a host."
)
@click.option("--dry-run", is_flag=True, help="Write nothing, and report what would be done.")
@click.option("--replace", is_flag=True, help="Overwrite elements that differ.")
@click.option(
    "--only",
    type=click.Choice(KINDS),
    multiple=True,
    help="Only these; may be given several times.  [all]",
)
@click.option(
    "--token",
    envvar="FLYTE_JWT",
    default="",
    help="The server's token. A command line can be read by others.  [FLYTE_JWT]",
)
@click.option("--token-file", metavar="FILE", help="A file with the server's token.")
@click.option("--ca", metavar="FILE", default="", help="Certificate of the server to trust.")
@click.option("--insecure", is_flag=True, help="Trust any certificate of the server.")
@click.option("--json", "json_", is_flag=True, help="Print the report as JSON.")
@click.pass_context
def command(
    ctx: click.Context,
    /,
    url: str,
    into: str | None,
    dry_run: bool,
    replace: bool,
    only: tuple[Kind, ...],
    token: str,
    token_file: str | None,
    ca: str,
    insecure: bool,
    json_: bool,
) -> None:
    """Import the items, packs and flows of a running flyte server into a host of floe.

    The server is only read. A second import finds the same and changes nothing. What the host has
    and differs stays as it is, unless --replace is given. Exits with 1 if anything differs or
    failed, with 3 if the server or the host stopped to answer.

    A DIR that an import wrote, `--into DIR`, is imported in the same way.

    \b
    Examples:
      floe flyte import https://flyte.example.com:8443 --dry-run
      floe flyte import https://flyte.example.com:8443 --token-file jwt
      floe flyte import http://flyte:8080 --into ./flyte
      floe flyte import ./flyte
    """
    kinds = tuple(kind for kind in KINDS if not only or kind in only)
    source = source_of(url, token=token, token_file=token_file, ca=ca, is_insecure=insecure)
    with closing(source), closing(_target(into)) as target:
        report = FlyteImport(source, target, replace=replace, is_dry=dry_run).run(kinds)
    findings = findings_of(report)
    if json_:
        as_json(import_shape(report, findings, source.where, target.where, is_dry=dry_run))
    else:
        show_import(report, findings, source.where, target.where, is_dry=dry_run)
    if report.stopped is not None:
        complain(report.stopped)
        ctx.exit(exit_code(report.stopped))
    ctx.exit(0 if report.is_whole else 1)


def source_of(url: str, *, token: str, token_file: str | None, ca: str, is_insecure: bool) -> Side:
    """Where an import reads: a folder, or a server. Raises FloeError."""
    if Path(url).is_dir():
        return SourceFolder(Path(url))
    given = token_of(f"@{token_file}") if token_file else token
    api = FlyteApi(url, token=given, ca=ca, is_insecure=is_insecure)
    return FlyteServerSide(api)


def _target(into: str | None) -> WritableSide:
    if into is None:
        return FloeHostSide(account())
    return FolderSide(Path(into))
