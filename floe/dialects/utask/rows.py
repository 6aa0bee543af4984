"""What uTask adds to the rows of its runs: the state of the task, and by what lists find it."""

from collections.abc import Iterable
from hashlib import sha256
from typing import Any, Final, cast

from floe.model.event import Event
from floe.model.facet import Facet
from floe.model.ids import Json
from floe.model.judging import RunNoted
from floe.model.passes import PassBegan, RunRested
from floe.model.people import RunEdited, RunResolved, RunRestarted
from floe.model.run import Run

TASK: Final = "utask.task"
"""The kind, and the key, of the facet that each task has."""
STATE: Final = "utask.state"
TEMPLATE: Final = "utask.template"
BATCH: Final = "utask.batch"
TAG: Final = "utask.tag"
"""`name=value`."""
SEE: Final = "utask.see"
"""Users who asked for a task or watch it."""
RESOLVE: Final = "utask.resolve"
"""Users who may resolve it."""

KEY_MAX: Final = 80
"""Characters of a key; a longer one is a hash."""

CHANGES: Final = (RunNoted, PassBegan, RunRested, RunEdited, RunResolved, RunRestarted)
"""Events that change a row. The end of a step is none: a loop of 1,000 would write as many."""


class UtaskRows:
    """The reader of the rows of uTask's runs. What it needs for that is imported with the first."""

    def label(self, run: Run) -> str:
        """The state of the task."""
        from floe.dialects.utask import readings

        return readings.task_state(run)

    def facets(self, run: Run) -> Iterable[Facet]:
        """By what lists find a task."""
        from floe.dialects.utask import readings

        template = readings.template_of(run)
        task = cast(dict[str, Any], run.values.get("task", {}))
        owners = (one.text for one in template.allowed_resolver_usernames)
        pairs = [
            (TASK, TASK),
            (STATE, readings.task_state(run)),
            (TEMPLATE, template.name),
            *((BATCH, one) for one in (task.get("batch"),) if one),
            *((TAG, f"{name}={value}") for name, value in readings.tags_of(run).items()),
            (SEE, readings.requester_username(run)),
            *((SEE, one) for one in task.get("watcher_usernames", ())),
            *((RESOLVE, one) for one in owners),
            *((RESOLVE, one) for one in readings.resolver_usernames(run)),
        ]
        at = readings.last_activity(run)
        return [Facet(kind=kind, key=facet_key(key), at=at) for kind, key in pairs]

    def told(self, run: Run) -> Json:
        """What the step that opened a task learns of it."""
        from floe.dialects.utask import readings

        return readings.told(run)

    def is_row_changed(self, event: Event) -> bool:
        """Whether an event changes the state or the tags of a task."""
        return isinstance(event, CHANGES)


def facet_key(text: str) -> str:
    """The key of a facet for a text of any length."""
    return text if len(text) < KEY_MAX else f"{sha256(text.encode()).hexdigest():>{KEY_MAX}}"
