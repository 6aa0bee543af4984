"""Passwords in URLs that people write: commands get them, and nobody is shown one."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from floe.feed.frames import Frame
from floe.model.flow import Trigger
from floe.model.form import Field, Form
from floe.model.ids import FlowId, NodeId
from floe.model.signal import Failed
from floe.model.work import Ask, Exec, Fetch, Git, GitCheckout, GitMerge
from floe.server.routes import ROUTES
from tests.make import a_flow, a_node
from tests.make_server import API, Site, a_site, until

SECRET = "s3cretpw"
URL = f"https://bob:{SECRET}@127.0.0.1:9/x.git"
SSH = f"ssh://bob:{SECRET}@127.0.0.1:9/x.git"
ASKED = Form(
    title=f"Take {URL}?",
    fields=(
        Field(id="url", prompt=f"instead of {URL}", value=URL),
        Field(id="from", prompt="From", type="choice", value=URL, choices=(URL, SSH)),
    ),
)
GIT = Git(url=URL, branch="main")
FLOW = a_flow(
    a_node("get", work=GitCheckout(git=GIT)),
    a_node("join", work=GitMerge(git=replace(GIT, url=SSH, from_branch="x"))),
    a_node("load", work=Fetch(url=f"https://127.0.0.1/x?token={SECRET}")),
    a_node("build", work=Exec(argv=("make", f"FROM={URL}"), env=(f"PROXY=bob:{SECRET}@p:3128",))),
    a_node("sign-off", work=Ask(form=ASKED)),
    id=FlowId("ci"),
    env=(f"http_proxy={URL}",),
    triggers=(
        Trigger(id=NodeId("start"), type="data", name="start", git=GIT, form=ASKED),
        Trigger(id=NodeId("watch"), type="poll-git", name="watch", git=GIT, period_s=1e6),
    ),
)
FILE = a_flow(id=FlowId("file"), flow_file=f"https://bob:{SECRET}@127.0.0.1:9/f.yml")
"""Its flow-file cannot be read."""


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with a_site(tmp_path, FLOW, FILE) as site:
        yield site


async def answers(site: Site, run: str, flow: str) -> dict[str, str]:
    """What every GET says of a run and its flow."""
    found = {}
    streams = ("feed", "/ws", "peer/ws", "/app/{name:.+}", "/app/dash/{page:.*}")
    for route in ROUTES:
        if route.method != "GET" or route.path in streams:
            continue
        nodes = [n.id for n in FLOW.nodes] if "{node}" in route.path else [""]
        for node in nodes:
            path = route.at(API).replace("{flow}", flow).replace("{run}", run)
            path = path.replace("{node}", node).replace("{host}", "h1")
            path += "?text=x" if path.endswith("/find") else ""
            _, answer = await site.ask("GET", path)
            found[path] = json.dumps(answer)
    return found


async def a_run(site: Site) -> str:
    """A run in which one node ended badly with the URL in its cause, and one gave it on."""
    run = await site.start("ci")
    site.hands.report("get", Failed(cause="error", why=f"cannot read {URL}"))
    site.hands.exit("join", 1)
    site.hands.exit("load", outputs={"url": URL})
    ref = site.hub.reads.ref(run)
    runs = site.hub.loop.core.table.runs
    await until(lambda: ref not in runs or runs[ref].phase == "ending")
    return run


async def test_no_get_shows_the_password_of_a_url(site: Site) -> None:
    run = await a_run(site)

    shown = await answers(site, run, "ci")

    assert len(shown) > 20
    assert any("***@127.0.0.1:9" in text for text in shown.values())
    assert [path for path, text in shown.items() if SECRET in text] == []


async def test_flow_file_that_cannot_be_read_is_named_without_its_password(site: Site) -> None:
    row = await site.hub.trigger("file", values={}, by="test")
    await until(lambda: site.hub.reads.ref(row.id) not in site.hub.loop.core.table.runs)

    shown = await answers(site, row.id, "file")

    assert (
        "no flow-file: no document https://***@127.0.0.1:9/f.yml"
        in shown[f"{API}/runs/{row.id}/why"]
    )
    assert [path for path, text in shown.items() if SECRET in text] == []


async def test_no_frame_of_the_feed_shows_the_password_of_a_url(site: Site) -> None:
    with site.hub.feed.subscribe() as feed:
        await a_run(site)
        with site.hub.feed.subscribe("0") as late:
            frames: list[Frame] = [*await feed.take(), *await late.take()]

    texts = [frame.text for frame in frames]
    assert any("***@127.0.0.1:9" in text for text in texts)
    assert [text for text in texts if SECRET in text] == []


async def test_command_gets_the_password_that_is_not_shown(site: Site) -> None:
    await a_run(site)

    works = [str(action.work) for action in site.hands.actions.values()]
    values = [action.inputs["url"] for action in site.hands.actions.values()]
    assert (sum(SECRET in work for work in works), set(values)) == (4, {URL})


async def test_prefilled_password_that_comes_back_hidden_is_the_one_of_the_form(
    site: Site,
) -> None:
    _, page = await site.get("flows/ci")
    fields = page["triggers"][0]["form"]["fields"]
    values = {field["id"]: field["value"] for field in fields}

    status, _ = await site.post("push/data", {"ref": {"id": "ci"}, "form": {"values": values}})
    await until(lambda: bool(site.hands.actions))

    inputs = next(iter(site.hands.actions.values())).inputs
    assert (status, values["url"]) == (202, "https://***@127.0.0.1:9/x.git")
    assert (inputs["url"], inputs["from"]) == (URL, URL)


async def test_choice_that_comes_back_hidden_is_the_one_of_the_form(site: Site) -> None:
    values = {"from": "ssh://bob:***@127.0.0.1:9/x.git"}

    status, _ = await site.post("push/data", {"ref": {"id": "ci"}, "form": {"values": values}})
    await until(lambda: bool(site.hands.actions))

    assert (status, next(iter(site.hands.actions.values())).inputs["from"]) == (202, SSH)


async def test_refusal_names_no_password(site: Site) -> None:
    values = {"from": "http://elsewhere"}

    status, problem = await site.post(
        "push/data", {"ref": {"id": "ci"}, "form": {"values": values}}
    )

    assert (status, SECRET in json.dumps(problem)) == (422, False)
