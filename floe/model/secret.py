"""Secrets, which print as `***`.

Three parts of a text are passwords: the part before the `@` of a URL, the same in git's short form
(`user:password@host:path`), and a query parameter with a name like a secret's.
Rules of this file: in doubt a text is hidden, and the work is linear in its length.
"""

import dataclasses
import re
from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import Any, Final

HIDDEN: Final = "***"

_LISTS: Final = (list, tuple)
_NESTED: Final = (list, tuple, Mapping)
_ELEMENTS_MAX: Final = 5_000
_LEVELS_MAX: Final = 64
_NUMBERS: Final = (int, float)
_SIMPLE: Final = frozenset({bool, int, float, type(None)})

_WORD: Final = re.compile(r"[^\s]*@[^\s]*")
_SLASHES: Final = re.compile(r"([/\\]{2})")
_HEAD: Final = re.compile(r"[^/?#\\]*")
_PORT: Final = re.compile(r"[0-9]{0,5}(?=[/?#\\]|$)")
_COLON: Final = re.compile(r":|%3a", re.IGNORECASE)
_TOKEN_SCHEME: Final = re.compile(r"(?:https?|wss?):$", re.IGNORECASE)
"""With these schemes the part before `@` may be a token; in `ssh://git@host` it is a user."""
_SHORT_HOST: Final = re.compile(r"(?!sha[0-9]+:)(?:[\w.-]+|\[[0-9a-f:.]+\]):", re.IGNORECASE)
_QUERY: Final = re.compile(
    r"([?&](?:[\w.-]*(?:token|secret|passw(?:or)?d|passphrase|pwd|signature|credential|api[_-]?key"
    r"|access[_-]?key(?:[_-]?id)?)|sig|auth|authorization|jwt|key|code|pass)=)[^&#\s\"'<>]+",
    re.IGNORECASE,
)


_SECRET_NAME: Final = re.compile(
    r".*(?:token|secret|passw(?:or)?d|passphrase|pwd|signature|credential|(?:api|access|private)[_-]?key)"
    r".*|pass|auth|authorization|jwt|key-file",
    re.IGNORECASE | re.DOTALL,
)


def is_secret_name(name: str) -> bool:
    """Whether a value of this name may be a secret, such as `npm_token`."""
    return _SECRET_NAME.fullmatch(name) is not None


def names_secret(path: Sequence[str | int]) -> bool:
    """Whether a path leads through the name of a secret."""
    return any(isinstance(one, str) and is_secret_name(one) for one in path)


def without_secrets(value: Any) -> Any:
    """A JSON value in which values with names like a secret's are hidden.

    So is all that is behind its first `_ELEMENTS_MAX` elements or below `_LEVELS_MAX` levels.
    """
    return _without(value, [_ELEMENTS_MAX], 0) if isinstance(value, _NESTED) else value


def _without(value: Any, left: list[int], level: int) -> Any:
    if not isinstance(value, _NESTED):
        return value
    left[0] -= len(value)
    if left[0] < 0 or level > _LEVELS_MAX:
        return HIDDEN
    if isinstance(value, Mapping):
        return {
            name: HIDDEN if is_secret_name(name) else _without(one, left, level + 1)
            for name, one in value.items()
        }
    found = [_without(one, left, level + 1) for one in value]
    return tuple(found) if isinstance(value, tuple) else found  # equal to a value without secrets


def without_password(text: str) -> str:
    """A text without the secrets in it: passwords in its URLs are hidden."""
    # A key of a run has an `@` too, but neither a colon nor slashes, without which there is none.
    if "@" in text and (":" in text or "/" in text or "\\" in text):
        text = _WORD.sub(_hidden, text)
    return _QUERY.sub(rf"\1{HIDDEN}", text) if "=" in text else text


def masked(value: Any) -> Any:
    """A JSON value without the secrets in it, with the same keys."""
    if isinstance(value, str):
        return without_password(value) if "@" in value or "=" in value else value
    # Called for each response and each event of the feed. Common types first, and no union type:
    # this takes 4 µs instead of 8 for a summary.
    if isinstance(value, dict):
        return {key: one if one.__class__ in _SIMPLE else masked(one) for key, one in value.items()}
    if isinstance(value, _LISTS):
        return [masked(one) for one in value]
    if value is None or isinstance(value, _NUMBERS):
        return value
    return masked(dict(value)) if isinstance(value, Mapping) else value


def _hidden(found: re.Match[str]) -> str:
    """Hide the passwords of one word (without blanks) that contains an `@`."""
    parts = _SLASHES.split(found[0])
    if len(parts) == 1:
        return _short(found[0])
    shown, at = parts[:1], 1
    last = max(i for i, part in enumerate(parts) if "@" in part)
    while at < len(parts):
        before, slashes, rest = parts[at - 1], parts[at], parts[at + 1]
        at += 2
        if at < last and "@" not in rest and _has_password(rest):  # a password with slashes
            end = next(i for i in range(at, len(parts)) if "@" in parts[i]) + 1
            rest += "".join(parts[at:end])
            at = end
        shown += slashes, _without_user(rest, before)
    return "".join(shown)


def _has_password(rest: str) -> bool:
    """Whether the colon after a URL's host is not followed by a port."""
    colon = _COLON.search(rest, 0, _edge(rest))
    return colon is not None and rest[0] != "[" and not _PORT.match(rest, colon.end())


def _edge(rest: str) -> int:
    head = _HEAD.match(rest)
    return head.end() if head else 0


def _without_user(rest: str, before: str) -> str:
    """Hide the password in `user:password@host/path`; `before` is the text before the slashes."""
    edge = _edge(rest)
    end = rest.rfind("@", 0, edge)
    is_whole = end >= 0 and rest[end + 1 : edge].strip("'\"")
    if not is_whole and (end >= 0 or _has_password(rest)):  # the password contains a slash
        end = rest.rfind("@")
    if end < 0:
        return rest
    if _TOKEN_SCHEME.search(before[-6:]):
        return HIDDEN + rest[end:]
    colon = _COLON.search(rest, 0, end)
    return rest[: colon.end()] + HIDDEN + rest[end:] if colon else rest


def _short(url: str) -> str:
    """Hide the password in `user:password@host:path`, or before a proxy's port."""
    colon, end = url.find(":"), url.rfind("@")
    user = url[: max(colon, 0)]
    if not user or "@" in user or end < colon or user.lower().endswith("mailto"):
        return url
    return url[: colon + 1] + HIDDEN + url[end:] if _SHORT_HOST.match(url, end + 1) else url


@dataclasses.dataclass(frozen=True, slots=True)
class Secret:
    """A token or password. `reveal` is the only way to its text; empty is false."""

    text: str = field(repr=False)

    def reveal(self) -> str:
        """The text itself; only for code that sends or compares it."""
        return self.text

    def __bool__(self) -> bool:
        return bool(self.text)

    def __repr__(self) -> str:
        return HIDDEN if self.text else "(none)"

    __str__ = __repr__
