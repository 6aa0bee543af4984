"""Forms over the API: what they are about, who may answer them, and why they are rejected."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from floe.expr.template import template_of, template_parts
from floe.model.flow import Trigger
from floe.model.form import Field, Form
from floe.model.ids import FlowId, NodeId
from floe.model.work import Ask
from tests.make import a_flow, a_node, an_end
from tests.make_server import ADMIN, Site, a_site, until
from tests.schemas import check

RELEASE = a_flow(
    a_node(
        "sign-off",
        Ask(
            form=Form(
                title="May it go?",
                text=template_of(template_parts("Version {{ values.version }} by {{ run.by }}")),
                approvers="not-starter",
            )
        ),
    ),
    an_end("done", on="task.sign-off.good"),
    id=FlowId("release"),
    triggers=(
        Trigger(
            id=NodeId("start"),
            type="data",
            name="start",
            form=Form(title="Start", fields=(Field(id="version", prompt="Version"),)),
        ),
    ),
)


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with a_site(tmp_path, RELEASE) as site:
        yield site


async def asked(site: Site) -> str:
    """A run that the administrator started, and whose form is open."""
    order = {"ref": {"id": "release"}, "form": {"values": {"version": "1.4.2"}}}
    _, started = await site.post("push/data", order)
    runs, ref = site.hub.loop.core.table.runs, site.hub.reads.ref(started["run"])
    await until(lambda: NodeId("sign-off") in runs[ref].nodes)
    return str(started["run"])


async def of_bob(site: Site) -> dict[str, str]:
    _, made = await site.post("login", {"token": ADMIN, "personal": "bob"})
    return {"X-Floe-Auth": made["token"]}


def answer(run: str, **form: Any) -> dict[str, Any]:
    return {"run": run, "form": {"id": "sign-off", **form}}


async def test_open_form_has_its_text_and_the_values_of_its_run(site: Site) -> None:
    await asked(site)

    [one] = check((await site.get("forms"))[1], "Forms")["forms"]

    assert one["form"]["text"] == "Version 1.4.2 by admin"
    assert one["about"] == [{"name": "version", "text": "1.4.2"}]


@pytest.mark.parametrize("good", [True, False])
async def test_starter_of_a_run_may_not_answer_its_form(site: Site, good: bool) -> None:
    run = await asked(site)

    status, problem = await site.post("push/data", answer(run, good=good))

    assert status == 403
    said = "admin started this run, so a different person has to answer"
    assert check(problem, "Problem")["detail"] == f"the form sign-off of {run}: {said}"
    assert "personal token" in problem["hint"]


async def test_different_person_may_answer_it(site: Site) -> None:
    run = await asked(site)

    status, _ = await site.post("push/data", answer(run), headers=await of_bob(site))

    assert status == 202
    node = (await site.get(f"runs/{run}/nodes/sign-off"))[1]
    assert (node["state"], node["by"]) == ("good", "admin:bob")


async def test_reason_of_a_rejection_is_in_the_log_and_shown(site: Site) -> None:
    run, bob = await asked(site), await of_bob(site)

    await site.post("push/data", answer(run, good=False, why="wrong branch"), headers=bob)
    await until(lambda: site.hub.reads.ref(run) not in site.hub.loop.core.table.runs)

    said = "rejected by admin:bob: wrong branch"
    assert (await site.get(f"runs/{run}"))[1]["why"] == f"sign off was {said}"
    events = (await site.get(f"runs/{run}/events"))[1]["events"]
    settled = next(one["data"] for one in events if one["event"] == "NodeSettled")
    assert settled["outcome"]["why"] == said


async def test_approval_has_no_reason(site: Site) -> None:
    run = await asked(site)

    status, problem = await site.post("push/data", answer(run, why="fine"))

    assert (status, list(problem["fields"])) == (422, ["form.why"])


async def test_reason_of_a_rejection_is_short(site: Site) -> None:
    run, bob = await asked(site), await of_bob(site)

    rejected = answer(run, good=False, why="x" * 2001)

    assert (await site.post("push/data", rejected, headers=bob))[0] == 413


async def test_edited_values_are_approved_again(site: Site) -> None:
    run, bob = await asked(site), await of_bob(site)
    await site.post("push/data", answer(run), headers=bob)
    await until(lambda: site.hub.reads.ref(run) not in site.hub.loop.core.table.runs)

    same = (await site.post(f"runs/{run}/rerun", {"from": "done"}))[1]["run"]
    edited = {"from": "done", "values": {"version": "1.5.0"}}
    other = (await site.post(f"runs/{run}/rerun", edited))[1]["run"]

    def states(shape: Any) -> dict[str, str]:
        return {node["id"]: node["state"] for node in shape["nodes"]}

    assert states((await site.get(f"runs/{same}"))[1]) == {"sign-off": "good", "done": "good"}
    assert states((await site.get(f"runs/{other}"))[1])["sign-off"] == "asking"
