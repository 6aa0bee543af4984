"""The port of the evaluators, as the hub sees it."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from floe.model.errors import World
from floe.model.flow import Flow
from floe.model.ids import Json, RunRef
from floe.model.judging import Question, Verdict
from floe.model.nouns import dataclass
from floe.model.opening import Opened
from floe.store.base import Stored

FactsAfter = Callable[[RunRef, int, int], Awaitable[Sequence[Stored]]]
"""Reads the facts of a run after a sequence number, at most some (0: all). Raises FloeError."""

OnVerdicts = Callable[[Sequence[Verdict]], None]
"""Takes the verdicts of a judgement, in the order of its asks. Never blocks."""


class EvaluatorFailed(World):
    """Error: an evaluator process ended, was killed, or could not judge a text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What one run asks of an evaluator, about the run as it was after a fact."""

    run: RunRef
    epoch: int
    seq: int
    """Of the last fact that counts."""
    asks: tuple[Question, ...]
    dialect: str
    """The name of the evaluator."""
    flow: Flow
    digest: str
    """The name of the flow with `around`, under which a process keeps both."""
    around: bytes = b""
    """As JSON, what the judgement reads besides the run and the flow; empty for nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventQuestion:
    """For an evaluator: which runs does an event open in one flow?"""

    dialect: str
    """The name of the evaluator."""
    flow: Flow
    digest: str
    event: bytes
    """As JSON."""
    around: bytes = b""
    """As in Judgement."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluatorCounts:
    """The figures of the evaluators of a host."""

    most: int = 0
    """Processes at most."""
    running: int = 0
    waiting: int = 0
    """Judgements that wait for a process, and those under way."""
    killed: int = 0
    """Processes that ended during a judgement, or were killed, since the start."""


class Evaluators(Protocol):
    """The port for the processes that judge. Use as `async with`; nothing runs until it is used."""

    async def __aenter__(self) -> "Evaluators": ...

    async def __aexit__(self, *exc: object) -> None: ...

    def begin(self, judgement: Judgement, facts: FactsAfter, done: OnVerdicts) -> None:
        """Have something judged. `done` is called once, unless the judgement is dropped; with
        fewer verdicts, but at least one, if the judgement ran out of time.

        A question that takes too long, needs too much memory or ends its process gets a verdict
        that `failed`, with the reason; the others get their own.
        """
        ...

    def drop(self, run: RunRef) -> None:
        """Forget the judgement of a run, if it is not done."""
        ...

    async def judge_text(self, dialect: str, kind: str, body: Json) -> Json:
        """Judge what belongs to no run yet: a title, an event. Raises EvaluatorFailed."""
        ...

    async def open(self, questions: Sequence[EventQuestion]) -> Sequence[Opened]:
        """What events come to, in the order of the questions.

        A question that takes too long, needs too much memory or ends its process has an answer that
        `failed`, with the reason; the others have their own.
        """
        ...

    def counts(self) -> EvaluatorCounts:
        """Their figures."""
        ...

    def wait_of(self, run: RunRef) -> str:
        """What delays the judgement of a run, as a sentence; empty for nothing."""
        ...

    def problem(self) -> str:
        """Why no process can be started, as a sentence without a subject; empty while it can."""
        ...
