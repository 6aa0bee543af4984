"""Evaluator processes that are asked which runs outside events open."""

import json
from collections.abc import Sequence
from dataclasses import replace

import pytest

from floe.evaluators import event_exchange
from floe.evaluators.base import EventQuestion
from floe.model.codec import digest_of
from floe.model.flow import Flow
from floe.model.ids import FlowId, Json
from floe.model.opening import Opened
from tests.make_evaluators import a_pool
from tests.toy.dialect import real_flow

pytestmark = pytest.mark.slow

BUILD = real_flow("toy build event=pushed", "a")
SHIP = real_flow("toy ship event=pushed", "a")


def asked(event: Json, flow: Flow = BUILD, dialect: str = "steps") -> EventQuestion:
    """A question about an event in a flow."""
    text = json.dumps(event).encode()
    return EventQuestion(dialect=dialect, flow=flow, digest=digest_of(flow), event=text)


def told(answers: Sequence[Opened]) -> list[str]:
    """How many runs each event opens, or why it could not be judged."""
    return [one.failed or str(len(one.openings)) for one in answers]


def pushed(how: str = "pushed") -> Json:
    return {"event": how}


async def test_no_question_has_no_answer_and_no_process() -> None:
    async with a_pool() as pool:
        answers = await pool.open([])
        running = pool.counts().running

    assert (answers, running) == ((), 0)


async def test_flows_of_more_bytes_than_a_process_keeps_are_all_judged() -> None:
    long = "x" * (3 << 20)
    flows = [replace(BUILD, id=FlowId(f"f{n}"), origin=f"{n}{long}") for n in range(5)]

    async with a_pool() as pool:
        answers = await pool.open([asked(pushed(), flow) for flow in flows * 2])

    assert told(answers) == ["1"] * 10


async def test_answers_of_more_bytes_than_a_process_may_send_at_once_all_come() -> None:
    async with a_pool() as pool:
        answers = await pool.open([asked("long", dialect="garbage")] * 12)

    assert told(answers) == ["1"] * 12


@pytest.mark.parametrize(
    ("event", "why"),
    [
        ("many", "it gave 101 runs, of at most 100"),
        ("nan", "it has a number that is nan"),
        ("typed", "it gave openings with a field of a wrong type"),
        ("text", "it gave str where openings belong"),
    ],
)
async def test_answer_that_no_host_can_take_fails_alone(event: str, why: str) -> None:
    async with a_pool() as pool:
        answers = await pool.open([asked(event, dialect="garbage"), asked(pushed())])
        killed = pool.counts().killed

    assert (told(answers), killed) == ([why, "1"], 0)


async def test_flow_whose_failures_take_too_long_delays_the_events_of_others_no_longer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(event_exchange, "FAILED_LIMITS", 2)
    bad, good = asked(pushed("forever")), asked(pushed(), SHIP)

    async with a_pool(limit_s=1.0) as pool:
        answers = await pool.open([bad, good] * 20)
        killed = pool.counts().killed

    assert [one for one in told(answers) if one == "1"] == ["1"] * 20
    assert told(answers)[-2] == "events before it took too long: timed out after 1 s"
    assert killed < 5
