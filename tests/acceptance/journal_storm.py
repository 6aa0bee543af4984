"""Two hosts, and two processes of a pack in Python with journals, that are killed at random."""

import subprocess
import sys
from collections import Counter

from floe.packs.taken_actions import BEGUN_MAX
from tests.acceptance.flyte_storm import HOSTS, Storm

AT_ONCE = 16
"""Commands at work in a process."""


class JournalStorm(Storm):
    """Every action ends, whatever dies."""

    packs = (*HOSTS,)
    """A process for each host, which asks that alone: it knows the names of its takes."""

    def _started(self, name: str) -> "subprocess.Popen[bytes]":
        root = f"http://{self._cluster[name].address}/flyte"
        words = [name, str(self._folder), str(next(self._seeds)), root]
        with (self._folder / f"{name}.log").open("ab") as log:
            command = [sys.executable, "-m", "tests.acceptance.storm_pack", *words]
            return subprocess.Popen(command, stderr=log)

    def _are_over(self, states: Counter[str]) -> bool:
        return not (states["NEW"] or states["PENDING"])

    def _begun(self) -> Counter[str]:
        """How often each command began."""
        files = [self._folder / f"{name}.begun" for name in self.packs]
        return Counter(line for file in files for line in file.read_text().splitlines())

    def _judge(self) -> None:
        say = self.tally.complaints.append
        flows = self._flows()
        self._judge_runs(flows)
        begun = self._begun()
        actions = [action for flow in flows for action in flow["actions"].values()]
        for action in actions:
            times = begun[f"{action['name']} {action['input']}"]
            state = action["state"]["value"]
            if not times or (state == "FATAL" and times < BEGUN_MAX):
                say(f"{action['name']} {action['input']} is {state}, and began {times} times")
        again = begun.total() - len(begun)
        if again > self.tally.packs_killed * AT_ONCE:
            say(f"{again} commands began again after {self.tally.packs_killed} deaths")
        self.tally.taken, self.tally.accepted = begun.total(), len(actions)
