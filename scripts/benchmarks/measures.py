"""Each line of docs/benchmarks.md: the measurement, and its rows."""

import time

from scripts.benchmarks import flows, machine
from scripts.benchmarks.figures import Floor, Row, least, least_times, most, times
from scripts.benchmarks.history import fill
from scripts.benchmarks.host import FLOE, TOKEN, Host, started
from scripts.benchmarks.plan import Plan

PAGES = 50
ANSWERS = 300


def chain(plan: Plan) -> list[Row]:
    """One step after the other: milliseconds per step, from first to last process."""
    steps, sh, make = [], [], []
    with plan.host("chain") as host:
        plan.span_ms(host, "chain")
        for _ in plan.rounds(plan.repeats):
            sh.append(machine.sh_loop_ms(flows.STEPS))
            make.append(machine.make_chain_ms(plan.folder, flows.STEPS))
            steps.append(plan.span_ms(host, "chain") / (flows.STEPS - 1))
    what = f"chain of {flows.STEPS} × `true`, per step"
    return [
        Row(what, steps, "ms", floor=Floor("sh loop", sh), budget=times(4)),
        Row(f"{what}, beside make", steps, "ms", floor=Floor("make", make)),
    ]


def latency(plan: Plan) -> list[Row]:
    """From before the request is sent to the timestamp of the first process."""
    taken, floors = [], []
    with plan.host("latency") as host:
        plan.stamped("one", 1, lambda: host.trigger("one"))
        for _ in plan.rounds(plan.triggers):
            floors.append(machine.sh_loop_ms(1))
            begun = time.time_ns()
            [stamp] = plan.stamped("one", 1, lambda: host.trigger("one"))
            taken.append((stamp - begun) / 1e6)
            host.wait_rest()
    what = "trigger sent → first process"
    return [
        Row(f"{what}, p50", taken, "ms", floor=Floor("sh", floors), budget=most(10)),
        Row(f"{what}, p95", taken, "ms", percent=95, budget=most(20)),
    ]


def fan(plan: Plan) -> list[Row]:
    """One step, many in parallel, a merge of all, one step: first to last process."""
    spans, floors, wrong = [], [], 0
    with plan.host("fan") as host:
        [self] = host.get("hosts")["hosts"]
        jobs = self["commands"]
        for _ in plan.rounds(plan.fans):
            floors.append(machine.make_fan_ms(plan.folder, flows.WIDTH, jobs))
            spans.append(plan.span_ms(host, "fan"))
            [run] = host.get("runs?limit=1")["runs"]
            nodes = host.get(f"runs/{run['id']}")["nodes"]
            wrong += not (run["good"] and all(node["state"] == "good" for node in nodes))
    what = f"1 → {flows.WIDTH} × `true` → merge"
    return [
        Row(what, spans, "ms", floor=Floor(f"make -j{jobs}", floors), budget=times(4)),
        Row(f"{what}: not good, of {plan.fans}", [wrong], "", budget=most(0)),
    ]


def items(plan: Plan) -> list[Row]:
    """One step, one for each item of a list, one step; in turn with a fan-out of the same width."""
    fans, spans = [], []
    with plan.host("items") as host:
        plan.span_ms(host, "fan")
        plan.span_ms(host, "each")
        for _ in plan.rounds(plan.fans):
            fans.append(plan.span_ms(host, "fan"))
            spans.append(plan.span_ms(host, "each"))
        wide = [plan.span_ms(host, "thousand") for _ in plan.rounds(max(plan.fans // 5, 1))]
    what = f"foreach of {flows.WIDTH} × `true`"
    return [
        Row(what, spans, "ms", floor=Floor("fan-out", fans), budget=times(1.1)),
        Row(
            f"foreach of {flows.THOUSAND} × `true`, per {flows.WIDTH}",
            [span_ms * flows.WIDTH / flows.THOUSAND for span_ms in wide],
            "ms",
            floor=Floor(f"foreach of {flows.WIDTH}", spans),
            budget=times(1.1),
        ),
    ]


def rerun(plan: Plan) -> list[Row]:
    """From before a re-run is requested to the timestamp of its process; all else is taken over."""
    taken = []
    with plan.host("rerun") as host:
        plan.stamped("again", 1, lambda: host.trigger("again"))
        host.wait_rest()
        [first] = host.get("runs?limit=1")["runs"]
        for _ in plan.rounds(plan.fans):
            begun = time.time_ns()
            [stamp] = plan.stamped("again", 1, lambda: host.rerun_failed(first["id"]))
            taken.append((stamp - begun) / 1e6)
            host.wait_rest()
    what = f"re-run of the last of {flows.AGAIN} nodes → its process"
    return [
        Row(f"{what}, p50", taken, "ms", budget=most(50)),
        Row(f"{what}, p95", taken, "ms", percent=95),
    ]


def queue(plan: Plan) -> list[Row]:
    """Many one-step runs at once, and again with a history; the newest runs of it."""
    with plan.host("queue") as host:
        host.trigger_many("one", flows.RUNS)  # warms everything up and fills a page
        host.wait_rest()
        fresh, cpu, wrong = _rates(plan, host, plan.repeats)
        page, before_mb = _page_ms(host), machine.pss_mb(host.hub)
        host.stop()
        fill(host.root, plan.history)
        host.start()
        _rates(plan, host, 1)
        later, cpu_later, wrong_later = _rates(plan, host, plan.repeats)
        page_later, grown_mb = _page_ms(host), machine.pss_mb(host.hub) - before_mb
    what = f"{flows.RUNS} one-step runs queued at once"
    floors = [1e3 / machine.sh_loop_ms(flows.RUNS) for _ in range(3)]
    after = f"after {plan.history:,} runs"
    newest = "newest 50 runs over HTTP"
    same = Floor("without history", fresh)
    return [
        Row(what, fresh, "runs/s", floor=Floor("sh loop", floors), budget=least(400)),
        Row(f"{what}: CPU of hub and warden", cpu, "ms/run", budget=most(4)),
        Row(f"{what}, {after}", later, "runs/s", floor=same, budget=least_times(0.9)),
        Row(f"{what}, {after}: CPU", cpu_later, "ms/run", budget=most(4)),
        Row(f"{what}: not archived as good", [wrong + wrong_later], "", budget=most(0)),
        Row(f"{newest}, {after}", page_later, "ms", budget=most(10)),
        Row(
            f"{newest}, {after}: flat",
            page_later,
            "ms",
            floor=Floor("without history", page),
            budget=times(1.1),
        ),
        Row(f"hub grows by, {after}", [grown_mb], "MB", budget=most(10)),
    ]


def client(plan: Plan) -> list[Row]:
    """One client that starts a run, waits for the answer, and starts the next."""
    rates, cpu = [], []
    with plan.host("client") as host:
        _answered(host)
        for _ in plan.rounds(plan.repeats):
            begun, cpu_s = time.perf_counter(), host.cpu_s()
            _answered(host)
            rates.append(ANSWERS / (time.perf_counter() - begun))
            host.wait_rest()
            cpu.append((host.cpu_s() - cpu_s) / ANSWERS * 1e3)
    what = "one-step runs from one client that waits for each answer"
    return [
        Row(what, rates, "runs/s", budget=least(200)),
        Row(f"{what}: CPU of hub and warden", cpu, "ms/run"),
    ]


def cold(plan: Plan) -> list[Row]:
    """Starts in empty and used roots, each including a warden, and memory at rest."""
    first, again, floors, hub, both = [], [], [], [], []
    with started(plan.folder, "compiled", flows.SMALL):
        pass  # with Python's files of a first start
    for number in plan.rounds(plan.repeats):
        floors.append(machine.import_ms())
        folder = plan.folder / f"cold{number}"
        folder.mkdir()
        host = Host(folder, flows.SMALL)
        first.append(host.start())
        host.stop()
        again.append(host.start())
        time.sleep(1)
        hub.append(machine.pss_mb(host.hub))
        both.append(hub[-1] + machine.pss_mb(host.warden))
        host.stop()
    imports = Floor("bare import", floors)
    return [
        Row("cold start → ready, empty root", first, "ms", floor=imports, budget=times(2)),
        Row("cold start → ready, root in use", again, "ms", floor=imports, budget=times(2)),
        Row("idle memory: hub", hub, "MB"),
        Row("idle memory: hub and warden", both, "MB", budget=most(60)),
    ]


def cli(plan: Plan) -> list[Row]:
    """The delay of a command in a shell."""
    version, trigger, floors = [], [], []
    with plan.host("cli") as host:
        at = ["env", f"FLOE_URL=http://127.0.0.1:{host.port}", f"FLOE_TOKEN={TOKEN}"]
        for _ in plan.rounds(2 * plan.repeats):
            floors.append(machine.python_ms())
            version.append(machine.timed_ms([FLOE, "--version"]))
            trigger.append(machine.timed_ms([*at, FLOE, "trigger", "one"]))
    python = Floor("python -c ''", floors)
    return [
        Row("`floe --version`", version, "ms", floor=python),
        Row("`floe trigger one`", trigger, "ms", floor=python),
    ]


def _rates(plan: Plan, host: Host, repeats: int) -> tuple[list[float], list[float], int]:
    """Runs per second until all are archived, milliseconds of CPU per run, and the number of
    failures."""
    rates, cpu, wrong = [], [], 0
    for _ in plan.rounds(repeats):
        used_s, begun = host.cpu_s(), time.perf_counter()
        plan.stamped("one", flows.RUNS, lambda: host.trigger_many("one", flows.RUNS))
        host.wait_rest()
        rates.append(flows.RUNS / (time.perf_counter() - begun))
        cpu.append((host.cpu_s() - used_s) * 1e3 / flows.RUNS)
        runs = host.get(f"runs?limit={flows.RUNS}")["runs"]
        wrong += sum(not (run["good"] and run["phase"] == "packed") for run in runs)
    return rates, cpu, wrong


def _page_ms(host: Host) -> list[float]:
    taken = []
    for _ in range(PAGES):
        begun = time.perf_counter()
        host.get_bytes("runs?limit=50")
        taken.append((time.perf_counter() - begun) * 1e3)
    return taken


def _answered(host: Host) -> None:
    for _ in range(ANSWERS):
        host.trigger("one")
