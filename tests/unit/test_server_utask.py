"""Parts of uTask's API: routes, bodies, pages, the choice of YAML."""

from typing import Any

import pytest

from floe.hub.hub import Hub
from floe.model.errors import Yours
from floe.server.utask.answers import prefers_yaml
from floe.server.utask.calls import CallBody, UtaskCall, UtaskUser
from floe.server.utask.paging import page_headers, page_of, page_size
from floe.server.utask.routes import found_route
from floe.server.utask.site import UtaskFault, UtaskSite
from tests.hands import a_hub


def a_call(hub: Hub, **given: Any) -> UtaskCall:
    made: dict[str, Any] = {
        "site": UtaskSite(hub),
        "user": UtaskUser("alice"),
        "method": "GET",
        "path": "/task",
    }
    return UtaskCall(**(made | given))


@pytest.mark.parametrize(
    ("method", "path", "names"),
    [
        ("GET", "/", {}),
        ("GET", "/task/a%2Fb", {"task": "a/b"}),
        ("PUT", "/resolution/r/step/s%20t/state", {"resolution": "r", "step": "s t"}),
    ],
)
def test_route_is_found_with_the_names_in_its_path(
    method: str, path: str, names: dict[str, str]
) -> None:
    found = found_route(method, path)

    assert found is not None
    assert found.names == names


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/nope"),
        ("PATCH", "/task"),
        ("GET", "/task/"),
        ("GET", "//"),
        ("POST", "/documents"),
    ],
)
def test_path_or_method_without_a_route_is_not_found(method: str, path: str) -> None:
    assert found_route(method, path) is None


def test_body_is_read_as_yaml_with_types_of_go() -> None:
    body = CallBody(b"NAME: 5\nlist: [yes, 1e3]\ninput: {n: 1.50, y: x}\n")

    assert body.keys.text("name") == "5"
    assert body.texts("list") == ["true", "1000"]
    assert body.map("input") == {"false": 1.5, "true": "x"}


@pytest.mark.parametrize("body", [b"[1]", b"{bad", b"\xff", b"- a\nb"])
def test_body_that_is_no_map_is_refused(body: bytes) -> None:
    with pytest.raises(Yours, match="binding error"):
        CallBody(body)


def test_member_of_a_wrong_type_is_refused() -> None:
    body = CallBody(b"comment: [1]\n")
    body.keys.text("comment")

    with pytest.raises(Yours, match="`comment` of the body is a text, not a list"):
        body.check()


@pytest.mark.parametrize(
    ("text", "size"), [("", 1000), ("page_size=5", 10), ("page_size=99999", 10_000)]
)
async def test_page_has_a_size_within_bounds(text: str, size: int) -> None:
    async with a_hub() as hub:
        assert page_size(a_call(hub, query_text=text)) == size


@pytest.mark.parametrize(
    "text", ["page_size=abc", "page_size=-1", "page_size=٣", "page_size=1&page_size=2"]
)
async def test_other_page_size_is_refused(text: str) -> None:
    async with a_hub() as hub:
        with pytest.raises(UtaskFault) as refused:
            page_size(a_call(hub, query_text=text))
    assert refused.value.status == 400


async def test_link_to_the_next_page_keeps_the_filters() -> None:
    async with a_hub() as hub:
        call = a_call(hub, query_text="tag=a%3Db&last=x&tag=c%3Dd")
        headers = page_headers(call, 10, "y z", type="own")

    assert headers == {
        "X-Paging-PageSize": "10",
        "Link": "</task?last=y%20z&page_size=10&tag=a%3Db&tag=c%3Dd&type=own>; rel=next",
    }


async def test_page_begins_after_a_name() -> None:
    names = [f"t{number:02}" for number in range(25)]
    async with a_hub() as hub:
        first, headers = page_of(a_call(hub, query_text="page_size=10"), names)
        last, no_more = page_of(a_call(hub, query_text="page_size=10&last=t19"), names)

    assert (first, last) == (names[:10], names[20:])
    assert ("Link" in headers, "Link" in no_more) == (True, False)


@pytest.mark.parametrize(
    ("accept", "is_yaml"),
    [
        ("", False),
        ("*/*", False),
        ("application/x-yaml", True),
        ("application/x-yaml;q=1, application/json", True),
        ("application/json, application/x-yaml", False),
    ],
)
def test_yaml_is_written_for_a_client_that_prefers_it(accept: str, *, is_yaml: bool) -> None:
    assert prefers_yaml(accept) is is_yaml
