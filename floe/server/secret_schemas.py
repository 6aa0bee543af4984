"""The shapes of the secrets of a host, as JSON Schema. None has a value in a reply."""

from collections.abc import Mapping
from typing import Final

from floe.model.secret_name import NAME_PATTERN
from floe.server.json_schema import COUNT, INSTANT, TEXT, Schema, many, maybe, one_of, ref, shape

SECRETS: Final[Mapping[str, Schema]] = {
    "Secrets": shape(
        {"host": TEXT, "secrets": many(ref("Secret")), "missing": many(ref("MissingSecret"))}
    ),
    "Secret": shape(
        {
            "name": TEXT,
            "source": one_of("vault", "environment", "folder"),
            "set_at": {**maybe(INSTANT), "description": "of one in the vault"},
            "set_by": TEXT,
            "problem": {**TEXT, "description": "why it cannot be used; empty if it can"},
            "flows": {**many(TEXT), "description": "ids of the flows of this host that name it"},
        }
    ),
    "MissingSecret": shape(
        {"name": TEXT, "flows": {**many(TEXT), "description": "that name it, as above"}}
    ),
    "RotatedKey": shape(
        {
            "host": TEXT,
            "key": {**TEXT, "description": "id of the new key"},
            "secrets": {**COUNT, "description": "how many are encrypted with it"},
            "runs": {**COUNT, "description": "how many sealed runs have their keys under it now"},
            "others": {
                **many(ref("OtherKey")),
                "description": "older keys, which secrets that cannot be read still need",
            },
        }
    ),
    "OtherKey": shape({"key": TEXT, "secrets": many(TEXT)}),
    "SetSecret": shape(
        {
            "name": {**TEXT, "pattern": f"^{NAME_PATTERN}$"},
            "value": {**TEXT, "description": "6 characters to 32 KiB; no reply ever has it"},
        }
    ),
}
"""Replies and request."""
