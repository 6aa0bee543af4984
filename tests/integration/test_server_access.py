"""Who may come in, on every address there is."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from floe.model.secret import Secret
from floe.server.route import Route
from floe.server.routes import ROUTES
from floe.server.tokens import Tokens
from tests.make_server import ADMIN, API, DEADLINE_S, Site, a_site

FILLED = {
    "{flow}": "build",
    "{run}": "h1-1",
    "{node}": "build",
    "{host}": "h1",
    "{trigger}": "hook",
    "{page:.*}": "runs/h1-1",
    "{name:.+}": "app.js",
    "{item:[^/]+}": "teams",
    "{act}": "pause",
    "{pack:[^/]+}": "Shell",
}
CLOSED = [route for route in ROUTES if not route.public]
WRONG: list[dict[str, str]] = [
    {},
    {"X-Floe-Auth": "wrong"},
    {"X-Floe-Auth": ""},
    {"Authorization": "Bearer wrong"},
    {"Authorization": f"Basic {ADMIN}"},
    {"Authorization": ADMIN},
    {"Cookie": "floe-sesh=wrong"},
    {"Cookie": f"floe-sesh={ADMIN}"},
]


def path_of(route: Route) -> str:
    path = route.at(API)
    for variable, value in FILLED.items():
        path = path.replace(variable, value)
    return path


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    """Nobody is let in unless a test says so; one may be wrong often, too."""
    async with a_site(tmp_path, headers={}, settings={"wrong_tries": 10_000}) as site:
        yield site


async def session_of(site: Site) -> str:
    """The cookie of somebody who has logged in."""
    status, answer = await site.post("login", {"token": ADMIN})
    assert status == 200
    site.client.cookie_jar.clear()
    return str(answer["token"])


@pytest.mark.parametrize("wrong", WRONG, ids=str)
async def test_every_route_refuses_who_has_no_credentials(
    site: Site, wrong: dict[str, str]
) -> None:
    answers = {
        path_of(route): await site.ask(route.method, path_of(route), headers=wrong)
        for route in CLOSED
    }

    assert len(answers) > 20
    assert {path: answer[0] for path, answer in answers.items() if answer[0] != 401} == {}


async def test_no_path_and_no_method_outside_the_table_reveals_anything(site: Site) -> None:
    asked = [
        *[(method, path_of(r)) for r in ROUTES for method in ("PUT", "DELETE", "PATCH", "OPTIONS")],
        *[("GET", path_of(r)) for r in ROUTES if r.method == "POST" and r.path != "login"],
        *[("POST", path_of(r)) for r in ROUTES if r.method == "GET" and r.path != "login"],
        *[("GET", path_of(r) + "/") for r in CLOSED],
        *[("GET", path_of(r) + "/healthz") for r in CLOSED],
        *[("GET", path) for path in ("/x", API, API + "/", "/ws/", "//")],
        ("GET", API + "/runs/healthz/readyz/login"),
    ]

    answers = {(m, p): (await site.ask(m, p))[0] for m, p in asked}

    assert {asked: status for asked, status in answers.items() if status != 401} == {}


async def test_public_addresses_answer_everybody(site: Site) -> None:
    paths = ["/", "/app/dash", "/app/dash/runs/h1-1", "/app/app.js", "/app/index.html"]
    paths += [API + "/healthz", API + "/readyz"]

    statuses = {path: (await site.ask("GET", path))[0] for path in paths}

    assert statuses == dict.fromkeys(paths, 200)


async def test_what_the_public_folder_lacks_is_a_404_with_nothing_in_it(site: Site) -> None:
    for path in (
        "/app/x.js",
        "/app/../build/api/runs",
        "/app/%2e%2e/server/app.py",
        "/app/..%2fhub",
        "/app/__init__.py",
    ):
        status, problem = await site.ask("GET", path)

        assert (status, problem["detail"]) == (404, "no such file")


@pytest.mark.parametrize(
    "header", [{"X-Floe-Auth": ADMIN}, {"Authorization": f"Bearer {ADMIN}"}], ids=str
)
async def test_the_admin_token_opens_in_both_headers(site: Site, header: dict[str, str]) -> None:
    assert await site.get("login", headers=header) == (200, {"user": "admin", "by": "admin"})


@pytest.mark.parametrize(
    "body", [{"token": ADMIN}, {"user": "admin", "password": ADMIN}], ids=["token", "password"]
)
async def test_a_login_opens_a_session(site: Site, body: dict[str, str]) -> None:
    status, answer = await site.post("login", body)

    assert (status, answer["user"]) == (200, "admin")
    assert answer["token"].startswith("floe_")
    assert await site.get("login") == (200, {"user": "admin", "by": "admin"})  # by the cookie


async def test_login_answers_the_name_of_a_personal_token(site: Site) -> None:
    _, made = await site.post("login", {"token": ADMIN, "personal": "laptop"})

    assert made["user"] == "laptop"
    for header in ({"X-Floe-Auth": made["token"]}, {}):
        if not header:
            assert (await site.post("login", {"token": made["token"]}))[1]["user"] == "laptop"
        known = (await site.get("login", headers=header))[1]
        assert known == {"user": "laptop", "by": "admin:laptop"}


async def test_the_cookie_is_for_this_site_and_no_script(site: Site) -> None:
    async with site.client.post(site.url + API + "/login", json={"token": ADMIN}) as response:
        cookie = response.cookies["floe-sesh"]

    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Strict", "/")
    assert cookie["max-age"] == "604800"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"token": ""},
        {"token": "wrong"},
        {"user": "admin", "password": "password"},
        {"user": "root", "password": ADMIN},
    ],
    ids=str,
)
async def test_a_wrong_login_opens_nothing(site: Site, body: dict[str, str]) -> None:
    status, problem = await site.post("login", body)

    assert status == 401
    assert ADMIN not in str(problem)
    assert len(site.client.cookie_jar) == 0


async def test_logging_out_ends_the_session(site: Site) -> None:
    cookie = await session_of(site)
    headers = {"Cookie": f"floe-sesh={cookie}", "Origin": site.url}

    assert (await site.post("logout", {}, headers=headers))[0] == 204
    assert (await site.get("login", headers=headers))[0] == 401


async def test_only_hashes_are_kept(site: Site) -> None:
    session = await session_of(site)
    _, personal = await site.post("login", {"token": ADMIN, "personal": "laptop"})

    rows = str([await site.hub.reads.kept("session"), await site.hub.reads.kept("shared")])

    assert "laptop" in rows
    assert session not in rows
    assert personal["token"] not in rows


async def test_a_personal_token_acts_under_its_name(site: Site) -> None:
    _, made = await site.post("login", {"token": ADMIN, "personal": "laptop"})
    site.client.cookie_jar.clear()

    order = {"ref": {"id": "build"}}
    status, answer = await site.post("push/data", order, headers={"X-Floe-Auth": made["token"]})

    assert (status, answer["summary"]["by"]) == (202, "admin:laptop")


async def test_sessions_survive_a_restart_and_end_with_the_admin_token(site: Site) -> None:
    session = await session_of(site)

    async def opens(admin: str) -> bool:
        tokens = Tokens(site.hub, Secret(admin))
        await tokens.open()
        return tokens.find(session, "session") is not None

    assert await opens(ADMIN)
    assert not await opens("another")


async def test_an_expired_session_opens_nothing(tmp_path: Path) -> None:
    async with a_site(tmp_path, headers={}, settings={"session_s": 0}) as site:
        cookie = await session_of(site)

        status, _ = await site.get("runs", headers={"Cookie": f"floe-sesh={cookie}"})

        assert status == 401


@pytest.mark.parametrize(
    "origin", ["", "null", "http://[", "http://evil.example", "http://127.0.0.1:1"]
)
async def test_a_page_of_another_site_cannot_act_with_the_cookie(site: Site, origin: str) -> None:
    headers = {"Cookie": f"floe-sesh={await session_of(site)}", "Origin": origin}
    unsafe = [route for route in CLOSED if route.method == "POST"]

    statuses = {path_of(r): (await site.post(r.path, {}, headers=headers))[0] for r in unsafe}

    assert set(statuses.values()) == {403}
    assert (await site.get("runs", headers=headers))[0] == 200  # it could not read the answer


async def test_our_own_page_can(site: Site) -> None:
    headers = {"Cookie": f"floe-sesh={await session_of(site)}", "Origin": site.url}

    assert (await site.post("push/data", {"ref": {"id": "build"}}, headers=headers))[0] == 202


@pytest.mark.parametrize(
    "origin", ["", "null", "http://[", "http://evil.example", "https://127.0.0.1"]
)
async def test_the_feed_refuses_pages_of_other_sites_whatever_they_know(
    site: Site, origin: str
) -> None:
    headers = {"X-Floe-Auth": ADMIN, "Origin": origin}

    with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
        await site.client.ws_connect(site.url + "/ws", headers=headers)

    assert caught.value.status == 403


async def test_the_feed_takes_a_token_in_a_header_of_what_is_no_page(site: Site) -> None:
    headers = {"X-Floe-Auth": ADMIN, "Host": "proxy.example"}

    async with site.client.ws_connect(site.url + "/ws", headers=headers) as socket:
        hello = await socket.receive_json()

    assert hello["type"] == "hello"


async def page_key_of(site: Site, cookie: str) -> str:
    """What a page of floe's own reads."""
    headers = {"Cookie": f"floe-sesh={cookie}"}
    async with site.client.get(f"{site.url}{API}/login", headers=headers) as response:
        return response.headers["X-Floe-Page"]


async def test_the_feed_takes_our_own_page_whatever_a_proxy_made_of_the_address(
    site: Site,
) -> None:
    cookie = await session_of(site)
    key = await page_key_of(site, cookie)
    headers = {"Cookie": f"floe-sesh={cookie}", "Origin": "https://ci.example:8443"}

    async with site.client.ws_connect(site.url + f"/ws?page={key}", headers=headers) as socket:
        hello = await socket.receive_json()

    assert hello["type"] == "hello"


@pytest.mark.parametrize("key", ["", "0" * 64, "%00", "%F0%9F%98%80", "of another session"])
async def test_the_feed_refuses_a_key_that_is_not_the_sessions(site: Site, key: str) -> None:
    key = await page_key_of(site, await session_of(site)) if " " in key else key
    headers = {"Cookie": f"floe-sesh={await session_of(site)}", "Origin": "https://ci.example"}

    with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
        await site.client.ws_connect(site.url + f"/ws?page={key}", headers=headers)

    assert caught.value.status == 403


@pytest.mark.parametrize(("said", "status"), [("same-origin", 202), ("same-site", 403)])
async def test_the_browser_shows_whether_a_request_is_our_own_pages(
    site: Site, said: str, status: int
) -> None:
    headers = {
        "Cookie": f"floe-sesh={await session_of(site)}",
        "Origin": "https://ci.example:8443",
        "Sec-Fetch-Site": said,
    }

    assert (await site.post("push/data", {"ref": {"id": "build"}}, headers=headers))[0] == status


async def test_page_without_tls_cannot_act_behind_a_proxy_with_tls_where_the_browser_reports_it(
    site: Site,
) -> None:
    headers = {
        "Cookie": f"floe-sesh={await session_of(site)}",
        "Origin": site.url,  # http: which the connection from the proxy is, too
        "Sec-Fetch-Site": "cross-site",
    }

    assert (await site.post("push/data", {"ref": {"id": "build"}}, headers=headers))[0] == 403


@pytest.mark.parametrize("trusted", [(), ("10.0.0.1",), ("127.0.0.1",)], ids=str)
async def test_an_address_is_forwarded_by_trusted_proxies_alone(
    tmp_path: Path, trusted: tuple[str, ...]
) -> None:
    settings = {"trusted_proxies": trusted, "login_tries": 2}
    async with a_site(tmp_path, headers={}, settings=settings) as site:
        statuses = [
            (
                await site.post(
                    "login", {"token": "x"}, headers={"X-Forwarded-For": f"203.0.113.{n}"}
                )
            )[0]
            for n in range(3)
        ]

    assert statuses == [401, 401, 401 if trusted == ("127.0.0.1",) else 429]


@pytest.mark.parametrize("trusted", [(), ("127.0.0.1",)], ids=str)
@pytest.mark.parametrize("said", ["", "http", "https"])
async def test_the_cookie_is_secure_where_the_clients_side_is(
    tmp_path: Path, said: str, trusted: tuple[str, ...]
) -> None:
    async with a_site(tmp_path, headers={}, settings={"trusted_proxies": trusted}) as site:
        headers = {"X-Forwarded-Proto": said}
        url = site.url + API + "/login"
        async with site.client.post(url, json={"token": ADMIN}, headers=headers) as response:
            secure = bool(response.cookies["floe-sesh"]["secure"])

    assert secure == (said == "https" and bool(trusted))


async def test_the_cookie_of_an_https_page_is_secure_behind_any_proxy(site: Site) -> None:
    headers = {"Origin": "https://ci.example"}
    url = site.url + API + "/login"
    async with site.client.post(url, json={"token": ADMIN}, headers=headers) as response:
        assert response.cookies["floe-sesh"]["secure"] is True


async def test_hosts_shows_the_address_that_the_client_used(tmp_path: Path) -> None:
    async with a_site(tmp_path, settings={"trusted_proxies": ("127.0.0.1",)}) as site:
        headers = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "ci.example"}

        _, answer = await site.get("hosts", headers=headers)

    assert answer["hosts"][0]["url"] == "https://ci.example"


async def test_too_many_wrong_logins_have_to_wait_and_the_right_one_too(site: Site) -> None:
    statuses = [(await site.post("login", {"token": "wrong"}))[0] for _ in range(11)]
    status, problem = await site.post("login", {"token": ADMIN})

    assert statuses == [401] * 10 + [429]
    assert (status, problem["title"]) == (429, "Too Many Requests")


async def test_who_is_logged_in_never_waits(tmp_path: Path) -> None:
    async with a_site(tmp_path, headers={}, settings={"wrong_tries": 1}) as site:
        headers = {"Cookie": f"floe-sesh={await session_of(site)}"}
        wrong = [await site.get("runs", headers={"X-Floe-Auth": "wrong"}) for _ in range(2)]

        assert [status for status, _ in wrong] == [401, 429]
        assert (await site.get("runs", headers=headers))[0] == 200


async def test_a_token_that_has_ended_makes_the_administrators_wait_never(tmp_path: Path) -> None:
    ended = "floe_" + 43 * "a"
    async with a_site(tmp_path, headers={}, settings={"wrong_tries": 1}) as site:
        wrong = [await site.get("runs", headers={"X-Floe-Auth": ended}) for _ in range(2)]
        status, _ = await site.get("runs", headers={"X-Floe-Auth": ADMIN})

    assert ([code for code, _ in wrong], status) == ([401, 429], 200)


async def test_guesses_at_an_administrators_token_of_floes_own_form_have_to_wait(
    tmp_path: Path,
) -> None:
    admin = Secret("floe_" + 43 * "b")
    settings = {"wrong_tries": 1, "admin": admin}
    async with a_site(tmp_path, headers={}, settings=settings) as site:
        await site.get("runs", headers={"X-Floe-Auth": "floe_" + 43 * "a"})
        status, _ = await site.get("runs", headers={"X-Floe-Auth": admin.reveal()})

    assert status == 429


@pytest.mark.parametrize("path", ["/app/dash", "/app/app.js", API + "/runs", API + "/nothing"])
async def test_every_answer_is_protected(site: Site, path: str) -> None:
    async with site.client.get(site.url + path) as response:
        headers = response.headers

    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["Server"] == "floe"


async def test_the_guard_reads_no_body_of_strangers(site: Site) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", int(site.url.rpartition(":")[2]))
    head = f"POST {API}/push/data HTTP/1.1\r\nHost: x\r\nContent-Length: 999999999\r\n\r\n"
    writer.write(head.encode())

    async with asyncio.timeout(DEADLINE_S):
        status = await reader.readline()
    writer.close()

    assert b" 401 " in status
