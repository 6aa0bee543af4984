"""Calls of uTask's API, apart from how they come to a host: by a client, or by a different host."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import field
from functools import cached_property
from typing import Final, NamedTuple
from urllib.parse import parse_qsl

from floe.dialects.go_scalars import UTASK
from floe.dialects.go_yaml import GoScalar, json_value, parse_go_yaml
from floe.dialects.notes import Notes, Position
from floe.dialects.utask.ids import UtaskId
from floe.dialects.utask.keys import Reading, TypedKeys
from floe.model.errors import Yours
from floe.model.ids import Json
from floe.server.utask.site import UtaskFault, UtaskSite

PLAIN: Final = "text/plain; charset=utf-8"


class UtaskUser(NamedTuple):
    """Who makes a call. So far each user is an administrator."""

    name: str
    groups: tuple[str, ...] = ()


class UtaskReply(NamedTuple):
    """The answer to a call."""

    status: int = 204
    shape: Json = None
    """A value that is written as JSON or YAML."""
    text: str | None = None
    """What is sent in place of a value."""
    headers: Mapping[str, str] = {}


class CallBody:
    """The body of a call: a map whose members have types as Go gives them."""

    def __init__(self, text: bytes) -> None:
        self._notes = Notes("body")
        try:
            tree = parse_go_yaml(text.decode(), UTASK, self._notes)
        except UnicodeDecodeError as error:
            raise _unbound(f"the body is not UTF-8: {error.reason}") from None
        self._tree = tree or GoScalar(Position(1, 1), None)
        self.keys = TypedKeys(self._tree, "the body", Reading(self._notes))
        self.check()

    @property
    def whole(self) -> Mapping[str, Json]:
        """All that the body has."""
        value = json_value(self._tree)
        return value if isinstance(value, Mapping) else {}

    def check(self) -> None:
        """Refuse a body of which a member has a wrong type. Raises Yours."""
        if self._notes.errors:
            raise _unbound("; ".join(str(finding) for finding in self._notes.findings))

    def texts(self, key: str) -> list[str]:
        """A list of texts."""
        return [one.text for one in self.keys.texts(key)]

    def map(self, key: str) -> Mapping[str, Json]:
        """A map of any values."""
        self.keys.entries(key)
        value = self.keys.raw(key)
        return value if isinstance(value, Mapping) else {}

    def text_map(self, key: str) -> dict[str, str]:
        """A map of texts."""
        return {name: one.text for name, one in self.keys.text_map(key).items()}


@dataclasses.dataclass(frozen=True, kw_only=True)
class UtaskCall:
    """A call at the host that answers it."""

    site: UtaskSite
    user: UtaskUser
    """With an empty name where the route needs no user."""
    method: str
    path: str
    """As sent, with its escapes."""
    query_text: str = ""
    content: bytes = b""
    names: Mapping[str, str] = field(default_factory=dict)
    """What the parts of the path are that the route names."""
    prefix: str = ""
    """The path before that of the call, as the client knows it."""
    id: UtaskId | None = None
    """What the id of the route names; its run is here. None for a route about no run."""

    @cached_property
    def query(self) -> Sequence[tuple[str, str]]:
        """The parameters, in order."""
        return parse_qsl(self.query_text, keep_blank_values=True)

    @cached_property
    def body(self) -> CallBody:
        """The body. Raises Yours."""
        return CallBody(self.content)

    def parameter(self, name: str, default: str = "") -> str:
        """A parameter that a call has at most once. Raises UtaskFault."""
        found = [value for key, value in self.query if key == name]
        if len(found) > 1:
            raise UtaskFault(400, f"parameter '{name}' is given {len(found)} times")
        return found[0] if found else default


def _unbound(why: str) -> Yours:
    return Yours(f"binding error: error parsing request body: {why}")
