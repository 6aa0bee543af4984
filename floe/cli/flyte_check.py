"""`floe flyte check`: what flows of flyte do silently, alone and with the packs of a server."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Final, NamedTuple

import click

from floe.cli.check import STDIN, show_findings, standard_input
from floe.cli.client import token_of
from floe.cli.flyte_api import FlyteApi
from floe.cli.flyte_folder import FLOWS_FOLDER, ITEMS, PACKS, SUFFIXES, flow_in, keys_in, packs_in
from floe.cli.flyte_sides import FlyteServerSide
from floe.cli.formats import as_json
from floe.config import read_local
from floe.dialects.registry import flyte_findings
from floe.model.errors import ConfigInvalid, FloeError, NotFound, Yours
from floe.model.finding import Finding, worst_level
from floe.model.ids import Shape
from floe.shapes.findings import finding_shape

LISTS: Final = (PACKS, ITEMS)
"""Files of a folder that an import wrote, which are no flows."""


class PacksAndKeys(NamedTuple):
    """What flows are checked with: packs, and the keys of the datastore; None if not known."""

    packs: list[Shape] | None = None
    keys: list[str] | None = None


@click.command()
@click.argument("files", metavar="FILE...", nargs=-1, required=True)
@click.option("--server", metavar="URL", help="Check with the packs and items of a server.")
@click.option("--packs", metavar="FILE|DIR", help="Check with the packs of an imported folder.")
@click.option("--token", envvar="FLYTE_JWT", default="", help="The server's token.  [FLYTE_JWT]")
@click.option("--token-file", metavar="FILE", help="A file with the server's token.")
@click.option("--ca", metavar="FILE", default="", help="Certificate of the server to trust.")
@click.option("--insecure", is_flag=True, help="Trust any certificate of the server.")
@click.option("--json", "json_", is_flag=True, help="Print the findings as JSON.")
@click.pass_context
def command(
    ctx: click.Context,
    /,
    files: tuple[str, ...],
    server: str | None,
    packs: str | None,
    token: str,
    token_file: str | None,
    ca: str,
    insecure: bool,
    json_: bool,
) -> None:
    """Check flows of flyte, in YAML or JSON, with their templates.

    A server takes a flow whose templates have mistakes, and its step makes no action. With the
    packs of a server, or of a folder that `floe flyte import` wrote, it also names events that no
    pack sends and commands that no pack has. A FILE may be such a folder. Exits with 1 if any file
    has an error, with 0 if there are only warnings.

    \b
    Examples:
      floe flyte check flows/*.yaml
      floe flyte check flow.yaml --server http://flyte:8080
      floe flyte check ./flyte
    """
    if server and packs:
        raise click.UsageError("--server and --packs exclude each other", ctx)
    known = PacksAndKeys()
    if server:
        given = token_of(f"@{token_file}") if token_file else token
        known = _of_server(FlyteApi(server, token=given, ca=ca, is_insecure=insecure))
    elif packs:
        known = _of_folder(Path(packs))
    names = list(_names(files))
    findings = [one for name in names for one in _of_file(name, known, files)]
    findings += _same_names(names)
    if json_:
        as_json([finding_shape(finding) for finding in findings])
    else:
        show_findings(len(names), findings)
    ctx.exit(1 if worst_level(findings) == "error" else 0)


def _names(files: Sequence[str]) -> Iterator[str]:
    """The files of flows; those of a folder are below it, or in its `flows`. Raises NotFound."""
    for name in files:
        path = Path(name)
        if not path.is_dir():
            yield name
            continue
        top = path / FLOWS_FOLDER if (path / PACKS).exists() else path
        found = sorted(one for one in top.rglob("*") if one.suffix in SUFFIXES and one.is_file())
        if not found:
            raise NotFound(f"{name} has no file of a flow", "its name ends in .yaml, .yml or .json")
        yield from (str(one) for one in found if one.name not in LISTS)


def _of_file(name: str, known: PacksAndKeys, files: Sequence[str]) -> Sequence[Finding]:
    """What is wrong with one file, with the packs of its own folder if none were named."""
    if known.packs is None and (folder := _imported(name, files)):
        known = _of_folder(folder)
    try:
        text = standard_input() if name == STDIN else read_local(name)
        return flyte_findings(text, name, known.packs, known.keys)
    except ConfigInvalid as error:
        return error.findings


def _imported(name: str, files: Sequence[str]) -> Path | None:
    """The folder that an import wrote, among those that were named, in which a file is."""
    above = [one for one in map(Path, files) if one in Path(name).parents]
    return next((one for one in above if (one / PACKS).exists()), None)


def _of_folder(path: Path) -> PacksAndKeys:
    """Raises FloeError."""
    file = path / PACKS if path.is_dir() else path
    if not file.exists():
        raise Yours(f"{file} is not there", "floe flyte import URL --into DIR writes it")
    return PacksAndKeys(packs_in(file), keys_in(file.with_name(ITEMS)))


def _of_server(api: FlyteApi) -> PacksAndKeys:
    """Raises FloeError. A datastore that may not be read is not known."""
    with closing(FlyteServerSide(api)) as side:
        rows = side.listed("packs")
        packs = [side.read("packs", name, row) for name, row in rows.items()]
        try:
            keys = list(side.listed("items"))
        except FloeError:
            return PacksAndKeys(packs)
    return PacksAndKeys(packs, keys)


def _same_names(names: Sequence[str]) -> Iterator[Finding]:
    """Files that have one flow: of several that are posted, the last one stays."""
    files = defaultdict[str, list[str]](list)
    for name in names:
        try:
            files[flow_in(Path(name))["name"]].append(name)
        except FloeError:
            continue  # its own findings say why
    for flow, found in files.items():
        for name in found[1:]:
            what = f"the flow `{flow}` is in {found[0]} too: the one that is posted last stays"
            yield Finding(file=name, line=0, col=0, what=what, level="warning")
