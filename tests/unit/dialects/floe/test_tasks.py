"""Each work of the model is that of a type of task, whose opts are enough to make it."""

from dataclasses import fields
from typing import get_args, get_type_hints

import pytest

from floe.dialects.floe.tasks import BUILDERS
from floe.dialects.floe.vocabulary import TASK_TYPES, TaskType
from floe.model.call import Call
from floe.model.work import Join, Work


def test_each_work_is_that_of_a_type_of_task() -> None:
    of_other_dialects = {Call}

    works = {*get_args(Work)} - {Join, *of_other_dialects}
    assert {type_.work for type_ in TASK_TYPES.values()} == works


def test_builder_builds_the_work_of_its_type() -> None:
    built = {name: get_type_hints(build)["return"] for name, build in BUILDERS.items()}

    assert built == {name: TASK_TYPES[name].work for name in BUILDERS}


@pytest.mark.parametrize("name", sorted(TASK_TYPES.keys() - BUILDERS.keys()))
def test_opts_of_a_type_without_a_builder_are_the_fields_of_its_work(name: str) -> None:
    type_: TaskType = TASK_TYPES[name]

    named = {key.name.replace("-", "_") for key in type_.opts.keys}

    assert named == {field.name for field in fields(type_.work)}
