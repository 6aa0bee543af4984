"""The starts of a host's flows by an event of a pack."""

from pathlib import Path

from floe.expr.masking import Masks
from floe.hub.attempts.attempt_outputs import OutputSettings
from floe.hub.attempts.masked_inputs import MaskedInputs
from floe.hub.flows import FlowBook
from floe.hub.openings.event_starts import starts_by_event
from floe.model.codec import to_text
from floe.model.flow import Flow, HeardEvent, Trigger
from floe.model.ids import FlowId, NodeId
from floe.model.secret import Secret
from floe.model.secret_name import SecretName
from floe.places import Places
from tests.make import a_flow, a_node

BODY = to_text({"event": "E", "pack": {"name": "P"}, "payload": "s3cret-value"})
NO_MASKS = Masks([])


def hearing(id: str, ver: int = 1, event: str = "E") -> Flow:
    heard = HeardEvent(pack="P", event=event)
    trigger = Trigger(id=NodeId("t"), type="pack-event", name="t", heard=heard)
    return a_flow(a_node(), id=FlowId(id), ver=ver, triggers=(trigger,))


def started(*flows: Flow, dialect: str = "flyte", masks: Masks = NO_MASKS) -> list[tuple[str, str]]:
    """The flows that the event starts, by version, each with why it does not."""
    masked = MaskedInputs(
        OutputSettings(root=Path("/nowhere")),
        Places(),
        lambda: masks,
        lambda work: work.close(),
        lambda incoming: None,
    )
    found = starts_by_event(FlowBook(flows=flows), masked, dialect, BODY)
    return [(f"{one.flow.id}@{one.flow.ver}", one.why) for one in found]


def test_the_highest_version_of_each_flow_starts() -> None:
    flows = (hearing("a"), hearing("a", 2), hearing("b"), hearing("c", event="Other"))

    assert started(*flows) == [("a@2", ""), ("b@1", "")]


def test_events_of_other_dialects_start_nothing() -> None:
    assert started(hearing("a"), dialect="toy") == []


def test_an_event_with_a_secret_starts_nothing() -> None:
    [(_, why)] = started(hearing("a"), masks=Masks([(SecretName("TOKEN"), Secret("s3cret-value"))]))

    assert "contains the secret TOKEN" in why
