"""The tasks of a host: what is kept begins again, and what fails is not silent."""

import asyncio

import pytest
from structlog.testing import capture_logs

from floe import tasks as module
from floe.tasks import Tasks


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Failed work begins again without a pause."""
    monkeypatch.setattr(module, "FIRST_S", 0.0)


class Work:
    """Fails `failures` times, then waits forever."""

    def __init__(self, failures: int) -> None:
        self.failures = failures
        self.begun = 0
        self.is_steady = asyncio.Event()

    async def __call__(self) -> None:
        self.begun += 1
        if self.begun <= self.failures:
            raise RuntimeError("what nobody foresaw")
        self.is_steady.set()
        await asyncio.Event().wait()


async def test_leaving_cancels_tasks_and_waits_for_their_end() -> None:
    ended = []

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(True)

    async with Tasks() as tasks:
        tasks.spawn(work())
        await asyncio.sleep(0)

    assert ended == [True]


async def test_error_in_a_spawned_task_leaves_the_context() -> None:
    async def host() -> None:
        async with Tasks() as tasks:
            tasks.spawn(Work(1)())
            await asyncio.Event().wait()

    with pytest.raises(ExceptionGroup) as raised:
        await host()

    assert raised.group_contains(RuntimeError, match="what nobody foresaw")


@pytest.mark.usefixtures("at_once")
async def test_kept_task_begins_again_after_an_error() -> None:
    work = Work(2)

    async with Tasks() as tasks:
        tasks.keep("work", work)
        await work.is_steady.wait()

    assert work.begun == 3


@pytest.mark.usefixtures("at_once")
async def test_error_in_a_kept_task_is_logged_with_its_traceback() -> None:
    work = Work(1)

    with capture_logs() as logged:
        async with Tasks() as tasks:
            tasks.keep("work", work)
            await work.is_steady.wait()

    assert [(line["event"], line["task"], line["exc_info"]) for line in logged] == [
        ("task.failed", "work", True)
    ]


@pytest.mark.usefixtures("at_once")
async def test_kept_task_that_failed_lately_is_a_trouble() -> None:
    work = Work(1)

    async with Tasks() as tasks:
        tasks.keep("work", work)
        await work.is_steady.wait()
        troubles = tasks.troubles()

    assert troubles == (
        "has failed in its work, and tries again: RuntimeError: what nobody foresaw; "
        "its log has the traceback",
    )


@pytest.mark.usefixtures("at_once")
async def test_kept_task_that_runs_well_again_is_no_trouble(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "WELL_S", 0.0)
    work = Work(1)

    async with Tasks() as tasks:
        tasks.keep("work", work)
        await work.is_steady.wait()
        troubles = tasks.troubles()

    assert troubles == ()


async def test_kept_task_that_waits_to_begin_again_is_a_trouble(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "WELL_S", 0.0)
    work = Work(1)

    async with Tasks() as tasks:
        tasks.keep("work", work)
        while not work.begun:  # noqa: ASYNC110  # until the task had its first moment
            await asyncio.sleep(0)
        troubles = tasks.troubles()

    assert len(troubles) == 1


async def test_troubles_name_the_causes_in_a_group_of_errors() -> None:
    async def work() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(Work(1)())

    async with Tasks() as tasks:
        tasks.keep("work", work)
        while not tasks.troubles():  # noqa: ASYNC110  # until the task has failed
            await asyncio.sleep(0)
        troubles = tasks.troubles()

    assert "RuntimeError: what nobody foresaw" in troubles[0]
