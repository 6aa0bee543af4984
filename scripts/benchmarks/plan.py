"""Where and how often to measure, and the common steps of several measures."""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path

from scripts.benchmarks import flows, machine
from scripts.benchmarks.host import DONE_S, Host, started


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The parameters of one benchmark."""

    folder: Path
    """Folder of all files."""
    stamp: Path
    """The program that records its start time."""
    repeats: int
    """Rounds of measures that take about a second."""
    triggers: int
    fans: int
    history: int
    """Archived runs of the history."""
    pause_s: float = 0.05
    """Maximum pause before each timed action, so that nothing synchronises."""

    def host(self, name: str) -> AbstractContextManager[Host]:
        """A new host that knows every flow."""
        return started(self.folder, name, flows.config(self.folder, self.stamp))

    def within(self, name: str) -> "Plan":
        """The same in a new folder."""
        folder = self.folder / name
        folder.mkdir()
        return replace(self, folder=folder)

    def rounds(self, count: int) -> Iterator[int]:
        """Numbers from 0, each after a pause of random length."""
        for number in range(count):
            time.sleep(random.uniform(0, self.pause_s))  # noqa: S311 - not for secrets
            yield number

    def stamped(self, flow: str, count: int, act: Callable[[], object]) -> list[int]:
        """Perform an action and wait for its timestamps; in ns, in order."""
        path = self.folder / f"{flow}.stamps"
        path.unlink(missing_ok=True)
        act()
        until = time.monotonic() + DONE_S
        while machine.count_stamps(path) < count:
            if time.monotonic() > until:
                raise TimeoutError(f"{machine.count_stamps(path)} of {count} stamps of {flow}")
            time.sleep(0.002)
        return sorted(machine.stamps(path))

    def span_ms(self, host: Host, flow: str) -> float:
        """Run a flow whose first and last steps record timestamps; the time between them."""
        first, last = self.stamped(flow, 2, lambda: host.trigger(flow))
        host.wait_rest()
        return (last - first) / 1e6
