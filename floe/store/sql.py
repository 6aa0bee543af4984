"""The SQL files beside this module, read once."""

import functools
import re
from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Final

_NAMED: Final = re.compile(r"^-- name: (\w+)\n", re.MULTILINE)


@functools.cache
def queries() -> Mapping[str, str]:
    """The statements of `queries.sql` by name."""
    text = (resources.files(__package__) / "queries.sql").read_text("utf-8")
    _, *parts = _NAMED.split(text)
    return dict(zip(parts[::2], (part.strip() for part in parts[1::2]), strict=True))


@functools.cache
def migrations() -> Sequence[str]:
    """The SQL scripts of `migrations/`; the n-th creates schema n."""
    folder = resources.files(__package__) / "migrations"
    files = {f.name: f for f in folder.iterdir() if f.name.endswith(".sql")}
    return tuple(files[name].read_text("utf-8") for name in sorted(files))
