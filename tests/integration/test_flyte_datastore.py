"""The datastore in floe's own API: who changed what, and edits that race."""

import io
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from yarl import URL

from floe.server.settings import Bind
from tests.make_server import API, Site, a_site
from tests.schemas import check

pytestmark = pytest.mark.slow

HOSTILE = "a/b c?<img src=x onerror=alert(1)>{#}%2F\u202e"
NEW = {"If-None-Match": "*"}


def a_desk(root: Path) -> AbstractAsyncContextManager[Site]:
    """A host whose flyte is served at an address of its own, and a client with a token."""
    return a_site(root, settings={"flyte": Bind(address="127.0.0.1:0")})


def path_of(key: str) -> str:
    return f"{API}/flyte/items/{quote(key, safe='')}"


async def put(site: Site, key: str, body: bytes, **headers: str) -> tuple[int, Any]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    typed = {"Content-Type": "application/json", **named}
    return await site.ask("PUT", path_of(key), data=io.BytesIO(body), headers=typed)


async def deleted(site: Site, key: str, **headers: str) -> int:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return (await site.ask("DELETE", path_of(key), headers=named))[0]


async def listed(site: Site, query: str = "") -> Any:
    status, shape = await site.get(f"flyte/items{query}")
    assert status == 200
    return check(shape, "FlyteItems")


async def test_item_says_who_changed_it_and_how_large_it_is(tmp_path: Path) -> None:
    async with a_desk(tmp_path) as site:
        status, item = await put(site, "teams", b'{"a": 1}', **NEW)

        assert (status, check(item, "FlyteItem")["changed_by"]) == (201, "admin")
        assert (item["bytes"], item["content_type"]) == (8, "application/json")
        assert (await listed(site))["items"] == [item]


async def test_item_of_people_is_the_item_of_packs(tmp_path: Path) -> None:
    async with a_desk(tmp_path) as site:
        await put(site, HOSTILE, b"\x00\xff")

        await put(site, "teams", b"text", Content_Type="text/plain")
        assert await site.ask("GET", "/flyte/v1/datastore/teams") == (200, "text")
        found = await listed(site)
        assert [one["key"] for one in found["items"]] == sorted([HOSTILE, "teams"])


async def test_content_is_sent_as_a_file_with_its_version(tmp_path: Path) -> None:
    async with a_desk(tmp_path) as site:
        _, item = await put(site, HOSTILE, b"<script>alert(1)</script>")

        address = URL(f"{site.url}{path_of(HOSTILE)}/content", encoded=True)
        async with site.client.get(address) as answer:
            headers, body = answer.headers, await answer.read()
        assert body == b"<script>alert(1)</script>"
        assert headers["ETag"] == item["etag"]
        assert headers["Content-Type"] == "application/octet-stream"
        assert headers["Content-Disposition"].startswith("attachment;")


async def test_edit_of_a_version_that_was_replaced_is_refused(tmp_path: Path) -> None:
    async with a_desk(tmp_path) as site:
        _, first = await put(site, "teams", b"1", **NEW)
        _, second = await put(site, "teams", b"2", If_Match=first["etag"])

        status, problem = await put(site, "teams", b"3", If_Match=first["etag"])

        assert (status, problem["detail"]) == (412, "teams was changed by admin meanwhile")
        assert (await put(site, "teams", b"4", If_Match=second["etag"]))[0] == 200


async def test_item_is_not_added_over_one_that_is_there(tmp_path: Path) -> None:
    async with a_desk(tmp_path) as site:
        await put(site, "teams", b"1", **NEW)

        status, problem = await put(site, "teams", b"2", **NEW)

        assert (status, problem["detail"]) == (412, "teams was added by admin meanwhile")


async def test_large_item_that_races_is_refused_too(tmp_path: Path) -> None:
    async with a_desk(tmp_path) as site:
        _, first = await put(site, "large", b"x" * 2_000_000, **NEW)
        await put(site, "large", b"y" * 2_000_000)

        status, _ = await put(site, "large", b"z" * 2_000_000, If_Match=first["etag"])

        assert status == 412
        assert (await listed(site))["items"][0]["bytes"] == 2_000_000


async def test_list_has_the_facts_of_an_item_after_it_changed(tmp_path: Path) -> None:
    async with a_desk(tmp_path) as site:
        await put(site, "teams", b"1")
        await put(site, "owners", b"1")
        await listed(site)

        _, changed = await put(site, "teams", b"22")
        await deleted(site, "owners")

        assert (await listed(site))["items"] == [changed]


async def test_item_that_changed_is_not_deleted(tmp_path: Path) -> None:
    async with a_desk(tmp_path) as site:
        _, first = await put(site, "teams", b"1")
        await put(site, "teams", b"2")

        refused = await deleted(site, "teams", If_Match=first["etag"])

        assert (refused, await deleted(site, "teams"), await deleted(site, "teams")) == (
            412,
            204,
            404,
        )


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"If-None-Match": '"x"'}, 400),
        ({"If-None-Match": "*", "If-Match": '"s.1"'}, 400),
        ({"If-Match": "*"}, 412),
        ({"If-Match": f'"s.{"9" * 5000}"'}, 412),
        ({"If-Match": '"s.²"'}, 412),
    ],
)
async def test_condition_that_names_no_version_changes_nothing(
    tmp_path: Path, headers: dict[str, str], status: int
) -> None:
    async with a_desk(tmp_path) as site:
        await put(site, "teams", b"1")

        assert (await put(site, "teams", b"2", **headers))[0] == status


async def test_empty_item_is_refused(tmp_path: Path) -> None:
    async with a_desk(tmp_path) as site:
        status, problem = await put(site, "teams", b"")

        assert (status, problem["hint"]) == (400, "delete it instead")


async def test_list_is_searched_and_read_in_parts(tmp_path: Path) -> None:
    async with a_desk(tmp_path) as site:
        for number in range(5):
            path = f"{API}/flyte/items/item{number}?description=of+Team+{number % 2}"
            assert (await site.ask("PUT", path, data=b"x"))[0] == 201

        found = await listed(site, "?text=team+1&limit=1&first=1")

        assert ([one["key"] for one in found["items"]], found["count"]) == (["item3"], 2)
        assert found["all"] == 5
