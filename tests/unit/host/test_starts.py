"""The start of a run."""

from floe.model.event import RunPended
from floe.model.ids import HostId
from tests.make_core import a_core, a_start, events_of, stepped


def test_start_for_one_host_is_recorded_with_that_host() -> None:
    core = a_core()

    decided = stepped(core, a_start(only=HostId("h9")))

    [pended] = [event for event in events_of(decided) if isinstance(event, RunPended)]
    assert pended.only == "h9"
    assert len(core.table.pends) == 1
