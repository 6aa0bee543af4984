"""The title of a run as its values give it.

A flow's `run-name` gives a better title; `kernel.title` makes that one.
"""

import re
from collections.abc import Mapping
from typing import Final

from floe.model.ids import Json
from floe.model.secret import HIDDEN, is_secret_name, without_password

TITLE_MAX: Final = 120
"""Characters of a title."""

VALUES_MAX: Final = 4
"""Values that a title names, if it has no commit to name."""

VALUE_MAX: Final = 40
"""Characters of one of those values."""

HASH_SHOWN: Final = 7

_READ_MAX: Final = 4 * TITLE_MAX
"""Characters of a text that are read to make one line of it."""

_UNSEEN: Final = re.compile(
    "[\x00-\x20\x7f-\xa0\xad\u061c\u180e\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f]+"
)
"""Blanks, control characters, and marks that change how a text is shown."""

_HASH: Final = re.compile(r"[0-9a-fA-F]{7,64}")


def one_line(text: str, max_chars: int = TITLE_MAX) -> str:
    """A text as a title: one line, short, without control characters and passwords."""
    line = _UNSEEN.sub(" ", text[:_READ_MAX])
    if len(text) > _READ_MAX:
        line = line.rpartition(" ")[0] or HIDDEN  # half a URL may end in half a password
    line = without_password(line).strip()
    return line if len(line) <= max_chars else line[: max_chars - 1].rstrip() + "…"


def title_from(values: Mapping[str, Json]) -> str:
    """The title that values give: branch, commit and subject, else the first values; or empty."""
    if not values:
        return ""
    parts = [part for part in (_branch(values), _commit(values), _commit_subject(values)) if part]
    if not parts:
        parts = [part for name, value in values.items() if (part := _part(name, value))]
    return one_line(" · ".join(parts[:VALUES_MAX]))


def _branch(values: Mapping[str, Json]) -> str:
    branch = _text(values, "branch") or _text(values, "ref")
    return branch.removeprefix("refs/heads/").removeprefix("refs/tags/")


def _commit(values: Mapping[str, Json]) -> str:
    commit = _text(values, "hash")
    return commit[:HASH_SHOWN] if _HASH.fullmatch(commit) else ""


def _commit_subject(values: Mapping[str, Json]) -> str:
    return _text(values, "subject").strip().partition("\n")[0]


def _part(name: str, value: Json) -> str:
    if is_secret_name(name) or name in _NOT_TELLING:
        return ""
    match value:
        case True:
            return name
        case int() | float() if value is not False:
            return f"{name} {value}"
        case str() if line := one_line(value.strip().partition("\n")[0], VALUE_MAX):
            return f"{name} {line}"
        case _:
            return ""


_NOT_TELLING: Final = frozenset({"url", "sub-dir", "submodules", "lfs"})
"""Values of a trigger that are alike in all its runs."""


def _text(values: Mapping[str, Json], name: str) -> str:
    value = values.get(name)
    return value[:_READ_MAX] if isinstance(value, str) else ""
