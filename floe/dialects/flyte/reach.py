"""Which steps of a flow can fire, and what one step has from those before it.

A fresh event fires steps that depend on none. Everything after that is the result of an action of
the same correlation: so a step that depends on others waits for an event of a pack that a step of
its flow asks for something.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from floe.dialects.flyte.flow import FlowPlace, FlyteFlow, FlyteStep
from floe.dialects.flyte.known import FATAL, KnownServer, has_labels
from floe.dialects.nearest import closest

NAMES_MAX: Final = 20_000
"""Names of the context that are followed, those of each step; beyond, any may be there."""

ROUNDS_MAX: Final = 50
"""Steps in a row through which a name of the context is followed; then any may be there."""


class StepDoubt(NamedTuple):
    """What is hardly meant in a step, and where."""

    place: FlowPlace
    what: str
    hint: str = ""


class FlowReach:
    """The commands of a flow by the events that may end them.

    Each question about a step costs no search among the others: a flow has up to 1,000 steps.
    """

    def __init__(self, flow: FlyteFlow, known: KnownServer | None = None) -> None:
        self.flow = flow
        self.ids = Counter(step.id for step in flow.steps)
        self.told = defaultdict[tuple[str, str], list[int]](list)
        """The steps by pack and result of their commands, where packs tell it."""
        self.untold = defaultdict[str, list[int]](list)
        """The other steps by pack: any event may be their result."""
        for number, step in enumerate(flow.steps):
            pack, results = step.command.pack_name, known and known.results(step.command)
            for event in results or ():
                self.told[pack, event].append(number)
            if not results:
                self.untold[pack].append(number)

    def before(self, step: FlyteStep) -> list[int]:
        """The numbers of the steps whose result may be the event of a step."""
        event = step.event
        told = self.told.get((event.pack_name, event.name), [])
        return told + self.untold.get(event.pack_name, [])

    def firing(self) -> frozenset[int]:
        """The numbers of the steps that some event may fire."""
        steps = self.flow.steps
        found = {number for number, step in enumerate(steps) if not step.depends_on}
        waiting = [number for number in range(len(steps)) if number not in found]
        while True:
            ids = {steps[number].id for number in found}
            more = {
                number
                for number in waiting
                if ids.intersection(steps[number].depends_on)
                and not found.isdisjoint(self.before(steps[number]))
            }
            if not more:
                return frozenset(found)
            found |= more
            waiting = [number for number in waiting if number not in more]

    def inherited(self) -> list[frozenset[str]]:
        """The names of the context that each step may have from those before it."""
        steps = self.flow.steps
        found = [frozenset[str]() for _ in steps]
        for _ in range(ROUNDS_MAX):
            having = defaultdict[str, Counter[str]](Counter)
            for names, step in zip(found, steps, strict=True):
                having[step.command.pack_name].update(names | step.context.keys())
            more = [
                _inherited(names, step, having) for names, step in zip(found, steps, strict=True)
            ]
            if more == found:
                return found
            if sum(map(len, more)) > NAMES_MAX:
                break
            found = more
        return [frozenset[str]().union(*(step.context for step in steps))] * len(steps)


def _inherited(
    names: frozenset[str], step: FlyteStep, having: Mapping[str, Counter[str]]
) -> frozenset[str]:
    """The names that steps other than this one have, whose packs may send its event."""
    counts = having.get(step.event.pack_name, Counter())
    own = names | step.context.keys() if step.command.pack_name == step.event.pack_name else ()
    return names.union(name for name, count in counts.items() if count > (name in own))


def step_doubts(flow: FlyteFlow, known: KnownServer | None) -> Iterator[StepDoubt]:
    """The doubts about the steps of a flow, without their templates."""
    if not flow.steps:
        yield StepDoubt(("steps",), "the flow has no steps: no event does anything")
    reach = FlowReach(flow, known)
    fires = reach.firing()
    for number, step in enumerate(flow.steps):
        place = ("steps", number)
        yield from _of_ids(reach, step, place)
        if number not in fires:
            yield from _never(reach, step, place)
        if known is not None:
            yield from _unknown(step, place, known)
            yield from _twice(reach, number)


def _of_ids(reach: FlowReach, step: FlyteStep, place: FlowPlace) -> Iterator[StepDoubt]:
    ids = reach.ids
    if step.id and ids[step.id] > 1:
        what = f"several steps have the id `{step.id}`: one action of it is shown, the last"
        yield StepDoubt((*place, "id"), what)
    elif not step.id and step.depends_on and ids[""] > 1:
        what = "a step without an id never fires after another one without an id"
        yield StepDoubt(place, what, "give it an id")
    has_parent = any(ids[parent] for parent in step.depends_on)
    for each, parent in enumerate(step.depends_on):
        at = (*place, "dependsOn", each)
        if not ids[parent]:
            what = f"no step has the id `{parent}`{'' if has_parent else ': the step never fires'}"
            yield StepDoubt(at, what, closest(parent, sorted(id for id in ids if id)))
        elif parent == step.id:
            yield StepDoubt(at, "no step depends on itself: it never fires")


def _never(reach: FlowReach, step: FlyteStep, place: FlowPlace) -> Iterator[StepDoubt]:
    """Why a step that depends on others never fires, where that is not clear from its parents."""
    if not any(reach.ids[parent] and parent != step.id for parent in step.depends_on):
        return
    event = step.event
    if not reach.before(step):
        what = f"no step of this flow has a command whose result is `{event.name}` of pack "
        what += f"`{event.pack_name}`: a step with dependsOn sees nothing but results"
        yield StepDoubt((*place, "event"), what, "without dependsOn it takes events of outside")
    else:
        yield StepDoubt((*place, "dependsOn"), "the step never fires: none of these ever does")


def _unknown(step: FlyteStep, place: FlowPlace, known: KnownServer) -> Iterator[StepDoubt]:
    event, command = step.event, step.command
    names = sorted({pack.name for pack in known.packs})
    senders, takers = known.named(event.pack_name), known.named(command.pack_name)
    at_event, at_command = (*place, "event"), (*place, "command")
    never = "the step never fires"
    if not senders:
        what = f"no pack `{event.pack_name}` is registered: {never}"
        yield StepDoubt((*at_event, "packName"), what, closest(event.pack_name, names))
    elif not any(has_labels(pack, event) for pack in senders):
        what = f"no pack `{event.pack_name}` has these labels: {never}"
        yield StepDoubt((*at_event, "packLabels"), what)
    elif event.name != FATAL and not any(event.name in pack.events for pack in senders):
        events = sorted(frozenset[str]().union(*(pack.events for pack in senders)))
        what = f"no pack `{event.pack_name}` says that it sends `{event.name}`"
        yield StepDoubt((*at_event, "name"), what, closest(event.name, events))
    waits = "its action waits for one"
    if not takers:
        what = f"no pack `{command.pack_name}` is registered: {waits}"
        yield StepDoubt((*at_command, "packName"), what, closest(command.pack_name, names))
    elif not any(has_labels(pack, command) for pack in takers):
        what = f"no pack `{command.pack_name}` has these labels: {waits}"
        yield StepDoubt((*at_command, "packLabels"), what)
    elif not any(command.name in pack.commands for pack in takers):
        commands = sorted({name for pack in takers for name in pack.commands})
        what = f"no pack `{command.pack_name}` has the command `{command.name}`"
        yield StepDoubt((*at_command, "name"), what, closest(command.name, commands))


def _twice(reach: FlowReach, number: int) -> Iterator[StepDoubt]:
    """A result is a fresh event too, which fires steps that depend on none."""
    step, place = reach.flow.steps[number], ("steps", number, "event")
    if step.depends_on or step.event.name == FATAL:
        return
    told = reach.told.get((step.event.pack_name, step.event.name), [])
    if number in told and not step.criteria:
        what = f"`{step.event.name}` is the result of the step's own command: it fires without end"
        yield StepDoubt(place, what, "criteria that become false end it")
    other = next((one for one in told if one != number), None)
    if other is not None:
        id = reach.flow.steps[other].id
        what = f"`{step.event.name}` is the result of step `{id or other}`: this step "
        what += "fires twice, in that correlation and in one of its own"
        yield StepDoubt(place, what, f"dependsOn: [{id}]" if id else "")
