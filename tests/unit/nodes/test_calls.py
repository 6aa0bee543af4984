"""The executor of calls: each type is done by what its dialect brought."""

import asyncio
from pathlib import Path

from floe.model.call import Call
from floe.model.signal import Answered, Failed, Report, Stopped
from floe.model.work import Work
from floe.nodes.base import Job
from floe.nodes.calls import Calls
from tests.make_nodes import Reports, a_job


async def report_of(calls: Calls, root: Path, work: Work, **others: float) -> Report:
    job, reported = a_job(root, work, **others), Reports()
    calls.start(job, reported)
    calls.recorded(job.key)
    return await reported.report()


async def noted(job: Job) -> Answered:
    return Answered(good=True, outputs={})


async def test_call_begins_when_its_start_is_stored(tmp_path: Path) -> None:
    begun = list[Job]()

    async def note(job: Job) -> Answered:
        begun.append(job)
        return Answered(good=True, outputs={}, metadata={"tries": 1})

    calls, job, reported = (
        Calls({"toy.note": note}),
        a_job(tmp_path, Call(type="toy.note")),
        Reports(),
    )
    calls.start(job, reported)
    await reported.until_started()
    before = len(begun)
    calls.recorded(job.key)

    assert await reported.report() == Answered(good=True, outputs={}, metadata={"tries": 1})
    assert (before, begun) == (0, [job])


async def test_call_with_a_delay_starts_after_it(tmp_path: Path) -> None:
    calls, reported = Calls({"toy.note": noted}), Reports()
    job = a_job(tmp_path, Call(type="toy.note", delay_s=0.01))

    calls.start(job, reported)
    before = calls.running()
    await reported.until_started()
    calls.recorded(job.key)

    assert before == ()
    assert await reported.report() == Answered(good=True, outputs={})


async def test_call_that_is_stopped_during_its_delay_never_starts(tmp_path: Path) -> None:
    calls, reported = Calls({"toy.note": noted}), Reports()
    job = a_job(tmp_path, Call(type="toy.note", delay_s=3600))

    calls.start(job, reported)
    calls.stop(job.key)

    assert await reported.report() == Stopped()


async def test_call_that_is_delayed_when_its_host_stops_has_no_report(tmp_path: Path) -> None:
    calls, reported = Calls({"toy.note": noted}), Reports()
    calls.start(a_job(tmp_path, Call(type="toy.note", delay_s=3600)), reported)

    await calls.close()

    assert (calls.running(), reported.signals) == ((), [])


async def test_call_of_a_type_that_no_dialect_brought_could_not_start(tmp_path: Path) -> None:
    async def never(job: Job) -> Answered:
        raise AssertionError("it is not called")

    report = await report_of(Calls({"toy.a": never}), tmp_path, Call(type="toy.b"))
    alone = await report_of(Calls(), tmp_path, Call(type="toy.b"))

    why = "this host has no calls of type toy.b; its types: "
    assert [report, alone] == [
        Failed(cause="start", why=why + "toy.a"),
        Failed(cause="start", why=why + "none"),
    ]


async def test_defect_of_a_call_is_an_error_of_its_node(tmp_path: Path) -> None:
    async def broken(job: Job) -> Answered:
        raise LookupError("no such thing")

    report = await report_of(Calls({"toy.a": broken}), tmp_path, Call(type="toy.a"))

    assert report == Failed(cause="error", why="LookupError: no such thing")


async def test_time_that_a_call_gave_itself_is_not_that_of_the_node(tmp_path: Path) -> None:
    async def late(job: Job) -> Answered:
        raise TimeoutError("the database is slow")

    report = await report_of(Calls({"toy.a": late}), tmp_path, Call(type="toy.a"), timeout_s=60)

    assert report == Failed(cause="error", why="TimeoutError: the database is slow")


async def test_call_over_the_time_of_its_node_is_ended(tmp_path: Path) -> None:
    async def endless(job: Job) -> Answered:
        await asyncio.get_running_loop().create_future()
        raise AssertionError("it never ends")

    report = await report_of(Calls({"toy.a": endless}), tmp_path, Call(type="toy.a"), timeout_s=0.1)

    assert report == Failed(cause="timeout", why="not finished after 0.1 s")


async def test_other_work_is_no_call(tmp_path: Path) -> None:
    report = await report_of(Calls(), tmp_path, a_job(tmp_path).work)

    assert report == Failed(cause="start", why="Exec is no call")
