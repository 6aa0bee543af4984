"""What flyte adds to the rows of its runs: states of actions, and facets that find them."""

from collections.abc import Iterable, Iterator
from hashlib import sha256
from typing import Final

from floe.dialects.flyte.actions import RunAction, actions_of
from floe.dialects.flyte.compiled import FATAL, SUCCESS, step_of
from floe.dialects.pack_work import quoted
from floe.model.event import Event, NodeEntered, NodeStarted, WorkReturned
from floe.model.facet import Facet
from floe.model.ids import Json
from floe.model.judging import ActionEnded
from floe.model.run import Run

ACTION: Final = "flyte"
"""The kind of the facet that every action has."""
FLOW: Final = "flyte.flow"
STEP: Final = "flyte.step"
COMMAND: Final = "flyte.command"
PACK: Final = "flyte.pack"
LABEL: Final = "flyte.label"
"""The kinds of the facets of an action, by which an audit finds it."""

KEY_MAX: Final = 80
"""Characters of a key; a longer one is a hash."""

CHANGES: Final = (NodeEntered, NodeStarted, WorkReturned, ActionEnded)
"""Events that give an action a different state."""


class FlyteRows:
    """The reader of the rows of flyte's runs."""

    def label(self, run: Run) -> str:
        """How many actions of a run are in each state: `NEW 1, SUCCESS 2`."""
        values = [action.state.value for action in actions_of(run)]
        counts = {value: values.count(value) for value in ("NEW", "PENDING", SUCCESS, FATAL)}
        return ", ".join(f"{value} {count}" for value, count in counts.items() if count)

    def facets(self, run: Run) -> Iterable[Facet]:
        """The facets of each action: filters of an audit hold for one action together."""
        return [facet for action in actions_of(run) for facet in _facets(run, action)]

    def is_row_changed(self, event: Event) -> bool:
        """Whether an event gives an action a different state."""
        return isinstance(event, CHANGES)

    def told(self, run: Run) -> Json:
        """Nothing: no run of flyte is a child."""
        return None


def facet_key(text: str) -> str:
    """The key of a facet for a name that may be of any length."""
    return text if len(text) < KEY_MAX else f"{sha256(text.encode()).hexdigest():>{KEY_MAX}}"


def label_key(name: str, value: str) -> str:
    """The key of the facet for a label of a pack."""
    return facet_key(f"{quoted(name)}={value}")


def _facets(run: Run, action: RunAction) -> Iterator[Facet]:
    assert run.flow is not None, "rows are read with their flow"
    step = step_of(run.flow.nodes[action.number])
    named = {
        ACTION: "action",
        FLOW: run.flow.name,
        STEP: step.get("id", ""),
        COMMAND: action.work.name,
        PACK: step["command"]["packName"],
    }
    row, at = action.number + 1, action.state.at
    for kind, key in named.items():
        yield Facet(kind=kind, key=facet_key(key), row=row, at=at)
    for name, value in action.labels.items():
        yield Facet(kind=LABEL, key=label_key(name, value), row=row, at=at)
