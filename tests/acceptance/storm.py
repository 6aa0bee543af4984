"""A storm: a host under load that is killed again and again at random moments.

The moments are a seed's, but what the host does at each is not: a storm cannot be replayed.
"""

import hashlib
import random
import signal
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from floe.model.errors import Conflict, Theirs
from floe.model.event import Event, NodeSettled
from floe.model.run import Run
from tests.acceptance.product import FLOE, Host, until
from tests.acceptance.trial import commands_started

LIFE_S: Final = 2.0
"""The longest life of a host: its start takes a good part of it, so that many die in that. Every
other life is counted from when it answers: on a busy machine all would die in their start."""

RUNS: Final = 8
"""Runs that are kept going."""

CANCEL_EACH: Final = 5
"""Of so many runs one is cancelled while it runs."""

TERM_EACH: Final = 5
"""Of so many deaths one is a stop as of a service manager."""

SLICES: Final = 5
LINES: Final = 3_000

CONFIG: Final = """
flows:
  - name: load
    env: ['STARTS=$HERE/starts', 'WORK=$HERE/work.sh']
    triggers: [{name: start, type: data}]
    tasks:
      - {name: long, type: exec, listen: trigger.good, opts: {cmd: bash $WORK 0}}
      - name: odd
        type: exec
        listen: trigger.good
        use-status: true
        opts: {cmd: bash $WORK 41}
      - name: flaky
        type: exec
        listen: trigger.good
        retry: {max: 2, backoff: 0.2}
        opts: {shell: 'bash $WORK $(("${FLOE_ATTEMPT##*.}" == 3 ? 0 : 9))'}
      - name: together
        class: merge
        wait: [task.long.good, task.odd.41, task.flaky.good]
      - {name: last, type: exec, listen: merge.together.good, opts: {cmd: bash $WORK 0}}
      - {name: done, type: end, listen: task.last.good}
"""

WORK: Final = f"""
echo "$FLOE_ATTEMPT" >> "$STARTS"
for slice in $(seq {SLICES}); do
  seq -f "$FLOE_ATTEMPT $slice %.0f" {LINES}
  sleep 0.05
done
echo "by=$FLOE_ATTEMPT" >> "$FLOE_OUTPUTS"
exit "$1"
"""

STATUS: Final = {"long": 0, "odd": 41, "flaky": 0, "last": 0}


@dataclass(slots=True)
class Tally:
    """What a storm came to."""

    killed: int = 0
    """Hosts that were killed after they had answered once."""
    killed_early: int = 0
    """Hosts that were killed before."""
    stopped: int = 0
    """Hosts that were asked to stop."""
    runs: int = 0
    cancelled: int = 0
    commands: int = 0
    output_bytes: int = 0
    seconds: float = 0
    complaints: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"{self.killed} hosts killed at work, {self.killed_early} in their start, "
            f"{self.stopped} stopped; {self.runs} runs, {self.cancelled} of them cancelled; "
            f"{self.commands} commands, {self.output_bytes / 1e6:.0f} MB of output; "
            f"{self.seconds:.0f} s; {len(self.complaints)} complaints"
        )


class Storm:
    """One host in it."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.host = Host(folder, CONFIG)
        (folder / "work.sh").write_text(WORK)
        self.starts = folder / "starts"
        self.chance = random.Random(seed)
        self.tally = Tally()
        self.runs: list[str] = []
        self.going: set[str] = set()

    def rage(self, deaths: int) -> Tally:
        """Let a host die so often, start it once more, and say what became of the runs."""
        begun = time.monotonic()
        try:
            for death in range(1, deaths + 1):
                end = signal.SIGKILL if death % TERM_EACH else signal.SIGTERM
                self._live(end, answering=death % 2 == 1)
            self.host.start()
            self._trigger()  # again, if the last death came between a run's fact and its answer
            for run in self.runs:
                self.host.until_over(run)
            left = self.host.processes()
            self.host.stop()
            self._judge(left)
        finally:
            self.host.close()
        self.tally.seconds = time.monotonic() - begun
        return self.tally

    def _live(self, death: signal.Signals, *, answering: bool) -> None:
        """Start a host, keep runs going on it, and end it at some moment."""
        process = self.host.spawn(FLOE)
        timer = threading.Timer(self.chance.uniform(0, LIFE_S), process.send_signal, [death])
        if answering:
            until(self.host.is_ready, "its start")
        timer.start()
        was_ready = answering
        while self.host.is_up():
            try:
                was_ready = was_ready or self.host.is_ready()
                if was_ready:
                    self._feed()
            except (Theirs, Conflict):
                continue  # it died, or the run was over before the cancel
            finally:
                time.sleep(0.01)  # as a polite client
        timer.join()
        if death is signal.SIGTERM:
            self.tally.stopped += 1
        elif was_ready:
            self.tally.killed += 1
        else:
            self.tally.killed_early += 1

    def _feed(self) -> None:
        rows = self.host.api.get("runs", state="pending,active", limit=500)["runs"]
        if len(rows) >= RUNS:
            return
        run = self._trigger()
        if len(self.runs) % CANCEL_EACH == 0:
            self.host.until_node(run, "long", "running")
            self.host.cancel(run, f"cancel-{len(self.runs)}")

    def _trigger(self) -> str:
        """Start the next run, or get the id of the one that a death left without an answer."""
        run = self.host.trigger("load", f"start-{len(self.runs) + 1}")
        self.runs.append(run)
        return run

    def _judge(self, left: dict[int, str]) -> None:
        tally = self.tally
        stored = self.host.stored()
        tally.runs = len(stored)
        if [str(run.ref) for run, _ in stored] != self.runs:
            self._complain("the runs of the store are not those that were accepted")
        started = self.starts.read_text().splitlines()
        tally.commands = len(started)
        if len(set(started)) != len(started):
            self._complain("a command was started twice")
        recorded = {key for run, log in stored for key in commands_started(run, log)}
        if strays := set(started) - {str(key) for key in recorded}:
            self._complain(f"started, and nobody recorded it: {strays}")
        cancelled = {run.ref for run, _ in stored if run.cancelled_by}  # before their first line
        missing = {str(key) for key in recorded if key.run not in cancelled} - set(started)
        if missing:
            self._complain(f"recorded, and nothing was started: {missing}")
        if left:
            self._complain(f"processes are left: {left}")
        for run, log in stored:
            self._judge_run(run, log)

    def _judge_run(self, run: Run, log: Sequence[Event]) -> None:
        is_cancelled = bool(run.cancelled_by)
        self.tally.cancelled += is_cancelled
        if run.good == is_cancelled:
            self._complain(f"{run.ref} ended {run.good}: {run.why}")
        statuses = {e.node: e.outcome.status for e in log if isinstance(e, NodeSettled)}
        if not is_cancelled and not STATUS.items() <= statuses.items():
            self._complain(f"{run.ref} has exit codes {statuses}")
        for key in commands_started(run, log):
            path = (
                self.host.root / "runs" / run.ref.key / f"{key.node}.{key.visit}.{key.attempt}.log"
            )
            found = path.read_bytes() if path.exists() else b""  # stopped before it printed
            self.tally.output_bytes += len(found)
            whole = b"".join(
                b"%s %d %d\n" % (str(key).encode(), part, line)
                for part in range(1, SLICES + 1)
                for line in range(1, LINES + 1)
            )
            if found != whole and not (is_cancelled and whole.startswith(found)):
                self._complain(f"the output of {key} is {len(found)} bytes of {len(whole)}")
            digest = run.digests.get(path.name.removesuffix(".log"))
            if found and digest != "sha256:" + hashlib.sha256(found).hexdigest():
                self._complain(f"the output of {key} is not what was packed")

    def _complain(self, what: str) -> None:
        self.tally.complaints.append(what)
