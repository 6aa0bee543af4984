"""Requests to flyte's API that mean harm: each has an answer, and the host serves on."""

import asyncio
import json
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any, Final

import pytest
from yarl import URL

from tests.integration.test_flyte_scenarios import Packs, a_flyte_site
from tests.make_server import Site

pytestmark = pytest.mark.slow

YAML: Final = {"Content-Type": "application/x-yaml"}
BODIES: Final = ("/v1/packs", "/v1/flows", "/v1/packs/P/events", "/v1/packs/P/actions/0/result")
"""The routes that read a document."""

ALIASES: Final = "\n".join(
    ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
)
DOCUMENTS: Final[Mapping[str, tuple[str, dict[str, str]]]] = {
    "lists 100,000 deep": ("[" * 100_000, {}),
    "objects 100,000 deep": ('{"a":' * 100_000, {}),
    "YAML 100,000 deep": ("[" * 100_000, YAML),
    "aliases of aliases": (ALIASES, YAML),
    "an alias of itself": ("&a [*a]", YAML),
    "a merge of itself": ("a: &a {<<: *a}", YAML),
}

LONG: Final = "a" * 200_000
PAYLOAD: Final = {"list": list(range(1000)), "long": LONG, "json": '{"a":' * 50_000}
TEMPLATES: Final = {
    "loops in loops": "{% for a in Event.Payload.list %}" * 4 + "x" + "{% endfor %}" * 4,
    "padding": '{{ "x"|center:100000000 }}',
    "doubling": '{% set a="xxxxxxxxxx" %}' + "{% set a = a|add:a %}" * 60,
    "chance": "{{ randomAlpha(1000000000) }}",
    "a macro that calls itself": "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
    "repeats in repeats": '{{ Event.Payload.long|extractMatch:"((a{1,100}){1,100}){1,100}" }}',
    "brackets": "{{ " + "(" * 10_000 + "1" + ")" * 10_000 + " }}",
    "a width": '{{ 10|stringformat:"%0999999999d" }}',
    "digits": "{{ " + "9" * 6000 + " }}",
    "tags": "{% if 1 %}" * 5000,
    "words": "{{ 1 }}" * 140_000,
    "joins": '{{ Event.Payload.long|split:""|join:"xxxxxxxxxx" }}',
    "inner documents": "{{ unmarshalJson(Event.Payload.json) }}",
}
"""Each is an error of its template, and would cost a minute or a gigabyte."""

NAMES: Final = ("a/b", "", "\0", "..", "a\r\nX: y", "%00", "/" * 1000, "é😀")


async def statuses(packs: Packs, method: str, *paths: str, **more: Any) -> list[int]:
    return [(await packs.ask(method, path, **more))[0] for path in paths]


async def registered(site: Site) -> Packs:
    packs = Packs(site)
    assert (await packs.ask("POST", "/v1/packs", json={"name": "P"}))[0] == 201
    return packs


async def test_document_that_is_a_bomb_is_refused_wherever_it_is_sent(tmp_path: Path) -> None:
    async with a_flyte_site(tmp_path) as site:
        packs = await registered(site)
        found = {
            why: set(await statuses(packs, "POST", *BODIES, data=body, headers=headers))
            for why, (body, headers) in DOCUMENTS.items()
        }

    assert found == {why: {400} for why in DOCUMENTS}


@pytest.mark.parametrize("how", ["with its length", "in chunks"])
async def test_body_of_10_mb_is_refused_wherever_it_is_sent(tmp_path: Path, how: str) -> None:
    body = json.dumps({"event": "x" * (10 << 20)}).encode()

    async def chunks() -> Any:
        for start in range(0, len(body), 1 << 16):
            yield body[start : start + (1 << 16)]

    async with a_flyte_site(tmp_path) as site:
        packs = await registered(site)
        found = [
            (await packs.ask("POST", path, data=BytesIO(body) if how[0] == "w" else chunks()))[0]
            for path in BODIES
        ]

    assert found == [413] * len(BODIES)


async def test_template_that_is_a_bomb_is_a_finding_and_the_next_event_opens_its_run(
    tmp_path: Path,
) -> None:
    def flow(name: str, template: str) -> dict[str, Any]:
        step = {"packName": "P", "name": name}
        return {"name": name, "steps": [{"event": step, "command": step | {"input": template}}]}

    async with a_flyte_site(tmp_path) as site:
        packs = await registered(site)
        for name, template in (TEMPLATES | {"good": "{{ Event.Name }}"}).items():
            assert await statuses(packs, "POST", "/v1/flows", json=flow(name, template)) == [201]
        sent = [
            await statuses(packs, "POST", "/v1/packs/P/events", json={"event": n, "payload": p})
            for n, p in [*((name, PAYLOAD) for name in TEMPLATES), ("good", None)]
        ]
        await packs.settled()
        findings = site.hub.reads.event_inbox().findings.values()
        _, work = await packs.ask("POST", "/v1/packs/P/actions/take")
        none_left = await statuses(packs, "POST", "/v1/packs/P/actions/take")

    assert sent == [[202]] * (len(TEMPLATES) + 1)
    assert {one.name: one.count for one in findings} == dict.fromkeys(TEMPLATES, 1)
    assert all("command.input" in str(one.newest[0]["why"]) for one in findings)
    assert (json.loads(work)["input"], none_left) == ("good", [204])


async def test_event_of_any_name_fires_the_step_that_waits_for_it(tmp_path: Path) -> None:
    names = [name for name in NAMES if "\n" not in name]  # a flow has no newline in a name
    steps = [
        {"event": {"packName": "P", "name": name}, "command": {"packName": "P", "name": name}}
        for name in names
    ]
    async with a_flyte_site(tmp_path) as site:
        packs = await registered(site)
        await packs.ask("POST", "/v1/flows", json={"name": "f", "steps": steps})
        for name in NAMES:
            sent = await statuses(packs, "POST", "/v1/packs/P/events", json={"event": name})
            assert sent == [202]
        await packs.settled()
        taken = [
            json.loads((await packs.ask("POST", "/v1/packs/P/actions/take"))[1])["command"]
            for _ in names
        ]

    assert taken == names


async def test_name_that_is_no_text_is_an_unknown_one(tmp_path: Path) -> None:
    """Bytes that are not UTF-8, half a character, NUL, and far too many."""
    paths = [
        f"/v1/{kind}/{name}"
        for kind in ("packs", "flows", "datastore", "audit/flows")
        for name in ("%ff", "%ED%A0%80", "%00", "x" * 7000)
    ]
    async with a_flyte_site(tmp_path) as site:
        packs = await registered(site)
        found = await statuses(packs, "GET", *paths)
        results = await statuses(
            packs,
            "POST",
            *(f"/v1/packs/P/actions/{id}/result" for id in ("%ED%A0%80", "%00", "f" * 24)),
            json={"event": "Done"},
        )
        filtered = await statuses(
            packs,
            "GET",
            *(f"/v1/audit/flows?flowName={name}&stepId={name}" for name in ("%ED%A0%80", "%00")),
            "/v1/audit/flows?actionPackLabels=%00:%ff",
            f"/v1/audit/flows?limit={'9' * 5000}",
        )

    assert found == [404] * len(paths)
    assert results == [404] * 3
    assert filtered == [200] * 4


async def test_half_characters_of_an_event_are_replaced(tmp_path: Path) -> None:
    step = {"packName": "P", "name": "E"}
    flow = {"steps": [{"event": step, "command": step | {"input": "{{ Event.Payload.a }}"}}]}
    async with a_flyte_site(tmp_path) as site:
        packs = await registered(site)
        await packs.ask("POST", "/v1/flows", json={"name": "f", **flow})
        body = rb'{"event": "E", "payload": {"a": "\ud800", "\udc00": "\u0000"}}'
        sent = await statuses(packs, "POST", "/v1/packs/P/events", data=body)
        await packs.settled()
        _, work = await packs.ask("POST", "/v1/packs/P/actions/take")

    assert (sent, json.loads(work)["input"]) == ([202], "\ufffd")


async def test_head_of_1_mb_is_refused_before_it_is_read(tmp_path: Path) -> None:
    async with a_flyte_site(tmp_path) as site:
        at = URL(site.server.flyte_url)
        reader, writer = await asyncio.open_connection(at.host, at.port)
        writer.write(b"GET /v1 HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer " + b"x" * 16_000)
        status = (await reader.readline()).split()[1]
        writer.close()
        served = await statuses(Packs(site), "GET", "/health")

    assert (status, served) == (b"400", [200])


async def test_result_of_a_stranger_changes_nothing(tmp_path: Path) -> None:
    """Neither a pack with a name that begins the same, nor one with labels that look the same."""
    event = {"packName": "P", "name": "E"}
    command = {"packName": "Q", "name": "Do", "packLabels": {"a": "b"}}
    strangers = [
        {"name": "Q"},
        {"name": "Q.a.b"},
        {"name": "QQ", "labels": {"a": "b"}},
        {"name": "Q", "labels": {"a": "b.c"}},
        {"name": "Q", "labels": {"a=b": "b"}},
    ]
    async with a_flyte_site(tmp_path) as site:
        packs = await registered(site)
        flow = {"name": "f", "steps": [{"id": "one", "event": event, "command": command}]}
        await packs.ask("POST", "/v1/flows", json=flow)
        await packs.ask("POST", "/v1/packs/P/events", json={"event": "E"})
        await packs.settled()
        ids = [
            json.loads((await packs.ask("POST", "/v1/packs", json=pack))[1])["id"]
            for pack in strangers
        ]
        own = {"name": "Q", "labels": {"a": "b", "c": "d"}}
        await packs.ask("POST", "/v1/packs", json=own)
        _, work = await packs.ask("POST", "/v1/packs/Q.a.b.c.d/actions/take")
        link = URL(json.loads(work)["links"][0]["href"], encoded=True).raw_path
        takes = await statuses(packs, "POST", *(f"/v1/packs/{id}/actions/take" for id in ids))
        results = await statuses(
            packs,
            "POST",
            *(link.replace("Q.a.b.c.d", id) for id in ids if id != "Q.a.b"),
            json={"event": "Done", "pack": {"id": "Q.a.b.c.d", "name": "Q", "labels": {"a": "b"}}},
        )
        [run] = json.loads((await packs.ask("GET", "/v1/audit/flows"))[1])["flows"]

    assert set(takes) == {204}
    assert set(results) == {403}
    assert run["actions"]["one"]["state"]["value"] == "PENDING"
