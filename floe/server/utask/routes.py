"""The routes of uTask's API, by method and path."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final, Literal, NamedTuple
from urllib.parse import unquote

from floe.server.utask import (
    batches,
    callbacks,
    comments,
    edits,
    meta,
    resolutions,
    task_lists,
    tasks,
    templates,
)
from floe.server.utask.calls import UtaskCall, UtaskReply

UtaskHandler = Callable[[UtaskCall], Awaitable[UtaskReply]]

Home = Literal["", "task", "resolution", "callback", "task_id"]
"""What has the id of the run that a call is about: a part of the path, or a member of the body."""


class UtaskRoute(NamedTuple):
    """One method of one path."""

    method: str
    path: str
    handler: UtaskHandler
    home: Home = ""


ROUTES: Final = (
    UtaskRoute("GET", "/", meta.index),
    UtaskRoute("GET", "/meta", meta.show),
    UtaskRoute("GET", "/unsecured/mon/ping", meta.ping),
    UtaskRoute("GET", "/unsecured/stats", meta.stats),
    UtaskRoute("POST", "/unsecured/callback/{callback}", callbacks.post, "callback"),
    UtaskRoute("POST", "/key-rotate", meta.rotate_key),
    UtaskRoute("GET", "/template", templates.index),
    UtaskRoute("GET", "/template/{template}", templates.show),
    UtaskRoute("GET", "/function", templates.functions),
    UtaskRoute("GET", "/function/{function}", templates.function),
    UtaskRoute("POST", "/task", tasks.post),
    UtaskRoute("GET", "/task", task_lists.index),
    UtaskRoute("GET", "/task/{task}", tasks.show, "task"),
    UtaskRoute("PUT", "/task/{task}", tasks.put, "task"),
    UtaskRoute("DELETE", "/task/{task}", tasks.delete, "task"),
    UtaskRoute("POST", "/task/{task}/wontfix", tasks.wontfix, "task"),
    UtaskRoute("GET", "/task/{task}/comment", comments.index, "task"),
    UtaskRoute("POST", "/task/{task}/comment", comments.post, "task"),
    UtaskRoute("GET", "/task/{task}/comment/{comment}", comments.show, "task"),
    UtaskRoute("PUT", "/task/{task}/comment/{comment}", comments.put, "task"),
    UtaskRoute("DELETE", "/task/{task}/comment/{comment}", comments.delete, "task"),
    UtaskRoute("POST", "/batch", batches.post),
    UtaskRoute("POST", "/resolution", resolutions.post, "task_id"),
    UtaskRoute("GET", "/resolution/{resolution}", resolutions.show, "resolution"),
    UtaskRoute("PUT", "/resolution/{resolution}", edits.put, "resolution"),
    UtaskRoute("POST", "/resolution/{resolution}/run", resolutions.run, "resolution"),
    UtaskRoute("POST", "/resolution/{resolution}/pause", resolutions.pause, "resolution"),
    UtaskRoute("POST", "/resolution/{resolution}/extend", resolutions.extend, "resolution"),
    UtaskRoute("POST", "/resolution/{resolution}/cancel", resolutions.cancel, "resolution"),
    UtaskRoute("GET", "/resolution/{resolution}/step/{step}", resolutions.step, "resolution"),
    UtaskRoute("PUT", "/resolution/{resolution}/step/{step}", edits.put_step, "resolution"),
    UtaskRoute("PUT", "/resolution/{resolution}/step/{step}/state", edits.put_state, "resolution"),
)

FOR_HOSTS: Final = (UtaskRoute("POST", "/documents", task_lists.documents),)
"""What one host asks a different one, besides what clients ask."""

OPEN: Final = "/unsecured/"
"""The paths that need no user begin with it."""


class FoundRoute(NamedTuple):
    """The route of a call, and the parts of its path that the route names."""

    route: UtaskRoute
    names: Mapping[str, str]


def found_route(method: str, path: str, *, by_host: bool = False) -> FoundRoute | None:
    """The route of a method and a path as sent; None for none."""
    parts = path.split("/")
    for route in (*ROUTES, *FOR_HOSTS) if by_host else ROUTES:
        names = _names(route.path.split("/"), parts) if route.method == method else None
        if names is not None:
            return FoundRoute(route, names)
    return None


def _names(wanted: list[str], parts: list[str]) -> Mapping[str, str] | None:
    if len(wanted) != len(parts):
        return None
    names: dict[str, str] = {}
    for name, part in zip(wanted, parts, strict=True):
        if name.startswith("{") and part:
            names[name.strip("{}")] = unquote(part, errors="replace")
        elif name != part:
            return None
    return names
