"""The keys of a pack task, and the kind of its labels. It has no behaviour besides reading."""

from typing import Final

from floe.dialects.floe.http_kinds import JsonBodyKind
from floe.dialects.floe.templates import FilledText
from floe.dialects.kinds import ListOf, Schema, Text, Unfit
from floe.dialects.notes import Notes
from floe.dialects.pack_work import quoted
from floe.dialects.section import KeySpec, Section
from floe.dialects.tree import Scalar, Table, Tree
from floe.model.nouns import dataclass
from floe.model.template import Template, TemplatePart
from floe.model.template import Text as FlowText

NO_LABELS: Final[tuple[FlowText, ...]] = ()
NO_INPUT: Final[FlowText | None] = None
NO_NAMES: Final[tuple[str, ...]] = ()
NAME: Final = Text(r"[^\n]{1,200}", "a name on one line")


@dataclass(frozen=True)
class PackLabelsKind:
    """Kind of value of pack tasks: labels by name, with values in their texts."""

    label: str = "map"
    takes_values: bool = True

    def read(self, tree: Tree, key: str, notes: Notes) -> tuple[FlowText, ...]:
        if not isinstance(tree, Table):
            raise Unfit(tree.at, f"`{key}` takes a map", f"{key}: {{env: prod}}")
        return tuple(self._label(name, v, notes) for name, (_, v) in tree.entries.items())

    def schema(self) -> Schema:
        text = {"type": ["string", "number", "boolean"]}
        return {"type": "object", "additionalProperties": text}

    def _label(self, name: str, tree: Tree, notes: Notes) -> FlowText:
        begin = f"{quoted(name)}="
        if isinstance(tree, Scalar) and tree.kind in ("boolean", "whole number", "number"):
            return begin + tree.text
        text = FilledText().read(tree, name, notes)
        if isinstance(text, str):
            return begin + text
        return Template(parts=(TemplatePart(text=begin), *text.parts))


PACK_NAME: Final = KeySpec(
    name="pack",
    kind=NAME,
    default="",
    required=True,
    doc="The name of the pack.",
    example="pack: Slack",
)
PACK_LABELS: Final = KeySpec(
    name="labels",
    kind=PackLabelsKind(),
    default=NO_LABELS,
    absent="any pack of that name",
    doc="Labels that the pack has, with values in them.",
    example="labels: {env: '{{ values.env }}'}",
)
PACK_COMMAND: Final = KeySpec(
    name="command",
    kind=NAME,
    default="",
    required=True,
    doc="Its command.",
    example="command: SendMessage",
)
PACK_INPUT: Final = KeySpec(
    name="input",
    kind=JsonBodyKind(),
    default=NO_INPUT,
    absent="no input",
    doc="What the command gets: any JSON, with values in its texts. A text that is one expression "
    "keeps the type of its value.",
    example="input: {channelId: C1, message: '{{ values.version }} is out'}",
)
PACK_GOOD: Final = KeySpec(
    name="good",
    kind=ListOf(NAME, unique=True, least=1),
    default=NO_NAMES,
    absent="all but `FATAL`",
    doc="Events that are a good result; each other one is `bad`.",
    example="good: [MessageSent]",
)
PACK: Final = Section(
    name="`opts` of a pack task",
    keys=(PACK_NAME, PACK_LABELS, PACK_COMMAND, PACK_INPUT, PACK_GOOD),
    doc="Has a pack of flyte carry out a command, and waits for its result.",
)
