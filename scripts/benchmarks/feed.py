"""The feed: order, delay, bytes, and the effect of bad clients."""

import time
from collections.abc import Sequence

from scripts.benchmarks.figures import Floor, Row, most, times
from scripts.benchmarks.host import Host
from scripts.benchmarks.listen import Chunks, Heard, Listeners, connect, events, kill, send
from scripts.benchmarks.plan import Plan

CLIENTS = 10
STUCK_BYTES = 4096
"""Receive buffer of a client that does not read; the smallest possible."""
FILL_S = 0.5
"""Time until every buffer between hub and that client is full."""


def feed(plan: Plan) -> list[Row]:
    """Chains and fan-outs with ten clients; every second fan-out with two bad ones in addition."""
    slow: list[Heard] = []
    burst: list[Heard] = []
    spans, disturbed, sizes, wrong = [], [], [], 0
    with plan.host("feed") as host, Listeners(host, CLIENTS) as listeners:
        output = host.wait_packed(host.trigger("log"))["id"]
        listeners.take()
        plan.span_ms(host, "fan")
        listeners.take()
        for _ in plan.rounds(plan.repeats):
            plan.span_ms(host, "chain")
            wrong += _judged(listeners.take(), slow)
        for _ in plan.rounds(max(plan.repeats, 5)):  # alternately: a busy minute affects both
            spans.append(plan.span_ms(host, "fan"))
            taken = listeners.take()
            sizes += [sum(len(data) for _, data in chunks) / 1e3 for chunks in taken]
            wrong += _judged(taken, burst)
            disturbed.append(_disturbed_ms(plan, host, output))
            wrong += _judged(listeners.take(), [])
    delays = [heard.delay_ms for heard in slow]
    burst_delays = [heard.delay_ms for heard in burst]
    what = f"feed, {CLIENTS} clients"
    return [
        Row(f"{what}: clients with a gap or out of order", [wrong], "", budget=most(0)),
        Row(f"{what}: fact → client, chain, p50", delays, "ms", budget=most(10)),
        Row(f"{what}: fact → client, chain, p95", delays, "ms", percent=95, budget=most(10)),
        Row(f"{what}: fact → client, fan-out, p50", burst_delays, "ms", budget=most(10)),
        Row(
            f"{what}: fact → client, fan-out, p95",
            burst_delays,
            "ms",
            percent=95,
            budget=most(10),
        ),
        Row(f"{what}: a fan-out of 200, a client", sizes, "kB", budget=most(150)),
        Row(
            f"{what}: fan-out with one stuck and one killed",
            disturbed,
            "ms",
            floor=Floor("without", spans),
            budget=times(1.1),
        ),
    ]


def _judged(taken: Sequence[Chunks], heard: list[Heard]) -> int:
    """How many clients missed an event or got it out of order; adds the common events."""
    wrong = 0
    for chunks in taken:
        got = events(chunks)
        heard += got
        seqs = [one.shape["seq"] for one in got]
        places = [int(one.shape["pos"]) for one in got]
        wrong += seqs != list(range(1, len(seqs) + 1)) or places != sorted(set(places))
    return wrong


def _disturbed_ms(plan: Plan, host: Host, output: str) -> float:
    """A fan-out while one client does not read and a second is killed."""
    stuck, killed = connect(host, STUCK_BYTES), connect(host)

    def trigger() -> None:
        host.trigger("fan")
        kill(killed)

    try:
        # Events alone would take minutes to fill the machine's buffers; an output fills them
        # quickly.
        send(stuck, {"watch": {"run": output, "node": "step"}})
        time.sleep(FILL_S)
        first, last = plan.stamped("fan", 2, trigger)
        host.wait_rest()
    finally:
        stuck.close()
    return (last - first) / 1e6
