"""Record the logs under tests/data/logs with the present kernel: `python -m tests.record_logs`.

Plays the scenarios, simulated clusters, and the tests that start real hosts, with a recorder in
every process that notes each signal, each event and the flow. Then keeps one log of each shape,
cleaned of what belongs to this machine, with everything that this kernel makes of it.

Run it for a new corpus only: the recorded answers are those of the kernel that recorded them.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from unittest.mock import patch

from floe.kernel import decide as decide_module
from floe.kernel.decide import Decision
from floe.model.codec import decode, digest_of, encode, encode_event
from floe.model.event import Event, FlowPinned, RunPended
from floe.model.flow import Flow
from floe.model.ids import Instant
from floe.model.run import Attached, Run
from floe.model.signal import Signal
from tests import logs
from tests.logs import FOLDER, Shape
from tests.retry_stories import stories

ROOT: Final = Path(__file__).parents[1]

HOSTS: Final = (
    "tests/integration/test_hub_life.py",
    "tests/integration/test_lost_runs.py",
    "tests/integration/test_server_api.py",
    "tests/integration/test_values_in_commands.py",
    "tests/acceptance/test_cli_run.py",
    "tests/acceptance/test_examples.py",
    "tests/acceptance/test_cancel.py",
    "tests/acceptance/test_flow_files.py",
    "tests/acceptance/test_crash_restarts.py",
    "tests/acceptance/test_placing.py",
    "tests/acceptance/test_document.py",
    "tests/acceptance/test_triggers.py",
    "tests/acceptance/test_ci.py",
    "tests/acceptance/test_cluster.py",
    "tests/acceptance/test_cluster_away.py",
)
"""Tests that start real hosts, hubs and commands."""

SCOPE: Final = "PYTEST_CURRENT_TEST"
"""The environment variable that tells the runs of one test or trial from those of others."""

LOG_BYTES_MAX: Final = 16_000
EVENTS_MAX: Final = 60
SEEDS: Final = 40
ALIKE_MAX: Final = 1
"""Logs of one shape that are kept from one source."""


# --- in every process that is recorded ---


def install() -> None:
    """Note every decision and every event of this process, in a file of its own."""
    out = (Path(os.environ["FLOE_RECORDS"]) / f"{os.getpid()}.jsonl").open("a", encoding="utf-8")
    flows: set[str] = set()
    plain = decide_module.decide

    def note(**what: object) -> None:
        out.write(json.dumps({"t": time.monotonic_ns(), **what}) + "\n")
        out.flush()

    def decide(run: Run, signal: Signal, now: Instant, attached: Attached) -> Decision:
        decision = plain(run, signal, now, attached)
        name, shape = type(signal).__name__, logs.signal_shape(signal)
        note(of=_scope(), run=run.ref.key, after=run.seq, now=now, signal=[name, shape])
        return decision

    patch.object(decide_module, "decide", decide).start()  # before others import it
    from floe.host.step import Step

    record = Step.record

    def recorded(self: Step, run: Run, event: Event, *others: Any) -> None:
        record(self, run, event, *others)
        shape = [type(event).__name__, encode_event(event)]
        note(of=_scope(), run=run.ref.key, at=self.site.store, seq=run.seq, event=shape)
        if run.flow is not None and run.digest is not None and run.digest not in flows:
            flows.add(run.digest)
            note(digest=run.digest, flow=encode(run.flow))

    patch.object(Step, "record", recorded).start()


def _scope() -> str:
    return os.environ.get(SCOPE, "").removesuffix(" (call)")


# --- what was recorded, as logs ---


@dataclass(slots=True)
class Raw:
    """A log as one store saw it, with the signals that reached its run anywhere."""

    name: str
    run: str
    events: list[list[Any]] = field(default_factory=list)
    signals: list[list[Any]] = field(default_factory=list)

    def record(self, seq: int, event: list[Any]) -> None:
        """Take in an event; one that was recorded before was never stored."""
        del self.events[seq - 1 :]
        if seq == len(self.events) + 1:
            self.events.append(event)


def gathered(folder: Path, clean: Sequence[tuple[str, str]]) -> tuple[list[Raw], dict[str, Flow]]:
    """All logs and flows in the files of a folder."""
    lines: list[Shape] = []
    for path in folder.glob("*.jsonl"):
        text = path.read_text(encoding="utf-8")
        for pattern, put in clean:
            text = re.sub(pattern, put, text)
        lines += (json.loads(line) for line in text.splitlines() if line.endswith("}"))
    raws: dict[tuple[str, str, str], Raw] = {}
    signals: dict[tuple[str, str], list[Shape]] = {}
    flows: dict[str, Flow] = {}
    for line in sorted(lines, key=lambda one: int(one["t"])):
        if "flow" in line:
            flows[line["digest"]] = decode(Flow, line["flow"])
        elif "event" in line:
            key = (line["of"], line["run"], line["at"])
            name = line["of"].rpartition("/")[2]
            raws.setdefault(key, Raw(name, line["run"])).record(line["seq"], line["event"])
        else:
            signals.setdefault((line["of"], line["run"]), []).append(line)
    for (of, run, _), raw in raws.items():
        for s in signals.get((of, run), ()):
            raw.signals.append([s["after"], s["now"], *s["signal"]])
    return list(raws.values()), flows


def in_scenarios() -> tuple[list[Raw], dict[str, Flow]]:
    """The runs of all scenario files."""
    from tests.scenarios import notation

    flows: dict[str, Flow] = {}
    raws: list[Raw] = []
    plain = decide_module.decide

    class Story(notation._Story):
        """One that notes what its runs met."""

        def begin(self, line: str, block: Sequence[str]) -> None:
            super().begin(line, block)
            flows[digest_of(self.flow)] = self.flow
            self._again()

        def play(self, sign: str, text: str) -> Iterator[str]:
            if sign == ">" and text.startswith("pended"):
                yield from super().play(sign, text)
                self._again()
            else:
                yield from super().play(sign, text)

        def _again(self) -> None:
            raws.append(Raw(path.stem, self.run.ref.key))
            self.noted = raws[-1]
            self.noted.events = [_named(e) for e in self.log]

        def _record(self, event: Event) -> Iterator[str]:
            self.noted.events.append(_named(event))
            if isinstance(event, FlowPinned):  # notation pins a made-up digest
                self.noted.events[-1][1]["digest"] = digest_of(self.flow)
            yield from super()._record(event)

    def decide(run: Run, signal: Signal, now: Instant, attached: Attached) -> Decision:
        shape = logs.signal_shape(signal)
        raws[-1].signals.append([run.seq, now, type(signal).__name__, shape])
        return plain(run, signal, now, attached)

    with patch.object(notation, "_Story", Story), patch.object(notation, "decide", decide):
        for path in sorted((ROOT / "tests" / "scenarios").glob("[!j]*.txt")):  # none is judged
            notation.rewritten(path.read_text(encoding="utf-8"))
    return raws, flows


def _named(event: Event) -> list[Any]:
    return [type(event).__name__, encode_event(event)]


def in_retries() -> tuple[list[Raw], dict[str, Flow]]:
    """The runs of `tests/retry_stories.py`."""
    flows: dict[str, Flow] = {}
    raws: list[Raw] = []
    for story in stories(logs.decided):
        flows[digest_of(story.flow)] = story.flow
        raws.append(Raw(f"retries of {story.flow.id}", story.run.ref.key))
        raws[-1].events = [_named(event) for event in story.events]
        raws[-1].signals = [
            [after, now, type(signal).__name__, logs.signal_shape(signal)]
            for after, now, signal in story.signals
        ]
    return raws, flows


def with_retries(lines: Sequence[Shape]) -> list[Shape]:
    """Two logs of each flow and trouble: those with the most retries."""
    places = {shape["run"]: place for place, shape in enumerate(lines)}
    groups: dict[tuple[str, str], list[Shape]] = {}
    for shape in lines:
        names = [name for name, _ in shape["events"]]
        if "RetryArmed" in names:
            groups.setdefault((shape["name"], _trouble(shape, names)), []).append(shape)
    chosen = [
        shape
        for group in groups.values()
        for shape in sorted(group, key=lambda shape: -_retries(shape))[: ALIKE_MAX + 1]
    ]
    return sorted(chosen, key=lambda shape: places[shape["run"]])


def _trouble(shape: Shape, names: Sequence[str]) -> str:
    if any(event.get("lost") for _, event in shape["events"]):
        return "lost attempt"
    return next((name for name in ("GrantRevoked", "CancelAsked") if name in names), "")


def _retries(shape: Shape) -> int:
    return sum(name == "RetryDue" for name, _ in shape["events"])


# --- what is kept ---


def kept(raws: Iterable[Raw], flows: dict[str, Flow]) -> Iterator[Shape]:
    """One log of each shape, as its line, with what the present kernel makes of it."""
    seen: dict[str, int] = {}
    for raw in raws:
        try:
            shape = line_of(raw, flows)
        except (AssertionError, KeyError) as error:
            sys.stderr.write(f"left out: {raw.name} {raw.run}: {error!r}\n")
            continue
        if shape is None:
            continue
        kind = kind_of(shape)
        seen[kind] = seen.get(kind, 0) + 1
        if seen[kind] <= ALIKE_MAX:
            yield shape


def line_of(raw: Raw, flows: dict[str, Flow]) -> Shape | None:
    """The line of a log; None if it is too long, or not what this kernel decides."""
    if not 1 < len(raw.events) <= EVENTS_MAX or len(json.dumps(raw.events)) > LOG_BYTES_MAX:
        return None
    shape: Shape = {"name": raw.name, "run": raw.run, "events": raw.events, "signals": []}
    log = logs.read({**shape, "state": {}, "cuts": []})
    runs = list(logs.states(log, flows))
    after: set[int] = set()
    for at, now, name, signal in sorted(raw.signals, key=lambda s: int(s[0])):
        if not 0 < at <= len(runs) or runs[at - 1].flow is None:
            continue
        done = logs.decided(runs[at - 1], logs.signal_of(name, signal), Instant(now))
        if done != log.events[at : at + len(done)] or (not done and at in after):
            continue  # it reached the run elsewhere, or one such is enough
        after.add(at)
        shape["signals"].append([at, now, name, signal, len(done)])
    shape["state"] = logs.shape_of(runs[-1])
    shape["cuts"] = [
        [cut.state, cut.owed, cut.decided] for cut in (logs.cut_of(run) for run in runs)
    ]
    return shape


def kind_of(shape: Shape) -> str:
    """What makes a log different from others: what happened, not when and to whom."""
    parts = []
    for name, event in shape["events"]:
        outcome = event.get("outcome", {})
        work = event.get("work", {})
        parts.append([name, work.get("kind"), outcome.get("result"), outcome.get("status")])
    return json.dumps([parts, [(s[0], s[2]) for s in shape["signals"]]])


# --- recording ---


def main() -> None:
    """Record everything and write it."""
    parser = argparse.ArgumentParser("python -m tests.record_logs", description=__doc__)
    parser.add_argument("--records", type=Path, help="records made before, to select from again")
    options = parser.parse_args()
    records = options.records or _recorded(Path(tempfile.mkdtemp(prefix="floe-logs-")))
    clean = (
        (re.escape(str(ROOT)), "/opt/floe"),
        (rf"{re.escape(str(records))}/t_\w+/t/[\w-]+", "/srv/floe"),
        (rf"({re.escape(str(records))}|/tmp)/floe-run-[0-9a-f]+", "/srv/floe/root"),
        (r"/root/\.[^)\"]*", "/usr/local/bin:/usr/bin"),
    )
    sources = {"scenarios": in_scenarios(), "retries": in_retries()}
    for name in ("simulator", "hosts"):
        sources[name] = gathered(records / name, clean)
    FOLDER.mkdir(parents=True, exist_ok=True)
    used: dict[str, Flow] = {}
    for source, (raws, flows) in sources.items():
        flows = _repinned(raws, flows)
        lines = list(kept(raws, flows))
        lines = with_retries(lines) if source == "retries" else lines
        pinned = {e["digest"] for s in lines for _, e in s["events"] if e.get("digest")}
        used |= {digest: flows[digest] for digest in pinned & flows.keys()}
        _write(source, lines)
        sys.stdout.write(f"{source}: {len(lines)} of {len(raws)} logs\n")
    _write("flows", [{"digest": d, "flow": encode(flow)} for d, flow in sorted(used.items())])


def _write(name: str, lines: Iterable[Shape]) -> None:
    text = (json.dumps(s, separators=(",", ":"), ensure_ascii=False) for s in lines)
    (FOLDER / f"{name}.jsonl").write_text("".join(f"{s}\n" for s in text), encoding="utf-8")


def _repinned(raws: list[Raw], flows: dict[str, Flow]) -> dict[str, Flow]:
    """The flows by their digests as they are without the machine's paths; logs name these."""
    new = {old: digest_of(flow) for old, flow in flows.items()}
    for raw in raws:
        for name, event in raw.events:
            if name in (RunPended.__name__, FlowPinned.__name__) and event.get("digest") in new:
                event["digest"] = new[event["digest"]]
    return {new[old]: flow for old, flow in flows.items()}


def _recorded(folder: Path) -> Path:
    hook = folder / "hook"
    hook.mkdir()
    (hook / "sitecustomize.py").write_text("import tests.record_logs as r\nr.install()\n")
    environment = {**os.environ, "PYTHONPATH": f"{hook}:{ROOT}", "TMPDIR": str(folder)}
    for seed in range(1, SEEDS + 1):
        code = f"from tests.sim.trial import trial\ntrial({seed})"
        _run(folder / "simulator", environment | {SCOPE: f"seed {seed}"}, "-c", code)
    for path in HOSTS:
        base = folder / f"t_{Path(path).stem}"
        base.mkdir()
        words = ("-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider", path)
        _run(folder / "hosts", environment, *words, f"--basetemp={base}/t")
    return folder


def _run(records: Path, environment: dict[str, str], *words: str) -> None:
    records.mkdir(exist_ok=True)
    env = environment | {"FLOE_RECORDS": str(records)}
    subprocess.run([sys.executable, *words], env=env, cwd=ROOT, check=False)


if __name__ == "__main__":
    main()
