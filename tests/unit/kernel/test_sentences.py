"""Parts of the sentences that explain a run."""

from floe.kernel.sentences import PARTS_MAX, duration, either, event_text, first_parts
from floe.model.outcome import Outcome
from floe.model.tags import Tag

BAD = Tag("task.build.bad")


def test_long_lists_are_cut_and_counted() -> None:
    assert first_parts(["x"] * (PARTS_MAX + 2)).endswith("x; and 2 more")


def test_durations_have_their_largest_whole_unit() -> None:
    texts = [duration(s) for s in (0.5, 90, 120, 7200, 172800)]

    assert texts == ["0.5s", "90s", "2m", "2h", "2d"]


def test_event_has_its_exit_status_and_the_reason() -> None:
    outcome = Outcome(result="bad", status=2, why="its output is a folder")

    assert event_text(BAD, outcome) == "task.build.bad (exit status 2; its output is a folder)"


def test_command_that_a_signal_ended_names_the_signal() -> None:
    outcome = Outcome(result="bad", status=139)

    assert event_text(BAD, outcome) == "task.build.bad (exit status 139 (SIGSEGV))"


def test_event_without_an_outcome_is_its_tag() -> None:
    assert event_text(BAD, None) == BAD


def test_alternatives_are_joined_by_or() -> None:
    assert either([BAD, Tag("task.build.error")]) == "task.build.bad or task.build.error"
