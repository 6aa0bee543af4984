"""By hand, and long: a cluster in a storm of as many runs and minutes as are asked for.

scripts/chaos runs it. It is no test: those have a short storm of their own.
"""

import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import cycle, islice
from pathlib import Path

from tests.acceptance.cluster import Cluster, Network, clustered
from tests.acceptance.cluster_faults import KINDS, OF_HOSTS, OF_LINKS, plan
from tests.acceptance.cluster_flows import TAGS, write
from tests.acceptance.cluster_netns import Namespaces
from tests.acceptance.cluster_storm import Storm, Tally


def storm(
    folder: Path, *, hosts: int, runs: int, minutes: float, seed: int, in_namespaces: bool
) -> Tally:
    """Let a cluster live through it, and say what it came to."""
    tags = {f"h{n}": has for n, has in enumerate(islice(cycle(TAGS.values()), hosts), 1)}
    seconds = minutes * 60
    kinds = (*OF_HOSTS, *OF_LINKS) if in_namespaces else KINDS
    faults = plan(seed, seconds, list(tags), kinds)
    begun = time.monotonic()

    def say(what: str) -> None:
        sys.stdout.write(f"{time.monotonic() - begun:6.1f} s  {what}\n")
        sys.stdout.flush()

    say(f"seed {seed}: {runs} runs on {hosts} hosts, {len(faults)} faults in {seconds:g} s")
    networks = namespaced(folder, tags) if in_namespaces else clustered(folder, tags=tags)
    with networks as (cluster, network):
        say("the hosts have met")
        return Storm(cluster, network, seed, say).rage(runs, faults, seconds)


@contextmanager
def namespaced(folder: Path, tags: dict[str, str]) -> Iterator[tuple[Cluster, Network]]:
    """A cluster that has started and met, each host in a network namespace of its own."""
    folder.mkdir(parents=True)
    cluster = Cluster(folder, write(folder), tags)
    with ExitStack() as stack:
        cluster.network = stack.enter_context(Namespaces(list(tags)).serving(cluster))
        stack.callback(cluster.close)
        for id in tags:
            cluster.configure(id)
        cluster.start()
        cluster.until_met(*tags)
        yield cluster, cluster.network
