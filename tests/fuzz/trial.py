"""Rounds of hostile requests at a host, and the judgement on each answer and on the host."""

import json
import os
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from random import Random
from typing import Final

from tests.fuzz import frames, requests
from tests.fuzz.exchange import ANSWER_S, Answer
from tests.fuzz.requests import Sent
from tests.fuzz.target import Health, Target, source_of

SLOW_S: Final = 2.0
"""Seconds that an answer may take, alone."""

ROUND: Final = 200
"""Requests after which the host is looked at."""

AT_ONCE: Final = 4

MEMORY_MAX: Final = 400 * 1024 * 1024
"""Bytes by which the host may grow."""

SHRINKS_MAX: Final = 150

LOGGED: Final = ("Traceback", "request.failed", "server.failed", "[error")

CLOSE_CODES: Final = frozenset({1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1013, 0, 1005})


@dataclass(frozen=True, slots=True)
class Fault:
    """What was wrong, and how to see it."""

    case: int
    what: str
    sent: Sent


@dataclass(slots=True)
class Tally:
    """What was tried and what came of it."""

    cases: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    slowest_s: float = 0.0
    """The slowest answer while others were under way."""
    slowest_alone_s: float = 0.0
    """The slowest of those that were measured again, alone."""
    health_s: float = 0.0
    memory: tuple[int, int, int] = (0, 0, 0)
    """Bytes of the host at first, at last, and at most."""
    faults: list[Fault] = field(default_factory=list)
    kinds: Counter[str] = field(default_factory=Counter)
    """How often each kind of fault came."""

    def line(self) -> str:
        """All of it in a few words."""
        first, last, most = (size / 1e6 for size in self.memory)
        statuses = ", ".join(f"{n} × {s or 'none'}" for s, n in sorted(self.statuses.items()))
        return (
            f"{self.cases} requests: {statuses}\n"
            f"slowest answer {self.slowest_s:.2f} s, alone {self.slowest_alone_s:.2f} s; "
            f"healthz at most {self.health_s:.2f} s\n"
            f"memory {first:.0f} MB at first, {last:.0f} MB at last, {most:.0f} MB at most\n"
            f"kinds of faults: {dict(self.kinds) or 'none'}"
        )


def case(seed: int, number: int, target: Target) -> tuple[Sent, str]:
    """A request by its number, and the address that it comes from."""
    rng = Random(f"{seed}:{number}")
    source = source_of(rng)
    sent = frames.client(rng) if rng.random() < 0.15 else requests.request(rng, target.api)
    return sent, source


def wrong(sent: Sent, answer: Answer) -> Iterator[str]:
    """What is wrong with an answer, however long it took."""
    status, path = answer.status, sent.head.split(b" ", 2)[1]
    is_head = sent.head.startswith(b"HEAD")
    if status == 503 and b"/readyz" in path and (is_head or b"draining" in answer.body):
        return  # true: some request has drained this host
    if not status and sent.is_whole:
        yield "no answer" + (", closed" if answer.is_closed else "")
    if status >= 500:
        yield f"status {status}: {answer.body[:200]!r}"
    if status >= 400 and not is_head:
        kind = answer.headers.get("content-type", "")
        if kind.partition(";")[0] != "application/problem+json":
            yield f"status {status} as {kind or 'nothing'}: {answer.body[:100]!r}"
        elif not _is_problem(answer):
            yield f"status {status} and a garbled problem: {answer.body[:100]!r}"
    if status == 101 and answer.close_code not in CLOSE_CODES:
        yield f"the feed was closed with {answer.close_code}: {answer.body[-100:]!r}"
    if b"Traceback" in answer.body:
        yield "a traceback in the answer"


def _is_problem(answer: Answer) -> bool:
    try:
        return bool(json.loads(answer.body)["status"] == answer.status)
    except (ValueError, KeyError, TypeError):
        return False


class Trial:
    """Many rounds at one host."""

    def __init__(self, target: Target, seed: int, told: Callable[[str], None]) -> None:
        self._target = target
        self._seed = seed
        self._told = told
        self._logged = target.host.log.stat().st_size
        now, most = target.memory
        self.tally = Tally(memory=(now, now, most))

    def rounds(self, deadline: float) -> Tally:
        """Go on up to a moment, or until the host is dead."""
        number = 0
        while time.monotonic() < deadline and self._target.host.is_up():
            self.round(range(number, number + ROUND))
            number += ROUND
        return self.tally

    def round(self, numbers: range) -> None:
        """Send some requests, several at once; then look at the host and what was suspicious."""
        with Health(self._target.host.address) as health, ThreadPoolExecutor(AT_ONCE) as pool:
            answers = dict(zip(numbers, pool.map(self._ask, numbers), strict=True))
        tally = self.tally
        tally.cases += len(answers)
        tally.statuses.update(answer.status for answer in answers.values())
        tally.slowest_s = max(tally.slowest_s, *(self._s(a) for a in answers.values()))
        is_slow = health.slowest_s > SLOW_S
        suspects = [
            number
            for number, answer in answers.items()
            if self._s(answer) > (SLOW_S / 4 if is_slow else SLOW_S)
            or any(wrong(case(self._seed, number, self._target)[0], answer))
        ]
        if (complaint := self._complaint()) or health.wrong:
            suspects = list(numbers)
            self._told(f"cases {numbers} are suspicious: {complaint or health.wrong}")
        if not is_slow:
            tally.health_s = max(tally.health_s, health.slowest_s)
        for number in suspects:
            self._look_again(number)
        if not self._target.host.is_up():
            self._found(numbers[-1], f"the host died in cases {numbers}", Sent(b"", b"", False))
            return
        self._target.tidy()
        now, most = self._target.memory
        tally.memory = (tally.memory[0], now, most)
        if now > tally.memory[0] + MEMORY_MAX:
            self._found(numbers[-1], f"{now} bytes of memory", Sent(b"", b"", False))

    def _ask(self, number: int) -> Answer:
        return self._target.ask(*case(self._seed, number, self._target))

    def _s(self, answer: Answer) -> float:
        return answer.took_s

    def _complaint(self) -> str:
        """What the log has said since that it should not."""
        lines = self._target.new_lines(self._logged)
        self._logged = self._target.host.log.stat().st_size
        bad = [line for line in lines if any(word in line for word in LOGGED)]
        return f"the log says {bad[-1][:200]}" if bad else ""

    def _look_again(self, number: int) -> None:
        """Ask alone what was suspicious; what stays wrong is a fault."""
        sent, source = case(self._seed, number, self._target)
        if what := self.faults_alone(sent, source):
            kind = _kind(what)
            self.tally.kinds[kind] += 1
            if self.tally.kinds[kind] == 1:  # a kind is shrunk and shown once
                self._found(number, what, self._shrunk(sent, source, what))

    def faults_alone(self, sent: Sent, source: str) -> str:
        """What is wrong with a request that is under way alone; the quickest of three counts.

        Of a machine that others use, the host's own time of the processor is what counts.
        """
        slow = []
        for _ in range(3):
            cpu_s, is_quiet = self._target.cpu_s, os.getloadavg()[0] < (os.cpu_count() or 1)
            with Health(self._target.host.address) as health:
                answer = self._target.ask(sent, source)
            complaint = self._complaint()
            if found := next(wrong(sent, answer), complaint):
                return found
            took_s = max(answer.took_s, health.slowest_s)
            cpu_s = self._target.cpu_s - cpu_s
            slow.append(took_s if is_quiet or took_s >= ANSWER_S else min(took_s, cpu_s))
            if slow[-1] < SLOW_S:
                break
        self.tally.slowest_alone_s = max(self.tally.slowest_alone_s, min(slow))
        self.tally.health_s = max(self.tally.health_s, min(slow) if min(slow) > SLOW_S else 0)
        return f"{min(slow):.1f} s" if min(slow) > SLOW_S else ""

    def _found(self, number: int, what: str, sent: Sent) -> None:
        self.tally.faults.append(Fault(number, what, sent))
        self._told(f"case {number}: {what}\n  {_shown(sent.head)}\n  {_shown(sent.body)}")

    def _shrunk(self, sent: Sent, source: str, what: str) -> Sent:
        """Less of a request with which the same is wrong."""
        left = SHRINKS_MAX if not what.endswith(" s") else 12
        smaller = iter(_smaller(sent))
        while left and (less := next(smaller, None)):
            left -= 1
            if _kind(self.faults_alone(less, source)) == _kind(what):
                sent, smaller = less, iter(_smaller(less))
        return sent


def _kind(what: str) -> str:
    """What is the same in faults of one kind."""
    return re.sub(r"\d+\.\d+|: b['\"].*|[0-9a-f]{12}|\d\d+", "", what)


def _smaller(sent: Sent) -> Iterator[Sent]:
    first, *lines = sent.head.split(b"\r\n")
    for at, line in enumerate(lines):
        if not line.startswith((b"Host:", b"Content-Length:", b"Transfer-Encoding:")):
            head = b"\r\n".join([first, *lines[:at], *lines[at + 1 :]])
            yield Sent(head, sent.body, sent.is_whole, sent.is_stream)
    path, mark, query = first.partition(b"?")
    for part in query.removesuffix(b" HTTP/1.1").split(b"&") if mark else ():
        rest = [other for other in query.removesuffix(b" HTTP/1.1").split(b"&") if other != part]
        line = path + (b"?" + b"&".join(rest) if rest else b"") + b" HTTP/1.1"
        yield Sent(b"\r\n".join([line, *lines]), sent.body, sent.is_whole, sent.is_stream)
    length = b"Content-Length: %d" % len(sent.body)
    if sent.body and length in lines:
        for size in (0, len(sent.body) // 2, len(sent.body) - 1):
            body = sent.body[:size]
            head = sent.head.replace(length, b"Content-Length: %d" % len(body))
            yield Sent(head, body, sent.is_whole, sent.is_stream)


def _shown(data: bytes) -> str:
    text = repr(data)
    return text if len(text) < 1500 else f"{text[:1000]} … {len(data)} bytes … {text[-300:]}"
