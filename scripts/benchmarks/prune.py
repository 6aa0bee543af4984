"""What other work costs while a host removes its history."""

import time

from floe.cli.client import Account, Client
from scripts.benchmarks.figures import Floor, Row, most
from scripts.benchmarks.history import fill
from scripts.benchmarks.host import TOKEN, Host
from scripts.benchmarks.plan import Plan

KEPT = 100


def prune(plan: Plan) -> list[Row]:
    """From a trigger to the first process, before and while old runs are removed."""
    with plan.host("prune") as host:
        plan.stamped("one", 1, lambda: host.trigger("one"))
        host.wait_rest()
        host.stop()
        fill(host.root, plan.history)
        host.start()
        client = Client(Account(url=f"http://127.0.0.1:{host.port}", token=TOKEN))

        def started_ms() -> float:
            begun = time.time_ns()
            [stamp] = plan.stamped("one", 1, lambda: host.trigger("one"))
            return (stamp - begun) / 1e6

        for _ in range(5):
            started_ms()
        before = [started_ms() for _ in plan.rounds(plan.triggers)]
        client.post("hosts/h1/prune", {"flow": "one", "keep": {"runs": KEPT}})
        begun, first = time.perf_counter(), removed(host)
        taken: list[float] = []
        while removed(host) < plan.history - KEPT:
            taken += [started_ms() for _ in plan.rounds(plan.triggers)]
        rate = (removed(host) - first) / (time.perf_counter() - begun)
        host.wait_rest()
        client.close()
    what = "trigger sent → first process"
    during = f"while {plan.history:,} runs are removed"
    return [
        Row(f"{what}, before the removal, p95", before, "ms", percent=95),
        Row(f"{what}, {during}, p50", taken, "ms", floor=Floor("before", before), budget=most(10)),
        Row(f"{what}, {during}, p95", taken, "ms", percent=95, budget=most(20)),
        Row("runs removed meanwhile", [rate], "runs/s"),
    ]


def removed(host: Host) -> int:
    """The runs that a host has removed since its start."""
    metrics = host.get_bytes("metrics").decode()
    [line] = [line for line in metrics.splitlines() if line.startswith("floe_pruned_runs ")]
    return int(float(line.split()[1]))
