"""The state of the other hosts for people: one line per URL, and per caller."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from floe.model.ids import HostId, StoreId
from floe.peers.base import Protocols, Seen, doubled
from floe.peers.hosts import HostAddress, OtherHost, address_in
from floe.peers.links import Link
from floe.peers.peer_problems import PeerProblems


def seen(
    links: Sequence[Link],
    others: Mapping[HostAddress, OtherHost],
    problems: PeerProblems,
    ours: Protocols,
) -> tuple[Seen, ...]:
    """The status of each configured URL in order, then of callers."""
    first: dict[HostAddress, Link] = {}
    for link in links:
        if link.other and not link.is_self:
            first.setdefault(address_in(link.other), link)
    found = [_at(link, others, problems, ours, first) for link in links]
    found += [_called(other, ours) for name, other in others.items() if name not in first]
    doubles = doubled(found)
    seen = [_with_double(one, doubles) for one in found]
    urls = {link.url for link in links}
    strangers = [(key, what) for key, what in problems.all() if key not in urls]
    return (*seen, *(Seen(url="", caller=key, problem=what) for key, what in strangers))


def twice(host: HostId, stores: Iterable[StoreId]) -> str:
    """The status of two hosts with one name: their problem."""
    return f"{host} exists twice, with the stores {', '.join(sorted(stores))}: rename one"


def _with_double(one: Seen, doubles: Mapping[HostId, frozenset[StoreId]]) -> Seen:
    if one.host is None or one.host not in doubles or one.problem:
        return one
    return replace(one, problem=twice(one.host, doubles[one.host]))


def _at(
    link: Link,
    others: Mapping[HostAddress, OtherHost],
    problems: PeerProblems,
    ours: Protocols,
    first: Mapping[HostAddress, Link],
) -> Seen:
    hello = link.other
    if hello is None:
        return Seen(url=link.url, since=link.since, problem=problems[link.url])
    name = address_in(hello)
    other = others.get(name)
    problem = problems[link.url]
    if not problem and first.get(name, link) is not link:
        problem = f"leads to {hello.host}, like {first[name].url}"
    return Seen(
        url=link.url,
        host=hello.host,
        store=hello.store,
        version=hello.version,
        protocol=ours.common(hello.protocols) or 0,
        is_self=link.is_self,
        is_open=link.is_open,
        since=link.since,
        received_at=other.received_at if other else None,
        problem=problem,
    )


def _called(other: OtherHost, ours: Protocols) -> Seen:
    return Seen(
        url="",
        host=other.name.host,
        store=other.name.store,
        version=other.hello.version,
        protocol=ours.common(other.hello.protocols) or 0,
        is_open=other.is_open,
        since=other.since,
        received_at=other.received_at,
    )
