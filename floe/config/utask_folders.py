"""Reads the folders of uTask's templates, functions, scripts and configuration items.

A file that cannot be read is a finding, and the others are read. The functions block: a folder may
be on a disk that hangs.
"""

import os
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

from floe.calls.utask.plugins import Plugins, faults_of, read_plugins
from floe.calls.utask.scripts import script_fault
from floe.config.conf import read_local
from floe.config.utask import UtaskSettings
from floe.dialects.go_scalars import UTASK
from floe.dialects.go_yaml import json_value, parse_go_yaml
from floe.dialects.notes import Notes
from floe.dialects.utask.catalog import Catalog, ScriptFault, SourceFile, read_catalog
from floe.files import reason_of
from floe.model.errors import ConfigInvalid
from floe.model.finding import Finding
from floe.model.ids import Json

SUFFIX: Final = ".yaml"
FILES_MAX: Final = 10_000
"""Files of a kind that are read; uTask has no limit."""
MISSING: Final = "the folder does not exist"
CORRECT: Final = "make it, or correct its name"


class UtaskFolders(NamedTuple):
    """The folders and files of one installation of uTask."""

    templates: tuple[Path, ...] = ()
    """Folders, and single files."""
    functions: Path | None = None
    script_fault: ScriptFault = lambda _: ""
    """By default no script is looked for."""
    plugins: Plugins = Plugins()


def folders_of(settings: UtaskSettings) -> UtaskFolders:
    """The folders that a config names; without one of scripts, no script can run."""
    scripts = partial(script_fault, settings.scripts)
    plugins = read_plugins(settings.plugins) if settings.templates else Plugins()
    return UtaskFolders(settings.templates, settings.functions, scripts, plugins)


def read_folders(folders: UtaskFolders) -> Catalog:
    """Read and check the templates and functions of folders. Never raises."""
    findings = [*folders.plugins.findings]
    checks = {one.name: partial(faults_of, one.check) for one in folders.plugins.actions}
    functions = _texts(_function_files(folders.functions, findings), findings)
    templates = _texts(_template_files(folders.templates, findings), findings)
    catalog = read_catalog(templates, functions, folders.script_fault, plugins=checks)
    return replace(catalog, findings=(*findings, *catalog.findings))


def findings_of_folders(settings: UtaskSettings) -> Iterator[Finding]:
    """What is wrong in the folders of a config; one that is not here is a warning.

    A config may be checked on a different machine than that of the host.
    """
    named = (settings.functions, settings.scripts, settings.items, settings.plugins, settings.init)
    folders = (*settings.templates, *(path for path in named if path is not None))
    missing = [str(path) for path in folders if not path.is_dir()]
    for name in missing:
        yield Finding(file=name, line=0, col=0, what=MISSING, hint=CORRECT, level="warning")
    for finding in read_folders(folders_of(settings)).findings:
        if finding.file not in missing:
            yield finding


def read_items(folder: Path, concealed: Iterable[str]) -> tuple[dict[str, Json], list[Finding]]:
    """The configuration items that templates see, by name, and what is wrong with others.

    A file that is YAML is its value, any other its text; one without a value is left out.
    """
    findings: list[Finding] = []
    items: dict[str, Json] = {}
    paths = [path for path in _inside(folder, findings) if path.name not in concealed]
    for path, text in _texts((path for path in paths if path.name[0] != "."), findings):
        tree = parse_go_yaml(text, UTASK, Notes(""))
        value = text if tree is None else json_value(tree)
        if value not in (None, "", {}, []):
            items[Path(path).name] = value
    return items, findings


def _template_files(given: Iterable[Path], findings: list[Finding]) -> Iterator[Path]:
    """The files of templates: those that are named, and those directly in the folders."""
    for path in given:
        if path.is_file():
            yield path
        else:
            yield from _yaml(path, _inside(path, findings), findings)


def _function_files(folder: Path | None, findings: list[Finding]) -> Iterator[Path]:
    """The files of functions, also in the folders below; those of a hidden name are left out."""
    if folder is None:
        return iter(())
    if not folder.is_dir():
        _note(folder, MISSING, CORRECT, findings)
    found = (Path(at, name) for at, _, names in os.walk(folder) for name in names)
    return _yaml(folder, sorted(path for path in found if path.name[0] != "."), findings)


def _inside(folder: Path, findings: list[Finding]) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if not path.is_dir())
    except OSError as error:
        _note(folder, f"cannot be read: {reason_of(error)}", "check the path", findings)
        return []


def _yaml(folder: Path, paths: Iterable[Path], findings: list[Finding]) -> Iterator[Path]:
    for at, path in enumerate(path for path in paths if path.suffix == SUFFIX):
        if at == FILES_MAX:
            what = f"the folder has more than {FILES_MAX} files; the others are not read"
            _note(folder, what, "remove those that are not used", findings)
            return
        yield path


def _texts(paths: Iterable[Path], findings: list[Finding]) -> Iterator[SourceFile]:
    for path in paths:
        try:
            yield SourceFile(str(path), read_local(str(path)))
        except ConfigInvalid as error:
            findings += error.findings


def _note(path: Path, what: str, hint: str, findings: list[Finding]) -> None:
    findings.append(Finding(file=str(path), line=0, col=0, what=what, hint=hint))
