"""The templates and functions of one installation of uTask, read together.

Each document is read by itself: what is wrong in one leaves the others. Only names are common:
templates name functions, scripts and, as sub-tasks, other templates.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import field
from typing import Final, NamedTuple

from floe.dialects.notes import Notes
from floe.dialects.utask.configurations import PluginCheck
from floe.dialects.utask.document import TaskTemplate, UtaskFunction
from floe.dialects.utask.loading import checked, load_functions, read
from floe.model.finding import Finding
from floe.model.nouns import dataclass

ScriptFault = Callable[[str], str]
"""Why a script cannot run, by its name in a template; empty if it can."""


NO_PLUGINS: Final[Mapping[str, PluginCheck]] = {}


class SourceFile(NamedTuple):
    """A document and the name of its file."""

    name: str
    text: str


class SourceTemplate(NamedTuple):
    """A template without mistakes, and its document."""

    template: TaskTemplate
    file: SourceFile


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalog:
    """What could be read of an installation, and what is wrong with the rest."""

    templates: Mapping[str, SourceTemplate] = field(default_factory=dict)
    """By name, in the order of their files."""
    functions: Mapping[str, UtaskFunction] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    files: int = 0
    """Documents that were read, with or without mistakes."""


def read_catalog(
    templates: Iterable[SourceFile],
    functions: Iterable[SourceFile],
    script_fault: ScriptFault,
    plugins: Mapping[str, PluginCheck] = NO_PLUGINS,
) -> Catalog:
    """Read and check documents together. `plugins`: the checks of further actions, by name."""
    functions = tuple(functions)
    loaded = load_functions(functions)
    findings = [*loaded.findings]
    documents = [(file, read(file.text, file.name)) for file in templates]
    names = {one.template.name for _, one in documents if one.template is not None}
    installation = _Installation(frozenset(names), script_fault, plugins)
    found: dict[str, SourceTemplate] = {}
    for file, one in documents:
        template, own = checked(one, loaded.functions, installation)
        findings += own
        if template is None:
            continue
        if (former := found.pop(template.name, None)) is not None:
            notes = Notes(former.file.name)
            what = f"template `{template.name}` is also in {file.name}, which is used"
            notes.warning(former.template.place("name"), what, "rename one of them")
            findings += notes.findings
        found[template.name] = SourceTemplate(template, file)
    return Catalog(
        templates=found,
        functions=loaded.functions,
        findings=tuple(findings),
        files=len(documents) + len(functions),
    )


@dataclass(frozen=True, slots=True)
class _Installation:
    templates: frozenset[str]
    script_fault: ScriptFault
    plugins: Mapping[str, PluginCheck]
    notify_backends: tuple[str, ...] = ()
