"""A host without peers."""

from floe.model.ids import HostId
from tests.make import NOW
from tests.make_hosts import a_host_core


def test_host_alone_pings_nobody_and_has_no_problems() -> None:
    h1 = a_host_core("h1", peers=0)

    decided = h1.step()

    assert (decided.messages, decided.next_due) == ((), None)
    assert (h1.core.problems(NOW), h1.core.members) == ({HostId("h1"): ()}, {})
