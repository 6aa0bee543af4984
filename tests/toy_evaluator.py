"""Evaluators that do what the node of a question is called, for tests of evaluator processes."""

import os
import signal
import socket
import stat
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

from floe.model.flow import Flow
from floe.model.ids import Json
from floe.model.judging import Question, Verdict
from floe.model.opening import Opened, Opening
from floe.model.run import Run
from tests.make import NOW
from tests.toy.dialect import EVALUATOR
from tests.toy.judge import judged

MIB = 1 << 20


class ToyEvaluator:
    """Judges by the names of nodes; a name that it does not know is answered with what it sees."""

    def __init__(self) -> None:
        self.leaked: list[bytes] = []

    def judge(
        self, run: Run, asks: Sequence[Question], known: Sequence[Verdict], around: Json = None
    ) -> Iterator[Verdict]:
        """A verdict has the process, the run and the verdicts before it as outputs."""
        before = [verdict.failed or verdict.state for verdict in known]
        for ask in asks[len(known) :]:
            if ask.node == "once":
                die_once(Path(str(run.values["mark"])))
            self._misbehave(ask.node.partition("-")[0])
            state = f"{ask.stage} {ask.node}"
            assert run.flow is not None
            outputs: dict[str, Json] = {"pid": os.getpid(), "seq": run.seq, "before": [*before]}
            outputs |= {"flow": run.flow.id, "colour": run.values.get("colour")}
            yield Verdict(state=state, outputs=outputs)
            before.append(state)
        while any(ask.node == "many" for ask in asks):
            yield Verdict(state="one more")

    def judge_text(self, kind: str, body: Json) -> Json:
        """The body with its kind."""
        self._misbehave(kind)
        return {kind: body}

    def _misbehave(self, how: str) -> None:
        match how:
            case "forever":
                while True:
                    pass
            case "sleep":
                time.sleep(3600)
            case "slow":
                time.sleep(0.1)
            case "eat":
                self.leaked.append(bytes(1024 * MIB))
            case "leak":
                self.leaked.append(bytes(200 * MIB))
            case "exit":
                os._exit(7)
            case "leave":
                sys.exit(7)
            case "segfault":
                os.kill(os.getpid(), signal.SIGSEGV)
            case "raise":
                raise ValueError("no such step")
            case "recurse":
                self._misbehave(how)
            case "print":
                print("print " * 100_000)  # noqa: T201 - what evaluators must not do
                sys.stderr.write("print " * 100_000)
            case _:
                self._break_rules(how)

    def _break_rules(self, how: str) -> None:
        match how:
            case "fork":
                while os.fork():
                    time.sleep(0.01)
                time.sleep(3600)
            case "close":
                os.close(socket_number())
                time.sleep(3600)
            case "garbage":
                own_socket().sendall(b"\x00\x00\x00\x02hi")
            case "flood":
                while True:
                    own_socket().sendall(bytes(MIB))
            case "forge":  # a verdict of a later judgement
                own_socket().sendall(b"\x00\x00\x00\x0b\x94\xa5Found\xcd\x03\xe7\x00\xc0")
            case "write":
                Path("/tmp/floe-toy-evaluator").write_text("written")
            case _:
                pass


def socket_number() -> int:
    """The number of the socket to the host: the only one that the process has."""
    for entry in Path("/proc/self/fd").iterdir():
        number = int(entry.name)
        with suppress(OSError):
            if stat.S_ISSOCK(os.fstat(number).st_mode):
                return number
    raise LookupError("no socket")


def own_socket() -> socket.socket:
    """The socket to the host."""
    return socket.socket(fileno=os.dup(socket_number()))


def die_once(mark: Path) -> None:
    """End the first process that comes here, as a machine that is short of memory may."""
    if not mark.exists():
        mark.touch()
        os._exit(9)


class GarbageEvaluator:
    """Yields what is no verdict, or what no store can keep."""

    def judge(
        self, run: Run, asks: Sequence[Question], known: Sequence[Verdict], around: Json = None
    ) -> Iterator[Verdict]:
        """The name of a node says what."""
        for ask in asks[len(known) :]:
            yield cast(Verdict, self._made(ask.node.partition("-")[0]))

    def _made(self, how: str) -> object:
        values: dict[str, Any] = {
            "nan": float("nan"),
            "long": 10**100,
            "half": "\ud800",
            "set": {1},
            "huge": "x" * (100 * MIB),
        }
        deep: Json = 0
        for _ in range(900):
            deep = [deep]
        values["deep"] = deep
        if how in values:
            return Verdict(outputs={"value": values[how]})
        return {"text": "good", "why": Verdict(why=cast(str, 7)), "none": None}.get(how, Verdict())

    def judge_text(self, kind: str, body: Json) -> Json:
        """The same values."""
        return cast(Json, self._made(kind))

    def open(self, event: Json, flow: Flow, around: Json = None) -> Opened:
        """The same values, or very many or long openings."""
        match event:
            case "many":
                return Opened(openings=(Opening(),) * 101)
            case "long":
                return Opened(openings=(Opening(values={"value": "x" * (3 * MIB)}),))
            case "nan":
                return Opened(openings=(Opening(values={"value": float("nan")}),))
            case "typed":
                return Opened(findings=cast(tuple[str, ...], (7,)))
            case _:
                return cast(Opened, event)


class StepEvaluator(ToyEvaluator):
    """Judges the steps of the toy dialect, and does what their names say before they enter.

    It does what events are called, too, before it opens their runs.
    """

    def open(self, event: Json, flow: Flow, around: Json = None) -> Opened:
        """As the toy opens."""
        assert isinstance(event, dict)
        self._misbehave(str(event["event"]))
        return EVALUATOR.open(event, flow)

    def judge(
        self, run: Run, asks: Sequence[Question], known: Sequence[Verdict], around: Json = None
    ) -> Iterator[Verdict]:
        """As the toy judges, which does not look at earlier verdicts."""
        for question in asks[len(known) :]:
            self._misbehave(question.node if question.stage == "before" else "")
            yield from judged(run, (question,), NOW)


TOY = ToyEvaluator()
STEPS = StepEvaluator()
GARBAGE = GarbageEvaluator()
