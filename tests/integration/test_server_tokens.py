"""What a session or personal token made, opened or reads ends with it, and at once."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from floe.host.shared import base as base_module
from floe.host.undoable import UndoJournal
from floe.model.codec import encode
from floe.model.errors import Denied
from floe.model.secret import Secret
from floe.server.token import ShownToken, TokenChange
from floe.server.tokens import Tokens
from tests.make_server import ADMIN, API, DEADLINE_S, Site, a_site


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with a_site(tmp_path) as site:
        yield site


async def made(site: Site, with_: str, **body: str) -> str:
    """What a login answers whoever shows a token."""
    status, answer = await site.post("login", body, headers={"X-Floe-Auth": with_})
    assert status == 200
    return str(answer["token"])


async def id_of(site: Site, name: str) -> str:
    _, answer = await site.get("tokens")
    return next(str(token["id"]) for token in answer["tokens"] if token["name"] == name)


async def revoke(site: Site, name: str) -> None:
    status, _ = await site.ask("DELETE", f"{API}/tokens/{await id_of(site, name)}")
    assert status == 204


async def opens(site: Site, text: str) -> bool:
    async with aiohttp.ClientSession() as stranger:
        answer = await stranger.get(f"{site.url}{API}/runs", headers={"X-Floe-Auth": text})
        return answer.status == 200


async def test_token_ends_with_the_token_that_made_it(site: Site) -> None:
    first = await made(site, ADMIN, personal="first")
    second = await made(site, first, personal="second")

    await revoke(site, "first")

    assert not await opens(site, second)


async def test_what_a_token_of_a_token_made_ends_with_the_first(site: Site) -> None:
    first = await made(site, ADMIN, personal="first")
    second = await made(site, first, personal="second")
    third = await made(site, second, personal="third")
    session = await made(site, third, token=third)

    await revoke(site, "first")

    assert [await opens(site, text) for text in (second, third, session)] == [False] * 3


async def test_token_made_in_a_session_of_a_token_ends_with_that_token(site: Site) -> None:
    first = await made(site, ADMIN, personal="first")
    session = await made(site, first, token=first)
    second = await made(site, session, personal="second")

    await revoke(site, "first")

    assert not await opens(site, second)


async def test_session_opened_with_a_session_ends_with_its_logout(site: Site) -> None:
    first = await made(site, ADMIN, token=ADMIN)
    second = await made(site, first, token=first)
    third = await made(site, second, token=second)

    await site.post("logout", headers={"X-Floe-Auth": first})

    assert [await opens(site, text) for text in (second, third)] == [False, False]


async def test_session_opened_with_a_session_expires_no_later(site: Site) -> None:
    tokens = await opened(site)
    first = tokens.find(await tokens.make_session("", 60), "session")
    assert first is not None

    second = tokens.find(await tokens.make_session("", 3600, opener=first.key), "session")

    assert second is not None
    assert second.token.expires_at == first.token.expires_at


async def test_end_of_a_session_that_a_crash_cut_short_is_finished_at_the_start(site: Site) -> None:
    tokens = await opened(site)
    first = tokens.find(await tokens.make_session("", 60), "session")
    assert first is not None
    await tokens.make_session("", 60, opener=first.key)
    await site.hub.remember("session", first.key, None)

    await opened(site)

    assert await site.hub.reads.kept("session") == {}


async def test_token_made_in_a_session_outlives_that_session(site: Site) -> None:
    session = await made(site, ADMIN, token=ADMIN)
    laptop = await made(site, session, personal="laptop")

    await site.post("logout", headers={"X-Floe-Auth": session})

    assert not await opens(site, session)
    assert await opens(site, laptop)


async def test_maker_and_token_of_the_same_name_are_two(site: Site) -> None:
    one = await made(site, ADMIN, personal="laptop")
    other = await made(site, ADMIN, personal="laptop")
    session = await made(site, other, token=other)

    await revoke(site, "laptop")  # the older one

    assert [await opens(site, text) for text in (one, other, session)] == [False, True, True]


async def test_token_names_which_one_it_ends_with(site: Site) -> None:
    first = await made(site, ADMIN, personal="first")
    await made(site, first, personal="second")

    _, answer = await site.get("tokens")

    told = {token["name"]: token["made_by"] for token in answer["tokens"]}
    assert told == {"first": "", "second": await id_of(site, "first")}


async def test_what_a_replaced_token_made_ends_with_it(site: Site) -> None:
    keyed = {"Idempotency-Key": "k-1"}
    _, answer = await site.post("login", {"personal": "first"}, headers=keyed)
    second = await made(site, answer["token"], personal="second")

    await site.post("login", {"personal": "first"}, headers=keyed)

    assert not await opens(site, second)


async def test_feed_ends_when_its_token_is_revoked(site: Site) -> None:
    laptop = await made(site, ADMIN, personal="laptop")
    socket = await feed(site, {"X-Floe-Auth": laptop})

    await revoke(site, "laptop")

    assert await end_of(socket) == 1008


async def test_feed_of_a_token_ends_when_the_maker_is_revoked(site: Site) -> None:
    first = await made(site, ADMIN, personal="first")
    socket = await feed(site, {"X-Floe-Auth": await made(site, first, personal="second")})

    await revoke(site, "first")

    assert await end_of(socket) == 1008


async def test_feed_ends_with_the_logout_of_its_session(site: Site) -> None:
    session = await made(site, ADMIN, token=ADMIN)
    socket = await feed(site, {"Cookie": f"floe-sesh={session}"})

    await site.post("logout", headers={"X-Floe-Auth": session})

    assert await end_of(socket) == 1008


async def test_feed_of_another_token_goes_on(site: Site) -> None:
    await made(site, ADMIN, personal="laptop")
    socket = await feed(site, {"X-Floe-Auth": ADMIN})

    await revoke(site, "laptop")
    run = await site.start()

    async with asyncio.timeout(DEADLINE_S):
        assert (await socket.receive_json())["run"] == run


async def test_output_that_is_followed_ends_with_its_token(site: Site) -> None:
    laptop = await made(site, ADMIN, personal="laptop")
    run = await site.start()
    site.output(run, "build").write_bytes(b"begun\n")
    path = f"{site.url}{API}/runs/{run}/nodes/build/log?follow=true"
    answer = await site.client.get(path, headers={"X-Floe-Auth": laptop})
    assert await answer.content.readany() == b"begun\n"

    await revoke(site, "laptop")

    with pytest.raises(aiohttp.ClientPayloadError):
        await read_to_end(answer)


async def test_feed_for_hosts_ends_with_its_token(site: Site) -> None:
    laptop = await made(site, ADMIN, personal="laptop")
    answer = await site.client.get(f"{site.url}{API}/feed", headers={"X-Floe-Auth": laptop})
    await answer.content.readline()

    await revoke(site, "laptop")

    with pytest.raises(aiohttp.ClientPayloadError):
        await read_to_end(answer)


async def test_wrong_tokens_of_a_neighbour_end_no_feed(tmp_path: Path) -> None:
    async with a_site(tmp_path, settings={"wrong_tries": 1}) as site:
        socket = await feed(site, {"X-Floe-Auth": ADMIN})
        session = await made(site, ADMIN, token=ADMIN)
        assert not await opens(site, "wrong")
        assert (await site.get("runs"))[0] == 429

        await site.post("logout", headers={"X-Floe-Auth": session})  # so all are looked at
        run = await site.start()

        async with asyncio.timeout(DEADLINE_S):
            assert (await socket.receive_json())["run"] == run


async def test_another_administrator_s_token_ends_all_and_for_good(site: Site) -> None:
    laptop = await made(site, ADMIN, personal="laptop")
    await Tokens(site.hub, Secret("another")).open()

    tokens = Tokens(site.hub, Secret(ADMIN))
    await tokens.open()

    assert tokens.personal.all() == {}
    assert tokens.find(laptop, "token") is None


async def test_token_that_is_being_made_when_its_maker_ends_is_refused(site: Site) -> None:
    tokens = await opened(site)
    maker = await shown(tokens, "first")

    with pytest.RaisesGroup(Denied):
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(tokens.make_personal("second", maker=maker.key))
            tasks.create_task(tokens.personal.end(maker.key, by="alice"))

    assert site.hub.shared.of_kind("token") == []


async def test_one_write_ends_all_that_was_made_with_a_token(site: Site) -> None:
    tokens = await opened(site)
    first = await shown(tokens, "first")
    second = await shown(tokens, "second", maker=first.key)
    third = await shown(tokens, "third", maker=second.key)
    session = await tokens.make_session("second", 60, maker=second.key)

    await site.hub.shared.write("token", first.key, None, by="alice", expected=None)

    assert [tokens.lives(one) for one in (first, second, third)] == [False] * 3
    assert tokens.find(session, "session") is None


async def test_token_of_an_older_floe_is_carried_over_and_ends(site: Site) -> None:
    text = await old_token(site, "old")
    tokens = await opened(site)

    found = tokens.find(text, "token")

    assert found is not None
    assert await site.hub.reads.kept("token") == {}
    await tokens.personal.end(found.key, by="alice")
    assert tokens.find(text, "token") is None


async def test_token_that_an_older_floe_revoked_stays_revoked(site: Site) -> None:
    text = await old_token(site, "old")
    ((key, row),) = (await site.hub.reads.kept("token")).items()
    change = TokenChange(kind="token", key=key, token=None, until=None)
    await site.hub.remember("ended-token", key, encode(change))
    tokens = await opened(site)
    await site.hub.remember("token", key, row)

    again = await opened(site)

    assert [one.find(text, "token") for one in (tokens, again)] == [None, None]
    assert await site.hub.reads.kept("ended-token") == {}


async def test_token_of_an_older_floe_stays_while_the_keeper_is_full(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = await old_token(site, "old")
    monkeypatch.setattr(base_module, "ROWS_MAX", 0)

    tokens = await opened(site)

    assert tokens.find(text, "token") is not None
    assert len(await site.hub.reads.kept("token")) == 1


async def old_token(site: Site, name: str) -> str:
    """A token as an older floe stored it."""
    tokens = await opened(site)
    text = await tokens.make_personal(name)
    found = tokens.find(text, "token")
    assert found is not None
    await tokens.personal.end(found.key, by="alice")
    for kind in ("shared", "shared-state"):
        for key in await site.hub.reads.kept(kind):
            await site.hub.remember(kind, key, None)
    rows = site.hub.loop.core.shared_rows
    rows.__init__({}, UndoJournal())  # type: ignore[misc] # as if it had never been there
    await site.hub.remember("token", found.key, encode(replace(found.token, era="")))
    return text


async def opened(site: Site) -> Tokens:
    tokens = Tokens(site.hub, Secret(ADMIN))
    await tokens.open()
    return tokens


async def shown(tokens: Tokens, name: str, maker: str = "") -> ShownToken:
    """A personal token that has just been made."""
    found = tokens.find(await tokens.make_personal(name, maker=maker), "token")
    assert found is not None
    return found


async def feed(site: Site, headers: dict[str, str]) -> aiohttp.ClientWebSocketResponse:
    del site.client.headers["X-Floe-Auth"]
    socket = await site.client.ws_connect(f"{site.url}/ws", headers={"Origin": site.url, **headers})
    site.client.headers["X-Floe-Auth"] = ADMIN
    assert (await socket.receive_json())["type"] == "hello"
    return socket


async def end_of(socket: aiohttp.ClientWebSocketResponse) -> int | None:
    """The code a feed is closed with."""
    async with asyncio.timeout(DEADLINE_S):
        while (await socket.receive()).type is aiohttp.WSMsgType.TEXT:
            pass
    return socket.close_code


async def read_to_end(answer: aiohttp.ClientResponse) -> Any:
    async with asyncio.timeout(DEADLINE_S):
        return await answer.read()


async def test_session_that_has_ended_makes_no_token(site: Site) -> None:
    session = await made(site, ADMIN, token=ADMIN)
    await site.post("logout", headers={"X-Floe-Auth": session})

    status, _ = await site.post("login", {"personal": "late"}, headers={"X-Floe-Auth": session})

    assert status == 401
