"""The description of the API is good OpenAPI and complete."""

from openapi_spec_validator import validate

from floe.server.openapi import description
from floe.server.routes import ROUTES
from floe.server.schemas import SCHEMAS


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
        "GET /",
        "GET /app",
        "GET /app/",
        "GET /app/dash",
        "GET /app/dash/{page:.*}",
        "GET /app/{name:.+}",
    }


def test_every_schema_is_used() -> None:
    text = repr(description(ROUTES, "/build/api"))

    assert [name for name in SCHEMAS if f"/schemas/{name}'" not in text] == []


def test_every_post_takes_an_idempotency_key_but_webhooks_which_have_a_delivery() -> None:
    keyed = {
        (method, path)
        for path, operations in description(ROUTES, "")["paths"].items()
        for method, operation in operations.items()
        if "Idempotency-Key" in [parameter["name"] for parameter in operation["parameters"]]
    }

    built = [route for route in ROUTES if route.method == "POST" and 501 not in route.answers]
    paths = {("post", f"/{route.path}") for route in built}
    assert keyed == paths - {("post", "/push/{flow}/{trigger}")}
