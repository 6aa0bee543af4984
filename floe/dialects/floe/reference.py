"""Generates the tables of docs/flows.md from the vocabulary.

`python -m floe.dialects.floe.reference docs/flows.md` rewrites them between their markers.
"""

import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from floe.dialects.floe.case_keys import CASE, EXPECT, GIVEN
from floe.dialects.floe.http_keys import AUTH_MAP
from floe.dialects.floe.pack_events import EVENT_TRIGGER
from floe.dialects.floe.vocabulary import (
    BACKOFF,
    BUCKET_MAP,
    COMMON_MAP,
    COPY,
    DATA_TRIGGER,
    FLOW,
    FLOW_TASK,
    FLYTE_MAP,
    FORM_FIELD,
    FORM_MAP,
    HOST_CONFIG,
    KEEP_MAP,
    LOOP_MAP,
    MAIL_MAP,
    MAX_RUNS_MAP,
    MERGE,
    NOTICE,
    POLL_TRIGGER,
    PUSH_TRIGGER,
    REPEAT_MAP,
    REPOSITORY,
    RETRY_MAP,
    SECRET_MAP,
    SMTP_MAP,
    TASK,
    TASK_TYPES,
    TIMER_TRIGGER,
    TRIGGER,
    UTASK_MAP,
)
from floe.dialects.section import KeySpec, Section
from floe.expr.programs import PROGRAMS, Program

_TASKS: Final = {type_.opts: name for name, type_ in reversed(list(TASK_TYPES.items()))}
"""The first type of task for each `opts`: types with equal `opts` share a table."""
SECTIONS: Final[Mapping[str, Section]] = {
    "host-config": HOST_CONFIG,
    "common": COMMON_MAP,
    "flow": FLOW,
    "max-runs": MAX_RUNS_MAP,
    "repository": REPOSITORY,
    "trigger": TRIGGER,
    "trigger-data": DATA_TRIGGER,
    "trigger-timer": TIMER_TRIGGER,
    "trigger-poll-git": POLL_TRIGGER,
    "trigger-push": PUSH_TRIGGER,
    "trigger-pack-event": EVENT_TRIGGER,
    "task": TASK,
    "copied-file": COPY,
    "retry": RETRY_MAP,
    "backoff": BACKOFF,
    "repeat": REPEAT_MAP,
    "loop": LOOP_MAP,
    "secret": SECRET_MAP,
    "merge": MERGE,
    "form": FORM_MAP,
    "field": FORM_FIELD,
    "keep": KEEP_MAP,
    "notice": NOTICE,
    "mail": MAIL_MAP,
    "smtp": SMTP_MAP,
    "bucket": BUCKET_MAP,
    "flyte": FLYTE_MAP,
    "utask": UTASK_MAP,
    "test": CASE,
    "given": GIVEN,
    "expect": EXPECT,
    "auth": AUTH_MAP,
    **{name: opts for opts, name in _TASKS.items() if opts.keys and opts is not FLOW_TASK},
    "flow-task": FLOW_TASK,
}
_PROGRAMS_MARKED: Final = re.compile(r"(<!-- programs -->\n).*?(<!-- end -->)", re.DOTALL)
_MARKED: Final = re.compile(r"(<!-- keys: ([a-z-]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def with_tables(text: str) -> str:
    """The text of a reference with a new table between each pair of markers. Raises KeyError."""
    text = _PROGRAMS_MARKED.sub(lambda m: f"{m[1]}{programs_table()}{m[2]}", text)
    return _MARKED.sub(lambda m: f"{m[1]}{table(SECTIONS[m[2]])}{m[3]}", text)


def sections_in(text: str) -> list[str]:
    """The sections that have a table in a reference, in order."""
    return [match[2] for match in _MARKED.finditer(text)]


def programs_table() -> str:
    """For the reference: the programs that read code, as a Markdown table."""
    head = "| programs | their code | how a value gets in |\n|---|---|---|\n"
    rows = (f"| {_names(p)} | {_code(p)} | {_way(p)} |\n" for p in PROGRAMS)
    return head + "".join(rows)


def _names(program: Program) -> str:
    return " ".join(f"`{name.replace(':', ' ')}`" for name in program.names.split())


def _code(program: Program) -> str:
    code = " ".join((program.flag, program.code, program.runs, program.settings))
    options = (
        code if code.strip() or _OPERANDS.keys() & program.operands else program.loads
    ).split()
    parts = [f"`{option}`" for option in options]
    words = [_OPERANDS[o] for o in dict.fromkeys(program.operands) if o in _OPERANDS]
    return ", ".join((" ".join(parts), *words) if parts else words).replace("|", "\\|")


_OPERANDS: Final[Mapping[str, str]] = {
    "command": "a command after it",
    "assignments": "a command after it",
    "anywhere": "a shell or interpreter after it",
    "program": "a file",
    "code": "its arguments",
    "plain": "its arguments",
    "package": "what it installs",
    "setting": "values of its settings",
}


def _way(program: Program) -> str:
    if program.is_shell and program.hides_env != "always":
        but = f"; not with `{program.hides_env.split()[0]}`" if program.hides_env else ""
        return "by its environment" + but
    return program.instead.replace("|", "\\|") or "as an argument"


def table(section: Section) -> str:
    """For the reference: a section's keys as a Markdown table."""
    head = "| key | takes | default | purpose | example |\n|---|---|---|---|---|\n"
    shared = () if section is REPOSITORY else REPOSITORY.keys
    return head + "".join(_row(key) for key in section.keys if key not in shared)


def _row(key: KeySpec[object]) -> str:
    also = "".join(f" (also `{alias}`)" for alias in key.aliases)
    cells = f"`{key.name}`{also}", _takes(key), _default(key), key.doc, f"`{key.example}`"
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


def _takes(key: KeySpec[object]) -> str:
    item = getattr(key.kind, "item", None)
    words = " ".join(f"`{value}`" for value in getattr(item or key.kind, "values", ()))
    return f"list of {words}" if item and words else words or key.kind.label


def _default(key: KeySpec[object]) -> str:
    if key.required:
        return "**needed**"
    if key.absent:
        return key.absent
    if isinstance(key.default, bool):
        return f"`{str(key.default).lower()}`"
    if isinstance(key.default, int | float):
        return f"`{key.default:g}`" + (" s" if key.kind.label == "duration" else "")
    return f"`{key.default}`" if key.default else "none"


if __name__ == "__main__":
    for name in sys.argv[1:]:
        path = Path(name)
        path.write_text(with_tables(path.read_text()))
