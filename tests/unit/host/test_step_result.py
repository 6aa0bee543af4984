"""The row of a run that an event brings: only where it changed, and made once."""

from floe.host.step_result import Recorded
from floe.model.codec import encode_event, to_text
from floe.model.summary import summary_of
from floe.store.base import Record
from tests.make import a_granted, a_run


def recorded(*, is_row_changed: bool) -> Recorded:
    """An event of a run."""
    run, event = a_run(), a_granted()
    body = to_text(encode_event(event))
    record = Record(run=run.ref, epoch=run.epoch, seq=run.seq, event=event, body=body)
    return Recorded(record, None, run, is_row_changed)


def test_row_that_changed_is_made_once() -> None:
    step = recorded(is_row_changed=True)

    assert step.summary == summary_of(step.run)
    assert step.summary is step.summary


def test_event_that_changes_no_row_brings_none() -> None:
    assert recorded(is_row_changed=False).summary is None
