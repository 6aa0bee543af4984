"""`scripts/bench-dashboard`: the dashboard's budgets, in the system's Chromium on a real host.

Needs the `test` extra. Times are of the page's own clock; a long task is one of more than 50 ms
on its main thread, as the browser reports it.
"""

import shutil
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from scripts.benchmarks.figures import Row, most, table
from scripts.benchmarks.host import TOKEN, Host, started

ROUNDS: Final = 5
LINES: Final = 1_000_000
EVENTS_S: Final = 6.0
"""Seconds of events, at most."""

CHROMIUM: Final = ("chromium", "chromium-browser", "google-chrome")

WATCH: Final = """() => {
  window.long = [];
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) window.long.push(entry.duration);
  }).observe({ type: "longtask" });
}"""
"""Reports each task of more than 50 ms from now on."""

GRAPH: Final = """() => new Promise((done) => {
  const told = () =>
    performance.getEntriesByType("resource").find((e) => /runs\\/h1-\\d+$/.test(e.name));
  const look = () => {
    const data = told();
    const drawn = document.querySelectorAll(".node").length;
    if (!data || drawn < 1000) return requestAnimationFrame(look);
    requestAnimationFrame(() => done(performance.now() - data.responseEnd));
  };
  look();
})"""
"""From the last byte of the run to the frame after its graph."""

LINE: Final = """(number) => new Promise((done) => {
  const begun = performance.now();
  document.querySelector('.step[href*="node=say"]').click();
  const look = () => {
    const texts = [...document.querySelectorAll(".output-text")];
    if (!texts.some((text) => text.textContent === number)) return requestAnimationFrame(look);
    requestAnimationFrame(() => done(performance.now() - begun));
  };
  look();
})"""
"""From the click on a node to the frame after its last line."""


def config() -> str:
    """Three flows: a large graph, a large output, a burst of events."""
    wide = "\n".join(
        f"      - {{name: n{n}, type: exec, listen: "
        f"{'task.gate.good' if n < 40 else f'task.n{n - 40}.good'}, opts: {{cmd: 'true'}}}}"
        for n in range(999)
    )
    steps = "\n".join(
        f"      - {{name: s{n}, type: exec, listen: "
        f"{'trigger.good' if n == 0 else f'task.s{n - 1}.good'}, opts: {{cmd: 'true'}}}}"
        for n in range(10)
    )
    return f"""
flows:
  - name: wide
    triggers: [{{name: start, type: data}}]
    tasks:
      - {{name: gate, type: data, listen: trigger.good, opts: {{form: {{title: Go?, fields: []}}}}}}
{wide}
  - name: long
    triggers: [{{name: start, type: data}}]
    tasks:
      - {{name: look, type: exec, listen: trigger.good, opts: {{cmd: 'true'}}}}
      - {{name: say, type: exec, listen: task.look.good, opts: {{cmd: seq 1 {LINES}}}}}
  - name: busy
    triggers: [{{name: start, type: data}}]
    tasks:
{steps}
"""


def main() -> None:
    """Measure and print the table."""
    path = next((found for name in CHROMIUM if (found := shutil.which(name))), None)
    if path is None:
        sys.exit("scripts/bench-dashboard: no Chromium on PATH; scripts/dev installs it")
    with (
        tempfile.TemporaryDirectory(prefix="floe-bench-", dir="/var/tmp") as name,
        started(Path(name), "h1", config()) as host,
        sync_playwright() as playwright,
    ):
        flags = ["--no-sandbox", "--disable-gpu"]
        browser = playwright.chromium.launch(executable_path=path, args=flags)
        host.wait_packed(long := host.trigger("long"))
        wide = host.trigger("wide")
        rows = [*_load(browser, host), _graph(browser, host, wide)]
        rows += [*_output(browser, host, long), *_feed(browser, host)]
        browser.close()
        head = f"Chromium {browser.version}; {time.strftime('%Y-%m-%d %H:%M')}"
    sys.stdout.write(f"{head}\n\n{table(rows)}\n")


def _entered(browser: Browser, host: Host) -> BrowserContext:
    """A context that is logged in, with nothing in its cache."""
    context = browser.new_context(viewport={"width": 1280, "height": 860})
    url = f"http://127.0.0.1:{host.port}"
    context.request.post(
        f"{url}/build/api/login", data={"token": TOKEN}, headers={"Origin": url}
    ).dispose()
    return context


def _show(context: BrowserContext, host: Host, path: str = "") -> Page:
    page = context.new_page()
    page.goto(f"http://127.0.0.1:{host.port}/app/dash{path}")
    return page


def _load(browser: Browser, host: Host) -> list[Row]:
    """Bytes over the wire until the first page is there, answers of the API left out."""
    with _entered(browser, host) as context:
        page = context.new_page()
        session = context.new_cdp_session(page)
        session.send("Network.enable")
        addresses: dict[str, str] = {}
        sizes: dict[str, float] = {}

        def answered(event: dict[str, Any]) -> None:
            addresses[event["requestId"]] = event["response"]["url"]

        def loaded(event: dict[str, Any]) -> None:
            sizes[event["requestId"]] = event["encodedDataLength"]

        session.on("Network.responseReceived", answered)
        session.on("Network.loadingFinished", loaded)
        page.goto(f"http://127.0.0.1:{host.port}/app/dash")
        page.get_by_role("heading", name="Recent").wait_for()
        page.wait_for_load_state("networkidle")
        own = [size for id, size in sizes.items() if "/app/" in addresses.get(id, "")]
    what = f"first load, {len(own)} files, compressed, with headers"
    return [Row(what, [sum(own) / 1000], "kB", budget=most(80))]


def _graph(browser: Browser, host: Host, run: str) -> Row:
    times = []
    for _ in range(ROUNDS):
        with _entered(browser, host) as context:
            times.append(_show(context, host, f"/runs/{run}").evaluate(GRAPH))
    return Row("graph of 1,000 nodes, from its data to the screen", times, "ms", budget=most(300))


def _output(browser: Browser, host: Host, run: str) -> list[Row]:
    times, tasks = [], [0.0]
    for _ in range(ROUNDS):
        with _entered(browser, host) as context:
            page = _show(context, host, f"/runs/{run}?node=look&tab=data")
            page.locator(".step").first.wait_for()
            times.append(page.evaluate(LINE, str(LINES)))
            page.evaluate(WATCH)
            page.locator(".output-lines").hover()
            for turn in range(120):
                page.mouse.wheel(0, -400 if turn % 3 else -4000)
                page.wait_for_timeout(16)
            for part in (0.5, 0.1, 0.9, 0.0):
                page.evaluate(
                    "(part) => { const box = document.querySelector('.output-lines');"
                    " box.scrollTop = part * box.scrollHeight; }",
                    part,
                )
                page.wait_for_timeout(150)
            tasks += page.evaluate("window.long")
    return [
        Row(f"output of {LINES:,} lines, from click to last line", times, "ms", budget=most(500)),
        Row("scrolling there, longest task (0: none over 50)", [max(tasks)], "ms", budget=most(50)),
    ]


def _feed(browser: Browser, host: Host) -> list[Row]:
    """The first page while runs come and go."""
    with _entered(browser, host) as context, ThreadPoolExecutor(1) as queue:
        page = _show(context, host)
        page.get_by_role("heading", name="Recent").wait_for()
        page.wait_for_timeout(500)
        page.evaluate(WATCH)
        page.evaluate(
            "() => { window.frames_ = 0; window.begun = performance.now();"
            " const tick = () => { window.frames_++; requestAnimationFrame(tick); }; tick(); }"
        )
        events, begun = 0, time.perf_counter()
        while time.perf_counter() - begun < EVENTS_S:
            queue.submit(host.trigger_many, "busy", 100).result()  # this thread has a loop already
            while host.get("runs?flow=busy&state=pending,active&limit=1")["runs"]:
                page.wait_for_timeout(20)
            events += 100 * (4 + 3 * 10 + 2)
        taken_s = time.perf_counter() - begun
        page.wait_for_timeout(300)
        tasks: list[float] = page.evaluate("window.long")
        frames = page.evaluate("1000 * window.frames_ / (performance.now() - window.begun)")
    rate = f"{events / taken_s:,.0f} events/s"
    return [
        Row(
            f"page of what is now, {rate}: longest task (0: none over 50)",
            [max([0.0, *tasks])],
            "ms",
        ),
        Row(f"page of what is now, {rate}: frames drawn", [frames], "/s"),
    ]


if __name__ == "__main__":
    main()
