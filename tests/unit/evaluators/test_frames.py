"""Frames between a host and an evaluator process."""

import pytest

from floe.evaluators.frames import (
    FRAME_BYTES_MAX,
    Found,
    Holds,
    SentFlow,
    frame,
    frames_from_process,
    frames_to_process,
)

HOLDS = Holds(1, 7, has_flow=True)
FOUND = Found(1, 0, b"{}")


def test_messages_are_read_however_they_are_cut() -> None:
    data = frame(HOLDS) + frame(FOUND)
    frames = frames_from_process()

    assert [one for byte in data for one in frames.feed(bytes([byte]))] == [HOLDS, FOUND]


def test_messages_that_arrive_together_are_read_together() -> None:
    assert [*frames_from_process().feed(frame(HOLDS) + frame(FOUND))] == [HOLDS, FOUND]


def test_frame_that_is_too_long_is_refused_at_its_length() -> None:
    with pytest.raises(ValueError, match="too many for a frame"):
        [*frames_from_process().feed((FRAME_BYTES_MAX + 1).to_bytes(4, "big"))]


def test_message_that_is_too_long_is_not_sent() -> None:
    with pytest.raises(ValueError, match="too many for a frame"):
        frame(SentFlow("digest", "x" * FRAME_BYTES_MAX, b""))


@pytest.mark.parametrize("data", [b"", b"hi", b"\x91" * 5000, b"\x90", b"\x92\xa5Holds\x01"])
def test_malformed_frame_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="a malformed frame"):
        [*frames_from_process().feed(len(data).to_bytes(4, "big") + data)]


def test_message_of_the_other_end_is_refused() -> None:
    with pytest.raises(ValueError, match="a malformed frame"):
        [*frames_to_process().feed(frame(HOLDS))]
