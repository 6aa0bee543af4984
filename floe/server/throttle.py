"""Limits wrong attempts per address. Pure: the clock is an argument."""

import ipaddress
from typing import Final

ADDRESSES_MAX: Final = 10_000
"""Addresses remembered; beyond that, the one that has been quiet longest is dropped."""


class Throttle:
    """Counts failures per address in a sliding window."""

    def __init__(self, tries: int, window_s: float) -> None:
        self._tries = tries
        self._window_s = window_s
        self._failed: dict[str, tuple[float, ...]] = {}
        """Tuples, since an empty deque takes 760 bytes and most addresses fail once."""

    def wait_s(self, address: str, now: float) -> float:
        """Seconds until this address may try again; 0 for now."""
        failed = self._failed.get(_neighbourhood(address))
        if failed is None or len(failed) < self._tries:
            return 0.0
        return max(0.0, failed[0] + self._window_s - now)

    def failed(self, address: str, now: float) -> None:
        """Remember a failure."""
        key = _neighbourhood(address)
        failed = self._failed.pop(key, ())
        # Last in the dict: the first is the one quiet longest.
        self._failed[key] = (*failed, now)[-self._tries :]
        if len(self._failed) > ADDRESSES_MAX:
            del self._failed[next(iter(self._failed))]

    def passed(self, address: str) -> None:
        """Forget the failures of an address after a success."""
        self._failed.pop(_neighbourhood(address), None)


def _neighbourhood(address: str) -> str:
    """An IPv6 network counts as one address, because its owner has 2**64."""
    if ":" not in address:  # IPv4, in each request
        return address
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    return str(ipaddress.ip_network((ip, 64), strict=False))
