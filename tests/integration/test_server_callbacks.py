"""Calls over the API: their addresses, and what may be answered there."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from floe.expr.template import template_of, template_parts
from floe.model.callback import Callback
from floe.model.form import Field, Form
from floe.model.http import Http
from floe.model.ids import FlowId
from floe.model.nouns import replace
from floe.model.template import Template
from floe.nodes.callbacks import CallRequests
from floe.nodes.executors import lend
from tests.hands import Hands, executors
from tests.make import a_flow, a_node, an_end
from tests.make_http import Echo, echoing
from tests.make_server import API, Site, a_site, until
from tests.schemas import check

FORM = "application/x-www-form-urlencoded"
REVIEW = Callback(
    form=Form(
        title="Review",
        fields=(
            Field(id="approved", prompt="approved", type="bool"),
            Field(id="note", prompt="note", required=False),
        ),
    ),
    good_when="outputs.approved",
)
CALLS = a_flow(
    a_node("review", REVIEW),
    an_end("no", on="task.review.bad"),
    id=FlowId("calls"),
)
FREE = a_flow(a_node("any", Callback()), id=FlowId("free"))


def text(written: str) -> Template:
    return template_of(template_parts(written, ("callback",)))


@pytest.fixture
async def echo() -> AsyncIterator[Echo]:
    async with echoing() as echo:
        yield echo


@pytest.fixture
async def site(tmp_path: Path, echo: Echo) -> AsyncIterator[Site]:
    request = Http(
        url=text(f"{echo.url}/json?to={{{{ callback }}}}"),
        method="POST",
        body=text('{"answer_to":{{ callback }}}'),
        body_type="json",
    )
    told = a_flow(a_node("tell", Callback(request=request)), id=FlowId("told"))
    work = {**executors(Hands()), Callback: CallRequests()}
    async with a_site(tmp_path, CALLS, FREE, told, work=work) as site:
        site.hub.parts = replace(site.hub.parts, callbacks_url=f"{site.url}{API}/callback")
        lend(site.hub, work)
        yield site


async def asked(site: Site, flow: str = "calls") -> tuple[str, str]:
    """A run whose call waits, and the path of its address."""
    run = (await site.hub.trigger(flow, values={}, by="ada")).id
    runs, ref = site.hub.loop.core.table.runs, site.hub.reads.ref(run)
    await until(lambda: len(runs[ref].nodes) > 0)
    [call] = check((await site.get(f"runs/{run}"))[1], "Run")["callbacks"]
    return run, str(call["url"]).removeprefix(site.url)


async def outputs(site: Site, run: str, node: str) -> Any:
    """The outputs of a node that has settled."""
    return (await site.get(f"runs/{run}/nodes/{node}"))[1]["outputs"]


async def test_an_answer_needs_no_token_and_becomes_the_outputs(site: Site) -> None:
    run, path = await asked(site)
    body = {"approved": True, "note": "fine"}

    status, answered = await site.ask("POST", path, json=body, headers={"X-Floe-Auth": "none"})

    assert (status, check(answered, "CallAnswered")) == (200, {"answered": True})
    assert await outputs(site, run, "review") == body
    shown = (await site.get(f"runs/{run}/nodes/review"))[1]
    assert (shown["state"], shown["by"]) == ("good", "callback")


async def test_an_answer_may_be_a_form(site: Site) -> None:
    run, path = await asked(site)

    await site.ask("POST", path, data="approved=yes&note=fine", headers={"Content-Type": FORM})

    assert await outputs(site, run, "review") == {"approved": True, "note": "fine"}


async def test_good_when_makes_an_answer_bad(site: Site) -> None:
    run, path = await asked(site)

    await site.ask("POST", path, json={"approved": False})

    assert await outputs(site, run, "review") == {"approved": False}
    assert (await site.get(f"runs/{run}/nodes/review"))[1]["state"] == "bad"


async def test_an_answer_that_does_not_fit_is_refused_and_the_call_waits_on(site: Site) -> None:
    run, path = await asked(site)

    status, problem = await site.ask("POST", path, json={"approved": "perhaps", "by": "me"})

    assert (status, sorted(problem["fields"])) == (422, ["approved", "by"])
    assert (await site.ask("GET", path))[1]["state"] == "open"
    assert len(check((await site.get(f"runs/{run}"))[1], "Run")["callbacks"]) == 1


async def test_a_second_answer_is_refused(site: Site) -> None:
    _, path = await asked(site)
    await site.ask("POST", path, json={"approved": True})

    status, _ = await site.ask("POST", path, json={"approved": False})

    assert status == 409


async def test_the_address_of_a_cancelled_run_is_gone(site: Site) -> None:
    run, path = await asked(site)
    await site.hub.cancel(run, by="ada")

    status, _ = await site.ask("POST", path, json={"approved": True})

    assert status == 410
    assert (await site.ask("GET", path))[1]["state"] == "over"


async def test_looking_at_an_address_shows_its_fields_and_does_not_answer(site: Site) -> None:
    _, path = await asked(site)

    for method in ("GET", "HEAD", "GET"):
        status, _ = await site.ask(method, path)
        assert status == 200

    shown = check((await site.ask("GET", path))[1], "OpenCall")
    assert (shown["state"], [one["id"] for one in shown["fields"]]) == (
        "open",
        ["approved", "note"],
    )
    assert (await site.ask("POST", path, json={"approved": True}))[0] == 200


@pytest.mark.parametrize("how", ["proof", "node", "visit", "run", "short", "blank"])
async def test_a_changed_address_is_unknown(site: Site, how: str) -> None:
    _, path = await asked(site)
    *start, of, at, proof = path.split("/")
    changed = {
        "proof": (of, at, f"{int(proof[0], 16) ^ 1:x}{proof[1:]}"),
        "node": (of, at.replace("review", "other"), proof),
        "visit": (of, at.replace(".1.", ".2."), proof),
        "run": (of.replace("-1@", "-2@"), at, proof),
        "short": (of, at, proof[:-1]),
        "blank": (of, "%20", "%C3%A9"),
    }[how]

    status, _ = await site.ask("POST", "/".join((*start, *changed)), json={"approved": True})

    assert status == 404


async def test_a_call_without_fields_takes_any_json(site: Site) -> None:
    run, path = await asked(site, "free")

    await site.ask("POST", path, json=[1, {"a": None}])

    assert await outputs(site, run, "any") == {"body": [1, {"a": None}]}


async def test_an_empty_answer_is_an_empty_object(site: Site) -> None:
    run, path = await asked(site, "free")

    await site.ask("POST", path)

    assert await outputs(site, run, "any") == {"body": {}}


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"{", "application/json", 400),
        (b'{"approved": NaN}', "application/json", 400),
        (b"[true]", "application/json", 400),
        (b"a=1&a=2", FORM, 400),
        (b"a=%FF", FORM, 400),
        (b"hello", "text/plain", 415),
    ],
)
async def test_hostile_answers_are_refused(site: Site, body: bytes, kind: str, status: int) -> None:
    _, path = await asked(site)

    found, _ = await site.ask("POST", path, data=body, headers={"Content-Type": kind})

    assert found == status
    assert (await site.ask("GET", path))[1]["state"] == "open"


async def test_a_request_tells_the_address_which_is_in_no_fact_and_no_output(
    site: Site, echo: Echo
) -> None:
    run, path = await asked(site, "told")
    await until(lambda: len(echo.requests) == 1)

    [(_, sent, _, body)] = echo.requests
    assert body == f'{{"answer_to":"{site.url}{path}"}}'.encode()
    assert sent.startswith("/json?to=http%3A%2F%2F127.0.0.1")
    proof = path.rpartition("/")[2]
    _, log = await site.get(f"runs/{run}/nodes/tell/log")
    _, events = await site.get(f"runs/{run}/events")
    assert "POST" in log
    assert proof not in log + str(events)
