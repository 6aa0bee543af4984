"""Threads for calls that may never return."""

import threading
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue


class Threads:
    """A few threads that carry out calls in order. They are daemons, so that a call that never
    returns does not keep the process from ending."""

    def __init__(self, name: str, most: int) -> None:
        self._name = name
        self._most = most
        self._calls: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._open = 0
        self._count = 0
        self._lock = threading.Lock()

    def submit(self, call: Callable[[], None]) -> None:
        """Have a thread call something that raises nothing."""
        with self._lock:
            self._open += 1
            is_short = self._open > self._count and self._count < self._most
            self._count += is_short
        self._calls.put(call)
        if is_short:
            threading.Thread(target=self._work, name=self._name, daemon=True).start()

    def drop(self) -> None:
        """Drop the calls that have not begun."""
        with suppress(Empty):
            while True:
                self._calls.get_nowait()
                self._closed()

    def _work(self) -> None:
        while True:
            self._calls.get()()
            self._closed()

    def _closed(self) -> None:
        with self._lock:
            self._open -= 1
