"""Checks documents of uTask by their paths, with the functions and scripts beside them."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

from floe.calls.utask.scripts import script_fault
from floe.config.utask_folders import SUFFIX, UtaskFolders, read_folders
from floe.dialects.utask.catalog import SourceFile, read_catalog
from floe.dialects.utask.schema import Schema, json_schema
from floe.model.finding import Finding

TEMPLATES: Final = "templates"
FUNCTIONS: Final = "functions"
SCRIPTS: Final = "scripts"
"""The names of uTask's own folders, beside one another."""


class CheckedFiles(NamedTuple):
    """What was checked: how many files, and all findings."""

    files: int
    findings: tuple[Finding, ...]


def check_utask(path: Path) -> CheckedFiles:
    """Check a template, a folder of templates, one of functions, or one with both.

    Functions are those of the folder `functions` in the folder or beside it, scripts those of
    `scripts`; without that folder no script is looked for.
    """
    if not path.is_dir():
        return _check_file(path)
    if path.name == FUNCTIONS:
        return _checked(UtaskFolders(functions=path))
    if (path / TEMPLATES).is_dir():
        return _checked(_folders((path / TEMPLATES,), path))
    return _checked(_folders((path,), path))


def check_utask_text(text: str, name: str) -> CheckedFiles:
    """Check a template without a file: it knows no functions."""
    catalog = read_catalog([SourceFile(name, text)], (), lambda _: "")
    return CheckedFiles(1, catalog.findings)


def utask_schema() -> Schema:
    """The JSON Schema of uTask's documents, for editors."""
    return json_schema()


def _check_file(path: Path) -> CheckedFiles:
    """Check one template; those beside it are read for their names."""
    beside = (path.parent,) if path.suffix == SUFFIX and path.exists() else (path.parent, path)
    found = _checked(_folders(beside, path.parent))
    return CheckedFiles(1, tuple(one for one in found.findings if one.file == str(path)))


def _checked(folders: UtaskFolders) -> CheckedFiles:
    catalog = read_folders(folders)
    return CheckedFiles(catalog.files, catalog.findings)


def _folders(templates: Sequence[Path], folder: Path) -> UtaskFolders:
    found = UtaskFolders(tuple(templates), _beside(folder, FUNCTIONS))
    scripts = _beside(folder, SCRIPTS)
    return found._replace(script_fault=partial(script_fault, scripts)) if scripts else found


def _beside(folder: Path, name: str) -> Path | None:
    places = (folder / name, folder.absolute().parent / name)
    return next((place for place in places if place.is_dir()), None)
