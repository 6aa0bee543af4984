"""Recorded logs under tests/data/logs: how one is read, cut, asked and compared.

`tests/record_logs.py` records them; `tests/unit/kernel/test_logs.py` holds the kernel against them.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from floe.kernel.decide import decide
from floe.kernel.evolve import evolve
from floe.kernel.match import missing
from floe.kernel.owed import key_of, owed, run_key
from floe.kernel.rest import never_entered, rest_verdict, unheard_bad
from floe.kernel.sentences import either, event_text, first_parts
from floe.model.codec import decode, decode_event, encode, encode_event, to_text
from floe.model.effect import Effect
from floe.model.event import Event, FlowPinned, NodeSettled, RunEnded, RunEnding, RunPended
from floe.model.flow import Flow
from floe.model.ids import HostId, Instant, Key, RunRef
from floe.model.outcome import Outcome
from floe.model.run import Attached, Run
from floe.model.signal import (
    Abandon,
    Activate,
    Cancel,
    DataGiven,
    Exited,
    Failed,
    FlowUnreadable,
    HostLost,
    Reported,
    Signal,
    Started,
    Stopped,
    TimerFired,
)
from floe.model.tags import Tag, emitter_of
from floe.model.work import End

FOLDER: Final = Path(__file__).parent / "data" / "logs"

SIGNALS: Final[Mapping[str, type[Signal]]] = {
    cls.__name__: cls
    for cls in (
        Abandon,
        Activate,
        Cancel,
        DataGiven,
        FlowUnreadable,
        HostLost,
        Reported,
        Started,
        TimerFired,
    )
}

OPEN_MAX: Final = 3
"""Open nodes that are asked about at one cut."""

Shape = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Continuation:
    """A signal that reached the recorded run, and how many of the next events it brought."""

    after: int
    now: Instant
    signal: Signal
    brings: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """What the recorded kernel made of the log up to one event, as short hashes."""

    state: str
    owed: str
    decided: str
    """One hash per probe; `-` where the kernel decided nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """One recorded log with all that the recorded kernel made of it."""

    name: str
    ref: RunRef
    events: tuple[Event, ...]
    continuations: tuple[Continuation, ...] = ()
    state: str = ""
    """The folded state as canonical text."""
    cuts: tuple[Cut, ...] = ()


@cache
def flows() -> Mapping[str, Flow]:
    """The flows of all recorded logs, by the digest they were pinned with."""
    lines = (FOLDER / "flows.jsonl").read_text(encoding="utf-8").splitlines()
    shapes = map(json.loads, lines)
    return {s["digest"]: decode(Flow, s["flow"]) for s in shapes}


@cache
def logs() -> tuple[Log, ...]:
    """All recorded logs."""
    files = sorted(p for p in FOLDER.glob("*.jsonl") if p.name != "flows.jsonl")
    return tuple(read(json.loads(n)) for p in files for n in p.read_text("utf-8").splitlines())


def read(shape: Shape) -> Log:
    """A log from its line."""
    return Log(
        name=shape["name"],
        ref=RunRef.parse(shape["run"]),
        events=tuple(decode_event(name, event) for name, event in shape["events"]),
        continuations=tuple(
            Continuation(
                after=after, now=Instant(now), signal=signal_of(name, signal), brings=brings
            )
            for after, now, name, signal, brings in shape["signals"]
        ),
        state=canonical(shape["state"]),
        cuts=tuple(Cut(state=s, owed=o, decided=d) for s, o, d in shape["cuts"]),
    )


def states(log: Log, known: Mapping[str, Flow]) -> Iterator[Run]:
    """The run after each event of a log, with its flow as soon as it is pinned."""
    run: Run | None = None
    for event in log.events:
        run = evolve(run, event, ref=log.ref)
        if isinstance(event, RunPended | FlowPinned):
            run = replace(run, flow=known.get(event.digest or ""))
        yield run


def shape_of(run: Run) -> Shape:
    """A folded state as JSON: what has its default is left out, so new fields do not show.

    `result` is left out: it is derived from the rest of an old log.
    """
    nodes = {id: encode(state) for id, state in run.nodes.items()}
    return {**encode(replace(run, flow=None, result=None)), "ref": run.ref.key, "nodes": nodes}


def canonical(shape: Shape) -> str:
    """One text for equal shapes."""
    return json.dumps(shape, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def cut_of(run: Run) -> Cut:
    """What the present kernel makes of a run at this moment."""
    return Cut(
        state=short(canonical(shape_of(run))),
        owed=short("\n".join(sorted(map(_effect_text, owed(run))))) if _is_readable(run) else "-",
        decided=" ".join(_told(decided(run, *probe)) for probe in probes(run)),
    )


def decided(run: Run, signal: Signal, now: Instant) -> tuple[Event, ...]:
    """What the kernel decides, in the words of the kernel that recorded the logs."""
    decision = decide(run, signal, now, Attached(flow=run.flow))
    return tuple(_in_old_words(decision.events, decision.run))


def _in_old_words(events: Sequence[Event], run: Run) -> Iterator[Event]:
    """An end as floe 0.1 recorded it: without `result`, and with its own reason of a failure."""
    why = ""
    for before, event in zip((None, *events), events, strict=False):
        match event:
            case RunEnding():
                is_direct = isinstance(before, NodeSettled) and before.tag == event.tag
                why = _old_why(run, event, is_direct=is_direct)
                tag = None if why.startswith("stalled: ") else event.tag
                yield replace(event, why=why, tag=tag, result=None)
            case RunEnded():
                yield replace(event, why=why or event.why)
            case _:
                yield event


def _old_why(run: Run, ending: RunEnding, *, is_direct: bool) -> str:
    flow, tag = run.flow, ending.tag
    if flow is None or ending.good or tag is None:
        return ending.why
    if ends := [n for n in flow.nodes if isinstance(n.work, End) and tag in n.heard]:
        return f"{ends[0].ref} was reached by {event_text(tag, _outcome(run, tag))}"
    is_direct &= flow.unheard_bad == "end"
    unheard = (tag,) if is_direct else unheard_bad(run, flow)
    parts = [f"{event_text(tag, _outcome(run, tag))} has no listener" for tag in unheard]
    if is_direct or rest_verdict(_without_bad(run), flow).result == "good":
        return first_parts(parts)
    never = (
        f"{n.ref} never heard {' and '.join(map(either, missing(run, n)))}"
        for n in never_entered(run, flow)
    )
    return f"stalled: {first_parts([*never, *parts])}"


def _outcome(run: Run, tag: Tag) -> Outcome | None:
    node = emitter_of(tag)
    return run.settled(node).outcome if node is not None else None


def _without_bad(run: Run) -> Run:
    """The run as if nothing unheard were bad."""
    nodes = {id: replace(state, good=True) for id, state in run.nodes.items()}
    return replace(run, nodes=nodes)


def probes(run: Run) -> Iterator[tuple[Signal, Instant]]:
    """What a run at this moment is asked: everything that could reach it next."""
    begun = run.started_at or run.pended_at
    now = Instant(begun + 3_600_000)
    yield Cancel(by="alice", why="wrong"), now
    yield Abandon(by="alice"), now
    yield FlowUnreadable(why="there is none"), now
    if not _is_readable(run):
        return
    for epoch in (run.epoch, run.epoch + 1):
        yield Activate(host=run.host or HostId("h1"), epoch=epoch, workspace="/srv/ws"), now
    yield HostLost(host=run.host or HostId("h1")), now
    yield TimerFired(key=run_key(run), kind="run"), now
    for node in [n for n in run.nodes if n in run.open][:OPEN_MAX]:
        key = key_of(run, node, run.nodes[node])
        yield Started(key=key, at=now), now
        for report in (
            Exited(status=0, outputs={"made": "1"}, output_bytes=7),
            Exited(status=3, outputs={}),
            Failed(cause="lost", why="the warden was killed"),
            Failed(cause="timeout", why="after 1s", output_bytes=1),
            Stopped(),
        ):
            yield Reported(key=key, report=report, at=now), now
        yield TimerFired(key=key, kind="retry"), now
        yield TimerFired(key=key, kind="wait"), now
        yield TimerFired(key=key, kind="form"), now
        yield DataGiven(node=node, values={"ok": True}, good=True, by="bob"), now
        yield DataGiven(node=node, values={}, good=False, by="bob"), now


def signal_shape(signal: Signal) -> Shape:
    """A signal as JSON, its key as printed."""
    shape = encode(signal)
    if "key" in shape:
        shape["key"] = str(decode(Key, shape["key"]))
    return shape


def signal_of(name: str, shape: Shape) -> Signal:
    """A signal from its JSON."""
    if "key" in shape:
        shape = {**shape, "key": encode(Key.parse(shape["key"]))}
    made: Signal = decode(SIGNALS[name], shape)
    return made


def short(text: str) -> str:
    """A hash that is long enough to tell a difference."""
    return sha256(text.encode()).hexdigest()[:8]


def _told(events: Sequence[Event]) -> str:
    text = to_text([(type(e).__name__, encode_event(e)) for e in events])
    return short(text)[:6] if events else "-"


def _effect_text(effect: Effect) -> str:
    fields = (str(getattr(effect, name)) for name in effect.__dataclass_fields__)
    return " ".join((type(effect).__name__, *fields))


def _is_readable(run: Run) -> bool:
    """Whether the flow is there that an active run is decided with."""
    return run.flow is not None or run.phase == "reading"
