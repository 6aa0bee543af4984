"""A form for a person: to start a run, or to answer within one."""

from typing import Literal

from floe.model.ids import Json
from floe.model.nouns import dataclass
from floe.model.template import Template

FieldType = Literal["text", "string", "bool", "number", "choice", "list"]
Approvers = Literal["anyone", "not-starter"]
"""Who may answer the form of a task. not-starter: everybody but the starter of the run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field of a form."""

    id: str
    prompt: str
    type: FieldType = "string"
    value: Json = None
    """The initial value; None for none."""
    required: bool = True
    choices: tuple[str, ...] = ()
    pattern: str = ""
    """A regular expression (RE2) that a text, or each text of a list, matches as a whole."""
    password: bool = False
    """Whether people type its value unseen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """A form for a person to fill in."""

    title: str
    text: Template | None = None
    """What the person should know; without paths once the form is open."""
    fields: tuple[Field, ...] = ()
    approvers: Approvers = "anyone"
