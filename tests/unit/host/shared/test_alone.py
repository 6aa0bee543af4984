"""The shared rows of a host that is its own keeper."""

import pytest

from floe.host.inputs import CatchUp
from floe.model.ids import HostId
from tests.make_hosts import Host, a_host_core
from tests.make_shared import a_write, answered, row_of, values


@pytest.fixture(params=[0, 1], ids=["single", "without keeper"])
def host(request: pytest.FixtureRequest) -> Host:
    return a_host_core("h1", peers=request.param)


def test_row_is_written_at_once(host: Host) -> None:
    reply = answered(host, a_write())

    assert (reply.changed, reply.number, values(host)) == (True, 1, [1])


def test_row_survives_a_restart(host: Host) -> None:
    host.step(a_write())

    host.restart()

    assert values(host) == [1]
    assert answered(host, a_write("b")).number == 2


def test_nothing_has_to_be_caught_up_with(host: Host) -> None:
    host.step(a_write())

    assert answered(host, CatchUp()).number == 1


def test_host_is_its_own_keeper(host: Host) -> None:
    sharing = host.core.sharing

    assert (sharing.keeper, sharing.age(host.now), sharing.advertised()) == (
        HostId("h1"),
        "",
        (0, 0),
    )


def test_rows_stay_when_the_host_leaves_its_cluster(host: Host) -> None:
    host.restart(peers=1, keeper=HostId("h1"))
    host.restart(peers=0, keeper=None)

    host.step(a_write())

    assert row_of(host) is not None
