"""Which steps of a flow can fire, and what one step has from those before it.

A fresh event fires steps that depend on none. Everything after that is the result of an action of
the same correlation: so a step that depends on others waits for an event of a pack that a step of
its flow asks for something.
"""

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from floe.dialects.flyte.flow import FlowPlace, FlyteFlow, FlyteStep
from floe.dialects.flyte.known import FATAL, KnownServer, has_labels
from floe.dialects.nearest import closest


class StepDoubt(NamedTuple):
    """What is hardly meant in a step, and where."""

    place: FlowPlace
    what: str
    hint: str = ""


def step_doubts(flow: FlyteFlow, known: KnownServer | None) -> Iterator[StepDoubt]:
    """The doubts about the steps of a flow, without their templates."""
    if not flow.steps:
        yield StepDoubt(("steps",), "the flow has no steps: no event does anything")
    fires = firing(flow, known)
    for number, step in enumerate(flow.steps):
        place = ("steps", number)
        yield from _of_ids(flow, step, place)
        if number not in fires:
            yield from _never(flow, step, place, known)
        if known is not None:
            yield from _unknown(step, place, known)
            yield from _twice(flow, number, known)


def firing(flow: FlyteFlow, known: KnownServer | None) -> frozenset[int]:
    """The numbers of the steps that some event may fire."""
    found = {number for number, step in enumerate(flow.steps) if not step.depends_on}
    while True:
        ids = {flow.steps[number].id for number in found}
        more = {
            number
            for number, step in enumerate(flow.steps)
            if number not in found
            and ids.intersection(step.depends_on)
            and any(may_end(flow.steps[one], step, known) for one in found)
        }
        if not more:
            return frozenset(found)
        found |= more


def may_end(asking: FlyteStep, step: FlyteStep, known: KnownServer | None) -> bool:
    """Whether the result of one step's command may be the event of another one."""
    if asking.command.pack_name != step.event.pack_name:
        return False
    results = known.results(asking.command) if known else None
    return results is None or step.event.name in results


def inherited(flow: FlyteFlow) -> list[frozenset[str]]:
    """The names of the context that each step may have from those before it."""
    found = [frozenset[str]() for _ in flow.steps]
    while True:
        more = [
            found[number].union(
                *(
                    found[one] | before.context.keys()
                    for one, before in enumerate(flow.steps)
                    if one != number and may_end(before, step, None)
                )
            )
            for number, step in enumerate(flow.steps)
        ]
        if more == found:
            return found
        found = more


def _of_ids(flow: FlyteFlow, step: FlyteStep, place: FlowPlace) -> Iterator[StepDoubt]:
    ids = Counter(one.id for one in flow.steps)
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
            names = sorted(one.id for one in flow.steps if one.id)
            what = f"no step has the id `{parent}`{'' if has_parent else ': the step never fires'}"
            yield StepDoubt(at, what, closest(parent, names))
        elif parent == step.id:
            yield StepDoubt(at, "no step depends on itself: it never fires")


def _never(
    flow: FlyteFlow, step: FlyteStep, place: FlowPlace, known: KnownServer | None
) -> Iterator[StepDoubt]:
    """Why a step that depends on others never fires, where that is not clear from its parents."""
    others = {one.id for one in flow.steps} - {step.id}
    if not others.intersection(step.depends_on):
        return
    event = step.event
    if not any(may_end(one, step, known) for one in flow.steps):
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


def _twice(flow: FlyteFlow, number: int, known: KnownServer) -> Iterator[StepDoubt]:
    """A result is a fresh event too, which fires steps that depend on none."""
    step, place = flow.steps[number], ("steps", number, "event")
    if step.depends_on or step.event.name == FATAL:
        return
    results = known.results(step.command)
    if results and may_end(step, step, known) and not step.criteria:
        what = f"`{step.event.name}` is the result of the step's own command: it fires without end"
        yield StepDoubt(place, what, "criteria that become false end it")
    for one, other in enumerate(flow.steps):
        if one != number and known.results(other.command) and may_end(other, step, known):
            what = (
                f"`{step.event.name}` is the result of step `{other.id or one}`: this step fires "
            )
            what += "twice, in that correlation and in one of its own"
            yield StepDoubt(place, what, f"dependsOn: [{other.id}]" if other.id else "")
            return
