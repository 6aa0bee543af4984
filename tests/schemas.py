"""Replies of the API and frames of the feed, checked against the description of the API."""

from functools import cache
from typing import Any, TypeVar

from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # has no stubs

from floe.server.frame_schemas import FRAMES
from floe.server.schemas import SCHEMAS

T = TypeVar("T")


@cache
def _validator(schema: str) -> Any:
    components = {"schemas": {**SCHEMAS, **FRAMES}}
    return Draft202012Validator(
        {"$ref": f"#/components/schemas/{schema}", "components": components}
    )


def check(shape: T, schema: str) -> T:
    """Validate a JSON value against a schema by its name, and return the value."""
    _validator(schema).validate(shape)
    return shape
