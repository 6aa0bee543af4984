"""Evaluators of the toy in the process of a test, for what does not need processes of their own."""

import json
from collections.abc import Sequence
from typing import Self

from floe.evaluators.base import (
    EvaluatorCounts,
    EventQuestion,
    FactsAfter,
    Judgement,
    OnVerdicts,
)
from floe.model.ids import Json, RunRef
from floe.model.opening import Opened
from tests.toy.dialect import EVALUATOR


class EvaluatorsHere:
    """Answers about events at once, and never about runs."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        pass

    def begin(self, judgement: Judgement, facts: FactsAfter, done: OnVerdicts) -> None:
        """It waits."""

    def drop(self, run: RunRef) -> None:
        """Nothing is kept."""

    async def judge_text(self, dialect: str, kind: str, body: Json) -> Json:
        return body

    async def open(self, questions: Sequence[EventQuestion]) -> Sequence[Opened]:
        return [EVALUATOR.open(json.loads(one.event), one.flow) for one in questions]

    def counts(self) -> EvaluatorCounts:
        return EvaluatorCounts()

    def wait_of(self, run: RunRef) -> str:
        return ""

    def problem(self) -> str:
        return ""
