"""Hosts as JSON: in one order, with figures even where a host reported none."""

from floe.peers.base import Seen
from floe.shapes.hosts import host_shapes
from tests.make import H1
from tests.make_fleet import FIGURES, H2, a_fleet, a_member


def test_url_that_never_answered_is_shown_after_the_hosts() -> None:
    seen = (Seen(url="http://there", host=H2), Seen(url="http://nowhere"))

    shapes = host_shapes(a_fleet(a_member(**FIGURES), seen=seen))

    assert [(one["id"], one.get("url", "")) for one in shapes] == [
        ("h1", ""),
        ("h2", "http://there"),
        ("", "http://nowhere"),
    ]


def test_own_host_comes_first_and_is_the_keeper_if_it_is_alone() -> None:
    [own] = host_shapes(a_fleet())

    assert (own["id"], own["self"], own["keeper"]) == (H1, True, True)


def test_host_of_an_earlier_version_shows_its_configured_commands() -> None:
    about = {key: value for key, value in FIGURES.items() if key != "commands_at_once"}

    [_, other] = host_shapes(a_fleet(a_member(**about)))

    assert other["commands_at_once"] == FIGURES["commands"]


def test_problem_of_a_connection_is_a_problem_of_its_host() -> None:
    seen = (Seen(url="http://h2", host=H2, problem="its certificate has expired"),)

    [_, other] = host_shapes(a_fleet(a_member(**FIGURES), seen=seen))

    assert other["problems"] == ["its certificate has expired"]
