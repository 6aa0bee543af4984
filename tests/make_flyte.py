"""What a template or step of flyte gets from outside."""

from collections.abc import Mapping
from typing import Any

from floe.expr.pongo2.moments import Moment, moment_of
from floe.expr.pongo2.scope import StoredItem
from floe.expr.pongo2.values import GoStruct, PackLabels, Value, from_json
from floe.model.ids import Json


class FixedSurroundings:
    """Surroundings without chance: a datastore, the last letter, and one moment."""

    def __init__(self, items: Mapping[str, Mapping[str, str]] | None = None) -> None:
        self._items = items or {}

    def item(self, key: str) -> StoredItem | None:
        item = self._items.get(key)
        if item is None:
            return None
        return StoredItem(item["contentType"], item["value"].encode())

    def below(self, end: int) -> int:
        return end - 1

    def now(self) -> Moment:
        return Moment(1_641_135_845)


def an_event(event: Mapping[str, Any]) -> GoStruct:
    """The `Event` of a template."""
    pack = event["pack"]
    labels = PackLabels(pack["labels"])
    members: dict[str, Value] = {"Id": pack["id"], "Name": pack["name"], "Labels": labels}
    return GoStruct(
        "execution.Event",
        {
            "Name": event["name"],
            "Pack": GoStruct("execution.Pack", members),
            "Payload": from_json(event.get("payload")),
            "CreatedAt": moment_of(event["createdAt"]),
            "ReceivedAt": moment_of(event["createdAt"]),
        },
    )


def template_names(document: Mapping[str, Any]) -> dict[str, Value]:
    """The names that a template of the vectors sees."""
    variables: Mapping[str, Json] = document["variables"]
    return {
        "Event": an_event(document["event"]),
        "Context": dict(document["context"]),
        **{name: from_json(value) for name, value in variables.items()},
    }
