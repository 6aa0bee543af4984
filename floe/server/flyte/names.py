"""Names of flyte in sentences and pictures: they may be of any length, and have any characters."""

from collections.abc import Mapping
from typing import Final

from floe.model.title import one_line

NAME_MAX: Final = 80
LABELS_MAX: Final = 300
"""Characters of a name, and of all labels of a pack."""


def short_name(name: str, most: int = NAME_MAX) -> str:
    """A name on one line, cut where it is longer."""
    return one_line(name[: most + 1], most)


def label_text(labels: Mapping[str, str]) -> str:
    """Labels as people write them: `env=prod, zone=eu`."""
    return short_name(", ".join(f"{key}={value}" for key, value in labels.items()), LABELS_MAX)
