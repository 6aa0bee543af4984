"""The form with which a person creates a task of a template and resolves it, in floe's dashboard.

It has the inputs of both, but those that uTask's own forms hide.
"""

import re
from collections.abc import Mapping
from typing import Final, NamedTuple

from floe.dialects.utask.document import TaskTemplate, UtaskInput
from floe.expr.gotext.numbers import number_text
from floe.model.form import Field, FieldType, Form
from floe.model.ids import Json

PASSWORD: Final = "password"  # noqa: S105  # a type
"""The type of an input whose values floe does not show."""

RESOLVER: Final = "resolver."
"""Before the field of a resolver's input where an input has the same name."""


class GivenValues(NamedTuple):
    """The values of a form: those of the task, and those of its resolver."""

    input: Mapping[str, Json]
    resolver_input: Mapping[str, Json]


def passwords_of(template: TaskTemplate) -> tuple[str, ...]:
    """The names of all inputs whose values floe does not show."""
    inputs = (*template.inputs, *template.resolver_inputs)
    return tuple(dict.fromkeys(one.name for one in inputs if one.type == PASSWORD))


def start_form(template: TaskTemplate) -> Form:
    """The form of a template."""
    return Form(
        title=template.description,
        fields=tuple(_field(name, one) for name, one in _named(template).items()),
    )


def resolver_form(template: TaskTemplate) -> Form:
    """The form with which a person resolves a task that a different one created."""
    fields = (_field(one.name, one) for one in template.resolver_inputs if not one.hidden)
    return Form(title="", fields=tuple(fields))


def resolver_values(template: TaskTemplate, values: Mapping[str, Json]) -> Mapping[str, Json]:
    """The values of that form as uTask takes them; an empty one counts as not given."""
    inputs = {one.name: one for one in template.resolver_inputs}
    given = {name: value for name, value in values.items() if value not in (None, "")}
    return {name: _typed(inputs[name], value) for name, value in given.items()}


def given_values(template: TaskTemplate, values: Mapping[str, Json]) -> GivenValues:
    """The values of a form as uTask takes them; an empty one counts as not given."""
    inputs: dict[str, Json] = {}
    resolver_inputs: dict[str, Json] = {}
    for name, one in _named(template).items():
        value = values.get(name)
        if value is not None and value != "":
            into = inputs if any(one is own for own in template.inputs) else resolver_inputs
            into[one.name] = _typed(one, value)
    return GivenValues(inputs, resolver_inputs)


def _named(template: TaskTemplate) -> dict[str, UtaskInput]:
    """The inputs with a field, by the id of the field."""
    found = {one.name: one for one in template.inputs if not one.hidden}
    for one in template.resolver_inputs:
        if not one.hidden:
            found[f"{RESOLVER}{one.name}" if one.name in found else one.name] = one
    return found


def _field(name: str, one: UtaskInput) -> Field:
    type_, is_password = _type(one), one.type == PASSWORD
    default = None if is_password else one.default  # what is not given has its default
    return Field(
        id=name,
        prompt=one.description or one.name,
        type=type_,
        value=_shown(default) if type_ == "choice" else default,
        required=one.default is None and not one.optional,
        choices=tuple(map(_shown, one.legal_values)) if type_ == "choice" else (),
        pattern=_pattern(one) if type_ in ("string", "list") else "",
        password=is_password,
    )


def _type(one: UtaskInput) -> FieldType:
    if one.collection:
        return "list"
    if one.legal_values:
        return "choice"
    return "bool" if one.type == "bool" else "number" if one.type == "number" else "string"


def _pattern(one: UtaskInput) -> str:
    """The pattern of a whole value: uTask looks for its own anywhere in it.

    One with both anchors stays as people know it, for errors show it.
    """
    if one.regex is not None:
        is_whole = one.regex.startswith("^") and one.regex.endswith("$")
        is_plain = is_whole and not one.regex.endswith("\\$") and "|" not in one.regex
        return one.regex if is_plain else f"(?s:.*)(?:{one.regex})(?s:.*)"
    return "|".join(re.escape(_shown(value)) for value in one.legal_values)


def _typed(one: UtaskInput, value: Json) -> Json:
    """A value of a field as the input has it: choices and items of lists are texts in a form."""
    if isinstance(value, list | tuple):
        return [_typed(one, item) for item in value]
    for legal in one.legal_values:
        if value == _shown(legal):
            return legal
    if isinstance(value, str) and one.type == "bool" and value in ("true", "false"):
        return value == "true"
    if isinstance(value, str) and one.type == "number":
        return _number(value)
    return value


def _number(text: str) -> Json:
    """The number of a text, or the text, which the check of the input then refuses."""
    try:
        return int(text)
    except ValueError:
        try:
            return float(text)
        except ValueError:
            return text


def _shown(value: Json) -> str:
    """A legal value as people choose it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return number_text(value) if isinstance(value, int | float) else str(value)
