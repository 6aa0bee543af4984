"""Which requests a policy lets pass: by path and method, and by the claims of the caller's token.

A path is matched first, whatever the method is: static segments come before `:name`, which comes
before `*`, with full back-tracking. The methods of the path that was found then decide.

Source: flyte's policy files. docs/flyte.md has what differs.
"""

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import field
from typing import Final
from urllib.parse import unquote

from floe.model.ids import Json
from floe.model.nouns import dataclass

METHODS: Final = ("GET", "HEAD", "PUT", "POST", "PATCH", "DELETE", "CONNECT", "OPTIONS", "TRACE")
"""In the order of an `Allow`."""

UNNAMED: Final = ("GET", "PUT", "POST", "PATCH", "DELETE", "CONNECT")
"""The methods of an entry that names none."""

SEGMENTS_MAX: Final = 64
"""A path with more matches no entry."""

Claims = Mapping[str, tuple[str, ...]]
"""In a policy: values by the name of a claim; any one of them suffices."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyEntry:
    """In a policy: the requests that one of its entries is about."""

    path: tuple[str, ...]
    """Segments: as they are, `:name`, or `*` for one or more."""
    methods: tuple[str, ...] = UNNAMED
    claims: Claims = field(default_factory=dict)
    """Empty: the token is not looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyAnswer:
    """What a policy says about a request, before a token is looked at."""

    status: int = 0
    """0: it may pass if the claims are met. Else it is refused, or answered, with this."""
    allow: str = ""
    """The methods of the path, as in an `Allow`."""
    claims: Claims = field(default_factory=dict)
    """What the token has to have, with the values of the path; empty if there need be none."""


@dataclasses.dataclass(slots=True)
class _Node:
    """The end of some segments, and what may follow."""

    static: dict[str, "_Node"] = field(default_factory=dict)
    name: "_Node | None" = None
    wild: "_Node | None" = None
    rules: dict[str, tuple[Claims, tuple[str, ...]]] = field(default_factory=dict)
    """Claims, and the names in the path, by method."""


class Policy:
    """The entries of a policy, as a tree of segments. The last of equal entries counts."""

    def __init__(self, entries: Iterable[PolicyEntry]) -> None:
        self._root = _Node()
        for entry in entries:
            if entry.path != ("",):  # of no effect, as in flyte
                self._add(entry)

    def answer(self, method: str, path: str) -> PolicyAnswer:
        """The answer to a request; its path as it was sent, percent-encoded."""
        segments = tuple(map(unquote, path.split("/")[1:]))
        found = _Match(segments)
        node = found.node(self._root, 0) if len(segments) <= SEGMENTS_MAX else None
        if node is None:
            return PolicyAnswer(status=404 if found.passed_name else 401)
        allow = ", ".join(each for each in METHODS if _is_allowed(node, each))
        if method == "OPTIONS":
            return PolicyAnswer(status=200, allow=allow)
        if not _is_allowed(node, method):
            return PolicyAnswer(status=405, allow=allow)
        claims, names = node.rules["GET" if method == "HEAD" else method]
        values = dict(zip(names, found.values, strict=True))
        return PolicyAnswer(allow=allow, claims=_filled(claims, values))

    def _add(self, entry: PolicyEntry) -> None:
        node = self._root
        for segment in entry.path:
            node = _child(node, segment)
        names = tuple(segment[1:] for segment in entry.path if segment.startswith(":"))
        for method in entry.methods:
            node.rules[method] = (entry.claims, names)


class _Match:
    """One search for the node of a path. Each node is tried once at each segment."""

    def __init__(self, segments: Sequence[str]) -> None:
        self._segments = segments
        self._tried: set[tuple[int, int]] = set()
        self.values: list[str] = []
        """Of the names on the way to the node that was found."""
        self.passed_name = False
        """Whether a part of the path led to a place where a name may follow."""

    def node(self, node: _Node, at: int) -> _Node | None:
        """The node with rules that the segments from `at` lead to; None for none."""
        if at == len(self._segments):
            return node if node.rules else None
        if (id(node), at) in self._tried:
            return None
        self._tried.add((id(node), at))
        segment = self._segments[at]
        if (static := node.static.get(segment)) and (found := self.node(static, at + 1)):
            return found
        if node.name is not None:
            self.passed_name = True
            if segment and (found := self._named(node.name, segment, at)):
                return found
        return self._wild(node.wild, at) if node.wild is not None else None

    def _named(self, node: _Node, segment: str, at: int) -> _Node | None:
        self.values.append(segment)
        found = self.node(node, at + 1)
        if found is None:
            self.values.pop()
        return found

    def _wild(self, node: _Node, at: int) -> _Node | None:
        ends = range(at + 1, len(self._segments) + 1)
        return next(filter(None, (self.node(node, end) for end in ends)), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Issuer:
    """In the settings: who signs tokens, and for which client."""

    url: str
    """As tokens have it in `iss`; its discovery document is below."""
    client_id: str
    """As tokens have it in `aud`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FlyteAccess:
    """In the settings: who may use flyte's API at its own address."""

    policy: Policy
    issuer: Issuer


def claims_met(wanted: Claims, token: Mapping[str, Json]) -> bool:
    """Whether a token has any one of some claims with any one of its values."""
    return any(
        value in values for name, values in wanted.items() for value in _texts(token.get(name))
    )


def _texts(claim: Json) -> Iterator[str]:
    """What a claim of a token compares equal to. A list with anything but texts counts for none."""
    if isinstance(claim, bool):
        yield "true" if claim else "false"
    elif isinstance(claim, int):
        yield str(claim)
    elif isinstance(claim, float):
        yield str(int(claim)) if claim.is_integer() else str(claim)
    elif isinstance(claim, str):
        yield claim
    elif isinstance(claim, Sequence) and all(isinstance(each, str) for each in claim):
        yield from map(str, claim)


def _filled(claims: Claims, values: Mapping[str, str]) -> Claims:
    def filled(text: str) -> str:
        return values.get(text[1:], "") if text.startswith(":") else text

    found: dict[str, tuple[str, ...]] = {}
    for name, each in claims.items():
        found[filled(name)] = (*found.get(filled(name), ()), *map(filled, each))
    return found


def _is_allowed(node: _Node, method: str) -> bool:
    if method == "HEAD":
        return "GET" in node.rules
    return method in node.rules and method not in ("OPTIONS", "TRACE")


def _child(node: _Node, segment: str) -> _Node:
    if segment == "*":
        node.wild = node.wild or _Node()
        return node.wild
    if segment.startswith(":"):
        node.name = node.name or _Node()
        return node.name
    return node.static.setdefault(segment, _Node())
