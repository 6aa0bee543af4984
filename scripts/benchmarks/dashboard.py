"""`scripts/bench-dashboard`: the dashboard's budgets, in the system's Chromium on a real host.

Needs the `test` extra. Times come from the page's own clock. Tasks are those of its main thread, as
wall-clock time and as CPU time: on a shared machine only the CPU time is the page's own.
"""

import os
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from scripts.benchmarks.figures import Row, most, table
from scripts.benchmarks.history import fill
from scripts.benchmarks.host import TOKEN, Host, started
from scripts.benchmarks.tasks import Tasks, traced

ROUNDS: Final = 3
LINES: Final = 1_000_000
MERGES: Final = 30
EVENTS: Final = 6 + 2 * MERGES
"""Nodes of a run of `busy`."""
EVENTS_S: Final = 1000
"""Events sent to the page per second, for `FEED_MS`."""
FEED_MS: Final = 5000
ITEMS: Final = (200, 1000)
"""Items of the nodes of `each-200` and `each-1000`."""
CLIENTS: Final = 8
RUNS: Final = 100_000
ASKED: Final = 200

CHROMIUM: Final = ("chromium", "chromium-browser", "google-chrome", "chromium-headless-shell")

HEAR: Final = """(() => {
  const Native = WebSocket;
  window.heard = 0;
  window.WebSocket = class extends Native {
    constructor(...all) {
      super(...all);
      this.addEventListener("message", ({ data }) => {
        window.heard++;
        window.heardBytes = (window.heardBytes ?? 0) + new Blob([data]).size;
      });
    }
  };
})()"""
"""Counts the frames of the page's websockets, and their bytes."""

COUNT: Final = """() => {
  Object.assign(window, { drawn: 0, heard: 0, begun: performance.now() });
  const tick = () => requestAnimationFrame(() => (window.drawn++, tick()));
  tick();
}"""
COUNTED: Final = """() => {
  const s = (performance.now() - window.begun) / 1000;
  return [window.heard / s, window.drawn / s];
}"""

GO: Final = """(path) => {
  const link = document.createElement("a");
  link.href = path;
  document.body.append(link);
  link.click();
  link.remove();
}"""
"""Open a different page of the dashboard without loading it again."""

ANSWER: Final = """(run) => fetch("/build/api/push/data", {
  method: "POST",
  headers: { "Content-Type": "application/json", "Idempotency-Key": crypto.randomUUID() },
  body: JSON.stringify({ run, form: { id: "task.gate", values: {}, good: true } }),
}).then((answer) => answer.status)"""
"""Opens the gate of a run."""

OPEN: Final = ANSWER.replace("task.gate", "task.first")
"""Begins the items of a run."""

GRAPH: Final = """() => new Promise((done) => {
  const told = () =>
    performance.getEntriesByType("resource").find((e) => /runs\\/h1-\\d+$/.test(e.name));
  let drawn = 0;
  const changed = () =>
    requestAnimationFrame(() => requestAnimationFrame(() => (drawn = performance.now())));
  new MutationObserver(changed).observe(document.body, { childList: true, subtree: true });
  const look = () => {
    const data = told();
    const rests = data && drawn > data.responseEnd && performance.now() - drawn > 300;
    if (rests && document.querySelector(".node")) done(drawn - data.responseEnd);
    else setTimeout(look, 20);
  };
  look();
})"""
"""From the last byte of the run to the frame after its last element is drawn."""

ITEM: Final = """(count) => new Promise((done) => {
  const begun = performance.now();
  document.querySelector('.step[href*="node=all"]').click();
  const look = () => {
    if (document.querySelectorAll(".item").length !== count) return requestAnimationFrame(look);
    requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now() - begun)));
  };
  look();
})"""
"""From the click on a node to the frame after its last item."""

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
    """A large graph behind a gate, a large output, a chain without commands, and a minimal flow."""
    wide = "\n".join(
        f"      - {{name: n{n}, class: merge, type: any, "
        f"wait: [{'task.gate.good' if n < 40 else f'merge.n{n - 40}.good'}]}}"
        for n in range(999)
    )
    steps = "\n".join(
        f"      - {{name: s{n}, class: merge, type: any, "
        f"wait: [{'trigger.good' if n == 0 else f'merge.s{n - 1}.good'}]}}"
        for n in range(MERGES)
    )
    each = "\n".join(
        f"  - {{name: each-{count}, triggers: [{{name: start, type: data}}], tasks: [\n"
        "      {name: first, type: data, listen: trigger.good, opts: {form: {fields: []}}},\n"
        f"      {{name: all, type: exec, listen: task.first.good, foreach: {list(range(count))},"
        f" opts: {{cmd: 'true'}}}}]}}"
        for count in ITEMS
    )
    return f"""
flows:
{each}
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
  - name: small
    triggers: [{{name: start, type: data}}]
    tasks: [{{name: done, type: end, listen: trigger.good}}]
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
    ):
        host.wait_packed(long := host.trigger("long"))
        wide = host.trigger("wide")
        with sync_playwright() as playwright:
            flags = ["--no-sandbox", "--disable-gpu"]
            browser = playwright.chromium.launch(executable_path=path, args=flags)
            rows = [*_load(browser, host), *_graph(browser, host, wide)]
            rows += [*_items(browser, host), *_output(browser, host, long)]
            rows += [*_feed(browser, host), *_storm(browser, host)]
            head = f"Chromium {browser.version}; {time.strftime('%Y-%m-%d %H:%M')}"
            browser.close()
        loads = ", ".join(f"{load:.1f}" for load in os.getloadavg())
        sys.stdout.write(f"{head}; load {loads}\n\n{table(rows)}\n\n")
        sys.stdout.flush()
        sys.stdout.write(f"{table(_history(host))}\n")


def _entered(browser: Browser, host: Host) -> BrowserContext:
    """A logged-in context with an empty cache."""
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
    """Bytes over the wire until the first page is shown, without API replies."""
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
        page.get_by_role("heading", name="Running").wait_for()
        page.wait_for_load_state("networkidle")
        own = [size for id, size in sizes.items() if "/app/" in addresses.get(id, "")]
    what = f"first load, {len(own)} files, compressed, with headers"
    return [Row(what, [sum(own) / 1000], "kB", budget=most(80))]


def _graph(browser: Browser, host: Host, run: str) -> list[Row]:
    times, cpu = [], []
    for _ in range(ROUNDS):
        with _entered(browser, host) as context:
            page = _show(context, host, "/flows")
            page.get_by_role("link", name="wide").first.wait_for()
            with traced(browser, page) as tasks:
                page.evaluate(GO, f"/app/dash/runs/{run}")
                times.append(page.evaluate(GRAPH))
            cpu.append(sum(tasks.cpu))
    what = "graph of 1,000 nodes"
    return [
        Row(f"{what}, from its data to the screen", times, "ms", budget=most(300)),
        Row(f"{what}, CPU time of the page", cpu, "ms"),
    ]


def _items(browser: Browser, host: Host) -> list[Row]:
    """A node with items, while it runs and afterwards."""
    bytes_: dict[int, list[float]] = {count: [] for count in ITEMS}
    times, cpu, rounds = [], [], []
    for _ in range(ROUNDS):
        host.reconnect()
        runs = {count: host.trigger(f"each-{count}") for count in ITEMS}
        for count, run in runs.items():
            with _entered(browser, host) as context:
                context.add_init_script(HEAR)
                page = _show(context, host, f"/runs/{run}?node=all&tab=output")
                page.locator(".step").first.wait_for()
                page.wait_for_timeout(500)
                with traced(browser, page) as tasks:
                    before = page.evaluate("window.heardBytes ?? 0")
                    page.evaluate(OPEN, run)
                    page.locator(".head .mark.is-good").wait_for()
                    bytes_[count].append((page.evaluate("window.heardBytes") - before) / 1000)
                rounds.append(tasks)
        with _entered(browser, host) as context:
            page = _show(context, host, f"/runs/{runs[ITEMS[-1]]}?node=first&tab=data")
            page.locator(".step").first.wait_for()
            page.wait_for_timeout(500)
            with traced(browser, page) as tasks:
                times.append(page.evaluate(ITEM, ITEMS[-1]))
            cpu.append(sum(tasks.cpu))
    what = f"{ITEMS[-1]:,} items, from the click on their node to the screen"
    return [
        *(
            Row(f"page of a run, foreach of {count:,}: received", kb, "kB", budget=most(250))
            for count, kb in bytes_.items()
        ),
        *_longest(f"page of a run, foreach of {' and '.join(map(str, ITEMS))}", rounds),
        Row(what, times, "ms", budget=most(300)),
        Row(f"{what}, CPU time of the page", cpu, "ms"),
    ]


def _output(browser: Browser, host: Host, run: str) -> list[Row]:
    times, rounds = [], []
    for _ in range(ROUNDS):
        with _entered(browser, host) as context:
            page = _show(context, host, f"/runs/{run}?node=look&tab=data")
            page.locator(".step").first.wait_for()
            times.append(page.evaluate(LINE, str(LINES)))
            page.locator(".output-lines").hover()
            with traced(browser, page) as tasks:
                _scroll(page)
            rounds.append(tasks)
    what = f"output of {LINES:,} lines, from click to last line"
    return [Row(what, times, "ms", budget=most(500)), *_longest("scrolling there", rounds)]


def _scroll(page: Page) -> None:
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


def _feed(browser: Browser, host: Host) -> list[Row]:
    """The page Now while runs start and end."""
    rounds, heard, drawn = [], [], []
    for _ in range(ROUNDS):
        with _entered(browser, host) as context:
            context.add_init_script(HEAR)
            page = _show(context, host)
            page.get_by_role("heading", name="Running").wait_for()
            page.wait_for_timeout(500)
            with traced(browser, page) as tasks, _offered(host):
                page.evaluate(COUNT)
                page.wait_for_timeout(FEED_MS)
                told = page.evaluate(COUNTED)
            rounds.append(tasks)
            heard.append(told[0])
            drawn.append(told[1])
    what = "page Now"
    return [
        Row(f"{what}, {EVENTS_S:,} events/s sent: received", heard, "/s"),
        Row(f"{what}: frames drawn", drawn, "/s"),
        *_longest(what, rounds),
    ]


def _storm(browser: Browser, host: Host) -> list[Row]:
    """The page of a run of 1,000 nodes while the host executes them as fast as it can."""
    rounds = []
    for _ in range(ROUNDS):
        host.reconnect()
        run = host.trigger("wide")
        with _entered(browser, host) as context:
            page = _show(context, host, f"/runs/{run}")
            page.locator(".node").first.wait_for()
            page.wait_for_timeout(500)
            with traced(browser, page) as tasks:
                page.evaluate(ANSWER, run)
                page.locator(".head .mark.is-good").wait_for()
            rounds.append(tasks)
    return _longest("page of a run with 1,000 active nodes", rounds)


def _longest(what: str, rounds: list[Tasks]) -> list[Row]:
    """The longest task of each round: its CPU time is the page's own, the rest the machine's."""
    return [
        Row(
            f"{what}: longest task, CPU time",
            [max(tasks.cpu) for tasks in rounds],
            "ms",
            budget=most(50),
        ),
        Row(f"{what}: longest task, wall-clock time", [max(tasks.clock) for tasks in rounds], "ms"),
    ]


@contextmanager
def _offered(host: Host) -> Iterator[None]:
    """Trigger runs at a constant rate while the body runs."""
    over = threading.Event()
    pace_s = CLIENTS * EVENTS / EVENTS_S
    clients = [threading.Thread(target=_trigger, args=(host, pace_s, over)) for _ in range(CLIENTS)]
    for client in clients:
        client.start()
    try:
        yield
    finally:
        over.set()
        for client in clients:
            client.join()
        host.wait_rest_of("busy")


def _trigger(host: Host, pace_s: float, over: threading.Event) -> None:
    due = time.perf_counter()
    while not over.wait(max(0.0, due - time.perf_counter())):
        host.trigger_anew("busy")
        due = max(due + pace_s, time.perf_counter() - 0.5)


def _history(host: Host) -> list[Row]:
    """The list of runs of a host with many archived runs."""
    host.reconnect()
    host.wait_packed(host.trigger("small"))
    host.stop()
    fill(host.root, RUNS)
    host.start()
    paths = {"first page": "runs?limit=50", "of a flow": "runs?flow=small&limit=50"}
    rows = []
    for what, path in paths.items():
        times, begun = [], host.cpu_s()
        for _ in range(ASKED):
            asked = time.perf_counter()
            host.get_bytes(path)
            times.append((time.perf_counter() - asked) * 1e3)
        cpu_ms = (host.cpu_s() - begun) * 1e3 / ASKED
        where = f"list of {RUNS:,} runs, {what}"
        rows.append(Row(f"{where}, with HTTP", times, "ms"))
        rows.append(Row(f"{where}, CPU time of the host", [cpu_ms], "ms", budget=most(10)))
    return rows


if __name__ == "__main__":
    main()
