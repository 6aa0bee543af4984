"""The problems and differences of hosts, from what one host knows about the others."""

from typing import Any

from floe.host.peers.member import Member
from floe.host.site import HostSettings
from floe.model.message import Ping
from floe.model.refs import HostId, Instant, StoreId
from floe.peers.base import Seen
from floe.shapes.fleet import Fleet
from floe.shapes.hosts import host_shapes
from tests.make import H1, NOW, a_host

H2 = HostId("h2")
FIGURES: dict[str, Any] = {
    "version": "1",
    "started_at": None,
    "pending": 0,
    "load": 0.5,
    "cpus": 2,
    "commands": 4,
    "commands_at_once": 4,
    "commands_why": "",
    "running": 0,
    "waiting": 0,
    "config": {},
}


def a_member(**about: Any) -> Member:
    """h2, which reports these figures."""
    ping = Ping(at=Instant(0), tags=frozenset(), slots=4, about=about)
    return Member(id=H2, store=StoreId("aaaa"), seen_at=NOW, ping=ping, stale=False)


def a_fleet(*members: Member, about: dict[str, Any] | None = None, **others: Any) -> Fleet:
    """The hosts as h1 knows them, with h1 as the keeper."""
    settings = HostSettings(
        id=H1, tags=frozenset(), workspace_root="/", peers=len(members), keeper=H1
    )
    made: dict[str, Any] = {"now": NOW, "host": settings, "view": a_host("h1"), "members": members}
    return Fleet(**(made | {"about": FIGURES | (about or {})} | others))


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
    settings = HostSettings(id=H1, tags=frozenset(), workspace_root="/", peers=1, keeper=H2)
    there = a_member(flows={"test@1": "z"})

    problems = a_fleet(there, host=settings, timed=("build@1", "test@1")).problems()

    assert problems[H1] == ["keeper h2 lacks build@1: nothing fires their timers and polls"]


def test_keeper_that_reports_no_flow_may_not_have_read_any() -> None:
    settings = HostSettings(id=H1, tags=frozenset(), workspace_root="/", peers=1, keeper=H2)

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


def test_url_that_never_answered_is_shown_after_the_hosts() -> None:
    seen = (Seen(url="http://there", host=H2), Seen(url="http://nowhere"))

    shapes = host_shapes(a_fleet(a_member(**FIGURES), seen=seen))

    assert [(one["id"], one.get("url", "")) for one in shapes] == [
        ("h1", ""),
        ("h2", "http://there"),
        ("", "http://nowhere"),
    ]
