"""The judgements of the toy dialect: a function of a run and of what is to be judged."""

from typing import Final

from floe.kernel.items import state_of
from floe.model.ids import NO_ITEM, Instant, NodeId
from floe.model.judging import Question, Set, Verdict
from floe.model.run import Run
from tests.toy.reader import options_of

BY_STATUS: Final = {0: "DONE", 1: "SERVER_ERROR", 2: "CLIENT_ERROR", 3: "FAILED", 4: "RETRY_NOW"}
"""The state of a step by the exit status of its command; others are fatal."""

RETRY_MS: Final = 30_000


def judged(run: Run, asks: tuple[Question, ...], now: Instant) -> tuple[Verdict, ...]:
    """The verdicts of the toy about a run."""
    return tuple(_verdict(run, question, now) for question in asks)


def _verdict(run: Run, question: Question, now: Instant) -> Verdict:
    assert run.flow is not None
    assert run.passes is not None
    given = options_of(run.flow.by_id[question.node])
    is_whole = question.item == NO_ITEM
    if question.stage == "before":
        if "skip" in given:
            return Verdict(state=given["skip"])
        return Verdict(items=tuple(range(int(given.get("items", "0"))))) if is_whole else Verdict()
    state = state_of(run, question.node, question.item)
    assert state is not None
    if state.items is not None:
        return Verdict(state="FAILED" if state.items.failed else "DONE")
    key = given.get("await", "")
    if "each" in given and not is_whole:
        key = f"{key}.{question.item}"
    if key and key not in run.passes.updates:
        return Verdict(state="WAITING", awaits=(key,))
    outcome = state.attempts[-1].outcome
    name = outcome.kind or BY_STATUS.get(outcome.status or 0, "FATAL_ERROR")
    if outcome.result == "error":
        name = "SERVER_ERROR"
    when, _, target = given.get("then", "").partition(">")
    node, _, to = target.partition(":")
    sets = (Set(node=NodeId(node), state=to),) if when == name and is_whole else ()
    due = Instant(now + (round(float(given["due"]) * 1000) if "due" in given else RETRY_MS))
    return Verdict(state=name, sets=sets, due=due, outputs=state.outputs)
