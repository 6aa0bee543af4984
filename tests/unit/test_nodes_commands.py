"""How commands are handed to the warden and its words become reports; the warden is a fake."""

import asyncio
import errno
import os
import resource
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from floe.model.ids import Instant
from floe.model.signal import Exited, Failed, Reported, Started, Stopped
from floe.model.work import Exec, Git, GitCheckout, GitMerge
from floe.nodes import commands, spare_inputs, warden
from floe.nodes.attempt_files import OUTPUTS_BYTES_MAX, input_path, json_path, outputs_path
from floe.nodes.base import Job
from floe.nodes.commands import Commands
from floe.nodes.preparation import CommandSettings
from floe.places import Places
from floe.repository.task import Task
from tests.make_nodes import Reports, a_job, a_key
from tests.make_warden import until

AT = 1_795_600_800_000


class FakeWarden(warden.WardenClient):
    """Keeps what it was asked; says what the test makes it say."""

    def __init__(
        self,
        root: Path,
        listener: Callable[[warden.WardenReport], None],
        placed: Callable[[], None],
    ) -> None:
        self.say = listener
        self.placed = placed
        self.spawned: list[warden.Spawn] = []
        self.stopped: list[str] = []
        self.dropped: list[str] = []
        self.keeps: tuple[str, ...] = ()
        self.room: tuple[int, str] = (0, "")

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    def spawn(self, spec: warden.Spawn) -> None:
        self.spawned.append(spec)

    def stop(self, key: str) -> None:
        self.stopped.append(key)

    def taken(self, key: str) -> None:
        self.dropped.append(key)

    def problem(self) -> str:
        return ""

    def kept(self) -> tuple[str, ...]:
        return self.keeps

    def places(self) -> tuple[int, str]:
        return self.room

    @property
    def is_reached(self) -> bool:
        return True

    def no_room(self, key: object) -> None:
        self.say(warden.NotStarted(key=str(key), error="no more files", at=AT, errno=errno.EMFILE))

    def begin(self, key: object) -> None:
        self.say(warden.Spawned(key=str(key), pid=7, at=AT))

    def end(self, key: object, status: int = 0, why: warden.Ending = "exited") -> None:
        self.say(warden.CommandExited(key=str(key), status=status, why=why, at=AT + 5))


class House:
    """Commands over a fake warden."""

    def __init__(
        self,
        root: Path,
        commands: int = 2,
        *,
        strict_shell: bool = False,
        places: Places | None = None,
    ) -> None:
        self.root = root
        self.reported = Reports()
        settings = CommandSettings(
            host="h1", workspace_root=root, commands=commands, strict_shell=strict_shell
        )
        self.commands = Commands(root, settings, self._warden, places=places)

    def _warden(
        self,
        root: Path,
        listener: Callable[[warden.WardenReport], None],
        placed: Callable[[], None],
    ) -> warden.WardenClient:
        self.warden = FakeWarden(root, listener, placed)
        return self.warden

    def start(self, job: Job) -> Job:
        self.commands.start(job, self.reported)
        return job

    def spawned(self) -> list[str]:
        return [spec.key for spec in self.warden.spawned]


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def test_a_command_starts_in_its_workspace(house: House) -> None:
    job = house.start(a_job(house.root, Exec(argv=("make", "all")), timeout_s=5.0))

    (spec,) = house.warden.spawned
    assert (spec.argv, spec.cwd, spec.timeout_s) == (("make", "all"), str(job.workspace), 5.0)
    assert (spec.output, spec.attach) == (str(job.output), False)


def test_its_messages_become_one_started_and_one_reported(house: House) -> None:
    key = house.start(a_job(house.root)).key

    house.warden.begin(key)
    house.warden.begin(key)
    house.warden.end(key, 3)
    house.warden.end(key, 3)

    assert house.reported.signals == [
        Started(key=key, at=Instant(AT)),
        Reported(key=key, report=Exited(status=3, outputs={}), at=Instant(AT + 5)),
    ]


def test_an_end_whose_beginning_was_not_seen_was_begun(house: House) -> None:
    key = house.start(a_job(house.root)).key

    house.warden.end(key)

    assert house.reported.started == [key]


@pytest.mark.parametrize(
    ("why", "report"),
    [
        ("timeout", Failed(cause="timeout", why="not finished after 5 s")),
        ("output-limit", Failed(cause="output-limit", why="printed more than 9 bytes")),
        ("stopped", Stopped()),
    ],
)
def test_an_end_from_outside_is_reported_as_such(
    house: House, why: warden.Ending, report: object
) -> None:
    key = house.start(a_job(house.root, timeout_s=5.0, output_max=9)).key

    house.warden.end(key, 143, why)

    assert house.reported.reports == [report]


def test_what_could_not_start_explains_why(house: House) -> None:
    key = house.start(a_job(house.root)).key

    house.warden.say(warden.NotStarted(key=str(key), error="no such file: foo", at=AT))

    assert house.reported.signals[-1:] == [
        Reported(key=key, report=Failed(cause="start", why="no such file: foo"), at=Instant(AT))
    ]


@pytest.mark.parametrize(
    ("put", "found"),
    [
        (os.mkfifo, "a named pipe"),
        (Path.mkdir, "a folder"),
        (lambda path: path.symlink_to(path), "a link"),
        (lambda path: path.symlink_to("/dev/zero"), "a link"),
    ],
)
def test_an_end_is_reported_with_what_is_in_the_place_of_the_output(
    house: House, put: Callable[[Path], None], found: str
) -> None:
    job = house.start(a_job(house.root))
    put(job.output)

    house.warden.end(job.key)

    note = f"its output is lost: {job.output} is {found}, not a plain file"
    assert house.reported.reports == [Exited(status=0, outputs={}, note=note)]


@pytest.mark.parametrize("above", [0, 1], ids=["its folder", "the folder above"])
@pytest.mark.parametrize("put", [os.mkfifo, Path.touch, lambda path: path.symlink_to(path)])
def test_an_end_is_reported_whatever_is_in_the_place_of_a_folder(
    house: House, put: Callable[[Path], None], above: int
) -> None:
    job = house.start(a_job(house.root))
    folder = job.output.parents[above]
    folder.rename(house.root / "before")
    put(folder)

    house.warden.end(job.key, 3)

    (report,) = house.reported.reports
    assert isinstance(report, Exited)
    assert (report.status, f"{folder.name} is " in report.note) == (3, True)


@pytest.mark.parametrize("why", ["timeout", "output-limit", "stopped"])
def test_an_end_from_outside_is_reported_whatever_became_of_the_output(
    house: House, why: warden.Ending
) -> None:
    job = house.start(a_job(house.root, timeout_s=5.0))
    shutil.rmtree(job.output.parent)
    job.output.parent.touch()

    house.warden.end(job.key, 143, why)

    assert [word.key for word in house.reported.signals if isinstance(word, Reported)] == [job.key]


def test_a_place_is_free_again_after_an_end_whose_files_are_odd(house: House) -> None:
    jobs = [house.start(a_job(house.root, key=a_key(serial))) for serial in (1, 2, 3)]
    os.mkfifo(jobs[0].output)

    house.warden.end(jobs[0].key)

    assert house.spawned() == [str(job.key) for job in jobs]


def test_what_is_in_the_place_of_the_outputs_is_named(house: House) -> None:
    job = house.start(a_job(house.root))
    os.mkfifo(outputs_path(job))

    house.warden.end(job.key)

    note = f"its outputs are lost: {outputs_path(job)} is a named pipe, not a plain file"
    assert house.reported.reports == [Exited(status=0, outputs={}, note=note)]


async def test_long_outputs_are_read_in_a_thread_and_reported(house: House) -> None:
    job = house.start(a_job(house.root))
    Path(outputs_path(job)).write_text("".join(f"a{at}=1\n" for at in range(1000)))

    house.warden.end(job.key)
    at_once = house.reported.reports
    await until(lambda: house.reported.reports)

    [report] = house.reported.reports
    assert isinstance(report, Exited)
    assert (at_once, len(report.outputs)) == ([], 1000)


async def test_outputs_of_more_than_1_MiB_are_an_error(house: House) -> None:
    job = house.start(a_job(house.root))
    Path(outputs_path(job)).write_bytes(b"a=" + b"x" * OUTPUTS_BYTES_MAX)

    house.warden.end(job.key)
    at_once = [*house.reported.reports]
    await until(lambda: house.reported.reports)

    [report] = house.reported.reports
    assert (at_once, getattr(report, "cause", "")) == ([], "error")


def test_a_defect_in_a_report_does_not_lose_the_end(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("a defect")

    key = house.start(a_job(house.root)).key
    monkeypatch.setattr("floe.nodes.reports.read_outputs", fail)

    house.warden.end(key)

    assert house.reported.reports == [Failed(cause="error", why="RuntimeError: a defect")]


FULL = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/r/runs")


async def test_command_whose_files_find_no_room_waits_and_is_tried_again(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise FULL

    monkeypatch.setattr(commands, "ROOM_RETRY_S", 0.0)
    with monkeypatch.context() as disk:
        disk.setattr(spare_inputs, "write_input", full)
        job = house.start(a_job(house.root))
        waits = (house.commands.waiting(), house.reported.signals, house.commands.problem())

    await until(house.spawned)

    says = "commands cannot be started: no room for their files: "
    assert waits == ((job.key,), [], says + "No space left on device")
    assert house.spawned() == [str(job.key)]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO])
async def test_command_for_which_the_warden_finds_no_room_is_asked_for_again(
    house: House, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    monkeypatch.setattr(commands, "ROOM_RETRY_S", 0.0)
    key = house.start(a_job(house.root)).key

    house.warden.say(warden.NotStarted(key=str(key), error="no room", at=AT, errno=number))
    waits = house.commands.waiting()
    await until(lambda: len(house.spawned()) == 2)

    assert (waits, house.reported.reports) == ((key,), [])
    assert house.warden.dropped == [str(key)]


async def test_commands_keep_their_order_while_there_is_no_room(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = [house.start(a_job(house.root, key=a_key(n))).key for n in (1, 2, 3)]

    house.warden.say(warden.NotStarted(key=str(keys[0]), error="", at=AT, errno=errno.ENOSPC))

    assert house.commands.waiting() == (keys[0], keys[2])


async def test_problem_is_over_with_the_next_command_that_starts(house: House) -> None:
    first, other = (house.start(a_job(house.root, key=a_key(n))).key for n in (1, 2))
    house.warden.say(warden.NotStarted(key=str(first), error="", at=AT, errno=errno.ENOSPC))

    house.warden.begin(other)

    assert house.commands.problem() == ""


async def test_command_that_waits_for_room_can_be_stopped(house: House) -> None:
    key = house.start(a_job(house.root)).key
    house.warden.say(warden.NotStarted(key=str(key), error="", at=AT, errno=errno.ENOSPC))

    house.commands.stop(key)

    assert house.reported.reports == [Stopped()]


async def test_no_room_is_no_problem_when_nothing_waits_for_it(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands, "ROOM_RETRY_S", 0.0)
    key = house.start(a_job(house.root)).key
    house.warden.say(warden.NotStarted(key=str(key), error="", at=AT, errno=errno.ENOSPC))
    house.commands.stop(key)

    await until(lambda: house.commands.problem() == "")

    assert house.commands.waiting() == ()


def test_nothing_is_begun_while_commands_are_held(house: House) -> None:
    house.commands.hold("has no room in its root")
    key = house.start(a_job(house.root)).key
    held = (house.spawned(), house.commands.waiting())

    house.commands.hold("")

    assert held == ([], (key,))
    assert house.spawned() == [str(key)]


def test_command_that_runs_is_found_again_while_commands_are_held(house: House) -> None:
    house.commands.hold("has no room in its root")

    house.start(a_job(house.root, started=True))

    assert [spec.attach for spec in house.warden.spawned] == [True]


@pytest.fixture
def far(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[House, list[str]]:
    """Commands, one at a time, whose folder `far` may hang; and its problem, if it has one."""
    (tmp_path / "far").mkdir()
    table = tmp_path / "mountinfo"
    table.write_text(f"1 0 0:1 / {tmp_path}/far rw - nfs4 server:/ rw\n")
    places, problems = Places(table), list[str]()
    monkeypatch.setattr(places, "problem_of", lambda name: "".join(problems) if name else "")
    return House(tmp_path, commands=1, places=places), problems


async def test_output_on_a_file_system_that_may_hang_is_written_apart(
    far: tuple[House, list[str]],
) -> None:
    house, _ = far
    house.start(a_job(house.root, output=house.root / "far/out"))
    await until(house.spawned)
    house.warden.end(a_key())
    await until(lambda: house.reported.reports)

    house.start(a_job(house.root, key=a_key(node="near")))

    assert [spec.apart for spec in house.warden.spawned] == [True, False]


async def test_command_whose_file_system_hangs_when_a_place_is_free_lets_the_next_one_start(
    far: tuple[House, list[str]],
) -> None:
    house, problems = far
    first, near, last = (a_key(node=name) for name in ("first", "near", "last"))
    house.start(a_job(house.root, key=first, output=house.root / "far/out"))
    house.start(a_job(house.root, key=near))
    house.start(a_job(house.root, key=last))
    await until(lambda: house.commands.waiting() == (first, last))  # a thread has prepared it

    problems.append("waits for the file system")
    house.warden.end(near)
    stuck, spawned = house.commands.stuck(), house.spawned()
    problems.clear()
    house.warden.end(last)

    assert stuck == {first: "waits for the file system"}
    assert spawned == [str(near), str(last)]
    await until(lambda: str(first) in house.spawned())


def test_what_was_lost_is_reported_as_lost(house: House) -> None:
    key = house.start(a_job(house.root, started=True)).key

    house.warden.say(warden.CommandLost(key=str(key), at=AT))

    assert [getattr(report, "cause", "") for report in house.reported.reports] == ["lost"]


def test_the_report_has_the_outputs_and_the_size_of_the_output(house: House) -> None:
    job = house.start(a_job(house.root))
    job.output.write_text("hello\n")
    Path(outputs_path(job)).write_text("version=1.2\n\n")

    house.warden.end(job.key)

    assert house.reported.reports == [Exited(status=0, outputs={"version": "1.2"}, output_bytes=6)]


def test_outputs_that_cannot_be_read_are_an_error(house: House) -> None:
    job = house.start(a_job(house.root))
    Path(json_path(job)).write_bytes(b"{a")

    house.warden.end(job.key)

    assert [getattr(report, "cause", "") for report in house.reported.reports] == ["error"]


def test_a_recorded_start_is_only_looked_for(house: House) -> None:
    house.start(a_job(house.root, Exec(argv=("rm", "-rf", "x")), started=True))

    (spec,) = house.warden.spawned
    assert (spec.attach, spec.argv) == (True, ())


def test_start_of_a_found_command_is_reported_once(house: House) -> None:
    key = house.start(a_job(house.root, started=True)).key

    house.warden.begin(key)
    house.warden.end(key)

    assert (len(house.reported.started), len(house.reported.reports)) == (1, 1)


def test_starting_twice_is_starting_once(house: House) -> None:
    house.start(house.start(a_job(house.root)))

    assert len(house.warden.spawned) == 1


def test_request_after_the_end_gets_the_end_again(house: House) -> None:
    job = house.start(a_job(house.root))
    house.warden.end(job.key)
    again = Reports()

    house.commands.start(job, again)

    assert again.signals == house.reported.signals[-1:]


def test_more_than_the_limit_wait_in_order(house: House) -> None:
    keys = [house.start(a_job(house.root, key=a_key(n))).key for n in (1, 2, 3, 4)]

    assert house.commands.running() == tuple(keys[:2])
    assert house.commands.waiting() == tuple(keys[2:])
    assert house.spawned() == [str(key) for key in keys[:2]]


def test_each_end_lets_the_next_one_start(house: House) -> None:
    keys = [house.start(a_job(house.root, key=a_key(n))).key for n in (1, 2, 3, 4)]

    house.warden.end(keys[1])

    assert house.commands.running() == (keys[0], keys[2])
    assert house.spawned()[-1] == str(keys[2])


def test_one_found_again_counts_but_never_waits(tmp_path: Path) -> None:
    house = House(tmp_path, commands=1)
    found = [house.start(a_job(tmp_path, key=a_key(n), started=True)).key for n in (1, 2)]

    new = house.start(a_job(tmp_path, key=a_key(3))).key

    assert (house.commands.running(), house.commands.waiting()) == (tuple(found), (new,))


def test_one_that_waits_but_runs_already_is_running(tmp_path: Path) -> None:
    house = House(tmp_path, commands=1)
    keys = [house.start(a_job(tmp_path, key=a_key(n))).key for n in (1, 2)]

    house.warden.begin(keys[1])
    house.warden.end(keys[0])

    assert (house.commands.running(), house.commands.waiting()) == ((keys[1],), ())


def test_stopping_one_that_waits_ends_it_at_once(tmp_path: Path) -> None:
    house = House(tmp_path, commands=1)
    keys = [house.start(a_job(tmp_path, key=a_key(n))).key for n in (1, 2)]

    house.commands.stop(keys[1])

    assert (house.reported.reports, house.warden.stopped) == ([Stopped()], [])
    assert house.commands.waiting() == ()


def test_stopping_one_that_runs_asks_the_warden(house: House) -> None:
    key = house.start(a_job(house.root)).key

    house.commands.stop(key)

    assert (house.reported.reports, house.warden.stopped) == ([], [str(key)])


def test_stopping_what_is_not_there_or_over_is_nothing(house: House) -> None:
    key = house.start(a_job(house.root)).key
    house.warden.end(key)

    house.commands.stop(key)
    house.commands.stop(a_key(9))

    assert house.warden.stopped == []


async def test_what_is_forgotten_leaves_nothing_but_its_output(house: House) -> None:
    job = house.start(a_job(house.root))
    job.output.touch()
    house.warden.end(job.key)

    house.commands.forget(job.key)
    await house.commands.close()

    assert house.warden.dropped == [str(job.key)]
    assert list(job.output.parent.iterdir()) == [job.output]


async def test_next_command_gets_the_input_file_of_the_last(house: House) -> None:
    first = house.start(a_job(house.root, key=a_key(1)))
    number = Path(input_path(first)).stat().st_ino
    house.warden.end(first.key)
    house.commands.forget(first.key)

    second = house.start(a_job(house.root, key=a_key(2)))

    assert Path(input_path(second)).stat().st_ino == number


def test_what_is_not_over_is_not_forgotten(house: House) -> None:
    key = house.start(a_job(house.root)).key

    house.commands.forget(key)

    assert (house.commands.running(), house.warden.dropped) == ((key,), [])


def test_a_thousand_that_cannot_start_free_the_queue(tmp_path: Path) -> None:
    house = House(tmp_path, commands=1)
    first = house.start(a_job(tmp_path, key=a_key(1))).key
    for n in range(2, 1002):
        house.start(a_job(tmp_path, Exec(argv=("x",), sub_dir=".."), key=a_key(attempt=n)))

    house.warden.end(first)

    assert (len(house.reported.reports), house.commands.waiting()) == (1001, ())


def test_sweeping_stops_and_drops_what_nobody_is_owed(house: House) -> None:
    house.warden.keeps = (str(a_key(1)), str(a_key(2)))

    house.commands.sweep(frozenset({a_key(2)}))
    house.warden.end(a_key(1), 143, "stopped")

    assert [(spec.key, spec.attach) for spec in house.warden.spawned] == [(str(a_key(1)), True)]
    assert house.warden.stopped == house.warden.dropped == [str(a_key(1))]
    assert house.reported.signals == []


def test_arguments_are_expanded_but_never_split(house: House) -> None:
    work = Exec(argv=("echo", "$FLOE_IN_NAME", "${GREETING}!", "$UNKNOWN"), env=("GREETING=hi",))
    house.start(a_job(house.root, work, inputs={"name": "a 'b' $(c) $HOME;"}))

    assert house.warden.spawned[0].argv == ("echo", "a 'b' $(c) $HOME;", "hi!", "$UNKNOWN")


def test_shell_text_is_not_touched(house: House) -> None:
    house.start(a_job(house.root, Exec(shell='echo "$HOME" $FLOE_IN_NAME')))  # noqa: S604 - no process

    assert house.warden.spawned[0].argv == ("bash", "-c", 'echo "$HOME" $FLOE_IN_NAME')


def test_the_node_has_the_last_decision_on_the_environment(house: House) -> None:
    work = Exec(argv=("true",), env=("B=$A!",))
    house.start(a_job(house.root, work, env=("A=flow", "B=flow")))

    env = house.warden.spawned[0].env
    assert (env["A"], env["B"]) == ("flow", "flow!")


def test_a_sub_dir_is_made(house: House) -> None:
    job = house.start(a_job(house.root, Exec(argv=("true",), sub_dir="src/a")))

    assert house.warden.spawned[0].cwd == str(job.workspace / "src/a")
    assert (job.workspace / "src/a").is_dir()


@pytest.mark.parametrize("sub_dir", ["..", "/etc", "a/../../b"])
def test_a_sub_dir_outside_the_workspace_could_not_start(house: House, sub_dir: str) -> None:
    house.start(a_job(house.root, Exec(argv=("true",), sub_dir=sub_dir)))

    assert [getattr(report, "cause", "") for report in house.reported.reports] == ["start"]
    assert house.warden.spawned == []


def test_a_workspace_that_cannot_be_made_could_not_start(house: House) -> None:
    (house.root / "spaces").write_text("a file in the way")

    house.start(a_job(house.root))

    assert [getattr(report, "cause", "") for report in house.reported.reports] == ["start"]


@pytest.mark.parametrize(
    ("work", "missing"),
    [
        (GitCheckout(git=Git(branch="main")), "no url"),
        (GitCheckout(git=Git(url="file:///r.git")), "no hash, ref or branch"),
        (GitMerge(git=Git(url="file:///r.git", branch="main")), "no from-branch"),
        (GitCheckout(git=Git(url="file:///", branch="main")), "no name for a folder"),
    ],
)
def test_a_git_node_shows_what_it_lacks(
    house: House, work: GitCheckout | GitMerge, missing: str
) -> None:
    house.start(a_job(house.root, work))

    (report,) = house.reported.reports
    assert isinstance(report, Failed)
    assert (report.cause, missing in report.why) == ("start", True)


def test_values_reach_git_as_operands_of_the_fixed_program(house: House) -> None:
    git = Git(url="git@host:org/repo.git", hash="", branch="$(touch x)", key_file="/k/it's mine")
    job = house.start(a_job(house.root, GitCheckout(git=git)))

    (spec,) = house.warden.spawned
    task = Task.parse(spec.argv[-1])
    assert task == Task(
        operation="checkout",
        where=f"{job.workspace}/repo",
        state=str(job.workspace.with_name(f".{job.workspace.name}")),
        kind="branch",
        value="$(touch x)",
        url="git@host:org/repo.git",
    )
    assert spec.env["GIT_SSH_COMMAND"].endswith("""-i '/k/it'"'"'s mine'""")
    assert spec.env["GIT_TERMINAL_PROMPT"] == "0"


def test_a_value_becomes_an_argument_as_it_is(house: House) -> None:
    work = Exec(argv=("echo", "$FLOE_IN_X", "$$"))
    house.start(a_job(house.root, work, inputs={"x": "$(id) a"}, has_escapes=True))

    (spec,) = house.warden.spawned
    assert spec.argv == ("echo", "$(id) a", "$")


def test_a_shell_gets_its_code_without_values(house: House) -> None:
    work = Exec(argv=("bash", "-c", "echo $$FLOE_IN_X"))
    house.start(a_job(house.root, work, inputs={"x": "$(id)"}, has_escapes=True))

    (spec,) = house.warden.spawned
    assert spec.argv == ("bash", "-c", "echo $FLOE_IN_X")
    assert spec.env["FLOE_IN_X"] == "$(id)"


@pytest.mark.parametrize(
    ("argv", "env"),
    [
        (("python3", "-c", "print('$FLOE_IN_X')"), ()),
        (("$FLOE_IN_X",), ()),
        (("tar", "-xf", "a", "$FLOE_IN_X"), ()),
        (("make",), ("MAKEFLAGS=$FLOE_IN_X",)),
        (("python3", "-c", "$A"), ("A=$FLOE_IN_X",)),
    ],
)
def test_a_flow_of_an_earlier_release_fails_where_a_value_would_become_code(
    house: House, argv: tuple[str, ...], env: tuple[str, ...]
) -> None:
    house.start(a_job(house.root, Exec(argv=argv), inputs={"x": "-rf"}, env=env))

    (report,) = house.reported.reports
    assert isinstance(report, Failed)
    assert (report.cause, "; try: " in report.why, house.warden.spawned) == ("start", True, [])


def test_a_flow_of_an_earlier_release_keeps_its_meaning_where_it_is_safe(house: House) -> None:
    work = Exec(argv=("bash", "-c", "echo $$ '$A' \"$FLOE_IN_X\"", "$FLOE_IN_X"))
    house.start(a_job(house.root, work, inputs={"x": "$(id)"}, env=("A=b",)))

    (spec,) = house.warden.spawned
    assert spec.argv == ("bash", "-c", "echo $$ 'b' \"$FLOE_IN_X\"", "$(id)")


@pytest.mark.parametrize(
    ("of_flow", "of_host", "argv"),
    [
        (None, False, ("bash", "-c", "a")),
        (None, True, ("bash", "-e", "-o", "pipefail", "-c", "a")),
        (True, False, ("bash", "-e", "-o", "pipefail", "-c", "a")),
        (False, True, ("bash", "-c", "a")),
    ],
)
def test_a_shell_is_strict_where_the_flow_or_else_the_host_is(
    tmp_path: Path, of_flow: bool | None, of_host: bool, argv: tuple[str, ...]
) -> None:
    house = House(tmp_path, strict_shell=of_host)
    house.start(a_job(house.root, Exec(shell="a"), strict_shell=of_flow))  # noqa: S604 - not run

    (spec,) = house.warden.spawned
    assert spec.argv == argv


def test_lines_that_are_no_outputs_are_named_with_the_end(house: House) -> None:
    job = house.start(a_job(house.root))
    Path(outputs_path(job)).write_text("notes=first\nsecond\nthird\n")

    house.warden.end(job.key)

    (report,) = house.reported.reports
    assert isinstance(report, Exited)
    assert report.outputs == {"notes": "first"}
    assert report.note.startswith("2 lines in FLOE_OUTPUTS ignored, not name=value: `second`")


@pytest.mark.parametrize("argv", [("./a.sh",), ("bash", "a.sh"), ("sh", "./a.sh", "x")])
def test_a_script_with_windows_line_ends_that_fails_is_named(
    house: House, argv: tuple[str, ...]
) -> None:
    job = house.start(a_job(house.root, Exec(argv=argv)))
    (job.workspace / "a.sh").write_bytes(b"#!/usr/bin/env bash\r\nls\r\n")

    house.warden.end(job.key, 127)

    (report,) = house.reported.reports
    assert isinstance(report, Exited)
    assert "a.sh: its first line ends in CR" in report.note


def test_nothing_is_reported_about_a_script_that_fails_for_another_reason(house: House) -> None:
    job = house.start(a_job(house.root, Exec(argv=("bash", "a.sh"))))
    (job.workspace / "a.sh").write_bytes(b"exit 3\n")

    house.warden.end(job.key, 3)

    assert house.reported.reports == [Exited(status=3, outputs={})]


def test_a_warden_with_less_room_than_the_settings_is_given_no_more(tmp_path: Path) -> None:
    house = House(tmp_path, commands=5)
    house.warden.room = (2, "the limit of open files (34) allows no more")

    keys = [house.start(a_job(tmp_path, key=a_key(n))).key for n in range(3)]

    assert house.spawned() == [str(key) for key in keys[:2]]
    assert house.commands.waiting() == (keys[2],)
    assert str(house.commands.limit()) == "2 at once: the limit of open files (34) allows no more"


def test_more_places_at_the_warden_are_taken_at_once(tmp_path: Path) -> None:
    house = House(tmp_path, commands=5)
    house.warden.room = (1, "the limit of processes of its cgroup allows no more")
    keys = [house.start(a_job(tmp_path, key=a_key(n))).key for n in range(3)]

    house.warden.room = (2, "the limit of processes of its cgroup allows no more")
    house.warden.placed()

    assert house.spawned() == [str(key) for key in keys[:2]]


def test_a_warden_with_more_room_changes_nothing(tmp_path: Path) -> None:
    house = House(tmp_path, commands=1)
    house.warden.room = (9, "")

    for n in range(2):
        house.start(a_job(tmp_path, key=a_key(n)))

    assert len(house.spawned()) == 1
    assert house.commands.limit() is None


async def test_an_end_without_an_open_file_to_read_is_reported_once_there_is_one(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("floe.nodes.commands.ROOM_RETRY_S", 0.0)
    job = house.start(a_job(house.root))
    Path(outputs_path(job)).write_text("n=7\n")
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)

    resource.setrlimit(resource.RLIMIT_NOFILE, (3, limits[1]))
    house.warden.end(job.key)
    early = house.reported.reports
    resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    await until(lambda: house.reported.reports)

    assert early == []
    assert house.reported.reports == [Exited(status=0, outputs={"n": "7"})]


async def test_an_attempt_without_room_waits_at_the_head_and_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("floe.nodes.commands.ROOM_RETRY_S", 0.0)
    house = House(tmp_path, commands=1)
    first, second = (house.start(a_job(tmp_path, key=a_key(n))).key for n in (1, 2))

    house.warden.no_room(first)

    assert house.commands.waiting() == (first, second)
    assert house.warden.dropped == [str(first)]
    assert house.commands.problem() == "commands cannot be started: no more files"
    assert house.reported.signals == []
    async with asyncio.timeout(20):
        while len(house.spawned()) < 2:  # noqa: ASYNC110 - a timer announces nothing
            await asyncio.sleep(0)
    assert house.spawned() == [str(first), str(first)]
    house.warden.begin(first)
    assert house.commands.problem() == ""


async def test_an_attempt_without_room_that_was_stopped_is_not_tried_again(house: House) -> None:
    key = house.start(a_job(house.root)).key
    house.commands.stop(key)

    house.warden.no_room(key)

    assert house.reported.reports == [Stopped()]
    assert house.commands.waiting() == ()
