"""The notices of a run as JSON."""

from floe.host.run_notices import after_try
from floe.shapes.notices import notices_shape
from tests.make import NOW
from tests.make_notices import owed_notices


def test_notice_is_shown_without_its_address() -> None:
    failed = after_try(owed_notices(), 0, NOW, why="it answered 503")

    (shape,) = notices_shape(failed)["notices"]

    assert shape == {
        "to": "Slack at hooks.example.com",
        "when": ["bad", "recovered"],
        "state": "owed",
        "tries": 1,
        "at": "2026-11-25T10:00:00.000Z",
        "due": "2026-11-25T10:00:05.000Z",
        "why": "it answered 503",
    }


def test_run_without_notices_has_none() -> None:
    assert notices_shape(None) == {"notices": []}
