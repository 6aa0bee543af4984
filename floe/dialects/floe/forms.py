"""Reads forms, and checks that the initial value of each field fits its type."""

from collections.abc import Sequence
from dataclasses import replace

from floe.dialects.floe.items import written_items
from floe.dialects.floe.vocabulary import (
    APPROVERS,
    CHOICES,
    FIELD_ID,
    FIELD_TYPE,
    FIELDS,
    FORM_FIELD,
    FORM_MAP,
    FORM_TEXT,
    PATTERN,
    PROMPT,
    REQUIRED,
    TITLE,
    VALUE,
)
from floe.dialects.kinds import Flag, Text, Unfit, quoted, scalar
from floe.dialects.notes import Notes
from floe.dialects.section import SectionValues
from floe.dialects.tree import Items, Scalar, Table, Tree
from floe.expr.env_entries import variable_name
from floe.expr.patterns import EXPRESSION_BYTES_MAX, EXPRESSION_SIZE_MAX, fault_of, unmatched
from floe.model.form import Field, FieldType, Form
from floe.model.ids import Json
from floe.model.number import exact_number


def read_form(table: Table | None, title: str, notes: Notes) -> Form:
    """Read a form; without a table, a form without fields."""
    if table is None:
        return Form(title=title)
    form = FORM_MAP.read(table, notes)
    text = form[FORM_TEXT]
    return Form(
        title=form[TITLE] or title,
        text=text.template if text else None,
        fields=read_fields(form[FIELDS], notes),
        approvers=form[APPROVERS],
    )


def read_fields(tables: Sequence[Table], notes: Notes) -> tuple[Field, ...]:
    """Read the fields of a form, or the inputs of a flow."""
    fields: list[Field] = []
    names: dict[str, str] = {}
    for item in tables:
        part = FORM_FIELD.read(item, notes)
        field = _field(part, notes)
        if field is None:
            continue
        name = variable_name(field.id)
        if name in names:
            both = f"`{names[name]}` and `{field.id}` would both be FLOE_IN_{name}"
            twice = f"the field `{field.id}` is defined twice"
            notes.error(part.at, twice if names[name] == field.id else both, "rename one")
        names.setdefault(name, field.id)
        fields.append(field)
    return tuple(fields)


def read_start_form(table: Table | None, title: str, notes: Notes) -> Form:
    """Read the form of a trigger. It has no run yet, whose values or starter it could name."""
    for key in (FORM_TEXT, APPROVERS):
        if table is not None and (entry := table.entries.get(key.name)):
            what = f"`{key.name}` is for the form of a task: here is no run yet"
            notes.error(entry.key_at, what, "move it to the `form` of a data task")
    return replace(read_form(table, title, notes), text=None, approvers="anyone")


def _field(part: SectionValues, notes: Notes) -> Field | None:
    if FIELD_ID not in part or part.is_wrong(FIELD_ID):
        return None
    kind, choices = part[FIELD_TYPE], part[CHOICES]
    if kind == "choice" and CHOICES not in part:
        notes.error(part.at, "a choice needs `choices`", CHOICES.example)
    if kind != "choice" and CHOICES in part and not part.is_wrong(FIELD_TYPE):
        notes.error(part.at_of(CHOICES), f"a {kind} has no `choices`", "type: choice")
    pattern = _pattern(part, kind, notes)
    return Field(
        id=part[FIELD_ID],
        prompt=part[PROMPT] or part[FIELD_ID],
        type=kind,
        value=_value(part, kind, choices, pattern, notes),
        required=part[REQUIRED],
        choices=choices,
        pattern=pattern,
    )


def _pattern(part: SectionValues, kind: FieldType, notes: Notes) -> str:
    """The pattern of a field; empty, and reported, if it cannot be one."""
    pattern = part[PATTERN]
    if not pattern or part.is_wrong(FIELD_TYPE):
        return ""
    if kind not in ("string", "text", "list"):
        notes.error(part.at_of(PATTERN), f"a {kind} has no `pattern`", "type: string")
        return ""
    if fault := fault_of(pattern, EXPRESSION_SIZE_MAX, EXPRESSION_BYTES_MAX):
        what = f"`pattern` is not a valid RE2 regular expression: {fault}"
        notes.error(part.at_of(PATTERN), what, PATTERN.example)
        return ""
    return pattern


def _value(
    part: SectionValues, kind: FieldType, choices: tuple[str, ...], pattern: str, notes: Notes
) -> Json:
    tree = part[VALUE]
    if tree is None or part.is_wrong(FIELD_TYPE):
        return None
    try:
        if kind == "bool":
            return Flag().read(tree, VALUE.name, notes)
        if kind == "number":
            return _number(tree)
        if kind == "list":
            return _fitting(pattern, _items(tree), tree, notes)
        text = Text().read(tree, VALUE.name, notes)
    except Unfit as e:
        notes.error(e.at, e.what, e.hint)
        return None
    if choices and text not in choices:
        what = f"`value` is not one of the choices: {quoted(text)}"
        notes.error(tree.at, what, f"one of {', '.join(choices)}")
    return _fitting(pattern, text, tree, notes)


def _items(tree: Tree) -> Json:
    if not isinstance(tree, Items):
        found = quoted(tree.text) if isinstance(tree, Scalar) else "a map"
        raise Unfit(tree.at, f"`{VALUE.name}` takes a list, not {found}", "value: [eu, us]")
    return written_items(tree, VALUE.name)


def _fitting(pattern: str, value: Json, tree: Tree, notes: Notes) -> Json:
    if not pattern or not (fault := unmatched(pattern, value)):
        return value
    notes.error(tree.at, f"`{VALUE.name}` {fault}", "change the value, or the pattern")
    return None


def _number(tree: Tree) -> Json:
    value = scalar(tree, VALUE.name, "a number")
    if value.kind not in ("whole number", "number"):
        raise Unfit(value.at, f"`{VALUE.name}` takes a number, not {quoted(value.text)}")
    try:
        return exact_number(value.text)
    except ValueError as error:
        what = f"`{VALUE.name}` cannot be {quoted(value.text)}"
        raise Unfit(value.at, what, str(error)) from None
