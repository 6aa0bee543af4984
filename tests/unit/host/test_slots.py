"""Which runs take a slot: those with a command, or with one to start."""

from floe.model.ids import NodeId
from floe.model.signal import DataGiven
from tests.make import a_flow, a_form, a_node, a_timer
from tests.make_core import BUILD, a_core, begun, ended, phases, stepped, to


def test_run_that_waits_for_a_form_or_a_timer_takes_no_slot() -> None:
    core = a_core(slots=1)

    runs = begun(core, a_flow(a_form()), a_flow(a_timer()), BUILD)

    assert phases(core, *runs) == ["active"] * 3
    assert core.table.active == 1


def test_slot_is_free_once_only_a_form_is_open() -> None:
    core = a_core(slots=1)
    first, second = begun(core, a_flow(a_node("build"), a_form(on="task.build.good")), BUILD)

    ended(core, first)
    stepped(core)

    assert phases(core, first, second) == ["active", "active"]


def test_run_goes_on_after_its_form_though_all_slots_are_taken() -> None:
    core = a_core(slots=1)
    first, _ = begun(core, a_flow(a_form(), a_node("ship", on="task.sign-off.good")), BUILD)

    stepped(core, to(first, DataGiven(node=NodeId("sign-off"), values={}, good=True, by="bob")))

    assert core.table.active == 2
    assert not core.site.has_room


def test_command_after_command_keeps_the_slot() -> None:
    core = a_core(slots=1)
    flow = a_flow(a_node("build"), a_node("ship", on="task.build.good"))
    first, second = begun(core, flow, BUILD)

    ended(core, first)

    assert not core.is_behind
    assert phases(core, first, second) == ["active", "pending"]
