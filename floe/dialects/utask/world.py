"""What the templates of uTask learn of the world: the time, chance, and variables."""

import os
import time
from collections.abc import Iterable
from datetime import tzinfo
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from floe.dialects.utask.document import UtaskVariable
from floe.dialects.utask.variables import RunJavascript, Variables
from floe.expr.gotext.calls import Scope
from floe.expr.gotext.go_values import Value

ZONE_LOCAL: Final = "Local"


class TaskWorld:
    """The surroundings of the texts of one execution: `evalCache` keeps values in it."""

    def __init__(self, variables: Iterable[UtaskVariable], run: RunJavascript) -> None:
        self._variables = Variables(variables, run)

    def now(self) -> int:
        """As in the port."""
        return time.time_ns()

    def zone(self, name: str) -> tzinfo | None:
        """As in the port."""
        try:
            return None if name == ZONE_LOCAL else ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            return None

    def chance(self, count: int) -> bytes:
        """As in the port."""
        return os.urandom(count)

    def variable(self, name: str, scope: Scope, *, is_kept: bool) -> Value:
        """As in the port."""
        return self._variables.value(name, scope, is_kept=is_kept)
