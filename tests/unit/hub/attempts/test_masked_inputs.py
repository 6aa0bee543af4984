"""No secret becomes a fact: inputs are masked or refused on their way to the core."""

import asyncio
from collections.abc import Coroutine
from pathlib import Path

import pytest

from floe.expr.masking import Masks
from floe.host.inputs import FlowRead, Incoming, Input, Mark, PassOver, Start
from floe.hub.attempts.attempt_outputs import OutputSettings
from floe.hub.attempts.masked_inputs import MaskedInputs
from floe.model.errors import Yours
from floe.model.flow import Flow
from floe.model.ids import Instant, Json
from floe.model.secret import Secret
from floe.model.secret_name import SecretName
from floe.model.signal import Exited, Failed, FlowUnreadable, Report, Reported, Started, Stopped
from floe.model.work import Exec
from floe.places import Places
from floe.store.base import LedgerWrite
from tests.make import a_flow, a_node, a_run, the_key

VALUE = "npm_0123456789"
MASKS = Masks([(SecretName("NPM_TOKEN"), Secret(VALUE))])
KEY = the_key(a_run(), "build")


class Core(list[Incoming]):
    """The inputs that came through."""

    def __init__(self, root: Path, masks: Masks = MASKS) -> None:
        self.settings = OutputSettings(root=root)
        self.work: list[Coroutine[object, object, None]] = []
        self.put = MaskedInputs(
            self.settings, Places(), lambda: masks, self.work.append, self.append
        )

    async def report(self, report: Report) -> Report:
        """Put a report; it as it came through."""
        self.put(Incoming(input=Reported(key=KEY, report=report, at=Instant(1)), run=KEY.run))
        async with asyncio.TaskGroup() as tasks:
            for work in self.work:
                tasks.create_task(work)
        (incoming,) = self
        assert isinstance(incoming.input, Reported)
        return incoming.input.report


@pytest.fixture
def core(tmp_path: Path) -> Core:
    return Core(tmp_path)


def exited(**outputs: Json) -> Exited:
    return Exited(status=0, outputs=outputs, note=f"a note with {VALUE}")


def a_start(flow: Flow, **values: Json) -> Start:
    marks = (LedgerWrite(kind="mark", key="go", value=1),)
    trigger = flow.triggers[0].id
    return Start(flow=flow, digest=None, trigger=trigger, values=values, by="bob", marks=marks)


async def test_note_of_a_report_is_masked(core: Core) -> None:
    report = await core.report(exited(url="x"))

    assert report == Exited(status=0, outputs={"url": "x"}, note="a note with ***")


async def test_reason_of_a_failure_is_masked(core: Core) -> None:
    report = await core.report(Failed(cause="start", why=f"no {VALUE}", output_bytes=0))

    assert report == Failed(cause="start", why="no ***", output_bytes=0)


async def test_output_with_a_secret_is_an_error(core: Core) -> None:
    report = await core.report(exited(url="x", token={"list": [VALUE]}))

    assert isinstance(report, Failed)
    assert report.why.startswith("its output token contains the secret NPM_TOKEN; ")


async def test_report_follows_when_its_output_is_masked_in_the_file(core: Core) -> None:
    path = core.settings.output_path(KEY)
    path.parent.mkdir(parents=True)
    path.write_text(f"token: {VALUE}\n")

    await core.report(Stopped(output_bytes=path.stat().st_size))

    assert path.read_text() == "token: **************\n"


async def test_report_follows_where_the_output_is_gone(core: Core) -> None:
    assert await core.report(Stopped(output_bytes=9)) == Stopped(output_bytes=9)


async def test_report_follows_where_a_command_replaced_the_output(core: Core) -> None:
    core.settings.output_path(KEY).mkdir(parents=True)

    assert await core.report(Stopped(output_bytes=9)) == Stopped(output_bytes=9)


def test_reason_why_a_flow_file_cannot_be_read_is_masked(core: Core) -> None:
    core.put(Incoming(input=FlowUnreadable(why=f"git: {VALUE}"), run=KEY.run))

    assert core == [Incoming(input=FlowUnreadable(why="git: ***"), run=KEY.run)]


def test_flow_file_with_a_secret_is_refused(core: Core) -> None:
    flow = a_flow(a_node(work=Exec(argv=("echo", VALUE))))

    core.put(Incoming(input=FlowRead(flow=flow, digest="d", source=""), run=KEY.run))

    why = f"flow-file: the flow {flow.id} contains the value of the secret NPM_TOKEN"
    assert core == [Incoming(input=FlowUnreadable(why=why), run=KEY.run)]


def test_tick_of_a_flow_with_a_secret_is_done_without_a_run(core: Core) -> None:
    start = a_start(a_flow(a_node(work=Exec(argv=("echo", VALUE)))))

    core.put(Incoming(input=start))

    assert [type(one.input) for one in core] == [Mark, PassOver]


def test_flow_and_values_without_a_secret_start_a_run(core: Core) -> None:
    start = a_start(a_flow(), note="nothing")

    for _ in range(2):
        core.put(Incoming(input=start))
        core.put.check(start)

    assert [one.input for one in core] == [start, start]


def test_value_with_a_secret_is_refused(core: Core) -> None:
    with pytest.raises(Yours, match="the value note contains the secret NPM_TOKEN"):
        core.put.check(a_start(a_flow(), note=[VALUE]))
    with pytest.raises(Yours, match="the value note contains the secret NPM_TOKEN"):
        core.put.check_values({"note": VALUE})


def test_host_without_secrets_passes_everything_on(tmp_path: Path) -> None:
    core = Core(tmp_path, Masks())
    start = a_start(a_flow(), note=VALUE)
    inputs: list[Input] = [start, FlowUnreadable(why=VALUE), Started(key=KEY, at=Instant(1))]

    for one in inputs:
        core.put(Incoming(input=one))
    core.put.check(start)

    assert [one.input for one in core] == inputs
