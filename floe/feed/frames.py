"""Frames: the texts that listeners of a feed receive, each encoded once for all of them.

A frame is made only by the host that had the run's pen, never by one that keeps a copy.
"""

from typing import Any, Final, Literal

from floe.host.step_result import Recorded
from floe.model.codec import from_text, iso, shown_text, to_text
from floe.model.event import GrantRevoked, RunActivated
from floe.model.ids import NO_ITEM, RunRef, StoreId
from floe.model.moving import RunResumed
from floe.model.nouns import dataclass, replace
from floe.model.secret import masked
from floe.model.tags import TRIGGER_GOOD
from floe.shapes.nodes import node_change
from floe.shapes.passwords import without_passwords
from floe.shapes.runs import Named, summary_shape

HEADS: Final = {kind: f'{{"type":"{kind}","pos":"' for kind in ("event", "reset")}
"""The beginning of the text of frames with a position, up to the position."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One event as sent; `text` is JSON, encoded once."""

    pos: str
    run: RunRef | None
    text: str
    kind: Literal["event", "reset", "notice"] = "event"
    epoch: int = 0
    seq: int = 0
    begins: bool = False
    """The event is RunActivated or RunResumed: the pen came to the host of this feed."""

    def at(self, pos: str) -> "Frame":
        """The same at a different position, without encoding it again."""
        head = HEADS[self.kind]
        return replace(self, pos=pos, text=head + pos + self.text[len(head) + len(self.pos) :])

    def renamed(self, name: str) -> "Frame":
        """The same with this name of the run; encoded again only if the name differs."""
        if self.text.startswith(f'{HEADS["event"]}{self.pos}","run":"{name}",'):
            return self
        try:
            shape: Any = from_text(self.text)
            shape["run"] = name
            if "summary" in shape:
                shape["summary"]["id"] = name
        except (ValueError, TypeError):
            return self  # a host sent a text that is no JSON: pass it on as it is
        return replace(self, text=to_text(shape))


def reset_frame(pos: str) -> Frame:
    """The frame that tells a listener to reload, and to continue from a position."""
    return Frame(pos, None, f'{HEADS["reset"]}{pos}"}}', "reset")


def is_published(step: Recorded, store: StoreId) -> bool:
    """Whether an event gets a frame in this store's feed: its host had the pen, not a mere copy.

    The adopter has the pen until RunActivated, and again when it revokes the grant. It publishes
    RunReturned, too, once it has the events before it.

    Source: docs/cluster-protocol.md, "The pen".
    """
    run = step.run
    if run.store in (None, store) and run.ref.store == store:
        return True  # always so for a host alone
    if run.superseded:
        return True  # only this store has the end of its copy
    if isinstance(step.record.event, GrantRevoked) or run.phase in ADOPTERS:
        return run.ref.store == store
    return run.store == store


ADOPTERS: Final = ("reading", "pending", "granted")
"""Phases in which the adopter has the pen."""


def frame_of(pos: int, step: Recorded, named: Named) -> Frame:
    """An event as the feed shows it, with its changes of a node and of the run's row."""
    record, run, event = step.record, step.run, step.record.event
    shape: dict[str, Any] = {
        "type": "event",
        "pos": str(pos),
        "run": named(record.run),
        "epoch": record.epoch,
        "seq": record.seq,
        "at": iso(event.at),
        "event": type(event).__name__,
    }
    if by := getattr(event, "by", ""):
        shape["by"] = by
    tag = TRIGGER_GOOD if isinstance(event, RunActivated) else getattr(event, "tag", None)
    if tag:
        shape["tag"] = tag
    node = getattr(event, "node", None)
    if node and run.flow:
        shape["node"] = node_change(
            step.before, run, run.flow.by_id[node], getattr(event, "item", NO_ITEM)
        )
        shape = without_passwords(run, shape)
    if step.summary is not None:
        shape["summary"] = summary_shape(step.summary, named)
    begins = isinstance(event, RunActivated | RunResumed)
    # Only texts with `@` or `=` may have a password. The key in a row always has an `@`.
    text = shown_text(shape) if step.summary is None else ""
    if not text or "@" in text or "=" in text:
        text = shown_text(masked(shape))
    return Frame(str(pos), record.run, text, "event", record.epoch, record.seq, begins)
