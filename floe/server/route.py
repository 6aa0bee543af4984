"""A route: one method of one address, and its part of the API's description."""

import dataclasses
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import KW_ONLY, field
from typing import Any

from aiohttp import web

from floe.model.errors import Lost
from floe.model.summary import Summary
from floe.server.problems import Handler

More = Callable[[web.Request, str], Awaitable[Mapping[str, Any]]]
"""The local data of a run beside its row, by the run's key."""
AtLoss = Callable[[web.Request, Summary, Lost], web.Response]
"""The reply for a run whose log is gone, built from its remaining row."""


@dataclasses.dataclass(frozen=True, slots=True)
class Route:
    """One method of one address."""

    method: str
    path: str
    """Below the base-url, or from the root if it begins with a slash."""
    handler: Handler
    _: KW_ONLY
    public: bool = False
    peer: bool = False
    """For other hosts: it accepts the cluster's token and nothing else."""
    more: More | None = None
    """For a run: data sent beside its row while the host with its log is away."""
    lost: AtLoss | None = None
    """For a run: the reply if its log is gone."""
    query: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Names of query parameters and their JSON Schemas."""
    headers: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Names of headers and their schemas, without those of credentials."""
    body: str = ""
    """Name of the schema of the body, or a media type."""
    answers: Mapping[int, str] = field(default_factory=dict)
    """Status and the name of the reply's schema, or a media type; empty for no body."""
    sends: str = ""
    """Of a websocket: name of the schema of the frames that a client receives."""
    accepts: str = ""
    """Of a websocket: name of the schema of the frames that a client may send."""

    def at(self, base_url: str) -> str:
        """The complete path."""
        return self.path if self.path.startswith("/") else f"{base_url}/{self.path}"
