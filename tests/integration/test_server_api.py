"""What the API answers, held against its own description."""

import asyncio
import hashlib
import hmac
import io
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from floe.model.errors import StoreFailed
from floe.model.ids import FlowId
from floe.server.bodies import BODY_MAX
from floe.server.routes import ROUTES
from floe.store.base import Batch
from tests.make import a_flow, a_node
from tests.make_server import ADMIN, API, DEADLINE_S, Site, a_site, until
from tests.schemas import check


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with a_site(tmp_path) as site:
        yield site


async def good(site: Site, path: str, schema: str) -> Any:
    """The answer of a GET that must succeed."""
    status, shape = await site.get(path)
    assert (status, shape) == (200, shape)
    return check(shape, schema)


async def ended(site: Site, run: str) -> None:
    ref = site.hub.reads.ref(run)
    await until(lambda: ref not in site.hub.loop.core.table.runs)


async def packed(site: Site) -> str:
    """A run that is in the archive, and good."""
    run = await site.asked()
    await site.post("push/data", {"run": run, "form": {"id": "sign-off", "values": {"ok": True}}})
    await ended(site, run)
    return run


async def at_stage(site: Site, stage: str) -> str:
    """A run that has got so far."""
    match stage:
        case "start":
            return await site.start()
        case "asked":
            return await site.asked()
        case _:
            return await packed(site)


# --- looking ---


async def test_flows_are_listed_with_their_last_run(site: Site) -> None:
    run = await site.start()

    shape = await good(site, "flows", "Flows")

    build = next(flow for flow in shape["flows"] if flow["id"] == "build")
    assert build["last"]["id"] == run
    assert [f["what"] for f in shape["findings"]] == ["odd"]
    tick = next(t for t in build["triggers"] if t["id"] == "tick")
    assert tick["next_due"].endswith("T00:00:00.000Z")


async def test_a_flow_is_shown_with_its_graph(site: Site) -> None:
    shape = await good(site, "flows/build@1", "FlowPage")

    assert {"from": "build", "to": "sign-off", "tag": "task.build.good"} in shape["graph"]["edges"]


async def test_a_flow_that_is_not_there_is_named_with_the_nearest(site: Site) -> None:
    status, problem = await site.get("flows/biuld")

    assert (status, check(problem, "Problem")["hint"]) == (404, "did you mean build?")


@pytest.mark.parametrize("stage", ["start", "asked", "packed"])
async def test_a_run_is_as_described_at_each_stage(site: Site, stage: str) -> None:
    run = await at_stage(site, stage)

    shape = await good(site, f"runs/{run}", "Run")
    await good(site, f"runs/{run}/why", "Why")
    await good(site, f"runs/{run}/events", "Events")
    for node in shape["nodes"]:
        await good(site, f"runs/{run}/nodes/{node['id']}", "NodePage")

    states = {node["id"]: node["state"] for node in shape["nodes"]}
    assert (
        states
        == {
            "start": {"build": "running", "sign-off": "waiting", "done": "waiting"},
            "asked": {"build": "good", "sign-off": "asking", "done": "waiting"},
            "packed": {"build": "good", "sign-off": "good", "done": "good"},
        }[stage]
    )


async def test_the_documents_address_of_a_run_is_the_same_run(site: Site) -> None:
    run = await site.start()

    assert (await good(site, f"flows/build/runs/{run}", "Run"))["id"] == run
    assert (await site.get(f"flows/wide/runs/{run}"))[0] == 404


async def test_runs_are_listed_newest_first_page_by_page(site: Site) -> None:
    runs = [await site.start() for _ in range(3)]

    first = await good(site, "runs?limit=2", "Runs")
    second = await good(site, f"runs?limit=2&cursor={first['next']}", "Runs")

    assert [row["id"] for row in first["runs"] + second["runs"]] == runs[::-1]
    assert second["next"] == ""


async def test_definition_has_what_the_nodes_of_a_flow_and_of_a_run_do(site: Site) -> None:
    run = await packed(site)

    of_flow = await good(site, "flows/build/definition", "Definition")
    of_run = await good(site, f"runs/{run}/definition", "Definition")

    assert {work["ref"]: work["work"]["kind"] for work in of_flow["works"]} == {
        node.ref: type(node.work).__name__ for node in site.book.find("build").nodes
    }
    assert (of_run, of_flow["written"]) == (of_flow, None)


async def test_runs_are_filtered(site: Site) -> None:
    done, live = await packed(site), await site.start()

    async def found(query: str) -> list[str]:
        return [row["id"] for row in (await good(site, "runs?" + query, "Runs"))["runs"]]

    assert await found("state=archive") == [done]
    assert await found("state=pending,active") == [live]
    assert await found("good=true&host=h1") == [done]
    assert await found("result=good,stalled") == [done]
    assert await found("result=bad,cancelled,rejected") == []
    assert await found("flow=wide") == []
    assert (await good(site, "flows/build/runs?state=active", "Runs"))["runs"][0]["id"] == live


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=501", "limit"),
        ("good=maybe", "good"),
        ("state=running", "state"),
        ("result=failed", "result"),
        ("stat=active", "stat"),
        ("limit=1&limit=2", "limit"),
    ],
)
async def test_a_wrong_query_is_refused_by_its_key(site: Site, query: str, field: str) -> None:
    status, problem = await site.get("runs?" + query)

    assert (status, list(check(problem, "Problem")["fields"])) == (422, [field])


@pytest.mark.parametrize("query", ["flow=../x", "host=..%2f", "cursor=%00"])
async def test_a_query_that_names_nothing_is_refused(site: Site, query: str) -> None:
    assert (await site.get("runs?" + query))[0] == 400


async def test_events_come_in_pages(site: Site) -> None:
    run = await packed(site)

    first = await good(site, f"runs/{run}/events?limit=4", "Events")
    rest = await good(site, f"runs/{run}/events?after={first['next']}", "Events")

    events = first["events"] + rest["events"]
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    assert [events[0]["event"], events[-1]["event"]] == ["RunPended", "RunPacked"]
    assert rest["next"] is None


@pytest.mark.parametrize("path", ["", "/why", "/events", "/nodes/build", "/nodes/build/log"])
async def test_a_run_that_is_not_there_is_404_and_no_run_id_is_400(site: Site, path: str) -> None:
    assert (await site.get(f"runs/h1-99{path}"))[0] == 404
    assert (await site.get(f"runs/..%2f..%2fetc{path}"))[0] == 400


async def test_hosts_shows_this_host(site: Site) -> None:
    await site.start()

    host = (await good(site, "hosts", "Hosts"))["hosts"][0]

    assert (host["id"], host["self"], host["active"], host["running"]) == ("h1", True, 1, 1)
    assert host["config"]["path"] == "x.yml"


async def test_metrics_are_prometheus_text(site: Site) -> None:
    await site.start()

    status, text = await site.get("metrics")

    assert status == 200
    assert 'floe_runs{phase="active"} 1\n' in text
    assert 'floe_commands{state="running"} 1\n' in text
    assert 'floe_evaluators{state="running"} 0\n' in text
    assert "floe_judgements 0\n" in text
    assert "floe_outside_events 0\n" in text


async def test_the_description_names_every_route_of_the_server(site: Site) -> None:
    status, shape = await site.get("openapi.json")

    described = {(m.upper(), path) for path, ms in shape["paths"].items() for m in ms}
    assert status == 200
    assert len(described) == len(ROUTES)
    for method, path in sorted(described):
        filled = path.replace("{flow}", "build").replace("{page}", "x").replace("{name}", "app.js")
        body: dict[str, Any] | None = {} if method == "POST" else None
        async with site.client.request(method, site.url + filled, json=body) as answer:
            assert answer.status != 405, (method, path)


# --- acting ---


async def test_a_trigger_is_accepted_with_its_run(site: Site) -> None:
    order = {"ref": {"id": "build", "ver": 1}, "form": {"id": "start", "values": {"tag": "v1"}}}

    status, answer = await site.post("push/data", order)

    assert (status, check(answer, "Ordered")["summary"]["by"]) == (202, "admin")
    assert (await good(site, f"runs/{answer['run']}", "Run"))["values"]["tag"] == "v1"


async def test_the_originals_spelling_is_accepted(site: Site) -> None:
    order = {"Ref": {"ID": "build", "Ver": 1}, "Form": {"ID": "start", "Values": {"tag": "v1"}}}

    assert (await site.post("push/data", order))[0] == 202


async def test_the_same_idempotency_key_starts_one_run(site: Site) -> None:
    headers = {"Idempotency-Key": "k-1"}

    answers = [
        await site.post("push/data", {"ref": {"id": "build"}}, headers=headers) for _ in range(2)
    ]

    assert [status for status, _ in answers] == [202, 202]
    assert len({answer["run"] for _, answer in answers}) == 1


async def test_an_idempotency_key_counts_for_one_thing(site: Site) -> None:
    headers = {"Idempotency-Key": "k-1"}
    build = {"ref": {"id": "build"}}
    first, second = [(await site.post("push/data", build))[1]["run"] for _ in range(2)]

    _, started = await site.post("push/data", build, headers=headers)
    answers = [
        await site.post(f"runs/{run}/cancel", {}, headers=headers) for run in (first, second, first)
    ]

    assert started["run"] not in (first, second)
    assert [answer["id"] for _, answer in answers] == [first, second, first]
    assert [(await site.get(f"runs/{run}"))[1]["cancelled_by"] for run in (first, second)] == [
        "admin",
        "admin",
    ]


@pytest.mark.parametrize(
    ("order", "status", "field"),
    [
        ({}, 422, "ref.id"),
        ({"ref": {"id": "build"}, "form": {"values": {"cmd": "rm"}}}, 422, "cmd"),
        ({"ref": {"id": "build"}, "from": {}}, 422, "from"),
        ({"ref": {"id": "build@1", "ver": 2}}, 422, "ref.ver"),
        ({"ref": {"id": "build"}, "form": {"good": False}}, 422, "form.good"),
        ({"ref": "build"}, 422, "ref"),
        ({"ref": {"id": "nothing"}}, 404, None),
        ({"ref": {"id": "build", "ver": 9}}, 404, None),
        ({"ref": {"id": "build"}, "form": {"id": "nothing"}}, 404, None),
        ({"run": "h1-99", "form": {"id": "sign-off"}}, 404, None),
        ({"run": "../h1-1", "form": {"id": "sign-off"}}, 400, None),
        ([], 400, None),
    ],
    ids=str,
)
async def test_a_wrong_order_is_refused(
    site: Site, order: object, status: int, field: str | None
) -> None:
    answer, problem = await site.post("push/data", order)

    assert answer == status
    assert next(iter(check(problem, "Problem").get("fields", {})), None) == field


async def test_a_form_is_answered_once(site: Site) -> None:
    run = await site.asked()
    order = {"run": run, "form": {"id": "sign-off", "values": {"ok": True}}}

    first, again = await site.post("push/data", order), await site.post("push/data", order)

    assert (first[0], first[1]["run"]) == (202, run)
    assert again[0] == 409


async def test_a_form_can_be_rejected(site: Site) -> None:
    run = await site.asked()

    await site.post("push/data", {"run": run, "form": {"id": "sign-off", "good": False}})
    await ended(site, run)

    assert (await good(site, f"runs/{run}", "Run"))["good"] is False


async def test_an_answer_of_the_wrong_flow_is_refused(site: Site) -> None:
    run = await site.asked()

    order = {"ref": {"id": "wide"}, "run": run, "form": {"id": "sign-off", "values": {"ok": True}}}

    assert (await site.post("push/data", order))[0] == 404


async def test_a_run_is_cancelled_once(site: Site) -> None:
    run = await site.start()

    status, row = await site.post(f"runs/{run}/cancel", {"why": "tired"})
    await ended(site, run)

    assert (status, check(row, "Summary")["id"]) == (202, run)
    assert (await good(site, f"runs/{run}", "Run"))["cancelled_by"] == "admin"
    assert (await site.post(f"runs/{run}/cancel"))[0] == 409


async def test_a_bad_config_is_reported_and_changes_nothing(site: Site, tmp_path: Path) -> None:
    assert check((await site.post("hosts/h1/reload"))[1], "Reloaded")["flows"] == 2
    (tmp_path / "broken").touch()

    status, problem = await site.post("hosts/h1/reload", {})

    assert (status, check(problem, "Problem")["findings"][0]["what"]) == (422, "broken")
    assert len((await good(site, "flows", "Flows"))["flows"]) == 2
    assert (await site.post("hosts/h2/reload"))[0] == 404


async def test_drained_host_takes_no_runs_until_draining_ends(site: Site) -> None:
    drained = check((await site.post("hosts/h1/drain", {}))[1], "Drained")
    await site.post("push/data", {"ref": {"id": "build"}, "form": {"values": {"tag": "v1"}}})
    pends = (await good(site, "pends", "Pends"))["pends"]

    again = check((await site.post("hosts/h1/drain", {"on": False}))[1], "Drained")

    assert (drained["draining"], again["draining"]) == (True, False)
    assert "draining" in pends[0]["hosts"][0]["reasons"][0]


async def test_drained_host_names_the_runs_that_are_left_and_why(site: Site) -> None:
    run = await site.asked()

    drained = check((await site.post("hosts/h1/drain", {}))[1], "Drained")
    [host] = (await good(site, "hosts", "Hosts"))["hosts"]

    assert drained["left"] == 1
    assert drained["staying"] == [{"run": run, "why": "has files here"}]
    assert host["staying"] == [f"{run} has files here"]


async def test_run_is_not_named_as_waiting_before_it_is_stored(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    await site.post("hosts/h1/drain", {})
    gate, append = asyncio.Event(), site.hub.store.append

    async def slow(batch: Batch) -> int:
        await gate.wait()
        return await append(batch)

    monkeypatch.setattr(site.hub.store, "append", slow)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(site.hub.trigger("build", values={}, by="test"))
        await until(lambda: bool(site.hub.loop.storing))

        early = (await good(site, "pends", "Pends"))["pends"]
        gate.set()

    later = (await good(site, "pends", "Pends"))["pends"]
    assert (early, [pend["runs"] for pend in later]) == ([], [["h1-1"]])


async def test_host_alone_forgets_nobody(site: Site) -> None:
    assert (await site.post("hosts/h1/forget", {}))[0] == 409
    assert (await site.post("hosts/h2/forget", {}))[0] == 404


# --- moments, queues, tokens ---


async def test_a_run_is_shown_as_it_was_after_an_event(site: Site) -> None:
    run = await packed(site)
    events = (await good(site, f"runs/{run}/events", "Events"))["events"]
    asked = next(e["seq"] for e in events if e["event"] == "DataAsked")

    then = await good(site, f"runs/{run}?seq={asked}", "Run")

    assert (then["seq"], then["state"], then["ended_at"]) == (asked, "active", None)
    assert then["moment"]["event"] == "DataAsked"
    assert [form["node"] for form in then["forms"]] == ["sign-off"]
    first = await good(site, f"runs/{run}?seq=1", "Run")
    assert (first["state"], first["started_at"]) == ("pending", None)


async def test_a_moment_that_has_not_come_is_the_present(site: Site) -> None:
    run = await packed(site)
    now = await good(site, f"runs/{run}", "Run")

    then = await good(site, f"runs/{run}?seq=9999", "Run")

    assert then["seq"] == now["seq"]
    assert now["moment"] is None


async def test_a_node_is_shown_as_it_was(site: Site) -> None:
    run = await packed(site)

    then = await good(site, f"runs/{run}/nodes/sign-off?seq=3", "NodePage")

    assert then["state"] == "waiting"


async def test_runs_are_filtered_by_time(site: Site) -> None:
    run = await site.start()

    later = await good(site, "runs?since=2100-01-01T00:00:00Z", "Runs")
    before = await good(
        site, "runs?until=2100-01-01T00:00:00Z&since=2001-01-01T00:00%2B02:00", "Runs"
    )

    assert later["runs"] == []
    assert [row["id"] for row in before["runs"]] == [run]


async def test_forms_of_all_runs_wait_in_one_list(site: Site) -> None:
    runs = [await site.asked(), await site.asked()]

    shape = await good(site, "forms", "Forms")

    assert [one["run"]["id"] for one in shape["forms"]] == runs
    assert shape["forms"][0]["form"]["node"] == "sign-off"
    form = {"id": "sign-off", "values": {"ok": True}}
    await site.post("push/data", {"run": runs[0], "form": form})
    assert (await good(site, "forms", "Forms"))["count"] == 1


async def test_flows_are_listed_with_one_query_of_the_store(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    await packed(site)
    queries: list[str] = []

    def counted(name: str, query: Callable[..., Any]) -> Callable[..., Any]:
        async def counting(*args: Any, **more: Any) -> Any:
            queries.append(name)
            return await query(*args, **more)

        return counting

    for name in ("flow_runs", "runs", "find", "history", "tail", "changes", "ledger", "row"):
        monkeypatch.setattr(site.hub.store, name, counted(name, getattr(site.hub.store, name)))

    shape = await good(site, "flows", "Flows")

    assert (len(shape["flows"]), queries) == (2, ["flow_runs"])


async def test_flow_fails_since_its_first_bad_run_and_not_since_a_rejected_one(
    site: Site,
) -> None:
    await packed(site)
    assert (await good(site, "flows/build", "FlowPage"))["failing"] is None
    rejected = await site.asked()
    await site.post("push/data", {"run": rejected, "form": {"id": "sign-off", "good": False}})
    await ended(site, rejected)
    assert (await good(site, "flows/build", "FlowPage"))["failing"] is None
    bad = []

    for _ in range(2):
        bad.append(await site.start())
        site.hands.exit("build", 1)
        await ended(site, bad[-1])

    failing = (await good(site, "flows/build", "FlowPage"))["failing"]
    first = await good(site, f"runs/{bad[0]}", "Run")
    assert failing == {"since": first["ended_at"], "runs": 2, "more": False}


@pytest.mark.parametrize("order", [{"token": ADMIN, "personal": "laptop"}, {"token": ADMIN}])
async def test_a_login_with_the_same_key_takes_the_place_of_the_first(
    site: Site, order: dict[str, str]
) -> None:
    keyed = {"Idempotency-Key": "k-1"}
    _, first = await site.post("login", order, headers=keyed)
    _, other = await site.post("login", order, headers={"Idempotency-Key": "k-2"})

    _, again = await site.post("login", order, headers=keyed)

    texts = [made["token"] for made in (first, other, again)]
    opened = [await site.get("login", headers={"X-Floe-Auth": text}) for text in texts]
    assert [status for status, _ in opened] == [401, 200, 200]


async def test_a_logout_or_reload_with_a_key_is_done(site: Site) -> None:
    _, login = await site.post("login", {"token": ADMIN})
    keyed = {"X-Floe-Auth": login["token"], "Idempotency-Key": "k-1"}

    reloads = [await site.post("hosts/h1/reload", {}, headers=keyed) for _ in range(2)]
    logouts = [await site.post("logout", {}, headers=keyed) for _ in range(2)]

    assert [status for status, _ in reloads] == [200, 200]
    assert [status for status, _ in logouts] == [204, 401]  # there is nothing left to end


@pytest.mark.parametrize("path", ["login", "logout", "hosts/h1/reload"])
async def test_a_key_that_is_none_is_refused_everywhere(site: Site, path: str) -> None:
    status, _ = await site.post(path, {"token": ADMIN}, headers={"Idempotency-Key": "x" * 201})

    assert status == 400


async def test_personal_tokens_are_listed_and_revoked(site: Site) -> None:
    _, made = await site.post("login", {"personal": "laptop"})
    headers = {"X-Floe-Auth": made["token"]}
    _, session = await site.post("login", {"token": made["token"]})
    (token,) = (await good(site, "tokens", "Tokens"))["tokens"]

    status, _ = await site.ask("DELETE", f"{API}/tokens/{token['id']}")

    assert (status, token["name"]) == (204, "laptop")
    assert (await site.get("runs", headers=headers))[0] == 401
    assert (await site.get("runs", headers={"X-Floe-Auth": session["token"]}))[0] == 401
    assert (await site.ask("DELETE", f"{API}/tokens/{token['id']}"))[0] == 404
    assert made["token"] not in str(token)


async def test_leases_and_the_queue_name_holder_and_waiters(tmp_path: Path) -> None:
    flow = a_flow(a_node("build"), id=FlowId("nic"), resource_tags=("nic",))
    async with a_site(tmp_path, flow) as site:
        holder = await site.start("nic")
        waiters = [(await site.hub.trigger("nic", values={}, by="test")).id for _ in range(2)]

        (lease,) = (await good(site, "leases", "Leases"))["leases"]
        (pend,) = (await good(site, "pends", "Pends"))["pends"]

    assert (lease["tag"], lease["run"], lease["waiting"]) == ("nic", holder, waiters)
    assert lease["fence"]
    assert (pend["count"], pend["runs"]) == (2, waiters)
    assert f"cannot use resource nic ({holder} holds it)" in pend["text"]


# --- bodies ---


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"{}", "text/plain", 415),
        (b"ref=1", "application/x-www-form-urlencoded", 415),
        (b"{", "application/json", 400),
        (b'{"run": NaN}', "application/json", 400),
        (b'{"run": "a", "run": "b"}', "application/json", 400),
        (b"[" * 100_000, "application/json", 400),
        (b" " * (BODY_MAX + 1), "application/json", 413),
    ],
    ids=["text", "form", "broken", "nan", "twice", "deep", "large"],
)
async def test_a_bad_body_is_refused(
    site: Site, body: bytes, content_type: str, status: int
) -> None:
    answer, problem = await site.post(
        "push/data", json=None, data=io.BytesIO(body), headers={"Content-Type": content_type}
    )

    assert (answer, check(problem, "Problem")["status"]) == (status, status)


async def test_a_compressed_body_is_refused_unread(site: Site) -> None:
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}

    assert (await site.post("push/data", json=None, data=b"no gzip", headers=headers))[0] == 415


async def test_a_garbled_body_is_refused(site: Site) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", int(site.url.rpartition(":")[2]))
    head = f"POST {API}/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    writer.write((head + "Transfer-Encoding: chunked\r\n\r\nno length\r\n").encode())

    async with asyncio.timeout(DEADLINE_S):
        status = await reader.readline()
    writer.close()

    assert b" 400 " in status


async def test_a_large_body_of_no_announced_length_is_refused(site: Site) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(BODY_MAX // 65536 + 1):
            yield b" " * 65536

    headers = {"Content-Type": "application/json"}

    assert (await site.post("push/data", json=None, data=chunks(), headers=headers))[0] == 413


async def test_values_that_are_too_large_are_refused(site: Site) -> None:
    order = {"ref": {"id": "build"}, "form": {"values": {"tag": "x" * (1024 * 1024 + 1)}}}
    body, headers = io.BytesIO(json.dumps(order).encode()), {"Content-Type": "application/json"}

    assert (await site.post("push/data", json=None, data=body, headers=headers))[0] == 413


async def test_a_refused_write_is_a_503_with_nothing_lost(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(_: object) -> int:
        raise StoreFailed("disk full")

    monkeypatch.setattr(site.hub.store, "append", full)

    status, problem = await site.post("push/data", {"ref": {"id": "build"}})

    assert (status, problem["detail"]) == (503, "disk full")
    assert (await site.get("readyz"))[0] == 503
    assert (await site.get("healthz"))[0] == 200


async def test_a_host_is_ready_and_names_a_task_that_failed(site: Site) -> None:
    async def fail() -> None:
        raise RuntimeError("what nobody foresaw")

    site.hub.keep("removal of ended runs", fail)
    await asyncio.sleep(0)  # the task has its first moment
    status, shape = await site.get("readyz")
    _, hosts = await site.get("hosts")

    assert (status, shape["ok"]) == (200, True)
    assert "failed in its removal of ended runs" in shape["why"]
    assert shape["why"] in hosts["hosts"][0]["problems"]


async def test_a_host_is_not_ready_while_it_cannot_start_commands(site: Site) -> None:
    site.hands.trouble = "commands cannot be started: no warden is running"
    away = await site.get("readyz")
    site.hands.trouble = ""

    assert away == (503, {"ok": False, "why": "commands cannot be started: no warden is running"})
    assert await site.get("readyz") == (200, {"ok": True})


async def test_a_mistake_of_floes_own_shows_only_its_number(
    site: Site, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(_: object) -> None:
        raise RuntimeError("inner secret")

    monkeypatch.setattr("floe.server.hosts.host_shapes", broken)

    status, problem = await site.get("hosts")

    assert status == 500
    assert "secret" not in str(check(problem, "Problem"))
    assert problem["id"] in capsys.readouterr().out


# --- webhooks ---


@pytest.fixture
def secret(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("HOOK_SECRET", "s3cret")
    return "s3cret"


def signed(body: bytes, secret: str, delivery: str = "d-1", **more: str) -> dict[str, str]:
    mac = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return {"X-Hub-Signature-256": f"sha256={mac}", "X-GitHub-Delivery": delivery, **more}


async def hook(
    site: Site, body: bytes, headers: dict[str, str], path: str = "build/hook"
) -> tuple[int, Any]:
    site.client.headers.pop("X-Floe-Auth", None)
    return await site.post(f"push/{path}", json=None, data=body, headers=headers)


async def values_of(site: Site, run: str) -> dict[str, Any]:
    return dict((await site.hub.reads.run(run)).values)


async def test_a_signed_delivery_starts_one_run_however_often_it_comes(
    site: Site, secret: str
) -> None:
    body = json.dumps({"ref": "refs/heads/main"}).encode()

    first = await hook(site, body, signed(body, secret))
    again = await hook(site, body, signed(body, secret))
    other = await hook(site, body, signed(body, secret, delivery="d-2"))

    assert [first[0], again[0], other[0]] == [202, 200, 202]
    assert check(first[1], "Hooked") == again[1] != other[1]
    assert await values_of(site, first[1]["run"]) == {
        "ref": "refs/heads/main",
        "branch": "main",
        "push": {"ref": "refs/heads/main"},
    }


async def test_floes_own_headers_are_read_too(site: Site, secret: str) -> None:
    theirs = signed(b"hello", secret)
    headers = {
        "X-Floe-Signature-256": theirs["X-Hub-Signature-256"],
        "X-Floe-Delivery": theirs["X-GitHub-Delivery"],
    }

    status, answer = await hook(site, b"hello", headers)

    assert status == 202
    assert await values_of(site, answer["run"]) == {"push": "hello"}


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-Hub-Signature-256": ""},
        {"X-Hub-Signature-256": "sha256="},
        {"X-Hub-Signature-256": "sha256=" + "0" * 64},
        {"X-Hub-Signature": "sha1=" + hmac.new(b"s3cret", b"{}", hashlib.sha1).hexdigest()},
        {"X-Hub-Signature-256": hmac.new(b"s3cret", b"{}", hashlib.sha256).hexdigest()},
        {"X-Hub-Signature-256": "sha256=" + hmac.new(b"", b"{}", hashlib.sha256).hexdigest()},
        {"X-Floe-Auth": ADMIN},
    ],
    ids=str,
)
async def test_without_the_right_signature_nothing_starts(
    site: Site, secret: str, headers: dict[str, str]
) -> None:
    assert secret == "s3cret"

    status, _ = await hook(site, b"{}", {"X-GitHub-Delivery": "d-1", **headers})

    assert status == 401
    assert (await site.hub.reads.kept("once")) == {}


async def test_a_changed_body_is_refused(site: Site, secret: str) -> None:
    assert (await hook(site, b'{"a": 2}', signed(b'{"a": 1}', secret)))[0] == 401


async def test_a_delivery_needs_an_id(site: Site, secret: str) -> None:
    assert (await hook(site, b"{}", signed(b"{}", secret, delivery="")))[0] == 400


async def test_a_ping_starts_nothing(site: Site, secret: str) -> None:
    headers = signed(b"{}", secret, **{"X-GitHub-Event": "ping"})

    assert await hook(site, b"{}", headers) == (200, {"run": None})


async def test_without_a_secret_a_hook_is_closed(site: Site) -> None:
    assert (await hook(site, b"{}", signed(b"{}", ""), path="build/open"))[0] == 403
    assert (await hook(site, b"{}", signed(b"{}", "")))[0] == 403  # $HOOK_SECRET is not set


@pytest.mark.parametrize("path", ["nothing/hook", "build/nothing", "build/start", "..%2f/hook"])
async def test_strangers_do_not_learn_which_hooks_exist(site: Site, secret: str, path: str) -> None:
    there = await hook(site, b"{}", {})
    missing = await hook(site, b"{}", signed(b"{}", secret), path=path)

    assert missing == there


# --- the dashboard's files ---


async def test_files_are_compressed_and_asked_for_once(site: Site) -> None:
    url = site.url + "/app/state.js"
    async with site.client.get(url) as response:
        assert response.headers["Content-Encoding"] == "gzip"
        etag = response.headers["ETag"]

    async with site.client.get(url, headers={"If-None-Match": etag}) as response:
        assert (response.status, await response.read()) == (304, b"")
    async with site.client.get(url, headers={"Accept-Encoding": "identity"}) as response:
        assert "Content-Encoding" not in response.headers


async def test_the_page_may_run_its_own_scripts_and_no_others(site: Site) -> None:
    async with site.client.get(site.url + "/app/dash/runs/h1-1") as response:
        policy = response.headers["Content-Security-Policy"]
        page = await response.text()

    assert f'content="{API}"' in page
    assert "script-src 'self' 'sha256-" in policy
    assert "unsafe" not in policy
