"""The problems and differences of hosts, from what one host knows about the others."""

from floe.host.site import SiteSettings
from tests.make import H1
from tests.make_fleet import H2, a_fleet, a_member


def test_host_alone_has_only_the_problem_of_its_clock() -> None:
    fleet = a_fleet(clock="its clock jumped", disagreement="they differ", timed=("build@1",))

    assert fleet.problems() == {H1: ["its clock jumped"]}


def test_disagreement_about_the_keeper_is_a_problem() -> None:
    problems = a_fleet(a_member(), disagreement="h2 has keeper h2").problems()

    assert "no timer fires" in problems[H1][0]


def test_faults_of_the_core_come_with_their_host() -> None:
    problems = a_fleet(a_member(), faults={H2: ["was not seen"]}).problems()

    assert problems == {H1: [], H2: ["was not seen"]}


def test_flow_with_a_different_body_is_a_problem_of_the_other_host() -> None:
    there = a_member(flows={"build@1": "y", "test@1": "z"})

    problems = a_fleet(there, about={"flows": {"build@1": "x", "test@1": "z"}}).problems()

    assert problems[H2] == ["has other flows under the same name and version: build@1"]


def test_flow_that_the_keeper_lacks_is_never_fired() -> None:
    settings = SiteSettings(id=H1, tags=frozenset(), workspace_root="/", peers=1, keeper=H2)
    there = a_member(flows={"test@1": "z"})

    problems = a_fleet(there, host=settings, timed=("build@1", "test@1")).problems()

    assert problems[H1] == ["keeper h2 lacks build@1: nothing fires their timers and polls"]


def test_keeper_that_reports_no_flow_may_not_have_read_any() -> None:
    settings = SiteSettings(id=H1, tags=frozenset(), workspace_root="/", peers=1, keeper=H2)

    problems = a_fleet(a_member(flows={}), host=settings, timed=("build@1",)).problems()

    assert problems[H1] == []


def test_missing_flow_and_different_common_are_notes() -> None:
    there = a_member(flows={"test@1": "z"}, common={"grace": "1"})
    here = {"flows": {"build@1": "x", "test@1": "z"}, "common": {"grace": "2"}}

    notes = a_fleet(there, about=here).notes()

    assert notes == {
        H1: [],
        H2: [
            "lacks build@1, which other hosts have",
            "its `common:` differs from this host's: grace",
        ],
    }


def test_flow_is_found_at_another_host_by_id_and_by_version() -> None:
    fleet = a_fleet(a_member(flows={"test@2": "z"}))

    assert [fleet.hosts_with(name) for name in ("test", "test@2", "test@1")] == [[H2], [H2], []]
