"""Frames: moved and renamed without losing anything, and published by the host with the pen."""

import json

import pytest

from floe.feed.frames import Frame, frame_of, is_published, reset_frame
from floe.host.step_result import Recorded
from floe.kernel.evolve import evolve
from floe.model.codec import encode_event, to_text
from floe.model.event import Event
from floe.model.ids import HostId, StoreId
from floe.model.run import Run
from floe.store.base import Record
from tests.make import a_granted, a_pending_run, a_run

MINE = a_pending_run().ref.store
OTHER = StoreId("other")


def recorded(run: Run, event: Event) -> Recorded:
    """An event as a step of the core records it."""
    body = to_text(encode_event(event))
    record = Record(run=run.ref, epoch=run.epoch, seq=run.seq, event=event, body=body)
    return Recorded(record, None, run, is_row_changed=False)


def a_frame(pos: int = 7) -> Frame:
    run = a_run()
    return frame_of(pos, recorded(run, a_granted()), str)


def test_frame_at_a_different_position_differs_in_nothing_else() -> None:
    frame = a_frame(7)

    moved = frame.at("1234")

    assert json.loads(moved.text) == {**json.loads(frame.text), "pos": "1234"}


def test_frame_with_its_own_name_is_the_same_object() -> None:
    frame = a_frame()

    assert frame.renamed(str(frame.run)) is frame


def test_renamed_frame_has_the_new_name() -> None:
    assert json.loads(a_frame().renamed("h9-1").text)["run"] == "h9-1"


def test_text_of_a_host_that_is_no_json_passes_unchanged() -> None:
    frame = Frame("1", a_run().ref, "{", "event")

    assert frame.renamed("h9-1") is frame


def test_reset_names_the_position_to_continue_from() -> None:
    assert json.loads(reset_frame("9").text) == {"type": "reset", "pos": "9"}


@pytest.mark.parametrize(("store", "published"), [(MINE, True), (OTHER, False)])
def test_pending_run_is_published_by_its_adopter_alone(store: StoreId, published: bool) -> None:
    run = a_pending_run()

    assert is_published(recorded(run, a_granted()), store) is published


def test_grant_to_a_different_host_is_published_by_the_adopter() -> None:
    run = evolve(a_pending_run(), a_granted(HostId("h2")))

    assert is_published(recorded(run, a_granted(HostId("h2"))), run.ref.store)
