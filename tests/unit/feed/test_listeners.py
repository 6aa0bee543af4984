"""Where a listener of a host alone begins."""

from floe.feed.feed import Feed
from floe.feed.listeners import Listeners
from floe.feed.subscription import Subscription
from tests.make_feeds import Cluster, Host


async def alone() -> tuple[Host, Listeners]:
    """A host without others, and what opens its listeners."""
    host = Host("h1", Cluster())
    await host.store.open()
    feed: Feed = host.feed
    return host, Listeners(feed, host.directory, None)


async def test_host_alone_is_at_the_head_of_its_own_feed() -> None:
    host, listeners = await alone()
    await host.adopt()

    assert listeners.pos == str(host.feed.head) == "1"


async def test_position_of_a_cluster_is_read_for_this_store() -> None:
    host, listeners = await alone()
    await host.adopt()

    with listeners.listen(f"{host.store.store_id}:1") as listening:
        assert isinstance(listening, Subscription)
