"""Stories that flyte's own code was seen to go through, and that no recorded story of ours has.

Source: reference of flyte, edge cases of its execution.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.integration.test_flyte_scenarios import Packs, a_flyte_site

pytestmark = pytest.mark.slow


def a_step(id: str, event: str, command: str, *, pack: str = "P", **more: Any) -> dict[str, Any]:
    """A step of a flow; its input is the whole context that it has, as far as it is named."""
    given = "{{ Event.Name }} a={{ Context.a }} b={{ Context.b }}"
    return {
        "id": id,
        "event": {"packName": pack, "name": event},
        "command": {"packName": "P", "name": command, "input": given},
        **more,
    }


def a_flow(*steps: dict[str, Any], name: str = "f") -> dict[str, Any]:
    return {"name": name, "steps": list(steps)}


class Story(Packs):
    """One pack, P, which sends, takes and completes."""

    async def send(self, event: str, pack: str = "P") -> None:
        body = {"event": event}
        assert (await self.ask("POST", f"/v1/packs/{pack}/events", json=body))[0] == 202
        await self.settled()

    async def take_one(self, command: str = "", pack: str = "P") -> dict[str, Any] | None:
        """An action of a command, or of any; None if there is none."""
        path = f"/v1/packs/{pack}/actions/take?actionName={command}"
        status, text = await self.ask("POST", path)
        return json.loads(text) if status == 200 else None

    async def complete(self, command: str, event: str, pack: str = "P") -> None:
        """Take an action of a command and complete it."""
        work = await self.take_one(command, pack)
        assert work is not None, f"nothing to take for {command}"
        link = work["links"][0]["href"]
        assert (await self.ask("POST", link, json={"event": event}))[0] == 202
        await self.settled()

    async def inputs(self) -> list[tuple[str, str]]:
        """The commands and inputs of all actions that are left, taken in order."""
        found = []
        while work := await self.take_one():
            found.append((work["command"], work["input"]))
        return found

    async def runs(self) -> list[dict[str, Any]]:
        """The states of the actions of each correlation, by step."""
        flows = json.loads((await self.ask("GET", "/v1/audit/flows"))[1])["flows"]
        return [
            {step: action["state"]["value"] for step, action in flow["actions"].items()}
            for flow in reversed(flows)
        ]


@asynccontextmanager
async def a_story(root: Path, *flows: dict[str, Any]) -> AsyncIterator[Story]:
    async with a_flyte_site(root) as site:
        story = Story(site)
        await story.set_up({"packs": [{"name": "P"}], "flows": flows})
        yield story


async def test_parallel_branches_never_see_the_context_of_each_other(tmp_path: Path) -> None:
    flow = a_flow(
        a_step("left", "Go", "L", context={"a": "left"}),
        a_step("right", "Go", "R", context={"b": "right"}),
        a_step("after-left", "LDone", "AL", dependsOn=["left"]),
        a_step("after-right", "RDone", "AR", dependsOn=["right"]),
    )
    async with a_story(tmp_path, flow) as story:
        await story.send("Go")
        await story.complete("L", "LDone")
        await story.complete("R", "RDone")
        found = await story.inputs()

    assert found == [("AL", "LDone a=left b="), ("AR", "RDone a= b=right")]


async def test_step_that_depends_on_two_fires_once_with_the_context_of_the_first(
    tmp_path: Path,
) -> None:
    flow = a_flow(
        a_step("left", "Go", "L", context={"a": "left"}),
        a_step("right", "Go", "R", context={"b": "right"}),
        a_step("join", "Done", "J", dependsOn=["left", "right"]),
    )
    async with a_story(tmp_path, flow) as story:
        await story.send("Go")
        await story.complete("R", "Done")
        await story.complete("L", "Done")
        found = await story.inputs()

    assert found == [("J", "Done a= b=right")]


async def test_step_that_depends_on_a_grandparent_fires_with_a_later_result(tmp_path: Path) -> None:
    flow = a_flow(
        a_step("one", "Go", "A"),
        a_step("two", "ADone", "B", dependsOn=["one"], context={"a": "two"}),
        a_step("three", "BDone", "C", dependsOn=["one"]),
    )
    async with a_story(tmp_path, flow) as story:
        await story.send("Go")
        await story.complete("A", "ADone")
        await story.complete("B", "BDone")
        found = await story.inputs()

    assert found == [("C", "BDone a=two b=")]


async def test_step_that_waits_for_itself_or_for_no_step_never_fires(tmp_path: Path) -> None:
    flow = a_flow(
        a_step("one", "Go", "A"),
        a_step("itself", "ADone", "B", dependsOn=["itself"]),
        a_step("stranger", "ADone", "C", dependsOn=["nothing"]),
    )
    async with a_story(tmp_path, flow) as story:
        await story.send("Go")
        await story.complete("A", "ADone")
        found = await story.runs()

    assert found == [{"one": "SUCCESS"}]


async def test_event_from_outside_never_fires_a_step_that_depends_on_one(tmp_path: Path) -> None:
    flow = a_flow(a_step("one", "Go", "A"), a_step("two", "ADone", "B", dependsOn=["one"]))
    async with a_story(tmp_path, flow) as story:
        await story.send("Go")
        await story.send("ADone")
        found = await story.runs()

    assert found == [{"one": "NEW"}]


async def test_fatal_result_fires_the_steps_that_wait_for_it_here_and_in_every_flow(
    tmp_path: Path,
) -> None:
    work = a_flow(
        a_step("one", "Go", "A"),
        a_step("good", "ADone", "B", dependsOn=["one"]),
        a_step("bad", "FATAL", "C", dependsOn=["one"]),
    )
    handler = a_flow(a_step("handler", "FATAL", "H"), name="handler")
    async with a_story(tmp_path, work, handler) as story:
        await story.send("Go")
        await story.complete("A", "FATAL")
        found = await story.runs()

    assert sorted(found, key=len) == [{"handler": "NEW"}, {"one": "FATAL", "bad": "NEW"}]


async def test_step_without_an_id_never_follows_in_its_correlation_but_begins_its_own(
    tmp_path: Path,
) -> None:
    flow = a_flow(a_step("", "Go", "A"), a_step("", "ADone", "B"))
    async with a_story(tmp_path, flow) as story:
        await story.send("Go")
        await story.complete("A", "ADone")
        found = await story.runs()

    assert found == [{"": "SUCCESS"}, {"": "NEW"}]


async def test_event_that_two_flows_wait_for_begins_a_correlation_of_each(tmp_path: Path) -> None:
    flows = [a_flow(a_step("s", "Go", name.upper()), name=name) for name in ("f", "g")]
    async with a_story(tmp_path, *flows) as story:
        await story.send("Go")
        found = await story.inputs()

    assert sorted(command for command, _ in found) == ["F", "G"]


async def test_correlation_goes_on_when_its_flow_is_deleted(tmp_path: Path) -> None:
    flow = a_flow(a_step("one", "Go", "A"), a_step("two", "ADone", "B", dependsOn=["one"]))
    async with a_story(tmp_path, flow) as story:
        await story.send("Go")
        await story.ask("DELETE", "/v1/flows/f")
        await story.complete("A", "ADone")
        await story.send("Go")
        found = await story.runs()

    assert found == [{"one": "SUCCESS", "two": "NEW"}]


async def test_result_of_a_deleted_pack_is_404_and_counts_once_it_is_back(tmp_path: Path) -> None:
    async with a_story(tmp_path, a_flow(a_step("one", "Go", "A"))) as story:
        await story.send("Go")
        work = await story.take_one()
        assert work is not None
        link = work["links"][0]["href"]
        await story.ask("DELETE", "/v1/packs/P")
        away, _ = await story.ask("POST", link, json={"event": "ADone"})
        pending = await story.runs()
        await story.ask("POST", "/v1/packs", json={"name": "P"})
        back, _ = await story.ask("POST", link, json={"event": "ADone"})
        done = await story.runs()

    assert (away, pending) == (404, [{"one": "PENDING"}])
    assert (back, done) == (202, [{"one": "SUCCESS"}])


async def test_pack_that_completes_is_the_sender_of_the_result(tmp_path: Path) -> None:
    labelled = {"name": "P", "labels": {"env": "dev"}}
    then = a_step("two", "ADone", "B")
    then["event"] |= {"packLabels": {"env": "dev"}}
    async with a_story(tmp_path, a_flow(a_step("one", "Go", "A"), then)) as story:
        await story.ask("POST", "/v1/packs", json=labelled)
        await story.send("Go")
        work = await story.take_one()
        assert work is not None
        link = work["links"][0]["href"].replace("/packs/P/", "/packs/P.env.dev/")
        status, _ = await story.ask("POST", link, json={"event": "ADone"})
        await story.settled()
        found = await story.runs()

    assert status == 202
    assert sorted(found, key=len) == [{"two": "NEW"}, {"one": "SUCCESS", "two": "NEW"}]


async def test_label_that_is_empty_must_be_there_and_empty(tmp_path: Path) -> None:
    step = a_step("one", "Go", "A")
    step["event"] |= {"packLabels": {"env": ""}}
    async with a_story(tmp_path, a_flow(step)) as story:
        for labels in ({"env": ""}, {"env": "x"}):
            await story.ask("POST", "/v1/packs", json={"name": "P", "labels": labels})
        for pack in ("P", "P.env.x", "P.env."):
            await story.send("Go", pack)
        found = await story.runs()

    assert found == [{"one": "NEW"}]


async def test_eight_takers_at_once_get_each_of_thirty_actions_once(tmp_path: Path) -> None:
    async with a_story(tmp_path, a_flow(a_step("one", "Go", "A"))) as story:
        for _ in range(30):
            await story.send("Go")
        taken: list[tuple[int, str]] = []

        async def taker() -> None:
            while (answer := await story.ask("POST", "/v1/packs/P/actions/take"))[0] != 204:
                taken.append(answer)

        async with asyncio.TaskGroup() as tasks:
            for _ in range(8):
                tasks.create_task(taker())

    links = {json.loads(text)["links"][0]["href"] for status, text in taken if status == 200}
    assert (len(taken), len(links)) == (30, 30)
