"""The words by which a search finds a run."""

from collections.abc import Mapping
from typing import Final

from floe.model.ids import Json
from floe.model.secret import is_secret_name
from floe.model.title import one_line

TERMS_MAX: Final = 300
"""Characters of values that a search reads."""


def terms_in(values: Mapping[str, Json]) -> str:
    """What a search reads of the values: their texts and numbers, bounded, without secrets."""
    texts = (
        one_line(str(value))
        for name, value in values.items()
        if isinstance(value, str | int | float) and not isinstance(value, bool) and value != ""
        if not is_secret_name(name)
    )
    return "\n".join(texts)[:TERMS_MAX] if values else ""
