"""One step of a flyte flow against one event: its context, labels, criteria, and its action.

An error is a value: which template of the step, where in it, and why. It stops this step alone.
"""

from collections.abc import Mapping
from typing import Final, Literal, NamedTuple

from floe.dialects.flyte.flow import (
    FlowPlace,
    FlyteAction,
    FlyteEvent,
    FlyteStep,
    Texts,
    shown_place,
)
from floe.expr.errors import ExpressionError, TooMuch
from floe.expr.fuel import DEPTH_MAX, RESULT_BYTES_MAX, Fuel
from floe.expr.pongo2.scope import TemplateSurroundings
from floe.expr.pongo2.template import RENDER_FUEL, PongoTemplate, parse
from floe.expr.pongo2.values import GoStruct, PackLabels, Value, from_json
from floe.expr.values import is_number
from floe.model.ids import Json

STEP_FUEL: Final = 5 * RENDER_FUEL
"""Of all templates of a step together."""

TRUE: Final = frozenset(("1", "t", "T", "TRUE", "true", "True"))
FALSE: Final = frozenset(("0", "f", "F", "FALSE", "false", "False"))
_WHOLE_END: Final = 1e21
"""From here on Go writes a float with an exponent, also if it is whole."""


class StepFault(NamedTuple):
    """Why a step made no action: a template of it is an error."""

    place: FlowPlace
    """Of the template in the step: `("command", "input", "message")`."""
    what: str
    hint: str = ""
    offset: int | None = None
    """In the template, in characters; None if it is not known."""

    def __str__(self) -> str:
        at = "" if self.offset is None else f", character {self.offset + 1}"
        return f"{shown_place(self.place)}{at}: {self.what}"


Unmet = Literal["event", "labels", "criteria"]
"""Why a step makes no action of an event, without an error."""

StepResult = FlyteAction | Unmet | StepFault


class StepTemplates:
    """The templates of a flow, each read when it is rendered first, and kept."""

    def __init__(self) -> None:
        self._read: dict[str, PongoTemplate | ExpressionError] = {}

    def render(
        self, text: str, names: Mapping[str, Value], surroundings: TemplateSurroundings, fuel: Fuel
    ) -> str:
        """The text that a template gives. Raises ExpressionError."""
        if "{" not in text and text.isprintable():
            return text
        found = self._read.get(text)
        if found is None:
            found = self._read[text] = _read(text)
        if isinstance(found, ExpressionError):
            raise found
        return found.render(names, surroundings, fuel)


def _read(text: str) -> PongoTemplate | ExpressionError:
    try:
        return parse(text)
    except ExpressionError as fault:
        return fault


def event_struct(event: FlyteEvent) -> GoStruct:
    """`Event` of the templates. It is made once for an event, since all numbers become floats."""
    pack: dict[str, Value] = {
        "Id": event.pack.id,
        "Name": event.pack.name,
        "Labels": PackLabels(event.pack.labels),
    }
    return GoStruct(
        "execution.Event",
        {
            "Name": event.name,
            "Pack": GoStruct("execution.Pack", pack),
            "Payload": from_json(event.payload),
            "CreatedAt": event.created_at,
            "ReceivedAt": event.received_at,
        },
    )


def executed(
    step: FlyteStep,
    event: FlyteEvent,
    inherited: Texts,
    surroundings: TemplateSurroundings,
    templates: StepTemplates | None = None,
    struct: GoStruct | None = None,
) -> StepResult:
    """What a step makes of an event, with the context that it inherits.

    `templates` are those of its flow, and `struct` is that of the event, if they are made already.
    """
    if step.event.name != event.name or step.event.pack_name != event.pack.name:
        return "event"
    rendering = _StepRendering(
        event_struct(event) if struct is None else struct,
        inherited,
        surroundings,
        StepTemplates() if templates is None else templates,
    )
    try:
        return _executed(step, event, rendering)
    except _Stopped as stopped:
        return stopped.fault


def _executed(step: FlyteStep, event: FlyteEvent, rendering: "_StepRendering") -> StepResult:
    own = rendering.texts(step.context, ("context",))
    rendering.context = {**rendering.context, **own}
    labels = rendering.texts(step.event.pack_labels, ("event", "packLabels"))
    if not labels.items() <= dict(event.pack.labels).items():
        return "labels"
    if step.criteria and not rendering.is_met(step.criteria):
        return "criteria"
    command = step.command
    return FlyteAction(
        command=command.name,
        pack_name=command.pack_name,
        pack_labels=rendering.texts(command.pack_labels, ("command", "packLabels")),
        input=rendering.input(command.input),
        context=rendering.context,
    )


class _Stopped(Exception):
    """The step is over: one of its templates is an error."""

    def __init__(self, fault: StepFault) -> None:
        super().__init__(fault)
        self.fault = fault


class _StepRendering:
    """Renders the templates of one step, one after the other, from one fuel."""

    def __init__(
        self,
        struct: GoStruct,
        context: Texts,
        surroundings: TemplateSurroundings,
        templates: StepTemplates,
    ) -> None:
        self._struct, self._surroundings, self._templates = struct, surroundings, templates
        self._fuel = Fuel(STEP_FUEL)
        self._chars = 0
        self.context: Texts = context

    def text(self, template: str, place: FlowPlace) -> str:
        """The text of a template at a place of the step."""
        names: dict[str, Value] = {"Event": self._struct, "Context": dict(self.context)}
        try:
            text = self._templates.render(template, names, self._surroundings, self._fuel)
            self._chars += len(text)
            if self._chars > RESULT_BYTES_MAX:
                raise TooMuch("the action has more than 1 MiB of text")
        except ExpressionError as fault:
            found = StepFault(place, fault.what, fault.hint, fault.offset)
            raise _Stopped(found) from None
        return text

    def texts(self, templates: Texts, place: FlowPlace) -> dict[str, str]:
        """The texts of several templates, which do not see one another."""
        return {key: self.text(one, (*place, key)) for key, one in templates.items()}

    def is_met(self, criteria: str) -> bool:
        """Whether criteria come to true; a text that is neither true nor false is an error."""
        text = self.text(criteria, ("criteria",))
        if text not in TRUE | FALSE:
            what = "the criteria come to a text that is neither true nor false"
            hint = "True, true, 1 and False, false, 0 are, without blanks around them"
            raise _Stopped(StepFault(("criteria",), what, hint))
        return text in TRUE

    def input(self, value: Json) -> Json:
        """The input of a command: its texts rendered, its numbers as Go has them."""
        return None if value is None else self._input(value, ("command", "input"))

    def _input(self, value: Json, place: FlowPlace) -> Json:
        if isinstance(value, str):
            return self.text(value, place)
        if len(place) > DEPTH_MAX:
            raise _Stopped(StepFault(place, f"an input has at most {DEPTH_MAX} levels"))
        if isinstance(value, Mapping):
            return {
                key: self._input(one, (*place, key))
                for key, one in value.items()
                if one is not None
            }
        if isinstance(value, list | tuple):
            return [self._input(one, (*place, at)) for at, one in enumerate(value)]
        if value is None:
            what = "a list in an input cannot have null"
            raise _Stopped(StepFault(place, what, "leave the element out"))
        return go_number(value) if is_number(value) else value


def go_number(number: int | float) -> int | float:
    """A number as Go keeps and writes it: a float, which is written as a whole number if it is."""
    try:
        kept = float(number)
    except OverflowError:
        return number
    return int(kept) if kept.is_integer() and abs(kept) < _WHOLE_END else kept
