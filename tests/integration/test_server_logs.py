"""What a node printed comes as its bytes were written, whole, in ranges, or as it grows."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from tests.make_server import AGAIN, API, Site, a_site, until
from tests.schemas import check

TEXT = b"0123456789\xff\n"


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with a_site(tmp_path) as site:
        yield site


def log_url(site: Site, run: str, query: str = "", node: str = "build") -> str:
    return f"{site.url}{API}/runs/{run}/nodes/{node}/log{query}"


async def fetch(
    site: Site, run: str, query: str = "", **headers: str
) -> tuple[int, bytes, aiohttp.ClientResponse]:
    async with site.client.get(log_url(site, run, query), headers=headers) as response:
        return response.status, await response.read(), response


async def printed(site: Site) -> str:
    """A run whose first node runs and has printed TEXT."""
    run = await site.start()
    site.output(run, "build").write_bytes(TEXT)
    return run


async def test_output_is_its_raw_bytes_and_never_a_page(site: Site) -> None:
    run = await printed(site)

    status, body, response = await fetch(site, run)

    assert (status, body) == (200, TEXT)
    assert response.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["X-Floe-Size"] == "12"
    assert response.headers["X-Floe-Live"] == "true"
    assert response.headers["X-Floe-Attempt"] == "1"


@pytest.mark.parametrize(
    ("query", "body"),
    [
        ("?offset=4", TEXT[4:]),
        ("?offset=4&limit=2", TEXT[4:6]),
        ("?limit=3", TEXT[:3]),
        ("?offset=12", b""),
        ("?offset=999", b""),
    ],
)
async def test_a_piece_of_it(site: Site, query: str, body: bytes) -> None:
    run = await printed(site)

    assert (await fetch(site, run, query))[:2] == (200, body)


@pytest.mark.parametrize(
    ("asked", "body", "told"),
    [
        ("bytes=0-3", TEXT[:4], "bytes 0-3/12"),
        ("bytes=8-", TEXT[8:], "bytes 8-11/12"),
        ("bytes=-3", TEXT[-3:], "bytes 9-11/12"),
        ("bytes=-99", TEXT, "bytes 0-11/12"),
        ("bytes=4-99", TEXT[4:], "bytes 4-11/12"),
    ],
)
async def test_a_range_of_it(site: Site, asked: str, body: bytes, told: str) -> None:
    run = await printed(site)

    status, got, response = await fetch(site, run, Range=asked)

    assert (status, got, response.headers["Content-Range"]) == (206, body, told)


async def test_a_range_past_the_end_is_refused_with_the_size(site: Site) -> None:
    run = await printed(site)

    status, _, response = await fetch(site, run, Range="bytes=12-")

    assert (status, response.headers["Content-Range"]) == (416, "bytes */12")


@pytest.mark.parametrize("asked", ["bytes=0-1,4-5", "lines=1-2", "bytes=x", "bytes=5-1"])
async def test_a_range_that_is_not_understood_is_ignored(site: Site, asked: str) -> None:
    run = await printed(site)

    assert (await fetch(site, run, Range=asked))[:2] == (200, TEXT)


async def test_what_is_over_is_shown_as_such(site: Site) -> None:
    run = await printed(site)
    site.hands.exit("build")
    await until(lambda: not site.hands.running())

    _, body, response = await fetch(site, run)

    assert (body, response.headers["X-Floe-Live"]) == (TEXT, "false")


async def test_a_node_that_has_not_begun_has_printed_nothing(site: Site) -> None:
    run = await site.start()

    async with site.client.get(log_url(site, run, node="done")) as response:
        assert (response.status, await response.read()) == (200, b"")
        assert response.headers["X-Floe-Live"] == "true"


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("?attempt=2", 404),
        ("?attempt=0", 422),
        ("?attempt=../1", 422),
        ("?offset=-1", 422),
        ("?limit=0", 422),
        ("?follow=yes", 422),
        ("?path=/etc/passwd", 422),
    ],
)
async def test_what_is_not_there_is_refused(site: Site, query: str, status: int) -> None:
    run = await printed(site)

    assert (await fetch(site, run, query))[0] == status


@pytest.mark.parametrize("node", ["nothing", "..%2fbuild.1.1", "build.1.1", "%2e%2e", "build%00"])
async def test_no_name_becomes_a_path(site: Site, node: str) -> None:
    run = await printed(site)

    status, problem = await site.get(f"runs/{run}/nodes/{node}/log")

    assert status in (400, 404)
    assert "0123" not in str(problem)


async def test_following_goes_on_until_the_attempt_is_over(site: Site) -> None:
    run = await printed(site)

    async with site.client.get(log_url(site, run, "?follow=true&offset=4")) as response:
        assert await response.content.readexactly(8) == TEXT[4:]
        with site.output(run, "build").open("ab") as file:
            file.write(b"more")
        assert await response.content.readexactly(4) == b"more"
        with site.output(run, "build").open("ab") as file:
            file.write(b"last")
        site.hands.exit("build")

        assert await response.read() == b"last"


async def test_following_waits_for_a_node_that_has_not_begun(site: Site) -> None:
    run = await site.start()

    async with site.client.get(log_url(site, run, "?follow=true", "sign-off")) as response:
        site.hands.exit("build", 1)  # nobody hears it: the run ends and the node never runs

        assert await response.read() == b""


async def test_each_attempt_keeps_its_own_output(tmp_path: Path) -> None:
    async with a_site(tmp_path, AGAIN) as site:
        run = await site.start("again")
        site.output(run, "build").write_bytes(b"first")

        async with site.client.get(log_url(site, run, "?follow=true")) as response:
            site.hands.exit("build", 1)
            assert await response.read() == b"first"
        await until(lambda: len(site.hands.actions) == 2)
        site.output(run, "build", attempt=2).write_bytes(b"second")

        assert (await fetch(site, run))[1] == b"second"
        assert (await fetch(site, run, "?attempt=1"))[1] == b"first"


async def test_a_large_output_comes_whole(site: Site) -> None:
    run = await site.start()
    path = site.output(run, "build")
    path.write_bytes(bytes(range(256)) * 40_000)
    site.hands.exit("build")

    _, body, _ = await fetch(site, run, "?follow=true")

    assert body == path.read_bytes()


async def test_a_follower_that_left_is_noticed(site: Site) -> None:
    run = await printed(site)
    before = len(asyncio.all_tasks())

    async with site.client.get(log_url(site, run, "?follow=true")) as response:
        await response.content.readexactly(len(TEXT))
        response.close()

    await until(lambda: len(asyncio.all_tasks()) <= before)


async def test_a_stopping_server_cuts_followers_off_so_that_they_know(site: Site) -> None:
    run = await printed(site)

    async with site.client.get(log_url(site, run, "?follow=true")) as response:
        await response.content.readexactly(len(TEXT))
        await site.server.stop()

        with pytest.raises(aiohttp.ClientPayloadError):
            await response.read()


# --- by its lines ---


async def lined(site: Site) -> str:
    run = await site.start()
    site.output(run, "build").write_bytes(b"".join(b"line %d\n" % n for n in range(1, 3_001)))
    return run


@pytest.mark.parametrize(
    ("query", "first", "texts"),
    [
        ("?from=2000&count=2", 2_000, ["line 2000", "line 2001"]),
        ("?from=-2", 2_999, ["line 2999", "line 3000"]),
        ("?from=-9999&count=1", 1, ["line 1"]),
        ("?from=3001", 3_001, []),
    ],
)
async def test_lines_are_found_by_their_numbers(
    site: Site, query: str, first: int, texts: list[str]
) -> None:
    run = await lined(site)

    status, shape = await site.get(f"runs/{run}/nodes/build/log/lines{query}")

    assert status == 200
    check(shape, "Lines")
    assert (shape["count"], shape["live"], shape["from"]) == (3_000, True, first)
    assert [line["text"] for line in shape["lines"]] == texts


async def test_lines_of_what_has_not_begun_are_none(site: Site) -> None:
    run = await site.start()

    _, shape = await site.get(f"runs/{run}/nodes/done/log/lines")

    assert (shape["attempt"], shape["count"], shape["lines"]) == (0, 0, [])


async def test_lines_that_hold_a_text_are_found(site: Site) -> None:
    run = await lined(site)

    status, shape = await site.get(f"runs/{run}/nodes/build/log/find?text=LINE+299")

    assert status == 200
    check(shape, "Found")
    assert shape["found"] == [299, *range(2_990, 3_000)]
    assert shape["next"] is None


@pytest.mark.parametrize("query", ["", "?text=", "?text=a%0Ab", "?text=a&from=0"])
async def test_a_wrong_search_is_refused(site: Site, query: str) -> None:
    run = await lined(site)

    assert (await site.get(f"runs/{run}/nodes/build/log/find{query}"))[0] == 422
