"""The form in which uTask stores and shows a template: JSON without what is empty."""

from collections.abc import Iterable, Mapping

from floe.dialects.go_yaml import GoTree, json_value
from floe.dialects.utask.document import (
    TaskTemplate,
    UtaskAction,
    UtaskCondition,
    UtaskFunction,
    UtaskInput,
    UtaskStep,
)
from floe.dialects.utask.keys import TextAt
from floe.model.ids import Json


def stored_template(template: TaskTemplate) -> dict[str, Json]:
    """A template as JSON."""
    return _filled(
        name=template.name,
        description=template.description,
        long_description=template.long_description,
        doc_link=template.doc_link,
        title_format=template.title_format,
        result_format=dict(template.result_format),
        allowed_resolver_usernames=_texts(template.allowed_resolver_usernames),
        allowed_resolver_groups=_texts(template.allowed_resolver_groups),
        allow_all_resolver_usernames=template.allow_all_resolver_usernames,
        allow_task_start_over=template.allow_task_start_over,
        auto_runnable=template.auto_runnable,
        blocked=template.blocked,
        hidden=template.hidden,
        retry_max=template.retry_max,
        inputs=[stored_input(one) for one in template.inputs],
        resolver_inputs=[stored_input(one) for one in template.resolver_inputs],
        variables=[
            _filled(
                name=one.name,
                value=one.value,
                expression=one.expression,
                expression_timeout=one.expression_timeout,
            )
            for one in template.variables
        ],
        tags=_text_map(template.tags),
        steps={name: stored_step(step) for name, step in template.steps.items()},
        base_configurations={
            name: json_value(one) for name, one in template.base_configurations.items()
        },
    )


def stored_step(step: UtaskStep) -> dict[str, Json]:
    """A step as JSON."""
    return _filled(
        name=step.given_name,
        description=step.description,
        action=_action(step.action),
        pre_hook=_action(step.pre_hook) if step.pre_hook else None,
        dependencies=_texts(step.dependencies),
        conditions=[_condition(one) for one in step.conditions],
        custom_states=_texts(step.custom_states),
        foreach=step.foreach,
        foreach_strategy=step.foreach_strategy,
        retry_pattern=step.retry_pattern,
        max_retries=step.max_retries,
        execution_delay=step.execution_delay_ns,
        idempotent=step.idempotent,
        json_schema=step.json_schema,
        resources=_texts(step.resources),
    )


def stored_function(function: UtaskFunction) -> dict[str, Json]:
    """A function as JSON."""
    return _filled(
        name=function.name,
        action=_action(function.action),
        pre_hook=_action(function.pre_hook) if function.pre_hook else None,
        conditions=[_condition(one) for one in function.conditions],
        custom_states=_texts(function.custom_states),
    )


def stored_input(one: UtaskInput) -> dict[str, Json]:
    """An input always shows its default."""
    return {
        **_filled(
            name=one.name,
            description=one.description,
            regex=one.regex,
            legal_values=list(one.legal_values),
            collection=one.collection,
            type=one.type,
            optional=one.optional,
            hidden=one.hidden,
        ),
        "default": one.default,
    }


def _action(action: UtaskAction) -> dict[str, Json]:
    has_output = "output" in action.places or "base_output" in action.places
    is_plain = action.output_strategy == "none" and action.output_format is None
    output = {"strategy": action.output_strategy, "format": action.output_format}
    return _filled(
        type=action.type,
        base_configuration=action.base_configuration,
        configuration=_value(action.configuration),
        output=None if is_plain or not has_output else _filled(**output),
    )


def _value(tree: GoTree | None) -> Json:
    return None if tree is None else json_value(tree)


def _condition(one: UtaskCondition) -> dict[str, Json]:
    assertions: list[Json] = [
        _filled(
            value=each.value,
            operator=each.operator,
            expected=each.expected,
            list_separator=each.list_separator,
            message=each.message,
        )
        for each in one.assertions
    ]
    return _filled(
        type=one.type,
        then=_text_map(one.then),
        final=one.final,
        foreach=one.foreach,
        message=one.message,
        **{"if": assertions},
    )


def _texts(given: Iterable[TextAt]) -> list[Json]:
    return [one.text for one in given]


def _text_map(given: Mapping[str, TextAt]) -> dict[str, Json]:
    return {name: one.text for name, one in given.items() if one.text}


def _filled(**members: Json) -> dict[str, Json]:
    """The members that are not empty."""
    return {
        name: value
        for name, value in members.items()
        if value not in (None, "", 0, [], {}) or value is True
    }
