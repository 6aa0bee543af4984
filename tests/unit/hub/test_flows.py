"""The flows of a host: a reading of its config, a failed one, and the start of a run."""

import pytest

from floe.host.forms import VALUES_MAX
from floe.hub.flows import FlowBook, Flows, start_of
from floe.model.errors import ConfigInvalid, Finding, NotFound, TooLarge
from floe.model.flow import Git, Trigger
from floe.model.refs import Json, NodeId
from tests.make import a_flow

HOOK = Trigger(id=NodeId("hook"), type="push", name="hook", git=Git(url="u", key_file="/key"))
FLOW = a_flow(triggers=(Trigger(id=NodeId("start"), type="data", name="start"), HOOK))
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
    start = start_of(BOOK, FLOW, "push", "hook", {"push": 1}, by="ann", once="")

    assert start.values == {"url": "u", "push": 1}


def test_start_by_a_trigger_of_a_different_kind_is_refused() -> None:
    with pytest.raises(NotFound, match="has no data trigger 'hook'"):
        start_of(BOOK, FLOW, "data", "hook", {}, by="ann", once="")


def test_payload_that_is_too_large_starts_nothing() -> None:
    values: dict[str, Json] = {"push": "x" * (VALUES_MAX + 1)}

    with pytest.raises(TooLarge):
        start_of(BOOK, FLOW, "push", "hook", values, by="ann", once="")
