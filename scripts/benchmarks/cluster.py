"""The cost of a second host: from a trigger at one host to the first process on the other."""

import time
from contextlib import ExitStack

from scripts.benchmarks import flows, machine
from scripts.benchmarks.figures import Floor, Row, most
from scripts.benchmarks.host import Host, wait
from scripts.benchmarks.plan import Plan
from tests.ports import free_port

HERE, THERE = "h1", "h2"
MET_S = 60.0


def cluster(plan: Plan) -> list[Row]:
    """A run that its adopter cannot execute, offered to the one host that can."""
    taken, floors = [], []
    with ExitStack() as stack:
        ports = {id: free_port() for id in (HERE, THERE)}
        hosts = {}
        for id, port in ports.items():
            folder = plan.folder / f"cluster-{id}"
            folder.mkdir()
            known = {"hosts": [f"http://127.0.0.1:{p}" for p in ports.values()], "keeper": HERE}
            config = flows.config(plan.folder, plan.stamp, known)
            hosts[id] = stack.enter_context(
                Host(folder, config, "--host-name", id, "--tags", id, port=port)
            )
        here = hosts[HERE]
        wait(lambda: len(here.get("hosts")["hosts"]) == 2, MET_S, "the hosts to meet")
        plan.stamped("away", 1, lambda: here.trigger("away"))
        for _ in plan.rounds(plan.triggers):
            floors.append(machine.sh_loop_ms(1))
            begun = time.time_ns()
            [stamp] = plan.stamped("away", 1, lambda: here.trigger("away"))
            taken.append((stamp - begun) / 1e6)
            here.wait_rest()
    what = "trigger sent → first process on another host"
    return [
        Row(f"{what}, p50", taken, "ms", floor=Floor("sh", floors), budget=most(20)),
        Row(f"{what}, p95", taken, "ms", percent=95, budget=most(40)),
    ]
