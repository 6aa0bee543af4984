"""Triggers that are due at instants, and the names of the repositories that polls look at.

No I/O, no clock.
"""

import posixpath
import re
from collections.abc import Iterable
from typing import Final, NamedTuple

from floe.model.flow import Flow, Trigger
from floe.model.ids import FlowId, NodeId

_PORTS: Final = {"http": "80", "https": "443", "ssh": "22", "git": "9418"}
_URL: Final = re.compile(
    r"([a-z][a-z0-9+.-]*)://(?:([^/?#@]*)@)?(\[[^]/]*\]|[^/:?#]*)(?::(\d*))?", re.IGNORECASE
)
_WATCH: Final = re.compile(r"([^@]+)@(\d+)/(.+)")


class Watch(NamedTuple):
    """A watched trigger, which is due at instants: the key of its timer and of its marks."""

    flow: FlowId
    ver: int
    trigger: NodeId

    def __str__(self) -> str:
        return f"{self.flow}@{self.ver}/{self.trigger}"


def watch_of(text: str) -> Watch | None:
    """The watched trigger that a key names; None for a key of a different kind."""
    found = _WATCH.fullmatch(text)
    return Watch(FlowId(found[1]), int(found[2]), NodeId(found[3])) if found else None


def poll_watches_of(flows: Iterable[Flow]) -> dict[Watch, Trigger]:
    """The triggers of some flows that look at repositories."""
    return {
        Watch(flow.id, flow.ver, trigger.id): trigger
        for flow in flows
        for trigger in flow.triggers
        if trigger.type == "poll-git"
    }


def repository_of(url: str) -> str:
    """The name of a watched repository by its URL, however it is spelt.

    Left out are what differs between names of one repository: credentials, the case of the
    host, a default port, slashes at the end, and `.git` where a web server adds it. The user of an
    ssh URL stays: a path may lie in a home.
    """
    found = _URL.match(url)
    if not found:
        host, colon, path = url.partition(":")
        if colon and "/" not in host:
            user, at, name = host.rpartition("@")
            return f"{user}{at}{name.lower()}:{_stripped(path)}"
        return posixpath.normpath(url) if url.startswith("/") else _stripped(url)
    scheme, user, host, port = found.groups(default="")
    path = _stripped(url[found.end() :])
    scheme = scheme.lower()
    if scheme == "file":
        return posixpath.normpath(path) if path.startswith("/") else path
    scheme = {"git+ssh": "ssh", "ssh+git": "ssh"}.get(scheme, scheme)
    name = user.partition(":")[0]
    if scheme in ("http", "https"):
        name, path = "", path.removesuffix(".git")
    port = "" if port in ("", _PORTS.get(scheme)) else f":{port}"
    return f"{scheme}://{name and name + '@'}{host.lower()}{port}{path}"


def _stripped(path: str) -> str:
    return path.rstrip("/") or "/"


def looks_alike(one: Trigger, other: Trigger) -> bool:
    """Whether two watched triggers get the same answer: filters are applied to it afterwards."""
    return (one.git, one.refs) == (other.git, other.refs)
