"""What every executor promises, shown by each of them.

The port: `floe.nodes.base.Executor`.
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Protocol
from unittest.mock import ANY

import pytest
from aiohttp import web

from floe.model.call import Call
from floe.model.http import Http
from floe.model.ids import Json
from floe.model.notify import Notify
from floe.model.signal import Answered, Exited, Failed, Report, Stopped
from floe.model.work import Exec, Fetch, Work
from floe.nodes.base import Executor, Job
from floe.nodes.calls import Calls
from floe.nodes.commands import Commands
from floe.nodes.fetch import Fetches
from floe.nodes.notify import NotifySender
from floe.nodes.notify_tasks import NotifyTasks
from floe.nodes.preparation import CommandSettings
from floe.nodes.requests import Requests
from floe.nodes.workspaces import Workspaces
from floe.places import Places
from tests.make_nodes import Reports, a_job, a_key


class Subject(ABC):
    """An executor with work that ends by itself, fails, and never ends."""

    executor: Executor
    has_output = True

    def __init__(self, root: Path) -> None:
        self.root = root

    @abstractmethod
    async def begin(self) -> None: ...

    @abstractmethod
    async def end(self) -> None: ...

    @abstractmethod
    def quick(self) -> Work: ...

    @abstractmethod
    def failing(self) -> Work: ...

    @abstractmethod
    def endless(self) -> Work: ...

    def good(self, size: int) -> Report:
        """The report of quick work."""
        return Exited(status=0, outputs={}, output_bytes=size)

    def is_bad(self, report: Report) -> bool:
        """Whether it is the report of failing work."""
        return isinstance(report, Exited) and report.status == 1


class OfCommands(Subject):
    async def begin(self) -> None:
        settings = CommandSettings(host="h1", workspace_root=self.root)
        self.executor = self.commands = Commands(self.root, settings)
        await self.commands.open()

    async def end(self) -> None:
        await self.commands.shutdown()

    def quick(self) -> Work:
        return Exec(argv=("echo", "hello"))

    def failing(self) -> Work:
        return Exec(argv=("false",))

    def endless(self) -> Work:
        return Exec(argv=("sleep", "600"))


class OfServer(Subject):
    """An executor that sends requests, with a server for them."""

    async def begin(self) -> None:
        self.done = asyncio.Event()
        app = web.Application()
        app.router.add_route("*", "/quick", self._quick)
        app.router.add_route("*", "/endless", self._endless)
        self.runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self.runner.setup()
        await web.TCPSite(self.runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self.runner.addresses[0][1]}"
        self.executor = self.made()
        await self.executor.open()

    @abstractmethod
    def made(self) -> Executor: ...

    async def end(self) -> None:
        await self.executor.close()
        self.done.set()
        await self.runner.cleanup()

    async def _quick(self, request: web.Request) -> web.Response:
        return web.Response(text="hello")

    async def _endless(self, request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        await answer.prepare(request)
        await self.done.wait()
        return answer


class OfFetches(OfServer):
    def made(self) -> Executor:
        self.workspaces = Workspaces(self.root)
        return Fetches(self.root, self.workspaces)

    async def end(self) -> None:
        await super().end()
        self.workspaces.close()

    def quick(self) -> Work:
        return Fetch(url=f"{self.url}/quick")

    def failing(self) -> Work:
        return Fetch(url=f"{self.url}/none")

    def endless(self) -> Work:
        return Fetch(url=f"{self.url}/endless")


class OfRequests(OfServer):
    def made(self) -> Executor:
        return Requests()

    def quick(self) -> Work:
        return Http(method="GET", url=f"{self.url}/quick")

    def failing(self) -> Work:
        return Http(method="GET", url=f"{self.url}/none")

    def endless(self) -> Work:
        return Http(method="GET", url=f"{self.url}/endless")

    def good(self, size: int) -> Report:
        outputs: dict[str, Json] = {"status": 200, "headers": ANY, "body": "hello"}
        return Answered(good=True, outputs=outputs, output_bytes=size)

    def is_bad(self, report: Report) -> bool:
        return isinstance(report, Answered) and not report.good


class OfMessages(OfRequests):
    def made(self) -> Executor:
        return NotifyTasks(NotifySender(None, Places()), retry_s=())

    def quick(self) -> Work:
        return Notify(channel="slack", url=f"{self.url}/quick", text="hello")

    def failing(self) -> Work:
        return Notify(channel="slack", url=f"{self.url}/none", text="hello")

    def endless(self) -> Work:
        return Notify(channel="slack", url=f"{self.url}/endless", text="hello")

    def good(self, size: int) -> Report:
        return Answered(good=True, outputs={}, output_bytes=size)


class OfCalls(Subject):
    """Calls have no output: what they answer is in the log."""

    has_output = False

    async def begin(self) -> None:
        types = {"toy.echo": self._echo, "toy.fail": self._fail, "toy.wait": self._wait}
        self.executor = Calls(types)
        await self.executor.open()

    async def end(self) -> None:
        await self.executor.close()

    async def _echo(self, job: Job) -> Answered:
        assert isinstance(job.work, Call)
        return Answered(good=True, outputs={"config": job.work.config})

    async def _fail(self, job: Job) -> Answered:
        return Answered(good=False, why="closed", kind="blocked", outputs={})

    async def _wait(self, job: Job) -> Answered:
        await asyncio.get_running_loop().create_future()
        raise AssertionError("it never ends")

    def quick(self) -> Work:
        return Call(type="toy.echo", config=["hello"])

    def failing(self) -> Work:
        return Call(type="toy.fail")

    def endless(self) -> Work:
        return Call(type="toy.wait")

    def good(self, size: int) -> Report:
        return Answered(good=True, outputs={"config": ["hello"]}, output_bytes=size)

    def is_bad(self, report: Report) -> bool:
        return isinstance(report, Answered) and (report.good, report.kind) == (False, "blocked")


class Made(Protocol):
    def __call__(self, root: Path) -> Subject: ...


SUBJECTS = {
    "commands": OfCommands,
    "fetch": OfFetches,
    "http": OfRequests,
    "notify": OfMessages,
    "call": OfCalls,
}


@pytest.fixture(params=SUBJECTS.values(), ids=[*SUBJECTS])
async def subject(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Subject]:
    make: Made = request.param
    subject = make(tmp_path)
    await subject.begin()
    yield subject
    await subject.end()


def begin(subject: Subject, work: Work, **others: object) -> tuple[Job, Reports]:
    job, reported = a_job(subject.root, work, **others), Reports()
    subject.executor.start(job, reported)
    subject.executor.recorded(job.key)
    return job, reported


async def settled(subject: Subject) -> None:
    """Let all remaining reports arrive: a whole further attempt comes and goes."""
    _, reported = begin(subject, subject.quick(), key=a_key(99))
    await reported.report()


async def test_an_attempt_reports_one_start_and_one_end(subject: Subject) -> None:
    job, reported = begin(subject, subject.quick())
    await reported.report()
    await settled(subject)

    assert (reported.started, len(reported.reports), len(reported.signals)) == ([job.key], 1, 2)


async def test_good_work_ends_good_with_the_size_of_its_output(subject: Subject) -> None:
    job, reported = begin(subject, subject.quick())

    report = await reported.report()

    size = job.output.stat().st_size if job.output.exists() else 0
    assert (report, size > 0) == (subject.good(size), subject.has_output)


async def test_bad_work_ends_bad(subject: Subject) -> None:
    _, reported = begin(subject, subject.failing())

    assert subject.is_bad(await reported.report())


async def test_starting_again_starts_nothing(subject: Subject) -> None:
    job, reported = begin(subject, subject.endless())
    await reported.until_started()

    subject.executor.start(job, reported)
    await settled(subject)

    assert (reported.started, list(subject.executor.running())) == ([job.key], [job.key])


async def test_what_is_stopped_is_reported_once_as_stopped(subject: Subject) -> None:
    job, reported = begin(subject, subject.endless())
    await reported.until_started()

    subject.executor.stop(job.key)
    subject.executor.stop(job.key)
    report = await reported.report()
    await settled(subject)

    assert isinstance(report, Stopped)
    assert (len(reported.reports), list(subject.executor.running())) == (1, [])


async def test_stopping_at_once_is_reported_too(subject: Subject) -> None:
    job, reported = begin(subject, subject.endless())

    subject.executor.stop(job.key)

    assert isinstance(await reported.report(), Stopped)


async def test_stopping_what_never_began_is_nothing(subject: Subject) -> None:
    subject.executor.stop(a_key(5))


async def test_work_over_its_time_is_reported_as_such(subject: Subject) -> None:
    _, reported = begin(subject, subject.endless(), timeout_s=0.1)

    report = await reported.report()

    assert isinstance(report, Failed)
    assert report.cause == "timeout"


async def test_a_recorded_start_that_nobody_knows_is_lost(subject: Subject) -> None:
    _, reported = begin(subject, subject.quick(), started=True)

    report = await reported.report()

    assert isinstance(report, Failed)
    assert (report.cause, reported.started) == ("lost", [])


async def test_a_report_can_be_asked_for_until_it_is_forgotten(subject: Subject) -> None:
    job, reported = begin(subject, subject.quick())
    report = await reported.report()

    _, again = begin(subject, subject.quick())

    assert again.reports == [report]
    subject.executor.forget(job.key)
    assert list(subject.executor.running()) == []


async def test_forgetting_twice_or_what_never_was_is_nothing(subject: Subject) -> None:
    job, reported = begin(subject, subject.quick())
    await reported.report()

    subject.executor.forget(job.key)
    subject.executor.forget(job.key)
    subject.executor.forget(a_key(5))


@pytest.mark.parametrize("subject", [OfCommands, OfFetches, OfRequests, OfMessages], indirect=True)
async def test_output_is_appended_to(subject: Subject) -> None:
    output = a_job(subject.root).output
    output.parent.mkdir(parents=True)
    output.write_text("before\n")

    _, reported = begin(subject, subject.quick())
    await reported.report()

    assert output.read_text().startswith("before\n")
    assert len(output.read_text()) > len("before\n")


@pytest.mark.parametrize("subject", [OfCommands, OfFetches], indirect=True)
async def test_a_workspace_that_cannot_be_made_could_not_start(subject: Subject) -> None:
    _, reported = begin(subject, subject.quick(), workspace=Path("/proc/nowhere"))

    report = await reported.report()

    assert isinstance(report, Failed)
    assert report.cause == "start"


async def test_attempts_do_not_wait_for_one_another(subject: Subject) -> None:
    _, endless = begin(subject, subject.endless())
    await endless.until_started()

    _, quick = begin(subject, subject.quick(), key=a_key(2))

    assert isinstance(await quick.report(), Exited | Answered)
    assert endless.reports == []
