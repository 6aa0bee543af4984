"""The contract of uTask's actions, the same for its own and for those of plugins.

An action gets an `ActionCall` and returns what it came to; or it raises one of the errors here,
which decide the state that its step has then. Any other error is a ServerError.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import field
from typing import Final, TypeVar

from floe.model.ids import Json
from floe.model.nouns import dataclass
from floe.model.opening import ChildOpening
from floe.nodes.base import Job

T = TypeVar("T", str, bool)


@dataclass(frozen=True, slots=True, kw_only=True)
class CameTo:
    """What an action came to: all of it is optional."""

    output: Json = None
    metadata: Json = None
    tags: Mapping[str, str] = field(default_factory=dict)
    """Tags of the task; an empty text deletes one."""
    opens: tuple[ChildOpening, ...] = ()
    """The tasks that it opens."""


class ActionFailed(Exception):
    """An action came to an error. What it came to until then is kept."""

    state = "SERVER_ERROR"

    def __init__(self, why: str, came_to: CameTo | None = None) -> None:
        super().__init__(why)
        self.came_to = came_to or CameTo()
        self.awaits: tuple[str, ...] = ()


class ServerError(ActionFailed):
    """Something failed that may be better at the next try: the step is tried again."""


class ClientError(ActionFailed):
    """The configuration is at fault: the task is blocked until a person has seen it."""

    state = "CLIENT_ERROR"


class ToRetry(ActionFailed):
    """Something that it needs is not there yet: the step is tried again."""

    state = "TO_RETRY"


class NotAssigned(ActionFailed):
    """It waits for news from outside."""

    state = "WAITING"

    def __init__(self, why: str, came_to: CameTo | None = None, awaits: Sequence[str] = ()) -> None:
        """`awaits`: the keys of the updates that together begin the next pass."""
        super().__init__(why, came_to)
        self.awaits = tuple(awaits)


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionCall:
    """One execution of an action."""

    configuration: Mapping[str, Json]
    """Rendered. Keys in lower case."""
    step: str
    task: Mapping[str, Json] = field(default_factory=dict)
    """What templates see as `.task`."""
    try_count: int = 0
    """How often the step was executed before."""
    output: Json = None
    """What the step came to before."""
    metadata: Json = None
    updates: Mapping[str, Mapping[str, Json]] = field(default_factory=dict)
    """News from outside for the run, by key: `state` and `value`."""
    children: Mapping[str, str] = field(default_factory=dict)
    """The tasks that the run has opened, by key."""
    job: Job

    def text(self, key: str) -> str:
        """A text of the configuration; empty for none."""
        value = self.configuration.get(key)
        return self._checked(value, str, key, "a text") or ""

    def flag(self, key: str) -> bool:
        """A bool of the configuration."""
        return self._checked(self.configuration.get(key), bool, key, "a bool") or False

    def texts(self, key: str) -> list[str]:
        """A list of texts of the configuration."""
        return [self._checked(one, str, key, "a list of texts") or "" for one in self.items(key)]

    def items(self, key: str) -> list[Json]:
        """A list of the configuration."""
        value = self.configuration.get(key)
        if value is not None and not isinstance(value, list | tuple):
            raise ServerError(f"`{key}` is a list")
        return list(value or ())

    def entries(self, key: str) -> dict[str, Json]:
        """A map of the configuration."""
        value = self.configuration.get(key)
        if value is not None and not isinstance(value, Mapping):
            raise ServerError(f"`{key}` is a map")
        return dict(value or {})

    def _checked(self, value: Json, kind: type[T], key: str, name: str) -> T | None:
        if value is not None and not isinstance(value, kind):
            raise ServerError(f"`{key}` is {name}")
        return value


def map_of(value: Json) -> Mapping[str, Json]:
    """A value that is a map; an empty one for any other."""
    return value if isinstance(value, Mapping) else {}


def no_faults(configuration: Mapping[str, Json]) -> Iterable[str]:
    """Nothing to check."""
    return ()


def no_resources(call: ActionCall) -> Sequence[str]:
    """Nothing that is counted."""
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class UtaskActionType:
    """A type of action."""

    name: str
    """As templates write it: `type: http`."""
    run: Callable[[ActionCall], Awaitable[CameTo] | CameTo]
    """A coroutine runs on the host's loop and must not block; a plain function, in a thread."""
    check: Callable[[Mapping[str, Json]], Iterable[str]] = no_faults
    """What is wrong with a configuration as it is written, before its texts are rendered."""
    resources: Callable[[ActionCall], Sequence[str]] = no_resources
    """The labels of `resource-limits` that an execution needs."""


ANSWER_BYTES_MAX: Final = 3 << 20
"""Bytes of what an action comes to, as JSON."""
