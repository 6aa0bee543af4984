"""What scripts/bench makes of figures; the figures themselves are no test's business."""

import json
from pathlib import Path

import pytest

from floe.dialects.registry import dialect
from scripts.benchmarks.figures import (
    Budget,
    Floor,
    Row,
    least,
    least_times,
    most,
    percentile,
    table,
    times,
)
from scripts.benchmarks.flows import STEPS, WIDTH, config
from scripts.benchmarks.listen import events


def a_row(figure: float, budget: Budget | None = None) -> Row:
    return Row("chain", [figure], "ms", floor=Floor("sh", [2.0]), budget=budget)


def a_frame(seq: int) -> bytes:
    text = json.dumps({"type": "event", "seq": seq, "why": "x" * 200}).encode()
    return b"\x81\x7e" + len(text).to_bytes(2, "big") + text


@pytest.mark.parametrize(
    ("budget", "verdict"),
    [
        (most(8), "met"),
        (most(7.9), "MISSED"),
        (least(8), "met"),
        (least(8.1), "MISSED"),
        (times(4), "met"),
        (times(3.9), "MISSED"),
        (least_times(4), "met"),
        (least_times(4.1), "MISSED"),
        (None, ""),
    ],
)
def test_verdict_holds_figure_or_ratio_against_the_bound(
    budget: Budget | None, verdict: str
) -> None:
    assert a_row(8, budget).verdict == verdict


@pytest.mark.parametrize(("percent", "value"), [(50, 10.5), (95, 19), (100, 20), (1, 1)])
def test_percentile_is_a_value_that_so_many_do_not_exceed(percent: int, value: float) -> None:
    assert percentile([*range(20, 0, -1)], percent) == value


def test_table_shows_figure_floor_ratio_and_budget() -> None:
    row = Row("chain", [7, 8, 12], "ms", floor=Floor("sh", [2, 3, 2]), budget=times(4))

    line = table([row]).splitlines()[-1]

    cells = [cell.strip() for cell in line.strip("|").split("|")]
    assert cells == ["chain", "8.00 ms (7.00–12.0)", "2.00 sh", "4.00 ×", "≤ 4.00 ×", "met"]


def test_frames_are_read_across_the_pieces_they_came_in() -> None:
    data = a_frame(1) + a_frame(2)

    heard = events([(10, data[:300]), (20, data[300:])])

    assert [(one.at_ns, one.shape["seq"]) for one in heard] == [(10, 1), (20, 2)]


def test_half_a_frame_is_not_taken_for_rest() -> None:
    with pytest.raises(ValueError, match="half a frame"):
        events([(10, a_frame(1)[:-1])])


def test_measured_flows_are_valid_and_as_large_as_described() -> None:
    compiled = dialect().flows(config(Path("/bench"), Path("/bench/stamp")), "bench")

    sizes = {str(flow.id): len(flow.nodes) for flow in compiled.flows}
    assert not compiled.findings
    assert (sizes["chain"], sizes["fan"]) == (STEPS, WIDTH + 3)
