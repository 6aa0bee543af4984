"""Reads plugins: further actions in Python, by entry point and as files of a folder; init files.

A plugin is code of the host's administrator: it runs in the host's process, with all its rights.
What is wrong in one is a finding, and the others are read. The functions here block.
"""

import functools
import importlib.util
import re
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Final, NamedTuple

from floe.calls.utask.action import UtaskActionType
from floe.model.finding import Finding
from floe.model.ids import Json

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP: Final = "floe.utask.actions"
"""The group of entry points: each names a UtaskActionType, or a list of some."""
ATTRIBUTE: Final = "ACTIONS"
"""In a file: its actions."""
INIT: Final = "init"
"""In an init file: a function that gets the configuration items, which it may change."""

OWN: Final = ("batch", "cache", "callback", "echo", "http", "script", "ssh", "subtask", "tag")
"""The names of floe's own actions, which no plugin may have."""

NAME: Final = re.compile("[A-Za-z][A-Za-z0-9_.-]{0,62}")


class Plugins(NamedTuple):
    """The actions of plugins, and what is wrong in others."""

    actions: tuple[UtaskActionType, ...] = ()
    findings: tuple[Finding, ...] = ()


@functools.cache
def read_plugins(folder: Path | None) -> Plugins:
    """The actions of all plugins. They are read once in a process: what is checked is what runs."""
    sources = [*_of_packages(), *_of_files(folder)]
    names, actions, findings = set(OWN), list[UtaskActionType](), list[Finding]()
    for source in sources:
        found = source.read()
        if isinstance(found, Finding):
            findings.append(found)
            continue
        for action in found:
            if action.name in names:
                what = f"there is an action {action.name} already"
                findings.append(_finding(source.name, what, "give it a different name"))
            else:
                names.add(action.name)
                actions.append(action)
    return Plugins(tuple(actions), tuple(findings))


def run_init(folder: Path | None, items: dict[str, Json]) -> tuple[Finding, ...]:
    """Run the init files of a folder in alphabetical order; each may change the items."""
    findings = list[Finding]()
    for path in _python_files(folder):
        module = _module(path)
        if isinstance(module, Finding):
            findings.append(module)
            continue
        init = getattr(module, INIT, None)
        if not callable(init):
            findings.append(_finding(str(path), f"has no function `{INIT}`", "def init(items): …"))
            continue
        try:
            init(items)
        except (Exception, SystemExit) as error:  # an init file's defect never stops a host
            findings.append(_defect(str(path), error))
    return tuple(findings)


class _Source(NamedTuple):
    """A place of actions."""

    name: str
    read: Callable[[], "tuple[UtaskActionType, ...] | Finding"]


def _of_packages() -> Iterator[_Source]:
    from importlib.metadata import entry_points  # a host without templates does not need it

    for point in sorted(entry_points(group=GROUP), key=lambda one: (one.name, one.value)):
        yield _Source(f"{GROUP}: {point.name} = {point.value}", functools.partial(_point, point))


def _of_files(folder: Path | None) -> Iterator[_Source]:
    for path in _python_files(folder):
        yield _Source(str(path), functools.partial(_file, path))


def _python_files(folder: Path | None) -> list[Path]:
    if folder is None or not folder.is_dir():
        return []
    return sorted(path for path in folder.glob("*.py") if not path.name.startswith((".", "_")))


def _point(point: "EntryPoint") -> tuple[UtaskActionType, ...] | Finding:
    name = f"{GROUP}: {point.name} = {point.value}"
    try:
        found = point.load()
    except (Exception, SystemExit) as error:  # a plugin's defect never stops a host
        return _defect(name, error)
    return _actions(name, [found] if isinstance(found, UtaskActionType) else found)


def _file(path: Path) -> tuple[UtaskActionType, ...] | Finding:
    module = _module(path)
    if isinstance(module, Finding):
        return module
    return _actions(str(path), getattr(module, ATTRIBUTE, None))


def _module(path: Path) -> ModuleType | Finding:
    spec = importlib.util.spec_from_file_location(f"floe_utask_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:  # a plugin's defect never stops a host
        del sys.modules[spec.name]
        return _defect(str(path), error)
    return module


def _actions(source: str, found: object) -> tuple[UtaskActionType, ...] | Finding:
    if not isinstance(found, list | tuple) or not found:
        return _finding(source, f"has no list `{ATTRIBUTE}`", f"{ATTRIBUTE} = [UtaskActionType(…)]")
    for one in found:
        if not isinstance(one, UtaskActionType):
            what = f"`{ATTRIBUTE}` has a {type(one).__name__}"
            return _finding(source, what, "UtaskActionType(…)")
        if not isinstance(one.name, str) or not NAME.fullmatch(one.name):
            hint = "letters, digits and _ . -, at most 63"
            return _finding(source, f"{one.name!r} cannot be the name of an action", hint)
        if not all(map(callable, (one.run, one.check, one.resources))):
            what = f"`run`, `check` and `resources` of {one.name} are functions"
            return _finding(source, what, "def run(call): …")
    return tuple(found)


def _defect(source: str, error: BaseException) -> Finding:
    """An error in a plugin, at its last line there."""
    if isinstance(error, SyntaxError):
        line = error.lineno or 0
    else:
        frames = traceback.extract_tb(error.__traceback__)
        line = next((f.lineno or 0 for f in reversed(frames) if f.filename == source), 0)
    what = f"cannot be used: {type(error).__name__}: {error}"
    return Finding(file=source, line=line, col=0, what=what, hint="correct it, and start again")


def _finding(source: str, what: str, hint: str) -> Finding:
    return Finding(file=source, line=0, col=0, what=what, hint=hint)


Check = Callable[[Mapping[str, Json]], Iterable[str]]


def faults_of(check: Check, configuration: Mapping[str, Json]) -> list[str]:
    """What a plugin finds wrong in a configuration; a defect of its check is a fault, too."""
    try:
        return [str(fault) for fault in check(configuration)]
    except (Exception, SystemExit) as error:  # a plugin's defect never stops a host
        return [f"its check fails: {type(error).__name__}: {error}"]
