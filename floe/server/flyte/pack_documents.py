"""The document with which a pack registers, and how it is shown."""

import re
from typing import Final

from floe.model.errors import Yours
from floe.model.ids import Json, Shape
from floe.server.flyte.go_json import GoObject, without_empty
from floe.server.flyte.go_times import checked_time
from floe.server.flyte.links import Links

RESERVED: Final = re.compile(r"up|self|/actionResult$|/takeAction$|/event$")
"""The rels that a pack may not use: they are found anywhere in one, as flyte does."""

TAKE: Final = "#!/action/takeAction"
EVENT: Final = "#/event"


def pack_document(value: Json) -> Shape:
    """What is kept of a registration: known members, each with its type. Raises Yours."""
    pack = GoObject(value, "the pack")
    name = pack.text("name")
    if not name:
        raise Yours("the pack has no name")
    checked_time(pack.value("lastSeen"), "lastSeen")
    links = _links(pack)
    if found := next((link for link in links if RESERVED.search(link.get("rel", ""))), None):
        raise Yours(f"a link of the pack has the rel {found['rel'][:80]}, which is reserved")
    commands = [
        without_empty({"links": _links(one)})
        | {"name": one.text("name"), "events": one.texts("events")}
        for one in pack.objects("commands")
    ]
    events = [
        without_empty({"links": _links(one)}) | {"name": one.text("name")}
        for one in pack.objects("events")
    ]
    return without_empty(
        {
            "name": name,
            "labels": pack.text_map("labels"),
            "commands": commands,
            "events": events,
            "links": links,
        }
    )


def pack_id(document: Shape) -> str:
    """The id of a pack: processes with the same name and labels are one."""
    labels = document.get("labels", {})
    return ".".join([document["name"], *(f"{key}.{labels[key]}" for key in sorted(labels))])


def shown_pack(document: Shape, last_seen: str, status: str, links: Links) -> Shape:
    """A pack with its links, as flyte answers it: clients compare the whole."""
    id = pack_id(document)
    at = ("v1", "packs", id)
    take, take_rel = links.href(*at, "actions", "take"), links.of(TAKE)
    shown = dict(document) | {"id": id, "lastSeen": last_seen, "status": status}
    if commands := document.get("commands"):
        shown["commands"] = [
            dict(one)
            | {
                "links": [
                    {"href": f"{take}?commandName={links.query(one['name'])}", "rel": take_rel}
                ]
            }
            for one in commands
        ]
    shown["links"] = [
        *document.get("links", ()),
        links.link("self", *at),
        links.link("up", "v1", "packs"),
        {"href": take, "rel": take_rel},
        links.link(links.of(EVENT), *at, "events"),
    ]
    return shown


def listed_pack(document: Shape, last_seen: str, status: str, links: Links) -> Shape:
    """A pack in the list of packs."""
    id = pack_id(document)
    shown = {"id": id, "name": document["name"], "lastSeen": last_seen, "status": status}
    labels = {"labels": document["labels"]} if "labels" in document else {}
    return shown | labels | {"links": [links.link("self", "v1", "packs", id)]}


def _links(members: GoObject) -> list[Shape]:
    return [
        {"href": one.text("href")} | without_empty({"rel": one.text("rel")})
        for one in members.objects("links")
    ]
