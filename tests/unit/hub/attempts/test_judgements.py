"""The judgements that runs owe, by real evaluator processes."""

import asyncio
from collections.abc import Callable

import pytest

from floe.evaluators import exchange
from floe.evaluators.base import Evaluators
from floe.host.inputs import Incoming
from floe.hub.attempts import judgements as judgements_module
from floe.hub.attempts.judgements import Judgements
from floe.model.ids import RunRef
from floe.model.judging import Judged, JudgeRun
from floe.model.nouns import replace
from floe.model.run import Run
from floe.model.states import State, StateTable
from tests.hands import until
from tests.make import H1, REF, STORE, a_flow, a_run
from tests.make_evaluators import StoredFacts, a_log, a_pool, asks, states

TABLE = StateTable(rows=(State(name="DONE"),), dialect="toy", pruned="", fatal="", crashed="")
FLOW = a_flow(states=TABLE)
OTHER = RunRef(H1, STORE, 2)


def a_judged_run(ref: RunRef = REF) -> Run:
    """An active run of a judged flow."""
    return replace(a_run(), ref=ref, flow=FLOW)


def owed(*nodes: str, seq: int = 1, run: RunRef = REF) -> JudgeRun:
    """A judgement that a run owes."""
    return JudgeRun(run=run, epoch=1, seq=seq, asks=asks(*nodes))


def judgements(evaluators: Evaluators | None, put: Callable[[Incoming], None]) -> Judgements:
    """Those of two runs."""
    facts = StoredFacts(a_log(3), a_log(3, OTHER))
    runs = {ref: a_judged_run(ref) for ref in (REF, OTHER)}
    return Judgements(evaluators, facts, runs, put)


def answered(inputs: list[Incoming]) -> list[tuple[RunRef | None, int, list[str]]]:
    """The runs of inputs, the events that they are about, and the states of their verdicts."""
    return [
        (one.run, one.input.seq, states(one.input.verdicts))
        for one in inputs
        if isinstance(one.input, Judged)
    ]


async def test_verdicts_become_an_input_of_the_run() -> None:
    inputs: list[Incoming] = []
    async with a_pool() as pool:
        judgements(pool, inputs.append).perform(owed("a", "b", seq=2))
        await until(lambda: inputs)

    assert answered(inputs) == [(REF, 2, ["before a", "before b"])]


async def test_judgement_without_a_verdict_for_each_question_is_partial(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(exchange, "LIMITS_MAX", 0.5)
    inputs: list[Incoming] = []
    async with a_pool() as pool:
        judgements(pool, inputs.append).perform(owed(*["slow"] * 400))
        await until(lambda: inputs)

    [answer] = [one.input for one in inputs if isinstance(one.input, Judged)]
    assert answer.is_partial


async def test_judgement_that_is_owed_twice_is_made_once() -> None:
    inputs: list[Incoming] = []
    async with a_pool() as pool:
        acts = judgements(pool, inputs.append)
        for effect in (owed("a"), owed("a"), owed("b", run=OTHER)):
            acts.perform(effect)
        await until(lambda: len(inputs) == 2)

    assert len(answered(inputs)) == 2


async def test_judgement_is_made_again_after_a_restart() -> None:
    inputs: list[Incoming] = []
    async with a_pool() as pool:
        judgements(pool, inputs.append).perform(owed("a"))
        await until(lambda: inputs)
        judgements(pool, inputs.append).perform(owed("a"))
        await until(lambda: len(inputs) == 2)

    assert answered(inputs) == [(REF, 1, ["before a"])] * 2


async def test_judgement_that_is_owed_no_more_gives_no_input() -> None:
    inputs: list[Incoming] = []
    async with a_pool() as pool:
        acts = judgements(pool, inputs.append)
        acts.perform(owed("forever"))
        await until(lambda: pool.counts().running)
        acts.close(owed("forever"))
        acts.perform(owed("a", run=OTHER))
        await until(lambda: inputs)

    assert answered(inputs) == [(OTHER, 1, ["before a"])]


async def test_next_judgement_of_a_run_follows_on_the_one_before() -> None:
    inputs: list[Incoming] = []
    async with a_pool() as pool:
        acts = judgements(pool, inputs.append)
        acts.perform(owed("a"))
        await until(lambda: inputs)
        acts.close(owed("a"))
        acts.perform(owed("b", seq=3))
        await until(lambda: len(inputs) == 2)

    assert answered(inputs)[1] == (REF, 3, ["before b"])


async def test_run_knows_how_many_judgements_come_first() -> None:
    async with a_pool() as pool:
        acts = judgements(pool, lambda incoming: None)
        acts.perform(owed("sleep"))
        acts.perform(owed("a", run=OTHER))
        await asyncio.sleep(0)

        assert (acts.wait_of(REF), acts.wait_of(OTHER)) == ("", "1 other judgement comes first")
        assert acts.counts().waiting == 2


def after(*nodes: str) -> JudgeRun:
    """A judgement about the results of nodes."""
    effect = owed(*nodes)
    return replace(effect, asks=tuple(replace(one, stage="after") for one in effect.asks))


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tries again without a wait."""
    monkeypatch.setattr(judgements_module, "AGAIN_S", (0.0, 0.0))


@pytest.mark.usefixtures("at_once")
async def test_result_that_could_not_be_judged_is_judged_again_a_few_times() -> None:
    inputs: list[Incoming] = []
    async with a_pool(limit_s=60.0) as pool:
        acts = judgements(pool, inputs.append)
        acts.perform(after("exit"))
        await until(lambda: inputs)

        assert pool.counts().killed == 2 * 3
    [(_, _, [why])] = answered(inputs)
    assert why == "ended with exit status 7"


async def test_results_before_one_that_could_not_be_judged_have_their_verdicts_at_once() -> None:
    inputs: list[Incoming] = []
    async with a_pool() as pool:
        judgements(pool, inputs.append).perform(after("a", "exit", "b"))
        await until(lambda: inputs)

    assert answered(inputs) == [(REF, 1, ["after a"])]


async def test_judgement_that_is_tried_again_says_so_until_it_is_owed_no_more() -> None:
    async with a_pool() as pool:
        acts = judgements(pool, lambda incoming: None)
        acts.perform(after("exit"))
        await until(lambda: acts.wait_of(REF).startswith("time or memory ran out"))

        acts.close(after("exit"))

        assert acts.wait_of(REF) == ""


async def test_entry_that_could_not_be_judged_fails_at_once() -> None:
    inputs: list[Incoming] = []
    async with a_pool() as pool:
        judgements(pool, inputs.append).perform(owed("exit"))
        await until(lambda: inputs)

        assert pool.counts().killed == 2


def test_host_without_evaluators_fails_each_question() -> None:
    inputs: list[Incoming] = []
    acts = judgements(None, inputs.append)

    acts.perform(owed("a", "b"))

    assert answered(inputs) == [(REF, 1, ["this host has no evaluators"] * 2)]
    assert (acts.wait_of(REF), acts.problem(), acts.counts().most) == ("", "", 0)


def test_judgement_of_a_run_that_is_gone_is_not_made() -> None:
    inputs: list[Incoming] = []

    judgements(None, inputs.append).perform(owed("a", run=RunRef(H1, STORE, 3)))

    assert inputs == []
