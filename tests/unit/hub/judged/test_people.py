"""People take judged runs, add notes to them, end them and remove them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from floe.evaluators.base import EvaluatorFailed
from floe.host.opening_inputs import OpenRun
from floe.hub.hub import Hub
from floe.hub.judged.people import LATE_MAX
from floe.model.codec import digest_of
from floe.model.errors import Conflict, Removed
from floe.model.ids import NodeId, RunRef
from floe.model.people import AddNote, EndRun, Resolve
from tests.hands import a_hub
from tests.toy.dialect import real_flow
from tests.toy.evaluators import EvaluatorsHere

FLOW = real_flow("toy steps", "a")
TAKE = Resolve(by="alice", resolution="r1")
END = EndRun(by="alice", label="WONTFIX")


def a_note(text: str) -> AddNote:
    return AddNote(by="bob", kind="comment", key="c1", value=text)


@asynccontextmanager
async def a_run() -> AsyncIterator[tuple[Hub, RunRef]]:
    """A hub with a run that rests until a person takes it."""
    async with a_hub(FLOW, evaluators=EvaluatorsHere()) as hub:
        opening = OpenRun(
            flow=FLOW, digest=digest_of(FLOW), trigger=NodeId("start"), by="alice", verdict="TODO"
        )
        done = await hub.open(opening)
        yield hub, RunRef.parse(done.row.key)


async def test_second_person_gets_the_reason_why_a_run_is_not_taken_again() -> None:
    async with a_run() as (hub, run):
        await hub.people.act(run, TAKE)

        with pytest.raises(Conflict, match="alice resolved it"):
            await hub.people.act(run, TAKE)


async def test_notes_after_the_end_follow_those_before_it() -> None:
    async with a_run() as (hub, run):
        await hub.people.note(run, a_note("before"))
        await hub.people.act(run, END)
        await hub.people.note(run, a_note("after"))

        notes = await hub.people.notes(await hub.reads.run(run.key))

    assert [(note.by, note.value) for note in notes] == [("bob", "before"), ("bob", "after")]


async def test_run_that_is_over_takes_no_endless_number_of_notes() -> None:
    async with a_run() as (hub, run):
        await hub.people.act(run, END)
        with pytest.raises(Conflict, match="a run that is over takes"):
            await hub.people.note(run, a_note("x" * 100_000))
        for _ in range(LATE_MAX):
            await hub.people.note(run, a_note("x"))

        with pytest.raises(Conflict, match="a run that is over takes"):
            await hub.people.note(run, a_note("x"))


async def test_run_that_is_not_over_is_not_removed() -> None:
    async with a_run() as (hub, run):
        with pytest.raises(Conflict, match="is not over"):
            await hub.people.remove(run, "alice deleted it")


async def test_late_notes_are_removed_with_their_run() -> None:
    async with a_run() as (hub, run):
        await hub.people.act(run, END)
        await hub.people.note(run, a_note("after"))
        await hub.people.remove(run, "alice deleted it")

        with pytest.raises(Removed, match="alice deleted it"):
            await hub.reads.run(run.key)
        assert await hub.store.row("late-notes", run.key) is None


async def test_host_without_evaluators_judges_no_text() -> None:
    async with a_hub(FLOW) as hub:
        with pytest.raises(EvaluatorFailed, match="no evaluators"):
            await hub.people.judge_text("toy", "title", {})
