"""Results and reasons of runs that an older floe recorded."""

import pytest

from floe.model.old_reasons import reason_today, result_of_row
from floe.model.result import RunResult


@pytest.mark.parametrize(
    ("good", "why", "result"),
    [
        (None, "", None),
        (None, "the last host refused", None),
        (True, "task.done was reached by task.tests.good", "good"),
        (False, "task.unit-tests.bad (exit status 1) has no listener", "bad"),
        (False, "time limit of 1h", "bad"),
        (False, "cancelled by alice: wrong branch", "cancelled"),
        (False, "skipped: h1-7 of this flow is still running (max-runs 1)", "cancelled"),
        (False, "task.sign-off.bad (rejected by bob) has no listener", "rejected"),
        (False, "task.refused was reached by task.sign-off.bad (rejected by bob)", "rejected"),
        (False, "Sign Off was rejected by bob: too early", "rejected"),
        (False, "stalled: task.done never heard task.build.good", "stalled"),
        (False, "Lint failed: exit status 1; Sign Off was rejected by bob", "bad"),
    ],
)
def test_reason_determines_the_result(
    good: bool | None, why: str, result: RunResult | None
) -> None:
    assert result_of_row(good, why) == result


@pytest.mark.parametrize(
    ("why", "said"),
    [
        ("task.unit-tests.bad (exit status 1) has no listener", "unit tests failed: exit status 1"),
        ("task.probe.4 (exit status 4) has no listener", "probe failed: exit status 4"),
        ("task.build.bad has no listener", "build failed"),
        (
            "task.a.error (could not start: no command: x (PATH is /bin)) has no listener",
            "a failed: could not start: no command: x (PATH is /bin)",
        ),
        (
            "task.a.bad has no listener; task.b.bad (exit status 2) has no listener",
            "a failed; b failed: exit status 2",
        ),
        (
            "stalled: task.x never heard task.a.good; task.a.bad (exit status 2) has no listener",
            "stalled: task.x never heard task.a.good; a failed: exit status 2",
        ),
        ("task.mail was reached by task.a.bad (exit status 2)", "a failed: exit status 2"),
        ("task.sign-off.bad (rejected by bob) has no listener", "sign off was rejected by bob"),
        ("task.done was reached by task.a.good", "task.done was reached by task.a.good"),
        ("Unit Tests failed: exit status 1", "Unit Tests failed: exit status 1"),
        ("cancelled by ann: it has no listener", "cancelled by ann: it has no listener"),
    ],
)
def test_old_reason_is_put_as_today(why: str, said: str) -> None:
    assert reason_today(why) == said
