"""The wait before the next attempt."""

from typing import Final
from zlib import crc32

from floe.model.flow import Backoff
from floe.model.ids import Key

JITTER: Final = 0.1
"""As a fraction, in both directions, so that nodes that fail together do not retry together."""

DOUBLINGS_MAX: Final = 64
"""After this many, every sensible backoff has reached its `max_s`."""


def delay_ms(backoff: Backoff, failed: int, key: Key) -> int:
    """Milliseconds until the next attempt, after `failed` attempts (1 or more).

    The jitter is derived from the key, so the same attempt always waits the same time.
    """
    spread = crc32(str(key).encode()) / 0xFFFFFFFF * 2 - 1
    return round(_delay_s(backoff, failed) * 1000 * (1 + JITTER * spread))


def longest_delay_s(backoff: Backoff, failed: int) -> float:
    """Seconds until the next attempt at most, after up to `failed` attempts (1 or more)."""
    return _delay_s(backoff, failed) * (1 + JITTER)


def _delay_s(backoff: Backoff, failed: int) -> float:
    delay_s = backoff.first_s
    for _ in range(min(failed - 1, DOUBLINGS_MAX)):
        delay_s *= backoff.factor
    return min(delay_s, backoff.max_s)
