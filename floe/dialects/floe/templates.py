"""Templates in documents: their kind of value, and the check that their paths lead to something."""

import re
from collections.abc import Container, Iterator
from functools import partial
from typing import Final, NamedTuple

from floe.dialects.braces import THEIRS
from floe.dialects.floe.given import nodes_before, values_of
from floe.dialects.floe.other_words import value_of_variable
from floe.dialects.floe.path_kinds import kind_of_path
from floe.dialects.kinds import Schema, Text, Unfit, quoted, text_of
from floe.dialects.nearest import closest
from floe.dialects.notes import Notes, Position
from floe.dialects.tree import Scalar, Tree
from floe.expr.paths import HOSTS, shown
from floe.expr.template import (
    NAMES,
    TemplateInvalid,
    WrittenPart,
    expression_of,
    template_of,
    template_parts,
    unknown_words,
)
from floe.kernel.judge import AT_NODE, HOST, OF_ITEM
from floe.kernel.named_values import NODE, RUN, TRIGGER
from floe.model.callback import Callback
from floe.model.flow import Flow
from floe.model.ids import NodeId
from floe.model.nouns import dataclass
from floe.model.template import Path, Template, TemplatePart
from floe.model.work import Ask

LATER: Final = ("host", "hosts", "ws", "item", "index")
"""Names of the language that not every template can use."""

_BEGINNINGS: Final = ("not", "true", "false", "null", "none")
"""Words with which an expression may begin, but not right behind the braces."""

NEAR_MAX: Final = 20
"""Words in braces that are compared with floe's names."""


class TemplateText(NamedTuple):
    """A template as it is written in a document."""

    tree: Scalar
    parts: tuple[WrittenPart, ...]

    @property
    def template(self) -> Template:
        """The template itself."""
        return template_of(self.parts)


NO_TEMPLATE: Final[TemplateText | None] = None


@dataclass(frozen=True)
class TemplateKind:
    """Kind of value: a template, a text with `{{ values.branch }}` in it."""

    label: str = "template"
    takes_values: bool = True

    def read(self, tree: Tree, key: str, notes: Notes) -> TemplateText:
        return read_template(text_of(tree, key), notes)

    def schema(self) -> Schema:
        return Text().schema()


def read_template(tree: Scalar, notes: Notes, also: tuple[str, ...] = ()) -> TemplateText:
    """A template with its position. Raises Unfit.

    `also`: first names beside those of every template.
    """
    names = (*NAMES, *also)
    try:
        found = TemplateText(tree, template_parts(tree.text, names))
    except TemplateInvalid as error:
        raise Unfit(tree.position_of(error.offset), error.what, error.hint) from None
    for offset, word in [*unknown_words(tree.text, names)][:NEAR_MAX]:
        _note_other_template(word, names, tree.position_of(offset), notes)
    return found


_TEXT: Final = Text()


@dataclass(frozen=True)
class FilledText:
    """Kind of value: text that may be a template."""

    plain: Text = _TEXT
    """Its kind without values; with values, a pattern holds for the text around them."""
    may_begin: bool = False
    """Whether a value may be all of it, or its beginning."""
    also: tuple[str, ...] = ()
    """First names beside those of other work."""
    takes_values: bool = True

    @property
    def label(self) -> str:
        return self.plain.label

    def read(self, tree: Tree, key: str, notes: Notes) -> str | Template:
        scalar = text_of(tree, key)
        if "{{" not in scalar.text:
            return self.plain.read(tree, key, notes)
        text = read_template(scalar, notes, (*AT_NODE, *OF_ITEM, *self.also))
        template = text.template
        is_plain = not any(part.is_value for part in template.parts)
        around = "".join(_VALUE if part.is_value else part.text for part in template.parts)
        is_free = self.may_begin and around.startswith(_VALUE)
        if self.plain.pattern and not is_free and not re.fullmatch(self.plain.pattern, around):
            what = f"`{key}` cannot be {quoted(scalar.text)}"
            raise Unfit(scalar.at, what, self.plain.like)
        return around if is_plain else template

    def schema(self) -> Schema:
        return Text().schema()


_VALUE: Final = "\0"
"""Stands for a value in a text that is matched with a pattern."""


class Mentioned(NamedTuple):
    """A path in a template, with its place in the document."""

    path: Path
    at: Position
    is_all: bool = True
    """Whether it is all that stands between the braces."""
    may_miss: bool = False
    """Whether the expression says what becomes of a missing value."""


def mentioned(text: TemplateText) -> Iterator[Mentioned]:
    """The paths in a template and in its expressions."""
    for offset, part in text.parts:
        if part.path:
            yield Mentioned(part.path, text.tree.position_of(offset))
        elif part.code:
            from floe.expr.flow.walk import mentions  # most flows have no expression

            for named, may_miss in mentions(expression_of(part).part):
                at = text.tree.position_of(offset + named.at)
                yield Mentioned(named.path, at, is_all=False, may_miss=may_miss)


def check_template(
    text: TemplateText | None,
    flow: Flow,
    notes: Notes,
    run: tuple[str, ...] = RUN,
    *,
    node: NodeId | None = None,
    also: tuple[str, ...] = (),
) -> None:
    """Report the paths of a template that can never lead to a value, and types that do not fit.

    `run`: what it can name of the run. `node`: the node that the text belongs to. `also`: first
    names that it can use beside those of every template.
    """
    if text is None:
        return
    before = None if node is None else nodes_before(flow, node)
    for one in mentioned(text):
        _check_path(one, flow, run, also, notes)
        if before is not None and one.path[0] in ("task", "merge") and not one.may_miss:
            _check_order(one, before, flow, notes)
    for offset, part in text.parts:
        if part.code:
            _check_kinds(part, flow, text, offset, notes)


def _check_order(one: Mentioned, before: Container[str], flow: Flow, notes: Notes) -> None:
    """Warn of a node that may not have settled."""
    id = next((str(step) for step in one.path[1:]), "")
    if id in flow.by_id and id not in before:
        what = f"`{one.path[0]}.{id}` is not before this node, so its values may be missing here"
        notes.warning(one.at, what, "listen to it, or use |default('…')")


def _check_kinds(
    part: TemplatePart, flow: Flow, text: TemplateText, offset: int, notes: Notes
) -> None:
    from floe.expr.flow.type_mistakes import mistakes  # most flows have no expression

    for one in mistakes(expression_of(part).part, partial(kind_of_path, flow)):
        note = notes.error if one.is_error else notes.warning
        note(text.tree.position_of(offset + one.at), one.what)


_NO_TEXT: Final = "`secrets` has no values: a secret never stands in a text"
_IN_VARIABLE: Final = "name it in `secrets:` of the task, and read its variable in the command"


def _note_other_template(word: str, names: tuple[str, ...], at: Position, notes: Notes) -> None:
    if word == "secrets":
        notes.error(at, _NO_TEXT, _IN_VARIABLE)
    elif word in LATER:
        what = f"`{{{{ {word}` stays text here: a template can name {', '.join(names)}"
        notes.warning(at, what)
    elif word in _BEGINNINGS:
        what = (
            f"`{{{{ {word}` stays text: an expression begins with a name, a quote, a number, ( or ["
        )
        notes.warning(at, what, f"{{{{ ({word} …) }}}}")
    elif hint := f"floe has `{THEIRS[word]}`" if word in THEIRS else closest(word, names):
        notes.warning(at, f"`{{{{ {word}` is none of floe's names, and stays text", hint)


def _check_path(
    one: Mentioned, flow: Flow, run: tuple[str, ...], also: tuple[str, ...], notes: Notes
) -> None:
    match one.path:
        case ("host", *rest) if "host" in also:
            _check_host(tuple(rest), one, notes)
        case (str(first), *_) if first == HOSTS:
            if HOSTS not in also:
                what = "`hosts` is for `foreach` and `if` of a task"
                notes.error(one.at, what, f"foreach: {shown(one.path)}")
        case ("hosts", *_) if HOSTS in also:
            notes.error(one.at, "`hosts` takes tags in brackets", "hosts('linux')")
        case ("ws", _, *_) if "ws" in also:
            notes.error(one.at, "`ws` is a text, and has no names", "ws ~ '/build'")
        case (str(first), *_) if first in also:
            pass
        case ("secrets", *_):
            notes.error(one.at, _NO_TEXT, _IN_VARIABLE)
        case (str(first), *_) if first not in NAMES:
            names = (*NAMES, *also)
            what = f"`{first}` names nothing here"
            hint = value_of_variable(first) or closest(first, names)
            hint = hint or f"it can name {', '.join(names)}"
            if first in OF_ITEM:
                what, hint = f"`{first}` is for a task with items", "add `foreach` or `matrix`"
            notes.error(one.at, what, hint)
        case ("values", str(name), *_):
            _check_value(name, one, flow, notes)
        case ("values",) if not one.is_all:
            pass  # a map
        case ("task" | "merge" as cls, str(id), *rest):
            _check_node(str(cls), id, tuple(rest), one, flow, notes)
        case ("run" | "trigger" as first, name):
            known = run if first == "run" else TRIGGER
            if name not in known:
                hint = closest(str(name), known) or _listed(known)
                notes.error(one.at, f"`{first}` has no `{name}`", hint)
        case _:
            example = f"{{{{ {_EXAMPLES[str(one.path[0])]} }}}}"
            notes.error(one.at, f"`{shown(one.path)}` names no value", example)


def _check_host(rest: Path, one: Mentioned, notes: Notes) -> None:
    if rest[:1] and rest[0] not in HOST:
        notes.error(
            one.at, f"`host` has no `{rest[0]}`", closest(str(rest[0]), HOST) or _listed(HOST)
        )
    elif not rest and one.is_all:
        notes.error(one.at, "`host` names no value", "{{ host.name }}")


def _check_value(name: str, one: Mentioned, flow: Flow, notes: Notes) -> None:
    given = values_of(flow)
    if given is None or name in given:
        return
    hint = closest(name, given)
    if "-" in name and name.rpartition("-")[0] in given:
        hint = f"a minus needs blanks: {name.rpartition('-')[0]} - {name.rpartition('-')[2]}"
    if hint or not one.may_miss:
        what = f"no trigger of this flow gives the value `{name}`"
        notes.warning(one.at, what, hint or _listed(given))


def _check_node(cls: str, id: str, rest: Path, one: Mentioned, flow: Flow, notes: Notes) -> None:
    if flow.flow_file:
        return  # the file has the nodes
    at = one.at
    node = next((n for n in flow.nodes if n.id == id), None)
    if node is None or node.cls != cls:
        ids = tuple(n.id for n in flow.nodes if n.cls == cls)
        hint = f"it is a {node.cls}" if node else closest(id, ids) or _listed(ids)
        notes.error(at, f"the flow has no {cls} `{id}`", hint)
    elif not rest:
        if one.is_all:
            hint = f"{{{{ {cls}.{id}.outputs.url }}}}"
            notes.error(at, f"`{cls}.{id}` names no value", hint)
    elif rest[0] not in NODE:
        hint = closest(str(rest[0]), NODE) or f"{{{{ {cls}.{id}.outputs.url }}}}"
        notes.error(at, f"`{cls}.{id}` has no `{rest[0]}`", hint)
    elif rest[0] == "outputs" and len(rest) < 2:
        if one.is_all:
            hint = f"{cls}.{id}.outputs.url"
            notes.error(at, f"`{cls}.{id}.outputs` is no single value", hint)
    elif rest[0] == "outputs" and isinstance(node.work, Ask):
        fields = tuple(field.id for field in node.work.form.fields)
        if rest[1] not in fields:
            hint = closest(str(rest[1]), fields) or _listed(fields)
            notes.error(at, f"the form of `{id}` has no field `{rest[1]}`", hint)
    elif rest[0] == "outputs" and isinstance(node.work, Callback):
        names = node.work.outputs
        hint = closest(str(rest[1]), names) or _listed(names)
        if rest[1] not in names:
            notes.error(at, f"the answer to `{id}` has no `{rest[1]}`", hint)


def _listed(names: tuple[str, ...]) -> str:
    return f"it has {', '.join(names)}" if names else ""


_EXAMPLES: Final = {
    "values": "values.branch",
    "task": "task.build.outputs.url",
    "merge": "merge.tests.outputs.url",
    "run": "run.id",
    "trigger": "trigger.id",
}
