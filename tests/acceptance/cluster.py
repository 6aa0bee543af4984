"""A cluster as its users have it: three `floe host` processes on ports of their own.

Each finds each of the others through a proxy of its own, which the test can make faulty. Nothing
here sleeps for luck.
"""

import shutil
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from itertools import permutations
from pathlib import Path
from typing import Protocol

from floe.cli.client import Account, Client
from floe.model.errors import Theirs
from tests.acceptance.cluster_flows import KEEPER, TAGS, write
from tests.acceptance.product import TOKEN, Host, Process, Program, Shape, until
from tests.acceptance.warm import floe_host
from tests.proxy import Proxy

WEST = """
  - name: west
    host-tags: [west]
    triggers: [{name: start, type: data}]
    tasks:
      - {name: say, type: exec, listen: trigger.good, opts: {cmd: echo west}}
      - {name: done, type: end, listen: task.say.good}
"""
"""A flow for hosts with one tag."""


class Member(Host):
    """One host of a cluster. `$HERE` in the config is the folder that all hosts share."""

    def __init__(self, folder: Path, id: str, tags: str, token: str) -> None:
        folder.mkdir()
        super().__init__(folder, "")
        self.id = id
        options = {"HOST_NAME": id, "TAGS": tags, "ADMIN": token, "HOSTS": ""}
        self.options = {f"FLOE_{name}": value for name, value in options.items()}
        self.move(self.address)
        self.program: Program = floe_host
        self.is_frozen = False

    def spawn(
        self, program: Program | None = None, env: Mapping[str, str] | None = None
    ) -> Process:
        """Start it, no more."""
        self.is_frozen = False
        return super().spawn(program or self.program, {**self.options, **(env or {})})

    def move(self, address: str) -> None:
        """Answer there from the next start on."""
        self.address = address
        self.api.close()
        self.api = Client(Account(url=f"http://{address}", token=self.options["FLOE_ADMIN"]))

    def freeze(self) -> None:
        """Stop it in the middle of whatever it does; the kernel still takes what it is sent."""
        assert self.process is not None
        self.is_frozen = True
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on where it was."""
        assert self.process is not None
        self.is_frozen = False
        self.process.send_signal(signal.SIGCONT)

    def wipe(self) -> None:
        """Lose its disk while it is dead. What its commands are now, nobody knows."""
        self.end_warden()
        shutil.rmtree(self.root)

    def lose_store(self, *others: "Member") -> None:
        """Die, be forgotten, and come back with an empty store that these others know."""
        self.kill()
        others[0].api.post(f"hosts/{self.id}/forget", {"force": True})
        self.wipe()
        self.start()
        store = self.sees()[self.id]["store"]

        def is_known() -> bool:
            return all(other.sees().get(self.id, {}).get("store") == store for other in others)

        until(is_known, f"the new store of {self.id}")

    def close(self) -> None:
        """Stop it, its warden and every command."""
        if self.is_frozen and self.is_up():
            self.thaw()
        super().close()

    def show(self, run: str) -> Shape:
        """All about a run.

        Who asks where the run has just left is told to try again, and does.
        """

        def shown() -> Shape | None:
            try:
                return super(Member, self).show(run)
            except Theirs:
                return None

        return until(shown, f"{run} as {self.id} shows it")

    def sees(self) -> dict[str, Shape]:
        """What it says of each host of the cluster, itself among them."""
        return {host["id"]: host for host in self.api.get("hosts")["hosts"]}

    def problems(self) -> list[str]:
        """What it says is wrong in the cluster, each with the host or the URL it is about."""
        return problems_in(self.api.get("hosts")["hosts"])


class Network(Protocol):
    """How the hosts of a cluster reach one another, and how that can be made worse."""

    def url(self, a: str, b: str) -> str:
        """Where `a` finds `b`."""
        ...

    def cut(self, a: str, b: str) -> None:
        """Nothing that `a` says arrives at `b`, whoever called whom; nobody is told."""
        ...

    def mend(self, a: str, b: str) -> None:
        """What `a` says arrives at `b` again."""
        ...


class Proxies:
    """A network of proxies, one for each ordered pair of hosts."""

    def __init__(self, addresses: Mapping[str, str]) -> None:
        self._of = {(a, b): Proxy(addresses[b]) for a, b in permutations(addresses, 2)}

    @contextmanager
    def serving(self) -> Iterator["Proxies"]:
        """Carry what the hosts say, for a while."""
        with ExitStack() as stack:
            for proxy in self._of.values():
                stack.enter_context(proxy.serving())
            yield self

    def between(self, a: str, b: str) -> Proxy:
        """The proxy by which `a` reaches `b`."""
        return self._of[a, b]

    def url(self, a: str, b: str) -> str:
        return f"http://{self._of[a, b].address}"

    def cut(self, a: str, b: str) -> None:
        self._hold(a, b, held=True)

    def mend(self, a: str, b: str) -> None:
        self._hold(a, b, held=False)

    def _hold(self, a: str, b: str, *, held: bool) -> None:
        self._of[a, b].hold_asked(held)
        self._of[b, a].hold_answers(held)


class Cluster:
    """Hosts that know one another. Attributes: `folder` is `$HERE`, `keeper` an id or empty."""

    def __init__(
        self,
        folder: Path,
        flows: str,
        tags: Mapping[str, str] = TAGS,
        *,
        keeper: str = KEEPER,
        token: str = TOKEN,
    ) -> None:
        """`token` is the administrator's and the hosts' own."""
        self.folder = folder
        self.flows = flows.replace("$HERE", str(folder))
        self.keeper = keeper
        self.hosts = {id: Member(folder / id, id, has, token) for id, has in tags.items()}
        self.network: Network | None = None

    def __getitem__(self, id: str) -> Member:
        return self.hosts[id]

    def configure(self, id: str, **common: str) -> None:
        """Write a host's config; `common` overrides keys in it, an empty value takes one away."""
        assert self.network is not None
        urls = ", ".join(self.network.url(id, other) for other in self.hosts if other != id)
        keys = {"hosts": f"[{urls}]", "keeper": self.keeper, **common}
        lines = [f"  {key}: {value}" for key, value in keys.items() if value]
        text = "\n".join(("common:", *lines, "flows:", self.flows))
        self.hosts[id].config.write_text(text, encoding="utf-8")

    def start(self, *ids: str) -> None:
        """Start hosts, all where none is named, and wait until each of them answers."""
        for host in (chosen := [self.hosts[id] for id in ids or self.hosts]):
            host.spawn()
        for host in chosen:
            until(lambda host=host: not host.is_up() or host.is_ready(), f"start of {host.id}")  # type: ignore[misc]  # mypy has no type for a default of a lambda
            assert host.is_up(), host.log.read_text()

    def until_met(self, *ids: str) -> None:
        """Wait until each of these has heard from each other."""
        for id in ids:
            until(lambda id=id: self._has_met(id, ids), f"{id} hears from {ids}")  # type: ignore[misc]  # as above

    def close(self) -> None:
        """Nothing of it is left."""
        with ExitStack() as stack:
            for host in self.hosts.values():
                stack.callback(host.close)

    def _has_met(self, id: str, others: Sequence[str]) -> bool:
        try:
            seen = self.hosts[id].sees()
        except Theirs:
            return False
        return all(is_present(seen.get(other)) for other in others)


def problems_in(hosts: Sequence[Shape]) -> list[str]:
    """What is said to be wrong, each with the host or the URL it is about."""
    return [f"{host['id'] or host['url']}: {said}" for host in hosts for said in host["problems"]]


def is_present(host: Shape | None) -> bool:
    """Whether a host has been heard, can be asked, and is not missed since."""
    return host is not None and bool(host["seen_at"] and host["url"]) and not is_missed(host)


def is_missed(host: Shape) -> bool:
    """Whether it is said that a host was not heard for a while."""
    return any(problem.startswith("was not ") for problem in host["problems"])


@contextmanager
def clustered(
    folder: Path,
    flows: str = "",
    tags: Mapping[str, str] = TAGS,
    *,
    keeper: str = KEEPER,
    token: str = TOKEN,
    met: Sequence[str] | None = None,
    prepare: Callable[[Cluster], object] = lambda _: None,
) -> Iterator[tuple[Cluster, Proxies]]:
    """A cluster that has started and met, behind proxies; nothing of it is left at the end.

    Without `flows` it has the five of `cluster_flows`. `prepare` is called before the start; of
    `met`, all hosts if not said, each must have heard of each other.
    """
    folder.mkdir(parents=True, exist_ok=True)
    cluster = Cluster(folder, flows or write(folder), tags, keeper=keeper, token=token)
    addresses = {id: host.address for id, host in cluster.hosts.items()}
    with Proxies(addresses).serving() as proxies:
        cluster.network = proxies
        try:
            for id in tags:
                cluster.configure(id)
            prepare(cluster)
            cluster.start()
            cluster.until_met(*(tags if met is None else met))
            yield cluster, proxies
        finally:
            cluster.close()
