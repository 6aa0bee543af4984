"""Personal tokens in a cluster of three processes: made at any host, kept by one, used at all."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from floe.cli.client import Account, Client
from floe.model.errors import Denied, FloeError, Theirs
from tests.acceptance.cluster import Cluster, Member, clustered
from tests.acceptance.cluster_flows import KEEPER
from tests.acceptance.product import until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

AWAY = f"{KEEPER} keeps the tokens and does not answer; nothing changes until it is back"


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    with clustered(tmp_path / "cluster", "") as (cluster, _):
        until(lambda: is_made(cluster[KEEPER]), "the keeper's first token")
        yield cluster


def is_made(host: Member) -> bool:
    """Whether a host makes a token now; a keeper that starts counts the hosts first."""
    try:
        made(host, "first")
    except FloeError:
        return False
    return True


def others(cluster: Cluster) -> list[Member]:
    """The hosts that copy the tokens."""
    return [cluster[id] for id in ("h1", "h2", "h3") if id != KEEPER]


def made(host: Member, name: str = "laptop") -> str:
    """A personal token, made at a host."""
    return str(host.api.post("login", {"personal": name})["token"])


def answer(host: Member, token: str) -> str:
    """What a host answers to a request with a token: empty if it lets it in, or why not."""
    client = Client(Account(url=f"http://{host.address}", token=token))
    try:
        client.get("runs")
    except Denied:
        return "refused"
    except FloeError as error:
        return str(error)
    finally:
        client.close()
    return ""


def named(host: Member) -> dict[str, str]:
    """The ids of the tokens that a host lists, by name."""
    return {token["name"]: token["id"] for token in host.api.get("tokens")["tokens"]}


def test_token_counts_at_each_host_as_soon_as_it_is_made(cluster: Cluster) -> None:
    second, third = others(cluster)

    token = made(second)

    assert [answer(host, token) for host in (third, second, cluster[KEEPER])] == ["", "", ""]


def test_token_that_is_revoked_at_one_host_ends_at_all(cluster: Cluster) -> None:
    second, third = others(cluster)
    token = made(cluster[KEEPER])
    assert answer(third, token) == ""

    until(lambda: "laptop" in named(second), "the token in the list of a different host")
    second.api.delete(f"tokens/{named(second)['laptop']}")

    hosts = (second, third, cluster[KEEPER])
    until(lambda: all(answer(host, token) == "refused" for host in hosts), "its end everywhere")


def test_tokens_work_while_the_keeper_is_dead_and_none_changes(cluster: Cluster) -> None:
    keeper, (second, third) = cluster[KEEPER], others(cluster)
    token = made(second)
    assert answer(third, token) == ""
    keeper.kill()

    def is_refused() -> bool:
        with pytest.raises(Theirs) as raised:
            made(second, "other")
        return AWAY in str(raised.value)

    until(is_refused, "the refusal that names the keeper")

    assert [answer(host, token) for host in (second, third)] == ["", ""]
    assert AWAY in answer(third, "floe_" + "x" * 43)
    assert second.api.get("tokens")["old"].startswith(f"{KEEPER} was not seen for")
    keeper.start()
    until(lambda: second.api.get("tokens")["old"] == "", "the keeper")
    assert named(keeper).keys() == {"first", "laptop"}
    assert answer(third, made(second, "other")) == ""


def test_keeper_that_lost_its_store_revokes_nothing(cluster: Cluster) -> None:
    keeper, (second, third) = cluster[KEEPER], others(cluster)
    kept, revoked = made(second, "kept"), made(second, "revoked")
    second.api.delete(f"tokens/{named(second)['revoked']}")
    assert answer(third, kept) == ""

    keeper.lose_store(second, third)

    until(lambda: named(keeper).keys() == {"first", "kept"}, "the tokens at the new store")
    assert [answer(host, kept) for host in (keeper, second, third)] == ["", "", ""]
    assert all(answer(host, revoked) == "refused" for host in (keeper, second, third))
    assert answer(third, made(keeper, "new")) == ""
