"""Checks the actions of steps and functions: types, functions within functions, configurations."""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from floe.dialects.go_yaml import GoEntry, GoItems, GoScalar, GoTable, GoTree, json_value
from floe.dialects.nearest import closest
from floe.dialects.notes import Notes, Position
from floe.dialects.utask.configurations import CONFIGURATIONS, Installation
from floe.dialects.utask.document import TaskTemplate, UtaskAction, UtaskFunction, UtaskStep
from floe.dialects.utask.keys import Reading, TypedKeys, is_null

_ARGUMENT: Final = re.compile(r"\{\{ *\.function_args\.([A-Za-z.]+) *\}\}", re.ASCII)

FUNCTIONS_MAX: Final = 50
"""Functions within each other."""


class Actions:
    """The actions that templates may use: uTask's own, and functions by name."""

    def __init__(self, functions: Mapping[str, UtaskFunction], installation: Installation) -> None:
        self._functions, self._installation = functions, installation

    def states(self, action: UtaskAction) -> Iterator[str]:
        """The own states that the functions of an action give its step."""
        for function in self._chain(action):
            yield from (state.text for state in function.custom_states)

    def check(self, step: UtaskStep, template: TaskTemplate, notes: Notes) -> None:
        """Note the mistakes of a step's action and pre-hook."""
        self._check(step.action, template.base_configurations, notes, step.action.at, hook=False)
        if step.pre_hook is None:
            self._check_hooks(step.action, notes, 0)
            return
        self._check(step.pre_hook, template.base_configurations, notes, step.pre_hook.at, hook=True)
        self._check_hooks(step.action, notes, 1)

    def _chain(self, action: UtaskAction) -> Iterator[UtaskFunction]:
        """The functions of an action, outermost first, up to one that comes again."""
        seen: set[str] = set()
        while (function := self._functions.get(action.type)) and function.name not in seen:
            seen.add(function.name)
            yield function
            action = function.action

    def _check_hooks(self, action: UtaskAction, notes: Notes, known: int) -> None:
        """Only one of a step and its functions may have a pre-hook, which has none itself."""
        for function in self._chain(action):
            if function.pre_hook is not None:
                known += 1
                if known > 1:
                    notes.error(action.at, f"pre_hook override by function {function.name}")

    def _check(
        self,
        action: UtaskAction,
        bases: Mapping[str, GoTree],
        notes: Notes,
        at: Position,
        *,
        hook: bool,
        through: tuple[str, ...] = (),
    ) -> None:
        """`at` is where the step has the action: functions are in documents of their own."""
        word = "prehook" if hook else "executor"
        prefix = "".join(f'function "{name}": ' for name in through)
        place = action.places.get("type", action.at) if not through else at
        function = self._functions.get(action.type)
        plugin = self._installation.plugins.get(action.type)
        if function is None and plugin is None and action.type not in CONFIGURATIONS:
            known = [*CONFIGURATIONS, *self._installation.plugins, *self._functions]
            what = f"Invalid {word} action: {prefix}No runner for type '{action.type}'"
            notes.error(place, what, closest(action.type, known))
            return
        base = None
        if action.base_configuration and not through:
            base = bases.get(action.base_configuration)
            if base is None:
                what = f"Invalid {word} action: BaseConfiguration key not found"
                notes.error(action.places["base_configuration"], what)
        if function is not None:
            self._check_function(function, action, notes, at, hook=hook, through=through)
            return
        if not action.has_configuration:
            what = f"Invalid {word} action: {prefix}configuration is missing"
            notes.error(place, what, "write configuration: {} if it needs none")
            return
        own = Notes(notes.file)
        tree = merged(base, action.configuration) or GoScalar(place, None)
        keys = TypedKeys(tree, f"the configuration of {action.type}", Reading(own), is_strict=True)
        if plugin is None:
            CONFIGURATIONS[action.type](keys, self._installation)
        else:
            given = json_value(tree)
            for fault in plugin(given if isinstance(given, dict) else {}):
                own.error(tree.at, fault)
        for finding in own.findings:
            where = at if through else Position(finding.line, finding.col)
            notes.error(where, f"Invalid {word} action: {prefix}{finding.what}", finding.hint)

    def _check_function(
        self,
        function: UtaskFunction,
        action: UtaskAction,
        notes: Notes,
        at: Position,
        *,
        hook: bool,
        through: tuple[str, ...],
    ) -> None:
        """Check the arguments of a function, and what it does itself."""
        word = "prehook" if hook else "executor"
        if function.name in through or len(through) > FUNCTIONS_MAX:
            what = f'Invalid {word} action: invalid cyclic import in function for "{function.name}"'
            notes.error(at, what)
            return
        if hook and function.pre_hook is not None:
            notes.error(at, "Invalid prehook on a prehook")
        for argument in dict.fromkeys(_arguments(function.action.configuration)):
            if not _has(action.configuration, argument.split(".")):
                what = f'Invalid {word} action: missing function_args "{argument}"'
                notes.error(at, what, f"function {function.name} needs it")
        inner = (*through, function.name)
        self._check(function.action, {}, notes, at, hook=hook, through=inner)
        if function.pre_hook is not None and not hook:
            self._check(function.pre_hook, {}, notes, at, hook=True, through=inner)


def _arguments(tree: GoTree | None) -> Iterator[str]:
    """The arguments that a configuration needs, by its texts."""
    match tree:
        case GoScalar(value=str() as text):
            for found in _ARGUMENT.finditer(text):
                yield found[1].strip(".")
        case GoItems():
            for item in tree.items:
                yield from _arguments(item)
        case GoTable():
            for entry in tree.entries.values():
                yield from _arguments(entry.value)
        case _:
            pass


def _has(tree: GoTree | None, path: list[str]) -> bool:
    """Whether a configuration has a path, null included."""
    for name in path:
        entry = tree.entries.get(name) if isinstance(tree, GoTable) else None
        if entry is None:
            return False
        tree = entry.value
    return True


def merged(base: GoTree | None, own: GoTree | None, depth: int = 0) -> GoTree | None:
    """A configuration over its base: key by key, and one level deeper in maps."""
    if base is None or own is None:
        return own if base is None else base
    if not isinstance(base, GoTable) or not isinstance(own, GoTable):
        return own
    entries = dict(base.entries)
    for key, entry in own.entries.items():
        under = base.entries.get(key)
        is_deep = under is not None and depth < 2 and key not in ("output", "value")
        if under is not None and is_deep and not is_null(entry.value):
            entries[key] = GoEntry(entry.key_at, merged(under.value, entry.value, depth + 1) or own)
        else:
            entries[key] = entry
    return GoTable(own.at, entries)
