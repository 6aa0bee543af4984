"""An evaluator process: folds the facts of runs, judges their questions, and answers.

It serves one socket, one message after the other, and imports no more than that needs. A question
whose judgement raises an error gets a verdict with the error. One that needs too much memory ends
the process. One that takes too long makes the host, which has the clock, kill it.
"""

import importlib
import os
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final, cast

import msgspec

import floe
from floe.dialects.base import Evaluator
from floe.evaluators.confined import confine
from floe.evaluators.frames import (
    ANSWER_BYTES_MAX,
    OUT_OF_MEMORY,
    Found,
    FromProcess,
    Holds,
    JudgeAsks,
    JudgedText,
    JudgeText,
    OpenEvents,
    Ready,
    SentFacts,
    SentFlow,
    ToProcess,
    frame,
    frames_to_process,
)
from floe.evaluators.kept import KeptValues
from floe.evaluators.verdict_text import (
    VERDICT_BYTES_MAX,
    Unstorable,
    failed_opened,
    failed_text,
    text_of_json,
    text_of_opened,
    text_of_verdict,
)
from floe.kernel.evolve import evolve
from floe.model.codec import decode, decode_event
from floe.model.flow import Flow
from floe.model.ids import Json, RunRef
from floe.model.judging import Question, Verdict
from floe.model.run import Run

KEPT_BYTES: Final = 24 << 20
"""Bytes of facts whose runs are kept folded, which takes five to eight times as much memory."""

FLOW_BYTES: Final = 8 << 20

READ_BYTES: Final = 256 << 10

REASON_MAX: Final = 500
"""Characters of what an evaluator raised."""


def main(argv: Sequence[str]) -> None:
    """Serve `SOCKET PARENT MEMORY [NAME=MODULE:ATTRIBUTE …]` until the host closes the socket.

    SOCKET is a number of a file, PARENT the host's process, MEMORY a number of bytes. The rest are
    the evaluators by dialect; each is imported when it is first asked.
    """
    _, number, parent, memory, *named = argv
    confine(int(memory), int(parent))
    served = socket.socket(fileno=int(number))
    os.set_inheritable(served.fileno(), False)
    process = _Process(dict(one.split("=", 1) for one in named), served.sendall)
    try:
        process.send(Ready(floe.__version__))
        frames = frames_to_process()
        while data := served.recv(READ_BYTES):
            for message in frames.feed(data):
                process.take(message)
    except MemoryError:
        os._exit(OUT_OF_MEMORY)
    except (BrokenPipeError, ConnectionResetError):
        pass  # the host is gone


class _Process:
    def __init__(self, named: Mapping[str, str], write: Callable[[bytes], None]) -> None:
        self._named = named
        self._write = write
        self._evaluators: dict[str, Evaluator] = {}
        self._runs: KeptValues[Run] = KeptValues(KEPT_BYTES)
        self._flows: KeptValues[tuple[Flow, Json]] = KeptValues(FLOW_BYTES)
        """Flows, with what their judgements read."""

    def send(self, message: FromProcess) -> None:
        self._write(frame(message))

    def take(self, message: ToProcess) -> None:
        match message:
            case SentFlow(digest=digest, body=body, around=around):
                flow = decode(Flow, msgspec.json.decode(body))
                read = msgspec.json.decode(around) if around else None
                self._flows.add(digest, (flow, read), len(body) + len(around))
            case SentFacts():
                self._fold(message)
                self.send(self._holds(message))
            case JudgeAsks():
                self._judge(message)
            case JudgeText():
                self.send(self._answer(message))
            case OpenEvents():
                self._open(message)

    def _holds(self, sent: SentFacts, digest: str = "") -> Holds:
        run = self._runs.get((sent.run, sent.epoch))
        return Holds(sent.job, run.seq if run else 0, self._flows.get(digest) is not None)

    def _fold(self, sent: SentFacts) -> bool:
        """Take facts that follow on what is kept; False if they do not."""
        key = (sent.run, sent.epoch)
        run = self._runs.get(key) if sent.after else None
        if (run.seq if run else 0) != sent.after:
            self._runs.drop(key)
            return False
        if not sent.after:
            self._runs.drop(key)
        ref = RunRef.parse(sent.run)
        for name, body in sent.facts:
            run = evolve(run, decode_event(name, msgspec.json.decode(body)), ref=ref)
        if run is not None:
            self._runs.add(key, run, sum(len(body) for _, body in sent.facts))
        return run is not None

    def _judge(self, message: JudgeAsks) -> None:
        facts = message.facts
        known_flow = self._flows.get(message.digest)
        is_folded = self._fold(facts)
        run = self._runs.get((facts.run, facts.epoch))
        if not is_folded or run is None or known_flow is None:
            self.send(self._holds(facts, message.digest))
            return
        flow, around = known_flow
        asks = tuple(decode(Question, one) for one in message.asks)
        known = [decode(Verdict, msgspec.json.decode(one)) for one in message.known]
        for text in self._verdicts(message.dialect, replace(run, flow=flow), asks, known, around):
            self.send(Found(facts.job, len(known) - 1, text))

    def _verdicts(
        self, dialect: str, run: Run, asks: Sequence[Question], known: list[Verdict], around: Json
    ) -> Iterator[bytes]:
        """Yield the text of each verdict, and add it to `known`."""
        room = ANSWER_BYTES_MAX
        while len(known) < len(asks):
            try:
                begun = iter(self._evaluator(dialect).judge(run, asks, tuple(known), around))
                for _ in range(len(known), len(asks)):
                    verdict = next(begun)
                    text = text_of_verdict(verdict, room)
                    room -= len(text)
                    known.append(verdict)
                    yield text
            except GeneratorExit:
                raise
            except MemoryError:  # the state of this process is unknown now
                os._exit(OUT_OF_MEMORY)
            except BaseException as error:  # whatever it is, the next question may do better
                text = failed_text(reason_of(error))
                known.append(decode(Verdict, msgspec.json.decode(text)))
                yield text

    def _answer(self, message: JudgeText) -> JudgedText:
        try:
            body = msgspec.json.decode(message.body)
            found = self._evaluator(message.dialect).judge_text(message.kind, body)
            return JudgedText(message.job, text_of_json(found), "")
        except MemoryError:
            os._exit(OUT_OF_MEMORY)
        except BaseException as error:  # a bad text, whatever it does
            return JudgedText(message.job, b"", reason_of(error))

    def _open(self, message: OpenEvents) -> None:
        room = ANSWER_BYTES_MAX
        for at, (dialect, digest, body) in enumerate(message.events, message.at):
            flow = self._flows.get(digest)
            if flow is None or room < VERDICT_BYTES_MAX:
                self.send(Holds(message.job, at, flow is not None))
                return
            text = self._opened(dialect, *flow, body)
            room -= len(text)
            self.send(Found(message.job, at, text))

    def _opened(self, dialect: str, flow: Flow, around: Json, body: bytes) -> bytes:
        try:
            found = self._evaluator(dialect).open(msgspec.json.decode(body), flow, around)
            return text_of_opened(found)
        except MemoryError:
            os._exit(OUT_OF_MEMORY)
        except BaseException as error:  # a bad event or flow, whatever it does
            return failed_opened(reason_of(error))

    def _evaluator(self, dialect: str) -> Evaluator:
        if found := self._evaluators.get(dialect):
            return found
        if dialect not in self._named:
            raise LookupError(f"no evaluator is named {dialect}")
        module, _, attribute = self._named[dialect].partition(":")
        found = cast(Evaluator, getattr(importlib.import_module(module), attribute))
        self._evaluators[dialect] = found
        return found


def reason_of(error: BaseException) -> str:
    """Why an evaluator failed, for people."""
    if isinstance(error, StopIteration):
        return "it gave too few verdicts"
    if isinstance(error, Unstorable):
        return str(error)
    what = str(error)[:REASON_MAX]
    return f"{type(error).__name__}: {what}" if what else type(error).__name__
