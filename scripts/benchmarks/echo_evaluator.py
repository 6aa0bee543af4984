"""An evaluator that does nothing: what is left is the cost of the processes."""

import os
from collections.abc import Iterator, Sequence
from typing import Final

from floe.dialects.base import Evaluator
from floe.model.flow import Flow
from floe.model.ids import Json
from floe.model.judging import Question, Verdict
from floe.model.opening import Opened
from floe.model.run import Run


class EchoEvaluator:
    """Gives each question the same state."""

    def judge(
        self, run: Run, asks: Sequence[Question], known: Sequence[Verdict], around: Json
    ) -> Iterator[Verdict]:
        """One verdict for each question."""
        for _ in asks[len(known) :]:
            yield Verdict(state="DONE", outputs={"pid": os.getpid()})

    def judge_text(self, kind: str, body: Json) -> Json:
        """The text itself."""
        return body

    def open(self, event: Json, flow: Flow, around: Json) -> Opened:
        """No run."""
        return Opened()


ECHO: Final[Evaluator] = EchoEvaluator()
