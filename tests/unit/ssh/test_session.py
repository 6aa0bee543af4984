"""The output of a far command, by a clock that the test moves."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from floe.ssh import session
from floe.ssh.session import DRAIN_MAX_S, DRAIN_S, Session


class Clock:
    """The time of a loop. Nothing waits for it."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s

    async def move(self, seconds: float) -> None:
        """Let time pass, and the loop do what is due then."""
        self.now_s += seconds
        for _ in range(10):
            await asyncio.sleep(0)


@pytest.fixture
async def clock(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Clock]:
    clock = Clock()
    with monkeypatch.context() as patched:
        patched.setattr(asyncio.get_running_loop(), "time", clock)
        yield clock


@pytest.fixture
def printed(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The output, as it is printed."""
    printed = list[bytes]()
    monkeypatch.setattr(session, "_write", printed.append)
    return printed


async def until(fact: Callable[[], bool]) -> None:
    while not fact():  # noqa: ASYNC110 - the clock stands still
        await asyncio.sleep(0)


async def test_output_is_read_after_the_end_as_long_as_more_comes(
    clock: Clock, printed: list[bytes]
) -> None:
    far = Session(mark="", grace_s=1.0)
    far.exit_status_received(0)
    printing = asyncio.ensure_future(far.print_all())

    for text in (b"a", b"b", b"c"):
        await clock.move(0.9 * DRAIN_S)
        far.data_received(text, None)
        await until(lambda text=text: text in printed)  # type: ignore[misc] # its default is bound
    while not printing.done():
        await clock.move(1.1 * DRAIN_S)

    assert printed == [b"a", b"b", b"c"]


async def test_process_that_prints_on_after_the_end_is_left_alone(
    clock: Clock, printed: list[bytes]
) -> None:
    far = Session(mark="", grace_s=1.0)
    far.exit_status_received(0)
    printing = asyncio.ensure_future(far.print_all())

    while not printing.done():
        before = len(printed)
        far.data_received(b"more", None)
        await until(lambda before=before: printing.done() or len(printed) > before)  # type: ignore[misc] # its default is bound
        await clock.move(DRAIN_S / 2)

    assert clock.now_s < 100.0 + 2 * DRAIN_MAX_S
