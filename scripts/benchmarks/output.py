"""Output: the cost of a command that prints much, and the delay of a follower."""

import socket
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime

from scripts.benchmarks import flows, machine
from scripts.benchmarks.figures import Floor, Row, most, times
from scripts.benchmarks.host import TOKEN, Host
from scripts.benchmarks.plan import Plan

BYTES = flows.LINES * (len(flows.LINE) + 1)
CHUNK = 1 << 18


def output(plan: Plan) -> list[Row]:
    """A long output alone, the same with a follower, and a slow one with a follower."""
    taken, archived, floors, grown, grown_followed, behind = [], [], [], [], [], []
    to_file = f"yes {flows.LINE} | head -n {flows.LINES} > {plan.folder}/floor.log"
    with plan.host("output") as host:
        host.wait_packed(host.trigger("log"))
        for _ in plan.rounds(plan.repeats):
            floors.append(machine.timed_ms(["sh", "-c", to_file]))
            (plan.folder / "floor.log").unlink()
            before = machine.pss_mb(host.hub)
            with machine.peak_of(host.hub) as peak:
                run = host.wait_packed(host.trigger("log"))
            grown.append(peak.mb - before)
            [node] = run["nodes"]
            if node["output_bytes"] != BYTES:
                raise ValueError(f"{node['output_bytes']} bytes of output, not {BYTES}")
            taken.append(_ms(node["ended_at"]) - _ms(node["started_at"]))
            archived.append(_archived_ms(host, run["id"]))
        for _ in plan.rounds(plan.repeats):
            before = machine.pss_mb(host.hub)
            with machine.peak_of(host.hub) as peak:
                behind.append(_behind_ms(host))
            grown_followed.append(peak.mb - before)
        delays = _delays_ms(host)
    what = f"{BYTES // 10**6} MB, {flows.LINES:,} lines of output"
    line = f"a line every {flows.TICK_MS} ms: written → at the follower"
    return [
        Row(what, taken, "ms", floor=Floor("sh > file", floors), budget=times(1.5)),
        Row(
            f"{what}: trigger → archived with digest",
            archived,
            "ms",
            floor=Floor("sh > file", floors),
        ),
        Row(f"{what}: hub grows by", grown, "MB", budget=most(5)),
        Row(f"{what}, followed: hub grows by", grown_followed, "MB", budget=most(5)),
        Row(f"{what}, followed: end → last byte", behind, "ms", budget=most(100)),
        Row(f"{line}, p50", delays, "ms"),
        Row(f"{line}, p95", delays, "ms", percent=95, budget=most(100)),
    ]


def _archived_ms(host: Host, run: str) -> float:
    events = host.get(f"runs/{run}/events")["events"]
    return _ms(events[-1]["at"]) - _ms(events[0]["at"])


def _behind_ms(host: Host) -> float:
    run = host.trigger("log")
    *_, last_ns = (at_ns for at_ns, _ in _followed(host, run))
    [node] = host.wait_packed(run)["nodes"]
    return last_ns / 1e6 - _ms(node["ended_at"])


def _delays_ms(host: Host) -> list[float]:
    run, delays, rest = host.trigger("ticks"), [], b""
    for at_ns, data in _followed(host, run):
        # The chunk headers are on their own lines, shorter than a timestamp.
        *lines, rest = (rest + data).split(b"\n")
        stamps = [int(line) for line in lines if len(line) == machine.STAMP_BYTES - 1]
        delays += [(at_ns - stamp) / 1e6 for stamp in stamps]
    host.wait_packed(run)
    if len(delays) != flows.TICKS:
        raise ValueError(f"{len(delays)} of {flows.TICKS} lines")
    return delays


def _followed(host: Host, run: str) -> Iterator[tuple[int, bytes]]:
    """The times at which the bytes of a run's output arrived, as chunked by HTTP."""
    lines = [
        f"GET /build/api/runs/{run}/nodes/step/log?follow=true HTTP/1.1",
        f"Host: 127.0.0.1:{host.port}",
        f"X-Floe-Auth: {TOKEN}",
    ]
    with closing(socket.create_connection(("127.0.0.1", host.port))) as client:
        client.sendall("\r\n".join([*lines, "", ""]).encode())
        end = b""
        while end != b"0\r\n\r\n":
            data = client.recv(CHUNK)
            at_ns = time.time_ns()
            if not data:
                raise ConnectionError(f"the output of {run} was cut off")
            end = (end + data[-5:])[-5:]
            yield at_ns, data


def _ms(at: str) -> float:
    return datetime.fromisoformat(at).timestamp() * 1e3
