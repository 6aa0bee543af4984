"""The peers of a host: known, silent, returned, and of one name."""

from floe.model.ids import HostId
from tests.make_hosts import a_host_core, carry, forget, later, met, phase
from tests.make_members import GPU, H2, problems, two


def test_host_is_known_by_its_first_message() -> None:
    h1, h2 = two()

    member = h1.core.members[H2]

    assert (member.store, member.tags, member.slots) == (h2.store, frozenset({"gpu"}), 64)
    assert h1.rows("member") == {"h2": "h2st0"}


def test_silent_host_gets_nothing_and_its_return_is_enough() -> None:
    h1, h2 = two()
    later(20_000, h1)
    h1.sent.clear()
    ref = h1.start(GPU)
    silent = (phase(h1, ref), problems(h1))

    later(3000, h2)
    carry(h1, h2)

    assert silent == ("pending", ("was not seen for 20 s",))
    assert phase(h1, ref) == "active"


def test_other_store_of_a_host_that_speaks_no_more_is_no_problem_any_more() -> None:
    h1, h2 = two()
    twin = a_host_core("h2", "h2st1")
    twin.step()
    h1.hear(twin.sent[0])
    both = problems(h1)

    for _ in range(6):
        later(2000, h1, h2)
        carry(h1, h2)

    assert both == ("two hosts are called h2: stores h2st0 and h2st1",)
    assert problems(h1) == ()


def test_host_takes_runs_again_once_another_of_its_name_is_silent() -> None:
    h1, _ = met(a_host_core("h1", tags=frozenset({"gpu"})), a_host_core("h2"))
    twin = a_host_core("h1", "h1st1")
    twin.step()
    h1.hear(twin.sent[0])
    ref = h1.start(GPU)
    both = h1.core.problems(h1.now)[HostId("h1")]

    later(10_000, h1)

    assert both == ("two hosts are called h1: stores h1st0 and h1st1",)
    assert phase(h1, ref) == "active"


def test_tags_of_all_hosts_are_known_also_after_a_restart() -> None:
    h1, _ = two()
    known = {"h1": frozenset[str](), "h2": frozenset({"gpu"})}
    before = h1.core.site.hosts

    h1.restart()

    assert (before, h1.core.site.hosts) == (known, known)


def test_forgotten_host_is_none_of_the_hosts_any_more() -> None:
    h1, h2 = two()

    forget(h1, h2)

    assert list(h1.core.site.hosts) == ["h1"]
    assert h1.rows("tags") == {}


def test_host_keeps_its_tags_when_a_second_store_of_its_name_is_forgotten() -> None:
    h1, h2 = two()
    twin = a_host_core("h2", "h2st1")
    twin.step()
    h1.hear(twin.sent[0])

    forget(h1, twin)
    carry(h1, h2)
    h1.restart()

    assert h1.core.site.hosts[H2] == {"gpu"}
