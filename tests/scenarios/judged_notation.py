"""How scenarios of judged runs are written: as in `notation`, with a toy flow and verdicts.

    toy passes=3
      a
      b on a:DONE

    > judge enter; DONE out=x   the verdicts about all that is asked, in order
    > judge toy                 those of the toy itself; `endless` judges so until the run rests
    > judge partial DONE        there was no time for the other questions
    > update child DONE out     an update with this key, a state and a value
    > opens a k1,k2             a call is good and opens children with these keys, as its host does
    > told k1 DONE seq=7        the update about a child, of its 7th event; `epoch=2` of its second
    > pass alice                a person begins a pass; `extend 2` allows two more
    > opened rests=TODO         a new run, which rests before its first pass
    > resolve alice res-1 k=v   a person takes it; `restart` starts it over
    > edit alice set=a:DONE     and steps="a; b on a" gone=c value=k:v out=x base=7
    > note alice comment hello  `note alice comment 70000*x` is a long one
    > end alice WONTFIX why
    > pause alice PAUSED force

A verdict is a state, or `enter`, and then any of: keeps why=A_REASON due=30s awaits=k1,k2 items=3
out=x set=b:TO_RETRY set=b[1]:DONE enters=c note=tag:blue work=end work=outside failed=A_REASON
condition unjudged passes=2 rests=TO_CHECK
"""

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from floe.kernel.evolve import fold
from floe.kernel.judged.children import opening_fault, openings_of
from floe.kernel.judged.lane import judgement
from floe.kernel.judged.people import Refusable, refusal
from floe.kernel.owed import run_key
from floe.model.call import Call, OutsideWork
from floe.model.codec import digest_of, to_text
from floe.model.effect import Effect
from floe.model.event import Event, ItemEntered, NodeEntered, NodeSettled, RunEnding
from floe.model.ids import NO_ITEM, Instant, Key, NodeId, RunRef
from floe.model.judging import (
    ActionEnded,
    Enter,
    Judged,
    JudgeRun,
    NodeSet,
    Note,
    Question,
    RunNoted,
    Set,
    Update,
    UpdateReceived,
    Verdict,
)
from floe.model.opening import ChildOpening, Opening
from floe.model.passes import BeginPass, Extend, PassBegan, RunExtended, RunRested
from floe.model.people import (
    AddNote,
    Edit,
    EndRun,
    Pause,
    PauseAsked,
    Resolve,
    Restart,
    RunEdited,
    RunResolved,
    RunRestarted,
    StateEdit,
)
from floe.model.run import Run
from floe.model.signal import Answered, Failed, Reported, Signal, TimerFired
from floe.model.summary import summary_of
from floe.model.work import End, Exec, Work
from tests.make import NOW, REF, attached, decided
from tests.scenarios import notation
from tests.toy.judge import judged
from tests.toy.reader import toy_flow
from tests.toy.run import opened


class JudgedStory(notation._Story):
    """One judged run, as the lines of a scenario bring it on."""

    head = "toy"

    def begin(self, line: str, block: Sequence[str]) -> None:
        self.flow = toy_flow(line, block)
        self.now = NOW
        self._open()

    def play(self, sign: str, text: str) -> Iterator[str]:
        verb, *words = shlex.split(text)
        if sign == ">" and verb == "opened":
            self._open(notation._named(words, "rests"))
        elif sign == ">" and (signal := self._signal(verb, words, text)) is not None:
            events = decided(self.run, signal, self.now).events
            yield from (told for event in events for told in self._record(event))
            if not events:
                yield _nothing(self.run, signal)
        elif sign == ">" and verb == "endless":
            yield from self._endless()
        elif sign == "?" and verb == "label":
            yield summary_of(self.run).label or "none"
        elif sign == "?" and verb == "outputs":
            yield to_text(self.run.nodes[NodeId(words[0])].outputs)
        elif sign == "?" and verb == "notes":
            assert self.run.passes is not None
            for note in self.run.passes.notes:
                yield f"{note.kind} {note.key}: {note.value}"
        else:
            yield from super().play(sign, text)

    def _endless(self) -> Iterator[str]:
        """Judge by the toy until the run rests; tell the last judgement alone."""
        count, told = 0, [""]
        while self.run.phase == "active":
            before, decision = self.run, decided(self.run, self._judged(["toy"], ""), self.now)
            self.run = decision.run
            self.log += decision.events
            told = [self._told(event, before) for event in decision.events]
            count += 1
        assert fold(self.run.ref, self.log) == self.run
        yield f"after {count} judgements"
        yield from told

    def _open(self, verdict: str = "") -> None:
        self.log = [opened(self.flow, at=self.now, verdict=verdict)]
        self.run = attached(fold(REF, self.log), self.flow)

    def _signal(self, verb: str, words: Sequence[str], text: str) -> Signal | None:
        match verb, words:
            case "judge", ["late", *rest]:
                return replace(self._judged(rest, text), seq=self.run.seq + 1)
            case "judge", ["partial", *rest]:
                found = self._judged(rest, text.removeprefix("judge partial"))
                return replace(found, is_partial=True)
            case "judge", _:
                return self._judged(words, text.removeprefix("judge"))
            case "update", [key, *rest]:
                state, value = (*rest, "", "")[:2]
                return Update(source="test", key=key, state=state, value=_long(value) or None)
            case "opens", [node, keys, *rest]:
                return _opening(self.run, notation._key(self.run, node, rest), keys, self.now)
            case "told", [key, state, *rest]:
                return _told(self.run, key, state, rest)
            case "pass", [by, *rest]:
                return BeginPass(by=by, why=" ".join(rest))
            case "extend", [count]:
                return Extend(by="alice", passes=int(count))
            case "resolve" | "restart", [by, resolution, *rest]:
                values = {key: value for key, _, value in (w.partition("=") for w in rest)}
                if verb == "restart":
                    return Restart(by=by, resolution=resolution, values=values)
                due = self._due(values.pop("due", ""))
                verdict = "DELAYED" if due else ""
                return Resolve(
                    by=by, resolution=resolution, values=values, due=due, verdict=verdict
                )
            case "pause", [by, verdict, *rest]:
                return Pause(by=by, verdict=verdict.strip("-"), force="force" in rest)
            case "note", [by, kind, *rest]:
                return AddNote(by=by, kind=kind, value=_long(" ".join(rest)))
            case "end", [by, label, *rest]:
                return EndRun(by=by, label=label, why=" ".join(rest))
            case "edit", [by, *rest]:
                return self._edit(by, [(key, value) for key, _, value in map(_parts, rest)])
            case "fire", ["pass"]:
                return TimerFired(key=run_key(self.run), kind="pass")
            case _:
                return None

    def _edit(self, by: str, given: Sequence[tuple[str, str]]) -> Edit:
        assert self.run.passes is not None
        by_key = dict(given)
        flow = self.flow
        if "steps" in by_key:
            steps = [step.strip() for step in by_key["steps"].split(";")]
            flow = toy_flow(by_key.get("toy", "toy"), steps)
        sets = [one for key, value in given if key == "set" for one in _sets(value)]
        outputs = {"out": by_key["out"]} if "out" in by_key else {}
        values = [value.partition(":")[::2] for key, value in given if key == "value"]
        signal = Edit(
            by=by,
            base=int(by_key.get("base", self.run.passes.base)),
            digest=digest_of(flow),
            flow=flow,
            values=dict(values) if values else None,
            states=tuple(
                StateEdit(node=one.node, item=one.item, state=one.state, outputs=outputs)
                for one in sets
            ),
            gone=tuple(NodeId(value) for key, value in given if key == "gone"),
        )
        if not refusal(self.run, signal):
            self.flow = flow
        return signal

    def _judged(self, words: Sequence[str], text: str) -> Judged:
        owed = judgement(self.run) if self.run.phase == "active" else None
        epoch, seq = (owed.epoch, owed.seq) if owed else (self.run.epoch, self.run.seq)
        if owed and [*words] == ["toy"]:
            verdicts = judged(self.run, owed.asks, self.now)
        else:
            verdicts = tuple(
                self._verdict(part.split()) for part in text.split(";") if part.split()
            )
        return Judged(epoch=epoch, seq=seq, verdicts=verdicts)

    def _verdict(self, words: Sequence[str]) -> Verdict:
        name, *rest = words
        given = [(key, value) for key, _, value in (word.partition("=") for word in rest)]
        by_key = dict(given)
        sets = [one for key, value in given if key == "set" for one in _sets(value)]
        set_due, set_why = by_key.get("set-due", ""), by_key.get("set-why", "")
        return Verdict(
            state="" if name == "enter" else name,
            keeps_outputs="keeps" in by_key,
            work=_WORKS.get(by_key.get("work", "")),
            items=tuple(range(int(by_key.get("items", "0")))),
            outputs={"out": _long(by_key["out"])} if "out" in by_key else {},
            why=by_key.get("why", "").replace("_", " "),
            failed=by_key.get("failed", "").replace("_", " "),
            in_condition="condition" in by_key,
            unjudged="unjudged" in by_key,
            passes=int(by_key.get("passes", "0")),
            rests=by_key.get("rests", ""),
            due=self._due(by_key.get("due", "")),
            awaits=_keys(by_key.get("awaits", "")),
            sets=tuple(replace(one, due=self._due(set_due), why=set_why) for one in sets),
            enters=tuple(_enter(value) for key, value in given if key == "enters"),
            notes=tuple(note for key, value in given if key == "note" for note in _notes(value)),
        )

    def _due(self, after: str) -> Instant | None:
        return Instant(self.now + round(notation._seconds(after) * 1000)) if after else None

    def _told(self, event: Event, before: Run) -> str:
        name, at = type(event).__name__, notation._at
        match event:
            case NodeEntered() | ItemEntered() if event.attempt > 1:
                return f"{super()._told(event, before)} attempt={event.attempt}"
            case NodeSettled(node=node, outcome=outcome, tag=tag):
                outputs = f" outputs {to_text(event.outputs)}" if event.outputs else ""
                outputs += " keeps outputs" if event.keeps else ""
                return f"{name} {node} {notation._outcome(outcome)}: {tag}{outputs}"
            case ActionEnded(node=node, item=item, outcome=outcome, attempt=attempt):
                more = " lost" if event.lost else ""
                more += f" opens {', '.join(event.opened)}" if event.opened else ""
                return (
                    f"{name} {at(node, item)} attempt={attempt} {notation._outcome(outcome)}{more}"
                )
            case NodeSet(node=node, item=item, state=state, phase=phase):
                where = f"{node}[{item}-{event.until}]" if event.until > item else at(node, item)
                why = f": {event.outcome.why}" if event.outcome.why else ""
                by = f" by {event.by}" if event.by else ""
                due = f" {self._at(event.due)}" if event.due is not None else ""
                awaits = f" awaits {','.join(event.awaits)}" if event.awaits else ""
                return f"{name} {where} {state} {phase}{by}{due}{awaits}{why}"
            case UpdateReceived(key=key, state=state):
                return f"{name} {key} {state}".rstrip()
            case PassBegan(number=number, by=by):
                return f"{name} {number} by {by}" + (f": {event.why}" if event.why else "")
            case RunRested(number=number, verdict=verdict, due=due):
                by = f" by {event.by}" if event.by else ""
                at_ = f" {self._at(due)}" if due is not None else ""
                why = f": {event.why}" if event.why else ""
                return f"{name} {number} {verdict}{by}{at_}{why}"
            case PauseAsked(by=by, verdict=verdict):
                return f"{name} by {by}: {verdict}"
            case RunExtended(by=by, passes=passes):
                return f"{name} by {by}: {passes}"
            case RunNoted(kind=kind, key=key, value=value):
                return f"{name} {kind} {key}: {value}"
            case RunEnding(label=label, why=why) if label not in ("", why):
                return f"{super()._told(event, before)} ({label})"
            case RunResolved(by=by, resolution=resolution, values=values):
                given = f" {to_text(values)}" if values else ""
                return f"{name} by {by}: {resolution}{given}"
            case RunRestarted(by=by):
                return f"{name} by {by}"
            case RunEdited(by=by, values=values, gone=gone):
                told = f"{name} by {by}"
                told += f" steps {' '.join(event.flow.by_id)}" if event.flow else ""
                told += f" values {to_text(values)}" if values is not None else ""
                return told + (f" gone {' '.join(gone)}" if gone else "")
            case _:
                return super()._told(event, before)

    def _owed(self, effect: Effect) -> str:
        if not isinstance(effect, JudgeRun):
            return super()._owed(effect)
        asks = ", ".join(map(_asked, effect.asks))
        return f"JudgeRun {effect.seq}: {asks}"


_WORKS: Final[dict[str, Work]] = {
    "end": End(),
    "exec": Exec(argv=("true",)),
    "outside": OutsideWork(type="toy", queue="jobs"),
}


def _asked(question: Question) -> str:
    visit = f" visit={question.visit}" if question.visit > 1 else ""
    attempt = f" attempt={question.attempt}" if question.attempt > 1 else ""
    return f"{question.stage} {notation._at(question.node, question.item)}{visit}{attempt}"


def _opening(run: Run, key: Key, text: str, now: Instant) -> Reported:
    """An answer that opens children; their runs have the numbers from 101 on."""
    opens = tuple(
        ChildOpening(key=one, flow=toy_flow("toy", ["a"]), digest="sha256:1", opening=Opening())
        for one in _keys(text)
    )
    answer = Reported(key=key, report=Answered(good=True, outputs={}, opens=opens), at=now)
    openings = openings_of(run, answer)
    if why := opening_fault(run, openings):
        return replace(answer, report=Failed(cause="error", why=why))
    first = 101 + len(run.passes.children if run.passes else ())
    runs = (RunRef(run.ref.host, run.ref.store, first + at).key for at in range(len(openings)))
    return replace(answer, opened=dict(zip([one.key for one in openings], runs, strict=True)))


def _told(run: Run, key: str, state: str, words: Sequence[str]) -> Update:
    assert run.passes is not None
    return Update(
        source=run.passes.children[key],
        key=key,
        state=state,
        epoch=int(notation._named(words, "epoch") or 1),
        seq=int(notation._named(words, "seq")),
    )


def _nothing(run: Run, signal: Signal) -> str:
    """What is told of a signal without an effect."""
    why = refusal(run, signal) if isinstance(signal, Refusable) else ""
    return f"nothing: {why}" if why else "nothing"


def _long(text: str) -> str:
    """A text, or with a number before it, `9*x`, that many of it."""
    count, _, text = text.rpartition("*")
    return text * int(count or 1)


def _keys(text: str) -> tuple[str, ...]:
    """`k1,k2`, or `9*k` for nine keys."""
    count, _, key = text.rpartition("*")
    if count:
        return tuple(f"{key}{at}" for at in range(int(count)))
    return tuple(filter(None, text.split(",")))


def _parts(word: str) -> tuple[str, str, str]:
    return word.partition("=")


def _sets(text: str) -> list[Set]:
    target, _, state = text.partition(":")
    count, _, target = target.rpartition("*")
    node, _, index = target.removesuffix("]").partition("[")
    one = Set(node=NodeId(node), item=int(index or NO_ITEM), state=state)
    return [one] * int(count or 1)


def _enter(text: str) -> Enter:
    """A node with a call as its work; with an end if `!` is after it."""
    work = End() if text.endswith("!") else Call(type="toy.step", config=[])
    return Enter(node=NodeId(text.removesuffix("!")), work=work)


def _notes(text: str) -> list[Note]:
    count, _, text = text.rpartition("*")
    kind, _, value = text.partition(":")
    return [Note(kind=kind, value=value)] * int(count or 1)
