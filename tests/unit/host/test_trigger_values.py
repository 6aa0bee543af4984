"""Tests of the values that a trigger gives."""

from floe.host.trigger_values import initial_values, ref_values, trigger_values
from floe.model.flow import Trigger
from floe.model.form import Field, Form
from floe.model.ids import NodeId
from floe.model.work import Git


def test_key_of_a_repository_is_no_value() -> None:
    git = Git(url="git@forge:a.git", from_branch="main", key_file="/keys/a")

    assert trigger_values(git) == {"url": "git@forge:a.git", "from-branch": "main"}


def test_branch_is_the_short_name_of_a_ref() -> None:
    values = ref_values(Git(url="u"), "refs/tags/v1", "abc")

    assert values == {"url": "u", "branch": "v1", "ref": "refs/tags/v1", "hash": "abc"}


def test_trigger_gives_the_initial_values_of_its_form() -> None:
    fields = (Field(id="a", prompt="A", value="x"), Field(id="b", prompt="B", required=False))
    trigger = Trigger(id=NodeId("t"), type="timer", name="T", form=Form(title="T", fields=fields))

    assert initial_values(trigger) == {"a": "x"}
