"""The sizes of workspaces, measured without a claim on the processor."""

import time
from pathlib import Path

import pytest

from floe.model.ids import FlowId
from floe.nodes.base import Space
from floe.nodes.space_sizes import NAP_FILES, MeasuredSpaces
from floe.nodes.workspaces import Workspaces


def test_empty_workspaces_are_measured_with_rests_as_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spaces, rests = Workspaces(tmp_path), list[float]()
    monkeypatch.setattr(time, "sleep", rests.append)
    spaces._own()
    for number in range(1, 2 * NAP_FILES + 1):
        spaces.path(Space(FlowId("flow"), f"h1-{number}@k3f9")).mkdir(parents=True)

    measured = MeasuredSpaces(spaces).measure(())

    assert len(measured) == 2 * NAP_FILES
    assert len(rests) == 2
