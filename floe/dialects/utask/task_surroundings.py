"""What judges a task besides its run, in an evaluator process: as its host sent it."""

import time
from collections.abc import Mapping, Sequence
from typing import cast

from floe.dialects.go_yaml import GoTree, tree_of
from floe.dialects.notes import Notes, Position
from floe.dialects.utask.document import TaskTemplate, UtaskInput, UtaskVariable
from floe.dialects.utask.given_inputs import check_given
from floe.dialects.utask.ids import UtaskId, id_text
from floe.dialects.utask.reading import inputs_of_tree, variables_of_tree
from floe.dialects.utask.surroundings import REGION
from floe.dialects.utask.texts import exact
from floe.expr.javascript import run_program
from floe.model.ids import Instant, Json, RunRef, Shape


class TaskSurroundings:
    """The items of the config, the region, and the current variables and inputs of a template."""

    def __init__(self, around: Json) -> None:
        given = cast(Shape, around or {})
        self.config = exact(given.get("config", {}))
        self.region = str(given.get("region", REGION))
        self._key = bytes.fromhex(given.get("ids", ""))
        self._variables: Sequence[UtaskVariable] | None = None
        if "variables" in given:
            self._variables = variables_of_tree(_tree(given["variables"]), Notes(""))
        self._inputs: Sequence[UtaskInput] = ()
        if "inputs" in given:
            self._inputs = inputs_of_tree(_tree(given["inputs"]), Notes(""))

    run_javascript = staticmethod(run_program)

    def now(self) -> Instant:
        """The time."""
        return Instant(time.time_ns() // 1_000_000)

    def task_id(self, run: RunRef) -> str:
        """The id of a task."""
        return id_text(UtaskId(run, "task"), self._key)

    def resolution_id(self, run: RunRef) -> str:
        """The id of the resolution of a task that resolved itself."""
        return id_text(UtaskId(run, "resolution"), self._key)

    def variables_of(self, template: TaskTemplate) -> Sequence[UtaskVariable]:
        """The variables of a template: those that it has now, also for an earlier version."""
        return template.variables if self._variables is None else self._variables

    def misfit(self, input: Mapping[str, Json]) -> str:
        """Why the input of a task does not fit the template that its host has now; empty if it
        does, or there is none."""
        faults = check_given(self._inputs, input).faults
        return faults[0] if faults else ""


def _tree(stored: Json) -> GoTree:
    return tree_of(stored, Position(1, 1))
