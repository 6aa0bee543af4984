"""Judged runs under faults: the kernel with an evaluator and a disk that misbehave.

One run of a random flow of the toy dialect. The evaluator is slow, dies, answers twice or late;
attempts end late, twice, or are lost; updates come early, late and doubled; the host crashes before
or after each append, and folds the run again. Verdicts fail, are too large or too few. Then the
world is calm, and the run must come to rest, or to its end.

    python -m tests.sim.judge --seeds 20000
    python -m tests.sim.judge --seed 7 --bug late-answer
"""

import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from random import Random
from typing import Final
from unittest.mock import patch

from floe.kernel.decide import decide
from floe.kernel.evolve import fold
from floe.kernel.items import state_of
from floe.kernel.judged.lane import in_flight, judgement
from floe.kernel.owed import owed, run_key
from floe.model.effect import SetTimer, StartAction, StopAction
from floe.model.event import Event, ItemEntered, NodeEntered
from floe.model.ids import NO_ITEM, Instant, Key
from floe.model.judging import ActionEnded, Judged, JudgeRun, NodeSet, Update, UpdateReceived
from floe.model.nouns import replace
from floe.model.passes import BeginPass, Extend, Part, PassBegan, RunRested
from floe.model.people import Pause
from floe.model.run import Attached, Run
from floe.model.signal import (
    Cancel,
    Exited,
    Failed,
    HostLost,
    Reported,
    Signal,
    Started,
    Stopped,
    TimerFired,
)
from tests.make import H1, NOW, REF, attached
from tests.sim.judge_bugs import BUGS, PATCHES
from tests.sim.judge_verdicts import LIMIT, Broken, VerdictWatch, spoiled
from tests.sim.model_command import play_many
from tests.toy.judge import judged
from tests.toy.reader import toy_flow
from tests.toy.run import a_judged_run, opened

FAULTY_STEPS: Final = 100
CALM_STEPS: Final = 4000
STATES: Final = ("DONE", "CLIENT_ERROR", "RETRY_NOW", "TO_RETRY", "FAILED")


class Trial:
    """One run with all that is on its way to it."""

    def __init__(self, seed: int) -> None:
        self.chance = Random(seed)
        self.now = NOW
        self.flow = toy_flow(f"toy passes={self.chance.randint(2, 6)}", [*self._steps()])
        self.log: list[Event] = [opened(self.flow)]
        self.run = a_judged_run(self.flow)
        self.answers: list[tuple[JudgeRun, Judged]] = []
        """On their way, in no order; some twice."""
        self.asked: set[int] = set()
        """The judgements that the evaluator has, by `seq`; emptied when it dies."""
        self.reports: list[Reported] = []
        self.begun: set[Key] = set()
        """The attempts that run on the host; a crash loses some."""
        self.ended: set[Key] = set()
        self.crashed: set[Part] = set()
        """What a person has to check."""
        self.entries: Counter[tuple[int, Part]] = Counter()
        self.woken: set[int] = set()
        """The updates by which a pass began, by number of event."""
        self.received: dict[str, int] = {}
        self.counts: Counter[str] = Counter()
        self.verdicts = VerdictWatch()
        self.is_calm = False

    def play(self) -> None:
        for _ in range(FAULTY_STEPS):
            self._step(calm=False)
        for _ in range(CALM_STEPS):
            if not self._step(calm=True):
                break
        else:
            raise Broken("every_run_rests_or_ends: it still goes on")
        self._settled()

    def _steps(self) -> Iterator[str]:
        names = "abcde"[: self.chance.randint(2, 5)]
        for at, name in enumerate(names):
            needs = [
                f"{other}:{self.chance.choice(('DONE', 'final', 'DONE,FAILED', 'CLIENT_ERROR'))}"
                for other in names[:at]
                if self.chance.random() < 0.4
            ]
            options = [
                f"then=DONE>{self.chance.choice(names)}:{self.chance.choice(STATES)}",
                f"items={self.chance.randint(1, 4)}",
                "sequence",
                "parallel=2",
                "idempotent",
                "recheck",
                f"await=k{self.chance.randint(1, 2)}",
                f"items=3 await=k{self.chance.randint(1, 2)} each recheck",
                "skip=SKIPPED",
                f"tries={self.chance.randint(1, 4)}",
            ]
            chosen = [one for one in options if self.chance.random() < 0.2]
            on = f" on {' '.join(needs)}" if needs else ""
            yield f"  {name}{on} | {' '.join(chosen)}"

    def _step(self, *, calm: bool) -> bool:
        """Let one thing happen that may; False if nothing can."""
        choices = [*self._choices(calm=calm)]
        if not choices:
            return False
        name = self.chance.choice(choices)
        self.now = Instant(self.now + self.chance.randint(0, 20_000))
        self.counts[name] += 1
        self.is_calm = calm
        getattr(self, f"_{name}")()
        return True

    def _choices(self, *, calm: bool) -> Iterator[str]:
        effects = owed(self.run)
        if any(isinstance(e, JudgeRun) and e.seq not in self.asked for e in effects):
            yield from ("ask",) * 4
        if self.answers:
            yield from ("answer",) * 4
        if any(isinstance(e, StartAction) and e.key not in self.begun for e in effects):
            yield from ("begin",) * 3
        if self.begun or any(isinstance(e, StopAction) for e in effects):
            yield from ("end",) * 3
        if self.reports:
            yield from ("report",) * 3
        if any(isinstance(e, SetTimer) for e in effects):
            yield "fire"
        if not calm:
            yield from ("crash", "evaluator_dies", "person", "late_timer")
            yield from ("update",) if self.chance.random() < 0.3 else ()
            yield from ("host_lost", "cancel") if self.chance.random() < 0.03 else ()

    # --- what happens ---

    def _ask(self) -> None:
        for effect in owed(self.run):
            if isinstance(effect, JudgeRun):
                self.asked.add(effect.seq)
                seen = attached(fold(REF, self.log[: effect.seq]), self.flow)
                if (again := judgement(seen)) is None or again.asks != effect.asks:
                    raise Broken(f"judgement_follows_from_the_run_at_its_seq: {again} not {effect}")
                verdicts = judged(seen, effect.asks, self.now)
                answer = Judged(epoch=0, seq=0, verdicts=verdicts)
                if not self.is_calm:
                    answer = spoiled(verdicts, self.chance)
                answer = replace(answer, epoch=effect.epoch, seq=effect.seq)
                self.answers += [(effect, answer)] * (1 + (self.chance.random() < 0.2))

    def _answer(self) -> None:
        effect, answer = self.answers.pop(self.chance.randrange(len(self.answers)))
        if self.chance.random() < 0.1:
            self.answers.append((effect, answer))  # and once more, late
        self._send(answer)

    def _evaluator_dies(self) -> None:
        self.asked.clear()
        if self.chance.random() < 0.5:
            self.answers.clear()

    def _begin(self) -> None:
        keys = [e.key for e in owed(self.run) if isinstance(e, StartAction)]
        key = self.chance.choice(sorted(key for key in keys if key not in self.begun))
        if key in self.ended:
            raise Broken(f"finished_action_never_runs_again: {key}")
        self.begun.add(key)
        self._send(Started(key=key, at=self.now))

    def _end(self) -> None:
        stops = [e.key for e in owed(self.run) if isinstance(e, StopAction)]
        key = self.chance.choice(sorted({*self.begun, *stops}))
        self.begun.discard(key)
        report = Exited(status=self.chance.choice((0, 0, 0, 1, 2, 3, 4)), outputs={})
        lost = Failed(cause="lost", why="its host restarted")
        one = Stopped() if key in stops else lost if self.chance.random() < 0.1 else report
        reported = Reported(key=key, report=one, at=self.now)
        self.reports += [reported] * (1 + (self.chance.random() < 0.2))

    def _report(self) -> None:
        self._send(self.reports.pop(self.chance.randrange(len(self.reports))))

    def _fire(self) -> None:
        timers = sorted((e for e in owed(self.run) if isinstance(e, SetTimer)), key=repr)
        timer = self.chance.choice(timers)
        self.now = max(self.now, timer.due)
        self._send(TimerFired(key=timer.key, kind=timer.kind))

    def _late_timer(self) -> None:
        self._send(TimerFired(key=run_key(self.run), kind="pass"))

    def _update(self) -> None:
        state = str(self.chance.randint(1, 3))
        key = f"k{self.chance.randint(1, 3)}"
        if self.chance.random() < 0.6:
            key += f".{self.chance.randint(0, 2)}"
        self._send(Update(source="sim", key=key, state=state))

    def _person(self) -> None:
        signals: list[Signal] = [Extend(by="bob", passes=1), BeginPass(by="bob")]
        signals.append(Pause(by="bob", verdict="PAUSED", force=self.chance.random() < 0.5))
        [signal] = self.chance.choices(signals, weights=(3, 6, 1))
        self._send(signal)

    def _cancel(self) -> None:
        self._send(Cancel(by="bob"))

    def _host_lost(self) -> None:
        self.begun.clear()
        self._send(HostLost(host=H1))

    def _crash(self) -> None:
        """All that is in memory is gone; what ran is found again, or was lost."""
        self.run = attached(fold(REF, self.log), self.flow)
        self.asked.clear()
        self.answers = [one for one in self.answers if self.chance.random() < 0.3]
        for key in sorted(self.begun):
            if self.chance.random() < 0.3:
                self.begun.discard(key)
                lost = Failed(cause="lost", why="its host restarted")
                self.reports.append(Reported(key=key, report=lost, at=self.now))

    # --- what holds ---

    def _send(self, signal: Signal) -> None:
        if self.chance.random() < 0.02:
            self._crash()  # before the append
            return
        before = self.run
        decision = decide(before, signal, self.now, Attached(flow=self.flow))
        out = judgement(before) if before.phase == "active" else None
        if isinstance(signal, Judged) and decision.events:
            if out is None or (signal.epoch, signal.seq) != (out.epoch, out.seq):
                raise Broken(f"answer_counts_for_its_judgement_alone: {signal} but {out}")
            self.verdicts.decided(out.asks, signal, decision.events)
        elif out and decision.run.epoch == before.epoch and _names(decision.run) != _names(before):
            raise Broken(f"no_state_changes_while_a_judgement_is_out: {signal}")
        after = before
        for event, run in zip(decision.events, decision.runs, strict=True):
            self.log.append(event)
            self._watch(after, event, run)
            after = run
        self.run = after
        if fold(REF, self.log) != self.run:
            raise Broken("log_folds_to_the_run")
        if self.chance.random() < 0.02:
            self._crash()  # after the append

    def _watch(self, before: Run, event: Event, run: Run) -> None:
        self.counts[type(event).__name__] += 1
        self.verdicts.event(before, event)
        match event:
            case ActionEnded(node=node, item=item, attempt=attempt, visit=visit, lost=lost):
                self.ended.add(Key(REF, before.epoch, node, visit, attempt, item))
                if lost and not self.flow.by_id[node].idempotent:
                    self.crashed.add((node, item))
            case NodeEntered(node=node):
                self._entered(before, (node, NO_ITEM))
            case ItemEntered(node=node, item=item):
                self._entered(before, (node, item))
            case NodeSet(node=node, item=item, by=by) if by and by != "lost":
                self.crashed.discard((node, item))  # a verdict of a different node decided
                self.crashed -= {part for part in self.crashed if part[0] == node}
            case UpdateReceived(key=key):
                self.received[key] = run.seq
            case PassBegan(by=by):
                self._pass_began(before, by)
            case RunRested():
                self._rested(run)
            case _:
                pass

    def _entered(self, before: Run, part: Part) -> None:
        assert before.passes is not None
        if before.passes.pausing:
            raise Broken(f"nothing_enters_in_a_pass_that_is_paused: {part}")
        if part in self.crashed:
            raise Broken(f"lost_action_never_runs_again_by_itself: {part}")
        state = state_of(before, *part)
        if state is not None and state.phase == "parked":
            spot = (before.passes.number, part)
            self.entries[spot] += 1
            if self.entries[spot] > 1 + bool(self.flow.by_id[part[0]].recheck):
                raise Broken(f"parked_node_runs_once_in_a_pass: {spot}")

    def _pass_began(self, before: Run, by: str) -> None:
        assert before.passes is not None
        if before.passes.paused_by and by != "bob":
            raise Broken(f"only_a_person_begins_a_pass_of_a_paused_run: {by}")
        news = {
            self.received[key]
            for keys in before.passes.waiting.values()
            if keys and all(key in self.received for key in keys)
            for key in keys
        }
        if by == "update" and not news - self.woken:
            raise Broken("update_begins_one_pass: it began one before")
        self.woken |= news

    def _rested(self, run: Run) -> None:
        assert run.passes is not None
        is_held = run.passes.verdict == "SPENT" or run.passes.paused_by
        if judgement(run) is not None and not is_held:
            raise Broken("run_rests_when_nothing_waits")

    def _settled(self) -> None:
        """Nothing more can happen: the run is over, or rests and has not missed anything."""
        run = self.run
        if run.phase == "ended":
            return
        if run.phase != "resting" or in_flight(run):
            raise Broken(f"every_run_rests_or_ends: it is {run.phase}")
        assert run.passes is not None
        for part, keys in run.passes.waiting.items():
            is_met = keys and all(key in self.received for key in keys)
            is_heard = {self.received[key] for key in keys if is_met} <= self.woken
            if not is_heard and run.passes.verdict != "SPENT" and not run.passes.paused_by:
                raise Broken(f"every_update_begins_a_pass: {part} awaits {keys}")


def _names(run: Run) -> Mapping[Part, str]:
    return {
        (node, part.item): part.state for node, state in run.nodes.items() for part in state.parts()
    }


def play(seed: int, bug: str = "") -> tuple[str, Counter[str]]:
    """Play a trial; what it broke, empty if nothing, and what occurred."""
    trial = Trial(seed)
    with ExitStack() as stack:
        stack.enter_context(patch("floe.kernel.judged.limits.CHANGES_MAX", LIMIT))
        if bug:
            stack.enter_context(patch(*PATCHES[bug]))
        try:
            trial.play()
        except Broken as broken:
            return str(broken), trial.counts
        except (AssertionError, KeyError) as mistake:
            return f"kernel_never_fails: {mistake!r}", trial.counts
    return "", trial.counts


if __name__ == "__main__":
    sys.exit(play_many(__doc__, play, BUGS))
