"""A host with templates of uTask, and a client of its API."""

import base64
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from io import BytesIO
from pathlib import Path
from typing import Any, Final

import yaml
from yarl import URL

from floe.dialects.registry import evaluators
from floe.dialects.utask.compiled import compiled
from floe.dialects.utask.document import UtaskFunction
from floe.model.flow import Flow
from floe.server.settings import Bind
from tests.make_evaluators import pool_of
from tests.make_server import ADMIN, Site, a_site
from tests.utask_host import load

NAMES: Final = ("api-batchable", "child-ok", "child-bad", "child-manual", "waiter")
"""Templates that others name."""


def flow_of(text: str, functions: Mapping[str, UtaskFunction] | None = None) -> Flow:
    """The flow of a template without mistakes."""
    loaded = load(text, functions, NAMES)
    assert loaded.template is not None, loaded.findings
    return compiled(loaded.template, functions or {})


@asynccontextmanager
async def utask_site(root: Path, *templates: str, **more: Any) -> AsyncIterator[Site]:
    """A host that serves the API of uTask at an address of its own, with templates."""
    settings = {"utask": Bind(address="127.0.0.1:0")}
    pool = pool_of(evaluators=evaluators())
    flows = map(flow_of, templates)
    async with a_site(root, *flows, settings=settings, headers={}, evaluators=pool, **more) as site:
        yield site


async def ask(
    site: Site, method: str, path: str, body: Any = None, *, user: str | None = "admin", **more: Any
) -> tuple[int, Mapping[str, str], Any]:
    """Status, headers and body of an answer. A body that is no text is sent as JSON."""
    headers = dict(more.pop("headers", None) or {})
    if user is not None:
        password = "wrong" if user == "nobody" else ADMIN
        pair = base64.b64encode(f"{user}:{password}".encode()).decode()
        headers["Authorization"] = f"Basic {pair}"
    data: Any = body if isinstance(body, str | bytes | None) else json.dumps(body)
    if data is not None:
        data = BytesIO(data.encode() if isinstance(data, str) else data)
    url = URL(site.server.utask_url + path, encoded=True)
    more.setdefault("allow_redirects", False)
    async with site.client.request(method, url, data=data, headers=headers, **more) as response:
        text: Any = await response.text()
        if response.content_type == "application/json":
            text = json.loads(text)
        elif response.content_type == "application/x-yaml":
            text = yaml.safe_load(text)
        return response.status, response.headers, text
