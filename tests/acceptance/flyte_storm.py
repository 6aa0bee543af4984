"""Two hosts and processes of packs that are killed at random while events flow.

The moments are a seed's, but what hosts and packs do at each is not: a storm cannot be replayed.
"""

import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from random import Random
from typing import Any, Final

from tests.acceptance.cluster import Cluster
from tests.acceptance.flyte_pack import GENERATIONS
from tests.acceptance.product import DEADLINE_S, TOKEN, until
from tests.flyte_clients import GoClient

FLOW: Final = {
    "name": "two steps",
    "steps": [
        {
            "id": "one / ü",
            "event": {"packName": "P", "name": "Started"},
            "command": {"packName": "P", "name": "Do", "input": "{{ Event.Payload }}"},
        },
        {
            "id": "two",
            "dependsOn": ["one / ü"],
            "event": {"packName": "P", "name": "Done"},
            "command": {"packName": "P", "name": "Then", "input": "{{ Event.Payload }}"},
        },
    ],
}
HOSTS: Final = {"h1": "", "h2": ""}
FAULT_S: Final = (0.3, 1.2)
DOWN_S: Final = (0.0, 0.8)
PAUSE_S: Final = 0.02
"""Between two events."""
PAGE: Final = 500
SETTLE_S: Final = 0.5


@dataclass
class Tally:
    """What a storm came to."""

    events: int = 0
    """Events that were accepted."""
    refused: int = 0
    hosts_killed: int = 0
    packs_killed: int = 0
    taken: int = 0
    """Actions that a process got, by its journal."""
    accepted: int = 0
    """Results that were answered 202."""
    open: int = 0
    """Actions that stay taken."""
    complaints: list[str] = field(default_factory=list)


class Storm:
    """A cluster of two, three packs, one of each generation of clients, and their deaths."""

    packs: tuple[str, ...] = (*GENERATIONS,)

    def __init__(self, cluster: Cluster, folder: Path, seed: int, say: Callable[[str], object]):
        self._cluster, self._random, self._say = cluster, Random(seed), say
        self._roots = [f"http://{cluster[id].address}/flyte" for id in HOSTS]
        self._folder = folder
        self._journals = {name: folder / f"{name}.journal" for name in self.packs}
        self._packs: dict[str, subprocess.Popen[bytes]] = {}
        self._seeds = count(seed * 1000)
        self.tally = Tally()
        self._sent: set[int] = set()
        """The events that were accepted."""

    def rage(self, seconds: float, pause_s: float) -> Tally:
        """Kill and send for so long; then let all finish, and judge what there is."""
        until(lambda: self._ask("POST", "packs", {"name": "P"})[0] == 201, "the pack")
        until(lambda: self._ask("POST", "flows", FLOW)[0] == 201, "the flow")
        with self._packs_running():
            begun, due, number = time.monotonic(), 0.0, 0
            while (now := time.monotonic() - begun) < seconds:
                if now >= due:
                    self._fault()
                    due = now + self._random.uniform(*FAULT_S)
                number += 1
                self._send(number)
                self._revive()
                time.sleep(pause_s)
            self._say(f"{number} events; all is well now")
            self._revive(ready=True)
            self._settle()
        self._judge()
        return self.tally

    # --- what happens ---

    def _send(self, number: int) -> None:
        event = {"event": "Started", "payload": f"{number}"}
        if self._ask("POST", "packs/P/events", event)[0] == 202:
            self._sent.add(number)
        else:
            self.tally.refused += 1

    def _fault(self) -> None:
        if self.tally.hosts_killed <= self.tally.packs_killed:  # also a short storm kills both
            id = self._random.choice([*HOSTS])
            if self._cluster[id].is_up():
                self._cluster[id].kill()
                self.tally.hosts_killed += 1
            return
        pack = self._packs[self._random.choice([*self._packs])]
        pack.kill()
        self.tally.packs_killed += pack.wait() < 0

    def _revive(self, *, ready: bool = False) -> None:
        """Start again what is down; `ready` waits until the hosts answer and have met."""
        for id in HOSTS:
            host = self._cluster[id]
            if not host.is_up() and (ready or self._random.random() < 0.3):
                host.spawn()
            if ready:
                until(host.is_ready, f"start of {id}")
        if ready:
            self._cluster.until_met(*HOSTS)
        for name, pack in self._packs.items():
            if pack.poll() is not None:
                self._packs[name] = self._started(name)

    @contextmanager
    def _packs_running(self) -> Iterator[None]:
        self._packs = {name: self._started(name) for name in self.packs}
        try:
            yield
        finally:
            for pack in self._packs.values():
                pack.kill()
                pack.wait()

    def _started(self, name: str) -> subprocess.Popen[bytes]:
        words = ["P", name, str(self._journals[name]), str(next(self._seeds)), *self._roots]
        return subprocess.Popen([sys.executable, "-m", "tests.acceptance.flyte_pack", *words])

    # --- what there is ---

    def _settle(self) -> None:
        """Wait until all events have their runs and no action waits for a pack, as long as there is
        progress."""
        known, since = "", time.monotonic()
        while True:
            flows = self._flows()
            states, left = self._states(flows), self._sent - {*map(_number, flows)}
            if not left and self._are_over(states):
                return
            now = f"{len(left)} events wait, and actions are {dict(states)}"
            if now != known:
                known, since = now, time.monotonic()
                self._say(now)
            assert time.monotonic() - since < DEADLINE_S, now
            time.sleep(SETTLE_S)

    def _are_over(self, states: Counter[str]) -> bool:
        """Whether no action waits for a pack, and no process is about to send a result."""
        return not states["NEW"] and not any(map(self._held, self._journals.values()))

    def _held(self, journal: Path) -> bool:
        lines = journal.read_text().splitlines() if journal.exists() else []
        return bool(lines) and lines[-1].startswith("take")

    def _judge(self) -> None:
        say = self.tally.complaints.append
        flows = self._flows()
        self._judge_runs(flows)
        states = {
            action["id"]: action["state"]["value"]
            for flow in flows
            for action in flow["actions"].values()
        }
        lines = [
            line.split()
            for journal in self._journals.values()
            for line in journal.read_text().splitlines()
        ]
        taken = Counter(words[1] for words in lines if words[0] == "take")
        results = [(words[1], int(words[2])) for words in lines if words[0] == "result"]
        accepted = Counter(id for id, status in results if status == 202)
        for id, times in (taken | accepted).items():
            if times > 1:
                say(f"action {id} was taken {taken[id]} times and answered {accepted[id]} times")
            if id not in states:
                say(f"action {id} was taken and is in no run")
        for id in accepted:
            if states.get(id) != "SUCCESS":
                say(f"action {id} was answered and is {states.get(id)}")
        for words in lines:
            if words[0] == "exit":
                say("a pack was told that it is not registered")
        refused = {id for id, status in results if status not in (202, 0, 500, 503)}
        if refused:
            say(f"results were refused: {refused}")
        self._judge_open(states, taken)
        self.tally.taken, self.tally.accepted = taken.total(), accepted.total()

    def _judge_runs(self, flows: list[dict[str, Any]]) -> None:
        """Each accepted event has one run, and each good result its next action."""
        say = self.tally.complaints.append
        runs = Counter(map(_number, flows))
        for number in self._sent:
            if runs[number] != 1:
                say(f"event {number} has {runs[number]} runs")
        for number, has in runs.items():
            if has > 1 and number not in self._sent:
                say(f"event {number}, which was not accepted, has {has} runs")
        for flow in flows:
            one = flow["actions"].get("one / ü")
            if one is None or (one["state"]["value"] == "SUCCESS") != ("two" in flow["actions"]):
                say(f"correlation {flow['correlationId']} has the actions {[*flow['actions']]}")
        self.tally.events = len(self._sent)

    def _judge_open(self, states: dict[str, str], taken: Counter[str]) -> None:
        """Each run that goes on says why: which pack has its action, through which host."""
        say = self.tally.complaints.append
        pending = [id for id, state in states.items() if state == "PENDING"]
        self.tally.open = len(pending)
        deaths = self.tally.hosts_killed + self.tally.packs_killed
        unheard = [id for id in pending if id not in taken]
        if len(unheard) > deaths * len(self._packs):
            say(f"{len(unheard)} actions reached no pack")
        api = self._cluster["h1"].api
        going = api.get("runs", state="active", limit=PAGE)["runs"]
        if len(going) != len(pending):
            say(f"{len(going)} runs go on, with {len(pending)} open actions")
        for run in going:
            text = api.get(f"runs/{run['id']}/why")["text"]
            if "taken by P through h" not in text:
                say(f"{run['id']} goes on: {text}")

    def _states(self, flows: list[dict[str, Any]]) -> Counter[str]:
        every = (action for flow in flows for action in flow["actions"].values())
        return Counter(action["state"]["value"] for action in every)

    def _flows(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        while True:
            status, body = self._ask("GET", f"audit/flows?start={len(found)}&limit={PAGE}")
            page = json.loads(body)["flows"] if status == 200 else []
            found += page
            if len(page) < PAGE:
                return found

    def _ask(self, method: str, path: str, body: object = None) -> tuple[int, bytes]:
        """Status and body by one of the hosts; status 0 where there is no answer."""
        client = GoClient(root := self._random.choice(self._roots), token=TOKEN)
        sent = None if body is None else json.dumps(body).encode()
        try:
            status, _, answer = client.ask(method, f"{root}/v1/{path}", sent)
        except (OSError, ValueError):
            return 0, b""
        return status, answer


def _number(flow: dict[str, Any]) -> int:
    [one] = [action for id, action in flow["actions"].items() if id != "two"]
    return int(one["trigger"]["payload"])
