"""uTask's API with hostile and hurried callers."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any, Final

import pytest
import pytest_asyncio
from yarl import URL

from tests.make_server import ADMIN, Site
from tests.make_utask import ask, utask_site

PLAIN: Final = """
name: plain
description: made for tests
title_format: "plain {{.input.x}}"
inputs: [{name: x, optional: true}]
steps: {}
"""

ANOTHERS: Final = "0b8f1a52-7c3d-4e21-9a55-3f2c1d0e9b77"
"""An id of a different system."""

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    """One host for all cases."""
    async with utask_site(tmp_path_factory.mktemp("utask"), PLAIN) as made:
        yield made


async def a_task(site: Site, **more: Any) -> str:
    """The id of a new task."""
    status, _, made = await ask(site, "POST", "/task", {"template_name": "plain", **more})
    assert status == 201, made
    return str(made["id"])


@pytest.mark.parametrize(
    "body",
    [
        pytest.param("x" * 10_000_000, id="10 MB"),
        pytest.param("[" * 100_000, id="deep"),
        pytest.param(
            "a: &a [x]\n" + "".join(f"b{n}: &b{n} [*a,*a]\n" for n in range(9)) + "[", id="cut"
        ),
        pytest.param(
            "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n"
            + "".join(f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 9)),
            id="aliases",
        ),
        pytest.param("template_name: [plain]", id="type"),
        pytest.param("template_name: plain\ninput: [1]", id="input"),
        pytest.param("template_name: plain\ninput: {x: .nan}", id="nan"),
        pytest.param("template_name: plain\ntags: {a: {b: c}}", id="tags"),
        pytest.param("template_name: plain\nwatcher_usernames: x", id="watchers"),
        pytest.param(b"\xff\xfe", id="bytes"),
    ],
)
async def test_body_that_fits_nothing_is_refused(site: Site, body: Any) -> None:
    status, _, answer = await ask(site, "POST", "/task", body)

    assert (status, "error" in answer) == (400, True)


@pytest.mark.parametrize("text", ["\\u0000", "\\ud800", "\\udfff\\ud800", "é" * 1000, "{{"])
async def test_input_of_any_characters_is_stored_or_refused(site: Site, text: str) -> None:
    body = f'{{"template_name": "plain", "input": {{"x": "{text}"}}}}'

    status, _, made = await ask(site, "POST", "/task", body)
    if status == 201:
        status, _, _ = await ask(site, "GET", f"/task/{made['id']}")

    assert status in (200, 400)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/task/{}"),
        ("PUT", "/task/{}"),
        ("DELETE", "/task/{}"),
        ("POST", "/task/{}/wontfix"),
        ("GET", "/task/{}/comment"),
        ("GET", "/resolution/{}"),
        ("POST", "/resolution/{}/run"),
        ("POST", "/resolution/{}/cancel"),
        ("GET", "/resolution/{}/step/x"),
        ("PUT", "/resolution/{}/step/x"),
    ],
)
async def test_id_of_a_different_system_is_not_found(site: Site, method: str, path: str) -> None:
    body: Any = {} if method == "PUT" else None

    unknown, _, _ = await ask(site, method, path.format(ANOTHERS), body)
    no_id, _, _ = await ask(site, method, path.format("%00%ff"), body)

    assert (unknown, no_id) == (404, 400)


async def test_id_of_a_task_is_none_of_a_resolution(site: Site) -> None:
    id = await a_task(site)

    assert (await ask(site, "GET", f"/resolution/{id}"))[0] == 404


async def test_callback_is_not_guessed_by_the_id_of_a_task(site: Site) -> None:
    id = await a_task(site)

    status, _, _ = await ask(site, "POST", f"/unsecured/callback/{id}?t=x", {}, user=None)

    assert status == 404


async def test_of_two_persons_at_once_one_takes_a_task(site: Site) -> None:
    id = await a_task(site)
    asked = [ask(site, "POST", "/resolution", {"task_id": id}) for _ in range(8)]

    statuses = sorted(status for status, _, _ in await asyncio.gather(*asked))

    assert statuses == [201, *[400] * 7]


async def test_task_is_ended_once(site: Site) -> None:
    id = await a_task(site)
    asked = [ask(site, "POST", f"/task/{id}/wontfix") for _ in range(4)]

    statuses = sorted(status for status, _, _ in await asyncio.gather(*asked))

    assert statuses == [204, 400, 400, 400]


async def test_template_that_a_host_lacks_is_not_found(site: Site) -> None:
    status, _, _ = await ask(site, "POST", "/task", {"template_name": "pLain"})

    assert status == 404


@pytest.mark.parametrize(
    "query",
    [
        "page_size=-1",
        "page_size=1e3",
        "type=ALL",
        "state=a&state=b",
        "last=x",
        f"last={ANOTHERS}",
        "after=2026",
        "before=2026-01-01T00:00:00",
        "after=99999999999999999999",
        "tag=a",
    ],
)
async def test_query_of_a_wrong_type_is_refused(site: Site, query: str) -> None:
    status, _, answer = await ask(site, "GET", f"/task?{query}")

    assert status in (400, 404)
    assert answer["error"]


async def test_text_of_a_client_is_no_path(site: Site) -> None:
    status, _, _ = await ask(site, "GET", "/template/..%2F..%2Fetc%2Fpasswd")

    assert status == 404


async def test_page_of_a_different_site_does_nothing_with_remembered_credentials(
    site: Site,
) -> None:
    headers = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}

    status, _, _ = await ask(site, "POST", "/task", {"template_name": "plain"}, headers=headers)

    assert status == 403


@pytest.mark.parametrize("given", ["Basic", "Basic x", "Basic %%%", f"Basic {ADMIN}", "Bearer x"])
async def test_wrong_credentials_are_refused_without_a_body(site: Site, given: str) -> None:
    status, headers, body = await ask(
        site, "GET", "/meta", user=None, headers={"Authorization": given}
    )

    assert (status, body) == (401, "")
    assert headers["WWW-Authenticate"].startswith("Basic")


async def test_proxy_in_front_names_the_user(site: Site) -> None:
    headers = {"X-Floe-Auth": ADMIN, "X-Remote-User": "carol"}

    _, _, shown = await ask(site, "GET", "/meta", user=None, headers=headers)

    assert shown["username"] == "carol"


async def test_user_whose_name_is_not_utf_8_creates_a_task(site: Site) -> None:
    url, body = URL(site.server.utask_url), b'{"template_name": "plain"}'
    reader, writer = await asyncio.open_connection(url.host, url.port)

    writer.write(b"POST /task HTTP/1.1\r\nHost: h\r\nConnection: close\r\n")
    writer.write(b"X-Floe-Auth: %s\r\nX-Remote-User: a\xffb\r\n" % ADMIN.encode())
    writer.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
    async with asyncio.timeout(30):
        answer = await reader.read()
    writer.close()

    assert answer.startswith(b"HTTP/1.1 201")
    assert b'"requester_username":"a?b"' in answer


async def test_many_comments_at_once_are_all_kept(site: Site) -> None:
    id = await a_task(site)
    await ask(site, "POST", f"/task/{id}/wontfix")
    asked = [
        ask(site, "POST", f"/task/{id}/comment", {"content": f"comment {n}"}) for n in range(20)
    ]

    statuses = {status for status, _, _ in await asyncio.gather(*asked)}
    _, _, comments = await ask(site, "GET", f"/task/{id}/comment")

    assert statuses == {201}
    assert len(comments) == 21


async def test_batch_with_one_wrong_input_creates_nothing(site: Site) -> None:
    tags = {"batch": "wrong"}
    body = {"template_name": "plain", "inputs": [{"x": "1"}, {"x": 2}], "tags": tags}

    status, _, _ = await ask(site, "POST", "/batch", body)
    _, _, listed = await ask(site, "GET", "/task?type=all&tag=batch%3Dwrong")

    assert (status, listed) == (400, [])


async def test_list_goes_on_where_its_page_ended(site: Site) -> None:
    body = {"template_name": "plain", "inputs": [{}] * 25, "tags": {"page": "all"}}
    assert (await ask(site, "POST", "/batch", body))[0] == 201
    path, found = "/task?type=all&page_size=10&tag=page%3Dall", list[str]()
    while path:
        _, headers, page = await ask(site, "GET", path)
        found += [task["id"] for task in page]
        path = headers.get("Link", "").partition(">")[0].removeprefix("<")

    assert (len(found), len(set(found))) == (25, 25)


async def test_answer_is_json_whatever_a_template_makes(site: Site) -> None:
    id = await a_task(site, input={"x": "</script>\n\u2028"})

    _, headers, task = await ask(site, "GET", f"/task/{id}")

    assert headers["Content-Type"] == "application/json; charset=utf-8"
    assert json.dumps(task)
    assert headers["X-Content-Type-Options"] == "nosniff"


async def test_list_shows_what_became_of_a_task_since_it_was_listed(site: Site) -> None:
    id = await a_task(site, tags={"listed": "twice"})
    path = "/task?type=all&tag=listed%3Dtwice"
    _, _, before = await ask(site, "GET", path)
    await ask(site, "PUT", f"/task/{id}", {"input": {"x": "new"}, "tags": {"listed": "twice"}})
    _, _, between = await ask(site, "GET", path)
    await ask(site, "POST", f"/task/{id}/wontfix")
    _, _, after = await ask(site, "GET", path)

    shown = [(one["title"], one["state"]) for [one] in (before, between, after)]
    assert shown == [
        ("plain <no value>", "TODO"),
        ("plain new", "TODO"),
        ("plain new", "WONTFIX"),
    ]
