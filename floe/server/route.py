"""A route: one method of one address, and what the API's description says of it."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import KW_ONLY, dataclass, field
from typing import Any

from aiohttp import web

from floe.model.errors import Lost
from floe.model.run import Summary
from floe.server.problems import Handler

More = Callable[[web.Request, str], Awaitable[Mapping[str, Any]]]
"""What is kept here of a run, by its key, beside its row."""
AtLoss = Callable[[web.Request, Summary, Lost], web.Response]
"""The answer for a run whose log is gone, from the row that is left."""


@dataclass(frozen=True, slots=True)
class Route:
    """One method of one address."""

    method: str
    path: str
    """Below the base-url, or from the root where it begins with a slash."""
    handler: Handler
    _: KW_ONLY
    public: bool = False
    peer: bool = False
    """For other hosts: the cluster's token opens it, and nothing else does."""
    more: More | None = None
    """Of a run: what is told beside its row while the host with its log is away."""
    lost: AtLoss | None = None
    """Of a run: the answer where its log is gone."""
    query: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Names of query parameters and their JSON Schemas."""
    headers: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Likewise of headers, those of credentials left out."""
    body: str = ""
    """Name of the schema of the body."""
    answers: Mapping[int, str] = field(default_factory=dict)
    """Status to the name of the answer's schema, or to a media type; empty for no body."""

    def at(self, base_url: str) -> str:
        """The whole path."""
        return self.path if self.path.startswith("/") else f"{base_url}/{self.path}"
