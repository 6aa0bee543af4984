"""A trial: runs that pass every point of a step, on a host that dies where it is told to.

The driver does what a person does whose host is restarted by a service manager: it asks again
with the same idempotency key, and never helps in any other way.
"""

import http.server
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeVar

from floe.model.errors import Theirs, Yours
from floe.model.event import Event, NodeStarted
from floe.model.ids import Key
from floe.model.run import Run
from floe.model.work import Exec
from tests.acceptance import crash_host
from tests.acceptance.product import Host, until
from tests.acceptance.warm import floe_host

T = TypeVar("T")

FETCHED: Final = b"fetched\n" * 50_000
LINES: Final = 20_000

CONFIG: Final = """
common:
  on-end: [{when: [good, bad, cancelled], webhook: 'SERVED/hook/TRIAL'}]
  public-url: https://ci.example.com
flows:
  - name: all
    env: ['STARTS=$HERE/starts']
    triggers:
      - {name: start, type: data, opts: {form: {fields: [{id: word}]}}}
    tasks:
      - name: print
        type: exec
        listen: trigger.good
        opts:
          shell: |
            echo "$FLOE_ATTEMPT" >> "$STARTS"
            seq 1 LINES
            sleep 0.2
            seq 1 LINES
            echo size=LINES >> "$FLOE_OUTPUTS"
      - name: flaky
        type: exec
        listen: trigger.good
        retry: {max: 1, backoff: 0.1}
        opts:
          shell: |
            echo "$FLOE_ATTEMPT" >> "$STARTS"
            echo "try ${FLOE_ATTEMPT##*.}"
            [ "${FLOE_ATTEMPT##*.}" = 2 ] || exit 7
      - name: probe
        type: exec
        listen: trigger.good
        use-status: true
        opts: {shell: 'echo "$FLOE_ATTEMPT" >> "$STARTS"; exit 3'}
      - name: each
        type: exec
        listen: trigger.good
        foreach: [a, b, c]
        parallel: 2
        retry: {max: 1, backoff: 0.1}
        opts:
          shell: |
            echo "$FLOE_ATTEMPT" >> "$STARTS"
            echo "got=$FLOE_ITEM" >> "$FLOE_OUTPUTS"
            echo "item $FLOE_ITEM"
            case $FLOE_ATTEMPT in *.1.i1) exit 7;; esac
      - {name: missing, type: exec, listen: trigger.good, opts: {cmd: /no/such/program}}
      - {name: pause, type: timer, listen: trigger.good, opts: {period: 0.1}}
      - {name: load, type: fetch, listen: trigger.good, opts: {url: 'SERVED/file'}}
      - name: together
        class: merge
        wait:
          - task.print.good
          - task.flaky.good
          - task.probe.3
          - task.each.good
          - task.missing.error
          - task.pause.good
          - task.load.good
      - name: sign-off
        type: data
        listen: merge.together.good
        opts: {form: {fields: [{id: remark}]}}
      - name: last
        type: exec
        listen: task.sign-off.good
        opts:
          shell: |
            echo "$FLOE_ATTEMPT" >> "$STARTS"
            echo "$FLOE_IN_WORD $FLOE_IN_REMARK"
      - {name: done, type: end, listen: task.last.good}

  - name: filed
    triggers: [{name: start, type: data}]
    flow-file: filed.yml

  - name: above
    triggers: [{name: start, type: data}]
    tasks:
      - {name: below, type: flow, listen: trigger.good, opts: {flow: deep}}
      - {name: late, type: flow, listen: task.below.good, timeout: 0.2, opts: {flow: stuck}}
      - {name: after, type: timer, listen: task.late.error, opts: {period: 0.1}}

  - name: deep
    env: ['STARTS=$HERE/starts']
    triggers: [{name: start, type: data}]
    tasks:
      - name: only
        type: exec
        listen: trigger.good
        opts: {shell: 'echo "$FLOE_ATTEMPT" >> "$STARTS"; echo deep'}

  - name: stuck
    triggers: [{name: start, type: data}]
    tasks:
      - {name: wait, type: timer, listen: trigger.good, opts: {period: 300}}

  - name: held
    env: ['STARTS=$HERE/starts']
    triggers: [{name: start, type: data}]
    tasks:
      - name: stay
        type: exec
        listen: trigger.good
        grace: 0.2
        opts:
          shell: |
            echo "$FLOE_ATTEMPT" >> "$STARTS"
            trap '' TERM
            sleep 300 &
            setsid sleep 300 &
            while :; do sleep 300; done
      - {name: hang, type: fetch, listen: trigger.good, opts: {url: 'SERVED/never'}}

  - name: rounds
    env: ['STARTS=$HERE/starts']
    triggers: [{name: start, type: data}]
    tasks:
      - name: test
        type: exec
        listen: [trigger.good, task.fix.good]
        loop: {max: 2}
        repeat: {until: status == 0, every: 0.1, max: 2}
        opts:
          shell: |
            echo "$FLOE_ATTEMPT" >> "$STARTS"
            test -e mended && echo mended
      - name: fix
        type: exec
        listen: task.test.bad
        opts: {shell: 'echo "$FLOE_ATTEMPT" >> "$STARTS"; touch mended; echo fixed'}
      - {name: done, type: end, listen: task.test.good}

  - name: alone
    env: ['STARTS=$HERE/starts']
    max-runs: 1
    triggers: [{name: start, type: data}]
    tasks:
      - name: enter
        type: exec
        listen: trigger.good
        opts:
          shell: |
            echo "$FLOE_ATTEMPT" >> "$STARTS"
            mkdir $HERE/inside || exit 1
            sleep 0.2
            rmdir $HERE/inside
      - {name: done, type: end, listen: task.enter.good}
""".replace("LINES", str(LINES))

FILED: Final = """
env: ['STARTS=$HERE/starts']
tasks:
  - name: only
    type: exec
    listen: trigger.good
    opts: {shell: 'echo "$FLOE_ATTEMPT" >> "$STARTS"; echo filed'}
  - {name: done, type: end, listen: task.only.good}
"""

COUNTED: Final = b"".join(b"%d\n" % n for n in range(1, LINES + 1))
PRINTED: Final = {
    ("all", "print", 1): COUNTED * 2,
    ("all", "flaky", 1): b"try 1\n",
    ("all", "flaky", 2): b"try 2\n",
    ("all", "probe", 1): b"",
    ("all", "last", 1): b"hello fine\n",
    ("again", "print", 1): COUNTED * 2,
    ("again", "last", 1): b"hello fine\n",
    ("filed", "only", 1): b"filed\n",
    ("rounds", "test", 1): b"mended\n",
    ("rounds", "fix", 1): b"fixed\n",
    ("deep", "only", 1): b"deep\n",
}
"""What each attempt of a command writes, whatever happens to the host. `again` starts `all` again
from its last command: it takes the other nodes over, and the workspace with the fetched file."""

TAGS: Final = {
    ("all", "print"): ("task.print.good", 0),
    ("all", "flaky"): ("task.flaky.good", 0),
    ("all", "probe"): ("task.probe.3", 3),
    ("all", "each"): ("task.each.good", None),
    ("all", "missing"): ("task.missing.error", None),
    ("all", "load"): ("task.load.good", 0),
    ("all", "sign-off"): ("task.sign-off.good", None),
    ("all", "last"): ("task.last.good", 0),
    ("again", "print"): ("task.print.good", 0),
    ("again", "sign-off"): ("task.sign-off.good", None),
    ("again", "last"): ("task.last.good", 0),
    ("filed", "only"): ("task.only.good", 0),
    ("rounds", "test"): ("task.test.good", 0),
    ("rounds", "fix"): ("task.fix.good", 0),
    ("above", "below"): ("task.below.good", None),
    ("above", "late"): ("task.late.error", None),
    ("deep", "only"): ("task.only.good", 0),
}
"""The event and the exit status of each node in the end."""

ITEMS: Final = {0: (1, b"item a\n"), 1: (2, b"item b\n"), 2: (1, b"item c\n")}
"""The last attempt of each item of `each`, and what it writes."""

OUTPUTS: Final = {
    ("all", "each"): {"got": ["a", "b", "c"]},
    ("all", "print"): {"size": str(LINES)},
    ("all", "sign-off"): {"remark": "fine"},
    ("again", "print"): {"size": str(LINES)},
    ("again", "sign-off"): {"remark": "fine"},
}


@dataclass(frozen=True, slots=True)
class Death:
    """Where a host is to die."""

    point: str
    nth: int = 1


RUNNING: Final = Death("before append CancelAsked")
"""A command and a download run; the host after this one has to find them."""


@dataclass(slots=True)
class Verdict:
    """What became of a trial."""

    passed: Counter[str] = field(default_factory=Counter)
    """How often each point was passed."""
    died: list[str] = field(default_factory=list)
    """The last point of each host that was killed."""
    unreached: list[str] = field(default_factory=list)
    """Points that were never passed so often."""
    complaints: list[str] = field(default_factory=list)
    """What is not as it must be."""


@dataclass(slots=True)
class Served:
    """An HTTP server with a file, with one that never comes, and with a webhook for each trial."""

    url: str = ""
    notices: Counter[tuple[str, str]] = field(default_factory=Counter)
    """How often each notice came, by trial and id."""


@contextmanager
def serving() -> Iterator[Served]:
    """The server, until it is left."""
    served, over = Served(), threading.Event()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/never":
                over.wait()
                return
            self.send_response(200)
            self.send_header("Content-Length", str(len(FETCHED)))
            self.end_headers()
            self.wfile.write(FETCHED)

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            trial = self.path.removeprefix("/hook/")
            served.notices[trial, self.headers["Idempotency-Key"]] += 1
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

        def handle(self) -> None:
            try:
                super().handle()
            except ConnectionError:
                return  # the host died in the middle of it, as it should

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            served.url = f"http://127.0.0.1:{server.server_port}"
            yield served
        finally:
            over.set()
            server.shutdown()
            thread.join()


class Trial:
    """One host, its runs, and the deaths it dies one after another."""

    def __init__(self, folder: Path, served: Served, deaths: Sequence[Death]) -> None:
        folder.mkdir()
        self.name, self.served = folder.name, served
        config = CONFIG.replace("SERVED", served.url).replace("TRIAL", self.name)
        self.host = Host(folder, config)
        (folder / "filed.yml").write_text(FILED.replace("$HERE", str(folder)))
        self.starts = folder / "starts"
        self.starts.touch()
        self.tally = folder / "tally"
        self.tally.touch()
        self.deaths = list(deaths)
        self.verdict = Verdict()
        self.removed = ""
        """The key of the run that is removed in the end."""

    def judge(self) -> Verdict:
        """Run it to its end and say what became of it."""
        try:
            self._run()
        except Exception as error:
            self._complain(f"{type(error).__name__}: {error}")
        finally:
            self.host.close()
            self.verdict.passed.update(self.tally.read_text().splitlines())
        return self.verdict

    def _run(self) -> None:
        host = self.host
        old = self._insist(lambda: host.trigger("filed", "zero"))
        held = self._insist(lambda: host.trigger("held", "one"))
        alone = [self._insist(lambda k=k: host.trigger("alone", k)) for k in ("a", "b")]  # type: ignore[misc]  # mypy has no type for a default of a lambda
        whole = self._insist(lambda: host.trigger("all", "two", word="hello"))
        filed = self._insist(lambda: host.trigger("filed", "three"))
        rounds = self._insist(lambda: host.trigger("rounds", "seven"))
        for node in ("stay", "hang"):
            self._insist(lambda node=node: host.until_node(held, node, "running"))  # type: ignore[misc]  # mypy has no type for a default of a lambda
        until(lambda: "stay" in self.starts.read_text(), "the first line of what is cancelled")
        self._insist(lambda: host.cancel(held, "four"))
        self._insist(lambda: host.until_node(whole, "sign-off", "asking"))
        self._insist(lambda: host.give(whole, "sign-off", "five", remark="fine"))
        runs = {"all": whole, "filed": filed, "held": held, "alone": alone[0], "then": alone[1]}
        runs["rounds"] = rounds
        for run in (old, *runs.values()):
            self._insist(lambda run=run: host.until_over(run))  # type: ignore[misc]  # as above
        runs["above"] = self._insist(lambda: host.trigger("above", "eight"))
        self._insist(lambda: host.until_over(runs["above"]))
        again = self._insist(lambda: host.rerun(whole, "six", **{"from": "last"}))
        self._insist(lambda: host.until_over(again))
        runs["again"] = again
        for run in (old, *runs.values()):
            self._insist(lambda run=run: self._until_notified(run))  # type: ignore[misc]  # as above
        self._check_notices([old, *runs.values()])
        children = self._insist(lambda: host.show(runs["above"]))["children"]
        runs |= zip(("deep", "stuck"), [child["run"] for child in children], strict=True)
        self.removed = str(self._insist(lambda: host.show(old)["key"]))
        self._insist(lambda: host.remove_all_but_newest("filed"))
        self._insist(lambda: self._until_removed(old))
        self._see_deaths()
        self._check_answers(runs)
        host.stop()
        self._check_store(runs)

    def _insist(self, ask: Callable[[], T]) -> T:
        """Ask until it is answered, starting the host whenever it is dead."""
        while True:
            try:
                if self.host.is_up() or self._begin():
                    return ask()
            except Theirs:
                until(lambda: not self.host.is_up(), "the death of a host that does not answer")
            self._died()

    def _begin(self) -> bool:
        if not self.deaths:
            program = floe_host if self.verdict.died else crash_host.main
            self.host.start(program, self._environment())
            return True
        death = self.deaths[0]
        told = {"FLOE_CRASH_AT": death.point, "FLOE_CRASH_NTH": str(death.nth)}
        return self.host.launch(crash_host.main, self._environment() | told)

    def _environment(self) -> dict[str, str]:
        return {"FLOE_CRASH_TALLY": str(self.tally)}

    def _died(self) -> None:
        death = self.deaths.pop(0) if self.deaths else None
        last = self.tally.read_text().splitlines()[-1:]
        if death is None or last != [death.point]:
            raise AssertionError(
                f"it died by itself at {last}: {self.host.log.read_text()[-2000:]}"
            )
        self.verdict.died.append(death.point)

    def _see_deaths(self) -> None:
        """A host may die of what it does after the last run is over."""
        if self.deaths:
            try:
                until(lambda: not self.host.is_up(), "a death after the end", 10)
            except AssertionError:
                self.verdict.unreached += [death.point for death in self.deaths]
                return
            self._died()
            self._insist(lambda: self.host.is_ready())

    def _check_answers(self, runs: dict[str, str]) -> None:
        host = self.host
        shown = {flow: host.show(run) for flow, run in runs.items()}
        goods = {flow: run["good"] for flow, run in shown.items()}
        good = dict.fromkeys(runs, True) | {"held": False, "stuck": False}
        self._expect("goodness", goods, good)
        for (flow, id), expected in TAGS.items():
            node = next(n for n in shown[flow]["nodes"] if n["id"] == id)
            self._expect(f"{flow} {id}", (node["tag"], node["status"]), expected)
            self._expect(f"outputs of {flow} {id}", node["outputs"], OUTPUTS.get((flow, id), {}))
        for (flow, id, attempt), printed in PRINTED.items():
            if host.output(runs[flow], id, attempt) != printed:
                self._complain(
                    f"the output of attempt {attempt} of {flow} {id} is not what it wrote"
                )
        items = next(n for n in shown["all"]["nodes"] if n["id"] == "each")["item_states"]
        for item, (attempt, printed) in ITEMS.items():
            self._expect(f"attempts of item {item}", items[item].get("attempt", 1), attempt)
            found = host.output(runs["all"], "each", attempt, item=item)
            self._expect(f"output of item {item}", found, printed)
        if (Path(shown["again"]["workspace"]) / "file").read_bytes() != FETCHED:
            self._complain("the fetched file is not what was served")
        self._expect("processes that are left", host.processes(), {})

    def _until_notified(self, run: str) -> None:
        def is_sent() -> bool:
            found = self.host.api.get(f"runs/{run}/notices")["notices"]
            return [one["state"] for one in found] == ["sent"]

        until(is_sent, f"the notice of {run}")

    def _check_notices(self, runs: Sequence[str]) -> None:
        """Each is sent once, and again only if a death came between its receipt and the record."""
        came = {id: n for (trial, id), n in self.served.notices.items() if trial == self.name}
        self._expect("number of notices", len(came), len(runs))
        if max(came.values(), default=0) > 1 + len(self.verdict.died):
            self._complain(f"notices came too often: {came}")

    def _until_removed(self, run: str) -> None:
        root, key = self.host.root, self.removed
        places = (root / "runs" / key, root / "spaces" / "filed" / "ws" / key)

        def is_gone() -> bool:
            try:
                self.host.show(run)
            except Yours:
                return not any(place.exists() for place in places)
            return False

        until(is_gone, f"the removal of {run}")

    def _check_store(self, runs: dict[str, str]) -> None:
        stored = self.host.stored()
        self._expect("runs", sorted(str(r.ref) for r, _ in stored), sorted(runs.values()))
        lines = self.starts.read_text().splitlines()
        started = Counter(line for line in lines if not line.startswith(f"{self.removed}."))
        recorded = Counter(str(key) for run, log in stored for key in commands_started(run, log))
        self._expect("started commands, as they say and as the logs say", started, recorded)
        if twice := [key for key, count in started.items() if count > 1]:
            self._complain(f"started twice: {twice}")

    def _expect(self, what: str, found: object, expected: object) -> None:
        if found != expected:
            self._complain(f"{what}: {found} instead of {expected}")

    def _complain(self, what: str) -> None:
        self.verdict.complaints.append(f"after {self.verdict.died}: {what}")


def commands_started(run: Run, log: Sequence[Event]) -> Iterator[Key]:
    """The attempts whose command was started, as the log has it."""
    for event in log:
        if isinstance(event, NodeStarted) and isinstance(run.nodes[event.node].work, Exec):
            yield Key(run.ref, run.epoch, event.node, event.visit, event.attempt, event.item)


def table(points: Sequence[str], passed: Counter[str], died: Counter[str]) -> str:
    """How often each point was passed, and how often a host died there."""
    rows = [f"{point:28}{passed[point]:8}{died[point]:8}" for point in points]
    return "\n".join((f"{'point':28}{'passed':>8}{'killed':>8}", *rows))
