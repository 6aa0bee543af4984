"""Checks the commands of ssh tasks: values that would become code there, and texts that fail."""

import re
from typing import Final

from floe.dialects.floe.command_lines import is_careless, odd_signs, shell_sign
from floe.dialects.floe.vocabulary import SSH_ARGS, SSH_CMD, SSH_ENV, SSH_SHELL
from floe.dialects.notes import Notes, Position
from floe.dialects.section import KeySpec
from floe.dialects.tree import Items, Table
from floe.expr.arguments import arguments_of
from floe.expr.command import command_faults
from floe.expr.env_entries import entry_faults, env_values_of
from floe.expr.variables import literal, with_variables
from floe.model.ssh import Ssh
from floe.model.template import data_of

_HERE: Final = re.compile(r"\$\{?(FLOE_(?:IN_|ITEM|INDEX|INPUT)\w*|FLOEWS\b)")
_VARIABLE: Final = re.compile(r"\$\{?[A-Za-z_]\w*", re.ASCII)


def check_far_command(work: Ssh, opts: Table, notes: Notes, *, is_strict: bool) -> None:
    """Report what becomes code there or cannot work, with its place in `opts`."""
    for fault in entry_faults(literal(work.env), escapes=True):
        notes.error(_at(opts, SSH_ENV, fault.at), fault.what, fault.hint)
    is_value = env_values_of((), escapes=True)
    for fault in command_faults(literal(work.argv), is_value, escapes=True):
        note = notes.error if fault.is_certain else notes.warning
        note(_argument(opts, fault.at), fault.what, fault.hint)
    arguments = arguments_of(with_variables(work.argv).texts)
    for index, (text, argument) in enumerate(zip(work.argv, arguments, strict=True)):
        is_code = argument.role in ("shell", "code")
        if not is_code and (found := _VARIABLE.search(data_of(text))):
            what = f"an ssh task replaces no variable: the program there receives `{found[0]}`"
            notes.warning(_argument(opts, index), what, "use `shell`, or a value: {{ values.… }}")
    if found := _HERE.search(work.shell):
        what = f"`${found[1]}` is not set there: floe's variables are for commands on this host"
        hint = "send it in `env`, as NAME={{ values.… }}"
        notes.warning(_at(opts, SSH_SHELL), what, hint)
    key = SSH_SHELL if work.shell else SSH_CMD
    entry = opts.entries.get(key.name)
    text = getattr(entry.value, "text", "") if entry else ""
    for what, hint in odd_signs(text, key.name):
        notes.warning(_at(opts, key), what, hint)
    if work.argv and SSH_ARGS.name not in opts.entries:
        if sign := shell_sign(text):
            notes.warning(_at(opts, key), *sign)
    elif work.shell and not is_strict and is_careless(work.shell):
        what = "`shell` has several commands, and continues when one of them fails"
        notes.warning(_at(opts, key), what, "strict-shell: true  (beside `tasks`), or `set -e`")


def _argument(opts: Table, index: int) -> Position:
    is_in_args = index > 0 and SSH_ARGS.name in opts.entries
    return _at(opts, SSH_ARGS, index - 1) if is_in_args else _at(opts, SSH_CMD)


def _at(opts: Table, key: KeySpec[object], item: int = -1) -> Position:
    entry = opts.entries.get(key.name)
    if entry is None:
        return opts.at
    if isinstance(entry.value, Items) and 0 <= item < len(entry.value.items):
        return entry.value.items[item].at
    return entry.value.at
