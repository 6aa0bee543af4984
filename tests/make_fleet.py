"""Hosts as one host knows them."""

from typing import Any

from floe.host.peers.member import Member
from floe.host.site import SiteSettings
from floe.model.ids import HostId, Instant, StoreId
from floe.model.peer_message import Ping
from floe.shapes.fleet import Fleet
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
    "disk": None,
    "config": {},
}


def a_member(**about: Any) -> Member:
    """h2, which reports these figures."""
    ping = Ping(at=Instant(0), tags=frozenset(), slots=4, about=about)
    return Member(id=H2, store=StoreId("aaaa"), seen_at=NOW, ping=ping, stale=False)


def a_fleet(*members: Member, about: dict[str, Any] | None = None, **others: Any) -> Fleet:
    """The hosts as h1 knows them, with h1 as the keeper."""
    settings = SiteSettings(
        id=H1, tags=frozenset(), workspace_root="/", peers=len(members), keeper=H1
    )
    made: dict[str, Any] = {"now": NOW, "host": settings, "view": a_host("h1"), "members": members}
    return Fleet(**(made | {"about": FIGURES | (about or {})} | others))
