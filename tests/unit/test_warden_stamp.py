"""The number by which an attempt's processes are known."""

import os
import resource
import subprocess
import sys

import pytest

from floe.warden.stamp import LIMIT, stamped

NEXT = "from floe.warden.stamp import Stamps; s = Stamps(); print(s.next(), s.next())"


def numbers(hard: int = resource.RLIM_INFINITY) -> list[int]:
    """Two numbers of a process under a limit; it takes them on, so it is a process of its own."""
    run = subprocess.run(
        [
            sys.executable,
            "-c",
            f"import resource; resource.setrlimit({LIMIT}, ({hard},) * 2); {NEXT}",
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    return [int(number) for number in run.stdout.split()]


def test_each_number_is_lower_so_that_it_needs_no_rights() -> None:
    first, second = numbers()

    assert first > second


def test_two_wardens_have_other_numbers() -> None:
    assert not {*numbers()} & {*numbers()}


def test_a_warden_under_another_goes_on_below_its_number() -> None:
    outer = numbers()[1]

    assert max(numbers(outer)) < outer


def test_a_real_limit_is_left_as_it_is() -> None:
    assert numbers(200_000) == [0, 0]


@pytest.mark.parametrize("pid", [os.getpid(), 2**22 + 1], ids=["without", "gone"])
def test_a_process_without_a_number_has_none(pid: int) -> None:
    assert stamped(pid) == 0
