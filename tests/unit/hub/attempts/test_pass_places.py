"""How many runs of a flow are in a pass at once on a host."""

import dataclasses

import pytest

from floe.hub.attempts import pass_places
from floe.hub.attempts.pass_places import PassPlaces
from floe.model.ids import FlowId, RunRef
from floe.model.judging import JudgeRun
from floe.model.nouns import replace
from floe.model.run import Run
from tests.hands import until
from tests.make import H1, STORE
from tests.toy.reader import toy_flow
from tests.toy.run import a_judged_run

FLOW = toy_flow("toy", ["a"])


class Ground:
    """Runs of one flow, each in its first pass, and the places for one of them."""

    def __init__(self, limit: int = 1) -> None:
        refs = [RunRef(H1, STORE, number) for number in range(1, 4)]
        self.runs: dict[RunRef, Run] = {ref: replace(a_judged_run(FLOW), ref=ref) for ref in refs}
        self.begun: list[int] = []
        self.places = PassPlaces({FLOW.id: limit}, self.runs, self.begin)

    def begin(self, effect: JudgeRun) -> None:
        self.begun.append(effect.run.serial)

    def admit(self, number: int) -> bool:
        effect = JudgeRun(run=RunRef(H1, STORE, number), epoch=1, seq=1, asks=())
        return self.places.admit(effect, FLOW)

    def rest(self, number: int) -> None:
        ref = RunRef(H1, STORE, number)
        self.runs[ref] = replace(self.runs[ref], phase="resting")


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Places are looked for at once."""
    monkeypatch.setattr(pass_places, "LOOK_S", 0.0)


async def test_run_waits_until_one_before_it_rests() -> None:
    ground = Ground()
    assert [ground.admit(number) for number in (1, 2, 3)] == [True, False, False]

    ground.rest(1)
    await until(lambda: ground.begun == [2])
    ground.rest(2)

    await until(lambda: ground.begun == [2, 3])


async def test_run_keeps_its_place_for_the_whole_pass() -> None:
    ground = Ground()
    ground.admit(1)
    ground.admit(2)

    assert ground.admit(1)


async def test_new_run_does_not_overtake_one_that_waits() -> None:
    ground = Ground()
    ground.admit(1)
    ground.admit(2)
    ground.rest(1)

    assert not ground.admit(3)
    await until(lambda: ground.begun == [2])


async def test_run_that_is_cancelled_while_it_waits_takes_no_place() -> None:
    ground = Ground()
    ground.admit(1)
    ground.admit(2)
    ground.admit(3)
    ground.places.drop(RunRef(H1, STORE, 2))

    ground.rest(1)

    await until(lambda: ground.begun == [3])


@pytest.mark.parametrize(
    ("limit", "text"), [(0, "no run of toy has a pass on this host"), (1, "1 of toy on this host")]
)
async def test_wait_has_its_reason(limit: int, text: str) -> None:
    ground = Ground(limit)
    ground.admit(1)
    ground.admit(2)

    assert text in ground.places.wait_of(RunRef(H1, STORE, 2)).replace(FLOW.id, "toy")
    assert ground.places.wait_of(RunRef(H1, STORE, 9)) == ""


async def test_flow_without_a_limit_has_no_places() -> None:
    ground = Ground()
    other = dataclasses.replace(FLOW, id=FlowId("other"))
    effect = JudgeRun(run=RunRef(H1, STORE, 1), epoch=1, seq=1, asks=())

    assert all(ground.places.admit(effect, other) for _ in range(3))
