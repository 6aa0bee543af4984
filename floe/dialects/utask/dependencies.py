"""Dependencies between the steps of a template: how they are written, and where they lead."""

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from floe.dialects.nearest import closest
from floe.dialects.notes import Notes, Position
from floe.dialects.utask.document import UtaskStep
from floe.dialects.utask.keys import TextAt

ANY: Final = "ANY"
DONE: Final = "DONE"


class Dependency(NamedTuple):
    """A step, and the states in which it lets another one run."""

    step: str
    states: tuple[str, ...]
    at: Position


def dependency_of(written: TextAt) -> Dependency:
    """`step`, `step:STATE` or `step:STATE,STATE`."""
    name, colon, states = written.text.partition(":")
    return Dependency(name, tuple(states.split(",")) if colon else (DONE,), written.at)


class StepGraph:
    """Which step depends on which, unknown ones left out."""

    def __init__(self, steps: Mapping[str, UtaskStep]) -> None:
        self._needs = {
            name: [one.step for one in map(dependency_of, step.dependencies) if one.step in steps]
            for name, step in steps.items()
        }
        self._needed_by: dict[str, list[str]] = {name: [] for name in steps}
        for name, needs in self._needs.items():
            for needed in needs:
                self._needed_by[needed].append(name)

        self._chains: dict[str, frozenset[str]] = {}
        self._circles: dict[str, frozenset[str]] = {}
        for circle in self._found_circles():
            self._circles.update(dict.fromkeys(circle, circle))

    def chain(self, name: str) -> frozenset[str]:
        """All ancestors and descendants of a step."""
        if name not in self._chains:
            reached = _reached(name, self._needs) | _reached(name, self._needed_by)
            self._chains[name] = reached
        return self._chains[name]

    def ancestors(self, name: str) -> frozenset[str]:
        """All steps that a step waits for, directly or not."""
        return _reached(name, self._needs)

    def circle_of(self, name: str) -> frozenset[str]:
        """The steps that wait for each other with this one; none if there are no such steps."""
        return self._circles.get(name, frozenset())

    def _found_circles(self) -> Iterator[frozenset[str]]:
        """Each group of steps that all wait for each other (Kosaraju's algorithm)."""
        seen: set[str] = set()
        for name in reversed(self._finished()):
            if name in seen:
                continue
            group, waiting = {name}, [name]
            seen.add(name)
            while waiting:
                new = [one for one in self._needed_by[waiting.pop()] if one not in seen]
                seen.update(new)
                group.update(new)
                waiting += new
            if len(group) > 1 or name in self._needs[name]:
                yield frozenset(group)

    def _finished(self) -> list[str]:
        """All steps, each behind those that it needs unless they are in a circle with it."""
        order: list[str] = []
        seen: set[str] = set()
        for first in self._needs:
            waiting = [(first, False)]
            while waiting:
                name, is_over = waiting.pop()
                if is_over:
                    order.append(name)
                elif name not in seen:
                    seen.add(name)
                    waiting.append((name, True))
                    waiting += [(one, False) for one in self._needs[name]]
        return order


def _reached(name: str, edges: Mapping[str, list[str]]) -> frozenset[str]:
    found: set[str] = set()
    waiting = list(edges[name])
    while waiting:
        one = waiting.pop()
        if one not in found:
            found.add(one)
            waiting += edges[one]
    return frozenset(found)


def check_dependencies(
    step: UtaskStep,
    steps: Mapping[str, UtaskStep],
    states: Mapping[str, frozenset[str]],
    graph: StepGraph,
    notes: Notes,
) -> None:
    """Note the mistakes of a step's dependencies; `states` are the own states of each step."""
    seen = set()
    for one in map(dependency_of, step.dependencies):
        if one.step in seen:
            what = f'Invalid dependency, already defined dependency to: "{one.step}"'
            notes.error(one.at, what, "name all states behind one colon: step:STATE,STATE")
        seen.add(one.step)
        if one.step not in steps:
            what = f'Invalid dependency, no step with that name: "{one.step}"'
            notes.error(one.at, what, closest(one.step, list(steps)))
            continue
        for what in _state_faults(one, states[one.step]):
            notes.error(one.at, what)
    if circle := graph.circle_of(step.name):
        names = " ".join(sorted(circle))
        what = f"Invalid: circular dependency [{names}] <-> {step.name}"
        notes.error(step.place("dependencies"), what)


def _state_faults(one: Dependency, own: frozenset[str]) -> Iterator[str]:
    if len(set(one.states)) < len(one.states):
        yield "Invalid dependency, duplicated state detected"
    if ANY in one.states and len(one.states) > 1:
        yield "Invalid dependency, no other state allowed if ANY is declared"
    for state in one.states:
        if state not in (DONE, ANY) and state not in own:
            yield f'Invalid dependency on step {one.step}, step state not allowed: "{state}"'
