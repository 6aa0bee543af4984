"""Runs whose nodes are retried, for the recorded logs: failures, backoffs, lost attempts and hosts.

Each story follows its seed alone. The world answers what the run owes, and now and then somebody
cancels the run, or its host is lost.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Final

from floe.kernel.evolve import evolve
from floe.kernel.owed import owed
from floe.model.effect import AskData, Effect, PackArchive, SetTimer, StartAction, StopAction
from floe.model.event import Event, RunGranted
from floe.model.flow import Backoff, Flow, Retry
from floe.model.ids import FlowId, HostId, Instant, RunRef
from floe.model.run import Run
from floe.model.signal import (
    Activate,
    Cancel,
    DataGiven,
    Exited,
    Failed,
    HostLost,
    Report,
    Reported,
    Signal,
    Started,
    Stopped,
    TimerFired,
)
from floe.model.work import Exec, Fetch
from tests.make import H1, NOW, STORE, a_flow, a_form, a_merge, a_node, a_pended, a_timer, an_end

Decide = Callable[[Run, Signal, Instant], Sequence[Event]]

TWICE: Final = Retry(max=2)
OFTEN: Final = Retry(max=4, backoff=Backoff(first_s=10.0, factor=5.0, max_s=60.0))
FLOWS: Final = (
    a_flow(a_node("build", retry=TWICE), an_end(), id=FlowId("plain")),
    a_flow(a_node("build", retry=OFTEN), id=FlowId("capped")),
    a_flow(
        a_node("build", retry=TWICE, on_lost="retry"),
        a_node("load", Fetch(url="http://127.0.0.1/x"), on="task.build.good", retry=TWICE),
        id=FlowId("lost"),
    ),
    a_flow(
        a_form("ask", retry=TWICE, timeout_s=5.0), an_end(on="task.ask.good"), id=FlowId("form")
    ),
    a_flow(
        a_node("left", retry=TWICE, timeout_s=3.0),
        a_node("right", Exec(argv=("false",)), retry=OFTEN),
        a_merge("both", ["task.left.good", "task.right.good"]),
        an_end(on="merge.both.good"),
        id=FlowId("pair"),
    ),
    a_flow(
        a_node("build", retry=TWICE, ignore_fail=True),
        a_timer("pause", 30.0, on="task.build.good"),
        a_node("mend", on="task.build.bad", retry=TWICE),
        id=FlowId("ignored"),
    ),
    a_flow(
        a_node("build", retry=TWICE),
        a_node("test", on="task.build.good", retry=OFTEN),
        id=FlowId("restarted"),
        on_host_lost="restart",
    ),
    a_flow(a_node("build", retry=OFTEN), id=FlowId("limited"), timeout_s=20.0),
)

SEEDS: Final = 400
STEPS_MAX: Final = 40
REPORTS: Final[tuple[Report, ...]] = (
    Exited(status=0, outputs={"made": "1"}, output_bytes=7),
    Exited(status=1, outputs={}),
    Exited(status=1, outputs={}, output_bytes=12),
    Exited(status=3, outputs={}),
    Failed(cause="timeout", why="after 3s", output_bytes=1),
    Failed(cause="lost", why="the warden was killed"),
)


@dataclass(slots=True)
class Story:
    """One run: its events, and the signals that reached it: after which event, when, which."""

    flow: Flow
    run: Run
    random: Random
    now: Instant = NOW
    events: list[Event] = field(default_factory=list)
    signals: list[tuple[int, Instant, Signal]] = field(default_factory=list)

    def record(self, event: Event) -> None:
        """Add an event."""
        self.events.append(event)
        self.run = replace(evolve(self.run, event), flow=self.flow)


def stories(decide: Decide) -> Iterator[Story]:
    """All stories, as a kernel decides them."""
    for seed in range(SEEDS):
        random = Random(seed)  # a seed that replays
        flow = FLOWS[seed % len(FLOWS)]
        pended = a_pended(flow)
        run = replace(evolve(None, pended, ref=RunRef(H1, STORE, seed + 1)), flow=flow)
        story = Story(flow, run, random, events=[pended])
        _play(story, decide)
        yield story


def _play(story: Story, decide: Decide) -> None:
    for _ in range(STEPS_MAX):
        if story.run.phase == "pending":
            epoch, host = story.run.epoch + 1, HostId(story.random.choice(("h1", "h2")))
            story.record(RunGranted(at=story.now, host=host, store=STORE, epoch=epoch, fences={}))
        if not (signal := _next(story)):
            return
        story.signals.append((story.run.seq, story.now, signal))
        for event in decide(story.run, signal, story.now):
            story.record(event)


def _next(story: Story) -> Signal | None:
    run, random = story.run, story.random
    story.now = Instant(story.now + random.randrange(1, 3_000))
    if run.phase == "granted":
        assert run.host is not None
        return Activate(host=run.host, epoch=run.epoch, workspace="/srv/ws")
    is_armed = any(state.phase == "armed" for state in run.nodes.values())
    if run.phase == "active" and random.random() < (0.15 if is_armed else 0.02):
        assert run.host is not None
        return random.choice((Cancel(by="alice", why="wrong"), HostLost(host=run.host)))
    effects = sorted(owed(run), key=str)
    return _answer(story, random.choice(effects)) if effects else None


def _answer(story: Story, effect: Effect) -> Signal | None:
    now, random = story.now, story.random
    match effect:
        case StartAction(key=key) if story.run.nodes[key.node].phase == "entered":
            return Started(key=key, at=now)
        case StartAction(key=key):
            return Reported(key=key, report=random.choice(REPORTS), at=now)
        case StopAction(key=key):
            return Reported(key=key, report=Stopped(), at=now)
        case AskData(key=key):
            good = random.random() < 0.3
            return DataGiven(node=key.node, values={"ok": good}, good=good, by="bob")
        case SetTimer(key=key, kind=kind, due=due):
            story.now = Instant(max(now, due))
            return TimerFired(key=key, kind=kind)
        case PackArchive():
            return None
        case _:
            raise AssertionError(f"no answer to {effect}")
