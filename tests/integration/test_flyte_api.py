"""The API of flyte beyond what was recorded: names, methods, access, limits, a keeper away."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from io import BytesIO
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import aiohttp
import pytest
import yaml
from yarl import URL

from floe.model.ids import HostId
from floe.server.bodies import BODY_MAX
from floe.server.settings import Bind
from tests.make_server import Site, a_site

HELLO: Final = {"name": "hello", "steps": []}
FORM: Final = {"Content-Type": "multipart/form-data; boundary=b"}


@asynccontextmanager
async def flyte(root: Path, **more: Any) -> AsyncIterator[Site]:
    """A host that serves the API at an address of its own, and a client without credentials."""
    settings = {"flyte": Bind(address="127.0.0.1:0")}
    async with a_site(root, settings=settings, headers={}, **more) as site:
        yield site


async def ask(site: Site, method: str, path: str, **more: Any) -> tuple[int, Any, Any]:
    """Status, headers and body of an answer."""
    url = path if path.startswith("http") else site.server.flyte_url + path
    async with site.client.request(method, URL(url, encoded=True), **more) as response:
        body: Any = await response.read()
        if body and response.content_type == "application/json":
            body = json.loads(body)
        return response.status, response.headers, body


async def registered(site: Site, name: str, **more: Any) -> Any:
    """The answer to the registration of a pack."""
    status, _, body = await ask(site, "POST", "/v1/packs", json={"name": name, **more})
    assert status == 201, body
    return body


def rel(body: Any, end: str) -> str:
    """The target of the first link whose rel ends so: thus clients find theirs."""
    return next(str(link["href"]) for link in body["links"] if link["rel"].endswith(end))


@pytest.mark.parametrize("name", ["a b", "a/b", "a?b#c", "100%", "é😀", 'a"\\b', "a\nb", "..x"])
async def test_pack_of_any_name_is_found_by_its_links(tmp_path: Path, name: str) -> None:
    async with flyte(tmp_path) as site:
        body = await registered(site, name, labels={"k/": "v"})
        path = quote(rel(body, "self").removeprefix(site.server.flyte_url), safe="/%")
        status, _, found = await ask(site, "GET", path)

    assert (status, found["id"], found["name"]) == (200, f"{name}.k/.v", name)


@pytest.mark.parametrize(
    ("path", "allow"),
    [
        ("/v1", "GET, HEAD, OPTIONS"),
        ("/v1/packs", "GET, HEAD, OPTIONS, POST"),
        ("/v1/datastore", "GET, HEAD, OPTIONS"),
        ("/v1/flows/x", "DELETE, GET, HEAD, OPTIONS"),
    ],
)
async def test_other_methods_are_refused_with_those_that_a_path_has(
    tmp_path: Path, path: str, allow: str
) -> None:
    async with flyte(tmp_path) as site:
        refused = await ask(site, "PATCH", path)
        asked = await ask(site, "OPTIONS", path)

    assert (refused[0], refused[1]["Allow"], refused[2]) == (405, allow, b"Method Not Allowed")
    assert (asked[0], asked[1]["Allow"], asked[2]) == (200, allow, b"")


async def test_head_is_a_get_without_its_body(tmp_path: Path) -> None:
    async with flyte(tmp_path) as site:
        status, headers, body = await ask(site, "HEAD", "/v1/packs")

    assert (status, headers["Content-Type"], body) == (200, "application/json; charset=utf-8", b"")


async def test_unknown_path_is_a_text(tmp_path: Path) -> None:
    async with flyte(tmp_path) as site:
        found = [(await ask(site, "GET", path))[::2] for path in ("/v2", "/v1/packs/", "/v1/")]

    assert found == [(404, b"Not Found")] * 3


async def test_address_of_its_own_serves_nothing_else(tmp_path: Path) -> None:
    async with flyte(tmp_path) as site:
        found = [(await ask(site, "GET", path))[0] for path in ("/build/api/runs", "/app/dash")]

    assert found == [404, 404]


@pytest.mark.parametrize("path", ["/flyte/v1", "/flyte/v1/packs", "/flyte/v2", "/flyte/"])
async def test_below_a_path_the_api_needs_a_token_of_floe(tmp_path: Path, path: str) -> None:
    async with a_site(tmp_path, headers={}) as site:
        status, *_ = await ask(site, "GET", site.url + path)

    assert status == 401


async def test_link_leads_through_the_first_of_several_proxies(tmp_path: Path) -> None:
    headers = {"X-Forwarded-Host": "a.example, b.example", "X-Forwarded-Proto": "https,http"}
    async with flyte(tmp_path) as site:
        _, _, body = await ask(site, "GET", "/v1", headers=headers)

    assert rel(body, "pack/listPacks") == "https://a.example/v1/packs"


async def test_description_of_the_api_is_a_document(tmp_path: Path) -> None:
    async with flyte(tmp_path) as site:
        status, headers, body = await ask(site, "GET", "/v1/swagger")

    assert (status, headers["Content-Type"]) == (200, "application/vnd.yaml; charset=utf-8")
    assert yaml.safe_load(body)["swagger"] == "2.0"


@pytest.mark.parametrize(
    "body",
    [
        "",
        "{",
        "[]",
        '"x"',
        "5",
        "null",
        "{}",
        '{"name": 5}',
        '{"name": "p", "labels": {"a": 1}}',
        '{"name": "p", "labels": []}',
        '{"name": "p", "commands": {}}',
        '{"name": "p", "commands": ["c"]}',
        '{"name": "p", "commands": [{"events": [1]}]}',
        '{"name": "p", "lastSeen": "yesterday"}',
        '{"name": "p", "lastSeen": "2026-13-01T00:00:00Z"}',
        '{"name": "p", "n": NaN}',
        '{"name": "p", "n": 1e999}',
        "[" * 100_000,
    ],
)
async def test_what_is_no_pack_is_refused_with_a_reason(tmp_path: Path, body: str) -> None:
    async with flyte(tmp_path) as site:
        status, headers, reason = await ask(site, "POST", "/v1/packs", data=body)
        _, _, listed = await ask(site, "GET", "/v1/packs")

    assert (status, headers["Content-Type"]) == (400, "text/plain; charset=utf-8")
    assert reason
    assert listed["packs"] == []


async def test_half_a_character_is_replaced(tmp_path: Path) -> None:
    async with flyte(tmp_path) as site:
        _, _, body = await ask(site, "POST", "/v1/packs", data=rb'{"name": "a\ud800"}')

    assert body["name"] == "a\ufffd"


async def test_pack_with_ten_thousand_commands_is_kept_whole(tmp_path: Path) -> None:
    commands = [{"name": f"command-{number}", "events": ["E"]} for number in range(10_000)]
    async with flyte(tmp_path) as site:
        body = await registered(site, "many", commands=commands)
        await registered(site, "many")
        _, _, found = await ask(site, "GET", rel(body, "self"))

    assert [one["name"] for one in body["commands"]] == [one["name"] for one in commands]
    assert "commands" not in found


async def test_body_above_the_limit_is_refused(tmp_path: Path) -> None:
    async with flyte(tmp_path) as site:
        status, *_ = await ask(site, "POST", "/v1/packs", data=BytesIO(b" " * (BODY_MAX + 1)))

    assert status == 413


async def test_client_that_waits_for_100_gets_it_once(tmp_path: Path) -> None:
    async with flyte(tmp_path) as site:
        url = URL(site.server.flyte_url)
        reader, writer = await asyncio.open_connection(url.host, url.port)
        body = b'{"name": "waits"}'
        head = f"POST /v1/packs HTTP/1.1\r\nHost: a\r\nContent-Length: {len(body)}\r\n"
        writer.write(head.encode() + b"Expect: 100-continue\r\nConnection: close\r\n\r\n")
        first = await reader.readuntil(b"\r\n\r\n")
        writer.write(body)
        rest = await reader.read()
        writer.close()

    assert (first.split(b"\r\n")[0], rest[:12]) == (b"HTTP/1.1 100 Continue", b"HTTP/1.1 201")


async def test_yaml_bomb_is_refused(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    headers = {"Content-Type": "application/x-yaml"}
    async with flyte(tmp_path) as site:
        status, _, reason = await ask(
            site, "POST", "/v1/flows", data="\n".join(lines), headers=headers
        )

    assert status == 400
    assert b"keys and values" in reason


async def test_refused_flow_names_all_reasons(tmp_path: Path) -> None:
    flow = {"name": "a\nb", "steps": [{"event": {"name": "E"}, "command": None}]}
    async with flyte(tmp_path) as site:
        status, _, reason = await ask(site, "POST", "/v1/flows", json=flow)

    assert (status, reason.decode().split("; ")) == (
        400,
        [
            "name: the text has a newline",
            "steps[0].event: `packName` is missing",
            "steps[0].command: an object is needed, not null",
        ],
    )


async def test_same_flow_again_makes_no_version(tmp_path: Path) -> None:
    async with flyte(tmp_path) as site:
        for _ in range(3):
            await ask(site, "POST", "/v1/flows", json=HELLO)
        await ask(site, "POST", "/v1/flows", json={**HELLO, "description": "new"})
        versions = site.hub.shared.of_kind("flyte.version")

    assert len(versions) == 2


async def test_deleted_flow_keeps_its_version(tmp_path: Path) -> None:
    async with flyte(tmp_path) as site:
        await ask(site, "POST", "/v1/flows", json=HELLO)
        status, *_ = await ask(site, "DELETE", "/v1/flows/hello")
        versions = site.hub.shared.of_kind("flyte.version")

    assert (status, len(versions)) == (204, 1)


async def test_item_is_given_back_to_the_byte(tmp_path: Path) -> None:
    content = bytes(range(256)) * 1000 + b"\r\n--x\r\n"
    form = aiohttp.FormData()
    form.add_field("value", content, filename="f", content_type="application/x-odd")
    async with flyte(tmp_path) as site:
        stored = await ask(site, "PUT", "/v1/datastore/a%2Fb", data=form)
        status, headers, found = await ask(site, "GET", "/v1/datastore/a%2Fb")

    assert (stored[0], status, headers["Content-Type"]) == (201, 200, "application/x-odd")
    assert found == content


async def test_page_that_somebody_stored_runs_nothing(tmp_path: Path) -> None:
    form = aiohttp.FormData()
    form.add_field("value", "<script>", filename="f", content_type="text/html")
    async with flyte(tmp_path) as site:
        await ask(site, "PUT", "/v1/datastore/a", data=form)
        _, headers, _ = await ask(site, "GET", "/v1/datastore/a")

    assert headers["Content-Security-Policy"] == "default-src 'none'; sandbox"


async def test_items_are_listed_in_the_order_of_their_first_storing(tmp_path: Path) -> None:
    async with flyte(tmp_path) as site:
        for key in ("b", "a", "b"):
            form = aiohttp.FormData()
            form.add_field("value", key, filename="f")
            await ask(site, "PUT", f"/v1/datastore/{key}", data=form, params={"description": key})
        _, _, listed = await ask(site, "GET", "/v1/datastore")

    assert [(item["key"], item["description"]) for item in listed["datastore"]] == [
        ("b", "b"),
        ("a", "a"),
    ]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"--b--",
        b"--b\r\n",
        b'--b\r\nContent-Disposition: form-data; name="value"; filename="f"\r\n\r\nx',
        b"--b\r\n\r\nx\r\n--b--",
        b"--b\r\n\xff\r\n\r\nx\r\n--b--",
    ],
)
async def test_what_is_no_form_with_a_file_is_refused(tmp_path: Path, body: bytes) -> None:
    async with flyte(tmp_path) as site:
        status, *_ = await ask(site, "PUT", "/v1/datastore/a", data=body, headers=FORM)

    assert status == 400


@pytest.mark.parametrize("path", ["/v1/packs/p", "/v1/flows/f", "/v1/datastore/i"])
async def test_host_that_cannot_ask_the_keeper_never_says_that_there_is_nothing(
    tmp_path: Path, path: str
) -> None:
    """A pack in Go ends its process at 404."""
    async with flyte(tmp_path, others=1, keeper=HostId("h2")) as site:
        found = [(await ask(site, method, path))[0] for method in ("GET", "DELETE")]

    assert found == [503, 503]


@pytest.mark.parametrize("path", ["/v1/packs", "/v1/flows", "/v1/datastore"])
async def test_lists_are_those_of_the_copy_while_the_keeper_is_away(
    tmp_path: Path, path: str
) -> None:
    async with flyte(tmp_path, others=1, keeper=HostId("h2")) as site:
        status, *_ = await ask(site, "GET", path)

    assert status == 200
