"""Each action of the model has an executor."""

from pathlib import Path
from typing import get_args

from floe.model.work import Action
from floe.nodes.executors import executors_of
from floe.nodes.preparation import CommandSettings


def test_each_action_has_an_executor(tmp_path: Path) -> None:
    executors = executors_of(tmp_path, CommandSettings(host="h1", workspace_root=tmp_path))

    assert set(executors) == set(get_args(Action))
