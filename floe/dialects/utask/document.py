"""A task template of uTask, typed: what its document says, with the positions for findings."""

from collections.abc import Mapping
from dataclasses import field
from typing import Final

from floe.dialects.go_yaml import GoTree
from floe.dialects.notes import Position
from floe.dialects.utask.keys import TextAt
from floe.model.ids import Json
from floe.model.nouns import dataclass

MAX_RETRIES_DEFAULT: Final = 10_000
RETRY_MAX_DEFAULT: Final = 100
"""Passes of a task before a person must extend it."""

THIS: Final = "this"
"""The name of the step itself in conditions and texts."""

OUTPUT_STRATEGIES: Final = ("none", "merge", "template")
RETRY_PATTERNS: Final = ("seconds", "minutes", "hours")
LOOP_STRATEGIES: Final = ("parallel", "sequence")
CONDITION_TYPES: Final = ("skip", "check")
LOOP_CONDITIONS: Final = ("children", "parent")
INPUT_TYPES: Final = ("string", "password", "bool", "number")
OPERATORS: Final = ("EQ", "NE", "GT", "LT", "GE", "LE", "REGEXP", "NOTREGEXP", "IN", "NOTIN")

RESERVED_STATES: Final = (
    *("TODO", "WAITING", "RUNNING", "DONE", "CLIENT_ERROR", "SERVER_ERROR", "FATAL_ERROR"),
    *("CRASHED", "PRUNE", "TO_RETRY", "RETRY_NOW", "AFTERRUN_ERROR", "ANY", "EXPANDED"),
)
"""States that no step may call its own."""

SET_STATES: Final = ("DONE", "PRUNE", "TO_RETRY", "RETRY_NOW", "FATAL_ERROR", "CLIENT_ERROR")
"""States that a condition may set besides a step's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UtaskAction:
    """What a step does: the type of an action or a function, and its configuration."""

    at: Position
    type: str
    configuration: GoTree | None
    has_configuration: bool
    base_configuration: str = ""
    output_strategy: str = "none"
    output_format: Json = None
    places: Mapping[str, Position] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Assertion:
    """One comparison of a condition."""

    at: Position
    value: str
    operator: str
    expected: str
    list_separator: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class UtaskCondition:
    """When a step is skipped or checked, and the states that are then set."""

    at: Position
    type: str
    assertions: tuple[Assertion, ...] = ()
    then: Mapping[str, TextAt] = field(default_factory=dict)
    final: bool = False
    foreach: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class UtaskStep:
    """A step of a task."""

    at: Position
    name: str
    given_name: str = ""
    description: str = ""
    action: UtaskAction
    pre_hook: UtaskAction | None = None
    dependencies: tuple[TextAt, ...] = ()
    conditions: tuple[UtaskCondition, ...] = ()
    custom_states: tuple[TextAt, ...] = ()
    foreach: str = ""
    foreach_strategy: str = ""
    retry_pattern: str = ""
    max_retries: int = 0
    execution_delay_ns: int = 0
    idempotent: bool = False
    json_schema: Json = None
    resources: tuple[TextAt, ...] = ()
    runtime_keys: tuple[TextAt, ...] = ()
    """TypedKeys of a step that has run, which a template must not have."""
    places: Mapping[str, Position] = field(default_factory=dict)

    def place(self, key: str) -> Position:
        """Where a key is, or the step without it."""
        return self.places.get(key, self.at)


@dataclass(frozen=True, slots=True, kw_only=True)
class UtaskInput:
    """A value that a person gives to a task."""

    at: Position
    name: str
    description: str = ""
    regex: str | None = None
    legal_values: tuple[Json, ...] = ()
    collection: bool = False
    type: str = ""
    optional: bool = False
    default: Json = None
    hidden: bool = False
    places: Mapping[str, Position] = field(default_factory=dict)

    def place(self, key: str) -> Position:
        """Where a key is, or the input without it."""
        return self.places.get(key, self.at)


@dataclass(frozen=True, slots=True, kw_only=True)
class UtaskVariable:
    """A named value or JavaScript expression."""

    at: Position
    name: str
    value: Json = None
    expression: str = ""
    expression_timeout: str = ""
    places: Mapping[str, Position] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class UtaskFunction:
    """An action with a name, which steps and other functions use as a type."""

    name: str
    at: Position
    action: UtaskAction
    pre_hook: UtaskAction | None = None
    conditions: tuple[UtaskCondition, ...] = ()
    custom_states: tuple[TextAt, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskTemplate:
    """A template, from which people create tasks."""

    name: str
    description: str
    long_description: str | None = None
    doc_link: str | None = None
    title_format: str = ""
    result_format: Mapping[str, Json] = field(default_factory=dict)
    allowed_resolver_usernames: tuple[TextAt, ...] = ()
    allowed_resolver_groups: tuple[TextAt, ...] = ()
    allow_all_resolver_usernames: bool = False
    allow_task_start_over: bool = False
    auto_runnable: bool = False
    blocked: bool = False
    hidden: bool = False
    retry_max: int | None = None
    inputs: tuple[UtaskInput, ...] = ()
    resolver_inputs: tuple[UtaskInput, ...] = ()
    variables: tuple[UtaskVariable, ...] = ()
    tags: Mapping[str, TextAt] = field(default_factory=dict)
    steps: Mapping[str, UtaskStep] = field(default_factory=dict)
    base_configurations: Mapping[str, GoTree] = field(default_factory=dict)
    places: Mapping[str, Position] = field(default_factory=dict)

    def place(self, key: str) -> Position:
        """Where a key is, or the start of the document."""
        return self.places.get(key, Position(1, 1))
