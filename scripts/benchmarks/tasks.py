"""The tasks of a page's main thread, from a trace of the browser."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from playwright.sync_api import Browser, Page

CATEGORY: Final = "disabled-by-default-devtools.timeline"


@dataclass(slots=True)
class Tasks:
    """Milliseconds of each task: wall-clock time and CPU time."""

    clock: list[float] = field(default_factory=lambda: [0.0])
    cpu: list[float] = field(default_factory=lambda: [0.0])


@contextmanager
def traced(browser: Browser, page: Page) -> Iterator[Tasks]:
    """The tasks of a page while the body runs; complete after it."""
    tasks = Tasks()
    browser.start_tracing(page=page, categories=[CATEGORY])
    try:
        yield tasks
    finally:
        trace = json.loads(browser.stop_tracing())["traceEvents"]
        _fill(tasks, trace)


def _fill(tasks: Tasks, trace: list[dict[str, Any]]) -> None:
    mains = {_thread(e) for e in trace if e.get("args", {}).get("name") == "CrRendererMain"}
    ends: dict[tuple[int, int], float] = {}
    for event in sorted(
        (e for e in trace if e["name"] == "RunTask" and _thread(e) in mains and "dur" in e),
        key=lambda e: (e["ts"], -e["dur"]),
    ):
        thread = _thread(event)
        if event["ts"] < ends.get(thread, 0.0):  # nested in a task that includes its time
            continue
        ends[thread] = event["ts"] + event["dur"]
        tasks.clock.append(event["dur"] / 1000)
        tasks.cpu.append(event.get("tdur", 0) / 1000)


def _thread(event: dict[str, Any]) -> tuple[int, int]:
    return event["pid"], event["tid"]
