"""How long to wait before another attempt."""

import pytest

from floe.kernel.backoff import JITTER, delay_ms
from floe.model.flow import Backoff
from floe.model.ids import Key, NodeId
from floe.model.nouns import replace
from tests.make import REF

KEY = Key(REF, 1, NodeId("build"), 1, 1)


@pytest.mark.parametrize(
    ("failed", "expected_s"), [(1, 1), (2, 2), (3, 4), (9, 256), (10, 300), (10**9, 300)]
)
def test_delay_grows_by_its_factor_up_to_its_most(failed: int, expected_s: int) -> None:
    delay = delay_ms(Backoff(), failed, KEY)

    assert delay == pytest.approx(expected_s * 1000, rel=JITTER)


def test_delay_of_an_absurd_factor_is_its_most() -> None:
    assert delay_ms(Backoff(factor=1e300), 64, KEY) == pytest.approx(300_000, rel=JITTER)


def test_same_attempt_always_waits_the_same_time() -> None:
    assert delay_ms(Backoff(), 1, KEY) == delay_ms(Backoff(), 1, KEY)


def test_attempts_that_failed_together_do_not_return_together() -> None:
    nodes = [replace(KEY, node=NodeId(f"n{i}")) for i in range(50)]

    delays = [delay_ms(Backoff(), 1, key) for key in nodes]

    assert len(set(delays)) > 40
    assert min(delays) < 950 < 1050 < max(delays)
