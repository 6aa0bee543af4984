"""The description of the API is good OpenAPI and complete."""

import re
from pathlib import Path
from typing import Final

import pytest
from openapi_spec_validator import validate

from floe.server.frame_schemas import FRAMES, KINDS
from floe.server.json_schema import ref
from floe.server.openapi import description
from floe.server.routes import ROUTES
from floe.server.schemas import SCHEMAS

API_PAGE: Final = (Path(__file__).parents[2] / "docs/api.md").read_text(encoding="utf-8")


def test_the_description_is_valid() -> None:
    validate(description(ROUTES, "/build/api"))


def test_every_route_has_a_summary_and_an_answer() -> None:
    paths = description(ROUTES, "/build/api")["paths"]
    operations = [op for path in paths.values() for op in path.values()]

    assert len(operations) == len(ROUTES)
    assert [op for op in operations if not op["summary"] or len(op["responses"]) < 2] == []


def test_only_what_the_design_names_is_public() -> None:
    public = {f"{route.method} {route.path}" for route in ROUTES if route.public}

    assert public == {
        "GET healthz",
        "GET readyz",
        "POST login",
        "POST push/{flow}/{trigger}",
        "GET callback/{of}/{at}/{proof}",
        "POST callback/{of}/{at}/{proof}",
        "GET /",
        "GET /app",
        "GET /app/",
        "GET /app/dash",
        "GET /app/dash/{page:.*}",
        "GET /app/{name:.+}",
    }


def test_every_schema_is_used() -> None:
    text = repr(description(ROUTES, "/build/api"))

    assert [name for name in {**SCHEMAS, **FRAMES} if f"/schemas/{name}'" not in text] == []


def test_frames_are_the_schemas_of_the_websocket_for_clients() -> None:
    paths = description(ROUTES, "/build/api")["paths"]
    described = {
        path: operation["x-websocket"]
        for path, operations in paths.items()
        for operation in operations.values()
        if "x-websocket" in operation
    }

    assert described == {"/ws": {"sends": ref("Frame"), "accepts": ref("FeedRequest")}}


@pytest.mark.parametrize("kind", KINDS)
def test_page_about_the_api_lists_the_keys_of_each_frame(kind: str) -> None:
    keys = KINDS[kind]["properties"]
    start = re.escape(f'{{"type": "{keys["type"]["const"]}"')
    row = re.search(rf"^\| `{start}(.*?)}}` \|", API_PAGE, re.MULTILINE)

    assert row, "docs/api.md has no row for it"
    assert {"type", *re.findall(r'"(\w+)"', row[1])} == set(keys)


def test_every_post_takes_an_idempotency_key_but_webhooks_and_callbacks() -> None:
    keyed = {
        (method, path)
        for path, operations in description(ROUTES, "")["paths"].items()
        for method, operation in operations.items()
        if "Idempotency-Key" in [parameter["name"] for parameter in operation["parameters"]]
    }

    built = [route for route in ROUTES if route.method == "POST"]
    paths = {("post", f"/{route.path}") for route in built}
    assert keyed == paths - {
        ("post", "/push/{flow}/{trigger}"),
        ("post", "/callback/{of}/{at}/{proof}"),
    }
