"""What a run of a test did differently from what the test expects."""

from collections.abc import Iterator, Sequence
from difflib import ndiff
from typing import Final, NamedTuple

from floe.cases.play import Played
from floe.kernel.sentences import duration
from floe.model.case import Expected
from floe.model.event import NodeEntered, NodeSkipped
from floe.model.flow import Flow
from floe.model.ids import NodeId
from floe.model.summary import summary_of
from floe.model.work import End, Join

AFTER_SHARE: Final = 0.1
"""The part by which the time of a run may differ from the expected one: retries are jittered."""


class Difference(NamedTuple):
    """One expectation that was not met."""

    what: str
    """The key under `expect`."""
    expected: str
    was: str
    lines: tuple[str, ...] = ()
    """For a list: each entry, with `-` if it is missing and `+` if it was not expected."""


def differences(flow: Flow, expected: Expected, played: Played) -> tuple[Difference, ...]:
    """All expectations that a run did not meet."""
    return tuple(_differences(flow, expected, played))


def _differences(flow: Flow, expected: Expected, played: Played) -> Iterator[Difference]:
    run = played.run
    if played.refused or not expected.starts:
        yield from _start(expected, played)
        return
    if not played.is_ended:
        yield Difference("ends", expected.ends or "an end", f"still {run.phase}")
    elif expected.ends is not None and run.result != expected.ends:
        yield Difference("ends", expected.ends, f"{run.result}: {run.why}")
    if expected.enters is not None:
        yield from _order(expected.enters, _entered(flow, expected.enters, played))
    entered = {event.node for event in played.events if isinstance(event, NodeEntered)}
    for node in expected.never:
        if node in entered:
            yield Difference("never", f"{node} does not enter", "it entered")
    skips = {event.node: event.why for event in played.events if isinstance(event, NodeSkipped)}
    for node, part in expected.skipped.items():
        reason = f" ({part})" if part else ""
        if node not in skips:
            yield Difference("skipped", f"{node}{reason}", "it was not skipped")
        elif part not in skips[node]:
            yield Difference("skipped", f"{node}{reason}", f"skipped, since {skips[node]}")
    if expected.why not in run.why:
        yield Difference("why", expected.why, run.why)
    if expected.title is not None and (title := summary_of(run).title) != expected.title:
        yield Difference("title", expected.title, title)
    seconds = played.now / 1000
    after = expected.after_s
    if after is not None and abs(seconds - after) > max(after * AFTER_SHARE, 0.001):
        yield Difference("after", duration(after), duration(round(seconds, 3)))


def _start(expected: Expected, played: Played) -> Iterator[Difference]:
    """Whether the trigger starts a run, and why it starts none."""
    if expected.starts:
        yield Difference("starts", "true", f"false: {played.refused}")
    elif not played.refused:
        yield Difference("starts", "false", "true: the trigger started a run")
    elif expected.why not in played.refused:
        yield Difference("why", expected.why, played.refused)


def _entered(flow: Flow, named: Sequence[NodeId], played: Played) -> list[NodeId]:
    """The nodes that entered, in order, without merges and ends that the test does not name."""
    quiet = {n.id for n in flow.nodes if isinstance(n.work, End | Join)} - {*named}
    events = (event for event in played.events if isinstance(event, NodeEntered))
    return [event.node for event in events if event.node not in quiet]


def _order(expected: Sequence[NodeId], was: Sequence[NodeId]) -> Iterator[Difference]:
    if [*expected] != [*was]:
        lines = tuple(line.rstrip() for line in ndiff(expected, was) if not line.startswith("?"))
        yield Difference("enters", ", ".join(expected) or "nothing", ", ".join(was), lines)
