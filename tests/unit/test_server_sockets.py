"""The frames of a websocket."""

import pytest

from floe.server.sockets import KEPT_CHARS, framed, framed_all


def test_frame_of_an_event_is_made_once_for_all_clients() -> None:
    text = "x" * KEPT_CHARS

    assert framed(text) is framed(text)


def test_frames_of_a_batch_are_made_once_for_all_clients() -> None:
    texts = ("a", "b" * 126)

    assert framed_all(texts) == framed("a") + framed("b" * 126)
    assert framed_all(texts) is framed_all(("a", "b" * 126))


def test_frame_with_output_is_not_kept() -> None:
    text = "x" * (KEPT_CHARS + 1)

    assert framed(text) == framed(text)
    assert framed(text) is not framed(text)


@pytest.mark.parametrize(
    ("size", "head"),
    [
        (125, b"\x81\x7d"),
        (126, b"\x81\x7e\x00\x7e"),
        (65_535, b"\x81\x7e\xff\xff"),
        (65_536, b"\x81\x7f\x00\x00\x00\x00\x00\x01\x00\x00"),
    ],
)
def test_head_of_a_frame_has_the_size_of_its_text(size: int, head: bytes) -> None:
    assert framed("x" * size) == head + b"x" * size
