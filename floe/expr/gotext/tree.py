"""The parts of a Go template, as the parser finds them; `at` is the place in its text."""

from floe.expr.gotext.go_values import Value
from floe.model.nouns import dataclass


@dataclass(frozen=True, slots=True)
class Dot:
    """In a template's tree: `.`"""

    at: int


@dataclass(frozen=True, slots=True)
class Nil:
    """In a template's tree: `nil`"""

    at: int


@dataclass(frozen=True, slots=True)
class Constant:
    """In a template's tree: `true`, `"text"`, `'a'`, `1.5`; `whole` if an int may be meant."""

    at: int
    value: Value
    whole: int | None = None


@dataclass(frozen=True, slots=True)
class DotFields:
    """In a template's tree: `.a.b`"""

    at: int
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class VariableFields:
    """In a template's tree: `$x.a.b`; `slot` is the place of the variable's value."""

    at: int
    slot: int
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FunctionName:
    """In a template's tree: the name of a function."""

    at: int
    name: str


@dataclass(frozen=True, slots=True)
class PipeFields:
    """In a template's tree: `(pipeline).a.b`, `function.a`"""

    at: int
    of: "Operand"
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Command:
    """In a template's tree: an operand with its arguments."""

    at: int
    operands: tuple["Operand", ...]


@dataclass(frozen=True, slots=True)
class Pipe:
    """In a template's tree: commands, and the slots of the variables that get the value."""

    at: int
    slots: tuple[int, ...]
    commands: tuple[Command, ...]


Operand = Dot | Nil | Constant | DotFields | VariableFields | FunctionName | PipeFields | Pipe


@dataclass(frozen=True, slots=True)
class PlainText:
    """In a template's tree: text outside of actions."""

    at: int
    text: str


@dataclass(frozen=True, slots=True)
class Action:
    """In a template's tree: `{{pipeline}}`"""

    at: int
    pipe: Pipe


@dataclass(frozen=True, slots=True)
class Branch:
    """In a template's tree: `if`, `with` or `range`, with what stands behind `else`."""

    at: int
    word: str
    pipe: Pipe
    then: "Block"
    otherwise: "Block"


@dataclass(frozen=True, slots=True)
class Leave:
    """In a template's tree: `break` or `continue`."""

    at: int
    word: str


@dataclass(frozen=True, slots=True)
class Include:
    """In a template's tree: `{{template "name" pipeline}}`"""

    at: int
    name: str
    pipe: Pipe | None


Part = PlainText | Action | Branch | Leave | Include
Block = tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Body:
    """In a template's tree: the text of one name, and how many variables it has."""

    block: Block
    slots: int
