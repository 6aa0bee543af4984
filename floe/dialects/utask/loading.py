"""Loads templates and functions: reads a document, and notes all its mistakes at once."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from floe.dialects.nearest import closest
from floe.dialects.notes import Notes, Position
from floe.dialects.utask.actions import Actions
from floe.dialects.utask.conditions import check_condition
from floe.dialects.utask.configurations import CONFIGURATIONS, PARENT_TAG, Installation
from floe.dialects.utask.dependencies import StepGraph, check_dependencies
from floe.dialects.utask.document import (
    LOOP_STRATEGIES,
    RESERVED_STATES,
    RETRY_PATTERNS,
    THIS,
    TaskTemplate,
    UtaskFunction,
    UtaskStep,
    UtaskVariable,
)
from floe.dialects.utask.handles import check_handles
from floe.dialects.utask.input_checks import check_input
from floe.dialects.utask.keys import TextAt
from floe.dialects.utask.reading import read_function, read_template
from floe.dialects.utask.schemas import schema_faults
from floe.expr.gotext.times import SECOND, duration_text, read_duration
from floe.model.finding import Finding

TEXT_BYTES_MIN: Final = 3
NAME_BYTES_MAX: Final = 1_000
LONG_DESCRIPTION_BYTES_MAX: Final = 100_000
DELAY_NS_MAX: Final = 20 * SECOND


class Loaded(NamedTuple):
    """A document that was read: the template if it has no mistakes, and all findings."""

    template: TaskTemplate | None
    findings: tuple[Finding, ...]


class LoadedFunctions(NamedTuple):
    """Documents of functions that were read: all functions by name, and all findings."""

    functions: Mapping[str, UtaskFunction]
    findings: tuple[Finding, ...]


class UncheckedTemplate(NamedTuple):
    """A document that was read and not checked yet."""

    template: TaskTemplate | None
    """None where it is no template."""
    texts: tuple[TextAt, ...]
    """Its texts that may be Go templates."""
    notes: Notes


def load_template(
    text: str, file: str, functions: Mapping[str, UtaskFunction], installation: Installation
) -> Loaded:
    """Read and check a template. A name in `installation` may also be the template's own."""
    return checked(read(text, file), functions, installation)


def read(text: str, file: str) -> UncheckedTemplate:
    """Read a template, to check it when the names of all templates are known."""
    notes = Notes(file)
    template, texts = read_template(text, notes) or (None, ())
    return UncheckedTemplate(template, texts, notes)


def checked(
    given: UncheckedTemplate, functions: Mapping[str, UtaskFunction], installation: Installation
) -> Loaded:
    """Check a template that was read, once."""
    template, texts, notes = given
    if template is None:
        return Loaded(None, notes.findings)
    _check_texts(template, notes)
    _check_task(template, notes)
    for one in (*template.inputs, *template.resolver_inputs):
        check_input(one, notes)
    for variable in template.variables:
        _check_variable(variable, notes)
    _check_steps(template, Actions(functions, installation), notes)
    check_handles(template, texts, notes)
    return Loaded(None if notes.errors else template, notes.findings)


def load_functions(documents: Iterable[tuple[str, str]]) -> LoadedFunctions:
    """Read functions from texts with the names of their files."""
    functions: dict[str, UtaskFunction] = {}
    files: dict[str, str] = {}
    findings: list[Finding] = []
    for file, text in documents:
        notes = Notes(file)
        function = read_function(text, notes)
        if function is not None:
            if function.name in CONFIGURATIONS:
                notes.error(function.at, f"'{function.name}' is an action of uTask", "rename it")
            elif function.name in functions:
                what = f"function '{function.name}' was declared in {files[function.name]}"
                notes.error(function.at, what, "rename one of them")
            else:
                functions[function.name], files[function.name] = function, file
        findings += notes.findings
    return LoadedFunctions(functions, tuple(findings))


def _check_texts(template: TaskTemplate, notes: Notes) -> None:
    for key, what, text, most in (
        ("name", "name", template.name, NAME_BYTES_MAX),
        ("description", "description", template.description, NAME_BYTES_MAX),
        ("title_format", "title format", template.title_format, NAME_BYTES_MAX),
        (
            *("long_description", "long description", template.long_description),
            LONG_DESCRIPTION_BYTES_MAX,
        ),
        ("doc_link", "doc link", template.doc_link, NAME_BYTES_MAX),
    ):
        size = TEXT_BYTES_MIN if text is None else len(text.encode(errors="replace"))
        if size < TEXT_BYTES_MIN:
            what = f"template {what} can't be shorter than {TEXT_BYTES_MIN} characters"
            notes.error(template.place(key), what)
        elif size > most:
            notes.error(
                template.place(key), f"template {what} can't be longer than {most} characters"
            )


def _check_task(template: TaskTemplate, notes: Notes) -> None:
    if template.allow_all_resolver_usernames and not template.auto_runnable:
        notes.error(
            template.place("allow_all_resolver_usernames"),
            "A template that can be resolved by everybody have to be auto-runnable",
            "write auto_runnable: true",
        )
    if template.auto_runnable and template.resolver_inputs:
        notes.error(
            template.place("auto_runnable"),
            "A template can't be auto runnable if it has resolver inputs",
        )
    if PARENT_TAG in template.tags:
        notes.error(template.tags[PARENT_TAG].at, f'tag name "{PARENT_TAG}" not allowed')


def _check_variable(variable: UtaskVariable, notes: Notes) -> None:
    name, timeout = f'variable "{variable.name}"', variable.expression_timeout
    has_value = variable.value is not None
    if not variable.name:
        notes.error(variable.at, "variable name can't be empty")
    if has_value and variable.expression:
        notes.error(variable.at, f"{name} can't have both value and expression defined")
    if not has_value and not variable.expression:
        notes.error(variable.at, f"{name} expression and value can't be empty at the same time")
    if timeout and has_value:
        notes.error(
            variable.places["expression_timeout"],
            f"{name} expression timeout cannot be defined when value is defined",
        )
    if timeout and read_duration(timeout) is None:
        what = f'{name} time: invalid duration "{timeout}"'
        notes.error(variable.places["expression_timeout"], what, "such as 5s")


def _check_steps(template: TaskTemplate, actions: Actions, notes: Notes) -> None:
    graph = StepGraph(template.steps)
    states = {
        name: frozenset([*(one.text for one in step.custom_states), *actions.states(step.action)])
        for name, step in template.steps.items()
    }
    declared = {
        name: frozenset(one.text for one in step.custom_states)
        for name, step in template.steps.items()
    }
    for step in template.steps.values():
        own = Notes(notes.file)
        _check_step(step, own)
        actions.check(step, template, own)
        for condition in step.conditions:
            check_condition(condition, step, states, graph, own)
        check_dependencies(step, template.steps, declared, graph, own)
        for finding in own.findings:
            at = Position(finding.line, finding.col)
            notes.error(at, f"Invalid step {step.name}: {finding.what}", finding.hint)


def _check_step(step: UtaskStep, notes: Notes) -> None:
    if step.name == THIS:
        notes.error(step.at, "'this' step name is reserved", "rename the step")
    for key in step.runtime_keys:
        notes.error(key.at, f"step {key.text} must not be set", "uTask sets it at run time")
    if step.foreach_strategy:
        _check_word(step, "foreach_strategy", step.foreach_strategy, LOOP_STRATEGIES, notes)
        if not step.foreach:
            notes.error(
                step.place("foreach_strategy"), "foreach_strategy is for steps with foreach"
            )
    if step.retry_pattern:
        _check_word(step, "retry_pattern", step.retry_pattern, RETRY_PATTERNS, notes)
    if not 0 <= step.execution_delay_ns <= DELAY_NS_MAX:
        given = duration_text(step.execution_delay_ns)
        what = f"execution_delay: expected {given} to be a duration between 0s and 20s"
        notes.error(step.place("execution_delay"), what, "it counts nanoseconds: 1000000000 is 1s")
    for state in step.custom_states:
        if state.text in RESERVED_STATES:
            what = f'Custom state "{state.text}" is not allowed as it\'s a reserved state'
            notes.error(state.at, what, f"reserved are {', '.join(RESERVED_STATES)}")
    if step.json_schema is not None:
        for fault in schema_faults(step.json_schema):
            notes.error(step.place("json_schema"), f"Jsonschema: {fault}")


def _check_word(step: UtaskStep, key: str, word: str, words: Sequence[str], notes: Notes) -> None:
    if word not in words:
        hint = closest(word, words) or f"one of {', '.join(words)}"
        notes.error(step.place(key), f'{key} "{word}" is not a valid value', hint)
