"""Each type of task has its opts and its builder, and each work of the model a type of task."""

from typing import get_args, get_type_hints

from floe.dialects.floe.tasks import BUILDERS
from floe.dialects.floe.vocabulary import TASK_TYPES
from floe.model.flow import Join, Work


def test_each_type_of_task_has_a_builder() -> None:
    assert list(BUILDERS) == list(TASK_TYPES)


def test_each_work_is_built_by_some_type_of_task() -> None:
    built = {get_type_hints(build)["return"] for build in BUILDERS.values()}

    assert built == {*get_args(Work)} - {Join}  # which is what a merge does
