"""The flows of a host: a reading of its config, a failed one, and the start of a run."""

import pytest

from floe.expr.form_values import VALUES_MAX
from floe.hub.flows import FlowBook, Flows, flow_start, flow_start_values, flow_trigger
from floe.model.errors import ConfigInvalid, NotFound, TooLarge, ValuesInvalid, Yours
from floe.model.finding import Finding
from floe.model.flow import Trigger
from floe.model.ids import Json, NodeId
from floe.model.states import StateTable
from floe.model.work import Git
from tests.hands import NoRefs
from tests.make import a_flow
from tests.make_triggers import URL, a_poll

HOOK = Trigger(id=NodeId("hook"), type="push", name="hook", git=Git(url="u", key_file="/key"))
START = Trigger(id=NodeId("start"), type="data", name="start")
FLOW = a_flow(triggers=(START, HOOK))
TICK = a_flow(triggers=(Trigger(id=NodeId("tick"), type="timer", name="tick", period_s=60.0),))
BOOK = FlowBook(flows=(FLOW,))


async def test_reading_that_fails_keeps_the_flows_and_shows_its_findings() -> None:
    finding = Finding(file="x.yml", line=1, col=1, what="broken")

    async def read() -> FlowBook:
        raise ConfigInvalid([finding])

    flows = Flows(BOOK, read)
    with pytest.raises(ConfigInvalid):
        await flows.reload()

    assert (flows.book.flows, flows.book.findings) == ((FLOW,), (finding,))


def test_only_flows_with_timers_and_polls_are_timed() -> None:
    assert (FlowBook(flows=(FLOW,)).timed(), FlowBook(flows=(TICK,)).timed()) == ([], ["flow@1"])


def test_start_has_the_repository_of_its_trigger_without_its_key() -> None:
    start = flow_start(BOOK, FLOW, HOOK, {"push": 1}, by="ann", once="")

    assert start.values == {"url": "u", "push": 1}


def test_webhook_pulls_no_trigger_of_a_different_kind() -> None:
    with pytest.raises(NotFound, match="has no push trigger 'start'"):
        flow_trigger(FLOW, "start", "push")


def test_person_pulls_the_first_trigger_that_takes_data_or_the_one_they_name() -> None:
    assert flow_trigger(a_flow(triggers=(HOOK, START)), "", "data") is START
    assert flow_trigger(FLOW, "hook", "data") is HOOK
    assert flow_trigger(TICK, "", "data") is TICK.triggers[0]
    with pytest.raises(NotFound, match="has no trigger 'hooks'") as refused:
        flow_trigger(FLOW, "hooks", "data")
    assert refused.value.hint == "its triggers: start, hook"


async def test_poll_by_hand_takes_the_present_commit_unless_one_is_given() -> None:
    refs = NoRefs()
    refs.found = {"refs/heads/main": "4b825dc6"}
    newest = {"url": URL, "ref": "refs/heads/main", "branch": "main", "hash": "4b825dc6"}

    assert await flow_start_values(a_poll(), {}, refs) == newest
    assert await flow_start_values(a_poll(), {"hash": "1"}, refs) == {"hash": "1"}


async def test_values_by_hand_are_those_of_the_trigger() -> None:
    assert await flow_start_values(HOOK, {"push": "[1]"}, NoRefs()) == {"url": "u", "push": [1]}
    assert await flow_start_values(TICK.triggers[0], {}, NoRefs()) == {}
    with pytest.raises(ValuesInvalid, match="branch: the form has no such field"):
        await flow_start_values(TICK.triggers[0], {"branch": "main"}, NoRefs())


def test_payload_that_is_too_large_starts_nothing() -> None:
    values: dict[str, Json] = {"push": "x" * (VALUES_MAX + 1)}

    with pytest.raises(TooLarge):
        flow_start(BOOK, FLOW, HOOK, values, by="ann", once="")


def test_a_judged_flow_is_not_started_as_one_of_floe() -> None:
    states = StateTable(rows=(), dialect="utask", pruned="", fatal="", crashed="")
    flow = a_flow(triggers=(START,), states=states, dialect="utask")

    with pytest.raises(Yours, match="are opened by the API of utask"):
        flow_start(FlowBook(flows=(flow,)), flow, START, {}, by="ann", once="")
