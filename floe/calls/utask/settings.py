"""What the config of a host has for uTask's actions."""

from collections.abc import Callable, Mapping
from dataclasses import field
from pathlib import Path

from floe.model.ids import Json
from floe.model.nouns import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class UtaskCallSettings:
    """The settings of uTask's actions on a host. Paths are absolute."""

    scripts: Path | None = None
    """The folder of the scripts; None for none."""
    plugins: Path | None = None
    """The folder of Python files with further actions; None for none."""
    resource_limits: Mapping[str, int] = field(default_factory=dict)
    """How many executions at once may have a resource, by its label. Others have no limit."""
    resource_timeout_s: float | None = 60.0
    """Seconds that an execution waits for a resource; None for no limit."""
    items: Callable[[], Mapping[str, Json]] = dict
    """Reads the configuration items, concealed ones too. It blocks, and never raises."""
