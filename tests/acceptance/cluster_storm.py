"""A cluster in a storm: runs are triggered at all of its hosts while these die and lose each other.

The faults are a plan's. What must hold is judged afterwards, by what is on the disks and by what
the commands wrote down.
"""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final, TypeVar

from floe.cli.client import Client
from floe.model.errors import Conflict, NotFound, Theirs
from tests.acceptance.cluster import Cluster, Network
from tests.acceptance.cluster_audit import Asked, Audit, read_disk
from tests.acceptance.cluster_faults import Fault, begin, end
from tests.acceptance.cluster_flows import ATTEMPTS, told
from tests.acceptance.product import DEADLINE_S, Shape

T = TypeVar("T")
Say = Callable[[str], None]

PEOPLE: Final = 48
"""Who trigger runs at the same time; each waits for the host it has asked."""

CANCEL_EACH: Final = 12
"""Of so many runs one is cancelled, at another host than the one that was triggered."""

SETTLE_S: Final = 10.0
"""After the last fault, each run is over, runs, or waits on a named thing within so long."""

OVER_S: Final = 300.0
"""A run that waits for a resource waits for all that came before it."""

UNANSWERED: Final = "cannot be told"

UNCLEAR: Final = ("has not answered", "was not seen", "none is known", "is away", UNANSWERED)
"""What no host may say of a run while all hosts live and hear one another."""

PAGE: Final = 500


@dataclass(slots=True)
class Tally:
    """What a storm came to."""

    runs: int = 0
    cancelled: int = 0
    repeated: int = 0
    """Triggers that were asked again, since no answer came."""
    faults: Counter[str] = field(default_factory=Counter)
    per_host: Counter[str] = field(default_factory=Counter)
    """Runs by the host that executed them."""
    away: int = 0
    """Runs that were executed on another host than the one that adopted them."""
    commands: int = 0
    settled_s: float = 0
    """From the end of the last fault until nothing was in doubt."""
    over_s: float = 0
    """… until the last run was over, everywhere."""
    seconds: float = 0
    complaints: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        faults = ", ".join(f"{n} {kind}" for kind, n in sorted(self.faults.items()))
        hosts = ", ".join(f"{n} on {host}" for host, n in sorted(self.per_host.items()))
        return (
            f"{self.runs} runs ({hosts}; {self.away} away from their adopter; {self.cancelled} "
            f"cancelled; {self.repeated} triggers asked again), {self.commands} commands; "
            f"{self.faults.total()} faults ({faults}); settled after {self.settled_s:.1f} s, over "
            f"after {self.over_s:.1f} s; {self.seconds:.0f} s; {len(self.complaints)} complaints"
        )


class Storm:
    """One trial of a cluster that has started."""

    def __init__(self, cluster: Cluster, network: Network, seed: int, say: Say) -> None:
        self.cluster = cluster
        self.network = network
        self.seed = seed
        self.say = say
        self.tally = Tally()
        self._asked: list[Asked] = []
        self._lock = threading.Lock()
        self._given_up = threading.Event()

    def rage(
        self, runs: int, faults: Sequence[Fault], seconds: float, settle_s: float = SETTLE_S
    ) -> Tally:
        """Trigger so many runs in so long while the faults happen; wait for all; judge."""
        begun = time.monotonic()
        self.tally.faults.update(fault.kind for fault in faults)
        chance = random.Random(self.seed)
        flows = [chance.choice(sorted(ATTEMPTS)) for _ in range(runs)]
        hosts = [chance.choice(list(self.cluster.hosts)) for _ in range(runs)]
        moments = sorted(begun + chance.uniform(0, seconds) for _ in range(runs))
        with ThreadPoolExecutor(PEOPLE + 1) as people:
            weather = people.submit(self._befall, faults, begun)
            orders = [
                people.submit(self._order, serial, *order)
                for serial, order in enumerate(zip(flows, hosts, moments, strict=True))
            ]
            try:
                weather.result()
                for order in orders:
                    order.result()
            finally:
                self._given_up.set()
        self._calm(settle_s)
        self.tally.seconds = time.monotonic() - begun
        return self.tally

    # --- what happens ---

    def _befall(self, faults: Sequence[Fault], begun: float) -> None:
        """Let each fault begin and end in its time, and nothing be left of any."""
        steps = sorted(
            [(fault.at, 1, fault, begin) for fault in faults]
            + [(fault.until, 0, fault, end) for fault in faults],
            key=lambda step: step[:2],
        )
        for at, is_begin, fault, act in steps:
            self._wait_until(begun + at)
            act(fault, self.cluster, self.network)
            if is_begin:
                self.say(f"{fault}   {len(self._asked)} runs accepted")
        for id in self.cluster.hosts:
            self._insist(id, lambda api: api.get("readyz"))

    def _order(self, serial: int, flow: str, id: str, at: float) -> None:
        """Start a run, asking again until it is accepted; perhaps cancel it elsewhere."""
        self._wait_until(at)
        body = {"ref": {"id": flow}, "form": {"id": "", "values": {}}}
        key = f"order-{self.seed}-{serial}"
        run = str(self._insist(id, lambda api: api.post("push/data", body, key))["run"])
        is_cancelled = serial % CANCEL_EACH == CANCEL_EACH - 1
        with self._lock:
            self._asked.append(Asked(host=id, run=run, cancelled=is_cancelled))
        if is_cancelled:
            hosts = list(self.cluster.hosts)
            other = hosts[(hosts.index(id) + 1) % len(hosts)]
            try:
                self._insist(other, lambda api: api.post(f"runs/{run}/cancel", {}, f"no-{key}"))
            except Conflict:
                return  # it was over before

    def _insist(self, id: str, ask: Callable[[Client], T]) -> T:
        """Ask a host until it answers; it may be dead, frozen, or know less than another."""
        deadline = time.monotonic() + 10 * DEADLINE_S
        while True:
            api = Client(self.cluster[id].api.at)
            try:
                return ask(api)
            except Theirs:
                assert time.monotonic() < deadline, f"{id} does not answer"
                with self._lock:
                    self.tally.repeated += 1
                self._wait_until(time.monotonic() + 0.1)
            finally:
                api.close()

    def _wait_until(self, moment: float) -> None:
        """A trial has a clock: its plan says what happens when."""
        if self._given_up.wait(max(0, moment - time.monotonic())):
            raise InterruptedError("the trial is over")

    # --- what must be so then ---

    def _calm(self, settle_s: float) -> None:
        """All faults are over: wait for what must come, and judge it."""
        tally, calm = self.tally, time.monotonic()
        doubts = within(self._doubts, settle_s)
        tally.settled_s = time.monotonic() - calm
        tally.complaints += (f"in doubt after {settle_s:g} s: {doubt}" for doubt in doubts)
        unfinished = within(self._unfinished, OVER_S)
        tally.over_s = time.monotonic() - calm
        tally.complaints += (f"not over: {run}" for run in unfinished)
        tally.complaints += within(self._differences, DEADLINE_S)
        tally.complaints += within(self._leases, DEADLINE_S)
        for id, host in self.cluster.hosts.items():
            if left := within(host.processes, DEADLINE_S):
                tally.complaints.append(f"processes are left on {id}: {left}")
            host.stop()
        self._judge()

    def _judge(self) -> None:
        tally, hosts = self.tally, self.cluster.hosts
        disks = [read_disk(id, host.root) for id, host in hosts.items()]
        attempts, wrong = told(self.cluster.folder)
        tags = {id: host.options["FLOE_TAGS"] for id, host in hosts.items()}
        places = {attempt.key.run: attempt.host for attempt in attempts}
        tally.runs, tally.commands = len(self._asked), len(attempts)
        tally.per_host.update(places.values())
        tally.away = sum(run.host != host for run, host in places.items())
        tally.cancelled = sum(asked.cancelled for asked in self._asked)
        tally.complaints += [*wrong, *Audit(disks, self._asked, attempts, tags).judge()]

    def _doubts(self) -> list[str]:
        """Of each host the runs that are not over and of which it cannot say what they wait for."""
        said = (
            (id, row, self._why(id, row)) for id in self.cluster.hosts for row in self._rows(id)
        )
        return [
            f"{row['id']} on {id}: {text}"
            for id, row, text in said
            if any(word in text for word in UNCLEAR)
        ]

    def _unfinished(self) -> list[str]:
        return [
            f"{row['id']} is {row['state']} on {id}: {self._why(id, row)}"
            for id in self.cluster.hosts
            for row in self._rows(id)
        ]

    def _differences(self) -> list[str]:
        """Where two hosts do not show the same runs, or not in the same state."""
        shown = {id: self._all(id) for id in self.cluster.hosts}
        first, *others = shown
        return [
            f"{run}: {shown[first].get(run)} on {first}, {shown[other].get(run)} on {other}"
            for other in others
            for run in shown[first].keys() | shown[other].keys()
            if shown[first].get(run) != shown[other].get(run)
        ]

    def _why(self, id: str, row: Shape) -> str:
        try:
            return str(self.cluster[id].api.get(f"runs/{row['id']}/why")["text"])
        except (Theirs, NotFound) as error:
            return f"{UNANSWERED}: {error}"

    def _leases(self) -> list[str]:
        return [
            f"{id} still has {lease}"
            for id, host in self.cluster.hosts.items()
            for lease in host.api.get("leases")["leases"]
        ]

    def _rows(self, id: str) -> list[Shape]:
        query = {"state": "pending,active", "limit": PAGE}
        rows: list[Shape] = self.cluster[id].api.get("runs", **query)["runs"]
        return rows

    def _all(self, id: str) -> dict[str, tuple[object, ...]]:
        found: dict[str, tuple[object, ...]] = {}
        cursor: str | None = ""
        while cursor is not None:
            page = self.cluster[id].api.get("runs", limit=PAGE, cursor=cursor)
            for row in page["runs"]:
                found[row["id"]] = tuple(row[key] for key in ("state", "good", "host", "epoch"))
            cursor = page["next"] or None
        return found


def within(wrong: Callable[[], T], seconds: float) -> T:
    """Wait until nothing is wrong; what still is after so long."""
    deadline = time.monotonic() + seconds
    while (found := wrong()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return found
