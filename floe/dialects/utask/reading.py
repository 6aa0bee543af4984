"""Reads documents of uTask to typed templates and functions; checks of meaning come after it."""

from collections.abc import Callable, Mapping
from typing import Final, TypeVar

from floe.dialects.go_scalars import UTASK
from floe.dialects.go_yaml import GoEntry, GoScalar, GoTable, GoTree, json_value, parse_go_yaml
from floe.dialects.notes import Notes
from floe.dialects.utask.document import (
    OUTPUT_STRATEGIES,
    Assertion,
    TaskTemplate,
    UtaskAction,
    UtaskCondition,
    UtaskFunction,
    UtaskInput,
    UtaskStep,
    UtaskVariable,
)
from floe.dialects.utask.keys import Reading, TextAt, TypedKeys, is_null, kind_of
from floe.model.ids import Json

_RUNTIME_KEYS: Final = (
    *("state", "children_steps", "children_steps_map", "output", "metadata", "tags", "children"),
    *("error", "try_count", "last_run", "item"),
)
"""TypedKeys of a step that has run."""

_Read = TypeVar("_Read")


def read_template(text: str, notes: Notes) -> tuple[TaskTemplate, tuple[TextAt, ...]] | None:
    """A template, and all texts that it means; None if the document is no template at all."""
    tree = _table(text, notes)
    if tree is None:
        return None
    reading = Reading(notes)
    return _template(TypedKeys(tree, "the template", reading)), tuple(reading.texts)


def template_of_tree(tree: GoTree, notes: Notes) -> TaskTemplate:
    """A template from the form in which it is stored."""
    return _template(TypedKeys(tree, "the template", Reading(notes)))


def read_function(text: str, notes: Notes) -> UtaskFunction | None:
    """A function; None, with findings, if the document is none."""
    tree = _table(text, notes)
    if tree is None:
        return None
    before = notes.errors
    function = function_of_tree(tree, notes)
    given = function.action.configuration
    if given is None or not isinstance(json_value(given), dict):
        notes.error(
            function.action.at,
            "`action.configuration` of a function is a map",
            "write {} for none",
        )
    return function if notes.errors == before else None


def variables_of_tree(tree: GoTree, notes: Notes) -> tuple[UtaskVariable, ...]:
    """The variables of a template from the form in which they are stored."""
    table = GoTable(tree.at, {"variables": GoEntry(tree.at, tree)})
    return _each(TypedKeys(table, "the template", Reading(notes)), "variables", _variable)


def inputs_of_tree(tree: GoTree, notes: Notes) -> tuple[UtaskInput, ...]:
    """The inputs of a template from the form in which they are stored."""
    table = GoTable(tree.at, {"inputs": GoEntry(tree.at, tree)})
    return _each(TypedKeys(table, "the template", Reading(notes)), "inputs", _input)


def function_of_tree(tree: GoTree, notes: Notes) -> UtaskFunction:
    """A function from the form in which it is stored."""
    keys = TypedKeys(tree, "the function", Reading(notes))
    return UtaskFunction(
        name=keys.text("name"),
        at=keys.at,
        action=_action(keys, "action"),
        pre_hook=_action(keys, "pre_hook") if keys.tree("pre_hook") is not None else None,
        conditions=_each(keys, "conditions", _condition),
        custom_states=keys.texts("custom_states"),
    )


def _table(text: str, notes: Notes) -> GoTree | None:
    tree = parse_go_yaml(text, UTASK, notes)
    if tree is None:
        return None
    if isinstance(tree, GoScalar) and not is_null(tree):
        notes.error(tree.at, f"the document is a map, not {kind_of(tree)}")
        return None
    return tree


def _template(keys: TypedKeys) -> TaskTemplate:
    return TaskTemplate(
        name=keys.text("name").strip().lower(),
        description=keys.text("description"),
        long_description=_optional(keys, "long_description"),
        doc_link=_optional(keys, "doc_link"),
        title_format=keys.text("title_format"),
        result_format=_raw_map(keys, "result_format"),
        allowed_resolver_usernames=keys.texts("allowed_resolver_usernames"),
        allowed_resolver_groups=keys.texts("allowed_resolver_groups"),
        allow_all_resolver_usernames=keys.flag("allow_all_resolver_usernames"),
        allow_task_start_over=keys.flag("allow_task_start_over"),
        auto_runnable=keys.flag("auto_runnable"),
        blocked=keys.flag("blocked"),
        hidden=keys.flag("hidden"),
        retry_max=keys.whole("retry_max"),
        inputs=_each(keys, "inputs", _input),
        resolver_inputs=_each(keys, "resolver_inputs", _input),
        variables=_each(keys, "variables", _variable),
        tags=keys.text_map("tags"),
        steps=_steps(keys),
        base_configurations=_base_configurations(keys),
        places=keys.places(),
    )


def _optional(keys: TypedKeys, key: str) -> str | None:
    return keys.text(key) if keys.tree(key) is not None else None


def _raw_map(keys: TypedKeys, key: str) -> Mapping[str, Json]:
    entries = keys.entries(key)
    for entry in entries.values():
        keys.reading.keep(entry.value)
    return {name: json_value(entry.value) for name, entry in entries.items()}


def _base_configurations(keys: TypedKeys) -> Mapping[str, GoTree]:
    entries = keys.entries("base_configurations")
    for entry in entries.values():
        keys.reading.keep(entry.value)
    return {name: entry.value for name, entry in entries.items()}


def _each(keys: TypedKeys, key: str, read: Callable[[TypedKeys], _Read]) -> tuple[_Read, ...]:
    """The parts of a list of maps."""
    what = f"a part of `{key}`"
    return tuple(read(TypedKeys(item, what, keys.reading)) for item in keys.items(key))


def _input(keys: TypedKeys) -> UtaskInput:
    return UtaskInput(
        at=keys.at,
        name=keys.text("name"),
        description=keys.text("description"),
        regex=_optional(keys, "regex"),
        legal_values=tuple(map(json_value, keys.items("legal_values"))),
        collection=keys.flag("collection"),
        type=keys.text("type"),
        optional=keys.flag("optional"),
        default=keys.raw("default"),
        hidden=keys.flag("hidden"),
        places=keys.places(),
    )


def _variable(keys: TypedKeys) -> UtaskVariable:
    return UtaskVariable(
        at=keys.at,
        name=keys.text("name"),
        value=keys.raw("value"),
        expression=keys.text("expression"),
        expression_timeout=keys.text("expression_timeout"),
        places=keys.places(),
    )


def _steps(keys: TypedKeys) -> Mapping[str, UtaskStep]:
    found = {}
    for name, entry in keys.entries("steps").items():
        if is_null(entry.value):
            keys.reading.notes.error(entry.key_at, f"step {name} is empty", "give it an action")
            continue
        found[name] = _step(name, TypedKeys(entry.value, f"step {name}", keys.reading))
    return found


def _step(name: str, keys: TypedKeys) -> UtaskStep:
    pre_hook = keys.tree("pre_hook")
    return UtaskStep(
        at=keys.at,
        name=name,
        given_name=keys.text("name"),
        description=keys.text("description"),
        action=_action(keys, "action"),
        pre_hook=_action(keys, "pre_hook") if pre_hook is not None else None,
        dependencies=keys.texts("dependencies"),
        conditions=_each(keys, "conditions", _condition),
        custom_states=keys.texts("custom_states"),
        foreach=keys.text("foreach"),
        foreach_strategy=keys.text("foreach_strategy"),
        retry_pattern=keys.text("retry_pattern"),
        max_retries=keys.whole("max_retries") or 0,
        execution_delay_ns=keys.whole("execution_delay") or 0,
        idempotent=keys.flag("idempotent"),
        json_schema=keys.raw("json_schema"),
        resources=keys.texts("resources"),
        runtime_keys=_runtime_keys(keys),
        places=keys.places(),
    )


def _runtime_keys(keys: TypedKeys) -> tuple[TextAt, ...]:
    """Those of a step that has run; null, "" and 0 count as not given."""
    given = []
    for key in _RUNTIME_KEYS:
        tree = keys.tree(key)
        if tree is not None and not (isinstance(tree, GoScalar) and tree.value in ("", 0)):
            given.append(TextAt(key, keys.place(key)))
    return tuple(given)


def _condition(keys: TypedKeys) -> UtaskCondition:
    return UtaskCondition(
        at=keys.at,
        type=keys.text("type"),
        assertions=_each(keys, "if", _assertion),
        then=keys.text_map("then"),
        final=keys.flag("final"),
        foreach=keys.text("foreach"),
        message=keys.text("message"),
    )


def _assertion(keys: TypedKeys) -> Assertion:
    return Assertion(
        at=keys.at,
        value=keys.text("value"),
        operator=keys.text("operator"),
        expected=keys.text("expected"),
        list_separator=keys.text("list_separator"),
        message=keys.text("message"),
    )


def _action(outer: TypedKeys, key: str) -> UtaskAction:
    """An action; what is in its configuration and output is never converted to a text."""
    tree = outer.tree(key) or GoScalar(outer.place(key), None)
    keys = TypedKeys(tree, f"`{key}` of {outer.what}", outer.reading)
    configuration = keys.tree("configuration")
    if configuration is not None:
        outer.reading.keep(configuration)
    strategy, output_format = _output(keys)
    return UtaskAction(
        at=keys.at,
        type=keys.text("type"),
        configuration=configuration,
        has_configuration=keys.is_given("configuration"),
        base_configuration=keys.text("base_configuration"),
        output_strategy=strategy,
        output_format=output_format,
        places=keys.places(),
    )


def _output(keys: TypedKeys) -> tuple[str, Json]:
    """The strategy and format of an output; `base_output` is an older word for a merge."""
    tree = keys.tree("output")
    strategy, output_format = "none", None
    if tree is not None:
        output = TypedKeys(tree, f"`output` of {keys.what}", keys.reading, is_strict=True)
        if output.tree("strategy") is not None:
            before = keys.reading.notes.errors
            strategy = output.text("strategy")
            if strategy not in OUTPUT_STRATEGIES and keys.reading.notes.errors == before:
                names = ", ".join(OUTPUT_STRATEGIES)
                output.error("strategy", f"unknown output strategy {strategy!r}", f"one of {names}")
        output_format = output.raw("format")
    if keys.tree("base_output") is not None:
        return "merge", keys.raw("base_output")
    return strategy, output_format
