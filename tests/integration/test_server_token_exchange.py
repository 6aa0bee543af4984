"""A session counts at every host, and ends at every host."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest

from floe import tasks
from floe.model.codec import encode
from floe.model.ids import HostId, Instant
from floe.model.secret import Secret
from floe.peers.base import Request
from floe.server.app_keys import STOPPING
from floe.server.token import Token, TokenChange
from floe.server.tokens import Tokens
from tests.make import H1
from tests.make_peers import H2, Host, a_host, free_port, some_peers, url_of
from tests.make_server import ADMIN, API, DEADLINE_S, Site, a_site

MOST = 500


async def opens(site: Site, text: str) -> bool:
    async with aiohttp.ClientSession() as stranger:
        answer = await stranger.get(f"{site.url}{API}/runs", headers={"X-Floe-Auth": text})
        return answer.status == 200


async def made(site: Site, **body: str) -> str:
    status, answer = await site.post("login", body, headers={"X-Floe-Auth": ADMIN})
    assert status == 200
    return str(answer["token"])


async def until_opens(site: Site, text: str, *, is_valid: bool = True) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while await opens(site, text) is not is_valid:  # noqa: ASYNC110  # it ends at the other host
            await asyncio.sleep(0.02)


@pytest.fixture
async def two(tmp_path: Path) -> AsyncIterator[tuple[Host, Host]]:
    ports = free_port(), free_port()
    urls = [url_of(port) for port in ports]
    async with AsyncExitStack() as stack:
        hosts = [
            await stack.enter_async_context(a_host(tmp_path, HostId(name), port, *urls))
            for name, port in zip((H1, H2), ports, strict=True)
        ]
        await hosts[0].meets(H2)
        await hosts[1].meets(H1)
        yield hosts[0], hosts[1]


async def test_session_of_one_host_opens_the_other(two: tuple[Host, Host]) -> None:
    text = await made(two[0].site, token=ADMIN)

    await until_opens(two[1].site, text)


async def test_session_ends_at_both_hosts_with_its_logout(two: tuple[Host, Host]) -> None:
    text = await made(two[0].site, token=ADMIN)
    await until_opens(two[1].site, text)

    await two[1].site.post("logout", headers={"X-Floe-Auth": text})

    await until_opens(two[0].site, text, is_valid=False)


async def test_exchange_continues_after_an_error_that_nobody_foresaw(
    two: tuple[Host, Host], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "FIRST_S", 0.0)
    take, broken = Tokens.take, asyncio.Event()

    async def take_or_fail(self: Tokens, changes: Sequence[TokenChange]) -> None:
        if changes and not broken.is_set():
            broken.set()
            raise RuntimeError("what nobody foresaw")
        await take(self, changes)

    monkeypatch.setattr(Tokens, "take", take_or_fail)

    text = await made(two[0].site, token=ADMIN)

    await until_opens(two[1].site, text)
    assert broken.is_set()


async def test_stopping_host_refuses_to_give_changes(two: tuple[Host, Host]) -> None:
    runner = two[0].site.server._runner
    assert runner is not None
    runner.app[STOPPING].set()
    asked = Request(method="GET", path="peer/tokens?after=0&process=", by="floe")

    async with two[1].peers.relay(H1, asked) as reply:
        status = reply.status

    assert status == 503


# --- whatever arrives late ---


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with a_site(tmp_path) as site:
        yield site


@pytest.fixture
async def other(tmp_path: Path) -> AsyncIterator[Site]:
    async with a_site(tmp_path / "other") as other:
        yield other


async def opened(site: Site, admin: str = ADMIN) -> Tokens:
    tokens = Tokens(site.hub, Secret(admin))
    await tokens.open()
    return tokens


async def test_session_that_ended_stays_so_when_its_entry_arrives_late(
    site: Site, other: Site
) -> None:
    here, there = await opened(site), await opened(other)
    text = await there.make_session("", 60)
    late, _ = there.changes(0, MOST)
    await here.take(late)
    await here.end_session(text)

    await here.take(late)
    again = await opened(site)
    await again.take(late)

    assert [tokens.find(text, "session") for tokens in (here, again)] == [None, None]


async def test_end_that_arrives_before_the_entry_ends_it(site: Site, other: Site) -> None:
    here, there = await opened(site), await opened(other)
    text = await there.make_session("", 60)
    entry, _ = there.changes(0, MOST)
    await there.end_session(text)
    end, _ = there.changes(0, MOST)

    await here.take(end)
    await here.take(entry)

    assert here.find(text, "session") is None


async def test_entries_under_a_different_administrator_s_token_are_not_taken(
    site: Site, other: Site
) -> None:
    here, there = await opened(site), await opened(other, "a different one")
    await there.make_session("", 60)

    await here.take(there.changes(0, MOST)[0])

    assert here.changes(0, MOST)[0] == []


async def test_changes_come_in_pieces_with_the_opener_first(site: Site, other: Site) -> None:
    here, there = await opened(site), await opened(other)
    first = there.find(await there.make_session("", 60), "session")
    assert first is not None
    text = await there.make_session("", 60, opener=first.key)
    piece, after = there.changes(0, 1)
    await here.take(piece)

    await here.take(there.changes(after, 1)[0])

    assert here.find(text, "session") is not None


async def test_tokens_of_a_host_with_an_older_floe_are_carried_over(site: Site) -> None:
    tokens = await opened(site)
    made = Token(name="old", made_at=Instant(1))
    change = TokenChange(kind="token", key="k", token=made, until=None)

    await tokens.take([change])

    assert tokens.personal.get("k") == made
    await until_shared(site, "k")
    await tokens.take([replace(change, token=None)])
    await until_shared(site, "k", is_valid=False)
    await tokens.take([change])
    assert tokens.personal.get("k") is None


# --- without a keeper ---


@pytest.fixture
async def split(tmp_path: Path) -> AsyncIterator[tuple[Site, Site]]:
    """Two hosts of a cluster without a keeper."""
    async with AsyncExitStack() as stack:
        first, second = [
            await stack.enter_async_context(a_site(tmp_path / name, peers=some_peers(), others=1))
            for name in (H1, H2)
        ]
        yield first, second


async def exchanged(site: Site, other: Site) -> tuple[Tokens, Tokens, str, str]:
    """The tokens of two hosts, and the text and key of one that an older floe had at both."""
    there = await opened(other)
    text = await there.make_personal("old")
    ((key, token),) = there.personal.all().items()
    await site.hub.remember("token", key, encode(token))
    return await opened(site), there, text, key


async def test_token_that_two_hosts_had_is_revoked_at_both(split: tuple[Site, Site]) -> None:
    here, there, text, key = await exchanged(*split)
    had = here.find(text, "token")

    await there.personal.end(key, by="alice")
    await here.take(there.changes(0, MOST)[0])

    assert had is not None
    assert here.find(text, "token") is None
    await until_shared(split[0], key, is_valid=False)


async def test_revocation_is_reported_after_a_restart_too(split: tuple[Site, Site]) -> None:
    here, there, text, key = await exchanged(*split)
    await there.personal.end(key, by="alice")
    again = await opened(split[1])

    await here.take(again.changes(0, MOST)[0])

    assert here.find(text, "token") is None


async def test_token_of_one_host_counts_at_no_other(split: tuple[Site, Site]) -> None:
    here = await opened(split[0])
    made = Token(name="old", made_at=Instant(1))

    await here.take([TokenChange(kind="token", key="k", token=made, until=None)])

    assert here.personal.get("k") is None


async def test_end_of_a_token_that_a_host_never_had_leaves_nothing(
    split: tuple[Site, Site],
) -> None:
    here = await opened(split[0])

    await here.take([TokenChange(kind="token", key="k", token=None, until=None)])

    assert not here.personal.was_ended("k")


async def until_shared(site: Site, key: str, *, is_valid: bool = True) -> None:
    """Wait until the token of an older floe is a shared row, or is not any more."""
    changed = asyncio.Event()
    site.hub.shared.changed.append(changed.set)

    def is_so() -> bool:
        row = site.hub.shared.local("token", key)
        return row is not None and (row.value is not None) is is_valid

    async with asyncio.timeout(DEADLINE_S):
        while not is_so():
            await changed.wait()
            changed.clear()


async def test_expired_end_is_forgotten(site: Site) -> None:
    tokens = await opened(site)
    await tokens.end_session(await tokens.make_session("", 0))

    await opened(site)

    assert await site.hub.reads.kept("ended-token") == {}
