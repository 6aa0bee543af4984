"""Answers of people to the forms of runs: which form they reach, and which are refused."""

import pytest

from floe.host.form_answers import WHY_MAX, answered, data_node
from floe.model.errors import Conflict, NotFound, TooLarge, ValuesInvalid
from floe.model.ids import NodeId
from floe.model.run import Run
from floe.model.signal import DataGiven
from tests.make import a_flow, a_form, a_node, a_run


def asking() -> Run:
    """A run with an open form."""
    return a_run(a_flow(a_form(), a_node("late", on="task.sign-off.good")))


def test_answer_is_typed_by_the_open_form() -> None:
    given = answered(asking(), "task.sign-off", "h1-1", {"ok": "yes"}, good=True, visit=0, by="ada")

    assert given == DataGiven(
        node=NodeId("sign-off"), values={"ok": True}, good=True, by="ada", visit=1
    )


def test_answer_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ValuesInvalid):
        answered(asking(), "sign-off", "h1-1", {"ok": "maybe"}, good=True, visit=0, by="ada")


def test_node_without_a_form_is_answered_with_those_that_have_one() -> None:
    with pytest.raises(NotFound) as raised:
        data_node(asking(), "late")

    assert raised.value.hint == "it has sign-off"


def test_answer_of_an_earlier_visit_is_refused() -> None:
    with pytest.raises(Conflict, match="visit 7 of the form sign-off of h1-1 is not open"):
        answered(asking(), "sign-off", "h1-1", {"ok": True}, good=True, visit=7, by="ada")


def test_long_reason_of_a_rejection_is_refused() -> None:
    why = "x" * (WHY_MAX + 1)

    with pytest.raises(TooLarge):
        answered(asking(), "sign-off", "h1-1", {}, good=False, visit=0, by="ada", why=why)
