"""Event tags: the names that connect nodes.

`trigger.good`, `task.build.good`, `merge.tests.good`, `task.probe.3` (with `use-status`),
`task.build.error`.

Source: floe README, "Config"; the original's event names.
"""

from typing import Final, NewType

from floe.model.ids import NodeId

Tag = NewType("Tag", str)

TRIGGER_GOOD: Final = Tag("trigger.good")

SKIPPED: Final = "skipped"
"""The label of the tag that a skipped node issues."""


def tag_of(cls: str, node: NodeId, label: str) -> Tag:
    """The tag a node issues: class, id and how it ended (`good`, `bad`, `error` or a status)."""
    return Tag(f"{cls}.{node}.{label}")


def emitter_of(tag: Tag) -> NodeId | None:
    """The node that issues a tag; None for the trigger."""
    parts = tag.split(".")
    return NodeId(parts[1]) if len(parts) == 3 else None


def label_of(tag: Tag) -> str:
    """How the emitter ended: the last part of a tag."""
    return tag.rpartition(".")[2]
