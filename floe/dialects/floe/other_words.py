"""Words of other systems in flows, and what to write in floe: the hints for newcomers.

A word is here if the hint by likeness names nothing, or the wrong key.
"""

import re
from collections.abc import Mapping
from typing import Final, NamedTuple

from floe.dialects.notes import Notes
from floe.dialects.tree import Items, Table

Hints = Mapping[str, str]


def _same(hint: str, *words: str) -> Hints:
    return dict.fromkeys(words, hint)


_VARIABLES: Final = ("environment", "vars", "variables")

FLOW_WORDS: Final[Hints] = {
    **_same("triggers: [{name: push, type: push}]", "on", "when"),
    **_same("triggers: [{id: night, type: timer, opts: {cron: 0 3 * * *}}]", "schedule", "cron"),
    **_same("tasks: [{class: merge, type: all, wait: [task.a.good]}]", "merges", "merge"),
    **_same("its work is `tasks`", "jobs", "steps", "stages", "nodes"),
    **_same("env: [NAME=value]", *_VARIABLES),
    **_same("inputs: [{id: version, prompt: Which version?}]", "params", "parameters"),
    **_same("host-tags: [linux]", "runs-on", "agent", "labels"),
    **_same("max-runs: {limit: 1, per: '{{ values.branch }}'}", "concurrency"),
}
"""By key of a flow."""

TASK_WORDS: Final[Hints] = {
    **_same("type: exec, and opts: {shell: 'make test'}", "run", "script", "command", "commands"),
    **_same("opts: {env: [NAME=value]}", *_VARIABLES),
    **_same("values of a task of type `flow` are opts: {values: {where: eu}}", "with"),
    **_same("a condition is `if: values.env == 'prod'`", "when"),
    **_same(
        "`listen` names the event that starts it: `listen: task.build.good`",
        *("needs", "depends-on", "depends_on", "after"),
    ),
    **_same("each step is a task, or a line of one `shell`", "steps"),
    **_same("matrix: {python: ['3.12', '3.13']}", "strategy"),
    **_same("ignore-fail: true", "continue-on-error", "allow_failure"),
    **_same("opts: {cmd: 'docker run …'}", "image", "container"),
    **_same("host-tags: [linux], of the flow", "runs-on", "agent"),
    **_same("opts: {sub-dir: app}", "working-directory", "workdir", "cwd"),
    **_same("type: git-checkout for a repository, type: flow for a flow", "uses"),
}
"""By key of a task."""

COMMAND_WORDS: Final[Hints] = {
    **_same("cmd: make test, or shell: for code", "run", "script", "command", "commands"),
    **_same("env: [NAME=value]", *_VARIABLES),
    **_same("sub-dir: app", "working-directory", "workdir", "cwd", "dir"),
}
"""By key in `opts` of an exec task."""

CHILD_WORDS: Final[Hints] = _same(
    "values: {where: eu}", "with", "inputs", "params", "parameters", "data", "args"
)
"""By key in `opts` of a flow task."""

FIELD_WORDS: Final[Hints] = {
    **_same("value: main", "default", "initial"),
    **_same("type: choice, and choices: [staging, production]", "options", "enum", "values"),
    **_same("prompt: Which version?", "description", "label", "title", "help", "message"),
    **_same("id: version", "name", "key"),
    **_same("required: false", "optional"),
}
"""By key of a field."""

TASK_TYPE_WORDS: Final[Hints] = {
    **_same("type: exec, and opts: {shell: 'make test'}", "shell", "script", "bash", "run"),
    **_same("class: merge", "merge", "join"),
    **_same("type: http", "request", "http-request", "webhook"),
    **_same("type: notify", "mail", "email", "slack"),
    **_same("type: timer", "sleep", "wait", "delay"),
    **_same("type: data", "form", "approval", "manual", "input"),
    **_same("type: flow", "workflow", "sub-flow", "subflow"),
    **_same("type: git-checkout", "git", "checkout", "clone"),
    **_same("type: exec, and opts: {cmd: 'docker run …'}", "docker", "container"),
}
"""By type of a task."""

MERGE_TYPE_WORDS: Final[Hints] = _same("class: merge, and type: all", "merge", "join")
"""By type of a merge."""

TRIGGER_TYPE_WORDS: Final[Hints] = {
    **_same("type: timer, and opts: {cron: 0 3 * * *}", "cron", "schedule", "interval"),
    **_same("type: data", "manual", "form", "button", "dispatch", "workflow_dispatch"),
    **_same("type: push, and opts: {secret: $PUSH_SECRET}", "webhook", "hook", "github", "gitlab"),
    **_same("type: poll-git", "git", "poll", "scm"),
}
"""By type of a trigger."""

FIELD_TYPE_WORDS: Final[Hints] = {
    **_same("type: number", "int", "integer", "float"),
    **_same("type: bool", "boolean", "checkbox"),
    **_same("type: choice", "select", "enum", "dropdown", "options"),
    **_same("type: list", "array"),
    **_same("type: text", "textarea", "multiline"),
    **_same("a secret is no value: `secrets: [NAME]` of the task", "password", "secret"),
}
"""By type of a field."""


class OtherDocument(NamedTuple):
    """A document of a different system."""

    keys: frozenset[str]
    """That it has at its top, and no flow has."""
    what: str
    section: str
    """Of docs/coming-from.md."""


OTHER_DOCUMENTS: Final = (
    OtherDocument(frozenset({"on", "jobs"}), "a workflow of GitHub Actions", "GitHub Actions"),
    OtherDocument(frozenset({"resources", "jobs"}), "a pipeline of Concourse", "Concourse"),
    OtherDocument(frozenset({"steps"}), "a pipeline of Woodpecker or Dagu", "Woodpecker"),
)


_OF_FLOE: Final = frozenset({"tasks", "flow-file", "triggers", "flows", "common", "tests"})


def is_of_other_system(document: Table, notes: Notes) -> bool:
    """Whether a document is one of a different system, with a finding; it has no key of a flow."""
    keys = document.entries.keys()
    other = next((one for one in OTHER_DOCUMENTS if one.keys <= keys), None)
    if other is None or keys & _OF_FLOE:
        return False
    if "steps" in keys and _is_of_flyte(document):
        hint = "floe flyte check reads it: docs/flyte.md"
        notes.error(document.at, "this looks like a flow of flyte, not like one of floe", hint)
        return True
    hint = f"docs/coming-from.md, “{other.section}”, has floe's words for it"
    notes.error(document.at, f"this looks like {other.what}, not like a flow", hint)
    return True


def _is_of_flyte(document: Table) -> bool:
    """Whether the first step of a document waits for an event."""
    steps = document.entries["steps"].value
    first = steps.items[0] if isinstance(steps, Items) and steps.items else None
    event = first.entries.get("event") if isinstance(first, Table) else None
    return event is not None and isinstance(event.value, Table)


_VARIABLE: Final = re.compile(r"\$?\{?FLOE_IN_([A-Za-z0-9_]+)")


def value_of_variable(text: str) -> str:
    """The value that a variable holds, as a hint: `$FLOE_IN_TAG` is `values.tag`; else empty."""
    found = _VARIABLE.match(text)
    return f"did you mean `values.{found[1].lower()}`?" if found else ""
