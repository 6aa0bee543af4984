"""Templates in documents: their kind of value, and the check that their paths lead to something."""

from dataclasses import dataclass
from typing import Final, NamedTuple

from floe.dialects.floe.given import values_of
from floe.dialects.kinds import Schema, Text, Unfit, closest
from floe.dialects.notes import Notes, Position
from floe.dialects.tree import Scalar, Tree
from floe.expr.template import (
    NAMES,
    TemplateInvalid,
    Written,
    other_words,
    read,
    shown,
    template_of,
)
from floe.kernel.named_values import NODE, RUN, TRIGGER
from floe.model.flow import Ask, Flow
from floe.model.template import Path, Template

LATER: Final = ("host", "ws", "item", "index")
"""Names of the language that a template cannot use here."""

NEAR_MAX: Final = 20
"""Words in braces that are compared with floe's names."""


class TemplateText(NamedTuple):
    """A template as it is written in a document."""

    tree: Scalar
    parts: tuple[Written, ...]

    @property
    def template(self) -> Template:
        """The template itself."""
        return template_of(self.parts)


NO_TEMPLATE: Final[TemplateText | None] = None


@dataclass(frozen=True)
class TemplateKind:
    """Text with `{{ values.branch }}` in it."""

    label: str = "template"

    def read(self, tree: Tree, key: str, notes: Notes) -> TemplateText:
        text = Text().read(tree, key, notes)
        assert isinstance(tree, Scalar), "text is a scalar"
        for offset, word in [*other_words(text)][:NEAR_MAX]:
            _note_other(word, tree.position_of(offset), notes)
        try:
            return TemplateText(tree, read(text))
        except TemplateInvalid as error:
            raise Unfit(tree.position_of(error.offset), error.what, error.hint) from None

    def schema(self) -> Schema:
        return Text().schema()


def check_template(
    text: TemplateText | None, flow: Flow, notes: Notes, run: tuple[str, ...] = RUN
) -> None:
    """Report the paths of a template that can never lead to a value.

    `run`: what it can name of the run.
    """
    for offset, part in text.parts if text else ():
        if part.path:
            _check_path(part.path, flow, run, text.tree.position_of(offset), notes)  # type: ignore[union-attr]  # without a text there is no part


def _note_other(word: str, at: Position, notes: Notes) -> None:
    if word in LATER:
        what = f"`{{{{ {word}` stays text here: a template can name {', '.join(NAMES)}"
        notes.warning(at, what)
    elif hint := closest(word, NAMES):
        notes.warning(at, f"`{{{{ {word}` is none of floe's names, and stays text", hint)


def _check_path(path: Path, flow: Flow, run: tuple[str, ...], at: Position, notes: Notes) -> None:
    match path:
        case ("values", str(name), *_):
            given = values_of(flow)
            if given is not None and name not in given:
                what = f"no trigger of this flow gives the value `{name}`"
                notes.warning(at, what, closest(name, given) or _listed(given))
        case ("task" | "merge" as cls, str(id), *rest):
            _check_node(str(cls), id, tuple(rest), flow, at, notes)
        case ("run" | "trigger" as first, name):
            known = run if first == "run" else TRIGGER
            if name not in known:
                hint = closest(str(name), known) or _listed(known)
                notes.error(at, f"`{first}` has no `{name}`", hint)
        case _:
            example = f"{{{{ {_EXAMPLES[str(path[0])]} }}}}"
            notes.error(at, f"`{shown(path)}` names no value", example)


def _check_node(cls: str, id: str, rest: Path, flow: Flow, at: Position, notes: Notes) -> None:
    if flow.flow_file:
        return  # the file has the nodes
    node = next((n for n in flow.nodes if n.id == id), None)
    if node is None or node.cls != cls:
        ids = tuple(n.id for n in flow.nodes if n.cls == cls)
        hint = f"it is a {node.cls}" if node else closest(id, ids) or _listed(ids)
        notes.error(at, f"the flow has no {cls} `{id}`", hint)
    elif not rest or rest[0] not in NODE:
        word = "" if not rest else str(rest[0])
        what = f"`{cls}.{id}` has no `{word}`" if word else f"`{cls}.{id}` names no value"
        notes.error(at, what, closest(word, NODE) or f"{{{{ {cls}.{id}.outputs.url }}}}")
    elif rest[0] == "outputs" and len(rest) < 2:
        notes.error(at, f"`{cls}.{id}.outputs` is no single value", f"{cls}.{id}.outputs.url")
    elif rest[0] == "outputs" and isinstance(node.work, Ask):
        fields = tuple(field.id for field in node.work.form.fields)
        if rest[1] not in fields:
            hint = closest(str(rest[1]), fields) or _listed(fields)
            notes.error(at, f"the form of `{id}` has no field `{rest[1]}`", hint)


def _listed(names: tuple[str, ...]) -> str:
    return f"it has {', '.join(names)}" if names else ""


_EXAMPLES: Final = {
    "values": "values.branch",
    "task": "task.build.outputs.url",
    "merge": "merge.tests.outputs.url",
    "run": "run.id",
    "trigger": "trigger.id",
}
