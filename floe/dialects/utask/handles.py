"""Checks what the texts of a template refer to: steps, inputs, properties of outputs.

As uTask does, it looks at the first path of each `{{…}}` only, wherever the text stands.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from floe.dialects.nearest import closest
from floe.dialects.notes import Notes
from floe.dialects.utask.document import THIS, TaskTemplate
from floe.dialects.utask.keys import TextAt
from floe.dialects.utask.schemas import ROOT_KEY, Properties

_HANDLE: Final = re.compile(r"\{\{[^.}]*((?:\.[A-Za-z0-9_]+){2,})[^}]*\}\}", re.ASCII)

TASK_KEYS: Final = (
    *("resolver_username", "created", "requester_username", "requester_groups", "task_id"),
    *("region", "resolution_id", "watcher_usernames", "watcher_groups"),
)
"""What uTask lets a text name of its task; two more have values (`resolver_groups`)."""


def check_handles(template: TaskTemplate, texts: Iterable[TextAt], notes: Notes) -> None:
    """Note the paths that lead nowhere."""
    properties = {
        name: Properties(step.json_schema)
        for name, step in template.steps.items()
        if step.json_schema is not None
    }
    known: dict[str, Sequence[str]] = {
        "input": [one.name for one in template.inputs],
        "resolver_input": [one.name for one in template.resolver_inputs],
        "task": TASK_KEYS,
    }
    for text in texts:
        for found in _HANDLE.finditer(text.text):
            path = found[1].split(".")[1:]
            if path[0] == "step":
                _check_step(path, template, properties, text, notes)
            elif path[0] in known and path[1] not in known[path[0]]:
                word = "task" if path[0] == "task" else "input"
                hint = closest(path[1], known[path[0]])
                notes.error(text.at, f"Wrong {word} key: {path[1]}", hint)


def _check_step(
    path: list[str],
    template: TaskTemplate,
    properties: Mapping[str, Properties],
    text: TextAt,
    notes: Notes,
) -> None:
    name = path[1]
    if name != THIS and name not in template.steps:
        hint = closest(name, list(template.steps))
        notes.error(text.at, f"step: Wrong step key: {name}", hint)
    elif path[2:3] != ["output"] or name not in properties:
        return
    elif properties[name].has_root_key:
        what = f"the json_schema of step {name} has a property {ROOT_KEY}"
        notes.error(text.at, what, "rename it")
    elif not properties[name].have(path[3:]):
        what = f"Linting error: step {name}: Variable {'.'.join(path[3:])} does not exist"
        notes.error(text.at, what, "its json_schema has no such property")
