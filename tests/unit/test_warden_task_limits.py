"""How many commands the limits of processes allow, read from a /proc and cgroups of the test's."""

import os
from pathlib import Path

import pytest

from floe.warden.task_limits import TaskCounts, groups

MOUNTS = {
    "cgroup2": "30 24 0:26 {root} {point} rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate",
    "cgroup": "38 32 0:33 {root} {point} rw,nosuid shared:9 - cgroup cgroup rw,pids",
}
USER = os.getuid() or 7
"""A user who is not root."""
OF_SELF = {"cgroup2": "0::{path}", "cgroup": "8:pids:{path}\n5:cpu:/"}


class Machine:
    """A /proc with processes, and cgroups with limits."""

    def __init__(self, root: Path) -> None:
        self.proc, self.groups = root / "proc", root / "cgroup"
        (self.proc / "self").mkdir(parents=True)
        self.groups.mkdir()

    def group(self, path: str, most: str, used: int) -> None:
        """Give a cgroup a limit."""
        folder = self.groups / path
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "pids.max").write_text(f"{most}\n")
        (folder / "pids.current").write_text(f"{used}\n")

    def inside(self, path: str, kind: str = "cgroup2", root: str = "/") -> None:
        """Put this process into a cgroup."""
        mount = MOUNTS[kind].format(root=root, point=self.groups)
        (self.proc / "self" / "mountinfo").write_text(
            f"21 1 0:5 / /proc rw - proc proc rw\n{mount}\n"
        )
        (self.proc / "self" / "cgroup").write_text(OF_SELF[kind].format(path=path) + "\n")

    def limit_user(self, soft: str) -> None:
        """Limit the processes of this user."""
        line = f"Max processes             {soft}                 unlimited            processes"
        (self.proc / "self" / "limits").write_text(f"Limit  Soft Limit\n{line}\n")

    def process(self, pid: int, threads: int = 1) -> int:
        """A process of `USER`."""
        for number in range(threads):
            (self.proc / str(pid) / "task" / str(number)).mkdir(parents=True)
        if os.getuid() != USER:
            os.chown(self.proc / str(pid), USER, -1)
        return pid


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def tasks(machine: Machine, user: int = 0) -> TaskCounts:
    return TaskCounts(str(machine.proc), user)


@pytest.mark.parametrize("kind", MOUNTS)
def test_four_processes_are_kept_free_for_each_command(machine: Machine, kind: str) -> None:
    machine.inside("/floe", kind)
    machine.group("floe", "100", 12)

    assert tasks(machine).fit(0, tuple) == (
        (100 - 12 - 16) // 4,
        "the limit of processes of its cgroup (100, of which others use 12) allows no more",
    )


def test_a_command_that_runs_keeps_its_place_whatever_it_has_started(machine: Machine) -> None:
    machine.inside("/floe")
    machine.group("floe", "100", 12)
    idle = tasks(machine).fit(0, tuple)
    pids = [machine.process(71), machine.process(72)]
    machine.group("floe", "100", 12 + 2)

    assert tasks(machine).fit(2, lambda: pids) == idle


def test_a_command_with_many_processes_leaves_fewer_places(machine: Machine) -> None:
    machine.inside("/floe")
    machine.group("floe", "100", 12 + 40)
    pids = [machine.process(71, threads=40)]

    count, _ = tasks(machine).fit(1, lambda: pids) or (0, "")

    assert count == 1 + (100 - 52 - 16) // 4


def test_the_tightest_cgroup_above_counts(machine: Machine) -> None:
    machine.inside("/slice/floe")
    machine.group("slice/floe", "max", 3)
    machine.group("slice", "56", 20)

    count, why = tasks(machine).fit(0, tuple) or (0, "")

    assert (count, "(56, of which others use 20)" in why) == (5, True)


def test_a_limit_that_others_have_used_up_leaves_one_place(machine: Machine) -> None:
    machine.inside("/floe")
    machine.group("floe", "20", 20)

    assert (tasks(machine).fit(0, tuple) or (0,))[0] == 1


@pytest.mark.parametrize("most", ["max", ""], ids=["none", "unreadable"])
def test_without_a_limit_nothing_is_counted(machine: Machine, most: str) -> None:
    machine.inside("/floe")
    machine.group("floe", most, 12)

    assert tasks(machine).fit(0, tuple) is None


def test_a_container_sees_its_cgroup_where_it_is_mounted(machine: Machine) -> None:
    machine.inside("/docker/4711/job", "cgroup", root="/docker/4711")
    machine.group("", "100", 12)
    machine.group("job", "50", 12)

    assert groups(str(machine.proc)) == [str(machine.groups / "job"), str(machine.groups)]


def test_a_cgroup_that_is_not_seen_from_here_counts_as_what_is_mounted(machine: Machine) -> None:
    machine.inside("/elsewhere", "cgroup", root="/docker/4711")
    machine.group("", "100", 12)

    assert groups(str(machine.proc)) == [str(machine.groups)]


def test_threads_of_a_user_count_against_the_limit_of_the_user(machine: Machine) -> None:
    machine.limit_user("60")
    machine.process(71, threads=20)

    assert tasks(machine, USER).fit(0, tuple) == (
        (60 - 20 - 16) // 4,
        "the limit of processes of its user (60, of which others use 20) allows no more",
    )


def test_root_is_held_to_no_limit_of_a_user(machine: Machine) -> None:
    machine.limit_user("60")

    assert tasks(machine, user=0).fit(0, tuple) is None
