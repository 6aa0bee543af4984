"""Checks the commands of a flow: values that would become code, and texts that cannot work."""

from collections.abc import Callable, Iterator, Sequence, Set
from typing import Final

from floe.dialects.floe.command_lines import is_careless, odd_signs, shell_sign
from floe.dialects.floe.far_commands import check_far_command
from floe.dialects.floe.given import GivenInputs, read_variables
from floe.dialects.floe.nodes import Nodes
from floe.dialects.floe.vocabulary import ARGS, CMD, ENV_OPT, SHELL
from floe.dialects.nearest import nearest
from floe.dialects.notes import Notes, Position
from floe.dialects.tree import Items, Table
from floe.expr.arguments import arguments_of
from floe.expr.command import VALUE_PREFIX, CommandFault, command_faults, computed, first_word
from floe.expr.env_entries import entry_faults, env_values_of, variable_name
from floe.expr.substitute import ARGUMENT_BYTES_MAX, named_vars
from floe.expr.variables import with_variables
from floe.model.callback import Callback
from floe.model.flow import Flow, Node
from floe.model.ssh import Ssh
from floe.model.template import Text, data_of
from floe.model.work import Ask, Exec


def check_commands(
    flow: Flow, nodes: Nodes, env_at: Position, notes: Notes, *, strict: bool
) -> None:
    """Report unsafe uses of values in commands, and commands that cannot work.

    `strict`: on this host, `shell` ends at the first command that fails.
    """
    for fault in entry_faults(flow.env, escapes=True):
        notes.error(env_at, fault.what, fault.hint)
    _check_sizes([*map(data_of, flow.env)], lambda _: env_at, "`env`", notes)
    computable = _computable(flow)
    inputs = GivenInputs(flow) if nodes.is_whole else None
    is_strict = strict if flow.strict_shell is None else flow.strict_shell
    for node in flow.nodes:
        if isinstance(node.work, Exec):
            exec_ = _Exec(node.work, nodes.opts[node.id], notes, computable)
            exec_.check_values(flow.env)
            exec_.check_text(is_strict=is_strict)
            if inputs:
                exec_.check_inputs(node, flow.env, inputs)
        elif isinstance(node.work, Ssh):
            check_far_command(node.work, nodes.opts[node.id], notes, is_strict=is_strict)


class _Exec:
    """One exec task: its work, its `opts` as written, and the findings of its document."""

    def __init__(self, work: Exec, opts: Table, notes: Notes, computable: Set[str]) -> None:
        self._work = work
        self._opts = opts
        self._notes = notes
        self._computable = computable

    def check_values(self, before: tuple[Text, ...]) -> None:
        """Report values that would become more than data; `before` is the flow's `env`."""
        work, notes = self._work, self._notes
        entries = (*before, *work.env)
        for fault in entry_faults(entries, escapes=True):
            if fault.at >= len(before):
                notes.error(self._at(ENV_OPT.name, fault.at - len(before)), fault.what, fault.hint)
        is_value = env_values_of(entries, escapes=True)
        for fault in command_faults(work.argv, is_value, escapes=True):
            self._note(fault)
        first = first_word(work.shell)
        if first and is_value(first):
            what = (
                f"bash runs the value of `${first}` as a command, so its author chooses the program"
            )
            notes.warning(
                self._at(SHELL.name), what, "choose the program by `case`, from a fixed list"
            )
        for name in dict.fromkeys(computed(work.shell)):
            if is_value(name) and name not in self._computable:
                what = f"bash computes `{name}`: for a value like `a[$(date)]` it runs `date`"
                hint = f'compare with `[ "${name}" -gt … ]`, or make it a field of type number'
                notes.warning(self._at(SHELL.name), what, hint)

    def check_text(self, *, is_strict: bool) -> None:
        """Report text in a command that cannot work, or is probably a mistake."""
        work, notes = self._work, self._notes
        _check_sizes([*map(data_of, work.argv)], self._argument, "an argument", notes)
        _check_sizes([*map(data_of, work.env)], lambda i: self._at(ENV_OPT.name, i), "`env`", notes)
        _check_sizes((work.shell,), lambda _: self._at(SHELL.name), "`shell`", notes)
        key = CMD.name if work.argv else SHELL.name
        text = self._text(key)
        for what, hint in odd_signs(text, key):
            notes.warning(self._at(key), what, hint)
        if work.argv and ARGS.name not in self._opts.entries:
            if sign := shell_sign(text):
                notes.warning(self._at(key), *sign)
        elif work.shell and not is_strict and is_careless(work.shell):
            what = "`shell` has several commands, and continues when one of them fails"
            notes.warning(self._at(key), what, "strict-shell: true  (beside `tasks`), or `set -e`")

    def check_inputs(self, node: Node, before: tuple[Text, ...], inputs: GivenInputs) -> None:
        """Warn of inputs that no trigger and no node can give; `before` is the flow's `env`."""
        entries = map(data_of, (*before, *self._work.env))
        own = {entry.partition("=")[0] for entry in entries}
        for at, read in self._reads():
            names = (name for name in read if VALUE_PREFIX + name not in own)
            for name, known in inputs.missing(node, names):
                what = f"`${VALUE_PREFIX}{name}` is never set: no trigger and no task before this"
                meant = nearest(name, [other.lower().replace("_", "-") for other in known])
                hint = f"did you mean `${VALUE_PREFIX}{variable_name(meant)}`?" if meant else ""
                self._notes.warning(at, f"{what} one gives it", hint or _BEFORE)

    def _reads(self) -> Iterator[tuple[Position, set[str]]]:
        """The inputs that the command reads, with the places where it does."""
        argv, env = map(data_of, self._work.argv), map(data_of, self._work.env)
        arguments = arguments_of(with_variables(self._work.argv).texts)
        for index, (text, argument) in enumerate(zip(argv, arguments, strict=True)):
            if VALUE_PREFIX in text:
                is_code = argument.role == "shell"
                read = read_variables(text.replace("$$", "$")) if is_code else _inputs_in(text)
                yield self._argument(index), read
        for index, entry in enumerate(env):
            if VALUE_PREFIX in entry:
                yield self._at(ENV_OPT.name, index), _inputs_in(entry.partition("=")[2])
        if VALUE_PREFIX in self._work.shell:
            yield self._at(SHELL.name), read_variables(self._work.shell)

    def _note(self, fault: CommandFault) -> None:
        note = self._notes.error if fault.is_certain else self._notes.warning
        note(self._argument(fault.at), fault.what, fault.hint)

    def _argument(self, index: int) -> Position:
        """The position of an argument of the command line."""
        if index and ARGS.name in self._opts.entries:
            return self._at(ARGS.name, index - 1)
        return self._at(CMD.name)

    def _at(self, key: str, item: int = -1) -> Position:
        entry = self._opts.entries.get(key)
        if entry is None:
            return self._opts.at
        if isinstance(entry.value, Items) and 0 <= item < len(entry.value.items):
            return entry.value.items[item].at
        return entry.value.at

    def _text(self, key: str) -> str:
        entry = self._opts.entries.get(key)
        return getattr(entry.value, "text", "") if entry else ""


def _computable(flow: Flow) -> frozenset[str]:
    """Variables from form fields that take a number, a boolean or a choice."""
    asked = [node.work.form for node in flow.nodes if isinstance(node.work, Ask | Callback)]
    forms = [*(trigger.form for trigger in flow.triggers), *asked]
    fields = [field for form in forms for field in form.fields]
    texts = {field.id for field in fields if field.type in ("text", "string", "list")}
    return frozenset(
        VALUE_PREFIX + variable_name(field.id) for field in fields if field.id not in texts
    )


_BEFORE: Final = "a trigger, a form or a command before it can give it: see `$FLOE_OUTPUTS`"


def _inputs_in(text: str) -> set[str]:
    names = named_vars(text, escapes=True)
    return {name.removeprefix(VALUE_PREFIX) for name in names if name.startswith(VALUE_PREFIX)}


def _check_sizes(
    texts: Sequence[str], at: Callable[[int], Position], what: str, notes: Notes
) -> None:
    for index, text in enumerate(texts):
        if len(text) * 4 > ARGUMENT_BYTES_MAX and (size := len(text.encode())) > ARGUMENT_BYTES_MAX:
            excess = f"{what} has {size} bytes; Linux takes at most {ARGUMENT_BYTES_MAX} for one"
            notes.error(at(index), excess, "write it to a file, and pass the file's name")
